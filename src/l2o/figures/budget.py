"""The sentence that states preset and budget, also where the largest preset is reduced."""

from __future__ import annotations


def stated_budget(preset: str, note: str) -> str:
    """Return e.g. "Preset: paper (ten runs; 600 of the paper's 10,000 initialisations)."."""
    if note.startswith(f"{preset} preset"):
        return f"{note[0].upper()}{note[1:].rstrip('.')}."
    budget = f" ({note.rstrip('.')})" if note else ""
    return f"Preset: {preset}{budget}."

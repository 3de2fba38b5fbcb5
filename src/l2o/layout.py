"""Where the artifacts of Figure 5 lie: patterns of paths, with wildcards in braces.

The rules and the proofs of what is valid both take their paths from here.
"""

from __future__ import annotations


class Fig5Layout:
    """Paths of one preset; no two presets share any but those of the released dictionary."""

    def __init__(self, preset: str) -> None:
        results, reports = f"results/{preset}/fig5", f"reports/{preset}"
        self.reports = reports
        self.logs, self.benchmarks = f"logs/{preset}/fig5", f"benchmarks/{preset}/fig5"

        self.dictionary = f"{results}/dictionaries/{{dictionary}}.h5"
        self.optimizee_set = f"{results}/sets/{{setting}}.h5"
        self.checkpoint = f"{results}/checkpoints/{{setting}}/{{method}}.safetensors"
        self.history = f"{results}/histories/{{setting}}/{{method}}.csv"
        self.training_seconds = f"{results}/training_seconds/{{setting}}/{{method}}.json"
        # Outside the results: a state in progress is nothing to keep or to share.
        self.unfinished = f"unfinished/{preset}/fig5/{{setting}}/{{method}}.safetensors"
        self.setting_curves = f"{results}/curves/{{setting}}.csv"
        self.solve_seconds = f"{results}/solve_seconds/{{setting}}.csv"

        self.curves = f"{reports}/fig5_curves.csv"
        self.timings = f"{reports}/fig5_timings.csv"
        self.table = f"{reports}/fig5_table.csv"
        self.table_text = f"{reports}/fig5_table.md"
        self.metrics = f"{reports}/fig5_metrics.json"
        self.figure = f"{reports}/fig5.pdf"
        self.picture = f"{reports}/fig5.png"

        # Pages that only the report needs, and embeds.
        self.table_page = f"results/{preset}/pages/fig5_table.html"
        self.provenance_page = f"results/{preset}/pages/provenance.html"

    @property
    def front_page(self) -> dict[str, str]:
        """The reports that the default preset also shows at the top: copy by original."""
        originals = (self.figure, self.picture, self.table, self.table_text)
        return {original.replace(self.reports, "reports"): original for original in originals}

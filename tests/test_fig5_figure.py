"""Figure 5 and its table: stable bytes, odd values, counts, errors, and one style per method."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

from l2o.errors import InputError
from l2o.figures.fig5 import draw_fig5
from l2o.figures.fig5_table import fig5_table, write_table
from l2o.figures.style import SPARE, STYLES, luminance, styles_for

TITLES = {
    "noiseless": "Noiseless (256, 512)",
    "snr20": "SNR 20 dB (256, 512)",
    "coherent": "Coherent, learned dictionary (256, 512)",
    "large": "Large scale (512, 1024)",
}
NOTE = "laptop preset: reduced training budget"


@pytest.fixture(scope="module")
def reference() -> pd.DataFrame:
    return pd.read_csv(Path(__file__).parents[1] / "data" / "reference" / "fig5.csv")


def rows_of(setting, method, kind, label, nmse) -> pd.DataFrame:
    """A curve (layers,) in dB, with quartiles 2 dB around it."""
    nmse = np.asarray(nmse, float)
    columns = {"setting": setting, "method": method, "kind": kind, "label": label}
    columns |= {"layer": np.arange(len(nmse)), "nmse_db": nmse, "status": "converged"}
    columns |= {"nmse_q25_db": nmse - 2.0, "nmse_q75_db": nmse + 2.0}
    return pd.DataFrame(columns)


def our_curves(reference: pd.DataFrame, gain: float = 1.0, depth: int = 16) -> pd.DataFrame:
    """The published curves ``gain`` dB lower, with classical methods and an oracle beside them."""
    tables = []
    for (setting, method), paper in reference.groupby(["panel", "method"], sort=False):
        nmse = paper["nmse_db"].to_numpy()[: depth + 1] - gain
        tables.append(rows_of(setting, method, "unrolled", method.upper(), nmse))
    steps = np.arange(depth + 1.0)
    for setting in reference["panel"].unique():
        tables.append(rows_of(setting, "ista", "classical", "ISTA (λ = 0.1)", -steps / 8))
        tables.append(rows_of(setting, "fista", "classical", "FISTA (λ = 0.1)", -steps / 2))
        tables.append(rows_of(setting, "step_lista", "unrolled", "Step-LISTA", -steps))
        tables.append(rows_of(setting, "oracle", "oracle", "Oracle", [-26.0]))
    return pd.concat(tables, ignore_index=True)


@pytest.fixture
def odd_curves(reference: pd.DataFrame) -> pd.DataFrame:
    """ALISTA recovers exactly, LFISTA diverges (finite, inf, NaN), LISTA is not a number."""
    curves = our_curves(reference)

    def change(setting, method, first, column, value):
        rows = (curves["setting"] == setting) & (curves["method"] == method)
        curves.loc[rows & (curves["layer"] >= first), column] = value

    change("noiseless", "alista", 14, ["nmse_db", "nmse_q25_db"], -np.inf)
    change("noiseless", "lfista", 8, ["nmse_db", "nmse_q75_db"], 2500.0)
    change("noiseless", "lfista", 10, ["nmse_db", "nmse_q25_db"], np.inf)
    change("noiseless", "lfista", 12, ["nmse_db", "nmse_q25_db", "nmse_q75_db"], np.nan)
    change("noiseless", "lfista", 8, "status", "diverged")
    change("snr20", "lista", 16, "nmse_db", np.nan)
    return curves


def test_same_tables_same_bytes_with_odd_values(tmp_path, reference, odd_curves):
    few = reference[reference["method"].isin(["lista", "alista", "lfista"])]
    titles = {setting: TITLES[setting] for setting in ("noiseless", "snr20")}
    settings_before = dict(mpl.rcParams)
    files = []
    for turn in ("first", "second"):
        pdf, png = tmp_path / turn / "fig5.pdf", tmp_path / turn / "fig5.png"
        draw_fig5(odd_curves, few, "laptop", NOTE, pdf, png, titles)
        files.append((pdf.read_bytes(), png.read_bytes()))
    assert files[0] == files[1]
    pdf, png = files[0]
    assert b"/Count 2" in pdf
    assert b"CreationDate" not in pdf
    assert b"matplotlib" not in (pdf + png).lower()
    assert dict(mpl.rcParams) == settings_before
    assert {path.name for path in tmp_path.glob("*/*")} == {"fig5.pdf", "fig5.png"}


def test_nothing_to_draw_but_divergence_is_drawn(tmp_path, reference):
    one = reference[(reference["panel"] == "large") & (reference["method"] == "lista")]
    curves = rows_of("large", "lista", "unrolled", "LISTA", [np.nan] * 3)
    draw_fig5(curves, one, "smoke", "", tmp_path / "a.pdf", tmp_path / "a.png", {"large": "L"})
    assert fig5_table(curves, one)["status"].tolist() == ["diverged"]


def test_table_counts(reference):
    better, worse = (fig5_table(our_curves(reference, gain), reference) for gain in (1.0, -1.0))
    assert len(better) == len(worse) == 28
    assert set(better["verdict"]) == {"met"}
    assert set(worse["verdict"]) == {"missed"}
    assert set(better["difference_db"]) == {-1.0}
    assert set(fig5_table(our_curves(reference, 0.0), reference)["verdict"]) == {"met"}


def test_table_of_odd_values(reference, odd_curves):
    table = fig5_table(odd_curves, reference).set_index(["setting", "method"])
    exact, lost = table.loc[("noiseless", "alista")], table.loc[("noiseless", "lfista")]
    assert (exact["nmse_db"], exact["verdict"]) == (-np.inf, "met")
    assert (lost["status"], lost["verdict"]) == ("diverged", "missed")
    assert table.loc[("snr20", "lista"), "verdict"] == "missed"
    assert (table["verdict"] == "met").sum() == 26


def test_table_files(tmp_path, reference, odd_curves):
    written = []
    for turn in ("first", "second"):
        csv, md = tmp_path / turn / "t.csv", tmp_path / turn / "t.md"
        write_table(csv, md, fig5_table(odd_curves, reference), TITLES, "laptop", NOTE)
        written.append((csv.read_bytes(), md.read_text(encoding="utf-8")))
    assert written[0] == written[1]
    csv, md = written[0]
    assert len(csv.splitlines()) == 29
    assert b"snr20,lista,LISTA,16,nan,16,-18.36,nan,missed,diverged" in csv.splitlines()
    assert md.count("**") == 2 * 26
    assert "**−∞ / −78.68**" in md
    assert "| diverged / −28.96 |" in md
    assert "26 of 28 cells at or below the published value (readings good to 0.3 dB)." in md
    assert "Laptop preset: reduced training budget." in md


def test_fewer_layers_than_the_paper(tmp_path, reference):
    table = fig5_table(our_curves(reference, depth=4), reference)
    assert set(table["layer"]) == {4}
    assert set(table["paper_layer"]) == {16}
    write_table(tmp_path / "t.csv", tmp_path / "t.md", table, TITLES, "smoke", "tiny")
    text = (tmp_path / "t.md").read_text(encoding="utf-8")
    assert "at layer 4 / layer 16" in text
    assert "Preset: smoke (tiny)." in text


def test_bad_tables_are_named(tmp_path, reference):
    curves = our_curves(reference)
    without_lamp = curves[(curves["method"] != "lamp") | (curves["setting"] != "snr20")]
    with pytest.raises(InputError, match=r"snr20.*lamp"):
        fig5_table(without_lamp, reference)
    with pytest.raises(InputError, match=r"snr20.*lamp"):
        draw_fig5(without_lamp, reference, "laptop", "", tmp_path / "p", tmp_path / "q", TITLES)
    with pytest.raises(InputError, match="status"):
        fig5_table(curves.drop(columns="status"), reference)
    with pytest.raises(InputError, match="panel"):
        fig5_table(curves, reference.drop(columns="panel"))
    with pytest.raises(InputError, match="layer 3 of lista occurs twice"):
        fig5_table(pd.concat([curves, curves[curves["layer"] == 3]]), reference)
    assert not list(tmp_path.iterdir())


def test_styles_tell_methods_apart():
    styles = [*STYLES.values(), *SPARE]
    assert len({look.colour for look in styles}) == len(styles)
    markers = [look.marker for look in styles if look.marker]
    assert len(set(markers)) == len(markers)
    for one, other in pairwise(styles):
        greys_apart = abs(luminance(one.colour) - luminance(other.colour))
        assert one.marker != other.marker or (greys_apart > 0.02 and one.dashes != other.dashes)


def test_unknown_methods_get_spare_styles():
    assert styles_for(["alista", "brand_new"]) == {
        "alista": STYLES["alista"],
        "brand_new": SPARE[0],
    }
    with pytest.raises(InputError, match="no plot style left"):
        styles_for([f"new_{i}" for i in range(len(SPARE) + 1)])

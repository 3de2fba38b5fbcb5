"""Adversarial attacks: losses reached against gradients, and learned attacks beside PGD."""

from __future__ import annotations

from dataclasses import replace

from l2o.figures.compared import Cell, Compared, Text
from l2o.figures.intake import methods_in_order, named_table, our_curves, readings
from l2o.figures.measure import Measure
from l2o.figures.numbers import percent, significant
from l2o.figures.paired import COLUMNS as PAIRED
from l2o.figures.paired import contests, difference, is_above, paired, strongest
from l2o.figures.panels import Panel, curves_page, legend_of
from l2o.figures.style import print_style, styles_for
from l2o.figures.wording import by_setting
from l2o.kinds import LEARNED

OPPONENT = "pgd"  # whom learned attacks are held against, with its best constant step
SAME = 1e-3  # nats; a loss that is lower by less is as high
HARDEST = "_strongest"  # ending of the columns that hold attacks against the strongest by hand
LOSS = Measure(
    value="loss",
    label="Cross-entropy (nats)",
    what="Cross-entropy of the classifier at the attacked images: higher is a better attack.",
    xlabel="Gradients (0: the start)",
    median="loss",
    log=False,
    bottom=0.0,
)
ACCURACY = Measure(
    value="accuracy",
    label="Accuracy under attack",
    what="Accuracy: part of the attacked images that are classified right; the lower, the better.",
    xlabel=LOSS.xlabel,
    **dict.fromkeys(("median", "low", "high"), "accuracy"),
    log=False,
    bottom=0.0,
)
MEASURES = (LOSS, ACCURACY)
_ENDS = ("loss", "loss_q25", "loss_median", "loss_q75", "loss_p1", "accuracy")


def figure(tables, published, about):
    """Return a page of losses and one of accuracies, a panel for each setting."""
    curves = our_curves(tables, about, *MEASURES)
    order = methods_in_order(curves, readings(published, about, "iteration", "loss"))
    styles, pages = styles_for(order), []
    bands = f"Lines: mean over {about.pooled}; bands (learned attacks): quartiles."
    for measure in MEASURES:
        panels = [
            Panel(title, curves[curves["setting"] == setting], measure)
            for setting, title in about.titles.items()
        ]
        words = f"{measure.what} {bands if measure is LOSS else ''} {about.budget}"
        headings = {"first_order": "By hand", "recurrent": "Learned"}
        with print_style():
            legend = legend_of(curves, styles, headings)
            pages.append(curves_page(panels, styles, legend, " ".join(words.split())))
    return pages


def table(tables, published, about):
    """Return what attacks end with, learned ones beside PGD, and what training gave them."""
    finals = named_table(tables, about, "finals", ("method", "variant", *_ENDS))
    rows = finals.reset_index(drop=True)
    rows["gradients"] = [about.facts[setting][1] for setting in rows["setting"]]
    runs, over_pgd = tables["runs"], dict.fromkeys(rows["setting"], OPPONENT)
    rows = rows.join(paired(runs, rows, over_pgd, same=SAME))
    rows = rows.join(paired(runs, rows, strongest(rows, "loss"), same=SAME).add_suffix(HARDEST))
    best = rows.groupby("setting")["loss"].transform("max")
    blocks = [*_losses(rows, best, about), *_tails(rows, about)]
    learned, numbers = contests(rows, HARDEST)
    if len(learned):
        blocks += [*_against(learned, about), *_way(rows, about)]
    if "untrained" in tables:
        blocks += _trained(tables, rows, about)
    pairs = [f"{name}{end}" for end in ("", HARDEST) for name in PAIRED]
    told = ("method", "kind", "label", "gradients", *_ENDS, *pairs, "runs")
    for setting, here in rows.groupby("setting", sort=False):
        named = here.set_index("method")
        numbers[setting] = {
            f"{m}_{value}": float(named.loc[m, value])
            for m in named.index
            for value in ("loss", "accuracy")
        }
    return Compared(rows[["setting", *told]], blocks, numbers)


def _losses(rows, best, about):
    """Return means at the end, with the accuracy that is left."""

    def cell(row):
        first = "met" if row["loss"] == row["best"] else ""
        return Cell(significant(row["loss"], 4), first, percent(row["accuracy"]))

    words = (
        f"Cross-entropy at the end, mean over {about.pooled}, nats, and accuracy under attack. "
        "Higher losses are better attacks; bold: the highest."
    )
    return [Text(words), by_setting(rows.assign(best=best), about.titles, cell)]


def _tails(rows, about):
    """Return median, lower quartile and lowest hundredth."""
    columns = ("loss_median", "loss_q25", "loss_p1")

    def cell(row):
        return Cell("; ".join(significant(row[name]) for name in columns))

    words = "Median; lower quartile; what the images of the lowest hundredth stay below: nats."
    return [Text(words), by_setting(rows, about.titles, cell)]


def _against(learned, about):
    """Return learned attacks against PGD and the strongest one by hand, image by image."""

    def against(end, is_met):
        def cell(row):
            text, below = difference(row, end)
            return Cell(text, "met" if is_met(row) else "", below)

        return by_setting(learned, about.titles, cell)

    words = (
        "Above PGD with as many gradients and its best constant step: mean difference of the "
        "losses of the same images ± its standard error, nats, and the part of images with a loss "
        f"that is lower by more than {SAME:g}. Bold: at or above PGD."
    )
    hardest = "The same, above the attack by hand with the highest mean loss. Bold: by two errors."
    over_pgd = against("", lambda row: row["above"] >= 0)
    over_all = against(HARDEST, lambda row: is_above(row, HARDEST))
    return [Text(words), over_pgd, Text(hardest), over_all]


def _way(rows, about):
    """Return where each learned attack with few gradients stands between PGD with few and many."""
    loss = rows.set_index(["setting", "method"])["loss"]
    texts = []
    for victim in dict.fromkeys(victim for victim, _ in about.facts.values()):
        counts = {about.facts[s][1]: s for s in about.titles if about.facts[s][0] == victim}
        few, many = min(counts), max(counts)
        if few == many:
            continue
        low, high = (loss[counts[count], OPPONENT] for count in (few, many))
        text = (
            f"The {victim} classifier: PGD {significant(low, 4)} with {few} gradients, "
            f"{significant(high, 4)} with {many}"
        )
        here = rows[(rows["setting"] == counts[few]) & rows["kind"].isin(LEARNED)]
        for _, row in here.iterrows():
            text += f"; {row['label']} with {few}: {significant(row['loss'], 4)}"
            if high > low and row["loss"] >= low:
                text += f", {percent((row['loss'] - low) / (high - low))} of the way"
        texts.append(Text(f"{text}."))
    return texts


def _trained(tables, rows, about):
    """Return learned attacks as their trainings begin, and trained."""
    known = _only(about, tables["untrained"]["setting"])
    before = named_table(tables, known, "untrained", ("method", "kind", "label", "loss"))
    after = rows.set_index(["setting", "method"])

    def cell(row):
        end = after.loc[(row["setting"], row["method"])]
        losses = " → ".join(significant(of["loss"], 4) for of in (row, end))
        return Cell(losses, "", " → ".join(percent(of["accuracy"]) for of in (row, end)))

    words = "As training begins → trained: cross-entropy, nats, and accuracy under attack."
    return [Text(words), by_setting(before, known.titles, cell)]


def _only(about, settings):
    """Return what a report is told, about some settings only."""
    return replace(about, titles={s: about.titles[s] for s in about.titles if s in {*settings}})

"""Where artifacts lie: patterns of paths, with wildcards in braces.

The rules and the proofs of what is valid both take their paths from here.
"""

from __future__ import annotations

PROVENANCE_PAGE = "results/{preset}/pages/provenance.html"  # of all figures, for the report
CLAIMS, CLAIMS_TEXT = "reports/{preset}/claims.csv", "reports/{preset}/claims.md"
CLAIMS_FRONT_PAGE = "reports/claims.md"  # the default preset's, at the top


DIGITS = "results/{preset}/mnist/digits.h5"  # of all figures on MNIST


class FigureLayout:
    """Paths that every figure has under one preset.

    Parameters
    ----------
    figure_name : such as ``fig5``
    preset : no two share any path
    """

    def __init__(self, figure_name: str, preset: str) -> None:
        self.figure_name = figure_name
        self.results, self.reports = f"results/{preset}/{figure_name}", f"reports/{preset}"
        self.logs = f"logs/{preset}/{figure_name}"
        self.benchmarks = f"benchmarks/{preset}/{figure_name}"

        self.optimizee_set = f"{self.results}/sets/{{setting}}.h5"
        self.checkpoint = f"{self.results}/checkpoints/{{setting}}/{{method}}.safetensors"
        self.history = f"{self.results}/histories/{{setting}}/{{method}}.csv"
        self.training_seconds = f"{self.results}/training_seconds/{{setting}}/{{method}}.json"
        # Outside the results: a state in progress is nothing to keep or to share.
        self.unfinished = f"unfinished/{preset}/{figure_name}/{{setting}}/{{method}}.safetensors"

        start = f"{self.reports}/{figure_name}"
        self.curves, self.timings = f"{start}_curves.csv", f"{start}_timings.csv"
        self.table, self.table_text = f"{start}_table.csv", f"{start}_table.md"
        self.metrics = f"{start}_metrics.json"
        self.figure, self.picture = f"{start}.pdf", f"{start}.png"
        # A page that only the report needs, and embeds.
        self.table_page = f"results/{preset}/pages/{figure_name}_table.html"

    @property
    def front_page(self) -> dict[str, str]:
        """The reports that the default preset also shows at the top: copy by original."""
        originals = (self.figure, self.picture, self.table, self.table_text)
        return {original.replace(self.reports, "reports"): original for original in originals}


class Fig5Layout(FigureLayout):
    """Paths of Figure 5."""

    def __init__(self, preset: str) -> None:
        super().__init__("fig5", preset)
        self.dictionary = f"{self.results}/dictionaries/{{dictionary}}.h5"
        self.setting_curves = f"{self.results}/curves/{{setting}}.csv"
        self.solve_seconds = f"{self.results}/solve_seconds/{{setting}}.csv"


class Fig6Layout(FigureLayout):
    """Paths of Figure 6."""

    def __init__(self, preset: str) -> None:
        super().__init__("fig6", preset)
        self.method_curves = f"{self.results}/curves/{{setting}}/{{group}}.csv"
        self.setting_seconds = f"{self.results}/solve_seconds/{{setting}}.csv"
        self.seconds = f"{self.reports}/fig6_seconds.csv"
        self.optima = f"{self.reports}/fig6_optima.csv"
        self.seconds_figure = f"{self.reports}/fig6_seconds.pdf"
        self.seconds_picture = f"{self.reports}/fig6_seconds.png"


class Fig7Layout(FigureLayout):
    """Paths of Figure 7."""

    def __init__(self, preset: str) -> None:
        super().__init__("fig7", preset)
        self.oracle = f"{self.results}/oracles/{{setting}}.csv"
        self.setting_grid_search = f"{self.results}/grid_search/{{setting}}.csv"
        self.method_curves = f"{self.results}/curves/{{setting}}/{{group}}.csv"
        self.solve_seconds = f"{self.results}/solve_seconds/{{setting}}/{{group}}.csv"
        self.oracles = f"{self.reports}/fig7_oracles.csv"
        self.grid_search = f"{self.reports}/fig7_grid_search.csv"


class Fig8Layout(FigureLayout):
    """Paths of Figure 8."""

    def __init__(self, preset: str) -> None:
        super().__init__("fig8", preset)
        self.digits = DIGITS.format(preset=preset)
        self.setting_grid_search = f"{self.results}/grid_search/{{setting}}.csv"
        self.method_curves = f"{self.results}/curves/{{setting}}/{{group}}.csv"
        self.method_finals = f"{self.results}/finals/{{setting}}/{{group}}.csv"
        self.solve_seconds = f"{self.results}/solve_seconds/{{setting}}/{{group}}.csv"
        self.finals = f"{self.reports}/fig8_finals.csv"
        self.grid_search = f"{self.reports}/fig8_grid_search.csv"


class Fig3Layout(FigureLayout):
    """Paths of Figure 3 and of what unrolling takes in memory."""

    def __init__(self, preset: str) -> None:
        super().__init__("fig3", preset)
        self.digits = DIGITS.format(preset=preset)
        self.method_curves = f"{self.results}/curves/{{setting}}.csv"
        self.solve_seconds = f"{self.results}/solve_seconds/{{setting}}.csv"
        self.lengths = f"{self.reports}/fig3_lengths.csv"
        self.memory = f"{self.reports}/fig3_memory.csv"
        self.memory_training = f"{self.reports}/fig3_memory_training.csv"
        self.memory_figure = f"{self.reports}/fig3_memory.pdf"
        self.memory_picture = f"{self.reports}/fig3_memory.png"
        self.unfinished_large = f"unfinished/{preset}/fig3/large.safetensors"

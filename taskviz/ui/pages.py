"""The pages in the order of the work, so that every room names them the same way."""

from dataclasses import dataclass
from pathlib import Path

ASSETS = Path(__file__).parent / "assets"


@dataclass(frozen=True)
class PageEntry:
    """One page: file name and URL path, title, icon, one line on what it answers, the heading of
    the navigation that it stands under, and the key that leads there after ``g``."""

    name: str
    title: str
    icon: str
    help: str
    key: str
    section: str = ""

    @property
    def file(self) -> str:
        """Path for ``st.switch_page``."""
        return f"app_pages/{self.name}.py"


PAGES = (
    PageEntry(
        "collection",
        "Collection",
        ":material/dataset:",
        "Choose a task collection or bring your own data; see its tasks, gaps and problems.",
        "c",
    ),
    PageEntry(
        "affinity",
        "Affinity",
        ":material/grid_on:",
        "How much does each task help each other? Heatmap, task graph, estimators side by side.",
        "a",
    ),
    PageEntry(
        "groups",
        "Groups",
        ":material/workspaces:",
        "Which tasks train together when you can afford b models? Move the budget and see.",
        "g",
    ),
    PageEntry(
        "training",
        "Training",
        ":material/model_training:",
        "Train one model a group, live, beside all-together, all-separate and random groups.",
        "t",
    ),
    PageEntry(
        "evidence",
        "Evidence",
        ":material/balance:",
        "Does grouping matter here, which estimator can be trusted, and what do we recommend?",
        "e",
    ),
    PageEntry(
        "optima",
        "Optima",
        ":material/scatter_plot:",
        "Where does one gradient step of each task lead? Maps of optima, to be lassoed.",
        "o",
        "Understand",
    ),
    PageEntry(
        "landscape",
        "Landscape",
        ":material/landscape:",
        "How far apart are the optima, do the bounds hold, and does training change the ranking?",
        "l",
        "Understand",
    ),
    PageEntry(
        "report",
        "Report",
        ":material/description:",
        "One self-contained file with the answer, its evidence and the command that repeats it.",
        "r",
        "Output",
    ),
    PageEntry(
        "laboratory",
        "Laboratory",
        ":material/science:",
        "Two linear tasks on sliders: when does training beside a source help, and when not?",
        "b",
        "Understand",
    ),
    PageEntry(
        "jobs",
        "Jobs",
        ":material/work_history:",
        "Everything that runs or ran: cancel, resume, read the log, see the cache.",
        "j",
        "Output",
    ),
)
SECTIONS = ("", "Understand", "Output")
"""Headings of the navigation, in order; a page without one stands above them all."""
BY_NAME = {entry.name: entry for entry in PAGES}

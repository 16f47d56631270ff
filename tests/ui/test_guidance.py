"""Terms, tour and examples: each page's words are there, and no number is invented."""

import ast
import re
from pathlib import Path

from taskviz.ui import tour
from taskviz.ui.examples import EXAMPLES
from taskviz.ui.glossary import OF_PAGE, TERMS, meaning
from taskviz.ui.pages import BY_NAME

ROOT = Path(__file__).parents[2]
TABLES = (ROOT / "docs" / "paper_tables.md").read_text(encoding="utf-8")


def test_every_page_has_terms_and_every_term_a_meaning() -> None:
    assert set(OF_PAGE) <= set(BY_NAME)
    used = {term for terms in OF_PAGE.values() for term in terms}
    assert used <= set(TERMS)
    assert all(text.endswith(".") and len(text) < 200 for text in TERMS.values())
    assert meaning("budget").startswith("Budget: How many")


def test_the_tour_goes_through_the_pages_in_their_order() -> None:
    pages = [step.page for step in tour.STEPS]
    assert pages == ["collection", "affinity", "groups", "training", "report"]


def test_the_examples_are_cells_of_the_measured_tables() -> None:
    for example in EXAMPLES:
        part = re.split(r"^## ", TABLES, flags=re.M)
        (table,) = [
            text for text in part if text.startswith(f"{example.collection}: Mean test loss")
        ]
        for cell in (example.loss, example.random, example.alone):
            assert cell in table, (example.collection, cell)


CONTROLS = {
    *("selectbox", "multiselect", "slider", "select_slider", "segmented_control", "number_input"),
    *("toggle", "text_input", "metric", "one", "several", "number_field"),
}
PLAIN = ("task", "collection", "job", "group")
"""Terms that every page is full of."""


def test_a_control_whose_label_is_a_term_tells_its_meaning() -> None:
    terms = "|".join(re.escape(term) for term in TERMS if term not in PLAIN)
    silent, seen = [], 0
    for file in (*ROOT.glob("app_pages/*.py"), *ROOT.glob("taskviz/ui/*.py")):
        for call in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if not isinstance(call, ast.Call):
                continue
            name = ast.unparse(call.func).rpartition(".")[2]
            label = call.args[0] if call.args else None
            if ast.unparse(call.func) == "thresholds.slider":
                continue  # has its help within
            if name not in CONTROLS or not isinstance(label, ast.Constant):
                continue
            if re.search(rf"\b({terms})s?\b", str(label.value).lower()):
                seen += 1
                if not any(word.arg == "help" for word in call.keywords):
                    silent.append(f"{file.name}: {label.value}")
    assert silent == []
    assert seen > 20

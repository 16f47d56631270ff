"""Every method that can be chosen is explained: formula, source, cost, when it fails."""

import re
from collections.abc import Iterable
from pathlib import Path

import pytest

from taskviz.affinity import ESTIMATORS
from taskviz.grouping import GROUPERS
from taskviz.training.weighting import weighting_names

PAGES = Path(__file__).resolve().parents[2] / "docs" / "methods"
PARTS = ("Formula.", "Source.", "Cost.", "Fails when")


def sections(page: str) -> dict[str, str]:
    """Published name → text of its section."""
    text = (PAGES / f"{page}.md").read_text(encoding="utf-8")
    found: dict[str, str] = {}
    for part in re.split(r"^### ", text, flags=re.M)[1:]:
        heading, _, body = part.partition("\n")
        name = re.search(r"\(`(.+)`\)$", heading)
        assert name, f"the heading {heading!r} of {page}.md names no method"
        assert name[1] not in found, f"{name[1]} stands twice in {page}.md"
        found[name[1]] = re.split(r"^## ", body, flags=re.M)[0]
    return found


@pytest.mark.parametrize(
    ("page", "names"),
    [("estimators", ESTIMATORS), ("groupers", GROUPERS), ("weightings", weighting_names())],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_every_method_has_a_section_with_four_parts(page: str, names: Iterable[str]) -> None:
    found = sections(page)
    assert set(found) == set(names)
    for name, text in found.items():
        starts = [re.escape(f"**{part}**") for part in PARTS]
        for part, start in zip(PARTS, starts, strict=True):
            body = re.search(rf"^{start}(.+?)(?=^\*\*|\Z)", text, flags=re.M | re.S)
            assert body, f"{page}.md: {name} has no part {part!r}"
            assert body[1].strip(" .\n"), f"{page}.md: {name} says nothing under {part!r}"

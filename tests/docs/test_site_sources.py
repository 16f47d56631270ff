"""Links lead somewhere, every public name is on the API page, the citation says what we are."""

import re
from pathlib import Path

import pytest
import yaml

import taskviz
from taskviz import values

ROOT = Path(__file__).resolve().parents[2]
WRITTEN_WHILE_BUILDING = {ROOT / "docs" / "reference" / "command_line.md"}
PAGES = sorted(
    page
    for page in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    if "_build" not in page.parts and page not in WRITTEN_WHILE_BUILDING
)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_to_files_that_are_there(page: Path) -> None:
    text = re.sub(r"^```.*?^```", "", page.read_text("utf-8"), flags=re.M | re.S)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", target) or target.startswith("#"):
            continue
        place = (page.parent / target.partition("#")[0]).resolve()
        assert place.is_relative_to(ROOT), f"{page.name} leads out of the project: {target}"
        assert place.exists() or place in WRITTEN_WHILE_BUILDING, f"{page.name}: {target}"


def test_every_public_name_is_on_the_api_page() -> None:
    text = (ROOT / "docs" / "reference" / "api.md").read_text("utf-8")
    shown = set(re.findall(r"autofunction:: taskviz\.(\w+)$", text, re.M))
    # The error stands among the values.
    assert shown == set(dir(taskviz)) - {"__version__", "TaskvizError"}
    members = re.search(r"automodule:: taskviz\.values\n\s+:members: (.+)", text)
    assert members
    listed = set(members[1].split(", "))
    classes = {"Task", "TaskCollection", "AffinityMatrix", "SubsetTable", "Grouping"}
    assert classes | {"TrainingResult", "TaskvizError"} <= listed <= set(values.__all__)


def test_the_citation_is_whole() -> None:
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
    assert cited["cff-version"] == "1.2.0"
    assert cited["version"] == taskviz.__version__
    assert cited["license"] == "MIT"
    for work in (cited, *cited["references"]):
        assert work["title"]
        assert work["authors"]
        assert all(person.get("family-names") or person.get("name") for person in work["authors"])
    assert len(cited["references"]) == 2


def test_the_changelog_tells_of_this_version() -> None:
    text = (ROOT / "CHANGELOG.md").read_text("utf-8")
    versions = re.findall(r"^## \[(.+?)\]", text, re.M)
    assert versions[0] == "Unreleased"
    assert taskviz.__version__ in versions

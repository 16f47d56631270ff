"""The report as Markdown: every sentence and table; figures by their words or as files."""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from taskviz.report.document import Document
from taskviz.report.tables import Table
from taskviz.values.escaping import markdown_safe

Part = Mapping[str, Any]


def markdown_text(document: Document, figures: Mapping[int, str] | None = None) -> str:
    """GitHub-flavoured Markdown; texts of users are escaped, notes stand as they were written.

    Args:
        document: what is told.
        figures: number of a chart → path of its picture, relative to the file.
    """
    return _Writer(document, figures or {}).text()


class _Writer:
    def __init__(self, document: Document, figures: Mapping[int, str]) -> None:
        self.document, self.figures = document, figures
        self.lines: list[str] = []

    def text(self) -> str:
        """The whole file."""
        parts, notes = self.document.parts, self.document.design.notes
        self.put(f"# {markdown_safe(parts['title'])}", f"taskviz report, {parts['written']}")
        summary = parts["summary"]
        self.put("## Summary", markdown_safe(summary.question))
        for heading in ("answer", "evidence", "cost", "doubts"):
            sentences = getattr(summary, heading)
            if sentences:
                shown = "Recommendation" if heading == "answer" else heading.capitalize()
                self.put(f"### {shown}")
                self.bullets(sentences)
        if notes.get(parts["whole"]):
            self.put("## Notes")
            self.note(notes[parts["whole"]])
        drawn: Mapping[str, Callable[[Any], None]] = {
            "affinity": self.affinities,
            "groups": self.groups,
            "comparison": self.comparison,
            "scenarios": self.scenarios,
            "results": self.results,
            "runs": self.runs,
        }
        for name, heading in parts["sections"]:
            self.put(f"## {heading}")
            self.note(notes.get(name, ""))
            if name == "collection":
                self.collection()
            elif name == "repeat":
                self.repeat()
            else:
                drawn[name](parts["body"][name])
        return "\n\n".join(self.lines) + "\n"

    def put(self, *blocks: str) -> None:
        """Blocks of text."""
        self.lines += [block for block in blocks if block]

    def bullets(self, sentences: Iterable[str]) -> None:
        """A list."""
        self.put("\n".join(f"- {markdown_safe(sentence)}" for sentence in sentences))

    def note(self, text: str) -> None:
        """What the author wrote, as a quotation, so that its headings stay inside; no raw HTML."""
        if text.strip():
            bare = text.replace("<", "&lt;")
            self.put("\n".join(f"> {line}".rstrip() for line in bare.splitlines()))

    def table(self, table: Table | None) -> None:
        """A table, numbers to the right."""
        if table is None:
            return
        rows = [
            "| " + " | ".join(markdown_safe(name) for name in table.columns) + " |",
            "|"
            + "|".join(
                " ---: " if i in table.numeric else " --- " for i in range(len(table.columns))
            )
            + "|",
            *("| " + " | ".join(markdown_safe(cell) for cell in row) + " |" for row in table.rows),
        ]
        self.put("\n".join(rows))
        if table.left_out:
            self.put(f"{table.left_out:,} more rows are in the data of the report.")

    def charts(self, charts: Iterable[Part]) -> None:
        """Each figure: its picture or its words, its caption, its table."""
        for chart in charts:
            self.put(f"#### {markdown_safe(chart['title'])}")
            path, alt = self.figures.get(chart["number"]), markdown_safe(chart["alt"])
            self.put(f"![{alt}]({path})" if path else alt)
            self.put(markdown_safe(chart["caption"]))
            self.note(self.document.design.notes.get(chart["key"], ""))
            self.table(chart["table"])

    def collection(self) -> None:
        """Facts and tasks."""
        facts = self.document.parts["facts"]
        self.table(Table(("what", "value"), facts.rows))
        self.table(facts.table)

    def affinities(self, parts: Iterable[Part]) -> None:
        """Every matrix."""
        for part in parts or ():
            self.put(f"### {markdown_safe(part['heading'])}", markdown_safe(part["statement"]))
            self.bullets(part["notes"])
            self.charts(part["charts"])
            self.table(part["settings"])
        if not parts:
            self.put("Missing: no affinity was computed for this report.")

    def groups(self, parts: Iterable[Part]) -> None:
        """Every plan."""
        for part in parts or ():
            self.put(f"### {markdown_safe(part['heading'])}")
            self.plan(part)
        if not parts:
            self.put("Missing: no groups were chosen for this report.")

    def plan(self, part: Part) -> None:
        """One plan."""
        self.put(markdown_safe(part["statement"]))
        self.bullets(part["notes"])
        self.table(part["table"])
        self.charts(part["charts"])
        self.table(part["settings"])

    def comparison(self, part: Part) -> None:
        """Two plans as a difference."""
        self.put(markdown_safe(part["statement"]))
        lines = [
            " ".join(
                [
                    f"- {letter}:",
                    *(f"− {markdown_safe(task)}" for task in out),
                    *(f"\\+ {markdown_safe(task)}" for task in new),
                ]
            )
            for letter, out, new in part["groups"]
        ]
        self.put("\n".join(lines))
        self.table(part["table"])
        self.charts(part["charts"])

    def scenarios(self, parts: Iterable[Part]) -> None:
        """Pinned plans with what was said of them."""
        for part in parts:
            self.put(f"### {markdown_safe(part['name'])}", markdown_safe(part["remark"]))
            self.bullets(
                f"{author}, {moment}: {words}" for author, moment, words in part["comments"]
            )
            self.plan(part)

    def results(self, part: Part | None) -> None:
        """A run."""
        if part is None:
            self.put("Missing: nothing was trained for this report.")
            return
        self.bullets(part["sentences"])
        self.put(markdown_safe(part["caption"]))
        self.table(part["table"])
        self.charts(part["charts"])
        self.bullets(part["notes"])
        self.table(part["metrics"])
        self.charts(part["curves"])
        self.table(part["settings"])

    def runs(self, parts: Iterable[Part]) -> None:
        """Further runs."""
        for part in parts:
            self.put(f"### {markdown_safe(part['name'])}")
            self.results(part)

    def repeat(self) -> None:
        """Commands and versions."""
        parts = self.document.parts
        self.put("With the same version, data and device these commands give the same numbers.")
        self.put(_fenced("sh", "\n".join(self.document.repeat.lines)))
        self.bullets(self.document.repeat.notes)
        if parts["repeat_plan"]:
            self.put("The plan, grouping.json:", _fenced("json", parts["repeat_plan"]))
        self.table(parts["versions"])


def _fenced(language: str, text: str) -> str:
    """A code block that its own text cannot end."""
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{text}\n{fence}"

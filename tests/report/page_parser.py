"""What an HTML file consists of, read by the standard library's parser."""

from html.parser import HTMLParser


class Page(HTMLParser):
    """Tags with their attributes, text outside scripts and styles, and each script's text."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[tuple[dict[str, str | None], str]] = []
        self.styles: list[str] = []
        self.text: list[str] = []
        self._open: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._open.append(tag)
        if tag == "script":
            self.scripts.append((dict(attrs), ""))
        if tag == "style":
            self.styles.append("")

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop() != tag:
            continue

    def handle_data(self, data: str) -> None:
        inside = self._open[-1] if self._open else ""
        if inside == "script":
            attrs, text = self.scripts[-1]
            self.scripts[-1] = (attrs, text + data)
        elif inside == "style":
            self.styles[-1] += data
        else:
            self.text.append(data)

    @property
    def words(self) -> str:
        """All visible text, spaces collapsed."""
        return " ".join(" ".join(self.text).split())

    def count(self, tag: str) -> int:
        """How many elements of a kind there are."""
        return sum(name == tag for name, _ in self.tags)

    def script(self, script_id: str) -> str:
        """Text of the script with this id."""
        return next(text for attrs, text in self.scripts if attrs.get("id") == script_id)

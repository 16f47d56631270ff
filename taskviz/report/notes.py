"""Notes in Markdown, as HTML that can do nothing but be read."""

from functools import cache
from typing import Any

from markdown_it import MarkdownIt

HEADING_BELOW = 3
"""Headings of a note stand below those of the report: ``#`` becomes ``h4``."""
_LINKS = ("https://", "http://", "mailto:")


def note_html(text: str) -> str:
    """CommonMark and tables as HTML: raw HTML is shown as text, pictures are left to their words,
    links go to http, https and mail addresses alone.

    The only tags that come out are those of :data:`TAGS`, and no attribute but ``href`` of links
    and ``start`` of lists.
    """
    return str(_parser().render(text))


TAGS = frozenset(
    (
        *("p", "br", "hr", "strong", "em", "s", "code", "pre", "blockquote", "ul", "ol", "li"),
        *("a", "h4", "h5", "h6", "table", "thead", "tbody", "tr", "th", "td"),
    )
)
"""Every tag that a note can have."""


@cache
def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False, "linkify": False, "typographer": False})
    parser.enable(["table", "strikethrough"])
    # An image would be fetched from somewhere; "![words](…)" is a link with an exclamation mark.
    parser.disable(["image", "html_block", "html_inline"])
    parser.validateLink = _allowed  # type: ignore[method-assign]
    parser.add_render_rule("heading_open", _heading)
    parser.add_render_rule("heading_close", _heading)
    parser.add_render_rule("fence", _fence)
    parser.add_render_rule("link_open", _link)
    parser.add_render_rule("th_open", _bare)
    parser.add_render_rule("td_open", _bare)
    return parser


def _allowed(url: str) -> bool:
    return url.strip().lower().startswith(_LINKS)


def _heading(self: Any, tokens: Any, index: int, options: Any, env: Any) -> str:
    token = tokens[index]
    level, closes = min(int(token.tag[1]) + HEADING_BELOW, 6), bool(token.nesting < 0)
    return f"</h{level}>\n" if closes else f"<h{level}>"


def _fence(self: Any, tokens: Any, index: int, options: Any, env: Any) -> str:
    # The word behind ``` would become a class.
    return f"<pre><code>{_escaped(tokens[index].content)}</code></pre>\n"


def _link(self: Any, tokens: Any, index: int, options: Any, env: Any) -> str:
    return f'<a href="{_escaped(str(tokens[index].attrGet("href") or ""))}">'


def _bare(self: Any, tokens: Any, index: int, options: Any, env: Any) -> str:
    # An alignment would become a style.
    return f"<{tokens[index].tag!s}>"


def _escaped(text: str) -> str:
    from html import escape

    return escape(text, quote=True)

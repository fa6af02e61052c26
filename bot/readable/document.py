"""Reads an HTML page as a reader sees it: its title, its text and the links outside of it.

The page is parsed as browsers parse it, and walked without recursion. Scripts,
comments and what is hidden are left out; `<meta refresh>` means nothing here.
It may take long for a hostile page, so it runs in a process of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import urljoin, urlsplit

from selectolax.lexbor import LexborHTMLParser, LexborNode

from bot.readable.invisible import in_one_line
from bot.readable.writer import Full, Writer

MAX_LINKS = 60
MAX_LINK_URL = 500
MAX_TITLE = 200

_ENOUGH_TEXT = 200

_LEFT_OUT = frozenset(
    (
        *("script", "style", "template", "noscript", "svg", "math", "iframe", "frame", "object", "embed", "applet"),
        *("head", "canvas", "audio", "video", "source", "track", "map", "input", "button", "select", "textarea"),
        *("datalist", "dialog", "progress", "meter", "-comment", "-doctype"),
    )
)
_AROUND = frozenset({"nav", "footer", "aside", "header"})
_ROLES_AROUND = frozenset({"navigation", "banner", "contentinfo", "search", "complementary"})
_MAIN = ("main", "[role=main]", "article", "#content")
_BLOCKS = frozenset(
    (
        *("address", "article", "aside", "blockquote", "body", "center", "dd", "details", "div", "dl", "dt"),
        *("fieldset", "figcaption", "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header"),
        *("hgroup", "hr", "html", "legend", "li", "main", "menu", "nav", "ol", "optgroup", "option", "p", "pre"),
        *("search", "section", "summary", "table", "tbody", "td", "tfoot", "th", "thead", "tr", "ul"),
    )
)
_CODE = frozenset({"code", "tt", "kbd", "samp"})
_NOT_A_CELL = "pre, ul, ol, dl, h1, h2, h3, h4, h5, h6, blockquote"
_INVISIBLE_STYLE = re.compile(
    r"(?:^|;)\s*(?:display\s*:\s*none|visibility\s*:\s*(?:hidden|collapse)|opacity\s*:\s*0?\.?0*\s*(?:;|!|$)"
    r"|font-size\s*:\s*0(?:\.0*)?\s*(?:[a-z%]{0,4})?\s*(?:;|!|$)|content-visibility\s*:\s*hidden"
    r"|(?:width|height|max-height|max-width)\s*:\s*0(?:px)?\s*(?:;|!|$)"
    r"|(?:left|top|right|text-indent|margin-left|margin-top)\s*:\s*-\d{3,}"
    r"|clip\s*:\s*rect\(\s*(?:0|1px)|clip-path\s*:\s*(?:inset\(\s*(?:50|100)%|circle\(\s*0))",
    re.IGNORECASE,
)
_LANGUAGE = re.compile(
    r"(?:^|\s)(?:(?:language|lang|highlight-source|highlight)-|brush:\s?|sourceCode\s)([\w+#-]{1,20})"
)
_NO_LANGUAGE = frozenset({"default", "none", "text", "highlight", "wrapper", "source", "plaintext"})
_LINE_NUMBERS = frozenset({"linenos", "lineno", "linenodiv", "line-numbers-rows", "hljs-ln-numbers", "gl", "gutter"})
_PERMALINKS = frozenset({"headerlink", "header-anchor", "anchor-link", "anchorjs-link", "hash-link", "anchor"})


@dataclass(frozen=True, slots=True)
class Document:
    """A page: `text` reads like Markdown, `links` (text, absolute URL) lead elsewhere and stand outside the text."""

    title: str
    text: str
    links: tuple[tuple[str, str], ...] = ()
    is_whole: bool = True


def read_page(html: str, url: str) -> Document:
    """Read a page that was found at `url`."""
    tree = LexborHTMLParser(html)
    base = _base(tree, url)
    body = tree.body
    if body is None:
        return Document(_title(tree), "")
    main = _main(tree)
    if main is not None:
        reading = _Reading(base, url, is_main=True)
        text = reading.read(main)
        if len(text) >= _ENOUGH_TEXT:
            links = _links_outside(tree, main, reading)
            return Document(_title(tree), text, links, reading.is_whole)
    reading = _Reading(base, url, is_main=False)
    text = reading.read(body)
    return Document(_title(tree), text, _links_outside(tree, None, reading), reading.is_whole)


def _title(tree: LexborHTMLParser) -> str:
    for query in ("head > title", "h1"):
        node = tree.css_first(query)
        if node is not None and (title := in_one_line(node.text(), MAX_TITLE)):
            return title
    return ""


def _base(tree: LexborHTMLParser, url: str) -> str:
    node = tree.css_first("base[href]")
    href = "" if node is None else (node.attributes.get("href") or "")
    return _absolute(href, url) or url


def _main(tree: LexborHTMLParser) -> LexborNode | None:
    """The part that its author calls the main one, if it is one part and not hidden."""
    for query in _MAIN:
        found = tree.css(query)
        if len(found) == 1:
            return None if any(_is_hidden(node) for node in _upwards(found[0])) else found[0]
    return None


def _upwards(node: LexborNode | None) -> Iterator[LexborNode]:
    while node is not None:
        yield node
        node = node.parent


def _absolute(href: str, base: str) -> str | None:
    """A link's URL, or None where it leads nowhere that can be fetched."""
    href = "".join(href.split())
    if not href or href.startswith("#") or len(href) > MAX_LINK_URL:
        return None
    try:
        url = urljoin(base, href)
        parts = urlsplit(url)
    except ValueError:
        return None
    is_fit = parts.scheme in {"http", "https"} and parts.netloc and len(url) <= MAX_LINK_URL
    return url.replace(")", "%29").replace("(", "%28") if is_fit else None


def _links_outside(tree: LexborHTMLParser, main: LexborNode | None, reading: _Reading) -> tuple[tuple[str, str], ...]:
    """Where the page's menus lead: each address once, without those that stand in the text."""
    links: dict[str, str] = {}
    inside = set[int]() if main is None else {node.mem_id for node in main.css("a[href]")}
    for node in tree.css("a[href]"):
        if len(links) >= MAX_LINKS:
            break
        if node.mem_id in inside or _is_left_out(node):
            continue
        url = _absolute(node.attributes.get("href") or "", reading.base)
        if url is None or url in links or url in reading.linked:
            continue
        if text := in_one_line(node.text(), 100):
            links[url] = text
    return tuple((text, url) for url, text in links.items())


def _is_left_out(node: LexborNode) -> bool:
    return any(above.tag in _LEFT_OUT or _is_hidden(above) for above in _upwards(node))


def _is_hidden(node: LexborNode) -> bool:
    attributes = node.attributes
    if "hidden" in attributes or (attributes.get("aria-hidden") or "").strip().lower() == "true":
        return True
    style = attributes.get("style")
    return style is not None and _INVISIBLE_STYLE.search(style[:2000]) is not None


def _classes(node: LexborNode) -> set[str]:
    return set((node.attributes.get("class") or "")[:500].split())


class _Reading:
    """One walk over a part of a page."""

    def __init__(self, base: str, url: str, *, is_main: bool) -> None:
        self.base = base
        self.linked = {url}
        self.is_whole = True
        self._is_main = is_main
        self._out = Writer()
        self._lists: list[int | None] = []
        self._tables: list[_Table] = []
        self._hrefs: list[str | None] = []

    def read(self, root: LexborNode) -> str:
        """The text below `root`. It is cut where it becomes too long."""
        try:
            self._walk(root)
        except Full:
            self.is_whole = False
        return self._out.text()

    def _walk(self, root: LexborNode) -> None:
        """Depth first, with a stack of ours: pages nest deeper than Python calls."""
        stack: list[tuple[LexborNode, bool]] = [(root, False)]
        while stack:
            node, is_end = stack.pop()
            if is_end:
                self._leave(node)
                continue
            if node.mem_id != root.mem_id and node.next is not None:
                stack.append((node.next, False))
            if self._enter(node):
                stack.append((node, True))
                if node.first_child is not None:
                    stack.append((node.first_child, False))

    def _enter(self, node: LexborNode) -> bool:
        """Begin a node; whether its children are to be read, and `_leave` is to be called."""
        tag = node.tag or ""
        if tag == "-text":
            self._out.say(node.text_content or "")
            return False
        if tag in _LEFT_OUT or tag.startswith("-") or _is_hidden(node) or self._is_around(node, tag):
            return False
        if tag == "pre":
            self._out.fence(_verbatim(node), _language(node))
            return False
        if tag in _CODE:
            self._out.code(_verbatim(node))
            return False
        match tag:
            case "br":
                self._out.line_break()
            case "hr":
                self._out.block()
            case "img":
                alt = in_one_line(node.attributes.get("alt") or "", 200)
                self._out.say(f" [image: {alt}] " if alt else "")
            case "sup":
                self._out.say("^")
                return True
            case "a":
                return self._enter_link(node)
            case _:
                return self._enter_block(node, tag)
        return False

    def _enter_link(self, node: LexborNode) -> bool:
        if _classes(node) & _PERMALINKS and len(node.text().strip()) <= 1:
            return False
        self._hrefs.append(_absolute(node.attributes.get("href") or "", self.base))
        self._out.capture()
        return True

    def _enter_block(self, node: LexborNode, tag: str) -> bool:
        match tag:
            case "h1" | "h2" | "h3" | "h4" | "h5" | "h6":
                self._out.block()
                self._out.capture()
            case "ul" | "menu":
                self._out.block(apart=not self._lists)
                self._lists.append(None)
            case "ol":
                self._out.block(apart=not self._lists)
                self._lists.append(_number(node.attributes.get("start")))
            case "li":
                marker = self._next_marker()
                self._out.indent(" " * len(marker), marker)
            case "dd":
                self._out.indent("  ")
            case "blockquote":
                self._out.gap()
                self._out.indent("> ")
            case "table":
                self._out.block()
                is_layout = node.css_first(_NOT_A_CELL) is not None or len(node.css("table")) > 1
                self._tables.append(_Table(is_layout))
            case "tr" if self._tables:
                self._out.block(apart=False)
                self._tables[-1].cells = []
            case "td" | "th" if self._tables:
                if _classes(node) & _LINE_NUMBERS:
                    return False
                if self._tables[-1].is_layout:
                    self._out.block()
                else:
                    self._out.capture()
            case _ if tag in _BLOCKS:
                self._out.block(apart=tag not in {"dt", "option", "tbody", "thead", "tfoot"})
            case _:
                pass
        return True

    def _leave(self, node: LexborNode) -> None:
        tag = node.tag or ""
        match tag:
            case "a":
                self._leave_link()
            case "h1" | "h2" | "h3" | "h4" | "h5" | "h6":
                self._out.heading(int(tag[1]), self._out.captured().strip())
            case "ul" | "ol" | "menu":
                self._lists.pop()
                self._out.block(apart=not self._lists)
            case "li" | "dd":
                self._out.outdent()
            case "blockquote":
                self._out.outdent()
                self._out.gap()
            case "table":
                self._tables.pop()
                self._out.block()
            case "tr" if self._tables:
                self._leave_row()
            case "td" | "th" if self._tables:
                if self._tables[-1].is_layout:
                    self._out.block()
                else:
                    self._tables[-1].cells.append(self._out.captured().strip())
            case _ if tag in _BLOCKS:
                self._out.block(apart=tag not in {"dt", "option", "tbody", "thead", "tfoot"})
            case _:
                pass

    def _leave_link(self) -> None:
        text, href = self._out.captured(), self._hrefs.pop()
        words = text.strip()
        if href is None or not words:
            self._out.say(text)
            return
        self.linked.add(href)
        before, after = text[: len(text) - len(text.lstrip())], text[len(text.rstrip()) :]
        self._out.say(f"{before}[{words}]({href}){after}")

    def _leave_row(self) -> None:
        table = self._tables[-1]
        if not table.cells:
            return
        self._out.row(table.cells, is_first=not table.has_rows)
        table.has_rows = True
        table.cells = []

    def _next_marker(self) -> str:
        number = self._lists[-1] if self._lists else None
        if number is None:
            return "- "
        self._lists[-1] = number + 1
        return f"{number}. "

    def _is_around(self, node: LexborNode, tag: str) -> bool:
        """Whether this is no part of the text: menus everywhere, more where no main part is known."""
        if tag == "nav" or (node.attributes.get("role") or "").lower() in {"navigation", "search"}:
            return True
        if self._is_main:
            return False
        return tag in _AROUND or (node.attributes.get("role") or "").lower() in _ROLES_AROUND


@dataclass(slots=True)
class _Table:
    is_layout: bool
    """Whether its cells hold more than running text, so that they are written one below the other."""
    cells: list[str] = field(default_factory=list[str])
    has_rows: bool = False


def _number(text: str | None) -> int:
    return int(text) if text is not None and re.fullmatch(r"[0-9]{1,6}", text) else 1


def _language(node: LexborNode) -> str:
    """The language that a block of code is in, where the page says so."""
    near: list[LexborNode | None] = [node, node.css_first("code"), node.parent]
    if node.parent is not None:
        near.append(node.parent.parent)
    for place in near:
        if place is None:
            continue
        match = _LANGUAGE.search((place.attributes.get("class") or "")[:500])
        if match is not None and match[1].lower() not in _NO_LANGUAGE:
            return match[1].lower()
    return ""


def _verbatim(root: LexborNode) -> str:
    """The text of an element as it stands, without line numbers and what is hidden."""
    pieces: list[str] = []
    stack = [root.first_child]
    while stack:
        node = stack.pop()
        if node is None:
            continue
        stack.append(node.next)
        tag = node.tag or ""
        if tag == "-text":
            pieces.append(node.text_content or "")
        elif tag == "br":
            pieces.append("\n")
        elif not (tag in _LEFT_OUT or tag.startswith("-") or _is_hidden(node) or _classes(node) & _LINE_NUMBERS):
            stack.append(node.first_child)
    return "".join(pieces).strip("\n")

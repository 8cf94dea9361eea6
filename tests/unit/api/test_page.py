"""The documentation page is whole: well-formed HTML, every section where it belongs.

`tests/unit/api/test_openapi.py` says that it is in step with the document.
"""

from html.parser import HTMLParser
from itertools import pairwise, zip_longest

import pytest
from justhtml import JustHTML

from videoapi.api import documentation

PAGE = documentation.page("http://localhost:8000", keys=False)
#: Elements without an end tag (HTML standard, 13.1.2).
VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source"}
VOID |= {"track", "wbr"}


class Written(HTMLParser):
    """The page as its author wrote it: every end tag said, nothing left to the standard's mercy."""

    def __init__(self, html):
        super().__init__()
        self.open, self.outline, self.faults = [], [], []
        self.feed(html)
        self.close()
        self.faults += [f"<{tag}> is not ended, line {line}" for tag, line in self.open]

    def handle_starttag(self, tag, attrs):
        self.handle_startendtag(tag, attrs)
        if tag not in VOID:
            self.open.append((tag, self.getpos()[0]))

    def handle_startendtag(self, tag, attrs):
        self.outline.append((len(self.open), tag))
        if len(attrs) != len(dict(attrs)):
            self.faults.append(f"<{tag}> says an attribute twice, line {self.getpos()[0]}")

    def handle_endtag(self, tag):
        if self.open and self.open[-1][0] == tag:
            self.open.pop()
        else:
            self.faults.append(f"</{tag}> ends nothing, line {self.getpos()[0]}")

    def handle_data(self, data):
        if data.strip():
            self.outline.append((len(self.open), data.strip()))


def outline(node, depth=0):
    """Return depth and name or text of all that a browser makes of the page, in reading order."""
    for child in node.children or ():
        if child.name == "#text" and child.data.strip():
            yield depth, child.data.strip()
        elif not child.name.startswith(("#", "!")):
            yield depth, child.name.lower()
            yield from outline(child, depth + 1)


def faults(html):
    """Return what is not well-formed: by a strict reading, and by the standard's parser."""
    written = Written(html)
    parsed = JustHTML(html, collect_errors=True, sanitize=False)
    problems = [f"{error.code}, line {error.line}" for error in parsed.errors]
    pairs = zip_longest(written.outline, outline(parsed.root))
    moved = [f"{ours} was written, {theirs} is read" for ours, theirs in pairs if ours != theirs]
    return written.faults + problems + moved[:1]


def chain(node):
    """Return the names of an element's ancestors, the nearest first."""
    while (node := node.parent) is not None:
        yield node.name


@pytest.fixture(scope="module")
def tree():
    return JustHTML(PAGE, sanitize=False)


def test_the_page_is_well_formed():
    assert faults(PAGE) == []


@pytest.mark.parametrize(
    "body",
    [
        '<div><p>a</p></div>hellip;"</code>.</p></div>',
        "<div><p>a</p>",
        "<p>a<div>b</div></p>",
        "<ul><li>a<li>b</ul>",
        "<b><i>a</b></i>",
        '<a id="a" id="b">c</a>',
        "<table><tr><td>a</td></tr>b</table>",
        "<tabel><tr><td>a</td></tr></tabel>",
    ],
)
def test_a_fault_of_form_is_found(body):
    html = f'<!doctype html><html lang="en"><head><title>a</title></head><body>{body}</body></html>'
    assert faults(html)


def test_every_section_is_a_child_of_main(tree):
    sections = tree.query("section")
    assert len(sections) >= 9
    assert {section.parent.name for section in sections} == {"main"}
    assert all(section.attrs.get("id") for section in sections)


def test_everything_to_read_is_in_main_or_in_the_contents(tree):
    (main,) = tree.query("main")
    assert list(chain(main)) == ["div", "body", "html", "#document"]
    for name in ("h1", "h3", "h4", "p", "pre", "table", "article", "figure", "footer"):
        for node in tree.query(name):
            assert "main" in chain(node), node.to_html()[:200]


def test_every_heading_is_at_most_one_level_below_the_one_before(tree):
    levels = [int(node.name[1]) for node in tree.query("main h1, main h2, main h3, main h4")]
    assert levels[0] == 1
    assert [pair for pair in pairwise(levels) if pair[1] > pair[0] + 1] == []

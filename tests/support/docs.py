"""Where the documents are; programs and tests that read or write them take the paths from here."""

from pathlib import Path

from tests.support.own_files import ROOT, own_files

DOCS = ROOT / "docs"
README = ROOT / "README.md"
ALARMS = DOCS / "alarms.md"
API = DOCS / "api.md"
CLI = DOCS / "cli.md"
COSTS = DOCS / "costs-and-scale.md"
INDEX = DOCS / "README.md"
OPERATIONS = DOCS / "operations.md"
PAYING_ONCE = DOCS / "paying-once.md"
PERFORMANCE = DOCS / "performance.md"
SIMULATOR = DOCS / "simulator.md"


def everything() -> list[Path]:
    """Return every Markdown file that is written for readers."""
    return own_files("*.md", "examples/*.md", "docs/**/*.md")

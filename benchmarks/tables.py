"""A table with a title, as Markdown; its first column is text, the others are numbers."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Table:
    """Rows of texts under a head, with what there is to say of them."""

    title: str
    head: list[str]
    rows: list[list[str]]
    note: str = ""

    def markdown(self) -> str:
        """Return it as a reader and a README take it."""
        lines = [self.head, ["---", *["--:"] * (len(self.head) - 1)], *self.rows]
        drawn = "\n".join(f"| {' | '.join(line)} |" for line in lines)
        return f"**{self.title}**\n\n{drawn}\n" + (f"\n{self.note}\n" if self.note else "")

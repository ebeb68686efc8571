"""Parts of the documentation that a program writes: what stands between two comments, which Markdown does not show."""


def with_part(text: str, name: str, part: str) -> str:
    """The text with `part` between the markers `<!-- name -->` and `<!-- /name -->`. Raises ValueError if these are
    missing."""
    begin, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    before, found, rest = text.partition(begin)
    _, closed, after = rest.partition(end)
    if not (found and closed):
        raise ValueError(f"{begin} and {end} must be in the text")
    return f"{before}{begin}\n{part}\n{end}{after}"


def rows(cells: list[list[str]]) -> str:
    """A table; the first row is its head."""
    head, *others = cells
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *others))

"""What a command prints: tables and sentences for people, one JSON document with `--json`."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from enum import IntEnum
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text


class Exit(IntEnum):
    """What a script sees. docs/bridge.md lists them."""

    DONE = 0
    NO = 1
    """It was asked and the answer is no: mistakes, refused, rejected, different, not due."""
    USAGE = 2
    """The command line or a file is wrong; nothing was done."""
    NOT_FOUND = 3
    """No such stack, account, template or element, or AWS does not let one see it."""
    BSP = 4
    """The BSP has refused."""
    LATER = 5
    """Not now: messages wait, too many requests, no answer, not yet reviewed, another one is at it."""


AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of tables.")]


class Failed(Exception):
    """Ends the command. The text is for people, and has no secret."""

    def __init__(self, code: Exit, reason: str) -> None:
        super().__init__(reason)
        self.code, self.reason = code, reason


class Screen:
    """Results go to stdout, everything else to stderr: a pipe gets results alone."""

    def __init__(self, as_json: bool) -> None:
        self.as_json = as_json
        self._out = Console(highlight=False, soft_wrap=True)
        self._aside = Console(stderr=True, highlight=False, soft_wrap=True)

    def result(self, value: Any) -> None:
        """The JSON document. Nothing without `--json`."""
        if self.as_json:
            # Not by Rich, which would wrap and colour it.
            typer.echo(json.dumps(value, indent=2, ensure_ascii=False, default=str))

    def line(self, text: str, style: str = "") -> None:
        """A line for people."""
        if not self.as_json:
            self._out.print(Text(text, style=style))

    def clear(self) -> None:
        """Empties the terminal, for what is shown anew; a pipe or a file keeps everything."""
        if not self.as_json:
            self._out.clear()

    def aside(self, text: str, style: str = "") -> None:
        """What is no result: progress, a warning."""
        self._aside.print(Text(text, style=style))

    def table(self, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        if self.as_json:
            return
        table = Table(box=None, pad_edge=False, header_style="bold")
        for head in heads:
            table.add_column(head, overflow="fold")
        for row in rows:
            table.add_row(*(Text(cell, style=_STYLES.get(cell, "")) for cell in row))
        self._out.print(table)

    def values(self, rows: Sequence[Sequence[str]]) -> None:
        """Where, field, value: each value whole on one line, so that it can be copied. An empty "where" is that of the
        row before."""
        for where, field, value in rows:
            if where:
                self.line(where, "bold")
            self.line(f"  {field}:  {value}")

    @contextmanager
    def waiting(self, text: str) -> Iterator["Waiting"]:
        """A line that changes while something takes time, on a terminal."""
        with self._aside.status(text) as status:
            yield Waiting(status.update)

    def confirm(self, question: str, *, yes: bool) -> None:
        """Ask before something is destroyed. Raises `Failed` for a no."""
        if yes:
            return
        if not self._aside.is_terminal:
            raise Failed(Exit.USAGE, f"{question} Nobody can be asked here: repeat it with --yes.")
        if not typer.confirm(question, err=True):
            raise Failed(Exit.NO, "nothing was done")


class Waiting:
    def __init__(self, update: Any) -> None:
        self._update = update

    def now(self, text: str) -> None:
        self._update(text)


_STYLES = {
    "APPROVED": "green",
    "GREEN": "green",
    "PENDING": "yellow",
    "YELLOW": "yellow",
    "PAUSED": "yellow",
    "REJECTED": "red",
    "DISABLED": "red",
    "RED": "red",
    "refused": "red",
    "warning": "yellow",
}


def number(count: int, word: str) -> str:
    """``1 template``, ``2 templates``."""
    return f"{count} {word}" if count == 1 else f"{count} {word}s"


def day(seconds: int) -> str:
    """A time for people and scripts, "" for none."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%SZ") if seconds else ""


def end(screen: Screen, failed: Failed) -> NoReturn:
    screen.aside(f"error: {failed.reason}", "red")
    screen.result({"error": failed.reason, "exit": int(failed.code)})
    raise typer.Exit(failed.code)

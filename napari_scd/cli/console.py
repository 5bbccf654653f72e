"""Where the command line talks: results on stdout, everything else on stderr."""

from __future__ import annotations

import json
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.measure import Measurement
from rich.segment import Segments
from rich.text import Text

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from rich.table import Table

# no markup: names of files, models and structures may hold brackets
out = Console(highlight=False, markup=False)
err = Console(stderr=True, highlight=False, markup=False)


def say(message: str, style: str = "") -> None:
    """Print a sentence on stdout; a path in it is never broken over two lines."""
    out.print(Text(message, style=style), soft_wrap=True)


def show_whole(table: Table) -> None:
    """Print a table without cutting any column short, also where lines are narrower than the table."""
    wide = out.options.update(max_width=1000)
    width = max(out.width, Measurement.get(out, wide, table).maximum)
    out.print(Segments(out.render(table, out.options.update(width=width))), crop=False)


def tell(message: str) -> None:
    """Tell on stderr how far something is."""
    err.print(Text(message, style="dim"), soft_wrap=True)


def warn(message: str) -> None:
    """Print a warning on stderr."""
    err.print(Text.assemble(("Warning: ", "yellow"), message), soft_wrap=True)


def doubt(message: str) -> None:
    """Print on stderr that a result is not to be trusted, so that nobody overlooks it."""
    err.print(Text.assemble(("Doubtful: ", "bold red"), (message, "bold")), soft_wrap=True)


def complain(message: str) -> None:
    """Print an error on stderr, always as one line."""
    err.print(Text.assemble(("Error: ", "bold red"), " ".join(message.split())), soft_wrap=True)


def busy(message: str) -> AbstractContextManager[object]:
    """Show a spinner on stderr while the block runs; nothing when stderr is not a terminal."""
    return err.status(message) if err.is_terminal else nullcontext()


def print_json(value: Any) -> None:
    """Print one JSON document on stdout, plain, for another program."""
    print(json.dumps(value, indent=2))

"""Help pages that read well: no types of Python, paragraphs as wide as the terminal."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def tidied(command: Any) -> Any:
    """Return a command tree, as Typer builds it, with tidied help pages.

    Typer writes ``<bool>`` beside options that take nothing and ``<list[Path]>`` beside arguments, and keeps
    the line breaks of docstrings.
    """
    for one in _all_of(command):
        one.help = joined(one.help or "")
        one.get_params = partial(_tidied_parameters, one.get_params)
    return command


def joined(text: str) -> str:
    r"""Join the lines of each paragraph.

    Examples
    --------
    >>> joined("Segment volumes\nand write labels.\n\nRerun the command\nto resume.")
    'Segment volumes and write labels.\n\nRerun the command to resume.'
    """
    paragraphs = (" ".join(part.split()) for part in text.strip().split("\n\n"))
    return "\n\n".join(paragraphs)


def _all_of(command: Any) -> Iterator[Any]:
    yield command
    for inner in getattr(command, "commands", {}).values():
        yield from _all_of(inner)


def _tidied_parameters(parameters_of: Callable[[Any], list[Any]], ctx: Any) -> list[Any]:
    parameters = parameters_of(ctx)
    for parameter in parameters:
        if getattr(parameter, "is_flag", False):
            parameter.metavar = ""
        elif parameter.param_type_name == "argument":
            parameter.display_type_rich = _nothing
    return parameters


def _nothing(ctx: Any) -> str:
    return ""

"""The one error that is the user's to mend."""

from __future__ import annotations

_MOST_LETTERS = 800


class InputError(ValueError):
    """Input we cannot work with.

    The message is one sentence for the user: what came, what was needed, what to do.
    The command line prints it and exits with 2; the dock shows it in its status line. What a file put into it
    cannot add lines, steer a terminal or make it endless: the middle of a long message is left out.
    """

    def __init__(self, message: str) -> None:
        line = "".join(letter if letter.isprintable() else " " for letter in message[: 50 * _MOST_LETTERS])
        line = " ".join(line.split())
        if len(line) > _MOST_LETTERS:
            line = f"{line[: _MOST_LETTERS // 2]} ... {line[-_MOST_LETTERS // 2 :]}"
        super().__init__(line)

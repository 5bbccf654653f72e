"""The one error that is the user's to mend."""

from __future__ import annotations


class InputError(ValueError):
    """Input we cannot work with.

    The message is one sentence for the user: what came, what was needed, what to do.
    The command line prints it and exits with 2; the dock shows it in its status line.
    """

"""Files that every case adds to; one that cannot be written does not stop the cases."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_scd.cli.console import warn
from napari_scd.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable


class SharedFiles:
    """Writes files again and again, and reports each failure once."""

    def __init__(self) -> None:
        self._failing: dict[str, str] = {}

    @property
    def failed(self) -> bool:
        """Whether some file could not be written the last time."""
        return bool(self._failing)

    def write(self, name: str, action: Callable[[], object]) -> None:
        """Try to write a file, known by `name`; a failure is a warning."""
        try:
            action()
        except InputError as error:
            if self._failing.get(name) != str(error):
                warn(str(error))
            self._failing[name] = str(error)
        else:
            self._failing.pop(name, None)

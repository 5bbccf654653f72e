"""How the tests are shared among processes: by file, and all that open windows go to the same process.

Two processes on one display would take the keyboard and the clipboard from each other. Windows are the
largest piece of work, so they come first, and the other files fill up what is left.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from xdist.scheduler import LoadScopeScheduling

if TYPE_CHECKING:
    import pytest
    from xdist.workermanage import WorkerController

WITH_WINDOWS = ("tests/window/", "tests/viewer/dock/", "tests/robustness/test_windows.py")
WINDOWS = "windows"


class OneWindowAtATime(LoadScopeScheduling):  # type: ignore[misc]
    """Hand out files in the order of their folders, after everything that opens windows."""

    def __init__(self, config: pytest.Config, log: Any = None) -> None:
        config.option.loadscopereorder = False
        super().__init__(config, log)

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return WINDOWS if file.startswith(WITH_WINDOWS) else file

    def _assign_work_unit(self, node: WorkerController) -> None:
        if WINDOWS in self.workqueue:
            self.workqueue.move_to_end(WINDOWS, last=False)
        super()._assign_work_unit(node)

"""How a case ended, in a form that travels between processes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from napari_scd.errors import InputError

if TYPE_CHECKING:
    from napari_scd.batch.jobs import PlannedCase
    from napari_scd.volume import LabelTable


class Crash(RuntimeError):
    """A case failed for a reason that lies elsewhere: the machine, or a bug."""


class CaseOutcome(NamedTuple):
    """How one case ended.

    Attributes
    ----------
    case : PlannedCase
    report : dict
        As `write_case` returns it; empty when the case failed.
    failure : InputError, Crash or None
        None if it succeeded.
    table : LabelTable or None
        Names and colours of the labels in the label file; None when the case failed.
    """

    case: PlannedCase
    report: dict[str, Any]
    failure: InputError | Crash | None = None
    table: LabelTable | None = None

    @property
    def exit_code(self) -> int:
        """0: success, 2: the case could not be used, 1: any other failure."""
        if self.failure is None:
            return 0
        return 2 if isinstance(self.failure, InputError) else 1

    def to_dict(self, reason: str) -> dict[str, Any]:
        """JSON-ready copy; `reason` says in words why the case failed."""
        if self.failure is None:
            return {"status": "done", **self.report}
        failed = {"status": "failed", "error": reason, "exit_code": self.exit_code}
        return {"input": str(self.case.source), **failed}


def described(error: BaseException) -> str:
    """Class and message of an error, in one line of modest length."""
    said = " ".join(str(error).split())
    return (f"{type(error).__name__}: {said}" if said else type(error).__name__)[:300]

"""Why a case failed, in one sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_scd.batch import WorkersDied
from napari_scd.cli.remedies import crashed, with_remedy
from napari_scd.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_scd.batch import CaseOutcome


def reason_of(outcome: CaseOutcome, channels: Sequence[str] = ()) -> str:
    """Say why a case failed and what helps; empty when it went well.

    Parameters
    ----------
    outcome : CaseOutcome
    channels : sequence of str
        Of the model.
    """
    failure = outcome.failure
    if failure is None:
        return ""
    if isinstance(failure, InputError):
        return with_remedy(failure, channels)
    if isinstance(failure, WorkersDied):
        return f"{failure} Give workers more memory."
    return crashed(str(failure))

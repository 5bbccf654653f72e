"""TensorBoard's event file, written in this thread, so that a full disk raises an error where it happens."""

from __future__ import annotations

import os
import platform
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


class EventFile:
    """Appends scalars to one new event file.

    Parameters
    ----------
    folder : Path
        Made when missing.
    purge_step : int
        TensorBoard hides what earlier files of the folder say of this step and later ones.

    Raises
    ------
    ImportError
        TensorBoard is not installed.
    OSError
        Here and in every method: the file cannot be written.
    """

    def __init__(self, folder: Path, purge_step: int) -> None:
        from tensorboard.compat.proto import event_pb2, summary_pb2
        from tensorboard.summary.writer.record_writer import RecordWriter

        self._event, self._summary = event_pb2.Event, summary_pb2.Summary
        folder.mkdir(parents=True, exist_ok=True)
        name = (
            f"events.out.tfevents.{time.time():.0f}.{platform.node()}.{os.getpid()}.{time.time_ns() % 10**9}"
        )
        self._records = RecordWriter((folder / name).open("wb"))
        self._write(file_version="brain.Event:2")
        start = event_pb2.SessionLog(status=event_pb2.SessionLog.START)
        self._write(step=purge_step, session_log=start)

    def add_scalar(self, tag: str, value: float, step: int) -> None:
        """Append one number."""
        entry = self._summary.Value(tag=tag, simple_value=value)
        self._write(step=step, summary=self._summary(value=[entry]))

    def close(self) -> None:
        """Close the file."""
        self._records.close()

    def _write(self, **values: object) -> None:
        event = self._event(wall_time=time.time(), **values)
        self._records.write(event.SerializeToString())
        self._records.flush()

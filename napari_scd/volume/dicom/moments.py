"""What distinguishes images of one place: contrast and moment, from every tag about them."""

from __future__ import annotations

import datetime
import re
from typing import TYPE_CHECKING, Any

from napari_scd.volume.dicom_image import Contrast, Moment

if TYPE_CHECKING:
    from napari_scd.volume.dicom.nested import Nested

_SIEMENS_B, _SIEMENS_DIRECTION = 0x0019100C, 0x0019100E
_PHILIPS_B, _GE_B = 0x20011003, 0x00431039
_GE_B_OFFSET = 1e9  # GE adds it to some b-values
MOMENT_TAGS: tuple[str | int, ...] = (
    "TemporalPositionIndex", "TemporalPositionIdentifier", "AcquisitionNumber", "EchoNumbers", "EchoTime",
    "TriggerTime", "DiffusionBValue", "DiffusionGradientOrientation", "InversionTime", "FlipAngle",
    "NominalPercentageOfCardiacPhase", "NominalPercentageOfRespiratoryPhase", "ImageType",
    "ComplexImageComponent", "AcquisitionDateTime", "AcquisitionDate", "AcquisitionTime", "ContentDate",
    "ContentTime", _SIEMENS_B, _SIEMENS_DIRECTION, _PHILIPS_B, _GE_B,
)  # fmt: skip
"""Header entries that distinguish images of one place."""

_DAY_S = 86_400.0


def contrast_of(said: Nested) -> Contrast:
    """Return what an image shows, whatever its place."""
    echo_time = said.number("EffectiveEchoTime", "MREchoSequence") or said.number("EchoTime")
    gradient = "MRDiffusionSequence/DiffusionGradientDirectionSequence"
    phase = said.number("NominalPercentageOfCardiacPhase", "CardiacSynchronizationSequence")
    breath = said.number("NominalPercentageOfRespiratoryPhase", "RespiratorySynchronizationSequence")
    return Contrast(
        temporal_index=said.number("TemporalPositionIndex", "FrameContentSequence"),
        temporal_position=said.number("TemporalPositionIdentifier"),
        echo=said.number("EchoNumbers"),
        echo_time_ms=round(echo_time, 2),
        b_value=round(_b_value(said)),
        direction=_direction(said, gradient),
        inversion_ms=round(
            said.number("InversionTimes", "MRModifierSequence") or said.number("InversionTime"), 1
        ),
        flip_deg=round(said.number("FlipAngle", "MRTimingAndRelatedParametersSequence"), 1),
        phase_percent=phase or breath,
        kind=_kind(said),
    )


def moment_of(said: Nested) -> Moment:
    """Return when an image was taken."""
    trigger = said.number("NominalCardiacTriggerDelayTime", "CardiacSynchronizationSequence")
    number = said.number("FrameAcquisitionNumber", "FrameContentSequence")
    acquired = said.text("FrameAcquisitionDateTime", "FrameContentSequence") or said.text(
        "AcquisitionDateTime"
    )
    parts = (
        (acquired[:8], acquired[8:])
        if acquired
        else (said.text("AcquisitionDate"), said.text("AcquisitionTime"))
    )
    return Moment(
        acquisition=number or said.number("AcquisitionNumber"),
        trigger_ms=trigger or said.number("TriggerTime"),
        acquired_s=seconds(*parts),
        stored_s=seconds(said.text("ContentDate"), said.text("ContentTime")),
    )


def seconds(date: str, time: str) -> float:
    """Return a date and a time of day as seconds since the year 1; without a date, since midnight; else -1.

    Examples
    --------
    >>> seconds("", "080130.5")
    28890.5
    >>> seconds("20250102", "000000") - seconds("20250101", "235959")
    1.0
    >>> seconds("20250101", "")  # the day alone does not tell slices apart
    -1.0
    """
    clock = re.match(r"(\d\d)(\d\d)?(\d\d)?(\.\d+)?", time.replace(":", "").strip())
    if clock is None:
        return -1.0
    hours, minutes, whole_seconds, fraction = (float(part or 0) for part in clock.groups())
    of_day = hours * 3600 + minutes * 60 + whole_seconds + fraction
    day = re.match(r"(\d{4})(\d\d)(\d\d)", date.replace(".", "").strip())
    try:
        return of_day + (datetime.date(*map(int, day.groups())).toordinal() * _DAY_S if day else 0.0)
    except ValueError:
        return of_day


def _b_value(said: Nested) -> float:
    standard = said.value("DiffusionBValue", "MRDiffusionSequence")
    if standard is not None:
        return said.number("DiffusionBValue", "MRDiffusionSequence")
    for tag in (_SIEMENS_B, _PHILIPS_B, _GE_B):
        values = _private(said, tag)
        if values:
            return values[0] % _GE_B_OFFSET if tag == _GE_B else values[0]
    return 0.0


def _direction(said: Nested, gradient: str) -> tuple[float, ...]:
    try:
        direction = said.numbers("DiffusionGradientOrientation", gradient, 3)
    except (ValueError, TypeError):
        direction = ()
    direction = direction or _private(said, _SIEMENS_DIRECTION)
    return tuple(round(part, 2) for part in direction)


def _kind(said: Nested) -> str:
    """Return what the image type says beyond "original, primary"."""
    frame = said.text("FrameType", "MRImageFrameTypeSequence") or said.text(
        "FrameType", "CTImageFrameTypeSequence"
    )
    kind = "\\".join((frame or said.text("ImageType")).split("\\")[2:])
    return "\\".join(filter(None, (kind, said.text("ComplexImageComponent", "MRImageFrameTypeSequence"))))


def _private(said: Nested, tag: int) -> tuple[float, ...]:
    """Return the numbers of a vendor's own entry, which archives may keep as text, or as bytes."""
    header: Any = said.groups[-1]
    if tag not in header:
        return ()
    value: Any = header[tag].value
    if isinstance(value, bytes):
        value = value.decode("ascii", "ignore").strip("\0 ").split("\\")
    values = value if hasattr(value, "__iter__") and not isinstance(value, str) else [value]
    try:
        return tuple(float(one) for one in values)
    except (ValueError, TypeError):
        return ()

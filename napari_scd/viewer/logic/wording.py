"""Numbers and texts that are easy to read at a glance: volumes, times, keep ratios, sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def sentence(text: str) -> str:
    """Return a text with a capital and a full stop."""
    text = text.strip()
    return f"{text[:1].upper()}{text[1:]}" + ("" if text.endswith((".", "!", "?")) else ".")


def stem(model: str) -> str:
    """Return the name of a model that is given as a name or a file.

    >>> stem("models/any.safetensors")
    'any'
    """
    return model.replace("\\", "/").rsplit("/", 1)[-1].removesuffix(".safetensors")


def keep_text(keep: Sequence[float]) -> str:
    """Return keep ratios as a person writes them: "0.50", or one per stage when they differ."""
    return f"{keep[0]:.2f}" if len(set(keep)) == 1 else ", ".join(f"{ratio:.2f}" for ratio in keep)


def shortened(text: str, length: int = 160) -> str:
    """Cut a long text at `length` letters."""
    return text if len(text) <= length else text[: length - 3] + "..."


def millilitres(volume_ml: float) -> str:
    """Return a volume a person reads at a glance: "3.1 ml", "1,520 ml"."""
    return (
        f"{volume_ml:,.0f} ml"
        if volume_ml >= 100
        else f"{volume_ml:.2g} ml"
        if volume_ml < 10
        else f"{volume_ml:.1f} ml"
    )


def duration(seconds: float) -> str:
    """Return a time a person reads at a glance: "37 ms", "0.31 s", "11 s", "2 min 5 s"."""
    if seconds < 0.0995:
        return f"{1000 * seconds:.0f} ms"
    if seconds < 9.95:
        return f"{seconds:.2g} s"
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s"

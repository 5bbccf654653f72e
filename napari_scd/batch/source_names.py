"""Makes reports safe to pass on: names of files without folders, or a code for each name."""

from __future__ import annotations

import hashlib
import hmac
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_scd.volume import sentence_on

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_scd.volume import LeftOut

KEY = "NAPARI_SCD_NAME_KEY"
_CODE_LETTERS = 16


def shareable(report: dict[str, Any], *, hash_names: bool = False) -> dict[str, Any]:
    """Return a report without the folders of its files, which may name patients.

    Parameters
    ----------
    report : dict
        Of a case, as `write_case` returns it, or of a failed one.
    hash_names : bool
        Put a code in place of every file's name as well. The same name always gives the same code; names are
        easily guessed, so set the environment variable ``NAPARI_SCD_NAME_KEY`` to a secret of your own.
    """
    files = [
        report.get("input", ""),
        *report.get("channels", {}).values(),
        *report.get("outputs", {}).values(),
    ]
    shown = {}
    for file in filter(None, files):
        name = Path(file).name
        shown[file] = shown[name] = code_of(name) if hash_names else name
    if hash_names and report.get("source"):
        shown[report["source"]] = code_of(report["source"])
    longest_first = dict(sorted(shown.items(), key=lambda item: -len(item[0])))
    replaced: dict[str, Any] = _replaced(report, longest_first)
    return replaced


def without_names(report: dict[str, Any], left_out: Sequence[LeftOut]) -> dict[str, Any]:
    """Return a report with codes in place of the names of what was left out, in its warnings too."""
    coded = [one._replace(path=Path(code_of(one.path.name))) for one in left_out]
    said, say = sentence_on(left_out), sentence_on(coded)
    warnings = [text.replace(said, say) if said else text for text in report["warnings"]]
    named = [{"file": one.path.name, "reason": one.reason} for one in coded]
    return {**report, "warnings": warnings, "left_out": named}


def code_of(name: str) -> str:
    """Code of a file's name: 16 hexadecimal digits of a keyed hash."""
    key = os.environ.get(KEY, "").encode()
    return hmac.new(key, name.encode("utf-8", "surrogateescape"), hashlib.sha256).hexdigest()[:_CODE_LETTERS]


def _replaced(value: Any, shown: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _replaced(item, shown) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_replaced(item, shown) for item in value]
    if isinstance(value, str):
        for file, name in shown.items():
            value = value.replace(file, name)
    return value

"""Label names inside a NIfTI file: a header extension that other programs skip."""

from __future__ import annotations

import json

from nibabel.nifti1 import Nifti1Extension, Nifti1Header

from napari_scd.errors import InputError
from napari_scd.plain import from_json
from napari_scd.volume.labels import LabelTable

_CODE = 6  # NIFTI_ECODE_COMMENT: plain text for readers to interpret
_KEY = "napari-scd labels"


def names_extension(table: LabelTable) -> Nifti1Extension:
    """Return the extension that holds a label table: a comment with one JSON object."""
    text = json.dumps({_KEY: table.to_list()}, ensure_ascii=True)
    return Nifti1Extension(_CODE, text.encode("ascii"))


def table_in_header(header: object) -> LabelTable | None:
    """Return the label table a header carries, None when it has none or it cannot be read."""
    if not isinstance(header, Nifti1Header):
        return None
    for extension in header.extensions:
        if extension.get_code() != _CODE:
            continue
        try:
            content = from_json(extension.get_content().rstrip(b"\0"))
            return LabelTable.from_list(content[_KEY])
        except (ValueError, KeyError, TypeError, AttributeError, InputError):
            continue
    return None

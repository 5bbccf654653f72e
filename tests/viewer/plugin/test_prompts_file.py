"""JSON files that napari opens: those with prompts are ours."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from napari_scd.viewer.plugin import PROMPTS_FILE
from napari_scd.viewer.plugin.prompts_file import get_prompts_reader

if TYPE_CHECKING:
    from pathlib import Path


def test_only_json_with_objects_is_read(model: Any, tmp_path: Path) -> None:
    ours, other, broken = (tmp_path / f"{name}.json" for name in ("ours", "other", "broken"))
    ours.write_text(json.dumps({"objects": []}))
    other.write_text(json.dumps([1, 2]))
    broken.write_text("{")
    assert get_prompts_reader([]) is None and get_prompts_reader(str(tmp_path / "no.json")) is None
    assert get_prompts_reader(str(other)) is None and get_prompts_reader(str(broken)) is None
    assert get_prompts_reader([str(ours), str(other)]) is None
    reader = get_prompts_reader(str(ours))
    assert reader is not None
    ((data, keywords, kind),) = reader(str(ours))
    layer = getattr(model, f"add_{kind}")(data, **keywords)
    assert len(layer.data) == 0 and layer.metadata[PROMPTS_FILE] == str(ours)

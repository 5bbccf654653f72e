"""Show what a function returns as a sentence, where its docstring gives a sentence and no type."""

from __future__ import annotations

from typing import Any

from griffe import Docstring, DocstringSectionKind, Extension, Function


class Returns(Extension):
    """Moves sentences from the type's place to the description's, and takes the type from the signature."""

    def on_function(self, *, func: Function, **_: Any) -> None:
        """Look at one function's docstring; those of methods come here too."""
        if not isinstance(func.docstring, Docstring):
            return
        for section in func.docstring.parsed:
            if section.kind is not DocstringSectionKind.returns or not _is_sentence(section.value[0]):
                continue
            first, *lines = section.value  # each line of the sentence was taken for a value of its own
            words = [f"{value.annotation or ''} {value.description}".strip() for value in (first, *lines)]
            first.description, first.annotation = " ".join(words), func.returns
            section.value[:] = [first]


def _is_sentence(value: Any) -> bool:
    said = str(value.annotation or "")
    return not value.name and " " in said and said[0].isupper() and not said.endswith("]")

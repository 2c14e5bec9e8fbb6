"""How a specialist's input and answer are written as text. One file a format; knows nothing of models.

A format is the narrowest text that still says what the output schema says: a label as its words, a list of pairs as
one line each. The job's output stays JSON; only what the model must write gets shorter.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any, Protocol, cast

from infra.plugins import FORMATS, plugin, plugins

Json = dict[str, Any]


class FormatError(ValueError):
    """A value that this format cannot write, or a text that it cannot read back."""


class Format(Protocol):
    """Writes and reads a specialist's answers. The class is made from the output schema.

    `read` gives back what `write` was given, for every output that the schema allows and the format can hold.
    """

    def faults(self, input: Json) -> list[str]:
        """Why no answer can be written for an input that keeps its schema. Names may be quoted, values never."""

    def fields(self, input: Json) -> dict[str, str]:
        """The input's fields by name, as text that fills the prompt's placeholders."""

    def write(self, output: Json) -> str:
        """The answer that stands for `output`."""

    def read(self, text: str) -> Json:
        """The output that `text` stands for. Raises FormatError."""

    def grammar(self, input: Json) -> str:
        """A Lark grammar (llguidance's dialect) of the answers allowed for `input`."""

    def longest(self) -> int | None:
        """The most bytes that an answer has in UTF-8. It has no more tokens either. None stands for no such bound."""


_FORMATS = {
    "call": "specialists.formats.call:CallFormat",
    "json": "specialists.formats.json_text:JsonFormat",
    "lines": "specialists.formats.lines:LinesFormat",
}


def known_formats() -> list[str]:
    """Ours, and those of installed packages (entry points `manyhands.formats`)."""
    return sorted({*_FORMATS, *plugins(FORMATS)})


def load_format(name: str, output_schema: Json) -> Format:
    """The format `name` for outputs of `output_schema`. Raises FormatError if it cannot hold them."""
    if name in _FORMATS:
        module, cls = _FORMATS[name].split(":")
        return cast(Format, getattr(import_module(module), cls)(output_schema))
    found = plugin(FORMATS, name)
    if found is None:
        raise FormatError(f"unknown answer format {name!r}; known: {', '.join(known_formats())}")
    try:
        return cast(Format, found.load()(output_schema))
    except FormatError:
        raise
    except Exception as error:  # anybody's code
        raise FormatError(f"answer format {name!r} ({found.value}) cannot be used: {type(error).__name__}") from error


def utf8_bytes(text: str) -> int:
    return len(text.encode())


def plain_fields(input: Json) -> dict[str, str]:
    """Strings as they are; anything else as compact JSON."""
    import json

    return {
        name: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        for name, value in input.items()
    }

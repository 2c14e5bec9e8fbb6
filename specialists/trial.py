"""A trial at load: the grammar compiles, and one example answer is written, allowed and read back. Runs no model.

What is wrong here would otherwise be said by the first job, or by none: by an adapter that was trained in vain.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

from infra.json_lines import Line, lines_of
from specialists.schemas import Json

EXAMPLES = "examples.jsonl"
#: Formats whose grammars can be made without an example input: no part of the input decides how an answer looks.
_OF_ANY_INPUT = ("json", "lines")


class Answering(Protocol):
    """What a trial asks of a specialist."""

    def input_faults(self, input: Any) -> list[str]: ...

    def output_faults(self, output: Any) -> list[str]: ...

    def grammar(self, input: Json) -> str: ...

    def write(self, output: Json) -> str: ...

    def parse(self, text: str, input: Json) -> Json: ...


def trial_faults(specialist: Answering, folder: Path, format: str) -> list[str]:
    """Why no answer could be given, or why the first example is none; each with its file, and its line."""
    try:
        line = _first(folder / EXAMPLES)
    except OSError as error:
        return [f"{EXAMPLES}: {error.strerror}"]
    if line is None:
        return _grammar_faults(specialist, {}, None) if format in _OF_ANY_INPUT else []
    return [f"{EXAMPLES}:{line.number}: {fault}" for fault in _example_faults(specialist, line)]


def _first(path: Path) -> Line | None:
    if not path.exists():
        return None
    with path.open("rb") as file:
        return next(lines_of(file), None)


def _example_faults(specialist: Answering, line: Line) -> Iterator[str]:
    if line.fault:
        yield line.fault
        return
    row = line.value if isinstance(line.value, dict) else {}
    input, output = row.get("input"), row.get("output")
    if not (isinstance(input, dict) and isinstance(output, dict)):
        yield 'is not {"input": …, "output": …}'
        return
    if faults := [*specialist.input_faults(input), *specialist.output_faults(output)]:
        yield from faults
        return
    try:
        text = specialist.write(output)
        if specialist.write(specialist.parse(text, input)) != text:
            yield "its output does not read back as it is written"
    except ValueError as error:  # FormatError, AnswerError
        yield f"its output cannot be an answer: {error}"
    except Exception as error:  # noqa: BLE001  # a format may be anybody's code
        yield f"its output cannot be an answer: {type(error).__name__}: {error}"
    else:
        yield from _grammar_faults(specialist, input, text)


def _grammar_faults(specialist: Answering, input: Json, text: str | None) -> list[str]:
    """Where llguidance is installed; the API's image has none, and decodes nothing."""
    if find_spec("llguidance") is None:
        return []
    try:
        grammar = specialist.grammar(input)
    except Exception as error:  # noqa: BLE001  # a format may be anybody's code
        return [f"no grammar can be made of the output schema: {type(error).__name__}: {error}"]
    return _held_faults(grammar, text)


def _held_faults(grammar: str, text: str | None) -> list[str]:
    from llguidance import LLMatcher, LLTokenizer

    tokens = LLTokenizer("byte")
    matcher = LLMatcher(tokens, grammar, log_level=0)
    if matcher.is_error():
        return [f"the grammar of the output schema does not compile: {_reason(matcher.get_error())}"]
    if text is None:
        return []
    written = tokens.tokenize_str(text)
    if matcher.validate_tokens(written) == len(written) and matcher.consume_tokens(written) and matcher.is_accepting():
        return []
    return ["its output is none that the grammar of the output schema allows"]


def _reason(error: str) -> str:
    """The first line: below it the whole grammar is quoted."""
    return error.partition("\n")[0]

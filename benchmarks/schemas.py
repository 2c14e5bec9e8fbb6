"""What becomes of a folder of JSON Schemas as outputs of specialists, and what a random model answers under each.

    python -m benchmarks.schemas FOLDER

Each `.json` file is loaded as the output of a specialist with `bounds = "default"`. Of those that load, a model that
chooses among the allowed bytes at random writes answers; every one has to parse, and to keep the schema as it is
written in the file, by the validator of the draft that it names.
"""

from __future__ import annotations

import json
import random
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from jsonschema import Draft202012Validator
from jsonschema.validators import validator_for
from llguidance import LLMatcher, LLTokenizer
from referencing.exceptions import Unresolvable

from specialists.schemas import Json
from specialists.specialist import AnswerError, Specialist, SpecialistError, load_specialist

WALKS = 3  #: answers of each schema
LONGEST = 100_000  #: bytes of an answer; a longer one is given up
MANIFEST = """
name = "tried"
version = "1.0.0"
description = "A schema that is tried."
engine = "transformers"
bounds = "default"
[base]
name = "smollm2-135m"
[decoding]
format = "json"
max_tokens = 4096
"""
TEXT = {"type": "object", "properties": {"text": {"type": "string", "maxLength": 9}}, "additionalProperties": False}


def loaded(schema: str, folder: Path) -> Specialist:
    """Raises SpecialistError."""
    files = {"specialist.toml": MANIFEST, "prompt.txt": "{{text}}", "input.schema.json": json.dumps(TEXT)}
    for name, text in {**files, "output.schema.json": schema}.items():
        (folder / name).write_text(text, "utf-8")
    return load_specialist(folder, adapters=False)


def walked(grammar: str, draw: random.Random, longest: int = LONGEST) -> str | None:
    """An answer of random bytes that the grammar allows; None where it becomes too long."""
    tokens = LLTokenizer("byte")
    matcher = LLMatcher(tokens, grammar, log_level=0)
    written = bytearray()
    while not matcher.is_stopped() and len(written) < longest:
        mask = np.unpackbits(np.frombuffer(matcher.compute_bitmask(), dtype=np.uint8), bitorder="little")
        allowed = np.flatnonzero(mask)
        # As soon as the answer may end it does: a random model would else write blanks, or digits, for long.
        token = tokens.eos_token if mask[tokens.eos_token] else int(draw.choice(list(allowed)))
        if not matcher.consume_token(token) or token == tokens.eos_token:
            break
        written.append(token)
    if matcher.is_error():
        raise AnswerError(f"the grammar gave up: {matcher.get_error().partition(chr(10))[0]}")
    return written.decode() if len(written) < longest else None


def answers(specialist: Specialist, seed: int) -> Iterator[str]:
    """What became of each walk: `valid`, `too long`, or the fault."""
    for number in range(WALKS):
        try:
            text = walked(specialist.grammar({}), random.Random(f"{seed}.{number}"))
            if text is not None:
                _check_as_written(specialist.parse(text, {"text": ""}), specialist.written[1])
            yield "too long to follow" if text is None else "valid"
        except AnswerError as error:
            yield str(error)


def _check_as_written(answer: Json, schema: Json) -> None:
    """Raises AnswerError. What the public validator cannot read (a pattern that is none of Python's) is not checked."""
    try:
        error = next(validator_for(schema, default=Draft202012Validator)(schema).iter_errors(answer), None)
    except (re.error, Unresolvable):
        return
    if error:
        raise AnswerError(f"as it is written, it breaks {error.validator!r} at {list(error.absolute_path)}")


_KINDS = (
    r"keyword '[^']*'", "refers to itself", "is in another file", "is not in this file",
    "two of its schemas say different '[^']*'",
    "is closed by 'additionalProperties'", "the top level must be an object",
    "in linear time", "does not compile: .*", "written out, are more than", "must be a schema of its own",
    "no value keeps it", "not a JSON Schema", "'uniqueItems' is held", "'dependentRequired' is held",
)  # fmt: skip


def reason(fault: str) -> str:
    """What kind of fault it is, to be counted."""
    found = (re.search(kind, fault) for kind in _KINDS)
    return next((each[0] for each in found if each), fault)[:110]


def main(folder: Path) -> int:
    refused: Counter[str] = Counter()
    wrong: Counter[str] = Counter()
    count = Counter[str]()
    with tempfile.TemporaryDirectory() as scratch:
        place = Path(scratch) / "tried"
        place.mkdir()
        for number, path in enumerate(sorted(folder.rglob("*.json"))):
            count["schemas"] += 1
            try:
                specialist = loaded(path.read_text("utf-8"), place)
            except SpecialistError as error:
                refused[reason(error.faults[0])] += 1
                continue
            told = set(answers(specialist, number))
            count["loaded"] += 1
            count["every answer valid"] += told <= {"valid"}
            count["too long to follow"] += "too long to follow" in told
            faults = sorted(told - {"valid", "too long to follow"})
            count["an answer not valid"] += bool(faults)
            for fault in faults:
                wrong[f"{path.name}: {fault}"[:300]] += 1
    for table in (count, refused, wrong):
        print("\n".join(f"{number:5}  {name}" for name, number in table.most_common()), end="\n\n")
    return bool(count["an answer not valid"])


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))

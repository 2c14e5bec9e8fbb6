"""Files of examples: what reads is kept, what does not is told with its line, and any bytes give a sentence."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from infra.json_lines import json_of, lines_of
from specialists.catalog import load_catalog
from specialists.examples import Example, ExamplesError, answerable, read_examples, read_inputs

GOOD = b'{"input": {"text": "hi"}, "output": {"intent": "card_arrival"}}\n'
TRIAGE = load_catalog(adapters=False).get("triage")


def file_of(tmp_path: Path, data: bytes, name: str = "dev.jsonl") -> Path:
    path = tmp_path / name
    path.write_bytes(data)
    return path


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (b'{"input": {"text": "caf\xe9"}, "output": {}}', "is not UTF-8 (byte 23)"),
        (b'{"input": {"n": NaN}, "output": {}}', "is not JSON: NaN is no number of JSON"),
        (b'{"input": {"text": "\\ud83d"}, "output": {}}', "holds half a surrogate pair"),
        (b'{"input": {"n": 1e999}, "output": {}}', "holds a number that is not finite or too long"),
        (b'{"input": 5, "output": {}}', 'not {"input": …, "output": …}: \'input\' must be an object'),
        (b'{"input": {}}', 'not {"input": …, "output": …}: \'output\' must be an object'),
        (b"input,output", "is not JSON: Expecting value at character 1"),
        (b"[" * 100_000, "nests deeper than 100 levels"),
    ],
)
def test_a_bad_line_costs_no_other_and_is_told_with_its_number(tmp_path: Path, line: bytes, why: str) -> None:
    path, told = file_of(tmp_path, GOOD + line + b"\n" + GOOD), list[str]()
    assert len(read_examples(path, told.append)) == 2
    assert told == [f"1 of 3 lines of dev.jsonl left out: dev.jsonl:2: {why}"]
    with pytest.raises(ExamplesError, match=r"^dev\.jsonl:2: "):  # where nobody is told
        read_examples(path)


def test_many_bad_lines_are_counted_and_the_first_are_shown(tmp_path: Path) -> None:
    told = list[str]()
    assert read_inputs(file_of(tmp_path, GOOD + b"x\n" * 12), told.append) == [{"text": "hi"}]
    assert told[0].startswith("12 of 13 lines of dev.jsonl left out: dev.jsonl:2: is not JSON")
    assert told[0].endswith("; and 7 more")


def test_a_file_that_is_none_of_examples_is_refused(tmp_path: Path) -> None:
    for data, name in ((b"", "empty.jsonl"), (b"x\ny\n", "no.jsonl"), (gzip.compress(GOOD)[:20], "cut.jsonl.gz")):
        with pytest.raises(ExamplesError, match=name):
            read_examples(file_of(tmp_path, data, name), list[str]().append)
    with pytest.raises(ExamplesError, match=r"cannot be read: No such file"):
        read_examples(tmp_path / "missing.jsonl")


def test_a_label_that_the_schema_does_not_know_is_told_with_what_is_known() -> None:
    told = list[str]()
    good, bad = Example({"text": "a"}, {"intent": "card_arrival"}), Example({"text": "b"}, {"intent": "lost card"})
    assert answerable(TRIAGE, [good, bad, bad], told.append) == [good]
    assert told[0].startswith(
        "2 of 3 examples left out, as 'triage' has no such output: triage.output.intent: must be one of"
    )
    assert told[0].endswith("(2)")
    with pytest.raises(ExamplesError, match=r"none of the 2 examples has an output of 'triage': .* must be one of"):
        answerable(TRIAGE, [bad, bad], told.append)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.one_of(st.binary(max_size=60), st.just(GOOD), st.text(max_size=30).map(str.encode)), max_size=6))
def test_any_bytes_are_examples_or_a_sentence(tmp_path: Path, pieces: list[bytes]) -> None:
    data, told = b"\n".join(pieces), list[str]()
    try:
        found = read_examples(file_of(tmp_path, data), told.append)
    except ExamplesError:
        return
    rows = [line for line in data.split(b"\n") if line.strip()]
    assert len(found) + (int(told[0].split()[0]) if told else 0) == len(rows), "none is lost without a word"


VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text()),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(), inner, max_size=3)),
    max_leaves=8,
)


@given(VALUES)
def test_any_value_reads_as_itself_or_is_told_of(value: object) -> None:
    (line,) = lines_of(json.dumps(value).encode())
    if line.fault is None:
        assert json.dumps(line.value) == json.dumps(value)
        assert json_of(json.dumps(line.value, ensure_ascii=False)) == line.value

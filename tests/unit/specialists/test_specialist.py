"""Specialists and the catalog: what loads, what is refused and how it says so."""

import json
import shutil
from pathlib import Path

import pytest

from benchmarks.engine.written import HERE as WRITTEN
from infra.records import Json
from specialists.catalog import CatalogError, UnknownJobType, load_catalog
from specialists.specialist import AnswerError, SpecialistError, load_specialist

MANIFEST = """
name = "mood"
version = "1.0.0"
description = "Says the mood of a text."
engine = "transformers"
[base]
name = "smollm2-135m"
[decoding]
format = "lines"
max_tokens = 8
"""
INPUT: Json = {
    "type": "object",
    "properties": {"text": {"type": "string", "maxLength": 100}},
    "required": ["text"],
    "additionalProperties": False,
}
TEXT = {"type": "string", "maxLength": 40}
OUTPUT = {
    "type": "object",
    "properties": {"mood": {"enum": ["good", "very_bad"]}},
    "required": ["mood"],
    "additionalProperties": False,
}


@pytest.fixture
def mood(tmp_path: Path) -> Path:
    folder = tmp_path / "mood"
    folder.mkdir()
    (folder / "specialist.toml").write_text(MANIFEST)
    (folder / "input.schema.json").write_text(json.dumps(INPUT))
    (folder / "output.schema.json").write_text(json.dumps(OUTPUT))
    (folder / "prompt.txt").write_text("Text: {{text}}\nMood:\n")
    return folder


def test_a_folder_outside_the_package_loads_through_the_same_code(mood: Path) -> None:
    catalog = load_catalog([mood.parent])
    assert "mood" in catalog
    assert catalog.get("mood").folder == mood


def test_the_shipped_specialists_load_with_their_adapters() -> None:
    assert {"planner", "triage", "command", "entities", "table", "count", "filter"} <= set(load_catalog().names())


def test_a_placeholder_inside_a_value_stays_text(mood: Path) -> None:
    assert load_specialist(mood).render({"text": "{{text}} \\1"}) == "Text: {{text}} \\1\nMood:\n"


def test_an_answer_parses_to_its_output(mood: Path) -> None:
    assert load_specialist(mood).parse("very bad", {"text": "x"}) == {"mood": "very_bad"}


def test_an_answer_that_does_not_parse_is_refused_without_being_quoted(mood: Path) -> None:
    with pytest.raises(AnswerError, match="mood: answer does not parse") as caught:
        load_specialist(mood).parse("secret", {"text": "x"})
    assert "secret" not in str(caught.value)


def test_a_copied_value_that_is_not_in_the_input_is_refused() -> None:
    entities = load_specialist(WRITTEN / "entities", adapters=False)
    with pytest.raises(AnswerError, match="not a part of the input's 'text'"):
        entities.parse("person: Maria", {"text": "Anna left."})


@pytest.mark.parametrize(
    ("text", "answer", "is_held"),
    [
        ("port 7 shut", "port <*> shut", True),
        ("port 7 shut", "port 7 shut", True),
        (" port 7 shut ", "port <*>", True),
        ("port 7 shut", "port <*> open", False),
        ("port 7 shut", "shut <*> port", False),
        ("port 7 shut", "<*>", True),
    ],
)
def test_an_answer_that_is_no_mask_of_the_input_is_refused(mood: Path, text: str, answer: str, is_held: bool) -> None:
    (mood / "output.schema.json").write_text(
        json.dumps(OUTPUT | {"properties": {"mood": TEXT | {"x-mask-of": "text"}}})
    )
    specialist = load_specialist(mood)

    if is_held:
        assert specialist.parse(answer, {"text": text}) == {"mood": answer}
        return
    with pytest.raises(AnswerError, match="not a mask of the input's 'text'"):
        specialist.parse(answer, {"text": text})


def test_input_faults_come_all_at_once_and_never_quote_the_input(mood: Path) -> None:
    faults = load_specialist(mood).input_faults({"txt": "secret"})
    assert faults == ["mood.input: missing 'text'", "mood.input: unknown 'txt'; known: text"]
    assert load_specialist(mood).input_faults({"text": "secret" * 30}) == [
        "mood.input.text: 180 characters, maxLength is 100"
    ]


def test_every_fault_of_a_folder_is_named_at_once(mood: Path) -> None:
    (mood / "output.schema.json").write_text('{"type":"object","properties":{"mood":{"type":"string"}},"oneOf":[{}]}')
    (mood / "prompt.txt").unlink()
    (mood / "specialist.toml").write_text(MANIFEST.replace('"mood"', '"moods"'))
    with pytest.raises(SpecialistError) as caught:
        load_specialist(mood)
    said = "; ".join(caught.value.faults)
    for part in (
        "folder's name must be the same",
        "keyword 'oneOf'",
        "maxLength",
        "additionalProperties",
        "no prompt.txt",
    ):
        assert part in said


def test_a_prompt_that_names_no_input_field_is_refused(mood: Path) -> None:
    (mood / "prompt.txt").write_text("{{texts}}")
    with pytest.raises(SpecialistError, match=r"\{\{texts\}\} is no input field"):
        load_specialist(mood)


def test_the_field_that_may_be_cut_is_told_by_its_place_and_not_by_its_words(mood: Path) -> None:
    (mood / "specialist.toml").write_text(MANIFEST + '[limits]\ncut = "text"\n')
    (mood / "prompt.txt").write_text("Mood: good\nText: {{text}}\nMood:\n")
    filled = load_specialist(mood).fill({"text": "good"})
    assert filled.cut
    before, after = filled.text[: filled.cut[0]], filled.text[filled.cut[1] :]
    assert (before, after) == ("Mood: good\nText: ", "\nMood:\n")


def test_without_a_field_that_may_be_cut_nothing_may_be(mood: Path) -> None:
    assert load_specialist(mood).fill({"text": "good"}).cut is None


@pytest.mark.parametrize(
    ("cut", "prompt", "fault"),
    [
        ("txt", "{{text}}", r"\[limits\] cut: 'txt' is no string of the input; its strings: text"),
        ("ids", "{{text}}", r"\[limits\] cut: 'ids' is no string of the input; its strings: text"),
        ("text", "Mood:", r"prompt\.txt must have \{\{text\}\} once to have it cut; it has it 0 times"),
        ("text", "{{text}} {{text}}", r"once to have it cut; it has it 2 times"),
    ],
)
def test_a_field_that_could_not_be_cut_is_refused_at_load(mood: Path, cut: str, prompt: str, fault: str) -> None:
    ids = {"type": "array", "maxItems": 3, "items": {"type": "number"}}
    (mood / "input.schema.json").write_text(
        json.dumps(INPUT | {"properties": INPUT["properties"] | {"ids": ids}, "required": ["text"]})
    )
    (mood / "specialist.toml").write_text(MANIFEST + f'[limits]\ncut = "{cut}"\n')
    (mood / "prompt.txt").write_text(prompt)
    with pytest.raises(SpecialistError, match=fault):
        load_specialist(mood)


def without_max_tokens(folder: Path) -> Path:
    manifest = folder / "specialist.toml"
    manifest.write_text(manifest.read_text().replace("max_tokens = 8\n", ""))
    return folder


def test_a_byte_order_mark_before_a_file_is_none_of_it(mood: Path) -> None:
    as_it_was = load_specialist(mood)
    for name in ("specialist.toml", "input.schema.json", "output.schema.json", "prompt.txt"):
        (mood / name).write_bytes(b"\xef\xbb\xbf" + (mood / name).read_bytes())
    assert load_specialist(mood).digest == as_it_was.digest


def test_a_job_costs_no_more_than_the_longest_prompt_and_answer_as_a_longer_one_is_refused(mood: Path) -> None:
    specialist = load_specialist(mood)
    most = specialist.manifest.limits.input_tokens + specialist.answer_tokens
    assert specialist.tokens({"text": "x" * 200_000}) == most
    assert specialist.tokens({"text": "x" * 40}) < most


def test_an_answer_may_have_as_many_tokens_as_the_manifest_says_and_no_more_than_bytes(mood: Path) -> None:
    assert load_specialist(mood).answer_tokens == 8
    assert load_specialist(without_max_tokens(mood)).answer_tokens == len("very bad")


def test_where_the_schema_bounds_no_answer_the_manifest_must(mood: Path) -> None:
    schema = json.loads((mood / "output.schema.json").read_text())
    schema["properties"]["mood"] = {"type": "string", "maxLength": 2000}
    (mood / "output.schema.json").write_text(json.dumps(schema))
    assert load_specialist(mood).answer_tokens == 8
    with pytest.raises(SpecialistError, match=r"\[decoding\] max_tokens: say how many an answer may have, up to 4096"):
        load_specialist(without_max_tokens(mood))


def test_an_unknown_manifest_field_is_refused_by_name(mood: Path) -> None:
    (mood / "specialist.toml").write_text('colour = "red"\n' + MANIFEST)
    with pytest.raises(SpecialistError, match="colour: Extra inputs are not permitted"):
        load_specialist(mood)


def test_an_adapter_must_have_the_pinned_digest(mood: Path) -> None:
    pinned = MANIFEST.replace("[decoding]", f'[adapter]\nsha256 = "{"0" * 64}"\nrank = 4\nalpha = 8\n[decoding]')
    (mood / "specialist.toml").write_text(pinned)
    with pytest.raises(SpecialistError, match=r"no adapter\.safetensors, though"):
        load_specialist(mood)
    (mood / "adapter.safetensors").write_bytes(b"other")
    with pytest.raises(SpecialistError, match="the manifest pins 0000"):
        load_specialist(mood)
    assert load_specialist(mood, adapters=False).name == "mood"


def test_the_digest_changes_with_whatever_decides_an_answer(mood: Path) -> None:
    before = load_specialist(mood).digest
    (mood / "prompt.txt").write_text("Text: {{text}}\nMood?\n")
    assert load_specialist(mood).digest != before


@pytest.fixture
def adding(mood: Path) -> Path:
    """A specialist that is a function."""
    function = 'engine = "function"\nfunction = "add.py:add"\n[reuse]\ncache_s = 60\n'
    (mood / "specialist.toml").write_text(MANIFEST.partition("engine")[0] + function)
    (mood / "add.py").write_text("def add(input): return {'mood': 'good'}\n")
    return mood


def test_the_digest_changes_with_the_function_and_so_does_what_answers_the_same(adding: Path) -> None:
    before = load_specialist(adding)
    (adding / "add.py").write_text("def add(input): return {'mood': 'very_bad'}\n")
    after = load_specialist(adding)
    assert before.digest != after.digest
    keys = {reuse.key for each in (before, after) if (reuse := each.reuse({"text": "x"}, "acme"))}
    assert len(keys) == 2


def test_who_asks_for_another_number_of_values_of_a_label_asks_something_else(adding: Path) -> None:
    specialist, input = load_specialist(adding), {"text": "x"}
    keys = [reuse.key for top in (None, 1, 3) if (reuse := specialist.reuse(input, "acme", top=top))]
    assert len(set(keys)) == 3
    again = specialist.reuse(input, "acme", top=3)
    assert again
    assert again.key == keys[2]


def test_a_running_process_keeps_the_digest_of_what_it_loaded(adding: Path) -> None:
    loaded, same = load_specialist(adding), load_specialist(adding)
    (adding / "add.py").write_text("def add(input): return {'mood': 'very_bad'}\n")
    assert loaded.digest == same.digest


def test_outputs_are_kept_only_of_weights_that_are_pinned(mood: Path) -> None:
    kept = MANIFEST + "[reuse]\ncache_s = 60\n"
    (mood / "specialist.toml").write_text(kept)
    with pytest.raises(SpecialistError, match=r"\[reuse\] cache_s needs base\.sha256: outputs of other weights would"):
        load_specialist(mood)
    pinned = f'name = "smollm2-135m"\nsha256 = "{"0" * 64}"\n'
    (mood / "specialist.toml").write_text(kept.replace('name = "smollm2-135m"\n', pinned))
    assert load_specialist(mood).manifest.reuse.cache_s == 60


def with_fallback(folder: Path, to: str) -> None:
    (folder / "specialist.toml").write_text(f'{MANIFEST}[fallback]\nto = "{to}"\nbelow = 0.8\n')


def beside(folder: Path, name: str) -> Path:
    """A copy of the folder under another name."""
    other = shutil.copytree(folder, folder.parent / name)
    (other / "specialist.toml").write_text(MANIFEST.replace('"mood"', f'"{name}"'))
    return other


def test_a_fallback_with_the_same_schemas_loads_and_changes_no_digest(mood: Path) -> None:
    before = load_specialist(mood).digest
    beside(mood, "mood_large")
    with_fallback(mood, "mood_large")
    own = load_catalog([mood.parent]).get("mood")
    assert own.manifest.fallback
    assert (own.manifest.fallback.to, own.manifest.fallback.below) == ("mood_large", 0.8)
    assert own.digest == before


@pytest.mark.parametrize(
    ("to", "fault"),
    [
        ("mood", "'mood' is no other specialist; known: "),
        ("gone", "'gone' is no other"),
        ("triage", "the same schemas"),
    ],
)
def test_a_fallback_that_could_not_answer_is_refused(mood: Path, to: str, fault: str) -> None:
    with_fallback(mood, to)
    with pytest.raises(CatalogError, match=fault):
        load_catalog([mood.parent])


def test_a_fallback_of_who_never_says_how_sure_it_is_is_refused(mood: Path) -> None:
    with_fallback(mood, "triage")
    path = mood / "specialist.toml"
    path.write_text(path.read_text().replace('engine = "transformers"', 'engine = "llama.cpp"'))
    with pytest.raises(SpecialistError, match=r"\[fallback\] would never be asked: engine 'llama.cpp'"):
        load_specialist(mood)


def test_a_fallback_has_none_itself(mood: Path) -> None:
    with_fallback(beside(mood, "mood_large"), "mood")
    text = (mood.parent / "mood_large" / "specialist.toml").read_text()
    (mood.parent / "mood_large" / "specialist.toml").write_text(text.replace('"mood"', '"mood_large"', 1))
    with_fallback(mood, "mood_large")
    with pytest.raises(
        CatalogError, match=r"mood/specialist.toml: \[fallback\] to: 'mood_large' has a fallback itself"
    ):
        load_catalog([mood.parent])


def test_two_specialists_of_one_name_are_refused(mood: Path, tmp_path: Path) -> None:
    other = tmp_path / "others"
    shutil.copytree(mood, other / "mood")
    with pytest.raises(CatalogError, match=r"'mood' is in .* rename one"):
        load_catalog([mood, other])


def test_an_empty_folder_of_specialists_is_an_error_not_nothing(tmp_path: Path) -> None:
    with pytest.raises(CatalogError, match=r"no specialist\.toml in it nor in its folders"):
        load_catalog([tmp_path])


def test_an_unknown_job_type_lists_the_known_ones() -> None:
    with pytest.raises(UnknownJobType, match="unknown job type 'sumarize'; known: average, call, command, count"):
        load_catalog().get("sumarize")


@pytest.mark.parametrize(
    ("output", "fault"),
    [
        (
            {**TEXT, "x-span-of": "txt"},
            "mood.output.mood: 'x-span-of': 'txt' is no string of the input; its strings: text",
        ),
        ({"type": "integer", "x-span-of": "text"}, "mood.output.mood: 'x-span-of' is of a string"),
        ({"enum": ["a"], "x-span-of": "text"}, "mood.output.mood: 'x-span-of' is of a string"),
        (
            {"type": "object", "additionalProperties": {**TEXT, "x-span-of": "text"}},
            r"mood.output.mood.\*: 'x-span-of' is not held in a map",
        ),
        (
            {"anyOf": [{**TEXT, "x-span-of": "text"}]},
            "mood.output.mood.anyOf: 'x-span-of' is not held in a map or in 'anyOf'",
        ),
        ({**TEXT, "x-words-of": "txt"}, "mood.output.mood: 'x-words-of': 'txt' is no string of the input"),
        ({"type": "integer", "x-words-of": "text"}, "mood.output.mood: 'x-words-of' is of a string"),
        (
            {**TEXT, "x-words-of": "text", "x-span-of": "text"},
            "mood.output.mood: say one of 'x-span-of', 'x-words-of'",
        ),
        (
            {**TEXT, "x-mask-of": "txt"},
            "mood.output.mood: 'x-mask-of': 'txt' is no string of the input; its strings: text",
        ),
        ({**TEXT, "x-mask-of": "text", "x-span-of": "text"}, "mood.output.mood: say one of 'x-span-of', 'x-mask-of'"),
        ({**TEXT, "x-mask-with": "_"}, "mood.output.mood: 'x-mask-with' is for a string with 'x-mask-of'"),
        ({**TEXT, "x-mask-of": "text", "x-mask-with": " "}, "'x-mask-with' must be a text that can be seen"),
    ],
)
def test_a_copy_that_nothing_would_hold_is_refused_at_load(mood: Path, output: dict[str, object], fault: str) -> None:
    (mood / "specialist.toml").write_text(MANIFEST.replace("lines", "json"))
    (mood / "output.schema.json").write_text(json.dumps(OUTPUT | {"properties": {"mood": output}}))
    with pytest.raises(SpecialistError, match=fault):
        load_specialist(mood)

"""A rehearsal: goals planned by a planner that is handed in, plans run by functions and stand-ins."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from coordinator.commands.views.rehearsed import rehearsed_view, summary
from coordinator.rehearsal import planner
from coordinator.rehearsal.draw import Draw
from coordinator.rehearsal.lines import Line, LineFault, Rehearsed, State, read_lines
from coordinator.rehearsal.planner import Planner, PlannerFailed, PlannerMissing, load_planner
from coordinator.rehearsal.rehearsal import Rehearsal
from coordinator.rehearsal.values import drawn_value
from infra.settings import Settings
from specialists.catalog import Catalog, load_catalog
from specialists.specialist import load_specialist
from tests.support.story import COUNT, JOIN, LEAVING_OUT, LIMITS, SORT, ref
from tests.support.terminal import shown

Json = dict[str, Any]
CATALOG = load_catalog(adapters=False)
MESSAGES = ["my card is lost", "where is my money", "close my account"]
LOST = {"triage": [{"intent": "lost_or_stolen_card"}]}


def nobody() -> Planner:
    raise AssertionError("no line has a goal")


def says(*plans: list[Json], answer: str = "plan", reason: str = "") -> Planner:
    """A planner that answers every goal with these plans."""
    told = [{"steps": steps, "words": "in words", "confidence": 0.9 - n / 10} for n, steps in enumerate(plans)]
    return lambda _: {"answer": answer, "confidence": 0.9, "reason": reason, "plans": told}


def tried(
    plan: list[Json] | None = None, planner: Planner | None = None, catalog: Catalog = CATALOG, **line: Any
) -> Rehearsed:
    """What comes of one line over `MESSAGES`: of a plan, or of a goal that is put to `planner`."""
    asked = {"goal": "sort them"} if planner else {"plan": {"steps": plan, **line.pop("rest", {})}}
    whole = Line.model_validate({"id": "one", "inputs": {"messages": MESSAGES}, **asked, **line})
    return Rehearsal(catalog, LIMITS, lambda: planner or nobody()).rehearse(whole)


KEPT = {
    "id": "s3",
    "type": "filter",
    "args": {"items": ref("s2.rows"), "field": "intent", "equals": "lost or stolen card"},
}
AGAIN = {
    "id": "s4",
    "type": "entities",
    "map": {"over": ref("s3.items"), "as": "row"},
    "args": {"text": ref("row.value")},
}


def test_a_map_is_stood_in_for_item_by_item() -> None:
    done = tried([SORT])
    assert done.state is State.SUCCEEDED
    assert [each.keys() for each in done.result] == [{"intent"}] * 3
    assert (done.confidence, done.reason, done.seconds) == (None, None, None)
    assert done.plan == {"steps": [SORT], "result": ref("s1")}


def test_functions_run_for_real_on_what_stand_ins_answer() -> None:
    done = tried([SORT, JOIN, COUNT], answers=LOST)
    assert done.result == {"counts": [{"value": "lost_or_stolen_card", "count": 3}], "total": 3}


def test_a_chain_goes_on_with_what_a_filter_keeps() -> None:
    answers = {"triage": [{"intent": "lost_or_stolen_card"}, {"intent": "card_arrival"}]}
    kept, names = tried([SORT, JOIN, KEPT], answers=answers), tried([SORT, JOIN, KEPT, AGAIN], answers=answers)
    assert len(names.result) == kept.result["kept"]


def test_nothing_kept_is_an_empty_result() -> None:
    assert tried([SORT, JOIN, KEPT, AGAIN], answers={"triage": [{"intent": "card_arrival"}]}).result == []


def test_two_things_asked_are_two_results() -> None:
    other = {**SORT, "id": "s2", "type": "entities"}
    assert tried([SORT, other]).result.keys() == {"s1", "s2"}


def test_a_plan_may_say_its_result() -> None:
    done = tried([SORT, JOIN], answers=LOST, rest={"result": {"first": ref("s1"), "of": ref("inputs.messages")}})
    assert done.result == {"first": LOST["triage"] * 3, "of": MESSAGES}


def test_the_same_line_gets_the_same_result() -> None:
    assert tried([SORT, JOIN, COUNT]) == tried([SORT, JOIN, COUNT])


def test_a_plan_with_faults_fails_with_all_of_them() -> None:
    done = tried([{**SORT, "type": "sumarize"}, {**COUNT, "args": {"items": ref("s9"), "field": "intent"}}])
    assert done.state is State.FAILED
    assert done.reason
    assert "unknown job type" in done.reason
    assert "no step 's9'" in done.reason
    assert done.result is None


def test_inputs_that_a_goal_could_not_have_fail() -> None:
    done = tried([SORT], inputs={"messages": MESSAGES, "note": None})
    assert done.reason == "inputs: 'note' is null; leave it out"


def test_a_function_that_fails_says_why_as_a_worker_does() -> None:
    names = {"id": "s1", "type": "entities", "args": {"text": "Anna"}}
    unequal = {"id": "s2", "type": "table", "args": {"columns": [["a", "b"], ref("s1.entities")]}}
    done = tried([names, unequal], answers={"entities": [{"entities": [{"type": "person", "text": "Anna"}]}]})
    assert done.state is State.FAILED
    assert (
        done.reason == "step 's2', item 0: engine: the columns have [2, 1] items; a table needs lists of equal length"
    )


def a_function(write_specialist: Callable[..., Path], body: str) -> Catalog:
    """The shipped catalog and a function `own` of a text."""
    text = {"text": {"type": "string", "maxLength": 40}}
    files = {"function.py": f"import sys\n\n\ndef own(input):\n    {body}\n"}
    folder = write_specialist("own", 'engine = "function"\nfunction = "function.py:own"\n', text, text, files)
    return Catalog([*CATALOG, load_specialist(folder)])


OWN = {**SORT, "type": "own"}
BROKEN = [
    ('raise RuntimeError("secret")', "engine: function 'own' raised RuntimeError"),
    ("sys.exit(3)", "engine: function 'own' raised SystemExit"),
    ('return {"text": float("nan")}', "engine: function 'own' raised ValueError"),
    ('return {"text": {1, 2}}', "engine: function 'own' raised TypeError"),
    ('return {"txt": "a"}', "invalid_output: own.output: missing 'text'; own.output: unknown 'txt'; known: text"),
    ('return "a"', "invalid_output: own: answer does not parse: not a JSON object"),
]


@pytest.mark.parametrize(("body", "reason"), BROKEN)
def test_a_function_of_ones_own_that_breaks_ends_its_line_alone(
    write_specialist: Callable[..., Path], body: str, reason: str
) -> None:
    done = tried([OWN], catalog=a_function(write_specialist, body))
    assert done.state is State.FAILED
    assert done.reason == f"step 's1', item 0: {reason}"


def test_a_function_of_ones_own_runs_on_a_copy_of_its_input(write_specialist: Callable[..., Path]) -> None:
    catalog = a_function(write_specialist, 'input["text"] = input["text"].upper(); return input')
    done = tried([OWN, {**JOIN, "args": {"columns": [ref("inputs.messages"), ref("s1")]}}], catalog=catalog)
    assert done.result["rows"][0] == {"value": "my card is lost", "text": "MY CARD IS LOST"}


def test_an_input_that_a_job_type_cannot_take_fails_its_job() -> None:
    long = {"entities": [{"entities": [{"type": "person", "text": "x" * 3000}]}]}
    pick = {
        "id": "s2",
        "type": "triage",
        "map": {"over": ref("s1.entities"), "as": "e"},
        "args": {"text": ref("e.text")},
    }
    done = tried([{"id": "s1", "type": "entities", "args": {"text": "a"}}, pick], answers=long)
    assert done.reason == "step 's2', item 0: invalid_input: triage.input.text: 3000 characters, maxLength is 2000"


def test_a_failed_job_may_be_skipped_defaulted_or_not_needed(write_specialist: Callable[..., Path]) -> None:
    catalog = a_function(write_specialist, 'assert "money" not in input["text"]; return input')
    first, _, third = [{"text": text} for text in MESSAGES]
    assert tried([{**OWN, "on_failure": "skip"}], catalog=catalog).result == [first, None, third]
    default = {"on_failure": {"default": {"text": "none"}}}
    assert tried([{**OWN, **default}], catalog=catalog).result == [first, {"text": "none"}, third]
    assert tried([{**OWN, "join": {"quorum": 2}}], catalog=catalog).state is State.SUCCEEDED
    assert "AssertionError" in str(tried([OWN], catalog=catalog).reason)


def test_more_jobs_than_allowed_fail() -> None:
    done = tried([SORT], inputs={"messages": ["a"] * 51})
    assert done.reason == "plan: at least 51 jobs, limits.max_jobs is 50"


def test_what_no_stand_in_fits_asks_for_answers(write_specialist: Callable[..., Path]) -> None:
    never = {"code": {"type": "string", "maxLength": 9, "pattern": "^b{12}$"}}
    folder = write_specialist("own", 'engine = "scripted"\n', {"text": {"type": "string", "maxLength": 40}}, never, {})
    catalog = Catalog([*CATALOG, load_specialist(folder)])
    done = tried([OWN], catalog=catalog)
    assert done.reason
    assert done.reason.endswith("give 'answers' of 'own'")
    assert tried([OWN], catalog=catalog, answers={"own": [{"code": "B-1"}]}).result == [{"code": "B-1"}] * 3


def test_a_goal_is_planned_and_its_plan_run() -> None:
    done = tried(planner=says([SORT, JOIN, COUNT]), answers=LOST)
    assert done.state is State.SUCCEEDED
    assert done.confidence == 0.9
    assert done.seconds is not None
    assert done.result["total"] == 3


def test_the_planner_is_told_of_goal_inputs_and_job_types() -> None:
    asked: list[Json] = []

    def answer(told: Json) -> Json:
        asked.append(told)
        return says([SORT])(told)

    tried(planner=answer)
    assert asked[0]["goal"] == "sort them"
    assert asked[0]["inputs"]["messages"]["sample"] == MESSAGES[:2]
    assert {"triage", "filter"} <= {each["name"] for each in asked[0]["job_types"]}


def test_the_next_plan_is_tried_where_the_first_does_not_compile() -> None:
    done = tried(planner=says([{**SORT, "type": "sumarize"}], [SORT]))
    assert done.state is State.SUCCEEDED
    assert done.confidence == pytest.approx(0.8)
    assert done.plan == {"steps": [{**SORT, **LEAVING_OUT}], "result": ref("s1")}


def test_plans_of_which_none_compiles_fail_with_the_faults_of_all() -> None:
    done = tried(planner=says([{**SORT, "type": "sumarize"}], [{**SORT, "type": "translate"}]))
    assert done.state is State.FAILED
    assert done.reason
    assert done.reason.count("unknown job type") == 2
    assert done.plan == {"steps": [{**SORT, "type": "sumarize", **LEAVING_OUT}]}


def test_an_unsure_planner_runs_nothing_and_shows_its_first_plan() -> None:
    done = tried(planner=says([SORT], [SORT, COUNT], answer="unsure", reason="one of two things"))
    assert (done.state, done.reason, done.confidence) == (State.UNSURE, "one of two things", 0.9)
    assert done.plan == {"steps": [{**SORT, **LEAVING_OUT}], "result": ref("s1")}
    assert done.result is None


def test_a_refusal_says_what_is_missing() -> None:
    done = tried(planner=says(answer="refused", reason="nothing here translates"))
    assert (done.state, done.reason, done.plan) == (State.REFUSED, "nothing here translates", None)


@pytest.mark.parametrize("output", [{"answer": "perhaps"}, {"steps": []}, {"answer": "plan", "confidence": 0.5}])
def test_an_answer_that_is_none_fails_its_line(output: Json) -> None:
    done = tried(planner=lambda _: output)
    assert done.state is State.FAILED
    assert str(done.reason).startswith("the planner's answer")


def test_a_planner_that_breaks_fails_its_line() -> None:
    def breaks(_: Json) -> Json:
        raise RuntimeError("out of memory")

    assert tried(planner=breaks).reason == "the planner failed: RuntimeError: out of memory"


def test_an_empty_goal_is_not_put_to_the_planner() -> None:
    def never(told: Json) -> Json:
        raise AssertionError("there is no goal")

    assert tried(planner=never, goal=" ").reason == "goal: is empty; say what to reach"


def test_the_planner_is_loaded_once_and_only_for_a_goal() -> None:
    loaded: list[int] = []

    def load() -> Planner:
        loaded.append(1)
        return says([SORT])

    rehearsal = Rehearsal(CATALOG, LIMITS, load)
    given = {"id": "a", "inputs": {"messages": MESSAGES}}
    rehearsal.rehearse(Line.model_validate({**given, "plan": {"steps": [SORT]}}))
    assert not loaded
    for _ in range(3):
        rehearsal.rehearse(Line.model_validate({**given, "goal": "sort"}))
    assert loaded == [1]


def test_a_catalog_without_a_planner_says_so() -> None:
    with pytest.raises(PlannerMissing, match="no specialist 'planner' here"):
        load_planner(Catalog([]), Settings())


class Registered:
    """An entry point of a planner that says nothing of use."""

    @staticmethod
    def load() -> Callable[..., Planner]:
        return lambda *_: lambda _: {"answer": 7}


def test_what_a_loaded_planner_is_asked_and_says_is_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planner, "entry_points", lambda **_: [Registered])
    monkeypatch.setattr(planner, "load_specialist", lambda _: CATALOG.get("planner"))
    ask = load_planner(CATALOG, Settings())
    with pytest.raises(PlannerFailed, match=r"planner.input: missing"):
        ask({})
    told = drawn_value(CATALOG.get("planner").input_schema, Draw.of(0), {}, "input")
    with pytest.raises(PlannerFailed, match=r"planner.output"):
        ask(told)


def read(*lines: str | bytes) -> list[Line | LineFault]:
    whole = b"".join((each if isinstance(each, bytes) else each.encode()) + b"\n" for each in lines)
    return list(read_lines("goals.jsonl", whole.splitlines(keepends=True), CATALOG.names()))


def faults(found: Iterable[Line | LineFault]) -> list[str]:
    return [str(each) for each in found if isinstance(each, LineFault)]


def deep(levels: int) -> str:
    return '{"id": "b", "goal": "x", "inputs": {"x": ' + "[" * levels + "]" * levels + "}}"


GOOD = '{"id": "a", "goal": "sort"}'
MALFORMED = [
    ("{", "is not JSON: Expecting property name enclosed in double quotes at character 2"),
    ("[1]", "must be an object with 'id', 'inputs' and 'goal' or 'plan'"),
    ('{"goal": "sort"}', "id: Field required"),
    ('{"id": 7, "goal": "sort"}', "id: Input should be a valid string"),
    ('{"id": "b"}', "give either 'goal' (words) or 'plan'"),
    ('{"id": "b", "goal": "sort", "plan": {}}', "give either 'goal' (words) or 'plan'"),
    ('{"id": "b", "goal": "sort", "input": {}}', "input: Extra inputs are not permitted"),
    ('{"id": "b", "goal": "sort", "answers": {"triage": []}}', "answers: triage has none; leave it out"),
    ('{"id": "b", "goal": "x", "answers": {"triage": ["x"]}}', "answers.triage.0: Input should be a valid dictionary"),
    ('{"id": "b", "goal": "sort", "inputs": {"x": NaN}}', "is not JSON: NaN is no number of JSON"),
    (b'{"id": "\xff"}', "is not UTF-8 (byte 8)"),
    (GOOD, "another line has the id 'a'"),
    (deep(200), "nests 202 levels deep, the limit is 100"),
    (deep(90_000), "nests deeper than 100 levels"),
]


@pytest.mark.parametrize(("line", "said"), MALFORMED)
def test_a_malformed_line_is_named_and_the_others_are_read(line: str | bytes, said: str) -> None:
    found = read(GOOD, "", line, '{"id": "z", "plan": {}}')
    assert faults(found) == [f"goals.jsonl, line 3: {said}"]
    assert [each.id for each in found if isinstance(each, Line)] == ["a", "z"]


def test_answers_of_an_unknown_job_type_are_a_mistake() -> None:
    (fault,) = faults(read('{"id": "a", "goal": "x", "answers": {"triag": [{}]}}'))
    assert fault.startswith("goals.jsonl, line 1: answers: no job type 'triag'; known: ")


def test_the_table_says_what_came_of_each_line() -> None:
    refused = Rehearsed(id="b", state=State.REFUSED, reason="nothing here translates", confidence=0.2, seconds=0.25)
    text = shown(rehearsed_view([tried([SORT, JOIN, COUNT], answers=LOST), refused]))
    for words in ("triage → table → count", "lost_or_stolen_card", "nothing here translates", "0.20"):
        assert words in text
    assert "2 lines: 1 succeeded, 1 refused; planning took 0.25 s at most" in text
    assert summary([]) == "0 lines: none"


def test_what_comes_of_a_line_is_json() -> None:
    told = json.loads(tried([SORT]).model_dump_json())
    assert list(told) == ["id", "state", "plan", "reason", "confidence", "result", "seconds"]

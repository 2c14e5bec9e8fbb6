"""Chats with specialists: the unmodified client of OpenAI over a real socket, against real coordinators."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterator
from typing import Any

import openai
import pytest
from openai import OpenAI
from pydantic import BaseModel

from infra.access import Quota, Spend
from infra.listing import RunQuery
from infra.records import TypeState
from tests.support.deployment import Deployment

HELLO: Any = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "My card is stolen."}]
ENTITIES = {"entities": [{"type": "person", "text": "Anna Berg"}]}
LOG: Any = [{"role": "user", "content": json.dumps({"system": "hdfs", "line": "block lost"})}]
WEATHER: Any = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "Weather of a place",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}, "days": {"type": "integer"}, "unit": {"enum": ["C", 1]}},
            "required": ["city"],
        },
    },
}


@pytest.fixture
def running(deployment: Deployment) -> Deployment:
    """Models answer by table, and say how sure they are."""
    deployment.answers |= {
        "triage": lambda _: {"intent": "lost_or_stolen_card"},
        "entities": lambda _: ENTITIES,
        "log": lambda job: {"template": job["line"]},
        "call": lambda job: {"name": job["methods"][-1]["name"], "arguments": {"city": "Oslo", "days": "3"}},
    }
    deployment.confidence |= {"triage": 0.5}
    deployment.start()
    return deployment


@pytest.fixture
def client(url: str) -> Iterator[OpenAI]:
    with OpenAI(base_url=f"{url}/v1", api_key="unused", max_retries=0) as client:
        yield client


def refused(client: OpenAI, **asked: Any) -> openai.BadRequestError:
    with pytest.raises(openai.BadRequestError) as raised:
        client.chat.completions.create(**{"model": "triage", "messages": HELLO, **asked})
    return raised.value


def test_the_last_message_of_the_user_is_the_input_and_the_answer_is_the_output(
    running: Deployment, client: OpenAI
) -> None:
    done = client.chat.completions.create(model="triage", messages=HELLO, temperature=0.2, seed=7, max_tokens=64)
    assert json.loads(done.choices[0].message.content or "") == {"intent": "lost_or_stolen_card"}
    assert (done.choices[0].finish_reason, done.model, done.object) == ("stop", "triage", "chat.completion")
    job = running.ledger.job(f"{done.id.removeprefix('chatcmpl-')}.job.0")
    assert job
    assert job.job.input == {"text": "My card is stolen."}
    assert done.usage
    assert done.usage.total_tokens == done.usage.prompt_tokens + done.usage.completion_tokens
    assert (done._request_id or "").startswith("req_")


def test_text_gives_the_one_label_alone(running: Deployment, client: OpenAI) -> None:
    form: Any = {"type": "text"}
    done = client.chat.completions.create(model="triage", messages=HELLO, response_format=form)
    assert done.choices[0].message.content == "lost_or_stolen_card"
    done = client.chat.completions.create(model="entities", messages=HELLO, response_format=form)
    assert json.loads(done.choices[0].message.content or "") == ENTITIES


def test_logprobs_are_the_confidence(running: Deployment, client: OpenAI) -> None:
    done = client.chat.completions.create(model="triage", messages=HELLO, logprobs=True)
    assert done.choices[0].logprobs
    (token,) = done.choices[0].logprobs.content or []
    assert math.exp(token.logprob) == pytest.approx(0.5)
    assert token.token == done.choices[0].message.content
    assert bytes(token.bytes or []) == token.token.encode()
    silent = client.chat.completions.create(model="entities", messages=HELLO, logprobs=True)
    assert silent.choices[0].logprobs is None


def test_an_input_of_several_fields_is_json(running: Deployment, client: OpenAI) -> None:
    done = client.chat.completions.create(model="log", messages=LOG)
    assert json.loads(done.choices[0].message.content or "") == {"template": "block lost"}
    plain = refused(client, model="log")
    assert "is no JSON" in plain.message
    assert "system, line" in plain.message
    half = refused(client, model="log", messages=[{"role": "user", "content": '{"system": "hdfs"}'}])
    assert "log.input: missing 'line'" in half.message
    assert (half.param, half.type) == ("messages", "invalid_request_error")


@pytest.mark.parametrize(
    ("messages", "said"),
    [
        ([{"role": "system", "content": "x"}], "none is of the role 'user'"),
        ([{"role": "user", "content": "x" * 2001}], "2001 characters, maxLength is 2000"),
        ([{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}], "'image_url'"),
    ],
)
def test_messages_that_are_no_input_are_refused(client: OpenAI, messages: Any, said: str) -> None:
    error = refused(client, messages=messages)
    assert said in error.message
    assert error.param == "messages"


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"n": 2}, "n: cannot be honoured"),
        ({"stop": ["x"]}, "stop: cannot be honoured"),
        ({"top_logprobs": 3, "logprobs": True}, "top_logprobs: cannot be honoured"),
        ({"presence_penalty": 0.5}, "presence_penalty: cannot be honoured"),
        ({"reasoning_effort": "high"}, "reasoning_effort: cannot be honoured"),
        ({"service_tier": "scale"}, "service_tier: must be one of"),
        ({"tools": [WEATHER]}, "'triage' calls none"),
        ({"model": "call", "messages": LOG, "max_tokens": 3}, "never cut"),
        ({"stream_options": {"include_usage": True}}, "stream_options: are of a stream alone"),
        ({"extra_body": {"top_k": 3}}, "body.top_k"),
        ({"temperature": "hot"}, "body.temperature"),
    ],
)
def test_a_parameter_that_cannot_be_honoured_is_refused_by_name(client: OpenAI, asked: Any, said: str) -> None:
    error = refused(client, **asked)
    assert said in error.message
    name = next(iter(asked.get("extra_body", asked))) if "model" not in asked else "max_tokens"
    assert error.param == name


def test_values_that_change_nothing_are_accepted(running: Deployment, client: OpenAI) -> None:
    done = client.chat.completions.create(
        model="triage", messages=HELLO, n=1, stop=[], presence_penalty=0, logit_bias={}, top_p=0.9, store=True,
        user="u-1", metadata={"day": "monday", "note": "two words"}, service_tier="flex", tool_choice="auto",
        parallel_tool_calls=False,
    )  # fmt: skip
    assert done.metadata == {"day": "monday", "note": "two words"}
    status = running.ledger.job(f"{done.id.removeprefix('chatcmpl-')}.job.0")
    assert status
    assert (status.job.tags, status.job.priority) == (("day=monday", "user=u-1"), "low")


class Entity(BaseModel):
    type: str
    text: str


class Entities(BaseModel):
    entities: list[Entity]


class Mood(BaseModel):
    mood: str


def test_a_schema_that_all_outputs_fit_is_accepted_and_parsed(running: Deployment, client: OpenAI) -> None:
    done = client.chat.completions.parse(model="entities", messages=HELLO, response_format=Entities)
    assert done.choices[0].message.parsed == Entities(entities=[Entity(type="person", text="Anna Berg")])
    form: Any = {"type": "json_object"}
    plain = client.chat.completions.create(model="entities", messages=HELLO, response_format=form)
    assert json.loads(plain.choices[0].message.content or "") == ENTITIES


def test_a_schema_that_an_output_may_not_fit_is_refused_with_the_difference(client: OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as raised:
        client.chat.completions.parse(model="triage", messages=HELLO, response_format=Mood)
    assert "has no 'mood'" in raised.value.message
    assert raised.value.param == "response_format"
    few = {"type": "object", "properties": {"intent": {"enum": ["age_limit"]}}, "required": ["intent"]}
    form = {"type": "json_schema", "json_schema": {"name": "few", "schema": few}}
    assert "output.intent: must be one of age_limit" in refused(client, response_format=form).message


def test_a_stream_has_the_answer_in_chunks_and_the_usage_last(running: Deployment, client: OpenAI) -> None:
    asked: Any = {"model": "triage", "messages": HELLO, "stream": True}
    chunks = list(client.chat.completions.create(**asked, stream_options={"include_usage": True}, logprobs=True))
    assert "".join(each.choices[0].delta.content or "" for each in chunks[:-1]) == '{"intent":"lost_or_stolen_card"}'
    assert [each.choices[0].finish_reason for each in chunks[:-1]] == [None, None, "stop"]
    assert chunks[1].choices[0].logprobs
    assert (chunks[-1].choices, chunks[-1].usage is not None) == ([], True)
    assert len({each.id for each in chunks}) == 1
    assert all(each.choices for each in client.chat.completions.create(**asked))
    with client.chat.completions.stream(model="triage", messages=HELLO) as stream:
        assert stream.get_final_completion().choices[0].message.content == '{"intent":"lost_or_stolen_card"}'


def test_tools_are_called_by_the_specialist_that_reads_calls(running: Deployment, client: OpenAI) -> None:
    done = client.chat.completions.create(model="call", messages=HELLO, tools=[WEATHER])
    (call,) = done.choices[0].message.tool_calls or []
    assert call.type == "function"
    assert (call.function.name, json.loads(call.function.arguments)) == ("weather", {"city": "Oslo", "days": 3})
    assert (done.choices[0].finish_reason, done.choices[0].message.content) == ("tool_calls", None)
    with client.chat.completions.stream(model="call", messages=HELLO, tools=[WEATHER]) as stream:
        (streamed,) = stream.get_final_completion().choices[0].message.tool_calls or []
    assert streamed.function.arguments == call.function.arguments
    job = running.ledger.job(f"{done.id.removeprefix('chatcmpl-')}.job.0")
    assert job
    assert job.job.input["dialogue"] == ["U: My card is stolen."]


def test_a_tool_is_chosen_by_name_and_its_result_is_not_answered(running: Deployment, client: OpenAI) -> None:
    other: Any = {"type": "function", "function": {"name": "time"}}
    chosen: Any = {"type": "function", "function": {"name": "weather"}}
    done = client.chat.completions.create(model="call", messages=HELLO, tools=[WEATHER, other], tool_choice=chosen)
    (call,) = done.choices[0].message.tool_calls or []
    assert call.type == "function"
    assert call.function.name == "weather"
    result = [*HELLO, {"role": "tool", "tool_call_id": "call_1", "content": "rain"}]
    assert "no answer to a result" in refused(client, model="call", messages=result, tools=[WEATHER]).message
    assert refused(client, model="call", tools=[WEATHER], tool_choice="none").param == "tool_choice"


def test_an_idempotency_key_gives_the_same_answer_and_the_job_is_done_once(running: Deployment, client: OpenAI) -> None:
    asked: Any = {"model": "triage", "messages": HELLO, "extra_headers": {"Idempotency-Key": "k-1"}}
    first, again = client.chat.completions.create(**asked), client.chat.completions.create(**asked)
    assert first == again
    assert len(running.ledger.list_runs(RunQuery(limit=9)).runs) == 1
    other = refused(client, messages=LOG, extra_headers={"Idempotency-Key": "k-1"})
    assert "used for another request" in other.message


def test_a_job_that_fails_is_an_error_and_is_not_tried_again(running: Deployment, url: str) -> None:
    def broken(_: Any) -> Any:
        raise ValueError("out of paper")

    running.answers["triage"] = broken
    trying = OpenAI(base_url=f"{url}/v1", api_key="unused")
    with trying as client, pytest.raises(openai.InternalServerError) as failed:
        client.chat.completions.create(model="triage", messages=HELLO)
    assert (failed.value.status_code, failed.value.code) == (500, "job_engine")
    assert "out of paper" in failed.value.message
    assert failed.value.request.headers["x-stainless-retry-count"] == "0"


def test_a_quota_that_is_used_up_is_a_rate_limit(deployment: Deployment, client: OpenAI) -> None:
    deployment.ledger.set_quota("default", Quota(jobs_a_day=1))
    deployment.ledger.charge("default", [Spend("jobs-day", 1, 86_400, 1)])
    with pytest.raises(openai.RateLimitError) as over:
        client.chat.completions.create(model="triage", messages=HELLO)
    assert over.value.code == "rate_limit_exceeded"
    assert 1 <= int(over.value.response.headers["retry-after"]) <= 120


def test_a_type_that_takes_nothing_in_is_unavailable(deployment: Deployment, client: OpenAI) -> None:
    deployment.ledger.set_type_state("triage", TypeState.DRAINING)
    with pytest.raises(openai.InternalServerError) as refused_:
        client.chat.completions.create(model="triage", messages=HELLO)
    assert (refused_.value.status_code, refused_.value.code) == (503, "service_unavailable")


def test_a_client_that_goes_frees_its_place_and_ends_its_job_unless_it_may_come_back(
    deployment: Deployment, client: OpenAI
) -> None:
    for number, headers in enumerate(({}, {"Idempotency-Key": "k-1"})):
        with pytest.raises(openai.APITimeoutError):
            client.chat.completions.create(model="triage", messages=HELLO, timeout=2, extra_headers=headers)
        want = {"cancelled": 1, **({"running": 1} if number else {})}
        ends = time.monotonic() + 30
        while (states := _states(deployment)) != want and time.monotonic() < ends:
            time.sleep(0.1)
        assert states == want


def _states(deployment: Deployment) -> dict[str, int]:
    states = [each.run.state.value for each in deployment.ledger.list_runs(RunQuery(limit=9)).runs]
    return {state: states.count(state) for state in states}

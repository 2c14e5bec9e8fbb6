"""The Python client against the API on a real socket."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeVar

import httpx
import pytest

from coordinator.client import PATIENCE_S, TRIES, ApiError, ApiUnreachable, Client, Seen
from infra.process.redis_server import free_port
from infra.records import Alternative, Json, TypeState
from tests.support.answers import planned
from tests.support.deployment import Deployment

PLAN = {
    "steps": [
        {
            "id": "s1",
            "type": "triage",
            "map": {"over": {"$ref": "inputs.messages"}, "as": "item"},
            "args": {"text": {"$ref": "item"}},
        },
        {"id": "s2", "type": "count", "args": {"items": {"$ref": "s1"}, "field": "intent"}},
    ]
}
MESSAGES = ["one", "two"]
Served = TypeVar("Served", bound=ThreadingHTTPServer)


@pytest.fixture
def client(deployment: Deployment, url: str) -> Iterator[Client]:
    deployment.answers |= {
        "planner": lambda _: planned(*PLAN["steps"]),
        "triage": lambda _: {"intent": "exchange_rate"},
    }
    deployment.start()
    with Client(url) as client:
        yield client


class _Between(ThreadingHTTPServer):
    """Between a client and an API. It hands on what is asked, and loses the first answers."""

    def __init__(self, target: str, lost: int) -> None:
        super().__init__(("127.0.0.1", 0), _HandOn)
        self.target, self.lost = target, lost
        self.url = f"http://127.0.0.1:{self.server_port}"


class _HandOn(BaseHTTPRequestHandler):
    server: _Between

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        self._answer(httpx.post(self.server.target + self.path, content=body, headers=dict(self.headers), timeout=60))

    def do_GET(self) -> None:
        self._answer(httpx.get(self.server.target + self.path, timeout=60))

    def _answer(self, answer: httpx.Response) -> None:
        if self.server.lost:
            self.server.lost -= 1
            return  # the connection ends without a word
        self.send_response(answer.status_code)
        for name in ("content-type", "content-length", "location"):
            if name in answer.headers:
                self.send_header(name, answer.headers[name])
        self.end_headers()
        self.wfile.write(answer.content)

    def log_message(self, *_: object) -> None:
        """Nothing: the test says what it saw."""


class _Busy(ThreadingHTTPServer):
    """Says that it is busy, as often as it is told to, then accepts anything."""

    def __init__(self, times: int, retry_after: str) -> None:
        super().__init__(("127.0.0.1", 0), _Refuse)
        self.times, self.retry_after = times, retry_after
        self.keys: list[str | None] = []
        self.url = f"http://127.0.0.1:{self.server_port}"


class _Refuse(BaseHTTPRequestHandler):
    server: _Busy

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.server.keys.append(self.headers["Idempotency-Key"])
        self.send_response(202 if len(self.server.keys) > self.server.times else 429)
        self.send_header("Retry-After", self.server.retry_after)
        self.end_headers()
        self.wfile.write(b'{"id": "g"}')

    def log_message(self, *_: object) -> None:
        """Nothing: the test says what it saw."""


class _Move(BaseHTTPRequestHandler):
    """Says that everything is elsewhere."""

    def do_GET(self) -> None:
        self.send_response(307)
        self.send_header("Location", "/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.do_GET()

    def log_message(self, *_: object) -> None:
        """Nothing: the test says what it saw."""


class _Stream(BaseHTTPRequestHandler):
    """Tells of a run in pieces: one event, a sign of life, and that the ledger is away; asked again, the rest."""

    PARTS = (
        [b"id: 1-0\nevent: run.acc", b'epted\ndata: {"n": 1}\n\n', b": still running\n\n", b"retry: 2000\n\n"],
        [b'id: 2-0\r\nevent: run.ended\r\ndata: {"n":\r\ndata: 2}\r\n\r\n: still running\n\n'],
    )

    def do_GET(self) -> None:
        watched = self.path.endswith("/events")
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream" if watched else "application/json")
        self.end_headers()
        again = self.headers["Last-Event-ID"] == "1-0"
        for part in self.PARTS[again] if watched else [b'{"state": "succeeded"}']:
            self.wfile.write(part)
            self.wfile.flush()

    def log_message(self, *_: object) -> None:
        """Nothing: the test says what it saw."""


@contextmanager
def serving(server: Served) -> Iterator[Served]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    with server:
        yield server
        server.shutdown()
    thread.join()


def test_a_goal_is_asked_and_answered_in_one_call(client: Client) -> None:
    goal = client.run("Count what they want", {"messages": MESSAGES})
    assert goal["state"] == "succeeded", goal
    assert goal["result"]["total"] == 2


def test_the_events_come_as_they_happen_and_resume_where_they_were_left(client: Client) -> None:
    goal_id = client.submit(PLAN, {"messages": MESSAGES})["id"]
    events = list(client.events(goal_id))
    assert events[0].name == "run.accepted"
    assert events[-1].name == "run.ended"
    assert list(client.events(goal_id, after=events[-2].id)) == events[-1:]
    assert list(client.events(goal_id, after=events[-1].id)) == []


def test_one_job_comes_back_with_its_output(client: Client) -> None:
    assert client.job("triage", {"text": "one"})["output"] == {"intent": "exchange_rate"}


def test_a_refusal_carries_every_fault(client: Client) -> None:
    with pytest.raises(ApiError) as refused:
        client.submit({"steps": [{"id": "s1", "type": "sumarize"}, {"id": "s2", "type": "triage"}]})
    assert (refused.value.status, len(refused.value.errors)) == (422, 2)


def test_an_unknown_goal_is_a_refusal_in_the_events_too(client: Client) -> None:
    with pytest.raises(ApiError, match="no goal 'nothing'"):
        list(client.events("nothing"))


def test_nobody_at_the_address_is_said_with_the_address() -> None:
    url = f"http://127.0.0.1:{free_port()}"
    with Client(url) as client, pytest.raises(ApiUnreachable, match=url):
        client.recent()


def test_a_lost_answer_does_not_do_the_work_twice(client: Client, url: str) -> None:
    """The first two answers never arrive: what they answered goes on, or has ended."""
    with serving(_Between(url, lost=2)) as between, Client(between.url) as cut_off:
        goal = cut_off.submit(PLAN, {"messages": MESSAGES})
        assert cut_off.wait(goal["id"], 30.0)["state"] == "succeeded"
    assert between.lost == 0
    assert [each["id"] for each in client.recent()] == [goal["id"]]


def test_a_job_may_ask_for_the_likeliest_values_of_its_labels(client: Client, deployment: Deployment) -> None:
    deployment.alternatives["triage"] = {"intent": (Alternative(value="exchange_rate", probability=0.7),)}
    asked = client.job("triage", {"text": "one"}, top=1)
    assert asked["alternatives"] == {"intent": [{"value": "exchange_rate", "probability": 0.7}]}
    assert client.job("triage", {"text": "one"})["alternatives"] is None
    with pytest.raises(ApiError, match="job type 'count' reads no answer off a model"):
        client.job("count", {"items": [{"a": "b"}], "field": "a"}, top=1)


def test_a_lost_job_is_found_again_with_its_output(client: Client, url: str) -> None:
    with serving(_Between(url, lost=1)) as between, Client(between.url) as cut_off:
        assert cut_off.job("triage", {"text": "one"})["output"] == {"intent": "exchange_rate"}
    assert len(client.recent()) == 1


def test_a_key_of_ones_own_names_the_request(client: Client) -> None:
    first = client.submit(PLAN, {"messages": MESSAGES}, key="mine")
    client.wait(first["id"], 30.0)
    again = client.submit(PLAN, {"messages": MESSAGES}, key="mine")
    assert (again["id"], again["state"]) == (first["id"], "succeeded")
    with pytest.raises(ApiError, match="The key was used for another request"):
        client.submit(PLAN, {"messages": ["three"]}, key="mine")


def test_without_a_key_of_ones_own_the_same_is_done_again(client: Client) -> None:
    assert client.submit(PLAN, {"messages": MESSAGES})["id"] != client.submit(PLAN, {"messages": MESSAGES})["id"]


def test_a_job_may_say_how_urgent_it_is_and_how_long_it_may_take(client: Client) -> None:
    client.set_state("triage", TypeState.PAUSED)
    job = client.job("triage", {"text": "x"}, 0.0, priority="high", deadline_s=300, claim_within_s=0.3)
    goal = client.get(job["id"].partition(".")[0])
    assert (job["priority"], goal["deadline_ms"] - goal["created_ms"]) == ("high", 300_000)
    assert client.wait(goal["id"], 30.0)["failure"]["kind"] == "expired"
    assert client.get_job(job["id"])["state"] == "expired"


def test_a_job_is_waited_for_longer_than_one_request_may(
    client: Client, monkeypatch: pytest.MonkeyPatch, deployment: Deployment
) -> None:
    monkeypatch.setattr("coordinator.client.waits.STEP_S", 0.01)
    client.set_state("triage", TypeState.PAUSED)
    threading.Timer(0.3, client.set_state, ("triage", TypeState.OPEN)).start()
    assert client.job("triage", {"text": "one"}, 30.0)["output"] == {"intent": "exchange_rate"}


@pytest.mark.parametrize("key", ["", "two words", "a\nb", "ключ", "k" * 256])
def test_a_bad_key_is_refused_as_the_api_would_and_not_replaced(client: Client, key: str) -> None:
    asks: list[Callable[[], Json]] = [
        lambda: client.submit(PLAN, key=key),
        lambda: client.job("triage", {"text": "x"}, key=key),
    ]
    for ask in asks:
        with pytest.raises(ApiError, match="header Idempotency-Key: must be 1 to 255 visible ASCII") as refused:
            ask()
        assert refused.value.status == 400
    assert client.recent() == []


@pytest.mark.parametrize("tenant", ["", "two words", "a\nb", "ünïcode"])
def test_a_bad_tenant_is_refused_as_the_api_would(tenant: str) -> None:
    with pytest.raises(ApiError, match="header X-Tenant: no tenant's name"):
        Client("http://127.0.0.1:1", tenant)


def test_what_cannot_be_sent_is_no_outage(client: Client) -> None:
    goal_id = client.submit(PLAN, {"messages": MESSAGES})["id"]
    with pytest.raises(ApiError, match="The request is not valid"):
        list(client.events(goal_id, after="1\n2"))
    with Client("localhost:1") as nowhere, pytest.raises(ApiError, match="protocol"):
        nowhere.submit(PLAN)


@pytest.mark.parametrize("name", ["", "..", "../goals", "a/b"])
def test_what_can_be_no_id_is_refused(client: Client, name: str) -> None:
    goals = (client.get, client.cancel, client.rerun, lambda each: list(client.events(each)))
    jobs = (client.get_job, client.cancel_job, client.letter, client.rerun_letter, client.purge)
    for ask in (*goals, *jobs, client.load, lambda each: client.set_state(each, "paused")):
        with pytest.raises(ApiError, match="is no id or name of anything"):
            ask(name)


def test_an_id_is_sent_as_it_is(client: Client) -> None:
    for name in ("x?y", "a b", "50%25", "#1", "ü"):
        with pytest.raises(ApiError) as refused:
            client.get(name)
        assert refused.value.errors == [f"no goal {name!r}: never accepted, or forgotten since"]


def test_an_answer_from_elsewhere_is_an_error() -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Move)
    with serving(server), Client(f"http://127.0.0.1:{server.server_port}") as client:
        for ask in (client.recent, lambda: list(client.events("g")), lambda: client.submit(PLAN)):
            with pytest.raises(ApiError, match="HTTP 307"):
                ask()


def test_events_come_in_pieces_and_a_sign_of_life_is_none_of_them() -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Stream)
    with serving(server), Client(f"http://127.0.0.1:{server.server_port}") as client:
        assert list(client.events("g")) == [Seen("1-0", "run.accepted", {"n": 1}), Seen("2-0", "run.ended", {"n": 2})]


def test_told_to_come_back_it_does_with_the_same_key() -> None:
    with serving(_Busy(2, "0")) as busy, Client(busy.url) as client:
        assert client.submit(PLAN)["id"] == "g"
    assert len(busy.keys) == 3
    assert len(set(busy.keys)) == 1


def test_it_does_not_come_back_for_ever() -> None:
    with serving(_Busy(99, "0")) as busy, Client(busy.url) as client, pytest.raises(ApiError) as refused:
        client.submit(PLAN)
    assert (refused.value.status, len(busy.keys)) == (429, TRIES)


def test_told_to_come_back_much_later_it_leaves_that_to_its_caller() -> None:
    later = f"{PATIENCE_S + 1:.0f}"
    with serving(_Busy(99, later)) as busy, Client(busy.url) as client, pytest.raises(ApiError) as refused:
        client.submit(PLAN)
    assert (refused.value.retry_after_s, len(busy.keys)) == (PATIENCE_S + 1, 1)


def test_the_client_pauses_cancels_and_runs_again(deployment: Deployment, client: Client) -> None:
    assert client.set_state("triage", TypeState.PAUSED)["state"] == "paused"
    goal = client.submit(PLAN, {"messages": MESSAGES}, priority="high")
    assert client.load("triage")["ready"]["high"] == 2
    assert client.cancel_job(f"{goal['id']}.s1.0")["state"] == "cancelled"
    assert client.wait(goal["id"], 30.0)["state"] == "failed"
    client.set_state("triage", TypeState.OPEN)
    assert client.rerun(goal["id"])["state"] == "running"
    assert client.wait(goal["id"], 30.0)["state"] == "succeeded"


def test_dead_letters_are_shown_replayed_and_purged(deployment: Deployment, client: Client) -> None:
    answer, deployment.answers["triage"] = deployment.answers["triage"], _raise
    jobs = [client.job("triage", {"text": text}, 30.0) for text in ("one", "two")]
    assert {letter["job_id"] for letter in client.letters("triage", "failed")} == {job["id"] for job in jobs}
    assert client.letter(jobs[0]["id"])["input"] == {"text": "one"}
    deployment.answers["triage"] = answer
    assert client.wait(client.rerun_letter(jobs[0]["id"])["id"], 30.0)["state"] == "succeeded"
    assert (client.purge(jobs[1]["id"]), client.purge_all()) == (1, 0)


def _raise(_: Any) -> Any:
    raise ValueError("broken")


@pytest.mark.parametrize("proxy", ["http://127.0.0.1:9", "socks5://127.0.0.1:9", "nonsense"])
def test_a_proxy_of_the_environment_is_not_asked_for_this_machine(
    url: str, proxy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, proxy)
    with Client(url) as client:
        assert client.job_types()


@pytest.mark.parametrize(
    "host",
    [
        *("localhost", "LOCALHOST", "localhost.", "127.1", "127.0.0.1.", "2130706433", "0x7f000001"),
        *("0.0.0.0", "0", "[::ffff:127.0.0.1]"),
    ],
)
def test_this_machine_has_many_names_and_none_is_proxied(url: str, host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with Client(url.replace("127.0.0.1", host)) as client:
        assert client.job_types()


def test_certificates_of_the_environment_that_are_not_there_are_named_where_they_are_needed(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere/ca.pem")
    with Client(url) as client:
        assert client.job_types()  # without TLS none are needed
    with pytest.raises(ApiUnreachable, match="the certificates of SSL_CERT_FILE or SSL_CERT_DIR cannot be read"):
        Client("https://api.invalid")


def test_a_proxy_is_not_named_where_no_proxy_names_the_address_with_its_port(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("all_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "api.invalid:8765")
    with pytest.raises(ApiUnreachable) as refused, Client("http://api.invalid:8765") as client:
        client.job_types()
    assert "proxy" not in str(refused.value)


@pytest.mark.parametrize(
    ("proxy", "told"),
    [
        ("http://me:secret@127.0.0.1:9", "nothing answers at http://api.invalid by the proxy http://127.0.0.1:9"),
        ("me:secret@127.0.0.1:9", "nothing answers at http://api.invalid by the proxy http://127.0.0.1:9"),
        ("http://me:secr/et@127.0.0.1:9", "the proxy http://127.0.0.1:9 cannot be used: write special characters"),
        ("ftp://me:secret@127.0.0.1:9", "the proxy ftp://127.0.0.1:9 cannot be used: "),
        ("socks5://127.0.0.1:9", "the proxy socks5://127.0.0.1:9 cannot be used: "),
        ("http://127.0.0.1:notaport", "the proxy http://127.0.0.1:notaport cannot be used: "),
    ],
)
def test_for_another_machine_the_proxy_is_named(proxy: str, told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("all_proxy", proxy)
    with pytest.raises(ApiUnreachable) as refused, Client("http://api.invalid") as client:
        client.job_types()
    assert str(refused.value).startswith(told)
    assert "secr" not in str(refused.value)


@pytest.mark.parametrize(
    ("name", "value"), [("https_proxy", "socks5://127.0.0.1:9"), ("no_proxy", ".example,[::1"), ("http_proxy", "")]
)
def test_what_the_environment_says_of_other_addresses_stops_nobody(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for other in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "NO_PROXY", "no_proxy"):
        monkeypatch.delenv(other, raising=False)
    monkeypatch.setenv(name, value)
    with (
        pytest.raises(ApiUnreachable, match=r"^nothing answers at http://api.invalid: "),
        Client("http://api.invalid") as client,
    ):
        client.job_types()


@pytest.mark.parametrize("host", ["localhost.localdomain", "ip6-localhost", "[::1]", "[::]", "127.0.0.2"])
def test_no_proxy_is_asked_for_any_other_name_of_this_machine(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    with pytest.raises(ApiUnreachable, match=r"^nothing answers") as refused, Client(f"http://{host}:1") as client:
        client.job_types()
    assert "proxy" not in str(refused.value)


@pytest.mark.parametrize("address", ["http://127.0.0.1:1", "http://[::1", "http://api.invalid:x"])
def test_the_password_in_an_address_is_not_told(address: str) -> None:
    with pytest.raises(ApiUnreachable) as refused, Client(address.replace("//", "//me:secret@")) as client:
        client.job_types()
    assert "secret" not in str(refused.value)


def test_an_address_that_is_none_is_named() -> None:
    with pytest.raises(ApiUnreachable, match=r"the address 'http://\[::1' cannot be used"):
        Client("http://[::1")


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (b"HTTP/1.0 407 No\r\n\r\nlog in", "HTTP 407 from http://api.invalid by the proxy http://127.0.0.1:"),
        (b"HTTP/1.0 200 OK\r\n\r\n<html>", "what answers at http://api.invalid by the proxy http://127.0.0.1:"),
        (b"HTTP/1.0 200 OK\r\nContent-Encoding: gzip\r\n\r\n{}", "nothing answers at http://api.invalid by the proxy"),
    ],
)
def test_what_a_proxy_answers_by_itself_is_told_with_its_name(
    answer: bytes, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    with socket.create_server(("127.0.0.1", 0)) as server:
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{server.getsockname()[1]}")
        threading.Thread(target=_answer_once, args=(server, answer), daemon=True).start()
        with pytest.raises((ApiError, ApiUnreachable)) as refused, Client("http://api.invalid") as client:
            client.job_types()
    assert str(refused.value).startswith(told)


def _answer_once(server: socket.socket, answer: bytes) -> None:
    connection, _ = server.accept()
    with connection:
        connection.recv(65536)
        connection.sendall(answer)

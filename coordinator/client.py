"""The Python client. Knows HTTP, and nothing inside the API.

client = Client("http://127.0.0.1:8765")
goal = client.run("Sort these messages by what the customer wants", {"messages": ["I lost my card"]})
print(goal["result"])
"""

from __future__ import annotations

import socket
import ssl
import time
import uuid
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from ipaddress import ip_address
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote, urlsplit
from urllib.request import getproxies, proxy_bypass

import httpx
from httpx_sse import connect_sse

from coordinator.exits import Reason
from coordinator.goals.idempotency import key_fault, tenant_fault
from infra.field_names import current_name, current_names, old_names
from infra.records import NOBODY, JobState, Json, RunState

#: The server waits no longer than this in one request.
STEP_S = 30.0
RECONNECT_S = 0.5
LOOPBACK_NETWORK = 127  #: the first byte of the addresses of this machine
#: How long an outage of the API, or of the ledger behind it, may last before waiting and watching give up.
OUTAGE_S = 60.0
LETTERS = 100  #: how many letters are listed by default
#: How often a request with a key is sent at most.
TRIES = 5
#: The longest pause before it is sent again. It is not sent again if the server says to come back later than that.
PATIENCE_S = 30.0


class ApiError(Reason):
    """The server refused the request, or would refuse it. `errors` names all faults."""

    def __init__(
        self,
        status: int,
        title: str,
        errors: list[str],
        retry_after_s: float | None = None,
        location: str | None = None,
    ) -> None:
        super().__init__(f"{title}: {'; '.join(errors)}" if errors else title)
        self.status = status
        self.title = title
        self.errors = errors
        self.retry_after_s = retry_after_s  #: when to come back; None if it would not help
        self.location = location  #: where the requested goal or job is, if it goes on already

    @property
    def lines(self) -> list[str]:
        return [self.title, *(f"- {fault}" for fault in self.errors)]


class ApiUnreachable(Reason):
    """Nothing answers at the address, or the connection was cut."""

    retry_after_s: float | None = RECONNECT_S
    location: str | None = None


@dataclass(frozen=True)
class Seen:
    """One event of a run."""

    id: str
    name: str
    data: Json


@dataclass(frozen=True)
class Saved:
    """The name of a saved plan, which is sent in the place of a goal's words."""

    name: str


class Client:
    def __init__(self, url: str, tenant: str = NOBODY) -> None:
        """A proxy of the environment (HTTP_PROXY, …) is used for other machines, but never for this one.

        Raises ApiError if `tenant` is no valid name, and ApiUnreachable if the proxy or the address cannot be used."""
        if fault := tenant_fault(tenant):
            raise _refusal(fault)
        timeout = httpx.Timeout(10.0, read=STEP_S + 30.0)
        self._proxy: str | None = None
        try:
            here = _is_loopback(url)
            self._proxy = None if here else _proxy_of(url)
            # `trust_env=False` would drop the environment's certificates together with its proxies.
            verify = _certificates(url)
            self._http = httpx.Client(
                base_url=url, timeout=timeout, headers={"X-Tenant": tenant}, trust_env=not here, verify=verify
            )
        except (ImportError, ValueError, httpx.InvalidURL) as error:
            about = f"the proxy {self._proxy}" if self._proxy else f"the address {url!r} or the environment's proxy"
            raise ApiUnreachable(f"{about} cannot be used: {error}") from error

    def run(
        self,
        goal: str | Json | Saved,
        inputs: Mapping[str, Any] | None = None,
        wait_s: float = 600.0,
        *,
        confirm: str = "if_unsure",
    ) -> Json:
        """Submit a goal and wait, `wait_s` at most, until it has ended or is unsure. Returns the goal as it is then."""
        return self.wait(self.submit(goal, inputs, confirm=confirm)["id"], wait_s)

    def submit(
        self,
        goal: str | Json | Saved,
        inputs: Mapping[str, Any] | None = None,
        limits: Json | None = None,
        *,
        priority: str = "normal",
        confirm: str = "if_unsure",
        key: str | None = None,
    ) -> Json:
        """Send a goal. Returns it as accepted, or as it is now if `key` was used for it before.

        Raises ApiError with all faults. `goal`: words, a plan, or the name of a saved plan, whose holes `inputs` fill.
        `confirm`: when a goal in words waits for `Client.confirm`: "if_unsure", "always" or "never".
        """
        _warn_of(old_names(limits))
        limits = current_names(limits or {})
        rest = {"inputs": dict(inputs or {}), "limits": limits, "priority": priority, "confirm": confirm}
        return self._send("/v1/goals", _asked(goal) | rest, key)

    def wait(self, goal_id: str, wait_s: float) -> Json:
        """Wait, `wait_s` at most, until the goal has ended or is unsure. Returns the goal as it is then."""
        return _waited(partial(self.get, goal_id), lambda goal: goal["state"] != RunState.RUNNING, wait_s)

    def confirm(self, goal_id: str, choice: int | None = None, plan: Json | None = None) -> Json:
        """Let an unsure goal go on, with its plan number `choice` or with `plan`; by default with its first plan."""
        asked: Json = {"plan": plan} if plan is not None else {"choice": 1}
        if choice is not None:
            asked["choice"] = choice
        return self._ask_one("POST", _path("goals", goal_id, "/confirm"), asked)

    def get(self, goal_id: str, wait_s: float = 0.0) -> Json:
        return self._ask_one("GET", f"{_path('goals', goal_id)}?wait={wait_s}")

    def recent(self) -> list[Json]:
        goals: list[Json] = self._ask("GET", "/v1/goals")
        return goals

    def cancel(self, goal_id: str) -> Json:
        return self._ask_one("POST", _path("goals", goal_id, "/cancel"))

    def cancel_job(self, job_id: str) -> Json:
        return self._ask_one("POST", _path("jobs", job_id, "/cancel"))

    def rerun(self, goal_id: str, step: str | None = None) -> Json:
        """Take up an ended goal again from `step` on; by default where outputs are missing."""
        return self._ask_one("POST", _path("goals", goal_id, "/rerun"), {"step": step})

    def job(
        self,
        job_type: str,
        job_input: Json,
        wait_s: float = STEP_S,
        *,
        priority: str = "normal",
        deadline_s: float | None = None,
        claim_within_s: float | None = None,
        queue_s: float | None = None,
        key: str | None = None,
    ) -> Json:
        """Send one typed job and wait for it, `wait_s` at most. Raises ApiError with all faults.

        `claim_within_s`: the job expires unless a worker claims it within this time. `queue_s` is its old name.
        """
        if queue_s is not None:
            _warn_of(["queue_s"])
            claim_within_s = queue_s
        limits = {"deadline_s": deadline_s, "claim_within_s": claim_within_s}
        asked = {"type": job_type, "input": job_input, "priority": priority, **limits}
        ends = time.monotonic() + wait_s
        job = self._send("/v1/jobs", asked, key, min(wait_s, STEP_S))
        if _job_ended(job) or wait_s <= STEP_S:
            return job
        return _waited(partial(self.get_job, job["id"]), _job_ended, ends - time.monotonic())

    def get_job(self, job_id: str, wait_s: float = 0.0) -> Json:
        return self._ask_one("GET", f"{_path('jobs', job_id)}?wait={wait_s}")

    def job_types(self) -> list[Json]:
        found: list[Json] = self._ask("GET", "/v1/job-types")
        return found

    def load(self, job_type: str) -> Json:
        """The waiting jobs of a job type, and how long one more job would wait."""
        return self._ask_one("GET", _path("job-types", job_type, "/load"))

    def set_state(self, job_type: str, state: str) -> Json:
        """`state`: "open", "paused" or "draining"."""
        return self._ask_one("PUT", _path("job-types", job_type, "/state"), {"state": state})

    def workers(self) -> Json:
        return self._ask_one("GET", "/v1/workers")

    def plans(self) -> list[Json]:
        """The tenant's saved plans: each has `name`, `plan`, and `inputs`, the JSON Schemas of its holes."""
        found: list[Json] = self._ask("GET", "/v1/plans")
        return found

    def plan(self, name: str) -> Json:
        """A saved plan. Raises ApiError (404)."""
        return self._ask_one("GET", _path("plans", name))

    def save_plan(
        self, name: str, plan: Json | None = None, inputs: Mapping[str, Json] | None = None, run: str | None = None
    ) -> Json:
        """Keep `plan`, or the plan of the goal with the id `run`, under a name. It replaces a plan of the same name.

        `inputs`: the JSON Schema of each input that the plan refers to, with a `default` if it may be left out. For the
        plan of a goal, a schema that is not given follows from the goal's input. Raises ApiError (422) with all faults.
        """
        asked = {"plan": plan, "run": run, "inputs": dict(inputs or {})}
        return self._ask_one("PUT", _path("plans", name), asked)

    def delete_plan(self, name: str) -> None:
        """Raises ApiError (404)."""
        self._ask_one("DELETE", _path("plans", name))

    def letters(self, job_type: str | None = None, cause: str | None = None, limit: int = LETTERS) -> list[Json]:
        """The dead letters, the newest first."""
        asked = _query(type=job_type, cause=cause, limit=str(limit))
        found: list[Json] = self._ask("GET", f"/v1/dead-letters?{asked}")
        return found

    def letter(self, job_id: str) -> Json:
        return self._ask_one("GET", _path("dead-letters", job_id))

    def replay(self, job_id: str) -> Json:
        """Take up the goal of a dead letter's job again where outputs are missing.

        In the goal that it returns, `also` lists the goal's other letters whose jobs are done again.
        """
        return self._ask_one("POST", _path("dead-letters", job_id, "/replay"))

    def purge(self, job_id: str) -> int:
        return int(self._ask_one("DELETE", _path("dead-letters", job_id))["purged"])

    def purge_all(self, job_type: str | None = None, cause: str | None = None) -> int:
        """Purge the letters of a type and a cause, or all if neither is given. Returns how many there were."""
        asked = _query(type=job_type, cause=cause) or _query(all="true")
        return int(self._ask_one("DELETE", f"/v1/dead-letters?{asked}")["purged"])

    def events(self, goal_id: str, after: str = "0") -> Iterator[Seen]:
        """The goal's events until it has ended. After a cut connection they go on where they broke off."""
        outage = _Outage()
        while True:
            try:
                for event in self._events_once(goal_id, after):
                    yield event
                    after = event.id
                    outage.ended()
                if RunState(self.get(goal_id)["state"]).ended:
                    return
                outage.ended()
            except httpx.TransportError as error:
                outage.sit_out(_unanswered(error, f"{self._http.base_url} was cut off"))
            except (ApiError, ApiUnreachable) as error:
                outage.sit_out(error)

    def _events_once(self, goal_id: str, after: str) -> Iterator[Seen]:
        path, headers = _path("goals", goal_id, "/events"), {"Last-Event-ID": after}
        with connect_sse(self._http, "GET", path, headers=headers) as source:
            if not source.response.is_success:
                source.response.read()
                raise _error(source.response)
            for event in source.iter_sse():
                if event.retry is not None:
                    raise ApiUnreachable("the events broke off: the ledger does not answer")
                if event.data:  # a comment, which only says that the goal still runs, has no data
                    yield Seen(event.id, event.event, event.json())

    def _send(self, path: str, body: Json, key: str | None, wait_s: float = 0.0) -> Json:
        """Send a request until it gets through, `TRIES` times at most. Its key makes sure that it is done only once."""
        key = str(uuid.uuid4()) if key is None else key
        if fault := key_fault(key):
            raise _refusal(fault)
        headers, tries = {"Idempotency-Key": key}, 0
        while True:
            tries += 1
            try:
                return self._ask_one("POST", f"{path}?wait={wait_s}", body, headers)
            except (ApiError, ApiUnreachable) as error:
                if error.location:
                    return self._ask_one("GET", f"{error.location}?wait={wait_s}")
                if tries == TRIES or error.retry_after_s is None or error.retry_after_s > PATIENCE_S:
                    raise
                time.sleep(error.retry_after_s)

    def _ask_one(
        self, method: str, path: str, body: Json | None = None, headers: Mapping[str, str] | None = None
    ) -> Json:
        one: Json = self._ask(method, path, body, headers)
        return one

    def _ask(self, method: str, path: str, body: Json | None = None, headers: Mapping[str, str] | None = None) -> Any:
        try:
            response = self._http.request(method, path, json=body, headers=headers)
        except httpx.TransportError as error:
            by = f" by the proxy {self._proxy}" if self._proxy else ""
            raise _unanswered(error, f"nothing answers at {self._http.base_url}{by}") from error
        if not response.is_success:
            raise _error(response)
        return response.json()

    def close(self) -> None:
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


class _Outage:
    """Measures for a waiting caller how long there has been no answer."""

    def __init__(self) -> None:
        self._since: float | None = None  #: `time.monotonic()`

    def ended(self) -> None:
        self._since = None

    def sit_out(self, error: ApiError | ApiUnreachable) -> None:
        """Pause before the next try. Raises `error` if trying again does not help, or has not helped for too long."""
        self._since = self._since or time.monotonic()
        if error.retry_after_s is None or time.monotonic() - self._since > OUTAGE_S:
            raise error
        time.sleep(error.retry_after_s)


def _warn_of(names: Iterable[str]) -> None:
    """Warn the caller of a client's method that it uses old names."""
    for name in names:
        warnings.warn(f"{name!r} is called {current_name(name)!r} now", DeprecationWarning, stacklevel=3)


def _certificates(url: str) -> ssl.SSLContext | bool:
    """Those that the environment names, or else those that are usual; none are needed without TLS on this machine.

    Raises ValueError."""
    if _is_loopback(url) and urlsplit(url).scheme == "http":
        return False
    try:
        return httpx.create_ssl_context()
    except OSError as error:
        raise ValueError(f"the certificates of SSL_CERT_FILE or SSL_CERT_DIR cannot be read: {error}") from error


def _is_loopback(url: str) -> bool:
    host = (urlsplit(url).hostname or "").removesuffix(".")
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        address = ip_address(host)
    except ValueError:
        return _is_loopback_in_short(host)
    address = getattr(address, "ipv4_mapped", None) or address
    return address.is_loopback or address.is_unspecified  # to connect to 0.0.0.0 is to connect to this machine


def _is_loopback_in_short(host: str) -> bool:
    """As `127.1`, which the system's resolver takes without asking anybody."""
    try:
        return socket.inet_aton(host)[0] == LOOPBACK_NETWORK
    except OSError:
        return False


def _proxy_of(url: str) -> str | None:
    """The proxy that the environment names for the address, without its password; None if there is none."""
    parts = urlsplit(url)
    named = getproxies()
    if proxy_bypass(parts.netloc.rpartition("@")[2]):  # with the port, which NO_PROXY may name
        return None
    proxy = named.get(parts.scheme) or named.get("all")
    return proxy and proxy.rpartition("@")[2]


def _waited(look: Callable[[float], Json], ended: Callable[[Json], bool], wait_s: float) -> Json:
    """Call `look`, which waits as long as it is told, until it sees an end or `wait_s` is over. Returns what it saw."""
    ends, outage = time.monotonic() + wait_s, _Outage()
    while True:
        left_s = max(0.0, ends - time.monotonic())
        try:
            seen = look(min(left_s, STEP_S))
        except (ApiError, ApiUnreachable) as error:
            if not left_s:
                raise
            outage.sit_out(error)
            continue
        outage.ended()
        if ended(seen) or left_s <= STEP_S:
            return seen


def _job_ended(job: Json) -> bool:
    return JobState(job["state"]).ended


def _asked(goal: str | Json | Saved) -> Json:
    if isinstance(goal, Saved):
        return {"saved": goal.name}
    return {"goal": goal} if isinstance(goal, str) else {"plan": goal}


def _path(collection: str, name: str, rest: str = "") -> str:
    """The path of one member of a collection. Raises ApiError if nothing can have the name."""
    if not name or "/" in name or not name.strip("."):
        raise _refusal(f"{name[:200]!r} is no id or name of anything: give one as it was printed")
    return f"/v1/{collection}/{quote(name, safe='', errors='replace')}{rest}"


def _unanswered(error: httpx.TransportError, what: str) -> ApiError | ApiUnreachable:
    if isinstance(error, httpx.LocalProtocolError | httpx.UnsupportedProtocol):  # it cannot be sent, now or later
        return _refusal(str(error))
    return ApiUnreachable(f"{what}: {error}")


def _refusal(fault: str) -> ApiError:
    """The error with which the server would answer a request that need not be sent."""
    return ApiError(400, "The request is not valid", [fault])


def _error(response: httpx.Response) -> ApiError:
    wait = response.headers.get("retry-after", "")
    location = response.headers.get("location") if response.status_code == httpx.codes.CONFLICT else None
    retry_after_s = float(wait) if wait.isdecimal() else None
    if not response.headers.get("content-type", "").startswith("application/problem+json"):
        title, faults = f"HTTP {response.status_code}", [response.text[:200]] if response.text else []
    else:
        problem = response.json()
        title, faults = problem["title"], problem.get("errors", [])
    return ApiError(response.status_code, title, faults, retry_after_s, location)


def _query(**asked: str | None) -> httpx.QueryParams:
    return httpx.QueryParams({name: value for name, value in asked.items() if value is not None})

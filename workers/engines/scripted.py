"""The scripted engine: answers from a table, after a while if wanted. For tests and load tests; runs no model."""

from __future__ import annotations

import heapq
import logging
import math
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from itertools import count
from random import Random

from infra.logs import where
from infra.settings import Settings
from specialists.examples import EXAMPLES, read_examples
from specialists.manifest import Script
from specialists.specialist import Specialist
from workers.engines import Completion, EngineError, EngineStats, Finish, Request
from workers.engines.in_flight import InFlight, Ticket

log = logging.getLogger(__name__)

Answer = str | Callable[[Request], str]

#: How many entries of the heap may have no request any more, beyond one for each request in flight.
IDLE_ENTRIES = 10


@dataclass(eq=False)
class _Ticket(Ticket):
    due: float  #: `time.monotonic()` at which it ends
    served: bool = False  #: False while it waits for its turn
    left: bool = False  #: it has had its turn, and is being answered


@dataclass
class _Turns:
    """The requests of one specialist that are served, and those that wait."""

    served: int = 0
    waiting: deque[_Ticket] = field(default_factory=deque)


class ScriptedEngine:
    """One thread ends each request when its time is over, so any number of requests can be served at the same time."""

    name = "scripted"
    build: str | None = None
    precision: str | None = None

    def __init__(
        self, answers: Mapping[str, Answer], delay_s: float = 0.0, scripts: Mapping[str, Script] | None = None
    ) -> None:
        """`answers`: by prompt, or by specialist for all other prompts. A callable may raise EngineError.

        `scripts`: by specialist. A specialist without a script takes `delay_s`.
        """
        self._answers = dict(answers)
        self._scripts = dict(scripts or {})
        self._plain = Script(median_s=delay_s)
        self._in_flight: InFlight[_Ticket] = InFlight(line_up=self._line_up)
        self._changed = self._in_flight.changed  # guards the attributes that follow
        self._turns: defaultdict[str, _Turns] = defaultdict(_Turns)
        self._due: list[tuple[float, int, _Ticket]] = []  # a heap; an entry counts if its time is still its ticket's
        self._order = count()
        self._thread = threading.Thread(target=self._run, name="script", daemon=True)
        self._thread.start()

    @classmethod
    def create(cls, specialists: Sequence[Specialist], settings: Settings) -> ScriptedEngine:  # noqa: ARG003 - one signature for all engines
        answers: dict[str, Answer] = {}
        for specialist in specialists:
            table = {
                specialist.render(example.input): specialist.write(example.output)
                for example in read_examples(specialist.folder / EXAMPLES)
            }
            answers |= table
            if specialist.manifest.script.any_prompt:
                answers[specialist.name] = next(iter(table.values()))
        return cls(answers, scripts={specialist.name: specialist.manifest.script for specialist in specialists})

    def submit(self, request: Request) -> Future[Completion]:
        return self._in_flight.submit(request, lambda request: _Ticket(request, _deadline(request)))

    def cancel(self, request_id: str) -> None:
        with self._changed:
            ticket = self._in_flight.cancel(request_id)
            if ticket and not ticket.left:
                self._end_at(ticket, 0.0)

    def close(self) -> None:
        self._in_flight.shut()
        self._thread.join()

    def healthy(self) -> bool:
        return self._in_flight.healthy()

    def stats(self) -> EngineStats:
        with self._changed:
            served = sum(turns.served for turns in self._turns.values())
            return EngineStats("cpu", running=served, waiting=sum(len(turns.waiting) for turns in self._turns.values()))

    def _script(self, specialist: str) -> Script:
        return self._scripts.get(specialist, self._plain)

    def _line_up(self, ticket: _Ticket) -> None:
        name = ticket.request.specialist
        turns, at_once = self._turns[name], self._script(name).at_once
        if at_once is None or turns.served < at_once:
            self._serve(ticket)
        else:
            turns.waiting.append(ticket)
            self._end_at(ticket, ticket.due)

    def _serve(self, ticket: _Ticket) -> None:
        ticket.served = True
        self._turns[ticket.request.specialist].served += 1
        takes_s = service_s(self._script(ticket.request.specialist), ticket.request.id)
        self._end_at(ticket, min(ticket.due, time.monotonic() + takes_s))

    def _end_at(self, ticket: _Ticket, due: float) -> None:
        ticket.due = due
        if due < math.inf:
            heapq.heappush(self._due, (due, next(self._order), ticket))
            if len(self._due) > 2 * len(self._in_flight) + IDLE_ENTRIES:
                self._due = [entry for entry in self._due if entry[0] == entry[2].due]
                heapq.heapify(self._due)
            self._changed.notify_all()

    def _leave_line(self, ticket: _Ticket) -> None:
        """Take the ticket out of its specialist's turns, and serve the next one."""
        ticket.left, ticket.due = True, math.inf  # none of its entries in the heap counts any more
        turns = self._turns[ticket.request.specialist]
        if not ticket.served:
            turns.waiting.remove(ticket)
            return
        turns.served -= 1
        if turns.waiting:
            self._serve(turns.waiting.popleft())

    def _run(self) -> None:
        while ticket := self._next():
            self._in_flight.leave(ticket, self._end(ticket))
        self._in_flight.fail_all()

    def _end(self, ticket: _Ticket) -> Completion | EngineError:
        try:
            return self._complete(ticket.request, ticket.cancelled)
        except EngineError as error:
            return error
        except BaseException as error:  # noqa: BLE001 - anybody's code, `sys.exit` too: it must end its job alone
            return _raised(error, ticket.request)

    def _next(self) -> _Ticket | None:
        """Wait for the next request that is due; None when the engine is closed."""
        with self._changed:
            while not self._in_flight.closed:
                if self._due and self._due[0][0] != self._due[0][2].due:
                    heapq.heappop(self._due)
                    continue
                wait_s = self._due[0][0] - time.monotonic() if self._due else None
                if wait_s is not None and wait_s <= 0:
                    ticket = heapq.heappop(self._due)[2]
                    self._leave_line(ticket)
                    return ticket
                self._changed.wait(wait_s)
        return None

    def _complete(self, request: Request, cancelled: bool) -> Completion:
        if cancelled:
            return Completion("", Finish.CANCELLED)
        if time.monotonic() >= _deadline(request):
            return Completion("", Finish.DEADLINE)
        answer = self._answers.get(request.prompt, self._answers.get(request.specialist))
        if answer is None:
            # The prompt itself is not quoted, because it may be private.
            raise EngineError(f"no answer is scripted for this prompt of {request.specialist!r}", retryable=False)
        return Completion(answer if isinstance(answer, str) else answer(request), Finish.STOP)


def _raised(error: BaseException, request: Request) -> EngineError:
    # Only the type is told, because the message may quote the prompt.
    kind = type(error).__name__
    log.error("the script of %r raised %s\n%s", request.specialist, kind, where(error), extra={"action": "answer"})
    return EngineError(f"the script of {request.specialist!r} raised {kind}", retryable=False)  # and would again


def service_s(script: Script, request_id: str) -> float:
    """How long a request takes: log-normal around the median, and always the same for the same id."""
    if not script.median_s or not script.sigma:
        return script.median_s
    return Random(request_id).lognormvariate(math.log(script.median_s), script.sigma)


def _deadline(request: Request) -> float:
    return math.inf if request.deadline is None else request.deadline

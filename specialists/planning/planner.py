"""The planner: answers a goal over inputs and offers with a plan, a question or a refusal. Knows models as `Reader`.

Reading collects what scorers and words say of each part. Searching builds whole plans that are well typed. Ranking
compares what each plan makes of the whole goal. The first plan is the answer if it is likely enough to be what was
asked.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from specialists.planning.evidence.owners import Ask, is_said
from specialists.planning.evidence.weighing import believed
from specialists.planning.offers.request import Request, read_request
from specialists.planning.parts.beliefs import Beliefs
from specialists.planning.ranking.calibration import Calibration
from specialists.planning.ranking.first_plan import features_of, shares
from specialists.planning.ranking.ranking import Ranked, ranked
from specialists.planning.reading.reader import Reader
from specialists.planning.reading.reading import Reading
from specialists.planning.search.search import missing, search
from specialists.planning.words.plan_words import PlanWords
from specialists.schemas import Json

SEARCHED = 24  #: how many plans the search keeps
ALTERNATIVES = 3  #: how many plans an answer shows
KEPT_ANSWERS = 1000
LIKELY = 0.4  #: how likely a job type must be for a refusal to name what it lacks


class Planner:
    def __init__(self, reader: Reader, calibration: Calibration | None = None, *, asks: bool = True) -> None:
        """`asks`: whether owners of labels may be asked before a plan is made."""
        self.reading = Reading(reader)
        self._asks = asks
        self._calibration = calibration or Calibration()
        self._answers: dict[str, str] = {}  #: key of a request -> the answer as JSON, the oldest first

    def plan(self, input: Mapping[str, Any]) -> Json:
        """The planner's output, in the form of specialists/shipped/planner/output.schema.json."""
        key = _key(input)
        if key not in self._answers:
            request = self.reading.shortlisted(read_request(input))
            self._answers[key] = json.dumps(self._asking(request) or self.answer(request, *self.weigh(request)))
            if len(self._answers) > KEPT_ANSWERS:
                del self._answers[next(iter(self._answers))]
        answer: Json = json.loads(self._answers[key])
        return answer

    def asks(self, request: Request) -> list[Ask]:
        """The questions that owners of labels should be asked before the goal is planned; `request` is shortlisted."""
        return self.reading.asks(request, self._calibration.evidence) if self._asks else []

    def _asking(self, request: Request) -> Json | None:
        """The answer that asks owners first; None if there is nothing to ask, nobody to ask, or answers are there."""
        told = [{"type": each.type, "input": each.input} for each in self.asks(request)] if request.heard == () else []
        return _answer("ask", 0.0, asks=told) if told else None

    def weigh(self, request: Request) -> tuple[Beliefs, list[Ranked]]:
        """Return the beliefs about a shortlisted request, and the plans for it, the likeliest first."""
        beliefs = self.beliefs(request)
        return beliefs, ranked(request, beliefs, search(request, beliefs, SEARCHED), self._calibration.order)

    def beliefs(self, request: Request) -> Beliefs:
        models = self._calibration.evidence
        return believed(request, self.reading.found(request, models), models)

    def answer(self, request: Request, beliefs: Beliefs, plans: Sequence[Ranked]) -> Json:
        if not plans:
            return _refusal(request, beliefs, 0.0)
        features = features_of(request, beliefs, plans)
        confidence, possible = self._calibration.confidence(features), self._calibration.possible(features)
        if possible < self._calibration.refuse_below:
            return _refusal(request, beliefs, confidence)
        first, *rest = shares(plans)[:ALTERNATIVES]
        # The confidence of each other plan falls in proportion to its share.
        confidences = [confidence, *(min(confidence, confidence * share / first) for share in rest)]
        shown = [_shown(request, each, round(p, 4)) for each, p in zip(plans, confidences, strict=False)]
        if self._calibration.asks(confidence, features):
            reason = "the goal can be read in more than one way; choose a plan, or say it in other words"
            return _answer("unsure", confidence, reason, shown)
        return _answer("plan", confidence, plans=shown)


def _answer(kind: str, confidence: float, reason: str = "", plans: Sequence[Json] = (), **rest: Any) -> Json:
    return {"answer": kind, "confidence": confidence, "reason": reason[:2000], "plans": list(plans), **rest}


def _shown(request: Request, plan: Ranked, confidence: float) -> Json:
    grounded = [
        {
            "step": step,
            "argument": each.operator,
            "value": each.value,
            "from": each.words,
            **({"by": each.owner} if is_said(request.heard or (), each.owner, each.field, each.value) else {}),
        }
        for step, each in plan.candidate.conditions
    ]
    steps = plan.candidate.steps
    words = PlanWords(request).of(steps)
    return {"steps": steps, "words": words[:2000], "confidence": confidence, "grounded": grounded}


def _key(input: Mapping[str, Any]) -> str:
    """The key under which an answer is kept: equal requests have equal keys.

    Upper and lower case of the goal count, since a value may be quoted. The samples of the inputs count too, since they
    decide which field is the text, and so do the answers of owners.
    """
    told = [input["inputs"], input["job_types"], input.get("heard")]
    asked = json.dumps([str(input["goal"]).strip(), *told], sort_keys=True)
    return hashlib.sha256(asked.encode()).hexdigest()


def _refusal(request: Request, beliefs: Beliefs, confidence: float) -> Json:
    nearest = sorted(beliefs.types, key=lambda name: -beliefs.types[name])[:3]
    lacking = missing(request, beliefs, nearest[0]) if nearest and beliefs.types[nearest[0]] > LIKELY else []
    reason = "no job type is on offer"
    if lacking:
        names = ", ".join(repr(name) for name in lacking)
        reason = f"{nearest[0]} needs {names}, and nothing in the goal or its inputs gives it"
    elif nearest:
        reason = f"nothing on offer does this; nearest: {', '.join(nearest)}"
    return _answer("refused", confidence, reason, missing=lacking, nearest=nearest)

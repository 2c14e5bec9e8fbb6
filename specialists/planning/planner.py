"""The planner: a goal, inputs and offers in; a plan, a question or a refusal out. Knows models as `Reader` alone.

Read: what scorers and words say of each part. Search: whole plans that are well typed. Rank: what each makes of the
whole goal. Answer: the first one, where it is likely enough to be what was asked.
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

SEARCHED = 24  #: plans
ALTERNATIVES = 3  #: plans that are shown
KEPT_ANSWERS = 1000
LIKELY = 0.4  #: of a job type that was probably meant


class Planner:
    def __init__(self, reader: Reader, calibration: Calibration | None = None, *, asks: bool = True) -> None:
        """`asks`: whether owners of labels are asked, where they can be."""
        self.reading = Reading(reader)
        self._asks = asks
        self._calibration = calibration or Calibration()
        self._answers: dict[str, str] = {}  #: what was asked -> the answer as JSON, the oldest first

    def plan(self, input: Mapping[str, Any]) -> Json:
        """The planner's output, as specialists/shipped/planner/output.schema.json has it."""
        key = _key(input)
        if key not in self._answers:
            request = self.reading.shortlisted(read_request(input))
            self._answers[key] = json.dumps(self._asking(request) or self.answer(request, *self.weigh(request)))
            if len(self._answers) > KEPT_ANSWERS:
                del self._answers[next(iter(self._answers))]
        answer: Json = json.loads(self._answers[key])
        return answer

    def asks(self, request: Request) -> list[Ask]:
        """What owners of labels should be asked before the goal (shortlisted) is planned."""
        return self.reading.asks(request, self._calibration.evidence) if self._asks else []

    def _asking(self, request: Request) -> Json | None:
        """None: nothing is to be asked first, or nobody can be."""
        told = [{"type": each.type, "input": each.input} for each in self.asks(request)] if request.heard == () else []
        return _answer("ask", 0.0, asks=told) if told else None

    def weigh(self, request: Request) -> tuple[Beliefs, list[Ranked]]:
        """What is believed of a goal (shortlisted), and the plans for it, the likeliest first."""
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
        # The others are as much less likely as their scores say.
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
    """The same for one goal over inputs that look alike and the same offers. Case counts: a value may be quoted.

    What is seen of the inputs counts too: it decides which field is the text; and so does what owners said."""
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

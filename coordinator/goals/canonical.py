"""The canonical form of a request: two requests with the same meaning have the same form. Knows no HTTP.

It makes no difference whether a default is written out or left out.
"""

from __future__ import annotations

from pydantic import ValidationError

from coordinator.plans.compiler import sinks
from coordinator.plans.plan import Limits, Step
from infra.field_names import current_names
from infra.records import Json


def meaning(body: Json, limits: Json, deployment: Limits) -> Json:
    """The canonical form of a Goal or JobRequest, read as `body` and the `limits` that it asks for.

    A part that cannot be read stays as it is: it is refused later, and no key is kept for it."""
    plan, limits = body.get("plan"), current_names(limits)
    if not isinstance(plan, dict):
        return body | {"limits": _unusual(limits, deployment)}
    own = plan.get("limits", {})
    if not isinstance(own, dict):
        return body | {"limits": limits}
    asked = _unusual(limits | current_names(own), deployment)
    return body | {"plan": _plan(plan), "limits": asked}


def _unusual(asked: Json, deployment: Limits) -> Json:
    """The limits in `asked` that differ from the deployment's own."""
    usual = deployment.model_dump(mode="json")
    try:
        said = Limits.model_validate(usual | asked).model_dump(mode="json")
    except ValidationError:
        return asked
    return {name: value for name, value in said.items() if value != usual[name]}


def _plan(plan: Json) -> Json:
    """The canonical form of a plan, without its limits."""
    rest = {name: value for name, value in plan.items() if name != "limits"}
    try:
        steps = [Step.model_validate(step) for step in plan.get("steps", ())]
    except (ValidationError, TypeError):
        return rest
    if "result" in rest and rest["result"] == sinks(steps):
        del rest["result"]
    return rest | {"steps": [step.model_dump(mode="json", by_alias=True, exclude_defaults=True) for step in steps]}

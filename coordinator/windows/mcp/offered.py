"""What is offered: the tools of this deployment, in a fixed order. Calls none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mcp_types import Tool

from coordinator.windows.mcp.goal_tools import GOAL_TOOLS
from specialists.catalog import Catalog
from specialists.offers import PLANNER
from specialists.schemas import Json
from specialists.specialist import Specialist

#: Names that are no job type's here. The planner is asked by goals in words.
OWN = frozenset({PLANNER, *(tool.name for tool in GOAL_TOOLS)})


class Offered:
    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._tools: Mapping[str, Tool] = {}  #: as they were at the last look
        self._told: list[Tool] | None = None  #: as they were when `has_changed` was last asked

    def look(self) -> list[Tool]:
        """All tools: those for goals, then the job types by name. A live catalog may read its folders."""
        found = [*GOAL_TOOLS, *(_tool_of(each) for each in self._catalog if each.name not in OWN)]
        self._tools = {tool.name: tool for tool in found}
        return found

    def has_changed(self) -> bool:
        """Whether the tools are others than when this was last asked."""
        before, self._told = self._told, self.look()
        return before is not None and before != self._told

    def has(self, name: str) -> bool:
        """Whether `name` is a job type that is offered."""
        return name not in OWN and name in self._catalog

    def input_schema(self, name: str) -> Mapping[str, Any] | None:
        """The schema at the last look. Reads nothing, so it may be asked in an event loop."""
        tool = self._tools.get(name)
        return tool.input_schema if tool else None


def _tool_of(specialist: Specialist) -> Tool:
    written_input, written_output = specialist.written
    return Tool(
        name=specialist.name,
        description=specialist.manifest.description,
        input_schema=_of_object(written_input, specialist.input_schema),
        output_schema=_of_object(written_output, specialist.output_schema),
    )


def _of_object(written: Json, taken_over: Json) -> Json:
    """The schema as the folder has it, unless it does not say `object` at its root, as MCP asks."""
    return written if written.get("type") == "object" else taken_over

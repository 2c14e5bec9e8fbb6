"""The page of exit codes: the constants that commands and processes end with. Reads modules, runs no command."""

from __future__ import annotations

from types import ModuleType

import coordinator.commands.choice
import coordinator.commands.rehearsal
import coordinator.exits
import workers.measuring.replay_cli
import workers.upkeep.ending
from docs.generator.comments import constants
from docs.generator.markdown import code, page, table

INTRODUCTION = """\
A command that succeeds ends with 0. A command line that cannot be read ends with 2, and so do `weights`, `train`,
`eval`, `label`, `curve`, `report`, `train-planner` and `eval-planner` when they cannot do what they were asked. The
table has the other codes. What a command prints on standard error says what happened."""

#: Who ends so, and where the codes are set.
ENDINGS: list[tuple[str, ModuleType]] = [
    ("Commands that ask the API, and the processes `api`, `coordinator`, `up` and `demo`", coordinator.exits),
    ("`run` and `watch` with a goal, and `plan` with the plan that it would have", coordinator.commands.choice),
    ("`rehearse` and `plan`", coordinator.commands.rehearsal),
    ("`replay`", workers.measuring.replay_cli),
    ("`worker`", workers.upkeep.ending),
]


def exits_page() -> str:
    return page("Exit codes", INTRODUCTION, table(["who ends so", "code", "when"], rows()))


def rows() -> list[list[str]]:
    return [
        [who, code(str(number)), comment]
        for who, module in ENDINGS
        for name, comment in constants(module).items()
        if isinstance(number := getattr(module, name), int)
    ]

"""The ledger's Lua scripts: every change of a job's state. `common.lua` lists the keys, and is put before each."""

from __future__ import annotations

from importlib.resources import files

#: Script -> the files of shared rules that it needs, ordered so that each needs only those before it. No other file is
#: loaded, because each function costs a claim and a commit 0.1 microseconds of Redis.
SCRIPTS = {
    "create_run": "common lists runs lines endings sharing forgetting making",
    "release": "common lines endings sharing forgetting making",
    "advance": "common lists runs",
    "close_run": "common lines endings",
    "stage": "common",
    "reopen": "common lists runs",
    "remake": "common lines endings sharing forgetting making",
    "list_runs": "common",
    "cancel": "common lines endings",
    "take_ready": "common lines endings losses pace waiting",
    "claim": "common lines endings losses",
    "renew": "common",
    "commit": "common lines endings sharing pace",
    "settle": "common lines endings sharing",
    "hand_back": "common lines endings",
    "sweep": "common lists lines endings losses forgetting",
    "beat": "common",
    "leave": "common",
    "depths": "common forgetting waiting",
    "loads": "common pace waiting",
    "purge": "common lines endings forgetting",
    "save_plan": "common",
    "enter_run": "common",
}


def load(name: str) -> str:
    """The full text of script `name`, ready to be registered."""
    folder = files(__name__)
    return "\n".join((folder / f"{part}.lua").read_text("utf-8") for part in (*SCRIPTS[name].split(), name))

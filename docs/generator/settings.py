"""The page of settings: each field of `infra.settings.Settings`. Reads the class, not the environment."""

from __future__ import annotations

from docs.generator.fields import allowed, default, unit
from docs.generator.markdown import code, page, table
from infra.settings import Settings, Tenant

INTRODUCTION = """\
Every process reads these settings when it starts. Each setting comes from an environment variable, or from a line of
the same name in a file `.env` in the folder where the process starts; the environment wins. A bad value stops the
start, and the message names the variable. Options of a command, such as `--broker` and `--slots` of `manyhands worker`,
win over both."""

TENANTS = """\
`MANYHANDS_TENANTS` is a JSON object from a tenant's name to an object with these keys, such as
`{"acme": {"weight": 4}}`."""


def settings_page() -> str:
    return page("Settings", INTRODUCTION, _settings(), "## One tenant", TENANTS, _tenant())


def _settings() -> str:
    return table(
        ["variable", "default", "values", "meaning"],
        [
            [
                code(f"MANYHANDS_{name.upper()}"),
                default(field),
                ", ".join(filter(None, [allowed(field), unit(name)])),
                field.description or "",
            ]
            for name, field in Settings.model_fields.items()
        ],
    )


def _tenant() -> str:
    rows = [
        [code(name), default(field), allowed(field), field.description or ""]
        for name, field in Tenant.model_fields.items()
    ]
    return table(["key", "default", "values", "meaning"], rows)

"""A plan with a job type of one's own: each account number is checked, and the wrong ones are printed."""

# ruff: noqa: T201 - an example prints what it found

from __future__ import annotations

import argparse
import sys
from typing import Any

from coordinator.client import ApiError, ApiUnreachable, Client

ACCOUNTS = [
    "DE89 3704 0044 0532 0130 00",
    "GB82 WEST 1234 5698 7654 32",
    "FR14 2004 1010 0505 0001 3M02 606",
    "DE89 3704 0044 0532 0130 01",
    "12345678",
]
CHECK = {
    "id": "checks",
    "type": "iban",
    "map": {"over": {"$ref": "inputs.accounts"}, "as": "account"},
    "args": {"text": {"$ref": "account"}},
}
JOIN = {"id": "table", "type": "table", "args": {"columns": [{"$ref": "inputs.accounts"}, {"$ref": "checks"}]}}
KEEP = {
    "id": "wrong",
    "type": "filter",
    "args": {"items": {"$ref": "table.rows"}, "field": "valid", "equals": False},
}
PLAN: dict[str, Any] = {"steps": [CHECK, JOIN, KEEP], "result": {"$ref": "wrong.items"}}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", default="http://127.0.0.1:8765")
    args = parser.parse_args()
    try:
        with Client(args.url) as client:
            goal = client.run(PLAN, {"accounts": ACCOUNTS})
    except (ApiError, ApiUnreachable) as error:
        sys.exit(str(error))
    if goal["state"] != "succeeded":
        sys.exit(f"{goal['state']}: {goal['failure']}")
    print(f"{len(goal['result'])} of {len(ACCOUNTS)} are wrong")
    for row in goal["result"]:
        print(f"{row['fault']:<12}  {row['value']}")


if __name__ == "__main__":
    main()

"""A goal in words: its plans are shown, one of them is confirmed, and the result is printed."""

# ruff: noqa: T201 - an example prints what it found

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

from coordinator.client import ApiError, ApiUnreachable, Client

GOAL = "Count these messages by what the customer wants"
MESSAGES = [
    "My card still has not arrived and I ordered it two weeks ago.",
    "I left my wallet on a train in Berlin and someone may have my card.",
    "Where is the card that I ordered?",
    "My top up failed three times today, can you help?",
]


def choose(client: Client, goal: dict[str, Any]) -> dict[str, Any]:
    """The goal as it ends after somebody has chosen one of its plans, or none of them."""
    print(f"unsure: {goal['reason'] or 'the goal was sent with --confirm always'}")
    for number, plan in enumerate(goal["plans"], 1):
        print(f"{number}  {plan['words']} ({plan['confidence']:.2f})")
    said = input("Which plan is to run? Type its number, or n to cancel the goal: ")
    if not said.isdecimal():
        return client.cancel(goal["id"])
    client.confirm(goal["id"], int(said))
    return client.wait(goal["id"], 600)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", default="http://127.0.0.1:8765")
    parser.add_argument("--goal", default=GOAL)
    parser.add_argument("--confirm", choices=("if_unsure", "always", "never"), default="always")
    args = parser.parse_args()
    try:
        with Client(args.url) as client:
            goal = client.run(args.goal, {"messages": MESSAGES}, confirm=args.confirm)
            if goal["state"] == "unsure":
                goal = choose(client, goal)
    except (ApiError, ApiUnreachable) as error:
        sys.exit(str(error))
    if goal["state"] != "succeeded":
        sys.exit(f"{goal['state']}: {goal['reason'] or goal['failure']}")
    print(json.dumps(goal["result"], indent=2))


if __name__ == "__main__":
    main()

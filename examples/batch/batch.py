"""A file of 200 lines as one plan: each line gets its label, the labels are counted, and both are kept."""

# ruff: noqa: T201 - an example prints what it found

from __future__ import annotations

import argparse
import csv
import json
import sys
from pathlib import Path
from typing import Any

from coordinator.client import ApiError, ApiUnreachable, Client

SORT = {
    "id": "labels",
    "type": "triage",
    "map": {"over": {"$ref": "inputs.lines"}, "as": "line"},
    "args": {"text": {"$ref": "line.text"}},
    "on_failure": "skip",  # a line whose job fails has no label, and the others have theirs
}
COUNT = {"id": "count", "type": "count", "args": {"items": {"$ref": "labels"}, "field": "intent"}}
RESULT = {"labels": {"$ref": "labels"}, "counts": {"$ref": "count.counts"}}
PLAN: dict[str, Any] = {"steps": [SORT, COUNT], "result": RESULT}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", default="http://127.0.0.1:8765")
    parser.add_argument("--lines", type=Path, default=Path(__file__).with_name("messages.jsonl"))
    parser.add_argument("--out", type=Path, default=Path("runs/labels.csv"))
    args = parser.parse_args()
    with args.lines.open(encoding="utf-8") as file:
        lines = [json.loads(line) for line in file]
    try:
        with Client(args.url) as client:
            goal = client.run(PLAN, {"lines": lines})
    except (ApiError, ApiUnreachable) as error:
        sys.exit(str(error))
    if goal["state"] != "succeeded":
        sys.exit(f"{goal['state']}: {goal['failure']}")
    labels = [label["intent"] if label else "" for label in goal["result"]["labels"]]
    args.out.parent.mkdir(parents=True, exist_ok=True)
    with args.out.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["id", "text", "intent"])
        rows.writerows([line["id"], line["text"], label] for line, label in zip(lines, labels, strict=True))
    print(f"{args.out}: {len(lines)} lines, {labels.count('')} without a label")
    for row in goal["result"]["counts"][:5]:
        print(f"{row['count']:>4}  {row['value']}")


if __name__ == "__main__":
    main()

"""A specialist of one's own: it tells the mood of each message, and how sure it is."""

# ruff: noqa: T201 - an example prints what it found

from __future__ import annotations

import argparse
import sys

from coordinator.client import ApiError, ApiUnreachable, Client

MESSAGES = [
    "The repair was quick and everybody was so nice!",
    "The office is on the second floor.",
    "I waited for three weeks and now it is broken again.",
]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", default="http://127.0.0.1:8765")
    parser.add_argument("messages", nargs="*", default=MESSAGES)
    args = parser.parse_args()
    try:
        with Client(args.url) as client:
            jobs = [client.job("mood", {"text": text}, wait_s=60) for text in args.messages]
    except (ApiError, ApiUnreachable) as error:
        sys.exit(str(error))
    for text, job in zip(args.messages, jobs, strict=True):
        if job["output"] is None:
            sys.exit(f"{job['id']} is {job['state']}: {job['failure']}")
        print(f"{job['output']['mood']:<8}  {job['confidence']:.2f}  {text}")


if __name__ == "__main__":
    main()

"""One typed job: it is sent with a key, waited for, and sent again, which does not do it again."""

# ruff: noqa: T201 - an example prints what it found

from __future__ import annotations

import argparse
import sys

from coordinator.client import ApiError, ApiUnreachable, Client
from infra.records import JobState

TEXT = "I left my wallet on a train in Berlin and someone may have my card."


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", default="http://127.0.0.1:8765")
    parser.add_argument("--text", default=TEXT)
    parser.add_argument("--key", default="example-python", help="the Idempotency-Key")
    args = parser.parse_args()
    try:
        with Client(args.url) as client:
            job = client.job("triage", {"text": args.text}, wait_s=0, key=args.key)
            print(f"sent: job {job['id']}")
            while not JobState(job["state"]).ended:
                job = client.get_job(job["id"], wait_s=30)
            print(f"{job['state']}: {job['output'] or job['failure']}")
            again = client.job("triage", {"text": args.text}, key=args.key)
            print(f"sent again: job {again['id']}")
    except (ApiError, ApiUnreachable) as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()

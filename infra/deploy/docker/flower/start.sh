#!/bin/sh
# Flower, given the broker alone. Secrets go by the environment of this one process: its arguments are everyone's to read.
set -eu
CELERY_BROKER_URL="redis://flower:$(cat /run/secrets/redis_flower)@redis:6379/0"
FLOWER_BASIC_AUTH=$(cat /run/secrets/flower_auth)
export CELERY_BROKER_URL FLOWER_BASIC_AUTH
# Read-only: Flower's API could else send any task and stop any worker.
exec celery --quiet --config flower_config flower --port=5555 --read_only=True

#!/bin/sh
# Starts Flower with the broker alone. Secrets come by this process's environment, because everyone can read arguments.
set -eu
CELERY_BROKER_URL="redis://flower:$(cat /run/secrets/redis_flower)@redis:6379/0"
FLOWER_BASIC_AUTH=$(cat /run/secrets/flower_auth)
export CELERY_BROKER_URL FLOWER_BASIC_AUTH
# Read-only, because Flower's API could otherwise send any task and stop any worker.
exec celery --quiet --config flower_config flower --port=5555 --read_only=True

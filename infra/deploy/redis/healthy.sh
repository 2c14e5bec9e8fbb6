#!/bin/sh
# Healthy: it takes a password and answers; while it still loads its data it does not.
set -eu
REDISCLI_AUTH=$(cat /run/secrets/redis_health)
export REDISCLI_AUTH
redis-cli --user health ping | grep -qx PONG

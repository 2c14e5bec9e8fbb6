#!/bin/sh
# Healthy: it takes its password and answers; while it still loads its data it does not.
set -eu
REDISCLI_AUTH=$(cat /run/secrets/redis_password)
export REDISCLI_AUTH
redis-cli ping | grep -qx PONG

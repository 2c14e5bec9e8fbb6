#!/bin/sh
# Redis is healthy if it takes a password and answers. While it still loads its data, it does not answer.
set -eu
REDISCLI_AUTH=$(cat /run/secrets/redis_health)
export REDISCLI_AUTH
redis-cli --user health ping | grep -qx PONG

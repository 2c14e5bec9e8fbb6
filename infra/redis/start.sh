#!/bin/sh
# The password goes from its file to Redis by standard input: it shows in no argument and no environment.
set -eu
password=$(cat /run/secrets/redis_password)
exec redis-server /etc/redis/redis.conf - <<CONF
requirepass "$password"
CONF

#!/bin/sh
# Gives Redis the users of users.acl by standard input, each with the hash of its password. So a password is in no
# argument, in no environment, and in no file but its secret.
set -eu
with_password() {
  secret=/run/secrets/redis_$1
  [ -s "$secret" ] || { echo "error: no password for Redis user '$1': $secret is missing or empty" >&2; exit 1; }
  hash=$(printf %s "$(cat "$secret")" | sha256sum)
  echo "user $1 on #${hash%% *} $2"
}
users=$(while read -r word name rights; do
  case $word:$name in
    user:default) echo "user default $rights" ;;
    user:*) with_password "$name" "$rights" ;;
  esac
done < /etc/redis/users.acl)
exec redis-server /etc/redis/redis.conf - <<CONF
$users
appendfsync ${MANYHANDS_APPENDFSYNC:-everysec}
CONF

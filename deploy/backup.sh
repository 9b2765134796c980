#!/bin/sh
# Makes a backup every night at BACKUP_AT (UTC), and at once when the last one was missed; a backup that
# fails is tried again after ten minutes. For a container; a machine with systemd has a timer instead
# (deploy/systemd). Its folder is /backups or the first argument; KEEP backups stay there.
set -eu
folder=${1:-/backups}
child=
trap '[ -z "$child" ] || kill "$child" 2>/dev/null; exit 0' TERM INT

while :; do
  due=$(date -u -d "today ${BACKUP_AT:-03:15} UTC" +%s)
  [ "$due" -le "$(date +%s)" ] || due=$((due - 86400))
  due=$(date -u -d "@$due" +%Y%m%dT%H%M%SZ)
  # Names of backups are times; one that is being made ends with .partial.
  newest=$(find "$folder" -mindepth 1 -maxdepth 1 -name '*T*Z' -printf '%f\n' | sort | tail -n 1)
  if expr "x$newest" '<' "x$due" >/dev/null; then
    python manage.py backup --to "$folder" --keep "${KEEP:-14}" &
    child=$!
    wait "$child" || echo "The backup failed; it is tried again in ten minutes." >&2
  fi
  sleep 600 &
  child=$!
  wait "$child"
done

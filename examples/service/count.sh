#!/bin/sh
# count.sh TEXT INDEX - adds the words of each fourth line of TEXT, from line INDEX on, to the sorted set "words"
set -e
awk -v n="$2" 'NR % 4 == n' "$1" | tr -cs 'A-Za-z' '\n' | tr 'A-Z' 'a-z' |
    sed -n 's/^..*/zincrby words 1 &/p' |
    redis-cli --pipe -h "$ASYNC_WORKFLOW_SERVICE_REDIS_HOST" -p "$ASYNC_WORKFLOW_SERVICE_REDIS_PORT" >/dev/null

#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# simulate.sh STATE SECONDS: stands for a simulation that can save its state. It counts seconds, from
# the number in STATE. On SIGUSR1 it saves the number and exits with 75. That is no success, so
# async-workflow runs it again in the next job.

state=$1 seconds=$2
n=$(cat "$state" 2>/dev/null || echo 0)

# The file is written whole or not at all: a job may be killed at any moment.
save () { echo "$n" >"$state.new" && mv "$state.new" "$state"; }

trap 'save; echo "saved at $n"; exit 75' USR1
echo "from $n"
while test "$n" -lt "$seconds"; do
    sleep 1
    n=$((n + 1))
done
save

#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# simulate.sh STATE SECONDS: stands for a simulation that can save its state. It counts seconds and
# goes on where STATE says; told by SIGUSR1 that its time is over, it saves that and ends with 75, which
# is no success: async-workflow runs it again in the next job.

state=$1 seconds=$2
n=$(cat "$state" 2>/dev/null || echo 0)

# Whole or not at all: a job may be killed at any moment.
save () { echo "$n" >"$state.new" && mv "$state.new" "$state"; }

trap 'save; echo "saved at $n"; exit 75' USR1
echo "from $n"
while test "$n" -lt "$seconds"; do
    sleep 1
    n=$((n + 1))
done
save

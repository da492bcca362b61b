#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""estimate.py ERROR FILE: estimates pi from the batches as they come. When the standard error is below ERROR, it writes
the estimate to FILE and cancels the tasks that still sample."""
import json
import math
import sys

import asyncworkflow as aw

points = hits = 0
error = math.inf
while error > float(sys.argv[1]):
    batch = json.loads(aw.receive("batches").text)
    points += batch["points"]
    hits += batch["hits"]
    part = hits / points
    error = 4 * math.sqrt(part * (1 - part) / points)

with open(sys.argv[2], "w") as file:
    print("%.5f %.5f %d" % (4 * part, error, points), file=file)
aw.cancel("sample")

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""sample.py SEED BATCHES: throws points at a square, and publishes for each batch how many hit the circle in it."""
import json
import random
import sys

import asyncworkflow as aw

POINTS = 10000  # in a batch

seed, batches = (int(word) for word in sys.argv[1:])
random.seed(seed)
for batch in range(batches):
    hits = sum(random.random() ** 2 + random.random() ** 2 < 1 for _ in range(POINTS))
    aw.publish("batches", json.dumps({"points": POINTS, "hits": hits}))

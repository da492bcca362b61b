# SPDX-License-Identifier: Apache-2.0
# An estimate of pi by random points in a square: awk -v seed=1 -f estimate.awk

BEGIN {
    srand(seed)
    for (i = 0; i < 200000; i++)
        if (rand()^2 + rand()^2 < 1)
            inside++
    printf "%.5f\n", 4 * inside / 200000
}

# The share of random points in the unit square that lie in the quarter of a circle.
BEGIN {
    srand(seed)
    for (i = 0; i < n + 200000; i++)
        inside += rand() ^ 2 + rand() ^ 2 < 1
    print 4 * inside / i
}

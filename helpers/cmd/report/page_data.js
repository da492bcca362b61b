/* SPDX-License-Identifier: Apache-2.0 */
/* The chart of a run's page: nodes over time, busy CPUs and GPUs below, with zoom and hover. It is drawn on one canvas.
 * The page has page_data.js, page_draw.js and page_zoom.js in this order, inside one function.
 *
 * There is no plotting library: those of a fitting size draw lines and bars, but do not sum 100,000 intervals by pixel, and
 * what they would save here is an axis.
 *
 * Data: arrays by column in the element "run" (report_html_data.c). A "slice" is an attempt on one of its nodes.
 * Where tasks can be seen one by one, each is a rectangle. Else each row shows the share of its lanes that each set
 * fills, pixel by pixel: so nothing is left out. Text reaches the page through textContent alone.
 */
/* Colours of M. Okabe and K. Ito, "Color Universal Design" (2008), as in the SVG. */
const PALETTE = [[0, 114, 178], [230, 159, 0], [0, 158, 115], [204, 121, 167], [86, 180, 233], [213, 94, 0],
                 [240, 228, 66], [153, 153, 153]];
const TONES = 3; /* of a colour, by iteration */
const MAX_RECTANGLES = 20000;
const LOAD_HEIGHT = 64, AXIS = 24, SPACE = 14, MAX_HEIGHT = 480, LANE = 18;
const TICKS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400];

const run = JSON.parse(document.getElementById('run').textContent);
const element = (id) => document.getElementById(id);
const canvas = element('canvas'), pen = canvas.getContext('2d', { willReadFrequently: true }), box = element('box'), frame = element('frame');

/* ---- Data ---- */

/* A column as numbers: a single number stands for all rows; "delta": differences. */
function column(table, name, n, delta) {
    const values = table[name], out = new Float64Array(n);
    if (typeof values === 'number')
        return out.fill(values);
    for (let i = 0, sum = 0; i < n; i++)
        out[i] = delta ? sum += values[i] : values[i];
    return out;
}

const n = run.slices.n;
const start = column(run.slices, 'start', n, true), size = column(run.slices, 'length', n);
const more = column(run.slices, 'more', n); /* than size: as its node measured it */
const wait = column(run.slices, 'wait', n), attempt = column(run.slices, 'attempt', n);
const set = column(run.slices, 'set', n), iteration = column(run.slices, 'iteration', n);
const index = column(run.slices, 'index', n), band = column(run.slices, 'band', n);
const lane = column(run.slices, 'lane', n), how = column(run.slices, 'how', n);
const cpus = column(run.slices, 'cpus', n), gpus = column(run.slices, 'gpus', n);
const moves = run.moves;
const moveStart = column(moves, 'start', moves.n), moveSize = column(moves, 'length', moves.n);
const moveOf = column(moves, 'slice', moves.n), moveLane = column(moves, 'lane', moves.n);
const moveWhat = column(moves, 'what', moves.n);
const isFailed = (i) => how[i] >= run.first_failure;

/* Times are in ticks. Interruptions of the run are folded: they take at most a 25th of the axis. */
const from = run.from, span = Math.max(run.to - from, 1);
const gaps = run.gaps.map(([a, b]) => [Math.max(a, from), Math.min(b, run.to)]).filter(([a, b]) => b > a);
const active = gaps.reduce((sum, [a, b]) => sum - (b - a), span);
const folded = gaps.map(([a, b]) => Math.min(b - a, active / 25));
function fold(t) {
    let out = t - from;
    gaps.forEach(([a, b], g) => { out -= (Math.min(Math.max(t, a), b) - a) * (1 - folded[g] / (b - a)); });
    return out;
}
function unfold(x) {
    let t = x + from;
    gaps.forEach(([a, b], g) => {
        if (t > a)
            t = t < a + folded[g] ? a + (t - a) * (b - a) / folded[g] : t + (b - a) - folded[g];
    });
    return t;
}
const left = start.map(fold), right = start.map((t, i) => fold(t + size[i]));
const width = Math.max(fold(run.to), 1);

/* Each node has its tasks' lanes, then thinner ones for data on its way. */
const nodes = run.nodes.length, THIN = 0.4;
const taskLanes = new Float64Array(nodes), moveLanes = new Float64Array(nodes), top = new Float64Array(nodes + 1);
for (let i = 0; i < n; i++)
    taskLanes[band[i]] = Math.max(taskLanes[band[i]], lane[i] + 1);
for (let i = 0; i < moves.n; i++)
    moveLanes[band[moveOf[i]]] = Math.max(moveLanes[band[moveOf[i]]], moveLane[i] + 1);
for (let b = 0; b < nodes; b++)
    top[b + 1] = top[b] + Math.max(taskLanes[b], 1) + THIN * moveLanes[b];
const height = Math.max(top[nodes], 1);

/* ---- Words ---- */

function name(i) {
    const s = run.sets[set[i]];
    return s.name + (s.iterated ? '@' + iteration[i] : '') + '[' + index[i] + ']';
}
function seconds(ticks) {
    const s = ticks / run.ticks, two = (x) => String(Math.floor(x)).padStart(2, '0');
    if (s < 60)
        return s.toFixed(s < 10 ? 2 : 1) + ' s';
    if (s < 3600)
        return Math.floor(s / 60) + 'm' + two(s % 60) + 's';
    return s < 86400 ? Math.floor(s / 3600) + 'h' + two(s % 3600 / 60) + 'm'
                     : Math.floor(s / 86400) + 'd' + two(s % 86400 / 3600) + 'h';
}
/* A moment of the axis, as exact as the distance of its ticks. */
function moment(s, step) {
    if (step < 1)
        return s.toFixed(Math.min(4, Math.ceil(-Math.log10(step)))) + ' s';
    const d = Math.floor(s / 86400), h = Math.floor(s % 86400 / 3600), m = Math.floor(s % 3600 / 60), r = Math.round(s % 60);
    return [[d, 'd'], [h, 'h'], [m, 'm'], [r, 's']].filter(([v]) => v).map(([v, u]) => v + u).join('') || '0';
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Draws the chart, or a part of it: the view. */
const view = { x0: 0, x1: width, y0: 0, y1: height };
const area = { x: 0, w: 1, h: 1 }; /* of the tasks, in CSS pixels */
let panels = [], rows = null, selected = -1, pending = false, theme = {};
const xOf = (t) => area.x + (t - view.x0) / (view.x1 - view.x0) * area.w;
const timeAt = (x) => view.x0 + (x - area.x) / area.w * (view.x1 - view.x0);
const yOf = (y) => (y - view.y0) / (view.y1 - view.y0) * area.h;
const laneAt = (y) => view.y0 + y / area.h * (view.y1 - view.y0);
const yOfSlice = (i) => top[band[i]] + lane[i];

function mix(a, b, share) { return a.map((v, k) => Math.round(v + (b[k] - v) * share)); }
const css = (c) => 'rgb(' + c.join(',') + ')';
function colour(group, tone) { return mix(PALETTE[group], theme.light ? [255, 255, 255] : [0, 0, 0], tone * 0.22); }
const toneOf = (i) => run.sets[set[i]].iterated ? iteration[i] % TONES : 0;

function readTheme(print) {
    const style = getComputedStyle(document.documentElement), value = (v) => style.getPropertyValue(v).trim();
    theme = print ? { ink: '#222', soft: '#666', line: '#ddd', paper: '#fff', light: true }
                  : { ink: value('--ink'), soft: value('--soft'), line: value('--line'), paper: value('--paper'),
                      light: !matchMedia('(prefers-color-scheme: dark)').matches };
    theme.failed = theme.light ? '#b00020' : '#ff5a5f';
}

function layOut() {
    const ratio = window.devicePixelRatio || 1, all = frame.clientWidth;
    const longest = Math.max(...run.nodes.map((node) => node.name.length), 4);
    area.x = Math.min(10 + 7 * Math.min(longest, 16), all / 4);
    area.w = Math.max(Math.floor(all - area.x - 14), 40);
    area.h = Math.round(Math.max(Math.min(height * LANE, MAX_HEIGHT), 60));
    panels = [{ title: 'CPUs', total: run.cpus, held: cpus, y: area.h + SPACE }];
    if (run.gpus)
        panels.push({ title: 'GPUs', total: run.gpus * 1000, held: gpus, y: area.h + 2 * SPACE + LOAD_HEIGHT });
    const high = panels[panels.length - 1].y + LOAD_HEIGHT + AXIS;
    canvas.width = Math.round(all * ratio);
    canvas.height = Math.round(high * ratio);
    canvas.style.height = high + 'px';
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
}

/* Colours in use, as pairs of group and tone; the one of each slice. */
const paints = [], kind = new Uint8Array(n);
for (let i = 0, known = new Map(); i < n; i++) {
    const key = run.sets[set[i]].group * TONES + toneOf(i);
    if (!known.has(key))
        known.set(key, paints.push([run.sets[set[i]].group, toneOf(i)]) - 1);
    kind[i] = known.get(key);
}

const failures = Array.from({ length: n }, (_, i) => i).filter((i) => isFailed(i) && lane[i] >= 0);

/* ---- Amounts by pixel ---- */

/* Adds WEIGHT from A to B (in pixels) to DIFFERENCES from position AT on, of W pixels. */
function add(differences, at, w, a, b, weight) {
    if (b <= 0 || a >= w)
        return;
    a = Math.max(a, 0);
    b = Math.min(b, w);
    const ia = Math.floor(a), ib = Math.floor(b);
    differences[at + ia] += weight * (ia === ib ? b - a : ia + 1 - a);
    differences[at + ia + 1] += weight * (ia === ib ? a - b : a - ia);
    if (ia !== ib) {
        differences[at + ib] += weight * (b - ib) - weight;
        differences[at + ib + 1] -= weight * (b - ib);
    }
}

/* A colour as the canvas has its pixels. */
const pixel = (c) => (255 << 24 | c[2] << 16 | c[1] << 8 | c[0]) >>> 0;
function parse(hex) {
    const h = hex.length === 4 ? hex.replace(/[^#]/g, '$&$&') : hex;
    return [1, 3, 5].map((at) => parseInt(h.slice(at, at + 2), 16));
}

/* Adds up, for COUNT rows of W pixels, what each colour takes: row by row, colour by colour, as differences. "first" and
 * "last" are the pixels between which a colour is in a row.
 */
function amountsOf(w, count, rowOfBand, weightOfBand, held) {
    const each = w + 2, kinds = paints.length, amounts = new Float64Array(count * kinds * each);
    const first = new Int32Array(count * kinds).fill(w), last = new Int32Array(count * kinds);
    const scale = w / (view.x1 - view.x0);
    for (let i = 0; i < n; i++) {
        const row = rowOfBand[band[i]];
        if (row < 0 || lane[i] < 0 || right[i] < view.x0 || left[i] > view.x1)
            continue;
        const at = row * kinds + kind[i], a = (left[i] - view.x0) * scale, b = (right[i] - view.x0) * scale;
        add(amounts, at * each, w, a, b, weightOfBand[band[i]] * (held ? held[i] : 1));
        first[at] = Math.min(first[at], Math.max(a, 0));
        last[at] = Math.max(last[at], Math.min(b + 1, w));
    }
    return { amounts, first, last };
}

/* Draws COUNT rows at X, Y, W wide and H high each, in pixels of the device: in each the colours are stacked. What is
 * less than a pixel high is still seen. The row of a node, and the share of its height that a slice takes, are in
 * ROWOFBAND and WEIGHTOFBAND; the latter is multiplied by HELD of the slice, unless that is null.
 */
function stack(x, y, w, count, h, rowOfBand, weightOfBand, held) {
    const { amounts, first, last } = amountsOf(w, count, rowOfBand, weightOfBand, held), kinds = paints.length;
    const image = pen.createImageData(w, count * h), pixels = new Uint32Array(image.data.buffer);
    const ends = new Float64Array(w), drawn = new Int32Array(w), colours = paints.map((p) => pixel(colour(...p)));
    pixels.fill(pixel(parse(theme.paper)));
    for (let row = 0; row < count; row++) {
        ends.fill(0);
        drawn.fill(0);
        for (let at = row * kinds; at < (row + 1) * kinds; at++) {
            let sum = 0;
            for (let px = first[at]; px < last[at]; px++) {
                sum += amounts[at * (w + 2) + px];
                if (sum < 1e-6)
                    continue;
                const end = Math.min(ends[px] += sum * h, h), to = Math.max(end + 0.5 | 0, drawn[px] || 1);
                for (let line = drawn[px]; line < to; line++)
                    pixels[((row + 1) * h - 1 - line) * w + px] = colours[at % kinds];
                drawn[px] = to;
            }
        }
    }
    pen.putImageData(image, x, y);
}

/* ---- Drawing ---- */

function visible() {
    let count = 0;
    for (let i = 0; i < n; i++)
        count += right[i] >= view.x0 && left[i] <= view.x1 && yOfSlice(i) + 1 > view.y0 && yOfSlice(i) < view.y1;
    return count;
}

function drawRectangles() {
    const high = yOf(view.y0 + 1), label = high >= 13;
    pen.font = Math.min(high - 3, 11) + 'px sans-serif';
    for (let i = 0; i < n; i++) {
        if (lane[i] < 0 || right[i] < view.x0 || left[i] > view.x1)
            continue;
        const y = yOf(yOfSlice(i));
        if (y + high < 0 || y > area.h)
            continue;
        const x = Math.max(xOf(left[i]), area.x), w = Math.max(Math.min(xOf(right[i]), area.x + area.w) - x, 1);
        const rgb = colour(run.sets[set[i]].group, toneOf(i));
        pen.fillStyle = css(rgb);
        pen.fillRect(x, y + 0.5, w > 3 ? w - 0.5 : w, Math.max(high - 1, 1));
        if (isFailed(i)) {
            pen.fillStyle = theme.failed;
            pen.fillRect(x, y + high - Math.max(high / 4, 2), w, Math.max(high / 4, 2));
        }
        if (label && w > 34) {
            const text = w > 7 * name(i).length ? name(i) : '[' + index[i] + ']';
            pen.fillStyle = rgb[0] * 0.3 + rgb[1] * 0.6 + rgb[2] * 0.1 > 128 ? '#000' : '#fff';
            if (pen.measureText(text).width < w - 6)
                pen.fillText(text, x + 3, y + high / 2);
        }
    }
}

/* Data that is staged: a full line while it comes, a pale one while it waits, an outline while it leaves. */
function drawMoves() {
    for (let i = 0; i < moves.n; i++) {
        const s = moveOf[i], b = band[s], high = Math.max(yOf(view.y0 + THIN) - 1, 1);
        const x0 = xOf(fold(moveStart[i])), x1 = xOf(fold(moveStart[i] + moveSize[i]));
        const y = yOf(top[b] + Math.max(taskLanes[b], 1) + THIN * moveLane[i]);
        if (x1 < area.x || x0 > area.x + area.w)
            continue;
        pen.fillStyle = pen.strokeStyle = css(colour(run.sets[set[s]].group, 0));
        pen.globalAlpha = moveWhat[i] === 1 ? 0.35 : 1;
        if (moveWhat[i] === 2)
            pen.strokeRect(x0, y, Math.max(x1 - x0, 1), high);
        else
            pen.fillRect(x0, y, Math.max(x1 - x0, 1), high);
        pen.globalAlpha = 1;
    }
}

/* Rows of whole nodes, or of several where they are too many. */
function chooseRows() {
    const first = top.findIndex((y) => y > view.y0) - 1;
    let last = first;
    while (last < nodes && top[last] < view.y1)
        last++;
    const each = Math.ceil((last - first) / Math.max(Math.floor(area.h / 5), 1));
    rows = { first, each, count: Math.ceil((last - first) / each) };
    rows.ofBand = new Int32Array(nodes).fill(-1);
    rows.lanes = new Float64Array(rows.count);
    for (let b = first; b < last; b++) {
        rows.ofBand[b] = Math.floor((b - first) / each);
        rows.lanes[rows.ofBand[b]] += Math.max(taskLanes[b], 1);
    }
}
const rowOf = (i) => rows.ofBand[band[i]];

function drawAreas(ratio) {
    const x = Math.round(area.x * ratio), w = Math.round(area.w * ratio);
    rows.high = Math.floor(area.h * ratio / rows.count) / ratio;
    stack(x, 0, w, rows.count, Math.round(rows.high * ratio), rows.ofBand,
          Float64Array.from(rows.ofBand, (row) => row < 0 ? 0 : 0.94 / rows.lanes[row]), null);
    const w1 = Math.ceil(area.w) + 2, seen = new Uint8Array(rows.count * w1);
    pen.fillStyle = theme.failed;
    for (const i of failures) {
        const px = Math.round(xOf(right[i]) - area.x), row = rowOf(i), at = row * w1 + px;
        if (row < 0 || px < 0 || px > area.w || seen[at])
            continue;
        seen[at] = 1;
        pen.fillRect(area.x + px - 1, (row + 1) * rows.high - 4, 3, 4);
    }
}

function drawNames() {
    pen.font = '11px sans-serif';
    pen.textAlign = 'right';
    const shown = rows ? rows.count : nodes;
    for (let r = 0, free = 0; r < shown; r++) {
        const y0 = rows ? r * rows.high : yOf(top[r]), y1 = rows ? y0 + rows.high : yOf(top[r + 1]);
        pen.fillStyle = theme.line;
        if (y1 > 0 && y1 < area.h && y1 - y0 > 3)
            pen.fillRect(area.x, Math.round(y1), area.w, 0.5);
        const y = Math.min(Math.max((Math.max(y0, 0) + Math.min(y1, area.h)) / 2, 6), area.h - 6);
        if (y1 < 0 || y0 > area.h || y - 6 < free)
            continue;
        free = y + 6;
        const at = rows ? rows.first + r * rows.each : r, text = run.nodes[at].name;
        pen.fillStyle = theme.ink;
        pen.fillText(text.length > 16 ? text.slice(0, 15) + '\u2026' : text, area.x - 5, y, area.x - 6);
    }
    pen.textAlign = 'left';
}

function drawAxis() {
    const bottom = panels[panels.length - 1].y + LOAD_HEIGHT;
    const wanted = (view.x1 - view.x0) / run.ticks / Math.max(area.w / 90, 2);
    let step = TICKS.find((t) => t >= wanted) || Math.ceil(wanted / 86400) * 86400;
    if (wanted < 1)
        step = [1, 2, 5, 10].map((f) => f * 10 ** Math.floor(Math.log10(wanted))).find((t) => t >= wanted * 0.999);
    const zero = from / run.ticks;
    const first = Math.ceil((unfold(view.x0) / run.ticks - zero) / step), last = (unfold(view.x1) / run.ticks - zero) / step;
    pen.textAlign = 'center';
    for (let k = first, free = -1e9; k <= last && k - first < 1e5; k++) {
        const at = (k * step + zero) * run.ticks, gap = gaps.find(([a, b]) => at > a && at < b);
        if (gap) {
            k = Math.ceil((gap[1] / run.ticks - zero) / step) - 1;
            continue;
        }
        const x = xOf(fold(at)), text = moment(k * step, step);
        const half = pen.measureText(text).width / 2 + 6;
        if (x - half < free)
            continue;
        free = x + half;
        pen.fillStyle = theme.line;
        pen.fillRect(x, 0, 0.5, bottom);
        pen.fillStyle = theme.soft;
        pen.fillText(text, Math.min(x, area.x + area.w - half + 14), bottom + 13);
    }
    pen.textAlign = 'left';
    for (const [a, b] of gaps)
        drawMark(fold((a + b) / 2), 'interrupted', bottom);
    if (run.predicted > 0 && run.predicted < span && !gaps.length)
        drawMark(fold(from + run.predicted), 'predicted end', bottom);
}
function drawMark(t, text, bottom) {
    const x = xOf(t);
    if (x < area.x || x > area.x + area.w)
        return;
    pen.strokeStyle = pen.fillStyle = theme.soft;
    pen.setLineDash([4, 3]);
    pen.strokeRect(x, 0, 0, bottom);
    pen.setLineDash([]);
    pen.textAlign = x > area.x + area.w / 2 ? 'right' : 'left';
    pen.fillText(text, x + (pen.textAlign === 'left' ? 4 : -4), area.h + SPACE / 2);
    pen.textAlign = 'left';
}

function drawLoad(panel, ratio) {
    const h = Math.round(LOAD_HEIGHT * ratio);
    stack(Math.round(area.x * ratio), Math.round(panel.y * ratio), Math.round(area.w * ratio), 1, h,
          new Int32Array(nodes), new Float64Array(nodes).fill(1 / panel.total), panel.held);
    pen.strokeStyle = theme.line;
    pen.strokeRect(area.x, panel.y, area.w, LOAD_HEIGHT);
    pen.font = '11px sans-serif';
    pen.textAlign = 'right';
    pen.fillStyle = theme.ink;
    pen.fillText(panel.title, area.x - 5, panel.y + LOAD_HEIGHT / 2);
    pen.fillStyle = theme.soft;
    pen.fillText(panel.held === gpus ? run.gpus : run.cpus, area.x - 5, panel.y + 6);
    pen.fillText('0', area.x - 5, panel.y + LOAD_HEIGHT - 5);
    pen.textAlign = 'left';
}

function drawSelected() {
    if (selected < 0 || lane[selected] < 0)
        return;
    const x0 = Math.max(xOf(left[selected]), area.x), x1 = Math.min(xOf(right[selected]), area.x + area.w);
    const row = rows ? rowOf(selected) : 0;
    const y0 = rows ? row * rows.high : yOf(yOfSlice(selected)), high = rows ? rows.high : yOf(view.y0 + 1);
    pen.strokeStyle = theme.ink;
    pen.lineWidth = 2;
    if (x1 >= area.x && x0 <= area.x + area.w && row >= 0)
        pen.strokeRect(x0 - 1, y0, Math.max(x1 - x0, 1) + 2, high);
    pen.lineWidth = 1;
}

function draw() {
    const ratio = window.devicePixelRatio || 1;
    pending = false;
    pen.fillStyle = theme.paper;
    pen.fillRect(0, 0, canvas.width, canvas.height);
    pen.textBaseline = 'middle';
    pen.font = '11px sans-serif';
    const count = visible(), lanes = view.y1 - view.y0;
    const single = area.h / lanes >= 2.5 && count <= MAX_RECTANGLES && count <= Math.max(lanes * area.w / 2, 400);
    rows = null;
    if (single) {
        pen.save();
        pen.beginPath();
        pen.rect(area.x, 0, area.w, area.h);
        pen.clip();
        drawRectangles();
        drawMoves();
        drawSelected();
        pen.restore();
    } else {
        chooseRows();
        drawAreas(ratio);
        drawSelected();
    }
    for (const panel of panels)
        drawLoad(panel, ratio);
    drawNames();
    drawAxis();
    element('all').disabled = view.x0 <= 0 && view.x1 >= width && view.y0 <= 0 && view.y1 >= height;
}
function redraw() {
    if (!pending)
        requestAnimationFrame(draw);
    pending = true;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* What the user does with the chart: point, zoom, find. */
/* ---- What is under the pointer ---- */

/* A task's index, or an array of those that share a row and a few pixels; empty: nothing. */
function under(x, y) {
    const found = [], slack = (view.x1 - view.x0) / area.w * (rows ? 1 : 2), t = timeAt(x), l = laneAt(y);
    if (x < area.x || x > area.x + area.w || y < 0 || y >= area.h)
        return found;
    const row = rows ? Math.floor(y / rows.high) : -1;
    for (let i = 0; i < n; i++) {
        if (lane[i] < 0 || right[i] < t - slack || left[i] > t + slack)
            continue;
        if (rows ? rowOf(i) === row : l >= yOfSlice(i) && l < yOfSlice(i) + 1)
            found.push(i);
    }
    const inside = rows ? found : found.filter((i) => left[i] <= t && right[i] >= t);
    return inside.length ? inside : found.slice(-1);
}

function line(parent, text, kind) {
    const child = document.createElement(kind || 'div');
    child.textContent = text;
    parent.appendChild(child);
}

function tailOf(i) {
    const shown = document.querySelector('details[data-slice="' + i + '"] pre');
    return shown ? shown.textContent : run.tails[i];
}

function describe(i) {
    const node = run.nodes[band[i]].name, gpu = gpus[i] / 1000;
    line(box, name(i), 'strong');
    for (const variable of run.sets[set[i]].values || [])
        line(box, variable.name + '=' + variable.texts[variable.of[index[i]]]);
    line(box, run.how[how[i]] + (attempt[i] ? ', attempt ' + (attempt[i] + 1) : ''));
    line(box, 'ran ' + seconds(size[i] + more[i]) + ' from ' + seconds(start[i] - from) + (wait[i] < 0 ? '' : ', waited ' + seconds(wait[i])));
    line(box, 'on ' + node + ': ' + cpus[i] + ' CPU' + (cpus[i] === 1 ? '' : 's') +
         (gpu ? ', ' + gpu + ' GPU' + (gpu === 1 ? '' : 's') : ''));
    if (tailOf(i))
        line(box, tailOf(i), 'pre');
}

function describeMany(found) {
    const counts = new Map(), failed = found.filter(isFailed);
    for (const i of found)
        counts.set(set[i], (counts.get(set[i]) || 0) + 1);
    line(box, found.length + ' tasks' + (failed.length ? ', ' + failed.length + ' failed' : ''), 'strong');
    for (const [s, count] of [...counts].sort((a, b) => b[1] - a[1]).slice(0, 8))
        line(box, count + ' \u00d7 ' + run.sets[s].name);
    if (failed.length)
        line(box, 'first failure: ' + name(failed[0]) + ': ' + run.how[how[failed[0]]]);
    line(box, 'Zoom in to see each.', 'em');
}

/* Shows the box for FOUND next to X, Y of the canvas. */
function show(found, x, y) {
    box.textContent = '';
    box.hidden = !found.length;
    if (!found.length)
        return;
    if (found.length === 1)
        describe(found[0]);
    else
        describeMany(found);
    const space = frame.clientWidth - box.offsetWidth;
    box.style.left = Math.max(0, Math.min(x + 14, space)) + 'px';
    box.style.top = Math.max(0, y + 14) + 'px';
}

/* ---- Zoom ---- */

function limit() {
    const least = Math.min(run.ticks / 1000, width), w = Math.min(Math.max(view.x1 - view.x0, least), width);
    view.x0 = Math.min(Math.max(view.x0, 0), width - w);
    view.x1 = view.x0 + w;
    const h = Math.min(Math.max(view.y1 - view.y0, 1), height);
    view.y0 = Math.min(Math.max(view.y0, 0), height - h);
    view.y1 = view.y0 + h;
    redraw();
}
/* FACTOR below 1 zooms in; X stays where it is. */
function zoom(factor, x) {
    const t = x === undefined ? (view.x0 + view.x1) / 2 : timeAt(x);
    view.x0 = t - (t - view.x0) * factor;
    view.x1 = t + (view.x1 - t) * factor;
    limit();
}
function move(share) {
    const w = view.x1 - view.x0;
    view.x0 += w * share;
    view.x1 += w * share;
    limit();
}
function whole() {
    Object.assign(view, { x0: 0, x1: width, y0: 0, y1: height });
    limit();
}
/* Zooms to slice I, with its neighbours, and describes it. */
function zoomTo(i) {
    const w = Math.max((right[i] - left[i]) * 4, width / 1e4), middle = (left[i] + right[i]) / 2;
    Object.assign(view, { x0: middle - w / 2, x1: middle + w / 2, y0: 0, y1: height });
    if (height > area.h / 4)
        Object.assign(view, { y0: yOfSlice(i) - 20, y1: yOfSlice(i) + 20 });
    selected = i;
    limit();
    draw();
    frame.scrollIntoView({ block: 'nearest' });
    show([i], xOf(middle), Math.min(rows ? rowOf(i) * rows.high : yOf(yOfSlice(i)), area.h));
}

let drag = null, pinned = false;
function place(event) {
    const r = canvas.getBoundingClientRect();
    return { x: event.clientX - r.left, y: event.clientY - r.top };
}
function dragged(p) {
    const tall = Math.abs(p.y - drag.y) > 30 && area.h > 60;
    return { x0: Math.max(Math.min(drag.x, p.x), area.x), x1: Math.min(Math.max(drag.x, p.x), area.x + area.w),
             y0: tall ? Math.max(Math.min(drag.y, p.y), 0) : 0, y1: tall ? Math.min(Math.max(drag.y, p.y), area.h) : area.h };
}
canvas.addEventListener('pointerdown', (event) => {
    if (event.button || event.pointerType === 'touch')
        return;
    drag = place(event);
    canvas.setPointerCapture(event.pointerId);
});
canvas.addEventListener('pointermove', (event) => {
    const p = place(event), mark = element('mark');
    if (drag && Math.abs(p.x - drag.x) > 4) {
        const r = dragged(p);
        mark.hidden = false;
        Object.assign(mark.style, { left: r.x0 + 'px', width: r.x1 - r.x0 + 'px', top: r.y0 + 'px', height: r.y1 - r.y0 + 'px' });
        box.hidden = true;
    } else if (!pinned)
        show(under(p.x, p.y), p.x, p.y);
});
canvas.addEventListener('pointerup', (event) => {
    const p = place(event), start = drag;
    element('mark').hidden = true;
    if (start && Math.abs(p.x - start.x) > 4) {
        const r = dragged(p), t0 = timeAt(r.x0), t1 = timeAt(r.x1), y0 = laneAt(r.y0), y1 = laneAt(r.y1);
        pinned = false;
        Object.assign(view, { x0: t0, x1: t1, y0, y1 });
        limit();
    } else {
        const found = under(p.x, p.y);
        pinned = found.length === 1 && !(pinned && selected === found[0]);
        selected = pinned ? found[0] : -1;
        show(found, p.x, p.y);
        redraw();
    }
    drag = null;
});
canvas.addEventListener('pointerleave', () => { box.hidden = !pinned; });
canvas.addEventListener('dblclick', whole);
canvas.addEventListener('wheel', (event) => {
    if (event.ctrlKey || event.metaKey)
        zoom(Math.exp(Math.max(Math.min(event.deltaY, 100), -100) / 300), place(event).x);
    else if (Math.abs(event.deltaX) > Math.abs(event.deltaY))
        move(event.deltaX / area.w);
    else
        return;
    event.preventDefault();
}, { passive: false });
canvas.addEventListener('keydown', (event) => {
    const keys = { '+': () => zoom(0.7), '=': () => zoom(0.7), '-': () => zoom(1 / 0.7), 0: whole, Escape: whole,
                   ArrowLeft: () => move(-0.2), ArrowRight: () => move(0.2) };
    if (!keys[event.key] || event.ctrlKey || event.metaKey)
        return;
    keys[event.key]();
    event.preventDefault();
});

/* ---- The page around it ---- */

function find(text) {
    let best = -1;
    for (let i = 0; i < n; i++)
        if (lane[i] >= 0 && run.sets[set[i]].name === text.split(/[@[]/)[0] && (best < 0 || name(i) === text)
            && (name(i) === text || text === run.sets[set[i]].name))
            best = i;
    element('found').textContent = best < 0 && text ? 'no task of this name has started' : '';
    if (best >= 0)
        zoomTo(best);
}

function legend() {
    run.groups.forEach((text, g) => {
        const item = document.createElement('span'), swatch = document.createElement('i');
        swatch.style.background = css(PALETTE[g]);
        item.append(swatch, text);
        element('legend').append(item);
    });
    if (run.first_failure < run.how.length)
        line(element('legend'), 'red: failed', 'span');
    if (run.sets.some((s) => s.iterated))
        line(element('legend'), 'tones: iterations', 'span');
}

function resize() {
    readTheme(false);
    layOut();
    draw();
}
element('in').onclick = () => zoom(0.6);
element('out').onclick = () => zoom(1 / 0.6);
element('back').onclick = () => move(-0.3);
element('forth').onclick = () => move(0.3);
element('all').onclick = whole;
element('find').onchange = (event) => find(event.target.value.trim());
document.addEventListener('click', (event) => {
    const at = event.target.closest('[data-show]');
    if (at)
        zoomTo(Number(at.dataset.show));
});
addEventListener('beforeprint', () => {
    document.querySelectorAll('details').forEach((d) => { d.open = true; });
    readTheme(true);
    draw();
});
addEventListener('afterprint', resize);
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', resize);
if (n) {
    element('chart').hidden = false;
    legend();
    new ResizeObserver(resize).observe(frame);
    resize();
}

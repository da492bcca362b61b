# SPDX-License-Identifier: Apache-2.0
# Busy CPUs and GPUs over time, the sequential run above the asynchronous one on the same axis, as
# SVG; in the look of "async-workflow report --format svg" and with its colours (M. Okabe and K.
# Ito, "Color Universal Design", 2008). Input: the workflow file, then the journals of both runs.
# Variables: factor (the paper's seconds in a wall second), models (what the model says of both,
# with a space between).
BEGIN {
    n_sets = 0
    WIDTH = 960; LEFT = 66; RIGHT = 56; PANEL = 74; GAP = 10
    INNER = WIDTH - LEFT - RIGHT
    split("0 114 178 230 159 0 0 158 115 204 121 167 86 180 233 213 94 0 240 228 66 153 153 153", \
        palette, " ")
    split("0 0.3 0.55", white, " ") # part of white in the tone of an iteration
    split(models, model, " ")
    split("cpus gpus", kinds, " ")
    what["cpus"] = "CPUs"; what["gpus"] = "GPUs"
}

# value KEY: of this line of a journal
function value(key)
{
    if (!match($0, "\"" key "\":(\"[^\"]*\"|[^,}]*)"))
        return ""
    key = substr($0, RSTART + length(key) + 3, RLENGTH - length(key) - 3)
    gsub(/"/, "", key)
    return key
}

# How many members a list such as "0-3,7" has.
function members(list,  part, ends, n, i, sum)
{
    n = split(list, part, ",")
    for (i = 1; i <= n; i++)
        sum += split(part[i], ends, "-") == 2 ? ends[2] - ends[1] + 1 : 1
    return sum + 0
}

FNR == 1 { run = nr_files++ } # 0: the workflow

run == 0 {
    if (match($0, /^  "name": "[^"]*"/))
        title = substr($0, 12, RLENGTH - 12)
    if (match($0, /^    "[^"]*": [{]/)) {
        set_name[n_sets] = substr($0, 6, RLENGTH - 9)
        set_number[set_name[n_sets]] = n_sets++
    }
    if (match($0, /"iterations": [0-9]+/))
        tones = substr($0, RSTART + 14, RLENGTH - 14)
    next
}

value("event") == "node" {
    capacity["cpus"] += members(value("cpus")) / 2 # both runs have the same
    capacity["gpus"] += members(value("gpus")) / 2
}

value("event") == "start" || value("event") == "finish" { change(value("event") == "start") }

# A task comes (or goes): a step of all that its group holds. Steps less than half a pixel apart
# become one when drawn.
function change(comes,  t, task, set, tone, group, k, kind)
{
    t = value("t") * factor
    if (!(run in from))
        from[run] = t
    t -= from[run]
    task = value("task")
    if (comes) {
        set = tone = task
        sub(/[@\[].*/, "", set)
        tone = match(task, /@[0-9]+/) ? substr(task, RSTART + 1, RLENGTH - 1) % 3 : 0
        held[run, task, "group"] = set_number[set] * 3 + tone
        held[run, task, "cpus"] = members(value("cpus"))
        held[run, task, "gpus"] = members(value("gpus"))
    } else {
        until[run] = t
        if (t > span)
            span = t
    }
    group = held[run, task, "group"]
    step_t[run, n_steps[run] + 0] = t
    step_group[run, n_steps[run] + 0] = group
    for (k = 1; k <= 2; k++) {
        kind = kinds[k]
        step[run, n_steps[run] + 0, kind] = (comes ? 1 : -1) * held[run, task, kind]
        area[run, kind] += (comes ? -t : t) * held[run, task, kind]
    }
    n_steps[run]++
}

function colour(group,  set, part, c, i, out)
{
    set = int(group / 3) % 8
    part = white[group % 3 + 1]
    for (i = 1; i <= 3; i++) {
        c = palette[3 * set + i]
        out = out sprintf("%02x", int(c + part * (255 - c) + 0.5))
    }
    return "#" out
}

# To half a pixel.
function x_of(t) { return sprintf("%.1f", int(2 * (LEFT + t / span * INNER) + 0.5) / 2) }

function text(x, y, anchor, style, words)
{
    printf "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\"%s>%s</text>\n", x, y, anchor, \
        style == "" ? "" : " " style, words
}

# A set needs a swatch for each iteration.
function legend(y,  s, tone, x)
{
    x = LEFT
    for (s = 0; s < n_sets; s++) {
        for (tone = 0; tone < tones; tone++) {
            printf "<path fill=\"%s\" d=\"M%.1f %.1fh10v10h-10z\"/>\n", colour(3 * s + tone), x, y
            x += 10
        }
        text(x + 5, y + 9, "start", "", set_name[s])
        x += 23 + 6.2 * length(set_name[s])
    }
    if (tones > 1)
        text(x, y + 9, "start", GREY, "tones: iterations 0, 1, 2")
}

function tick_step(  ideal, power)
{
    ideal = span / 10
    for (power = 1; power * 10 <= ideal; power *= 10)
        ;
    return power * (ideal <= power ? 1 : ideal <= 2 * power ? 2 : ideal <= 5 * power ? 5 : 10)
}

function grid(y,  t)
{
    printf "<path stroke=\"#e2e2e2\" stroke-width=\"0.6\" fill=\"none\" d=\"M%d %.1fh%d", \
        LEFT, y, INNER
    for (t = tick_step(); t < span; t += tick_step())
        printf "M%s %.1fv%d", x_of(t), y, PANEL
    print "\"/>"
}

# Levels of all groups after each step that is seen apart: low[i, group] to high[i, group], of the
# whole.
function stack(run, kind,  i, g, sum, busy)
{
    n_x = 0
    for (i = 0; i < n_steps[run]; i++) {
        busy[step_group[run, i]] += step[run, i, kind]
        if (n_x == 0 || x_of(step_t[run, i]) != at[n_x - 1])
            at[n_x++] = x_of(step_t[run, i])
        sum = 0
        for (g = 0; g < 3 * n_sets; g++) {
            low[n_x - 1, g] = sum
            sum += busy[g] / capacity[kind]
            high[n_x - 1, g] = sum
        }
    }
}

# One closed path for each stretch of time in which the group holds something.
function area_of(g, y,  i, j, first)
{
    for (i = 0; i + 1 < n_x; i++) {
        if (!(high[i, g] > low[i, g] + 1e-9))
            continue
        first = i
        printf "<path fill=\"%s\" d=\"M%s %.1f", colour(g), at[i], y + PANEL * (1 - high[i, g])
        for (; i + 1 < n_x && high[i, g] > low[i, g] + 1e-9; i++)
            printf "V%.1fH%s", y + PANEL * (1 - high[i, g]), at[i + 1]
        for (j = i - 1; j >= first; j--)
            printf "V%.1fH%s", y + PANEL * (1 - low[j, g]), at[j]
        print "z\"/>"
    }
}

function panel(run, kind, y,  g, share, end, label_y)
{
    grid(y)
    stack(run, kind)
    for (g = 0; g < 3 * n_sets; g++)
        area_of(g, y)
    printf "<path stroke=\"#888\" stroke-width=\"0.6\" fill=\"none\" d=\"M%d %.1fv%dh%d\"/>\n", \
        LEFT, y, PANEL, INNER
    text(LEFT - 6, y + PANEL, "end", "", "0")
    text(LEFT - 6, y + 8, "end", "", capacity[kind])
    text(16, y + PANEL / 2, "middle", sprintf("transform=\"rotate(-90 16.0 %.1f)\"", y + PANEL / 2), \
        "busy " what[kind])
    share = area[run, kind] / capacity[kind] / until[run]
    end = x_of(until[run])
    label_y = y + PANEL * (1 - share)
    printf "<path stroke=\"#000\" stroke-width=\"0.8\" stroke-dasharray=\"5 3\" fill=\"none\" "
    printf "d=\"M%d %.1fH%s\"/>\n", LEFT, label_y, end
    label_y = label_y + 4 > y + PANEL - 2 ? y + PANEL - 2 : label_y + 4
    text(end + 6, label_y, "start", "", sprintf("%.0f %%", 100 * share))
}

function axis(y,  t)
{
    for (t = 0; t <= span; t += tick_step()) {
        printf "<path stroke=\"#888\" stroke-width=\"0.6\" d=\"M%s %.1fv4\"/>\n", x_of(t), y
        text(x_of(t), y + 16, "middle", "", t)
    }
    text(LEFT + INNER / 2, y + 34, "middle", "", "time since the first start (s of the paper)")
}

END {
    GREY = "fill=\"#666\""
    tones = tones ? (tones < 3 ? tones : 3) : 1
    height = 82 + 2 * (20 + 2 * PANEL + GAP) + 14 + 44
    print "<?xml version=\"1.0\" encoding=\"UTF-8\"?>"
    printf "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" ", WIDTH, height
    printf "viewBox=\"0 0 %d %d\" ", WIDTH, height
    printf "font-family=\"Helvetica, Arial, 'Liberation Sans', 'DejaVu Sans', sans-serif\" "
    print "font-size=\"11\" fill=\"#222\">"
    printf "<title>%s</title>\n<path fill=\"#fff\" d=\"M0 0H%dV%dH0Z\"/>\n", title, WIDTH, height
    text(LEFT, 24, "start", "font-size=\"16\" font-weight=\"bold\"", title)
    text(LEFT, 42, "start", GREY, sprintf("16 nodes of Summit's shape  \302\267  a second of the " \
        "paper took %.4g s  \302\267  I = %.3f; the model: %.3f", 1 / factor, \
        1 - until[2] / until[1], 1 - model[2] / model[1]))
    legend(58)
    y = 82
    for (run = 1; run <= 2; run++) {
        text(LEFT, y + 12, "start", "font-weight=\"bold\"", \
            sprintf("%s: %.1f s; the model: %.1f s", run == 1 ? "sequential" : "asynchronous", \
                until[run], model[run]))
        y += 20
        for (k = 1; k <= 2; k++) {
            panel(run, kinds[k], y)
            y += PANEL + (k == 1 ? GAP : 14)
        }
    }
    axis(y - 14)
    print "</svg>"
}

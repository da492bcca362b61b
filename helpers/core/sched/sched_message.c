/* SPDX-License-Identifier: Apache-2.0 */
/* Messages on which starts depend. */
#include "core/sched/sched_state.h"

int aw_sched_handle_message (struct aw_sched *s, const struct aw_event *ev, struct aw_error *err)
{
    uint32_t topic = ev->name ? aw_graph_find_topic (s->graph, ev->name) : AW_NONE;
    struct aw_released out = { 0 };

    if (topic == AW_NONE)
        return 0; /* no set depends on them */
    if (aw_sched_begin (s) < 0
        || aw_sched_release (s, aw_depend_message (&s->depend, topic, ev->count, s->now, &out),
                             &out)
               < 0
        || (topic == s->graph->until_topic && aw_sched_until_message (s) < 0))
        return aw_error_set (err, "out of memory");
    return 0;
}

uint64_t aw_sched_next_message (const struct aw_sched *s, const char *name)
{
    uint32_t topic = aw_graph_find_topic (s->graph, name);

    return topic == AW_NONE ? UINT64_MAX : s->depend.next_message[topic];
}

bool aw_sched_starve (struct aw_sched *s)
{
    struct aw_released out = { 0 };
    bool failed = false, any;
    int rc;

    if (s->stopped || s->graph->n_topics == 0 || aw_sched_counts (s, AW_NONE).ready > 0)
        return false;
    rc = aw_depend_starve (&s->depend, s->now, &out, &failed);
    any = !aw_ranges_empty (&out.ready) || !aw_ranges_empty (&out.skipped);
    s->failed = s->failed || failed;
    return aw_sched_release (s, rc, &out) == 0 && any;
}

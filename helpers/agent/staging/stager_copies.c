/* SPDX-License-Identifier: Apache-2.0 */
/* Copies under way: starts them, checks that there is room, and takes in their ends. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#include "agent/staging/copier.h"
#include "agent/staging/scratch.h"
#include "agent/staging/stager_state.h"
#include "util/clock.h"

enum { ALONE_SECONDS = 60 }; /* after a node did not answer; a firewall may drop all packets */

/* What the administrator can do where packets between nodes are dropped. */
static void put_ports (const struct aw_stager *s, char *text, size_t size)
{
    if (s->port_first)
        snprintf (text, size, "open TCP ports %u-%u (SrunPortRange) between compute nodes",
                  s->port_first, s->port_last);
    else
        snprintf (text, size,
                  "set SrunPortRange in slurm.conf and open these TCP ports between compute nodes");
}

/* What the user is to know: the other node has damaged what it gave, or does not answer. Without
 * memory there is no note.
 */
static void note_peer (struct aw_stager_job *job,
                       const struct aw_stager_item *item,
                       const struct aw_copied *copied)
{
    unsigned number = copied->damaged ? copied->damaged : item->unreached;
    struct aw_taker_peer peer;
    char ports[128];
    int rc;

    put_ports (item->stager, ports, sizeof (ports));
    if (job->note || !aw_taker_peer (item->peers, number, &peer))
        return;
    if (copied->damaged)
        rc = asprintf (&job->note,
                       "%s: the copy that %.*s gave is damaged (wrong checksum) and not used; "
                       "check disk and memory of %.*s",
                       item->copy.from, peer.host_length, peer.host, peer.host_length, peer.host);
    else
        rc = asprintf (
            &job->note,
            "%s: %.*s, which has a copy, does not answer on port %u: read from the file "
            "system, like all data of the next %d s: if a firewall is in between, ask the "
            "administrator to %s",
            item->copy.from, peer.host_length, peer.host, peer.port, ALONE_SECONDS, ports);
    if (rc < 0)
        job->note = NULL;
}

/* COPIED counts for one job that waits for ITEM. */
static void count_for_one (struct aw_stager *s,
                           const struct aw_stager_item *item,
                           const struct aw_copied *copied)
{
    struct aw_stager_job *job = s->jobs;

    while (job && (job->ended || !aw_stager_uses (job, item)))
        job = job->next;
    if (!job)
        return;
    job->copied.bytes += copied->bytes;
    job->copied.files += copied->files;
    job->copied.from_nodes += copied->from_nodes;
    note_peer (job, item, copied);
}

static void finish_item (struct aw_stager_item *item,
                         const struct aw_copied *copied,
                         const char *error)
{
    struct aw_stager *s = item->stager;
    char text[sizeof (((struct aw_error *)0)->text)];

    if (item->state == AW_STAGER_ITEM_ENDING) {
        aw_stager_remove_item (s, item);
        event_active (s->turn, EV_TIMEOUT, 0);
        return;
    }
    aw_copier_destroy (item->copier);
    item->copier = NULL;
    s->running--;
    item->state = error ? AW_STAGER_ITEM_FAILED : AW_STAGER_ITEM_THERE;
    if (copied)
        count_for_one (s, item, copied);
    if (error) {
        s->taken -= item->bytes;
        item->bytes = 0;
        snprintf (text, sizeof (text), "%s: %s", item->out ? "stage_out" : "stage_in", error);
    }
    aw_stager_settle (s, item, error ? text : NULL);
    event_active (s->turn, EV_TIMEOUT, 0);
}

/* Starts the copy of ITEM if there is room for it. */
static void admit (struct aw_stager_item *item)
{
    struct aw_stager *s = item->stager;
    bool possible = item->wanted <= s->capacity;
    bool fits = possible && aw_stager_make_room (s, item->wanted);

    while (possible && !fits && item->needed && !aw_stager_may_get_room (s, false)
           && aw_stager_give_up (s))
        fits = aw_stager_make_room (s, item->wanted);
    if (fits) {
        item->state = AW_STAGER_ITEM_COPYING;
        s->taken += item->wanted;
        item->bytes = item->wanted;
        aw_copier_answer (item->copier, true);
    }
    else if (possible && aw_stager_may_get_room (s, true))
        item->state = AW_STAGER_ITEM_FULL;
    else {
        struct aw_error err;

        aw_error_set (&err, "%s: %llu bytes do not fit into the scratch directory %s%s",
                      item->copy.from, (unsigned long long)item->wanted, s->scratch,
                      s->in_memory ? ", which is in the job's memory: name a disk with --scratch"
                                   : "");
        finish_item (item, NULL, err.text);
    }
}

static void on_found (void *arg, uint64_t bytes, uint64_t stamp)
{
    struct aw_stager_item *item = arg;

    if (item->state == AW_STAGER_ITEM_ENDING)
        return;
    if (item->bytes > 0 && stamp == item->stamp) {
        aw_copier_answer (item->copier, false); /* its source has not changed */
        return;
    }
    item->stager->taken -= item->bytes;
    item->bytes = 0;
    item->stamp = stamp;
    item->wanted = bytes;
    admit (item);
}

static void on_made (void *arg, const char *path)
{
    struct aw_stager_item *item = arg;

    if (!aw_stager_has_made (item, path))
        aw_strings_add (&item->made, path); /* without memory the file stays until the end */
    event_active (item->stager->turn, EV_TIMEOUT, 0); /* other nodes may take it */
}

/* The copies that begin while this one is read do not wait for the node, too. */
static void on_unreached (void *arg, unsigned peer)
{
    struct aw_stager_item *item = arg;

    item->unreached = peer;
    item->stager->alone_until = aw_clock_monotonic () + ALONE_SECONDS;
}

static void on_done (void *arg, const struct aw_copied *copied, const char *error)
{
    struct aw_stager_item *item = arg;

    finish_item (item, copied, error);
}

/* Files in memory leave the job half of its memory; those that the user has limited, a tenth. */
static void set_capacity (struct aw_stager *s)
{
    uint64_t free_now = aw_scratch_free (s->scratch);
    bool given = s->capacity > 0;
    uint64_t most = given ? s->memory - s->memory / 10 : s->memory / 2;

    if (!given)
        s->capacity = free_now == UINT64_MAX ? free_now : free_now - free_now / 10;
    s->in_memory = s->memory > 0 && aw_scratch_in_memory (s->scratch);
    if (s->in_memory && s->capacity > most)
        s->capacity = most;
}

int aw_stager_make_scratch (struct aw_stager *s, struct aw_error *err)
{

    if (s->made)
        return 0;
    if (!s->scratch)
        return aw_error_set (err, "there is no scratch directory");
    if (aw_scratch_make (s->scratch, err) < 0)
        return -1;
    s->made = true;
    set_capacity (s);
    return 0;
}

/* May it come from another node? What leaves the scratch directory is not given by any. */
static bool has_source (const struct aw_stager_item *item, struct aw_taker_source *source)
{
    const struct aw_stager *s = item->stager;
    const char *to = aw_stager_place (s, item->copy.to);

    *source = (struct aw_taker_source){ item->peers, s->job, item->copy.from, to, s->scratch, 0 };
    return item->peers && s->job && to && aw_clock_monotonic () >= s->alone_until;
}

static void begin_copy (struct aw_stager *s, struct aw_stager_item *item)
{
    const struct aw_copier_callbacks callbacks = { .found = item->out ? NULL : on_found,
                                                   .unreached = on_unreached,
                                                   .made = item->out ? NULL : on_made,
                                                   .done = on_done,
                                                   .arg = item };
    struct aw_taker_source source;
    struct aw_error err;

    s->running++;
    item->unreached = 0;
    item->state = AW_STAGER_ITEM_COPYING;
    if (aw_stager_make_scratch (s, &err) == 0)
        item->copier = aw_copier_start (
            s->base, &item->copy, has_source (item, &source) ? &source : NULL, &callbacks, &err);
    if (!item->copier)
        finish_item (item, NULL, err.text);
}

/* Is the same copy still ending? What it has made is removed after that. */
static bool must_wait (const struct aw_stager_item *list, const struct aw_stager_item *item)
{
    for (; list; list = list->next)
        if (list->state == AW_STAGER_ITEM_ENDING && strcmp (list->copy.to, item->copy.to) == 0
            && strcmp (list->copy.from, item->copy.from) == 0)
            return true;
    return false;
}

/* What came after a copy that waits for room gets none before it: else both could hold a part of
 * what they need. Where nobody needs that one yet, those that are needed do.
 */
static struct aw_stager_item *first_queued (struct aw_stager_item *list, bool out)
{
    bool full = false;

    for (struct aw_stager_item *item = list; item; item = item->next) {
        if (item->state == AW_STAGER_ITEM_FULL && item->needed)
            return NULL;
        full |= item->state == AW_STAGER_ITEM_FULL;
        if (item->state == AW_STAGER_ITEM_QUEUED && (!full || item->needed)
            && (out || !must_wait (list, item)))
            return item;
    }
    return NULL;
}

/* The copy that waits for room, one that is needed first; NULL: none does. */
static struct aw_stager_item *first_full (struct aw_stager *s, uint32_t *n)
{
    struct aw_stager_item *first = NULL;

    *n = 0;
    for (struct aw_stager_item *item = s->in; item; item = item->next)
        if (item->state == AW_STAGER_ITEM_FULL) {
            if (!first || (!first->needed && item->needed))
                first = item;
            ++*n;
        }
    return first;
}

void aw_stager_pump (struct aw_stager *s)
{
    struct aw_stager_item *full;
    uint32_t n_full;

    first_full (s, &n_full);
    for (;;) {
        struct aw_stager_item *item = first_queued (s->out, true);

        if (!item)
            item = first_queued (s->in, false);
        if (!item || s->running >= s->streams + n_full) /* those that wait use no stream */
            break;
        begin_copy (s, item);
    }
    full = first_full (s, &n_full);
    if (full)
        admit (full); /* that may change the list; there is another turn */
}

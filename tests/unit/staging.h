/* SPDX-License-Identifier: Apache-2.0 */
/* For tests of staging: a stager with a scratch directory, files, and jobs whose ends are recorded.
 * What goes wrong in here fails the test.
 */
#ifndef AW_TESTS_STAGING_H
#define AW_TESTS_STAGING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/staging/copy.h"
#include "agent/staging/stager.h"

enum {
    STAGING_JOBS = 8,
    STAGING_PATIENCE = 60, /* seconds */
};

struct staging_request {
    struct aw_stager_job *job;
    int n; /* how often the callback came */
    uint64_t bytes;
    char error[256]; /* "": none */
};

struct staging {
    char root[64], scratch[128]; /* directories; scratch is base/run/node in the root */
    struct event_base *base;
    struct aw_stager *stager;
    struct staging_request requests[STAGING_JOBS];
};

/* Set-up and tear-down of cmocka: the directory, without a stager yet. */
int staging_set_up (void **state);
int staging_tear_down (void **state);

/* The path of NAME in the root; valid until 63 more have been asked for. */
char *staging_at (struct staging *f, const char *name);

/* Makes the stager. */
void staging_begin (struct staging *f, uint64_t capacity, uint32_t streams);

/* A file of SIZE bytes of LETTER. */
void staging_put (struct staging *f, const char *name, size_t size, char letter);
/* Files of 1000 bytes, "a" to LAST, each of its own letter. */
void staging_put_each (struct staging *f, char last);
/* Does NAME exist; and the first byte of what it has. */
bool staging_is_there (struct staging *f, const char *name);
char staging_first_letter (struct staging *f, const char *name);

/* The callback of a job: ARG is its request. */
void staging_on_done (void *arg, const struct aw_copied *copied, const char *error);

/* Starts job NUMBER. FROM is under the root, TO under the scratch directory; of both "" is an error
 * of the test. */
void staging_stage_in (
    struct staging *f, uint32_t number, uint32_t instance, const char *from, const char *to);
/* The same into the scratch directory itself, ahead of its task. */
void staging_stage_ahead (struct staging *f, uint32_t number, const char *from);
/* COPIES are as for aw_stager_stage_out. */
void staging_stage_out (struct staging *f, uint32_t number, char **copies);
void staging_release (struct staging *f, uint32_t number);

/* Runs the loop until the callback of job NUMBER comes. */
void staging_wait_for (struct staging *f, uint32_t number);
/* The same, and it is as given: the bytes that were copied, or a part of the error. */
void staging_assert_staged (struct staging *f, uint32_t number, uint64_t bytes);
void staging_assert_failed (struct staging *f, uint32_t number, const char *why);
/* Turns of the loop in which nothing comes for job NUMBER. */
void staging_assert_waits (struct staging *f, uint32_t number);

#endif /* AW_TESTS_STAGING_H */

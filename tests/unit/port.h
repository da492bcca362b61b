/* SPDX-License-Identifier: Apache-2.0 */
/* A port with a munged of the test's own. */
#ifndef AW_TESTS_PORT_H
#define AW_TESTS_PORT_H

#include <stdbool.h>

#include "io/wire/listener.h"
#include "io/wire/auth.h"
#include "rig.h"

extern struct rig port_rig;
extern bool port_with_munge; /* there is a munged */
extern struct aw_listener *port_listener;
extern int port_accepted_fd; /* of the last one that was let in */
extern int port_n_accepted;

/* Of cmocka, for the group and for each test. */
int port_start_munged (void **state);
int port_stop_munged (void **state);
int port_open (void **state);
int port_close (void **state);

/* For aw_listener_create. */
void port_on_accepted (void *arg, int fd);

/* A connection to the port. */
int port_knock (void);

/* The own end of FD, as credentials name it. */
void port_place_of (int fd, char place[AW_PLACE_SIZE]);

/* Conditions of rig_until. */
bool port_has_refused (struct rig *r, void *arg);
bool port_has_accepted (struct rig *r, void *arg);

/* The nonce that the port greets with. */
void port_read_challenge (int fd, char nonce[AW_NONCE_SIZE]);

/* The port closes without having said another word. */
void port_expect_silence (int fd, const char *why);

/* Sends a proof of CLAIM on FD, made by a process that shares our munged. */
void port_send_proof (int fd, const struct aw_auth_claim *claim);

#define PORT(name) cmocka_unit_test_setup_teardown (name, port_open, port_close)

#endif /* AW_TESTS_PORT_H */

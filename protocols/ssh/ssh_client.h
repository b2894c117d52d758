/* SPDX-License-Identifier: MIT */
/* The parts of a client: who is asked, the connection, and those that are made for one thing that was asked for.
 *
 *   asker ──▶ client (ssh_client.c) ──▶ connection (ssh_client_conn.c) ──▶ the host
 *               └──▶ run, copy: an actor for each, which asks the client for a channel
 *
 * A connection is an actor that is made when one is needed, and ends with it; what is asked of the client is
 * forwarded to it. */
#ifndef WF_SSH_CLIENT_H
#define WF_SSH_CLIENT_H

#include <weft/ssh_client.h>

#include "known_hosts.h"
#include "ssh_conn.h"

/* ---- what is asked. Texts are one behind the other, each ended by a zero: the command (or the host of a
 * forward), the kind of terminal, @env_count variables; then what the command reads. Of a copy: both paths */

typedef struct wf_ssh_wish {
    weft_bytes text;
    weft_window window;
    uint32_t env_count, input_at;
    weft_ssh_kind kind;
    uint16_t port;
    bool terminal, errors;
    bool to_host, tree; /* of a copy */
} wf_ssh_wish;
extern const weft_type wf_ssh_open_type, wf_ssh_run_type, wf_ssh_copy_type;

/* Text @i of them. */
const char *wf_ssh_wish_text(const wf_ssh_wish *wish, uint32_t i);

extern const weft_behaviour wf_ssh_client_conn, wf_ssh_client_run, wf_ssh_client_copy;

/* Told to the client by its connection: nothing more is to be asked of it. */
typedef struct wf_ssh_lost {
    weft_ref conn;
} wf_ssh_lost;
extern const weft_type wf_ssh_lost_type;

/* ---- ssh_client_work.c: what blocks, on the pool, of which one piece is away at a time */

typedef enum wf_ssh_piece {
    WF_SSH_PREPARE, /* known_hosts and the key are read */
    WF_SSH_CHECK,   /* whether the host is the one that is meant */
    WF_SSH_SIGN,    /* who this is is proved, as far as it goes */
} wf_ssh_piece;

/* Shared by the connection and the pool: who has it last frees the session, too. */
typedef struct wf_ssh_work {
    _Atomic uint32_t refs;
    wf_ssh_piece piece;
    wf_ssh *ssh; /* NULL before there is one */
    wf_ssh_proof *proof;
    char name[WF_KNOWN_HOST_BYTES]; /* of the host, in known_hosts */
    weft_ssh_trust trust;
    bool agent;
    char *user, *key_file, *passphrase, *password, *path; /* NULL as in the config */
    char *known;                                          /* what is in the file */
    size_t known_bytes;
    unsigned key_types;     /* of keys that are known */
    const char *type, *key; /* that the host has */
    weft_err err;
    weft_why why;
} wf_ssh_work;

/* errors: NULL, with @why. */
WEFT_MUST_USE wf_ssh_work *wf_ssh_work_new(const weft_ssh_client_config *config, weft_err *err,
                                           weft_why *why);
void wf_ssh_work_drop(wf_ssh_work **work);
/* Has the pool do @piece; @step finds what came of it in work->err, unless got->err says it was not done. */
void wf_ssh_work_do(weft_actor *self, wf_ssh_work *work, wf_ssh_piece piece, weft_step_fn *step);

/* ---- the connection */

typedef struct wf_ssh_waiting {
    struct wf_ssh_waiting *next;
    weft_msg *msg;
} wf_ssh_waiting;

typedef struct wf_ssh_client_state {
    wf_ssh_conn conn; /* first */
    wf_ssh_work *work;
    wf_ssh_waiting *first, **last; /* asked for before it is ready */
    uint32_t waiting;
    bool ready, opened;
    weft_err err; /* what it is over for */
    weft_why why;
} wf_ssh_client_state;

/* ssh_client_open.c: channels asked for. */

/* Begins with what @msg asks for; takes it over. */
void wf_ssh_client_open(weft_actor *self, weft_msg *msg);
/* Goes on with those that are not up. */
void wf_ssh_client_go_on(weft_actor *self);
/* Fails all that are not up, or only that of @msg, if it is not NULL. */
void wf_ssh_client_fail(weft_actor *self, const weft_msg *msg, weft_err err, const char *why);

#endif

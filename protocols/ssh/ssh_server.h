/* SPDX-License-Identifier: MIT */
/* A server's side of a connection: who the peer is, and what it wants. */
#ifndef WF_SSH_SERVER_H
#define WF_SSH_SERVER_H

#include "ssh_conn.h"

typedef struct wf_ssh_server {
    wf_ssh_conn conn;
    uint32_t tries;
    unsigned method; /* of the last one */
    bool counted;    /* as one of whom it is not known who it is */
    bool is_signed;  /* what the auth actor is asked about */
    bool asked_none;
} wf_ssh_server;

/* The connection ends in order, with what is to be sent; or at once, if @err is neither OK nor EDONE. */
void wf_ssh_over(weft_actor *self, weft_err err, const char *why);
/* It is known who the peer is. */
void wf_ssh_granted(weft_actor *self);

/* ssh_auth.c: the peer says who it is. */
void wf_ssh_on_auth(weft_actor *self, const wf_ssh_event *event);

/* ssh_requests.c: what it wants then. */
void wf_ssh_on_open(weft_actor *self, const wf_ssh_event *event);
void wf_ssh_on_request(weft_actor *self, const wf_ssh_event *event);

#endif

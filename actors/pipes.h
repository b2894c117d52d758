/* SPDX-License-Identifier: MIT */
/* Streams over what is no socket: pipes of one or both directions, terminals, standard input and output. */
#ifndef WF_PIPES_H
#define WF_PIPES_H

#include "conn.h"
#include "terminal.h"

/* How the other side learns that no more is written. */
typedef enum wf_pipes_end {
    PIPES_CLOSE,    /* the descriptor that is written is closed */
    PIPES_SHUTDOWN, /* it is a socket */
    PIPES_EOT,      /* it is a terminal: the character that stands for the end */
    PIPES_NOTHING,  /* there is no way */
} wf_pipes_end;

extern const conn_leaf wf_conn_leaf_pipes;

/* Makes @c, which is opening, a stream that reads @in and writes @out, both taken; -1: not at all; they may
 * be the same. errors: ENOMEM; they are closed then. */
weft_err wf_pipes_set(conn *c, int in, int out, wf_pipes_end end);
/* Their modes are given back when the stream closes, also by a signal that ends the program; @was is taken
 * out of use then. Before wf_conn_begin. */
void wf_pipes_restore(conn *c, wf_terminal_modes *was);
/* Their descriptors are shared with others, who are to find them waiting again. */
void wf_pipes_share(conn *c, bool in, bool out);
/* What it reads is a pipe of ours: it holds more from the first time on that it was found full, and so much is read at
 * once, WEFT_WINDOW_BYTES at most. */
void wf_pipes_grow(conn *c);
/* Whether @c is one of these, and open. */
bool wf_pipes_open(const conn *c);
/* The terminal it writes to, for its size. errors: -1. */
int wf_pipes_fd(const conn *c);

/* Nobody reads what is written any more. What is left of it is lost, which is the reason the stream ends
 * with, when everything that came has been told. */
void wf_pipes_peer_gone(conn *c);
/* Bytes read so far. */
uint64_t wf_pipes_got(const conn *c);
/* Nobody who should writes any more: what is there is read, and then it has ended. */
void wf_pipes_last(conn *c);

#endif

/* SPDX-License-Identifier: MIT */
/* Many sends with one call of the kernel's (io_uring), where it has that: each for itself costs a fifth more. */
#ifndef WF_SENDS_H
#define WF_SENDS_H

#include <sys/socket.h>

enum {
    WF_SENDS_MAX = 64, /* of one call */
    WF_SENDS_MIN = 3   /* fewer are cheaper one by one */
};

/* One send, of what @is says, to a socket; the caller's until wf_sends_make is back. */
typedef struct wf_send {
    int fd;
    int flags; /* of sendmsg(2); those for no signal and no waiting are always set */
    struct msghdr is;
    ssize_t sent; /* what came of it: bytes, or an errno below zero */
} wf_send;

/* Makes @n sends, at most WF_SENDS_MAX, to different sockets, in any order. Each has come to something then. thread: a
 * reactor's. */
void wf_sends_make(wf_send *sends, unsigned n);

#endif

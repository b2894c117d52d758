/* SPDX-License-Identifier: MIT */
/* Sockets as URLs ask for them. */
#ifndef WF_SOCKET_H
#define WF_SOCKET_H

#include <weft/address.h>
#include <weft/url.h>

/* Binds and listens as @url says; a stale unix socket is removed first.
 * errors: -1 with @err and @why: EEXISTS, EDENIED, EUNREACHABLE, ELIMIT, ENONAME. */
int wf_socket_listen(const weft_url *url, weft_address *local, weft_err *err, weft_why *why);

/* Begins to connect as @url says: it is up when it has a peer, and has come to something when it becomes writable.
 * errors: -1. */
int wf_socket_connect(const weft_url *url, weft_err *err, weft_why *why);

/* The same to an address that the host of @url stands for. */
int wf_socket_connect_to(const weft_url *url, const weft_address *to, weft_err *err, weft_why *why);

/* Whether nothing can be said before the client has spoken: HTTP, and TLS over TCP. */
bool wf_url_client_speaks_first(const weft_url *url);

/* Sets on a socket what @url asks for: nodelay, keepalive. What one that listens accepts has the same. */
void wf_socket_set_up(int fd, const weft_url *url);

#endif

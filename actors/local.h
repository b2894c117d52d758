/* SPDX-License-Identifier: MIT */
/* Streams and listeners that are no addresses: programs, standard input and output, descriptors this program
 * was given, serial lines. */
#ifndef WF_LOCAL_H
#define WF_LOCAL_H

#include <weft/url.h>

#include "conn.h"
#include "url_parts.h"

/* Whether it stands as soon as it has been connected to; else it says so itself. */
static inline bool wf_local_stands(weft_scheme scheme)
{
    return wf_scheme_is_local(scheme) && scheme != WEFT_SCHEME_EXEC;
}

/* Makes @c, which is opening, the stream of @url. errors: of the system, with @why. */
weft_err wf_local_connect(conn *c, const weft_url *url, weft_why *why);

/* A descriptor that is readable when there is somebody to be accepted; @local: where, if it is a socket.
 * errors: -1 with @err and @why. */
int wf_local_listen(const weft_url *url, weft_address *local, weft_err *err, weft_why *why);

/* ---- local_stdio.c */

/* A descriptor that is readable once. errors: -1. */
int wf_stdio_listen(weft_err *err, weft_why *why);
/* Whether that was now: @out is the one connection's, to be attached. Else errno is EAGAIN. */
bool wf_stdio_accept(int listening, int *out);
/* Standard input and output become the stream @c; @accepted is closed. What goes wrong loses it. */
void wf_stdio_attach(conn *c, int accepted, const weft_url *url);
weft_err wf_stdio_connect(conn *c, const weft_url *url, weft_why *why);

/* ---- local_given.c */

/* The listening socket that this program was given by the number, or systemd by the name. */
int wf_given_listen(const weft_url *url, weft_address *local, weft_err *err, weft_why *why);
weft_err wf_given_connect(conn *c, const weft_url *url, weft_why *why);

#endif

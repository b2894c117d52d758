/* SPDX-License-Identifier: MIT */
/* Where a row sends: the targets of redirects and rewrites, with the parameters of the row that matched.
 *
 * In a target ":name" and "*" stand for the value of the route's parameter, still encoded; a ':' that begins no
 * parameter of the route is itself, as in "https://". The request's query goes with it unless the target has a
 * query or a fragment of its own.
 *
 * Pure: no I/O, no allocation. thread: any. */
#ifndef WF_HTTP_MOVE_H
#define WF_HTTP_MOVE_H

#include <weft/error.h>

#include "http_route.h"
#include "http_writer.h"

/* Whether @target may stand in the row @route. A path, or (not for a rewrite) a URL of http or https, in bytes that
 * may stand in one; parameters of the route alone, and in a URL none before its path, so that what a client asks
 * for never names a host. errors: EINVAL naming the row. */
WEFT_MUST_USE weft_err wf_http_move_check(const char *route, const char *target, bool rewrite,
                                          weft_why *why);

/* Puts @target, filled in from @match, and @query (`at` NULL: none). A value in the target's query has what
 * separates there escaped. A path never begins with two slashes, which would name a host. */
void wf_http_put_moved(wf_http_writer *w, const char *target, const wf_http_match *match,
                       weft_http_text query);

/* Whether a client can be sent elsewhere with @status. */
bool wf_http_is_redirect_status(int status);

#endif

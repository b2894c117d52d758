/* SPDX-License-Identifier: MIT */
/* "." and ".." in the path of a request, which are gone before a route is looked for: a route, its guard, a file's
 * root and an upstream then all speak of the same place.
 *
 * Pure: no I/O, no allocation. thread: any. */
#ifndef WF_HTTP_DOTS_H
#define WF_HTTP_DOTS_H

#include <stdbool.h>
#include <stddef.h>

#include <weft/error.h>
#include <weft/http_types.h>

/* Whether a segment of @path is "." or "..", each dot as it is or as %2e. So is what others may take for such a
 * segment: dots beside an encoded '/', beside a backslash in either spelling, and before a ';'. */
bool wf_http_path_has_dots(weft_http_text path);

/* Puts @path, which begins with a '/', into @out without them (RFC 3986 section 5.2.4); all else stays as it was
 * spelled. @out has room for path.bytes; it gets *@out_n of them, at least one. errors: EINVAL (it leads above the
 * root, or has dots that only some would take for a segment). */
WEFT_MUST_USE weft_err wf_http_path_undot(weft_http_text path, char *out, size_t *out_n);

#endif

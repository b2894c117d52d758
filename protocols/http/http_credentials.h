/* SPDX-License-Identifier: MIT */
/* What clients say in Authorization (RFC 9110 section 11.6.2). Pure. thread: any. */
#ifndef WF_HTTP_CREDENTIALS_H
#define WF_HTTP_CREDENTIALS_H

#include <weft/auth.h>
#include <weft/http_types.h>

/* Reads the credentials of the scheme that @digest says into the kind, the user and the proof of @out; the method of
 * a digest is the caller's to fill in. errors: ENOTFOUND (none of that scheme), EPROTO (what it says is no such
 * thing), those of weft_digest_parse, ETOOBIG. */
WEFT_MUST_USE weft_err wf_http_credentials_read(weft_http_text value, bool digest,
                                                weft_auth_request *out);

#endif

/* SPDX-License-Identifier: MIT */
/* What a digest must come to. */
#ifndef WF_AUTH_DIGEST_H
#define WF_AUTH_DIGEST_H

#include <weft/auth.h>

#include "hashes.h"
#include "url_parts.h"

/* The response of who has @password in @realm. false: the library refuses, or a text is too long. */
WEFT_MUST_USE bool wf_digest_response(const weft_digest *d, const char *realm, const char *password,
                                      char hex[WF_HASH_HEX_BYTES]);

/* Whether the hex digits are the same, case aside; told by no time but that of a length. */
bool wf_hex_same(const char *given, const char *right);

#endif

/* SPDX-License-Identifier: MIT */
/* Proxies on the way to a target: SOCKS 5 (RFC 1928, RFC 1929), SOCKS 4 and 4a, and the CONNECT of HTTP
 * (RFC 9110 section 9.3.6), as the option `via` of a URL that is connected to.
 *
 *   connect to the proxy ──▶ talk: say, hear, say, hear ──▶ opened: from here on it is the target
 *
 * The target's name is sent to the proxy, never looked up here. */
#ifndef WF_VIA_H
#define WF_VIA_H

#include <weft/url.h>

#include "pipeline.h"

enum {
    WF_VIA_WORD_BYTES_MAX = 255,  /* of a user, or a password; RFC 1929 section 2 */
    WF_VIA_SAY_BYTES = 1536,      /* what is said at once is never longer */
    WF_VIA_HEAD_BYTES_MAX = 8192, /* of an HTTP proxy's answer */
};

typedef enum wf_via_kind { WF_VIA_SOCKS5, WF_VIA_SOCKS4, WF_VIA_HTTP } wf_via_kind;

typedef struct wf_via {
    wf_via_kind kind;
    weft_url_host host;
    char user[WF_VIA_WORD_BYTES_MAX + 1]; /* "": none */
    char password[WF_VIA_WORD_BYTES_MAX + 1];
} wf_via;

/* Reads KIND://[USER[:PASSWORD]@]HOST[:PORT]; the last @ ends the password. @sim: the host is a name of the
 * simulated wire. Sentences never quote user or password. @out is written only on success.
 * errors: EINVAL, EUNSUPPORTED (the kind), ETOOBIG. */
WEFT_MUST_USE weft_err wf_via_parse(const char *text, bool sim, wf_via *out, weft_why *why);

/* Whether @proxy can be asked for @target. errors: EINVAL, with the sentence that says why not. */
WEFT_MUST_USE weft_err wf_via_check(const wf_via *proxy, const weft_url_host *target,
                                    weft_why *why);

/* Turns @url, which has been prepared, into where is really connected to: its proxy, if it names one. The
 * option is taken out, so that no sentence about the connect holds a password. errors: as wf_via_parse. */
WEFT_MUST_USE weft_err wf_via_redirect(weft_url *url, weft_why *why);

/* The part of the pipeline, which stands next to the wire. */
extern const wf_pipeline_part wf_via_part;

/* ---- the talk (via_talk.c): pure */

typedef struct wf_via_talk {
    wf_via proxy;
    weft_url_host target;
    uint8_t phase;
    bool done; /* the next byte is the target's */
} wf_via_talk;

/* Begins; gives how many bytes are said first, which stand in @say. */
size_t wf_via_begin(wf_via_talk *t, const wf_via *proxy, const weft_url_host *target,
                    uint8_t say[WF_VIA_SAY_BYTES]);

/* Hears the next answer in the @n bytes at @in: @taken of them, 0 while it is not whole; what is said then
 * stands in @say, @said bytes. Not to be called once it is done.
 * errors: EPROTO (no proxy of this kind), ETOOBIG, and what the proxy answers: EDENIED (it does not let
 * this user, or this target), EREFUSED, EUNREACHABLE, ETIMEDOUT, EUNSUPPORTED; the sentence has its code. */
WEFT_MUST_USE weft_err wf_via_hear(wf_via_talk *t, const uint8_t *in, size_t n, size_t *taken,
                                   uint8_t say[WF_VIA_SAY_BYTES], size_t *said, weft_why *why);

#endif

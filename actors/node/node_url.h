/* SPDX-License-Identifier: MIT */
/* Where a node listens and connects, and who is there. */
#ifndef WF_NODE_URL_H
#define WF_NODE_URL_H

#include <weft/url.h>

#include "node.h"

/* The URL @text with what the configuration @c of a node adds to it: certificate, key and authority for TLS, and whom to
 * expect, which is @member (NULL: @end listens), and how many connections one address may have. The caller frees it.
 * errors: those of weft_url_parse and weft_url_check; EUNSUPPORTED (http); EDENIED (plain TCP beyond loopback, or by
 * a proxy there; TLS that does not say who is there);
 * EINVAL (TLS without a certificate); ENOMEM. thread: before start, or reactor 0's. */
WEFT_MUST_USE weft_err wf_node_url(const weft_node *c, const char *text, weft_url_end end,
                                   const char *member, char **out, weft_why *why);

/* Whether a node may listen at @address, which its URL came to: a socket that was given says where it is only then.
 * errors: EDENIED. thread: any. */
WEFT_MUST_USE weft_err wf_node_bound(const weft_node *config, const weft_address *address,
                                     weft_why *why);

/* Whether @name may be who is at the other end of @stream, of this reactor: with TLS its certificate is for that
 * name, or for any ("": a visitor); without, it is on this machine, unless @config (NULL: of somebody who only looks)
 * says that others may be. errors: EDENIED. thread: in a handler. */
WEFT_MUST_USE weft_err wf_node_is_there(weft_actor *self, weft_ref stream, const weft_node *config,
                                        const char *name, weft_why *why);

#endif

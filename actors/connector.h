/* SPDX-License-Identifier: MIT */
/* Connecting to a name: a child of the stream that looks it up and races its addresses (RFC 8305).
 *
 *   (SRV records ─▶) target ─▶ A and AAAA asked at once ─▶ attempts, by turns of the families
 *                      ▲                                       │ all failed         │ one is there
 *                      └─────────── the next target ◀──────────┘                    ▼
 *                                                         the stream; the others are closed
 */
#ifndef WF_CONNECTOR_H
#define WF_CONNECTOR_H

#include <weft/url.h>

#include "conn.h"

typedef struct wf_connector wf_connector;

/* What one attempt came to: a descriptor, or the end of a simulated link; taken by whoever is told. */
typedef struct wf_connector_won {
    int fd;
    struct wire_end *end; /* NULL: @fd */
} wf_connector_won;

/* Begins to connect @c to the host of @url, which is a name and lives as long as the connector. It ends with
 * one call of @won or of @lost, never within this one, unless wf_connector_end comes first. errors: ENOMEM. */
WEFT_MUST_USE weft_err wf_connector_begin(conn *c, const weft_url *url,
                                          void (*won)(conn *c, const wf_connector_won *by),
                                          void (*lost)(conn *c, weft_err err, const char *why),
                                          wf_connector **out, weft_why *why);
/* Whether its name is still being looked up: no attempt was made yet. */
bool wf_connector_resolves(const wf_connector *k);
/* Nobody wants it any more: attempts are closed. */
void wf_connector_end(wf_connector *k);

#endif

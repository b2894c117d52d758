/* SPDX-License-Identifier: MIT */
/* --auth TYPE:ARG, which may be repeated: of every service that asks who somebody is. */
#ifndef WEFTD_SERVICE_AUTH_H
#define WEFTD_SERVICE_AUTH_H

#include <weft/auth.h>
#include <weft/options.h>

/* What stands in @texts, as an auth actor is spawned with it. */
typedef struct service_auth {
    weft_auth_source sources[WEFT_OPTION_TEXTS_MAX];
    weft_auth_config config;
} service_auth;

/* Reads @texts; nothing is checked when there are none. errors: those of weft_auth_source_parse and of
 * weft_auth_check. */
WEFT_MUST_USE weft_err service_auth_read(const weft_option_texts *texts, service_auth *out,
                                         weft_why *why);

#endif

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
    bool anonymous; /* one of them is: who says nothing is let in */
    bool asks;      /* one of them is another: there is somebody to be asked */
} service_auth;

/* Types that a service has a use for: those that take a password, and all there are. */
enum {
    SERVICE_AUTH_ANONYMOUS = 1U << WEFT_AUTH_FROM_ANONYMOUS,
    SERVICE_AUTH_PASSWORDS =
        1U << WEFT_AUTH_FROM_MEMORY | 1U << WEFT_AUTH_FROM_FILE | 1U << WEFT_AUTH_FROM_UNIX,
    SERVICE_AUTH_KEYS = 1U << WEFT_AUTH_FROM_SSHKEY,
};

/* Reads @texts; nothing is checked when there are none. A type that is not in @takes would let nobody in, and is
 * refused. errors: EINVAL, and those of weft_auth_source_parse and of weft_auth_check. */
WEFT_MUST_USE weft_err service_auth_read(const weft_option_texts *texts, unsigned takes,
                                         service_auth *out, weft_why *why);

/* The same for one whose protocol cannot let in both who says nothing and who does: `anonymous` stands alone there.
 * errors: EINVAL, and as above. */
WEFT_MUST_USE weft_err service_auth_read_alone(const weft_option_texts *texts, unsigned takes,
                                               service_auth *out, weft_why *why);

/* Whether it can still be used as the user that the program has become (weft_service.settled). errors: those of
 * weft_auth_check. */
WEFT_MUST_USE weft_err service_auth_settled(const service_auth *who, weft_why *why);

/* Whether one of them is of @kind. */
bool service_auth_has(const service_auth *who, weft_auth_source_kind kind);

#endif

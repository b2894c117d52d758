/* SPDX-License-Identifier: MIT */
/* Options of services that go to a host over SSH. */
#ifndef WEFTD_SSH_TARGET_H
#define WEFTD_SSH_TARGET_H

#include <weft/options.h>
#include <weft/ssh_client.h>
#include <weft/url.h>

#include "secret.h"

#define SSH_PASSPHRASE "WEFT_PASSPHRASE"
#define SSH_PASSWORD "WEFT_PASSWORD"

/* What the options say, and what is made of it. */
typedef struct ssh_target {
    const char *to;
    bool accept_new;
    secret passphrase, password;
    weft_ssh_client_config client;
    char user[64], host[WEFT_URL_HOST_BYTES_MAX + 1], url[WEFT_URL_BYTES_MAX + 1];
} ssh_target;

/* The rows, for a field `target` of @type. */
#define OPTION_ROWS_SSH(type)                                                             \
    {.name = "key",                                                                       \
     .kind = WEFT_OPTION_TEXT,                                                            \
     .value = "FILE",                                                                     \
     .at = offsetof(type, target.client.key_file),                                        \
     .help = "a private key that proves who this is"},                                    \
        OPTION_ROWS_SECRET(type, target.passphrase, "passphrase", SSH_PASSPHRASE,         \
                           "what opens --key"),                                           \
        {.name = "agent",                                                                 \
         .kind = WEFT_OPTION_FLAG,                                                        \
         .at = offsetof(type, target.client.agent),                                       \
         .help = "try the keys of the agent at SSH_AUTH_SOCK, too"},                      \
        OPTION_ROWS_SECRET(type, target.password, "password", SSH_PASSWORD,               \
                           "the user's password"),                                        \
        {.name = "known-hosts",                                                           \
         .kind = WEFT_OPTION_TEXT,                                                        \
         .value = "FILE",                                                                 \
         .at = offsetof(type, target.client.known_hosts),                                 \
         .help = "whose keys are known; without it ~/.ssh/known_hosts"},                  \
        {.name = "accept-new",                                                            \
         .kind = WEFT_OPTION_FLAG,                                                        \
         .at = offsetof(type, target.accept_new),                                         \
         .help = "a host of which nothing is known is taken for itself, and remembered"}, \
        {.name = "to",                                                                    \
         .kind = WEFT_OPTION_CONNECT,                                                     \
         .value = "URL",                                                                  \
         .at = offsetof(type, target.to),                                                 \
         .help = "connect there instead of to the host"},                                 \
    {                                                                                     \
        .name = "connect-time", .kind = WEFT_OPTION_MS, .value = "TIME", .unset = "30s",  \
        .at = offsetof(type, target.client.connect_ms), .min = 100, .max = 3600000,       \
        .help = "how long it may take until the host has let the user in"                 \
    }

/* Takes the @n characters @at, "USER@HOST" or "USER@HOST:PORT" (an IPv6 address in brackets), apart.
 * Then finds out the secrets, which may ask at the terminal. errors: EINVAL, those of secret_read. */
WEFT_MUST_USE weft_err ssh_target_read(ssh_target *t, const char *at, size_t n, weft_why *why);

/* Says on standard error that @service failed, and what was connected to: its URL, unless @why names it. */
void ssh_target_failed(const ssh_target *t, const char *service, weft_err err, const char *why);

#endif

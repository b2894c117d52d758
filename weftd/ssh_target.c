/* SPDX-License-Identifier: MIT */
/* Whom a service goes to over SSH. */
#include <stdio.h>
#include <string.h>

#include <weft/url.h>

#include "ssh_target.h"

weft_err ssh_target_read(ssh_target *t, const char *text, size_t n, weft_why *why)
{
    const char *at = memchr(text, '@', n);
    size_t user = at != NULL ? (size_t)(at - text) : 0;
    if (user == 0 || user >= sizeof t->user || user + 1 == n)
        return weft_because(why, WEFT_EINVAL, "expected USER@HOST or USER@HOST:PORT");
    memcpy(t->user, text, user);
    t->user[user] = '\0';
    const char *host = at + 1;
    int size = (int)(n - user - 1);
    const char *end = host + size,
               *bracket = host[0] == '[' ? memchr(host, ']', (size_t)size) : NULL;
    bool has_port = memchr(bracket != NULL ? bracket : host, ':',
                           (size_t)(end - (bracket != NULL ? bracket : host))) != NULL;
    int wrote = snprintf(t->url, sizeof t->url, "tcp://%.*s%s", size, host, has_port ? "" : ":22");
    weft_url url;
    if (wrote >= (int)sizeof t->url || weft_url_parse(t->url, &url, why) != WEFT_OK)
        return weft_because(why, WEFT_EINVAL, "%.*s is no host", size < 100 ? size : 100, host);
    (void)snprintf(t->host, sizeof t->host, "%s", url.host.name);
    t->client.url = t->to != NULL ? t->to : t->url;
    t->client.host = t->to != NULL ? t->host : NULL;
    t->client.user = t->user;
    t->client.trust = t->accept_new ? WEFT_SSH_TRUST_NEW : WEFT_SSH_TRUST_KNOWN;
    weft_err err =
        secret_read(&t->passphrase, "passphrase", SSH_PASSPHRASE, &t->client.passphrase, why);
    return err == WEFT_OK
               ? secret_read(&t->password, "password", SSH_PASSWORD, &t->client.password, why)
               : err;
}

void ssh_target_failed(const ssh_target *t, const char *service, weft_err err, const char *why)
{
    bool named = strstr(why, t->client.url) != NULL;
    (void)fprintf(stderr, "weftd %s: %s%s%s (%s)\n", service, named ? "" : t->client.url,
                  named ? "" : ": ", why, weft_err_name(err));
}

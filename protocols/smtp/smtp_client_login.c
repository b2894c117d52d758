/* SPDX-License-Identifier: MIT */
/* AUTH, as a client. RFC 4954, 4616, 2195. In the clear the password itself is said only when there is no
 * other way. */
#include <stdio.h>
#include <string.h>

#include <weft/auth.h>
#include <weft/hash.h>

#include "smtp_client.h"

enum {
    PLAIN_BYTES = WEFT_AUTH_USER_BYTES + WEFT_AUTH_PASSWORD_BYTES + 2,
    TEXT_BYTES = WEFT_BASE64_BYTES(PLAIN_BYTES) + 1,
    STEP_PLAIN = 1,
    STEP_LOGIN,
    STEP_LOGIN_PASSWORD,
    STEP_CRAM,
    STEP_OVER,
};

static void say(weft_actor *self, wf_smtp_client *c, const char *before, const void *at, size_t n)
{
    char text[TEXT_BYTES];
    (void)weft_base64(at, n, text);
    (void)weft_write_text(self, c->stream, "%s%s\r\n", before, text);
    explicit_bzero(text, sizeof text);
}

static const char *password(const wf_smtp_client *c)
{
    return c->config->password != NULL ? c->config->password : "";
}

bool wf_smtp_client_auth(weft_actor *self, wf_smtp_client *c)
{
    char plain[PLAIN_BYTES];
    size_t user = strlen(c->config->user), pass = strlen(password(c));
    bool cram_first = !c->secure && (c->can & WF_SMTP_CAN_CRAM) != 0;
    if (user >= WEFT_AUTH_USER_BYTES || pass >= WEFT_AUTH_PASSWORD_BYTES)
        return false;
    if ((c->can & WF_SMTP_CAN_PLAIN) != 0 && !cram_first) {
        plain[0] = '\0';
        memcpy(plain + 1, c->config->user, user + 1);
        memcpy(plain + user + 2, password(c), pass);
        say(self, c, "AUTH PLAIN ", plain, user + pass + 2);
        explicit_bzero(plain, sizeof plain);
        c->auth_step = STEP_PLAIN;
    } else if ((c->can & WF_SMTP_CAN_CRAM) != 0) {
        (void)weft_write_text(self, c->stream, "AUTH CRAM-MD5\r\n");
        c->auth_step = STEP_CRAM;
    } else if ((c->can & WF_SMTP_CAN_LOGIN) != 0) {
        (void)weft_write_text(self, c->stream, "AUTH LOGIN\r\n");
        c->auth_step = STEP_LOGIN;
    } else
        return false;
    wf_smtp_client_phase_set(self, c, WF_SMTP_C_AUTH);
    return true;
}

static bool cram(weft_actor *self, wf_smtp_client *c, const char *text)
{
    char challenge[WEFT_AUTH_CHALLENGE_BYTES], digest[WEFT_HMAC_MD5_HEX_BYTES];
    char said[WEFT_AUTH_USER_BYTES + WEFT_HMAC_MD5_HEX_BYTES];
    size_t n;
    if (weft_unbase64(text, strlen(text), challenge, sizeof challenge, &n) != WEFT_OK ||
        !weft_hmac_md5(password(c), strlen(password(c)), challenge, n, digest))
        return false;
    int size = snprintf(said, sizeof said, "%s %s", c->config->user, digest);
    say(self, c, "", said, (size_t)size);
    return true;
}

bool wf_smtp_client_auth_more(weft_actor *self, wf_smtp_client *c, const char *text)
{
    unsigned step = c->auth_step;
    c->auth_step = step == STEP_LOGIN ? STEP_LOGIN_PASSWORD : STEP_OVER;
    if (step == STEP_CRAM)
        return cram(self, c, text);
    if (step == STEP_LOGIN)
        say(self, c, "", c->config->user, strlen(c->config->user));
    else if (step == STEP_LOGIN_PASSWORD)
        say(self, c, "", password(c), strlen(password(c)));
    else
        return false;
    return true;
}

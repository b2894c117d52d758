/* SPDX-License-Identifier: MIT */
/* The client of SMTP: sends a letter, and says what the server made of each recipient.
 * usage: 38_send_mail URL FROM TO..., as in 38_send_mail tcp://127.0.0.1:2525 me@example.org you@example.org */
#include <inttypes.h>
#include <stdio.h>

#include <weft/weft.h>

/* [send] */
typedef struct letter {
    weft_smtp_client_config server;
    const char *from;
    const char *const *to;
    uint32_t recipients;
} letter;

static weft_err on_sent(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    const letter *l = weft_config(self);
    (void)msg;
    if (got->err != WEFT_OK)
        (void)fprintf(stderr, "not sent: %s\n", got->why);
    for (uint32_t i = 0; got->err == WEFT_OK && i < l->recipients; i++) {
        weft_smtp_status status = weft_smtp_report_to(got->body, i);
        (void)printf("%s: %u %s\n", l->to[i], status.code, status.text);
    }
    weft_system_stop(self, got->err);
    return WEFT_OK;
}

static weft_err on_started(weft_actor *self, weft_msg *msg)
{
    const letter *l = weft_config(self);
    weft_ref stream, client = weft_spawn(self, &weft_smtp_client, &l->server);
    weft_deferred sent =
        weft_smtp_send(self, client, l->from, l->to, l->recipients, false, &stream);
    (void)weft_write_text(self, stream, "From: <%s>\r\nSubject: hello\r\n\r\nhello\r\n", l->from);
    (void)weft_end(self, stream);
    return weft_when(msg, sent, on_sent);
}
/* [/send] */

static const weft_handler rows[] = {{.type = &weft_started_type, .fn = on_started}, {0}};
static const weft_behaviour sender = {.name = "sender", .handlers = rows};

int main(int argc, char **argv)
{
    if (argc < 4) {
        (void)fprintf(stderr, "usage: 38_send_mail URL FROM TO...\n");
        return 64; /* EX_USAGE */
    }
    const letter l = {.server = {.url = argv[1]},
                      .from = argv[2],
                      .to = (const char *const *)argv + 3,
                      .recipients = (uint32_t)argc - 3};
    weft_system *sys = weft_system_new(NULL);
    return sys == NULL || weft_ref_is_nobody(weft_system_spawn(sys, 0, &sender, &l))
               ? 71 /* EX_OSERR */
               : weft_run(&sys);
}

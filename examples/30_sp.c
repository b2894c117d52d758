/* SPDX-License-Identifier: MIT */
/* SP sockets: a worker that nanomsg and NNG programs ask, and who asks it. usage: 30_sp URL [TEXT]
 * The other end may be: nngcat --req --dial tcp://127.0.0.1:5555 --data hello --ascii */
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <weft/weft.h>

static const char *urls[2], *text;
static weft_sp_config config;

/* [worker] */
static weft_err on_message(weft_actor *self, weft_msg *msg)
{
    const weft_sp_message *m = weft_body(msg);
    char *loud = weft_scratch(msg, m->bytes.size + 1);
    if (loud == NULL)
        return WEFT_ENOMEM;
    for (size_t i = 0; i < m->bytes.size; i++)
        loud[i] = (char)toupper(m->bytes.at[i]);
    (void)self;
    return weft_reply(msg, weft_sp_message, .bytes = weft_bytes_copy(msg, loud, m->bytes.size));
}
/* [/worker] */
/* [ask] */
static weft_err on_answer(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    const weft_sp_message *m = got->body;
    (void)msg;
    if (got->err != WEFT_OK)
        return weft_stop_because(self, got->err, "no answer: %s", got->why);
    (void)printf("%.*s\n", (int)m->bytes.size, (const char *)m->bytes.at);
    return weft_stop(self, WEFT_OK);
}

static weft_err on_started(weft_actor *self, weft_msg *msg)
{
    weft_ref socket = weft_spawn(self, &weft_sp, &config);
    if (text == NULL)
        return weft_link(self, socket);
    weft_bytes bytes = weft_bytes_static(text, strlen(text));
    return weft_when(msg, weft_ask(self, socket, weft_sp_message, .bytes = bytes), on_answer);
}
/* [/ask] */
static const weft_handler rows[] = {{.type = &weft_started_type, .fn = on_started},
                                    {.type = &weft_sp_message_type, .fn = on_message},
                                    {0}};
static const weft_behaviour worker = {
    .name = "worker", .handlers = rows, .ended = weft_system_stop};

int main(int argc, char **argv)
{
    if (argc > 3) {
        (void)fprintf(stderr, "usage: 30_sp [URL [TEXT]]\n");
        return 64; /* EX_USAGE */
    }
    urls[0] = argc > 1 ? argv[1] : "nng+rep://127.0.0.1:5555", text = argc > 2 ? argv[2] : NULL;
    config = text != NULL ? (weft_sp_config){.dial = urls} : (weft_sp_config){.listen = urls};
    weft_system *sys = weft_system_new(NULL);
    if (sys == NULL || weft_ref_is_nobody(weft_system_spawn(sys, 0, &worker, NULL)))
        return 71;
    return weft_run(&sys);
}

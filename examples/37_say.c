/* SPDX-License-Identifier: MIT */
/* The client of a WebSocket: says something in the chat of 18_chat, and goes when everybody has heard it.
 * usage: 37_say URL WORDS, as in 37_say ws://127.0.0.1:8880/room hello */
#include <stdio.h>
#include <string.h>

#include <weft/weft.h>

/* [say] */
typedef struct errand {
    const char *url, *words;
} errand;

static weft_err on_started(weft_actor *self, weft_msg *msg)
{
    const errand *e = weft_config(self);
    (void)msg;
    return weft_ref_is_nobody(weft_ws_connect(self, e->url, NULL, weft_self(self))) ? WEFT_ENOMEM
                                                                                    : WEFT_OK;
}

static weft_err on_opened(weft_actor *self, weft_msg *msg)
{
    const errand *e = weft_config(self);
    return weft_ws_send_text(self, weft_sender(msg), "%s", e->words);
}

static weft_err on_text(weft_actor *self, weft_msg *msg)
{
    const errand *e = weft_config(self);
    const weft_ws_text *text = weft_body(msg);
    (void)printf("%.*s\n", (int)text->bytes.size, (const char *)text->bytes.at);
    if (text->bytes.size != strlen(e->words) ||
        memcmp(text->bytes.at, e->words, text->bytes.size) != 0)
        return WEFT_OK; /* somebody else's */
    return weft_ws_close(self, text->stream, 1000, "said");
}

static weft_err on_closed(weft_actor *self, weft_msg *msg)
{
    const weft_closed *closed = weft_body(msg);
    bool well = closed->reason == WEFT_EDONE;
    if (!well)
        (void)fprintf(stderr, "%s: %s\n", weft_err_text(closed->reason), closed->why);
    weft_system_stop(self, well ? WEFT_OK : closed->reason);
    return WEFT_OK;
}
/* [/say] */

static const weft_handler rows[] = {
    {.type = &weft_started_type, .fn = on_started},
    {.type = &weft_opened_type, .fn = on_opened},
    {.type = &weft_ws_text_type, .fn = on_text},
    {.type = &weft_closed_type, .fn = on_closed},
    {0},
};
static const weft_behaviour sayer = {.name = "sayer", .handlers = rows};

int main(int argc, char **argv)
{
    if (argc != 3) {
        (void)fprintf(stderr, "usage: 37_say URL WORDS\n");
        return 64; /* EX_USAGE */
    }
    const errand e = {.url = argv[1], .words = argv[2]};
    weft_system *sys = weft_system_new(NULL);
    return sys == NULL || weft_ref_is_nobody(weft_system_spawn(sys, 0, &sayer, &e))
               ? 71 /* EX_OSERR */
               : weft_run(&sys);
}

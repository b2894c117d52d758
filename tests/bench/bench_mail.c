/* SPDX-License-Identifier: MIT */
/* The mail server of `./weft bench smtp`: throws messages away, or puts them into a maildir. */
#include <stdio.h>

#include <weft/weft.h>

typedef struct letter {
    weft_msg *message; /* kept until all of it came: only then is it answered */
} letter;

static weft_err on_message(weft_actor *self, weft_msg *msg)
{
    ((letter *)weft_state(self))->message = weft_keep(msg);
    return WEFT_OK;
}

static weft_err on_data(weft_actor *self, weft_msg *msg)
{
    (void)self, (void)msg;
    return WEFT_OK;
}

static weft_err on_ended(weft_actor *self, weft_msg *msg)
{
    letter *l = weft_state(self);
    (void)msg;
    return l->message != NULL ? weft_reply(l->message, weft_smtp_status, .code = 0) : WEFT_OK;
}

static void on_over(weft_actor *self, weft_err reason)
{
    (void)reason;
    weft_drop(&((letter *)weft_state(self))->message);
}

static const weft_handler rows[] = {
    {.type = &weft_smtp_message_type, .fn = on_message},
    {.type = &weft_data_type, .fn = on_data},
    {.type = &weft_ended_type, .fn = on_ended},
    {0},
};
static const weft_behaviour discard = {
    .name = "discard", .handlers = rows, .state_bytes = sizeof(letter), .ended = on_over};

int main(int argc, char **argv)
{
    char url[64];
    weft_smtp_maildir_config maildir = {.path = argc > 2 ? argv[2] : NULL};
    weft_smtp_config mail = {.message = argc > 2 ? &weft_smtp_maildir : &discard,
                             .message_config = argc > 2 ? &maildir : NULL,
                             .quiet = true,
                             .limits = {.messages_max = UINT32_MAX}};
    if (argc < 2) {
        (void)fprintf(stderr, "usage: bench_mail PORT [MAILDIR]\n");
        return 64;
    }
    (void)snprintf(url, sizeof url, "tcp://127.0.0.1:%s", argv[1]);
    return weft_serve(url, &weft_smtp_server, &mail);
}

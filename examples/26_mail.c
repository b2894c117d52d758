/* SPDX-License-Identifier: MIT */
/* A mail server that says who wrote to whom, and how much. usage: 26_mail [URL] */
#include <inttypes.h>

#include <weft/weft.h>

/* [letter] */
typedef struct letter {
    weft_msg *message; /* kept until all of it is here: then its sender hears 250 */
    uint64_t bytes;
} letter;

static weft_err on_message(weft_actor *self, weft_msg *msg)
{
    ((letter *)weft_state(self))->message = weft_keep(msg);
    return WEFT_OK;
}

static weft_err on_data(weft_actor *self, weft_msg *msg)
{
    ((letter *)weft_state(self))->bytes += ((const weft_data *)weft_body(msg))->bytes.size;
    return WEFT_OK;
}

static weft_err on_ended(weft_actor *self, weft_msg *msg)
{
    letter *l = weft_state(self);
    const weft_smtp_message *m = weft_body(l->message);
    (void)msg;
    weft_log(self, WEFT_NOTICE, "%s to %s: %" PRIu64 " bytes", m->from, weft_smtp_message_to(m, 0),
             l->bytes);
    return weft_reply(l->message, weft_smtp_status, .code = 0);
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
static const weft_behaviour letters = {
    .name = "letter", .handlers = rows, .state_bytes = sizeof(letter), .ended = on_over};
/* [/letter] */

int main(int argc, char **argv)
{
    static const weft_smtp_config mail = {.host = "mail.example", .message = &letters};
    return weft_serve(argc > 1 ? argv[1] : "tcp://127.0.0.1:2525", &weft_smtp_server, &mail);
}

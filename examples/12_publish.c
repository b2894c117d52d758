/* SPDX-License-Identifier: MIT */
/* Publish: what one connection sends, every other one gets. One that does not read is nobody's trouble. */
#include <stdlib.h>
#include <string.h>
#include <weft/weft.h>

enum { SUBSCRIBERS_MAX = 2000, TOPIC_BYTES_MAX = 512 << 10 };

typedef struct news {
    weft_bytes bytes;
} news;
static const weft_type news_type = WEFT_TYPE_BYTES("news", news, bytes, NULL);
typedef struct join {
    weft_ref stream;
} join;
static const weft_type join_type = WEFT_TYPE("join", join, NULL);

/* [topic] */
typedef struct topic {
    weft_account *account; /* what somebody still has to read is charged here, not to who sent it */
    unsigned n;
    weft_ref member[SUBSCRIBERS_MAX];
} topic;

static weft_err on_publish(weft_actor *self, weft_msg *msg)
{
    topic *t = weft_state(self);
    weft_bytes bytes = weft_bytes_keep(self, ((const news *)weft_body(msg))->bytes);
    weft_err err = weft_bytes_move(&bytes, t->account);
    for (unsigned i = 0; err == WEFT_OK && i < t->n; i++)
        if (!weft_ref_same(t->member[i], weft_sender(msg)))
            (void)weft_tell(self, t->member[i], news, .bytes = bytes);
    weft_bytes_drop(&bytes);
    return err;
}

static weft_err on_join(weft_actor *self, weft_msg *msg)
{
    topic *t = weft_state(self);
    const weft_ref who = ((const join *)weft_body(msg))->stream;
    if (t->n == SUBSCRIBERS_MAX || weft_monitor(self, weft_sender(msg)) != WEFT_OK)
        return weft_abort(self, who, WEFT_ELIMIT);
    t->member[t->n++] = weft_sender(msg);
    return weft_write(self, who, WEFT_BYTES_LITERAL("welcome\n"));
}

static weft_err on_down(weft_actor *self, weft_msg *msg)
{
    topic *t = weft_state(self);
    for (unsigned i = 0; i < t->n; i++)
        if (weft_ref_same(t->member[i], ((const weft_down *)weft_body(msg))->who))
            t->member[i--] = t->member[--t->n];
    return WEFT_OK;
}
/* [/topic] */

static weft_err on_started(weft_actor *self, weft_msg *msg)
{
    topic *t = weft_state(self);
    (void)msg;
    t->account = weft_account_new("topic", TOPIC_BYTES_MAX);
    return t->account != NULL ? weft_register(self, "topic") : WEFT_ENOMEM;
}

static void on_ended(weft_actor *self, weft_err reason)
{
    (void)reason;
    weft_account_close(&((topic *)weft_state(self))->account);
}

static const weft_handler topic_rows[] = {
    {.type = &weft_started_type, .fn = on_started},
    {.type = &join_type, .fn = on_join},
    {.type = &news_type, .fn = on_publish},
    {.type = &weft_down_type, .fn = on_down},
    {0},
};
static const weft_behaviour topic_behaviour = {
    .name = "topic", .handlers = topic_rows, .state_bytes = sizeof(topic), .ended = on_ended};

/* [subscriber] */
static weft_err on_opened(weft_actor *self, weft_msg *msg)
{
    weft_ref *stream = weft_state(self);
    *stream = weft_sender(msg);
    return weft_tell(self, weft_named(self, "topic"), join, .stream = *stream);
}

static weft_err on_data(weft_actor *self, weft_msg *msg)
{
    const weft_data *data = weft_body(msg);
    return weft_tell(self, weft_named(self, "topic"), news, .bytes = data->bytes);
}

static weft_err on_news(weft_actor *self, weft_msg *msg)
{
    const weft_ref *stream = weft_state(self);
    const char *policy = weft_config(self);
    weft_err err = weft_write(self, *stream, ((const news *)weft_body(msg))->bytes);
    /* its queue has reached ?write_queue=: it does without these, or goes */
    if (err == WEFT_EFULL && strcmp(policy, "disconnect") == 0)
        return weft_abort(self, *stream, WEFT_ELIMIT);
    return WEFT_OK;
}
/* [/subscriber] */

static const weft_handler subscriber_rows[] = {
    {.type = &weft_opened_type, .fn = on_opened},
    {.type = &weft_data_type, .fn = on_data},
    {.type = &news_type, .fn = on_news},
    {0},
};
static const weft_behaviour subscriber = {
    .name = "subscriber", .handlers = subscriber_rows, .state_bytes = sizeof(weft_ref)};

int main(int argc, char **argv)
{
    weft_system *sys = weft_system_new(NULL);
    if (sys == NULL || weft_ref_is_nobody(weft_system_spawn(sys, 0, &topic_behaviour, NULL)))
        return EXIT_FAILURE;
    (void)weft_listen(sys, argc > 1 ? argv[1] : "tcp://127.0.0.1:1212", &subscriber,
                      argc > 2 ? argv[2] : "drop");
    return weft_run(&sys);
}

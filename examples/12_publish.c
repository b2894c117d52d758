/* SPDX-License-Identifier: MIT */
/* Publish: what one connection sends, every other one gets. One that does not read is nobody's trouble.
 * usage: 12_publish [URL [drop|disconnect]] */
#include <stdlib.h>
#include <string.h>
#include <weft/weft.h>

typedef struct news {
    weft_bytes bytes;
} news;
static const weft_type news_type = WEFT_TYPE_BYTES("news", news, bytes, NULL);

/* What somebody still has to read is charged to the topic, not to who sent it. */
static const weft_topic_config topic = {.name = "topic", .queue_max = 8};

/* [subscriber] */
typedef struct subscriber {
    weft_ref stream;
    weft_msg *waiting; /* until it is let go of, the next ones wait at the topic */
} subscriber;

static weft_err on_opened(weft_actor *self, weft_msg *msg)
{
    subscriber *s = weft_state(self);
    bool drop = strcmp(weft_config(self), "drop") == 0;

    s->stream = weft_sender(msg);
    (void)weft_write(self, s->stream, WEFT_BYTES_LITERAL("welcome\n"));
    return weft_tell(self, weft_named(self, "topic"), weft_topic_subscribe, .not_mine = true,
                     .slow = drop ? WEFT_SLOW_DROP_OLDEST : WEFT_SLOW_DISCONNECT);
}

static weft_err on_data(weft_actor *self, weft_msg *msg)
{
    const weft_data *data = weft_body(msg);
    return weft_tell(self, weft_named(self, "topic"), news, .bytes = data->bytes);
}

static weft_err on_news(weft_actor *self, weft_msg *msg)
{
    subscriber *s = weft_state(self);

    if (weft_write(self, s->stream, ((const news *)weft_body(msg))->bytes) == WEFT_EFULL)
        s->waiting = weft_keep(msg); /* its queue has reached ?write_queue= */
    return WEFT_OK;
}

static weft_err on_drained(weft_actor *self, weft_msg *msg)
{
    subscriber *s = weft_state(self);
    (void)msg;

    if (s->waiting != NULL)
        (void)weft_write(self, s->stream, ((const news *)weft_body(s->waiting))->bytes);
    weft_drop(&s->waiting);
    return WEFT_OK;
}

static weft_err on_topic_ended(weft_actor *self, weft_msg *msg)
{
    const subscriber *s = weft_state(self);
    (void)msg;
    return weft_abort(self, s->stream, WEFT_ELIMIT);
}
/* [/subscriber] */

static const weft_handler handlers[] = {
    {.type = &weft_opened_type, .fn = on_opened},
    {.type = &weft_data_type, .fn = on_data},
    {.type = &news_type, .fn = on_news},
    {.type = &weft_drained_type, .fn = on_drained},
    {.type = &weft_topic_ended_type, .fn = on_topic_ended},
    {0},
};
static const weft_behaviour subscriber_behaviour = {
    .name = "subscriber", .handlers = handlers, .state_bytes = sizeof(subscriber)};

int main(int argc, char **argv)
{
    weft_system *sys = weft_system_new(NULL);
    if (sys == NULL || weft_ref_is_nobody(weft_system_spawn(sys, 0, &weft_topic, &topic)))
        return EXIT_FAILURE;
    (void)weft_listen(sys, argc > 1 ? argv[1] : "tcp://127.0.0.1:1212", &subscriber_behaviour,
                      argc > 2 ? argv[2] : "drop");
    return weft_run(&sys);
}

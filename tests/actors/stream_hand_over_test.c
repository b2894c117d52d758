/* SPDX-License-Identifier: MIT */
/* A stream changes its owner in the middle, and nothing is lost; over every transport. */
#include "actors/stream_kit.h"

enum { USED = 3, TOTAL = 1 << 20 };

static void send_it(weft_actor *self, kit_side *s, weft_msg *msg)
{
    (void)msg;
    (void)kit_send(self, s, 16 << 10);
}

static void close_it(weft_actor *self, kit_side *s, weft_msg *msg)
{
    (void)msg;
    CHECK_OK(weft_close(self, s->stream));
}

static kit_side sender(void)
{
    return (kit_side){.opened = send_it, .total = TOTAL, .end_when_sent = true};
}

/* Runs b, which hands over to c after @used bytes; what c gets must be the whole rest. */
static void check_rest(const kit_transport *by, kit_side *b, uint64_t used)
{
    kit_side a = sender(), c = {.ended = close_it, .got = used};
    kit_run(&(kit_world){.by = by, .a = &a, .b = b, .c = &c});
    CHECK_U64(c.got, TOTAL);
    CHECK_U64(c.wrong, 0);
    CHECK_STR(c.log, "odec");
    CHECK_U64(c.opens, 1);
    CHECK_ERR(c.reason, WEFT_EDONE);
    CHECK_U64(b->closes, 0);
}

static void hand_over(weft_actor *self, kit_side *s, weft_bytes unread)
{
    CHECK_OK(weft_hand_over(self, s->stream, s->world->c->self, unread));
    (void)weft_stop(self, WEFT_OK);
}

static void use_some_and_hand_over(weft_actor *self, kit_side *s, weft_msg *msg)
{
    const weft_data *data = weft_body(msg);
    hand_over(self, s, weft_bytes_slice(data->bytes, USED, SIZE_MAX));
}

static void what_the_old_owner_did_not_use_comes_first_at_the_new_one(void)
{
    KIT_FOR_EACH(by)
    {
        kit_side b = {.data = use_some_and_hand_over};
        check_rest(by, &b, USED);
    }
}

static void hand_over_at_once(weft_actor *self, kit_side *s, weft_msg *msg)
{
    (void)msg;
    hand_over(self, s, WEFT_NO_BYTES);
}

static void a_stream_can_be_handed_over_before_anything_came(void)
{
    KIT_FOR_EACH(by)
    {
        kit_side b = {.opened = hand_over_at_once};
        check_rest(by, &b, 0);
    }
}

static void keep_it(weft_actor *self, kit_side *s, weft_msg *msg)
{
    const weft_data *data = weft_body(msg);
    s->held = weft_keep(msg);
    s->count = data->bytes.size;
    s->kept[s->n_kept++] = weft_bytes_keep(self, weft_bytes_slice(data->bytes, USED, SIZE_MAX));
    CHECK_OK(weft_tell(self, weft_self(self), kit_note, .what = 0));
}

static void hand_over_kept(weft_actor *self, kit_side *s, weft_msg *msg)
{
    (void)msg;
    hand_over(self, s, s->kept[0]);
}

static void a_message_that_is_kept_puts_the_hand_over_off_and_loses_nothing(void)
{
    KIT_FOR_EACH(by)
    {
        kit_side b = {.data = keep_it, .note = hand_over_kept};
        check_rest(by, &b, USED);
    }
}

/* The old owner lives on, and has nothing to do with the stream any more. */
static void hand_over_and_live(weft_actor *self, kit_side *s, weft_msg *msg)
{
    const weft_data *data = weft_body(msg);
    CHECK_OK(weft_hand_over(self, s->stream, s->world->c->self,
                            weft_bytes_slice(data->bytes, USED, SIZE_MAX)));
    CHECK_OK(weft_tell(self, weft_self(self), kit_note, .what = 0));
}

static void stop_later(weft_actor *self, kit_side *s, weft_msg *msg)
{
    (void)s, (void)msg;
    (void)weft_stop(self, WEFT_ELIMIT);
}

static void the_old_owners_end_does_not_end_the_stream(void)
{
    KIT_FOR_EACH(by)
    {
        kit_side b = {.data = hand_over_and_live, .note = stop_later};
        check_rest(by, &b, USED);
    }
}

/* c hands it on before it has read anything: what is unread goes with it. */
static void hand_back(weft_actor *self, kit_side *s, weft_msg *msg)
{
    (void)msg;
    s->opened = NULL;
    CHECK_OK(weft_hand_over(self, s->stream, weft_self(self), WEFT_NO_BYTES));
}

static void a_stream_that_is_handed_on_unread_keeps_what_is_unread(void)
{
    KIT_FOR_EACH(by)
    {
        kit_side a = sender(), b = {.data = use_some_and_hand_over};
        kit_side c = {.opened = hand_back, .ended = close_it, .got = USED};
        kit_run(&(kit_world){.by = by, .a = &a, .b = &b, .c = &c});
        CHECK_U64(c.got, TOTAL);
        CHECK_U64(c.wrong, 0);
        CHECK_STR(c.log, "odec");
        CHECK_U64(c.opens, 2);
    }
}

static void to_nobody(weft_actor *self, kit_side *s, weft_msg *msg)
{
    (void)msg;
    CHECK_OK(weft_hand_over(self, s->stream, WEFT_NOBODY, WEFT_NO_BYTES));
}

static void a_stream_handed_to_nobody_closes(void)
{
    KIT_FOR_EACH(by)
    {
        kit_side a = {.opened = send_it, .total = 5, .ended = close_it}, b = {.data = to_nobody};
        kit_run(&(kit_world){.by = by, .a = &a, .b = &b, .closes = 1});
        CHECK_U64(a.closes, 1);
        CHECK_U64(b.closes, 0);
    }
}

/* ---- the peer goes while the owners change */

static void abort_it(weft_actor *self, kit_side *s, weft_msg *msg)
{
    (void)msg;
    CHECK_OK(weft_abort(self, s->stream, WEFT_EPROTO));
}

static void hand_over_while_it_goes(weft_actor *self, kit_side *s, weft_msg *msg)
{
    kit_tell(self, s->world->a, 0);
    use_some_and_hand_over(self, s, msg);
}

static void a_peer_that_vanishes_meanwhile_is_told_to_the_new_owner(void)
{
    KIT_FOR_EACH(by)
    {
        kit_side a = {.opened = send_it, .total = 5, .note = abort_it};
        kit_side b = {.data = hand_over_while_it_goes}, c = {.got = USED, .ended = close_it};
        kit_run(&(kit_world){.by = by, .a = &a, .b = &b, .c = &c});
        CHECK_ERR(a.reason, WEFT_EPROTO);
        CHECK_U64(b.closes, 0);
        CHECK_U64(c.opens, 1);
        CHECK_U64(c.closes, 1);
        CHECK(c.got <= 5);
        CHECK_U64(c.wrong, 0);
        CHECK(c.reason == WEFT_ELOST || c.reason == WEFT_EDONE || c.reason == WEFT_ETRUNCATED);
    }
}

static const test_case cases[] = {
    TEST(what_the_old_owner_did_not_use_comes_first_at_the_new_one),
    TEST(a_stream_can_be_handed_over_before_anything_came),
    TEST(a_message_that_is_kept_puts_the_hand_over_off_and_loses_nothing),
    TEST(the_old_owners_end_does_not_end_the_stream),
    TEST(a_stream_that_is_handed_on_unread_keeps_what_is_unread),
    TEST(a_stream_handed_to_nobody_closes),
    TEST(a_peer_that_vanishes_meanwhile_is_told_to_the_new_owner),
    {0},
};

const test_suite stream_hand_over_suite = {.name = "actors/stream hand-over", .cases = cases};

/* SPDX-License-Identifier: MIT */
/* The socket below a stream, lent to who writes to it himself: where there is one, and when. */
#include <sys/socket.h>

#include <weft/leaf.h>

#include "actors/stream_kit.h"

enum { LENT = 5, ALL = 2 * LENT };

static const kit_transport *by_now;

/* A stream right above a socket. */
static bool is_bare(const kit_transport *by)
{
    return by->sockets && !by->tls && !by->secure && by->listen_policies == NULL &&
           strncmp(by->name, "nng", 3) != 0;
}

/* `opened` has not been let go of. */
static void try_within(weft_actor *self, kit_side *s, weft_msg *msg)
{
    (void)msg;
    KIT_CHECK(s, weft_stream_socket(self, s->stream) == -1);
    kit_tell(self, s, 0);
}

static void write_both_ways(weft_actor *self, kit_side *s, weft_msg *msg)
{
    uint8_t bytes[ALL];
    int fd = weft_stream_socket(self, s->stream);
    (void)msg;
    for (unsigned i = 0; i < ALL; i++)
        bytes[i] = kit_byte(i);
    KIT_CHECK(s, (fd >= 0) == is_bare(by_now));
    if (fd >= 0)
        KIT_CHECK(s, send(fd, bytes, LENT, MSG_NOSIGNAL) == LENT);
    else
        KIT_CHECK(s, weft_write_copy(self, s->stream, bytes, LENT) == WEFT_OK);
    KIT_CHECK(s, weft_write_copy(self, s->stream, bytes + LENT, LENT) == WEFT_OK);
    /* something waits, and then it has been ended */
    KIT_CHECK(s, weft_stream_socket(self, s->stream) == -1);
    KIT_CHECK(s, weft_end(self, s->stream) == WEFT_OK);
    KIT_CHECK(s, weft_stream_socket(self, s->stream) == -1);
}

static void try_closed(weft_actor *self, kit_side *s, weft_msg *msg)
{
    (void)msg;
    KIT_CHECK(s, weft_stream_socket(self, s->stream) == -1);
}

static void close_it(weft_actor *self, kit_side *s, weft_msg *msg)
{
    (void)msg;
    KIT_CHECK(s, weft_close(self, s->stream) == WEFT_OK);
}

static void a_bare_socket_that_is_idle_is_lent_and_nothing_else(void)
{
    KIT_FOR_EACH(by)
    {
        if (by->terminal)
            continue; /* it knows no half close */
        by_now = by;
        kit_side a = {.opened = try_within, .note = write_both_ways, .closed = try_closed};
        kit_side b = {.ended = close_it};
        kit_run(&(kit_world){.by = by, .a = &a, .b = &b});
        CHECK_U64(b.got, ALL);
        CHECK_U64(b.wrong, 0);
        CHECK_U64(a.faults + b.faults, 0);
    }
}

static void try_far(weft_actor *self, kit_side *s, weft_msg *msg)
{
    KIT_CHECK(s, weft_stream_socket(self, s->stream) == -1);
    close_it(self, s, msg);
}

static void a_stream_of_another_reactor_lends_nothing(void)
{
    kit_side a = {.opened = try_within, .note = try_far};
    kit_side b = {.ended = close_it};
    by_now = &kit_transports[0];
    kit_run(&(kit_world){.by = by_now, .a = &a, .b = &b, .reactors = 2, .far = true});
    CHECK_U64(a.faults + b.faults, 0);
    CHECK_U64(a.closes, 1);
}

static void end_it(weft_actor *self, kit_side *s, weft_msg *msg)
{
    (void)msg;
    KIT_CHECK(s, weft_end(self, s->stream) == WEFT_OK);
}

static void try_ended(weft_actor *self, kit_side *s, weft_msg *msg)
{
    KIT_CHECK(s, weft_stream_socket(self, s->stream) == -1);
    close_it(self, s, msg);
}

static void keep_it(weft_actor *self, kit_side *s, weft_msg *msg)
{
    s->held = weft_keep(msg);
    kit_tell(self, s, 0);
}

/* Once while the message of the end is out, once behind it. */
static void try_behind(weft_actor *self, kit_side *s, weft_msg *msg)
{
    KIT_CHECK(s, weft_stream_socket(self, s->stream) == -1);
    if (s->held != NULL)
        weft_drop(&s->held);
    try_ended(self, s, msg);
}

static void a_peer_that_has_ended_is_not_written_to_by_others(void)
{
    kit_side a = {.opened = end_it};
    kit_side b = {.ended = keep_it, .note = try_behind};
    kit_run(&(kit_world){.by = &kit_transports[0], .a = &a, .b = &b});
    CHECK_U64(a.faults + b.faults, 0);
    CHECK_U64(b.closes, 1);
}

static const test_case cases[] = {
    TEST(a_bare_socket_that_is_idle_is_lent_and_nothing_else),
    TEST(a_stream_of_another_reactor_lends_nothing),
    TEST(a_peer_that_has_ended_is_not_written_to_by_others),
    {0},
};

const test_suite stream_socket_suite = {.name = "actors/stream socket", .cases = cases};

/* SPDX-License-Identifier: MIT */
/* Descriptors over UNIX streams: with their bytes, in order, limited, and never left open. */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include <weft/descriptors.h>
#include <weft/tls.h>

#include "actors/process_kit.h"
#include "actors/stream_kit.h"
#include "alloc.h"

static const kit_transport unix_path = {
    .name = "unix", .url = "unix:" P_tmpdir "/weft-test-fds-%d.sock", .sockets = true};

/* A pipe with @letter in it. Its writing end is closed. */
static int pipe_with(char letter)
{
    int fd[2];
    REQUIRE(pipe2(fd, O_CLOEXEC | O_NONBLOCK) == 0);
    CHECK_I64(write(fd[1], &letter, 1), 1);
    (void)close(fd[1]);
    return fd[0];
}

/* What is in a descriptor that was received, which is closed. */
static char letter_of(int fd)
{
    char letter = '?';
    CHECK_I64(read(fd, &letter, 1), 1);
    CHECK((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
    (void)close(fd);
    return letter;
}

static weft_err send_letter(weft_actor *self, kit_side *s, char letter)
{
    int fd = pipe_with(letter);
    uint8_t text[1] = {(uint8_t)letter};
    weft_bytes bytes;
    uint8_t *to;
    CHECK_OK(weft_bytes_new(1, &to, &bytes));
    to[0] = text[0];
    weft_err err = weft_write_fd(self, s->stream, bytes, fd);
    weft_bytes_drop(&bytes);
    (void)close(fd);
    return err;
}

static void close_it(weft_actor *self, kit_side *s, weft_msg *msg)
{
    (void)msg;
    CHECK_OK(weft_close(self, s->stream));
}

/* ---- in order */

static char seen[1024];

static void want_them(weft_actor *self, kit_side *s, weft_msg *msg)
{
    (void)msg;
    CHECK_I64(weft_take_fd(self, s->stream), -1);
    CHECK_OK(weft_receive_fds(self, s->stream, 0));
    CHECK_I64(weft_take_fd(self, s->stream), -1);
}

/* Capital letters of the text have a descriptor beside them: it is there when they are. */
static void look_at_letters(weft_actor *self, kit_side *s, weft_msg *msg)
{
    const weft_data *data = weft_body(msg);
    for (size_t i = 0; i < data->bytes.size; i++) {
        char c = (char)data->bytes.at[i];
        if (c < 'A' || c > 'Z')
            continue;
        int fd = weft_take_fd(self, s->stream);
        CHECK(fd >= 0);
        if (fd >= 0)
            CHECK_I64(letter_of(fd), c);
        seen[s->count++] = c;
    }
}

static void send_letters(weft_actor *self, kit_side *s, weft_msg *msg)
{
    (void)msg;
    CHECK_OK(weft_write_text(self, s->stream, "some text "));
    CHECK_OK(send_letter(self, s, 'A'));
    CHECK_OK(send_letter(self, s, 'B'));
    CHECK_OK(weft_write_text(self, s->stream, " and more text "));
    CHECK_OK(send_letter(self, s, 'C'));
    CHECK_OK(weft_end(self, s->stream));
}

static void a_descriptor_is_there_when_the_byte_it_was_written_with_is(void)
{
    unsigned fds = process_count_fds();
    kit_side a = {.opened = send_letters, .ended = close_it};
    kit_side b = {.opened = want_them, .data = look_at_letters, .ended = close_it, .raw = true};
    memset(seen, 0, sizeof seen);
    kit_run(&(kit_world){.by = &unix_path, .a = &a, .b = &b});
    CHECK_STR(seen, "ABC");
    CHECK_STR(b.log, "odec");
    CHECK_U64(b.got, 28);
    CHECK_U64(process_count_fds(), fds);
}

static void fill_then_send(weft_actor *self, kit_side *s, weft_msg *msg)
{
    static const char text[100000] = {0};
    (void)msg;
    for (int letter = 'A'; letter <= 'H'; letter++) {
        CHECK_OK(weft_write_copy(self, s->stream, text, sizeof text));
        CHECK_OK(send_letter(self, s, (char)letter));
    }
    CHECK_OK(weft_end(self, s->stream));
}

static void behind_a_long_queue_they_keep_their_places(void)
{
    kit_side a = {.opened = fill_then_send, .ended = close_it};
    kit_side b = {.opened = want_them, .data = look_at_letters, .ended = close_it, .raw = true};
    memset(seen, 0, sizeof seen);
    kit_run(&(kit_world){.by = &unix_path, .a = &a, .b = &b});
    CHECK_STR(seen, "ABCDEFGH");
    CHECK_U64(b.got, 8 * 100001);
}

/* ---- nobody takes them */

static void those_that_nobody_takes_or_wants_are_closed(void)
{
    unsigned fds = process_count_fds();
    kit_side a = {.opened = send_letters, .ended = close_it};
    kit_side b = {.opened = want_them, .ended = close_it, .raw = true};
    kit_run(&(kit_world){.by = &unix_path, .a = &a, .b = &b});
    CHECK_U64(process_count_fds(), fds);
    kit_side c = {.opened = send_letters, .ended = close_it};
    kit_side d = {.ended = close_it, .raw = true};
    kit_run(&(kit_world){.by = &unix_path, .a = &c, .b = &d});
    CHECK_U64(d.got, 28);
    CHECK_U64(process_count_fds(), fds);
}

static void send_and_abort(weft_actor *self, kit_side *s, weft_msg *msg)
{
    (void)msg;
    CHECK_OK(send_letter(self, s, 'A'));
    CHECK_OK(send_letter(self, s, 'B'));
    CHECK_OK(weft_abort(self, s->stream, WEFT_EPROTO));
    CHECK_ERR(send_letter(self, s, 'C'), WEFT_EGONE);
    CHECK_I64(weft_take_fd(self, s->stream), -1);
}

static void those_that_were_not_sent_are_closed(void)
{
    unsigned fds = process_count_fds();
    kit_side a = {.opened = send_and_abort}, b = {.ended = close_it, .raw = true};
    kit_run(&(kit_world){.by = &unix_path, .a = &a, .b = &b});
    CHECK_ERR(a.reason, WEFT_EPROTO);
    CHECK_U64(process_count_fds(), fds);
}

/* ---- limits */

static void want_two(weft_actor *self, kit_side *s, weft_msg *msg)
{
    (void)msg;
    CHECK_OK(weft_receive_fds(self, s->stream, 2));
}

static void more_than_may_wait_close_the_stream(void)
{
    unsigned fds = process_count_fds();
    kit_side a = {.opened = send_letters, .ended = close_it};
    kit_side b = {.opened = want_two, .raw = true, .ended = close_it};
    kit_run(&(kit_world){.by = &unix_path, .a = &a, .b = &b});
    CHECK_ERR(b.reason, WEFT_ELIMIT);
    CHECK_U64(b.closes, 1);
    CHECK_U64(process_count_fds(), fds);
}

static void send_too_many(weft_actor *self, kit_side *s, weft_msg *msg)
{
    (void)msg;
    for (unsigned i = 0; i < WEFT_FDS_QUEUED_MAX; i++)
        CHECK_OK(send_letter(self, s, 'A'));
    CHECK_ERR(send_letter(self, s, 'B'), WEFT_EFULL);
    CHECK_ERR(weft_write_fd(self, s->stream, WEFT_NO_BYTES, 0), WEFT_EINVAL);
    CHECK_ERR(weft_write_fd(self, s->stream, WEFT_BYTES_LITERAL("x"), -1), WEFT_EINVAL);
    CHECK_OK(weft_end(self, s->stream));
}

static void only_so_many_wait_to_be_sent(void)
{
    kit_side a = {.opened = send_too_many, .ended = close_it};
    kit_side b = {.opened = want_them, .data = look_at_letters, .ended = close_it, .raw = true};
    memset(seen, 0, sizeof seen);
    kit_run(&(kit_world){.by = &unix_path, .a = &a, .b = &b});
    CHECK_U64(b.got, WEFT_FDS_QUEUED_MAX);
    CHECK_U64(strlen(seen), WEFT_FDS_QUEUED_MAX);
}

static void try_anyway(weft_actor *self, kit_side *s, weft_msg *msg)
{
    (void)msg;
    CHECK_ERR(weft_write_fd(self, s->stream, WEFT_BYTES_LITERAL("x"), 0), WEFT_EUNSUPPORTED);
    if (!s->world->by->tls)
        CHECK_ERR(weft_receive_fds(self, s->stream, 0), WEFT_EUNSUPPORTED);
    CHECK_I64(weft_take_fd(self, s->stream), -1);
    CHECK_OK(weft_end(self, s->stream));
}

static void other_streams_say_that_they_cannot(void)
{
    static const kit_transport others[] = {
        {.name = "tcp", .url = "tcp://127.0.0.1:0"},
        {.name = "pair"},
        {.name = "tls over unix", .url = "unix:" P_tmpdir "/weft-test-fds-%d.sock", .tls = true},
        {0}};
    for (const kit_transport *by = others; by->name != NULL; by++) {
        kit_side a = {.opened = try_anyway, .ended = close_it}, b = {.ended = close_it};
        kit_run(&(kit_world){.by = by, .a = &a, .b = &b});
        CHECK_ERR(a.reason, WEFT_EDONE);
    }
}

/* ---- memory is out */

static long failing;

static void send_without_memory(weft_actor *self, kit_side *s, weft_msg *msg)
{
    (void)msg;
    int fd = pipe_with('A');
    wf_alloc_fail_after(failing);
    weft_err err = weft_write_fd(self, s->stream, WEFT_BYTES_LITERAL("A"), fd);
    wf_alloc_fail_after(-1);
    (void)close(fd);
    CHECK(err == WEFT_OK || err == WEFT_ENOMEM);
    s->count = err == WEFT_OK;
    CHECK_OK(weft_close(self, s->stream));
}

static void without_memory_nothing_is_sent_or_left(void)
{
    unsigned fds = process_count_fds();
    bool sent = false;
    for (failing = 0; !sent && failing < 20; failing++) {
        kit_side a = {.opened = send_without_memory};
        kit_side b = {.opened = want_them, .data = look_at_letters, .ended = close_it, .raw = true};
        memset(seen, 0, sizeof seen);
        kit_run(&(kit_world){.by = &unix_path, .a = &a, .b = &b});
        sent = a.count == 1;
        CHECK_STR(seen, sent ? "A" : "");
        CHECK_U64(process_count_fds(), fds);
    }
    CHECK(sent && failing > 1);
}

static const test_case cases[] = {
    TEST(a_descriptor_is_there_when_the_byte_it_was_written_with_is),
    TEST(behind_a_long_queue_they_keep_their_places),
    TEST(those_that_nobody_takes_or_wants_are_closed),
    TEST(those_that_were_not_sent_are_closed),
    TEST(more_than_may_wait_close_the_stream),
    TEST(only_so_many_wait_to_be_sent),
    TEST(other_streams_say_that_they_cannot),
    TEST(without_memory_nothing_is_sent_or_left),
    {0},
};

const test_suite descriptors_suite = {.name = "actors/descriptors", .cases = cases};

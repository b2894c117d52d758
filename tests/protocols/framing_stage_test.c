/* SPDX-License-Identifier: MIT */
/* Framings over streams: what the owner is told, however the bytes were split on their way. */
#include "check.h"
#include <weft/testing_stream.h>

#include <stdlib.h>

#include <weft/framing.h>
#include <weft/net.h>

#define URL "sim://framed"

/* What the protocol under test is to do, and what it was told. */
typedef struct served {
    const weft_framing *framing;
    const weft_framer *settings;
    bool answers;        /* with the same frame */
    const char *unframe; /* at this frame the framing ends */
    char text[4096];     /* frames in < >, data in [ ] */
    size_t n, frames, frame_bytes;
    bool ended, closed, keeps;
    weft_err reason, answered, framed;
    char why[96];
    weft_ref actor;
    weft_msg *kept;
} served;

static weft_sim *sim;
static served server;
static weft_sim_peer *client;

static void note(char open, weft_bytes bytes, char close)
{
    if (server.n + bytes.size + 2 < sizeof server.text)
        server.n +=
            (size_t)snprintf(server.text + server.n, sizeof server.text - server.n, "%c%.*s%c",
                             open, (int)bytes.size, (const char *)bytes.at, close);
}

static weft_err on_opened(weft_actor *self, weft_msg *msg)
{
    const weft_opened *opened = weft_body(msg);
    weft_why why = {""};
    server.actor = weft_self(self);
    server.framed = weft_frame_by(self, opened->stream, server.framing, server.settings, &why);
    (void)snprintf(server.why, sizeof server.why, "%.90s", why.text);
    return WEFT_OK;
}

static weft_err on_frame(weft_actor *self, weft_msg *msg)
{
    const weft_frame *frame = weft_body(msg);
    note('<', frame->bytes, '>');
    server.frames++;
    server.frame_bytes += frame->bytes.size;
    if (server.answers)
        server.answered =
            weft_write_frame(self, frame->stream, server.framing, server.settings, frame->bytes);
    if (server.keeps)
        server.kept = weft_keep(msg);
    if (server.unframe != NULL && frame->bytes.size == strlen(server.unframe) &&
        memcmp(frame->bytes.at, server.unframe, frame->bytes.size) == 0)
        return weft_unframe(self, frame->stream);
    return WEFT_OK;
}

static weft_err on_data(weft_actor *self, weft_msg *msg)
{
    const weft_data *data = weft_body(msg);
    (void)self;
    note('[', data->bytes, ']');
    return WEFT_OK;
}

static weft_err on_ended(weft_actor *self, weft_msg *msg)
{
    server.ended = true;
    return weft_close(self, weft_sender(msg));
}

static weft_err on_closed(weft_actor *self, weft_msg *msg)
{
    const weft_closed *closed = weft_body(msg);
    server.closed = true;
    server.reason = closed->reason;
    (void)snprintf(server.why, sizeof server.why, "%s", closed->why);
    return weft_stop(self, WEFT_OK);
}

typedef struct let_go {
    char nothing;
} let_go;
static const weft_type let_go_type = WEFT_TYPE("test.let_go", let_go, NULL);

static weft_err on_let_go(weft_actor *self, weft_msg *msg)
{
    (void)self, (void)msg;
    server.keeps = false;
    weft_drop(&server.kept);
    return WEFT_OK;
}

static const weft_handler handlers[] = {
    {.type = &weft_opened_type, .fn = on_opened}, {.type = &weft_line_type, .fn = on_frame},
    {.type = &weft_frame_type, .fn = on_frame},   {.type = &weft_data_type, .fn = on_data},
    {.type = &weft_ended_type, .fn = on_ended},   {.type = &weft_closed_type, .fn = on_closed},
    {.type = &let_go_type, .fn = on_let_go},      {0},
};

static const weft_behaviour framed = {.name = "test.framed", .handlers = handlers};

static void begin(served what, uint64_t seed, weft_sim_faults faults, const char *url)
{
    weft_sim_options options = {.seed = seed, .faults = faults};
    server = what;
    sim = weft_sim_new(&options);
    REQUIRE(sim != NULL);
    CHECK_OK(weft_listen(weft_sim_system(sim), url, &framed, NULL));
    client = weft_sim_connect(sim, URL);
    REQUIRE(faults.refused != 0 || client->opened);
}

static void finish(void)
{
    CHECK_U64(weft_sim_free(&sim), 0);
}

/* Plays @bytes in steps of each size, with or without an end behind them, and checks what was told.
 */
static void told_n(served what, const void *bytes, size_t n, bool end, const char *want,
                   weft_err reason)
{
    for (size_t step = 1; step <= n; step = step == 1 ? 2 : step == 2 ? 7 : step < n ? n : n + 1) {
        begin(what, step, (weft_sim_faults){0}, URL);
        CHECK_OK(server.framed);
        weft_sim_peer_send_steps(client, bytes, n, step);
        if (end)
            weft_sim_peer_end(client);
        CHECK_STR(server.text, want);
        if (reason == WEFT_OK)
            CHECK(!server.closed);
        else {
            CHECK(server.closed);
            CHECK_ERR(server.reason, reason);
            CHECK(server.ended == (reason == WEFT_EDONE));
        }
        finish();
    }
}

static void told(served what, const char *text, bool end, const char *want, weft_err reason)
{
    told_n(what, text, strlen(text), end, want, reason);
}

/* ---- the tests */

static void each_line_is_a_message(void)
{
    const served lines = {.framing = &weft_lines};
    told(lines, "one\r\ntwo\n\nthree", false, "<one><two><>", WEFT_OK);
    told(lines, "one\ntwo\n", true, "<one><two>", WEFT_EDONE);
    told(lines, "\r\n\r\n\r\r\n", true, "<><><\r>", WEFT_EDONE);
}

static void each_frame_is_a_message(void)
{
    const weft_framer little = {.little_endian = true};
    told((served){.framing = &weft_netstrings}, "3:one,0:,5:three,", true, "<one><><three>",
         WEFT_EDONE);
    told_n((served){.framing = &weft_prefix8}, "\3one\0\5three", 11, true, "<one><><three>",
           WEFT_EDONE);
    told_n((served){.framing = &weft_prefix16}, "\0\3one\0\0\0\5three", 14, true, "<one><><three>",
           WEFT_EDONE);
    told_n((served){.framing = &weft_prefix32, .settings = &little},
           "\3\0\0\0one\0\0\0\0\5\0\0\0three", 20, true, "<one><><three>", WEFT_EDONE);
}

static void an_end_inside_a_frame_is_a_truncation(void)
{
    told((served){.framing = &weft_netstrings}, "3:one,3:tw", true, "<one>", WEFT_ETRUNCATED);
    told((served){.framing = &weft_netstrings}, "1", true, "", WEFT_ETRUNCATED);
    told_n((served){.framing = &weft_prefix16}, "\0\3one\0", 6, true, "<one>", WEFT_ETRUNCATED);
    told((served){.framing = &weft_lines}, "one\ntwo", true, "<one>", WEFT_ETRUNCATED);
    CHECK(strstr(server.why, "3 bytes") != NULL && strstr(server.why, "lines") != NULL);
}

static void a_last_line_without_its_end_is_a_line_if_that_was_asked_for(void)
{
    const weft_framer settings = {.unended_last = true, .frame_bytes_max = 4};
    const served lines = {.framing = &weft_lines, .settings = &settings};
    told(lines, "one\ntwo", true, "<one><two>", WEFT_EDONE);
    told(lines, "one\n", true, "<one>", WEFT_EDONE);
    told(lines, "one\r", true, "<one\r>", WEFT_EDONE);
    told(lines, "four\r\n", true, "<four>", WEFT_EDONE);
    told(lines, "four\r", true, "", WEFT_ETOOBIG);
}

static void what_is_too_long_or_malformed_loses_the_stream(void)
{
    const weft_framer four = {.frame_bytes_max = 4},
                      two = {.delimiter = "\r\n", .delimiter_bytes = 2};
    told((served){.framing = &weft_lines, .settings = &four}, "four\nfives\n", false, "<four>",
         WEFT_ETOOBIG);
    told((served){.framing = &weft_netstrings, .settings = &four}, "4:four,5:", false, "<four>",
         WEFT_ETOOBIG);
    told((served){.framing = &weft_netstrings}, "1:a,x", false, "<a>", WEFT_EPROTO);
    told((served){.framing = &weft_lines, .settings = &two}, "a\nb\r\n", false, "<a\nb>", WEFT_OK);
}

static void a_frame_that_is_kept_holds_back_the_next(void)
{
    begin((served){.framing = &weft_lines, .keeps = true}, 1, (weft_sim_faults){0}, URL);
    weft_sim_peer_send(client, "one\ntwo\nthree\n", 14);
    CHECK_STR(server.text, "<one>");
    (void)weft_sim_tell(sim, server.actor, let_go, .nothing = 0);
    (void)weft_sim_run(sim);
    CHECK_STR(server.text, "<one><two><three>");
    finish();
}

static void what_comes_behind_the_frame_that_ends_the_framing_is_data(void)
{
    for (size_t step = 1; step < 20; step++) {
        begin((served){.framing = &weft_lines, .unframe = "DATA"}, step, (weft_sim_faults){0}, URL);
        weft_sim_peer_send_steps(client, "one\nDATA\nraw\nbytes", 18, step);
        CHECK(strncmp(server.text, "<one><DATA>[", 12) == 0);
        CHECK(strchr(server.text + 12, '<') == NULL);
        finish();
    }
}

static void frames_are_written_whole_with_what_stands_around_them(void)
{
    static const struct {
        const weft_framing *framing;
        const char *bytes;
        size_t n;
    } rows[] = {{&weft_lines, "one\ntwo\n\n", 9},
                {&weft_netstrings, "3:one,0:,", 9},
                {&weft_prefix8, "\3one\0", 5},
                {&weft_prefix32, "\0\0\0\3one\0\0\0\0", 11}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        begin((served){.framing = rows[i].framing, .answers = true}, 1, (weft_sim_faults){0}, URL);
        weft_sim_peer_send(client, rows[i].bytes, rows[i].n);
        CHECK_OK(server.answered);
        CHECK_MEM(client->got, client->got_bytes, rows[i].bytes, rows[i].n);
        finish();
    }
}

static void a_frame_that_would_be_read_back_as_another_is_not_written(void)
{
    const weft_framer two = {.delimiter = "\r\n", .delimiter_bytes = 2};
    begin((served){.framing = &weft_lines, .answers = true, .settings = &two}, 1,
          (weft_sim_faults){0}, URL);
    weft_sim_peer_send(client, "one\r\r\n", 6);
    CHECK_STR(server.text, "<one\r>");
    CHECK_OK(server.answered);
    finish();
    begin((served){.framing = &weft_lines, .answers = true}, 1, (weft_sim_faults){0}, URL);
    weft_sim_peer_send(client, "one\r\r\n", 6);
    CHECK_ERR(server.answered, WEFT_EINVAL);
    CHECK_U64(client->got_bytes, 0);
    finish();
}

/* @count frames of @size bytes behind 32-bit prefixes. */
static uint8_t *frames_of(size_t size, size_t count)
{
    uint8_t *all = calloc(count, size + 4);
    REQUIRE(all != NULL);
    for (size_t i = 0; i < count; i++) {
        uint8_t *at = all + i * (size + 4);
        at[1] = (uint8_t)(size >> 16), at[2] = (uint8_t)(size >> 8), at[3] = (uint8_t)size;
        memset(at + 4, (int)('a' + i % 26), size);
    }
    return all;
}

static void frames_of_the_greatest_size_pass_with_the_settings_that_come_with_weft(void)
{
    const size_t size = WEFT_FRAME_BYTES_MAX, count = 40;
    uint8_t *all = frames_of(size, count);
    for (uint64_t seed = 1; seed <= 8; seed++) {
        weft_sim_faults faults = {.short_read = seed > 4 ? 200000 : 0};
        begin((served){.framing = &weft_prefix32, .answers = true}, seed, faults, URL);
        weft_sim_peer_send(client, all, count * (size + 4));
        weft_sim_peer_end(client);
        CHECK_U64(server.frames, count);
        CHECK_U64(server.frame_bytes, count * size);
        CHECK_ERR(server.reason, WEFT_EDONE);
        CHECK_MEM(client->got, client->got_bytes, all, count * (size + 4));
        finish();
    }
    free(all);
}

static void a_frame_that_the_window_cannot_hold_is_a_typed_failure(void)
{
    const weft_framer big = {.frame_bytes_max = 1U << 20};
    uint8_t *all = frames_of(1U << 20, 1);
    begin((served){.framing = &weft_prefix32, .settings = &big}, 1, (weft_sim_faults){0},
          URL "?window=64k");
    weft_sim_peer_send(client, all, (1U << 20) + 4);
    CHECK(server.closed);
    CHECK_ERR(server.reason, WEFT_ETOOBIG);
    finish();
    begin((served){.framing = &weft_prefix32, .settings = &big}, 1, (weft_sim_faults){0},
          URL "?window=4M");
    weft_sim_peer_send(client, all, (1U << 20) + 4);
    CHECK_U64(server.frames, 1);
    finish();
    free(all);
}

static void a_peer_that_does_not_read_gets_whole_frames_and_no_part_of_one(void)
{
    const size_t size = 50000, count = 60;
    uint8_t *all = frames_of(size, count);
    begin((served){.framing = &weft_prefix32, .answers = true}, 1, (weft_sim_faults){0},
          URL "?write_queue=200k");
    weft_sim_peer_deaf(client, true);
    weft_sim_peer_send(client, all, count * (size + 4));
    weft_sim_peer_deaf(client, false);
    CHECK(client->got_bytes > 0);
    CHECK_U64(client->got_bytes % (size + 4), 0);
    finish();
    free(all);
}

static void settings_that_cannot_be_are_refused_and_the_stream_stays_as_it_was(void)
{
    const weft_framer nine = {.delimiter_bytes = 9};
    begin((served){.framing = &weft_lines, .settings = &nine}, 1, (weft_sim_faults){0}, URL);
    CHECK_ERR(server.framed, WEFT_EINVAL);
    CHECK(strstr(server.why, "9") != NULL);
    weft_sim_peer_send(client, "one\n", 4);
    CHECK_STR(server.text, "[one\n]");
    finish();
}

static void random_reads_and_lost_links_give_a_prefix_of_the_lines_or_all(void)
{
    static const char text[] = "a line\r\nanother one\n\nand the fourth, which is longer\n5\n";
    static const char want[] = "<a line><another one><><and the fourth, which is longer><5>";
    for (uint64_t seed = 1; seed <= 200; seed++) {
        begin((served){.framing = &weft_lines}, seed,
              (weft_sim_faults){.lost = 30000, .short_read = 500000, .short_write = 300000}, URL);
        weft_sim_peer_send_steps(client, text, sizeof text - 1, 1 + seed % 11);
        weft_sim_peer_end(client);
        (void)weft_sim_settle(sim, 1000);
        CHECK(strncmp(server.text, want, server.n) == 0);
        CHECK(!server.closed || server.reason != WEFT_EDONE || strcmp(server.text, want) == 0);
        finish();
    }
}

static const test_case cases[] = {
    TEST(each_line_is_a_message),
    TEST(each_frame_is_a_message),
    TEST(an_end_inside_a_frame_is_a_truncation),
    TEST(a_last_line_without_its_end_is_a_line_if_that_was_asked_for),
    TEST(what_is_too_long_or_malformed_loses_the_stream),
    TEST(a_frame_that_is_kept_holds_back_the_next),
    TEST(what_comes_behind_the_frame_that_ends_the_framing_is_data),
    TEST(frames_are_written_whole_with_what_stands_around_them),
    TEST(a_frame_that_would_be_read_back_as_another_is_not_written),
    TEST(frames_of_the_greatest_size_pass_with_the_settings_that_come_with_weft),
    TEST(a_frame_that_the_window_cannot_hold_is_a_typed_failure),
    TEST(a_peer_that_does_not_read_gets_whole_frames_and_no_part_of_one),
    TEST(settings_that_cannot_be_are_refused_and_the_stream_stays_as_it_was),
    TEST(random_reads_and_lost_links_give_a_prefix_of_the_lines_or_all),
    {0},
};

const test_suite framing_stage_suite = {.name = "protocols/framing_stage", .cases = cases};

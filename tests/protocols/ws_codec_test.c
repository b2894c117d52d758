/* SPDX-License-Identifier: MIT */
/* WebSocket frames, UTF-8 in pieces, keys and the agreement on packing: bytes alone. */
#include "check.h"
#include "ws_codec.h"
#include "ws_extension.h"
#include "ws_handshake.h"

#include <string.h>

#define TEXT(s) ((weft_http_text){(s), sizeof(s) - 1})

/* ---- what comes of bytes, as a line: "t5:hello." is a text's last piece; "b3:abc+" more of it follows */

static wf_ws_codec codec;
static char told[4096];
static uint16_t code;
static weft_why why;

static void note(const wf_ws_event *e)
{
    size_t n = strlen(told);
    const char *kind = e->kind == WF_WS_PING    ? "ping"
                       : e->kind == WF_WS_PONG  ? "pong"
                       : e->kind == WF_WS_CLOSE ? "close"
                       : e->text                ? "t"
                                                : "b";
    (void)snprintf(told + n, sizeof told - n, "%s%s", kind, e->packed ? "*" : "");
    n = strlen(told);
    if (e->kind == WF_WS_CLOSE)
        (void)snprintf(told + n, sizeof told - n, "%u", e->code);
    n = strlen(told);
    (void)snprintf(told + n, sizeof told - n, ":%.*s%s", (int)e->n, (const char *)e->at,
                   e->kind != WF_WS_PIECE ? "!"
                   : e->last              ? "."
                                          : "+");
}

/* Reads all of @at in pieces of @step. errors: the codec's. */
static weft_err read_steps(bool client, bool packs, const void *at, size_t n, size_t step)
{
    const wf_ws_limits limits = {.message_bytes_max = 1000};
    const uint8_t *in = at;
    weft_err err = WEFT_OK;
    told[0] = '\0';
    CHECK_OK(wf_ws_init(&codec, client, packs, &limits));
    for (size_t i = 0; i < n && err == WEFT_OK;) {
        size_t size = n - i < step ? n - i : step, used;
        wf_ws_event event;
        uint8_t copy[4096];
        memcpy(copy, in + i, size);
        do {
            err = wf_ws_read(&codec, copy, size, &used, &event, &code, &why);
            CHECK(used <= size);
            memmove(copy, copy + used, size - used);
            size -= used;
            i += used;
            if (err == WEFT_OK && event.kind != WF_WS_NOTHING)
                note(&event);
        } while (err == WEFT_OK && event.kind != WF_WS_NOTHING);
        CHECK(err != WEFT_OK || size == 0);
    }
    wf_ws_done(&codec);
    return err;
}

#define READ(client, bytes) read_steps((client), false, bytes, sizeof(bytes) - 1, sizeof(bytes))

static void the_examples_of_the_standard_are_read(void)
{
    /* RFC 6455 section 5.7 */
    CHECK_OK(READ(true, "\x81\x05\x48\x65\x6c\x6c\x6f"));
    CHECK_STR(told, "t:Hello.");
    CHECK_OK(READ(false, "\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"));
    CHECK_STR(told, "t:Hello.");
    CHECK_OK(READ(true, "\x01\x03\x48\x65\x6c\x80\x02\x6c\x6f"));
    CHECK_STR(told, "t:Hel+t:lo.");
    CHECK_OK(READ(true, "\x89\x05\x48\x65\x6c\x6c\x6f"));
    CHECK_STR(told, "ping:Hello!");
    CHECK_OK(READ(false, "\x8a\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"));
    CHECK_STR(told, "pong:Hello!");
}

static void a_message_goes_on_around_control_frames(void)
{
    CHECK_OK(READ(true, "\x02\x01"
                        "a"
                        "\x89\x01"
                        "p"
                        "\x00\x01"
                        "b"
                        "\x80\x01"
                        "c"
                        "\x88\x04\x03\xe8ok"));
    CHECK_STR(told, "b:a+ping:p!b:b+b:c.close1000:ok!");
}

static void every_cut_is_read_the_same(void)
{
    static const char bytes[] = "\x01\x03\x48\x65\x6c\x89\x00\x80\x02\x6c\x6f\x82\x00\x88\x00";
    for (size_t step = 1; step < sizeof bytes; step++) {
        CHECK_OK(read_steps(true, false, bytes, sizeof bytes - 1, step));
        char joined[128];
        size_t n = 0;
        /* pieces of one message may be cut anywhere */
        for (const char *c = told; *c != '\0'; c++)
            if (c[0] == '+' && c[1] == 't')
                c += 2;
            else
                joined[n++] = *c;
        joined[n] = '\0';
        CHECK_STR(joined, "t:Hel+ping:!t:lo.b:.close1005:!");
    }
}

static void long_lengths_are_read(void)
{
    static uint8_t bytes[4 + 900] = {0x82, 126, 900 >> 8, 900 & 255};
    CHECK_OK(read_steps(true, false, bytes, sizeof bytes, sizeof bytes));
    CHECK_U64(codec.message_bytes, 900);
}

static void what_is_beyond_the_limit_is_1009(void)
{
    static uint8_t bytes[4 + 1] = {0x82, 126, 3, 233, 'x'};
    CHECK_ERR(read_steps(true, false, bytes, sizeof bytes, 99), WEFT_ETOOBIG);
    CHECK_U64(code, 1009);
    static uint8_t two[2 + 125 + 2 + 1] = {0x02, 125};
    two[127] = 0x80;
    two[128] = 1;
    CHECK_OK(read_steps(true, false, two, sizeof two, 99));
}

static const struct {
    const char *bytes;
    size_t n;
    uint16_t code;
    const char *why;
} broken[] = {
#define ROW(b, c, w)           \
    {                          \
        b, sizeof(b) - 1, c, w \
    }
    ROW("\x81\x81\x00\x00\x00\x00x", 1002, "is masked"),
    ROW("\xc1\x01x", 1002, "compressed, which was not agreed on"),
    ROW("\xa1\x01x", 1002, "reserved bits"),
    ROW("\x83\x01x", 1002, "of a kind that there is not"),
    ROW("\x8b\x01x", 1002, "of a kind that there is not"),
    ROW("\x80\x01x", 1002, "has not begun"),
    ROW("\x01\x01x\x01\x01x", 1002, "within another"),
    ROW("\x09\x01x", 1002, "not well-formed"),
    ROW("\x88\x01x", 1002, "of one byte"),
    ROW("\x88\x02\x03\xed", 1002, "may not be sent"),
    ROW("\x88\x02\x03\xe7", 1002, "may not be sent"),
    ROW("\x88\x02\x13\x88", 1002, "may not be sent"),
    ROW("\x88\x03\x03\xe8\xff", 1007, "reason that is not UTF-8"),
    ROW("\x82\x7f\x00\x00\x00\x00\x00\x00\x00\x01x", 1002, "not well-formed"),
    ROW("\x81\x01\xff", 1007, "not UTF-8"),
    ROW("\x81\x01\xc3", 1007, "not UTF-8"),
    ROW("\x01\x01\xc3\x80\x01x", 1007, "not UTF-8"),
#undef ROW
};

static void what_breaks_a_rule_is_refused_with_its_code(void)
{
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
        weft_err err = read_steps(true, false, broken[i].bytes, broken[i].n, 99);
        CHECK_ERR(err, WEFT_EPROTO);
        CHECK_U64(code, broken[i].code);
        CHECK(strstr(why.text, broken[i].why) != NULL);
    }
    CHECK_ERR(READ(false, "\x81\x01x"), WEFT_EPROTO);
    CHECK(strstr(why.text, "is not masked") != NULL);
}

static void what_comes_behind_a_close_is_not_looked_at(void)
{
    CHECK_OK(READ(true, "\x88\x00\xff\xff\xff"));
    CHECK_STR(told, "close1005:!");
}

static void packed_messages_are_told_as_they_are(void)
{
    CHECK_OK(read_steps(true, true, "\xc1\x02\xff\xfe", 4, 99));
    CHECK_STR(told, "t*:\xff\xfe.");
    CHECK_ERR(read_steps(true, true, "\x41\x01x\xc0\x01x", 6, 99), WEFT_EPROTO);
}

/* ---- heads and masks */

static void heads_say_what_was_meant(void)
{
    static const uint8_t mask[4] = {1, 2, 3, 4};
    static const uint64_t sizes[] = {0, 125, 126, 999};
    uint8_t frame[WF_WS_HEAD_BYTES_MAX + 1000] = {0};
    for (size_t i = 0; i < 4; i++) {
        size_t n = wf_ws_head(frame, WEFT_WS_BINARY, false, sizes[i], NULL);
        CHECK_OK(read_steps(true, false, frame, n + sizes[i], 2000));
        n = wf_ws_head(frame, WEFT_WS_BINARY, false, sizes[i], mask);
        CHECK_OK(read_steps(false, false, frame, n + sizes[i], 2000));
        CHECK_U64(codec.message_bytes, sizes[i]);
    }
    CHECK_U64(wf_ws_head(frame, WEFT_WS_TEXT, true, 1 << 20, NULL), 10);
    CHECK_U64(frame[0], 0xc1);
}

static void masking_twice_is_nothing(void)
{
    uint8_t from[37], to[37];
    static const uint8_t mask[4] = {0xde, 0xad, 0xbe, 0xef};
    for (size_t n = 0; n <= sizeof from; n++) {
        memset(from, 'a', sizeof from);
        wf_ws_mask(to, from, n, mask);
        for (size_t i = 0; i < n; i++)
            CHECK_U64(to[i], (uint8_t)('a' ^ mask[i & 3]));
        wf_ws_mask(to, to, n, mask);
        CHECK(memcmp(to, from, n) == 0);
    }
}

/* ---- UTF-8 */

static bool is_utf8(const char *text, size_t n, size_t step)
{
    wf_ws_utf8 u = {0};
    for (size_t i = 0; i < n; i += step)
        if (!wf_ws_utf8_add(&u, (const uint8_t *)text + i, n - i < step ? n - i : step))
            return false;
    return wf_ws_utf8_whole(&u);
}

static void utf8_is_told_from_the_rest_however_it_is_cut(void)
{
    static const char *const good[] = {"",
                                       "ascii, more than eight of it",
                                       "\xc2\x80",
                                       "\xdf\xbf",
                                       "\xe0\xa0\x80",
                                       "\xed\x9f\xbf",
                                       "\xee\x80\x80",
                                       "\xf0\x90\x80\x80",
                                       "\xf4\x8f\xbf\xbf",
                                       "\xe2\x82\xac."};
    static const char *const bad[] = {
        "\x80",         "\xc0\x80",         "\xc1\xbf",         "\xe0\x9f\xbf",
        "\xed\xa0\x80", "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80",
        "\xc3",         "\xe2\x82",         "\xf0\x90\x80",     "\xc3(",
        "abcdefgh\xff"};
    for (size_t step = 1; step < 10; step++) {
        for (size_t i = 0; i < sizeof good / sizeof *good; i++)
            CHECK(is_utf8(good[i], strlen(good[i]), step));
        for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
            CHECK(!is_utf8(bad[i], strlen(bad[i]), step));
    }
}

/* ---- the handshake */

static void the_key_of_the_standard_is_answered(void)
{
    char accept[WF_WS_ACCEPT_BYTES + 1];
    /* RFC 6455 section 1.3 */
    CHECK(wf_ws_accept_of(TEXT("dGhlIHNhbXBsZSBub25jZQ=="), accept));
    CHECK_STR(accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    CHECK(wf_ws_key_is_valid(TEXT("dGhlIHNhbXBsZSBub25jZQ==")));
    CHECK(!wf_ws_key_is_valid(TEXT("dGhlIHNhbXBsZSBub25jZQ=")));
    CHECK(!wf_ws_key_is_valid(TEXT("dGhlIHNhbXBsZSBub25j!Q==")));
    CHECK(!wf_ws_key_is_valid(TEXT("dGhlIHNhbXBsZSBub25jZQ=x")));
    CHECK(!wf_ws_key_is_valid((weft_http_text){NULL, 0}));
}

static void of_subprotocols_ours_decides(void)
{
    const char *const ours[] = {"v2", "v1", NULL};
    CHECK_STR(wf_ws_protocol_choose(ours, TEXT("v1, v2")), "v2");
    CHECK_STR(wf_ws_protocol_choose(ours, TEXT("v1,chat")), "v1");
    CHECK(wf_ws_protocol_choose(ours, TEXT("V1")) == NULL);
    CHECK(wf_ws_protocol_choose(NULL, TEXT("v1")) == NULL);
    CHECK(wf_ws_protocol_choose(ours, (weft_http_text){NULL, 0}) == NULL);
}

static void packing_is_agreed_on_as_offered(void)
{
    static const struct {
        const char *offer;
        bool agreed;
        unsigned bits;
    } rows[] = {
        {"permessage-deflate", true, 15},
        {"permessage-deflate; client_max_window_bits", true, 15},
        {"permessage-deflate; client_max_window_bits=10; server_no_context_takeover", true, 15},
        {"permessage-deflate; server_max_window_bits=10", true, 10},
        {"permessage-deflate; server_max_window_bits=\"12\"", true, 12},
        {"permessage-deflate;server_max_window_bits=8, permessage-deflate", true, 15},
        {"x-webkit-deflate-frame, permessage-deflate", true, 15},
        {"permessage-deflate; server_max_window_bits=8", false, 0},
        {"permessage-deflate; server_max_window_bits=16", false, 0},
        {"permessage-deflate; server_max_window_bits=010", false, 0},
        {"permessage-deflate; server_max_window_bits", false, 0},
        {"permessage-deflate; server_no_context_takeover=1", false, 0},
        {"permessage-deflate; unheard_of", false, 0},
        {"permessage-deflate; client_max_window_bits; client_max_window_bits", false, 0},
        {"permessage-deflate x", false, 0},
        {"permessage-bzip2", false, 0},
        {"", false, 0},
        {";;;===,,,", false, 0},
    };
    char answer[WF_WS_EXTENSION_BYTES];
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        weft_http_text offer = {rows[i].offer, (uint32_t)strlen(rows[i].offer)};
        wf_ws_deflate got = wf_ws_extension_accept(offer, answer);
        CHECK(got.agreed == rows[i].agreed);
        CHECK_U64(got.window_bits, rows[i].bits);
        CHECK((answer[0] != '\0') == rows[i].agreed);
    }
    CHECK(wf_ws_extension_accept((weft_http_text){NULL, 0}, answer).agreed == false);
}

static void an_answer_that_was_not_offered_is_noticed(void)
{
    wf_ws_deflate got;
    CHECK(wf_ws_extension_agreed((weft_http_text){NULL, 0}, &got) && !got.agreed);
    CHECK(wf_ws_extension_agreed(TEXT(WF_WS_OFFER), &got) && got.agreed);
    CHECK(!wf_ws_extension_agreed(TEXT("permessage-deflate"), &got));
    CHECK(!wf_ws_extension_agreed(TEXT("permessage-bzip2"), &got));
    CHECK(!wf_ws_extension_agreed(TEXT(WF_WS_OFFER ", " WF_WS_OFFER), &got));
    CHECK(!wf_ws_extension_agreed(TEXT(WF_WS_OFFER "; client_max_window_bits=9"), &got));
}

static const test_case cases[] = {
    TEST(the_examples_of_the_standard_are_read),
    TEST(a_message_goes_on_around_control_frames),
    TEST(every_cut_is_read_the_same),
    TEST(long_lengths_are_read),
    TEST(what_is_beyond_the_limit_is_1009),
    TEST(what_breaks_a_rule_is_refused_with_its_code),
    TEST(what_comes_behind_a_close_is_not_looked_at),
    TEST(packed_messages_are_told_as_they_are),
    TEST(heads_say_what_was_meant),
    TEST(masking_twice_is_nothing),
    TEST(utf8_is_told_from_the_rest_however_it_is_cut),
    TEST(the_key_of_the_standard_is_answered),
    TEST(of_subprotocols_ours_decides),
    TEST(packing_is_agreed_on_as_offered),
    TEST(an_answer_that_was_not_offered_is_noticed),
    {0},
};
const test_suite ws_codec_suite = {.name = "protocols/ws_codec", .cases = cases};

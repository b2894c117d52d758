/* SPDX-License-Identifier: MIT */
/* Frames and records of links: what is written is read, however it is cut; what cannot be is refused before
 * anything is taken for it. */
#include "check.h"
#include "random.h"

#include <stdlib.h>

#include "link_bytes.h"
#include "link_codec.h"

static weft_why why;

/* The next frame of @n bytes at @from, given to @reader in a block of exactly its size. */
static weft_err read_whole(const void *from, size_t n, uint32_t max, link_frame *out)
{
    link_reader reader = {.bytes_max = max};
    const uint8_t *at = from;
    weft_err err = wf_link_read(&reader, &at, &n, out, &why);
    wf_link_reader_done(&reader);
    return err;
}

static size_t write_frame(uint8_t *to, link_kind kind, uint64_t seq, const void *body, size_t n)
{
    wf_link_write_head(to, kind, seq, (uint32_t)n);
    if (n != 0)
        memcpy(to + LINK_HEAD_BYTES, body, n);
    return LINK_HEAD_BYTES + n;
}

/* ---- frames */

static void a_frame_that_comes_whole_is_read_where_it_stands(void)
{
    uint8_t bytes[64];
    link_frame f;
    size_t n = write_frame(bytes, LINK_MAIL, 7, "12345678", 8);
    CHECK_OK(read_whole(bytes, n, 64, &f));
    CHECK(f.kind == LINK_MAIL && f.bytes == 8 && f.body == bytes + LINK_HEAD_BYTES);
    CHECK_U64(f.seq, 7);
}

/* Reads all of @bytes in pieces and compares each frame with its number. */
static void read_in_pieces(const uint8_t *bytes, size_t all, size_t frames, test_random *random,
                           size_t piece_max)
{
    link_reader reader = {.bytes_max = 1024};
    uint64_t seq = 0;
    for (size_t at = 0; at < all;) {
        size_t piece = 1 + test_below(random, piece_max);
        piece = piece < all - at ? piece : all - at;
        uint8_t *block = malloc(piece);
        const uint8_t *p = block;
        size_t n = piece;
        link_frame f;
        weft_err err;
        REQUIRE(block != NULL);
        memcpy(block, bytes + at, piece);
        while ((err = wf_link_read(&reader, &p, &n, &f, &why)) == WEFT_OK) {
            CHECK_U64(f.seq, ++seq);
            CHECK_U64(f.bytes, seq % 200);
            for (uint32_t i = 0; i < f.bytes; i++)
                CHECK(f.body[i] == (uint8_t)(seq + i));
        }
        CHECK_ERR(err, WEFT_EFULL);
        CHECK_U64(n, 0);
        free(block);
        at += piece;
    }
    CHECK_U64(seq, frames);
    wf_link_reader_done(&reader);
}

static void frames_come_the_same_however_they_are_cut(void)
{
    enum { FRAMES = 300, ROOM = FRAMES * (LINK_HEAD_BYTES + 200) };
    uint8_t *bytes = malloc(ROOM);
    size_t n = 0;
    test_random random = {11};
    REQUIRE(bytes != NULL);
    for (uint64_t seq = 1; seq <= FRAMES; seq++) {
        uint8_t body[200];
        for (size_t i = 0; i < seq % 200; i++)
            body[i] = (uint8_t)(seq + i);
        n += write_frame(bytes + n, LINK_MAIL, seq, body, seq % 200);
    }
    read_in_pieces(bytes, n, FRAMES, &random, 1);
    read_in_pieces(bytes, n, FRAMES, &random, 40);
    read_in_pieces(bytes, n, FRAMES, &random, 5000);
    free(bytes);
}

static void a_frame_may_have_as_many_bytes_as_the_limit_and_no_more(void)
{
    uint8_t head[LINK_HEAD_BYTES];
    link_frame f;
    wf_link_write_head(head, LINK_MAIL, 1, LINK_FRAME_BYTES_MAX);
    CHECK_ERR(read_whole(head, sizeof head, LINK_FRAME_BYTES_MAX, &f), WEFT_EFULL);
    wf_link_write_head(head, LINK_MAIL, 1, LINK_FRAME_BYTES_MAX + 1);
    CHECK_ERR(read_whole(head, sizeof head, LINK_FRAME_BYTES_MAX, &f), WEFT_ETOOBIG);
    CHECK_STR(why.text, "a mail frame of 262145 bytes; expected 262144 at most");
    wf_link_write_head(head, LINK_MAIL, 1, UINT32_MAX);
    CHECK_ERR(read_whole(head, sizeof head, LINK_FRAME_BYTES_MAX, &f), WEFT_ETOOBIG);
}

static void a_frame_of_no_known_kind_or_with_flags_is_refused(void)
{
    uint8_t head[LINK_HEAD_BYTES];
    link_frame f;
    for (unsigned kind = 0; kind < 256; kind++) {
        bool known = kind >= LINK_HELLO && kind <= LINK_BYE;
        wf_link_write_head(head, (link_kind)kind, 1, 0);
        CHECK_ERR(read_whole(head, sizeof head, 64, &f), known ? WEFT_OK : WEFT_EPROTO);
    }
    for (unsigned at = 5; at < 8; at++) {
        wf_link_write_head(head, LINK_PING, 1, 0);
        head[at] = 1;
        CHECK_ERR(read_whole(head, sizeof head, 64, &f), WEFT_EPROTO);
    }
}

/* ---- records */

static const link_record examples[] = {
    {.op = LINK_OP_TELL,
     .type = 1,
     .dst = 77,
     .src = 88,
     .payload = (const uint8_t *)"abc",
     .bytes = 3},
    {.op = LINK_OP_ASK,
     .type = 2,
     .dst = 3,
     .src = 88,
     .req = 5,
     .flags = LINK_NAMED | LINK_CONTEXT,
     .trace = UINT64_C(0x1122334455667788),
     .left_ms = 1500,
     .payload = (const uint8_t *)"12345678",
     .bytes = 8},
    {.op = LINK_OP_REPLY, .type = 3, .src = 9, .req = 5},
    {.op = LINK_OP_FAIL, .req = 5, .code = WEFT_EGONE, .payload = (const uint8_t *)"x", .bytes = 1},
    {.op = LINK_OP_CANCEL, .req = 6},
    {.op = LINK_OP_MONITOR, .dst = 4, .req = 1, .flags = LINK_LIFE},
    {.op = LINK_OP_DEMONITOR, .req = 1},
    {.op = LINK_OP_DOWN, .req = 1, .code = WEFT_ELOST},
    {.op = LINK_OP_RESTARTED, .req = 1},
    {.op = LINK_OP_LINK, .dst = 4, .src = 5},
    {.op = LINK_OP_STREAM, .dst = 4, .req = 1, .flags = LINK_NAMED},
    {.op = LINK_OP_BYTES, .req = 1},
    {.op = LINK_OP_ROOM, .dst = 65536, .req = 1},
    {.op = LINK_OP_ENDED, .req = 1},
    {.op = LINK_OP_CLOSED, .req = 1, .code = WEFT_ELOST},
    {.op = LINK_OP_UNDELIVERED, .dst = 1, .src = 2, .code = WEFT_EFULL},
    {.op = LINK_OP_TELL, .type = 1, .dst = 4, .flags = LINK_NOTED},
};
enum { EXAMPLES = sizeof examples / sizeof examples[0] };

static bool same_record(const link_record *a, const link_record *b)
{
    return a->type == b->type && a->dst == b->dst && a->src == b->src && a->req == b->req &&
           a->op == b->op && a->flags == b->flags && a->code == b->code && a->trace == b->trace &&
           a->left_ms == b->left_ms && a->bytes == b->bytes &&
           (a->bytes == 0 || memcmp(a->payload, b->payload, a->bytes) == 0);
}

static void records_are_read_as_they_were_written(void)
{
    uint8_t bytes[1024];
    size_t n = 0;
    for (size_t i = 0; i < EXAMPLES; i++) {
        wf_link_write_record(bytes + n, &examples[i]);
        n += wf_link_record_bytes(&examples[i]);
        CHECK_U64(n % 8, 0);
    }
    const uint8_t *at = bytes;
    link_record r;
    for (size_t i = 0; i < EXAMPLES; i++) {
        REQUIRE(wf_link_read_record(&at, &n, &r, &why) == WEFT_OK);
        CHECK(same_record(&r, &examples[i]));
    }
    CHECK_ERR(wf_link_read_record(&at, &n, &r, &why), WEFT_EDONE);
}

static void a_record_of_one_word_takes_forty_bytes(void)
{
    uint8_t word[8] = {0};
    link_record r = {.op = LINK_OP_TELL, .type = 1, .dst = 1, .payload = word, .bytes = 8};
    CHECK_U64(wf_link_record_bytes(&r), 40);
}

static weft_err read_one(const uint8_t *bytes, size_t n)
{
    uint8_t *block = malloc(n);
    const uint8_t *at = block;
    link_record r;
    REQUIRE(block != NULL);
    memcpy(block, bytes, n);
    weft_err err = wf_link_read_record(&at, &n, &r, &why);
    free(block);
    return err;
}

static void a_record_that_ends_too_early_is_refused_at_every_byte(void)
{
    for (size_t i = 0; i < EXAMPLES; i++) {
        uint8_t bytes[128];
        size_t n = wf_link_record_bytes(&examples[i]);
        wf_link_write_record(bytes, &examples[i]);
        for (size_t k = 1; k < n; k++)
            CHECK_ERR(read_one(bytes, k), WEFT_EPROTO);
        CHECK_OK(read_one(bytes, n));
    }
}

static void a_record_without_what_its_op_needs_is_refused(void)
{
    static const struct {
        link_record record;
        const char *why;
    } rows[] = {
        {{.op = 0, .req = 1}, "a record of op 0; expected 1 to 17"},
        {{.op = LINK_OP_LAST + 1, .req = 1}, "a record of op 18; expected 1 to 17"},
        {{.op = LINK_OP_STREAM, .req = 1}, "a stream record for nobody"},
        {{.op = LINK_OP_BYTES}, "a bytes record with request 0"},
        {{.op = LINK_OP_ROOM, .req = 1}, "a room record for nobody"},
        {{.op = LINK_OP_ENDED}, "a ended record with request 0"},
        {{.op = LINK_OP_CLOSED, .req = 1, .flags = LINK_NAMED},
         "a closed record with flags 01; expected only 00"},
        {{.op = LINK_OP_TELL, .type = 1}, "a tell record for nobody"},
        {{.op = LINK_OP_TELL, .dst = 1}, "a tell record of type 0"},
        {{.op = LINK_OP_TELL, .dst = 1, .type = 1, .req = 1}, "a tell record with request 1"},
        {{.op = LINK_OP_ASK, .dst = 1, .type = 1}, "a ask record with request 0"},
        {{.op = LINK_OP_REPLY, .req = 1}, "a reply record of type 0"},
        {{.op = LINK_OP_CANCEL, .req = 1, .type = 4}, "a cancel record of type 4"},
        {{.op = LINK_OP_CANCEL, .req = 1, .flags = LINK_NAMED},
         "a cancel record with flags 01; expected only 00"},
        {{.op = LINK_OP_DOWN, .req = 1, .code = WEFT_ERR_COUNT_}, NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint8_t bytes[128];
        wf_link_write_record(bytes, &rows[i].record);
        CHECK_ERR(read_one(bytes, wf_link_record_bytes(&rows[i].record)), WEFT_EPROTO);
        if (rows[i].why != NULL)
            CHECK_STR(why.text, rows[i].why);
    }
}

/* ---- the others */

static void atoms_are_read_as_they_were_written_and_have_a_limit(void)
{
    uint8_t bytes[1024];
    char text[LINK_ATOM_BYTES_MAX + 1];
    memset(text, 'x', sizeof text);
    const link_atom a[] = {{LINK_ATOM_TYPE, 1, 11, "weft.Number"},
                           {LINK_ATOM_NAME, 9, 1, "a"},
                           {LINK_ATOM_TYPE, 2, LINK_ATOM_BYTES_MAX, text}};
    size_t n = 0;
    link_atom got;
    for (size_t i = 0; i < 3; i++) {
        wf_link_write_atom(bytes + n, &a[i]);
        n += wf_link_atom_bytes(&a[i]);
    }
    const uint8_t *at = bytes;
    for (size_t i = 0; i < 3; i++) {
        REQUIRE(wf_link_read_atom(&at, &n, &got, &why) == WEFT_OK);
        CHECK(got.kind == a[i].kind && got.id == a[i].id);
        CHECK_MEM(got.text, got.bytes, a[i].text, a[i].bytes);
    }
    CHECK_ERR(wf_link_read_atom(&at, &n, &got, &why), WEFT_EDONE);

    const link_atom bad[] = {
        {LINK_ATOM_TYPE, 0, 1, "a"},        {3, 1, 1, "a"},
        {LINK_ATOM_TYPE, 1, 0, ""},         {LINK_ATOM_NAME, 1, 2, "a\n"},
        {LINK_ATOM_NAME, 1, 2, "\xc3\xa9"}, {LINK_ATOM_TYPE, 2, LINK_ATOM_BYTES_MAX + 1, text}};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        wf_link_write_atom(bytes, &bad[i]);
        at = bytes;
        n = wf_link_atom_bytes(&bad[i]);
        CHECK_ERR(wf_link_read_atom(&at, &n, &got, &why), WEFT_EPROTO);
    }
}

static void a_chunk_lies_within_its_record(void)
{
    static const struct {
        uint32_t total, offset, bytes, there;
        weft_err err;
    } rows[] = {
        {100, 0, 100, 100, WEFT_OK},
        {100, 60, 40, 40, WEFT_OK},
        {100, 60, 41, 41, WEFT_EPROTO},
        {100, 101, 1, 1, WEFT_EPROTO},
        {100, 0, 0, 0, WEFT_EPROTO},
        {100, 0, 10, 9, WEFT_EPROTO},
        {100, UINT32_MAX, 2, 2, WEFT_EPROTO},
        {1 << 20, 0, LINK_CHUNK_BYTES_MAX, LINK_CHUNK_BYTES_MAX, WEFT_OK},
        {1 << 20, 0, LINK_CHUNK_BYTES_MAX + 1, LINK_CHUNK_BYTES_MAX + 1, WEFT_EPROTO},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        size_t n = LINK_CHUNK_HEAD_BYTES + rows[i].there;
        uint8_t *body = calloc(1, n);
        REQUIRE(body != NULL);
        wf_link_write_chunk_head(body, &(link_chunk){.id = 3,
                                                     .total = rows[i].total,
                                                     .offset = rows[i].offset,
                                                     .bytes = rows[i].bytes});
        link_frame f = {.kind = LINK_CHUNK, .body = body, .bytes = (uint32_t)n};
        link_chunk c;
        CHECK_ERR(wf_link_read_chunk(&f, &c, &why), rows[i].err);
        if (rows[i].err == WEFT_OK)
            CHECK(c.id == 3 && c.offset == rows[i].offset && c.bytes == rows[i].bytes);
        free(body);
    }
}

static void pairs_and_goodbyes_are_read_as_they_were_written(void)
{
    uint8_t body[LINK_GOODBYE_BYTES_MAX];
    link_frame f = {.kind = LINK_CREDIT, .body = body, .bytes = LINK_PAIR_BYTES};
    link_pair p;
    wf_link_write_pair(body, (link_pair){5, UINT64_MAX});
    CHECK_OK(wf_link_read_pair(&f, &p, &why));
    CHECK(p.value == 5 && p.consumed == UINT64_MAX);
    f.bytes--;
    CHECK_ERR(wf_link_read_pair(&f, &p, &why), WEFT_EPROTO);
    CHECK_STR(why.text, "a credit frame of 15 bytes; expected 16");

    link_goodbye g = {.reason = LINK_BYE_REFUSED, .consumed = 4, .why = "no\nsuch \x7f"}, got;
    f = (link_frame){.kind = LINK_BYE, .body = body};
    f.bytes = (uint32_t)wf_link_write_goodbye(body, &g);
    CHECK_OK(wf_link_read_goodbye(&f, &got, &why));
    CHECK(got.reason == LINK_BYE_REFUSED && got.consumed == 4);
    CHECK_STR(got.why, "no?such ?");
    memset(g.why, 'x', sizeof g.why);
    f.bytes = (uint32_t)wf_link_write_goodbye(body, &g);
    CHECK_OK(wf_link_read_goodbye(&f, &got, &why));
    CHECK_U64(strlen(got.why), LINK_BYE_BYTES_MAX - 1);
    store_u32(body, LINK_BYE_LAST + 1);
    CHECK_ERR(wf_link_read_goodbye(&f, &got, &why), WEFT_EPROTO);
    store_u32(body, LINK_BYE_DONE);
    store_u32(body + 4, LINK_BYE_BYTES_MAX);
    CHECK_ERR(wf_link_read_goodbye(&f, &got, &why), WEFT_EPROTO);
}

static const test_case cases[] = {
    TEST(a_frame_that_comes_whole_is_read_where_it_stands),
    TEST(frames_come_the_same_however_they_are_cut),
    TEST(a_frame_may_have_as_many_bytes_as_the_limit_and_no_more),
    TEST(a_frame_of_no_known_kind_or_with_flags_is_refused),
    TEST(records_are_read_as_they_were_written),
    TEST(a_record_of_one_word_takes_forty_bytes),
    TEST(a_record_that_ends_too_early_is_refused_at_every_byte),
    TEST(a_record_without_what_its_op_needs_is_refused),
    TEST(atoms_are_read_as_they_were_written_and_have_a_limit),
    TEST(a_chunk_lies_within_its_record),
    TEST(pairs_and_goodbyes_are_read_as_they_were_written),
    {0},
};
const test_suite link_codec_suite = {.name = "actors/link_codec", .cases = cases};

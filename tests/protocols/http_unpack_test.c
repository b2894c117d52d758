/* SPDX-License-Identifier: MIT */
/* Unpacking bodies: in pieces of any size, within the room that is given, and what is no packed data. */
#include "alloc.h"
#include "check.h"
#include "http_packer.h"
#include "http_unpack.h"

#include <stdlib.h>

#define TEXT "hello, hello, hello, packed world\n"
#define ENCODING(s) ((weft_http_text){(s), sizeof(s) - 1})

static const uint8_t deflate_text[] = {
    0x78, 0xda, 0xcb, 0x48, 0xcd, 0xc9, 0xc9, 0xd7, 0x51, 0xc8, 0x40, 0xa1, 0x0a, 0x12, 0x93,
    0xb3, 0x53, 0x53, 0x14, 0xca, 0xf3, 0x8b, 0x72, 0x52, 0xb8, 0x00, 0xd2, 0x02, 0x0b, 0xdb,
};
static const uint8_t brotli_text[] = {
    0x1b, 0x21, 0x00, 0xf8, 0x8d, 0x94, 0x6e, 0xde, 0x44, 0x09, 0x52,
    0x86, 0xd6, 0x0a, 0x2c, 0x6c, 0x6f, 0x5a, 0x90, 0x41, 0x14, 0x91,
    0x47, 0x26, 0xf0, 0xc2, 0x4c, 0xe7, 0x6a, 0xe1, 0x49, 0x59, 0x00,
};

/* Unpacks @n bytes, given @in_step at a time, into room of @out_step. errors: as told. */
static weft_err unpack_all(const char *encoding, const uint8_t *at, size_t n, size_t in_step,
                           size_t out_step, char *out, size_t *out_n)
{
    wf_http_unpack *u;
    weft_why why = {""};
    size_t used, made;
    *out_n = 0;
    CHECK_OK(wf_http_unpack_new((weft_http_text){encoding, (uint32_t)strlen(encoding)}, &u));
    REQUIRE(u != NULL);
    weft_err err = WEFT_OK;
    for (size_t i = 0; i < n && err == WEFT_OK;) {
        size_t step = n - i < in_step ? n - i : in_step;
        do {
            err = wf_http_unpack_run(u, at + i, step, &used, (uint8_t *)out + *out_n, out_step,
                                     &made, &why);
            i += err == WEFT_OK ? used : 0;
            step -= err == WEFT_OK ? used : 0;
            *out_n += err == WEFT_OK ? made : 0;
        } while (err == WEFT_OK && (step != 0 || made == out_step));
    }
    if (err == WEFT_OK)
        err = wf_http_unpack_end(u, &why);
    CHECK((err == WEFT_OK) == (why.text[0] == '\0'));
    wf_http_unpack_free(u);
    return err;
}

static const struct {
    const char *encoding;
    const uint8_t *at;
    size_t n;
} fixed[] = {
    {"deflate", deflate_text, sizeof deflate_text},
    {"br", brotli_text, sizeof brotli_text},
};

static void pieces_of_any_size_come_to_the_same(void)
{
    char out[4096];
    size_t n;
    uint8_t gzip[128];
    size_t gzip_n;
    CHECK_OK(wf_http_pack_whole(WF_HTTP_GZIP, TEXT, sizeof TEXT - 1, gzip, sizeof gzip, &gzip_n));
    for (size_t step = 1; step < 40; step++)
        for (size_t room = 1; room < 40; room += 3) {
            CHECK_OK(unpack_all("gzip", gzip, gzip_n, step, room, out, &n));
            CHECK_MEM(out, n, TEXT, sizeof TEXT - 1);
            for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++) {
                CHECK_OK(
                    unpack_all(fixed[i].encoding, fixed[i].at, fixed[i].n, step, room, out, &n));
                CHECK_MEM(out, n, TEXT, sizeof TEXT - 1);
            }
        }
}

/* Packs @n bytes of @from in pieces of @step, flushing behind each, into rooms of @room. */
static size_t pack_in_pieces(wf_http_coding coding, const uint8_t *from, size_t n, size_t step,
                             size_t room, uint8_t *to, size_t to_max)
{
    const wf_http_packer *packer = wf_http_packer_of(coding);
    void *state = packer->open(WF_HTTP_PACK_WINDOW_STREAM);
    size_t made = 0;
    REQUIRE(state != NULL);
    for (size_t at = 0; at <= n; at += step) {
        bool last = n - at <= step, done = false;
        const uint8_t *in = from + at;
        size_t in_n = last ? n - at : step;
        while (!done) {
            uint8_t *out = to + made;
            size_t left = room;
            REQUIRE(made + room <= to_max);
            CHECK_OK(packer->run(state, last ? WF_HTTP_PACK_END : WF_HTTP_PACK_FLUSH, &in, &in_n,
                                 &out, &left, &done));
            REQUIRE(done || left == 0);
            made += room - left;
        }
        if (last)
            break;
    }
    packer->close(state);
    return made;
}

static void what_is_packed_in_pieces_is_the_same_when_it_is_unpacked(void)
{
    static uint8_t packed[1 << 16];
    char out[4096];
    size_t n;
    static const char *const names[] = {[WF_HTTP_GZIP] = "gzip", [WF_HTTP_BROTLI] = "br"};
    for (wf_http_coding c = WF_HTTP_GZIP; c < WF_HTTP_CODINGS_COUNT_; c++)
        for (size_t step = 1; step < sizeof TEXT; step += 5)
            for (size_t room = WF_HTTP_PACK_ROOM_MIN; room < 64; room += 9) {
                size_t packed_n = pack_in_pieces(c, (const uint8_t *)TEXT, sizeof TEXT - 1, step,
                                                 room, packed, sizeof packed);
                CHECK_OK(unpack_all(names[c], packed, packed_n, 7, 100, out, &n));
                CHECK_MEM(out, n, TEXT, sizeof TEXT - 1);
            }
}

static void a_flush_brings_out_all_that_was_given(void)
{
    uint8_t packed[256];
    char out[256];
    static const char *const names[] = {[WF_HTTP_GZIP] = "gzip", [WF_HTTP_BROTLI] = "br"};
    for (wf_http_coding c = WF_HTTP_GZIP; c < WF_HTTP_CODINGS_COUNT_; c++) {
        const wf_http_packer *packer = wf_http_packer_of(c);
        void *state = packer->open(WF_HTTP_PACK_WINDOW_STREAM);
        const uint8_t *in = (const uint8_t *)TEXT;
        uint8_t *to = packed;
        size_t in_n = sizeof TEXT - 1, room = sizeof packed, n;
        bool done = false;
        REQUIRE(state != NULL);
        CHECK_OK(packer->run(state, WF_HTTP_PACK_FLUSH, &in, &in_n, &to, &room, &done));
        CHECK(done);
        /* not whole, but all of it can be read */
        CHECK_ERR(unpack_all(names[c], packed, sizeof packed - room, 100, 200, out, &n),
                  WEFT_ETRUNCATED);
        CHECK_MEM(out, n, TEXT, sizeof TEXT - 1);
        packer->close(state);
    }
}

static void without_memory_packing_fails_and_gives_all_back(void)
{
    static uint8_t from[20000], packed[20000];
    unsigned done = 0, failed = 0;
    size_t n;
    for (size_t i = 0; i < sizeof from; i++)
        from[i] = (uint8_t)(i * i >> 7);
    for (wf_http_coding c = WF_HTTP_GZIP; c < WF_HTTP_CODINGS_COUNT_; c++)
        for (long nth = 0; nth < 40; nth++) {
            wf_alloc_fail_after(nth);
            weft_err err = wf_http_pack_whole(c, from, sizeof from, packed, sizeof packed, &n);
            wf_alloc_fail_after(-1);
            CHECK(err == WEFT_OK || err == WEFT_ENOMEM);
            done += err == WEFT_OK;
            failed += err != WEFT_OK;
        }
    CHECK(done != 0 && failed > 10);
}

static void members_of_gzip_may_stand_one_behind_the_other(void)
{
    char out[4096];
    uint8_t two[256];
    size_t n, first, second;
    CHECK_OK(wf_http_pack_whole(WF_HTTP_GZIP, TEXT, sizeof TEXT - 1, two, sizeof two, &first));
    CHECK_OK(wf_http_pack_whole(WF_HTTP_GZIP, "more", 4, two + first, sizeof two - first, &second));
    for (size_t step = 1; step < 40; step++) {
        CHECK_OK(unpack_all("gzip", two, first + second, step, 7, out, &n));
        CHECK_MEM(out, n, TEXT "more", sizeof TEXT + 3);
    }
    for (size_t cut = first + 1; cut < first + second; cut++)
        CHECK_ERR(unpack_all("gzip", two, cut, 100, 100, out, &n), WEFT_ETRUNCATED);
    two[first] = 'x';
    CHECK_ERR(unpack_all("gzip", two, first + second, 100, 100, out, &n), WEFT_EPROTO);
}

static void what_is_cut_is_not_whole(void)
{
    char out[4096];
    size_t n;
    for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++)
        for (size_t cut = 1; cut < fixed[i].n; cut++)
            CHECK_ERR(unpack_all(fixed[i].encoding, fixed[i].at, cut, 7, 100, out, &n),
                      WEFT_ETRUNCATED);
}

static void what_is_not_packed_or_has_more_behind_it_is_an_error(void)
{
    char out[4096];
    uint8_t more[sizeof deflate_text + 1];
    size_t n;
    memcpy(more, deflate_text, sizeof deflate_text);
    more[sizeof deflate_text] = 'x';
    CHECK_ERR(unpack_all("deflate", more, sizeof more, 100, 100, out, &n), WEFT_EPROTO);
    CHECK_ERR(unpack_all("gzip", (const uint8_t *)TEXT, 20, 100, 100, out, &n), WEFT_EPROTO);
    CHECK_ERR(unpack_all("br", (const uint8_t *)TEXT, 20, 100, 100, out, &n), WEFT_EPROTO);
}

static void a_few_bytes_that_stand_for_many_come_out_as_asked_for(void)
{
    const size_t zeros = 8 << 20;
    uint8_t *many = calloc(1, zeros), packed[16384], out[1024];
    size_t n, used, made;
    wf_http_unpack *u;
    REQUIRE(many != NULL);
    CHECK_OK(wf_http_pack_whole(WF_HTTP_GZIP, many, zeros, packed, sizeof packed, &n));
    CHECK_OK(wf_http_unpack_new(ENCODING("gzip"), &u));
    CHECK_OK(wf_http_unpack_run(u, packed, n, &used, out, sizeof out, &made, NULL));
    CHECK_U64(made, sizeof out);
    CHECK(used < n);
    wf_http_unpack_free(u);
    free(many);
}

static void other_codings_are_left_alone(void)
{
    wf_http_unpack *u = NULL;
    CHECK_OK(wf_http_unpack_new(ENCODING("identity"), &u));
    CHECK(u == NULL);
    CHECK_OK(wf_http_unpack_new(ENCODING("gzip, br"), &u));
    CHECK(u == NULL);
    CHECK_OK(wf_http_unpack_new((weft_http_text){NULL, 0}, &u));
    CHECK(u == NULL);
    CHECK_OK(wf_http_unpack_new(ENCODING("X-GZip"), &u));
    CHECK(u != NULL);
    CHECK_OK(wf_http_unpack_end(u, NULL)); /* an empty body is nothing packed */
    wf_http_unpack_free(u);
    wf_http_unpack_free(NULL);
}

static const test_case cases[] = {
    TEST(pieces_of_any_size_come_to_the_same),
    TEST(what_is_packed_in_pieces_is_the_same_when_it_is_unpacked),
    TEST(a_flush_brings_out_all_that_was_given),
    TEST(without_memory_packing_fails_and_gives_all_back),
    TEST(members_of_gzip_may_stand_one_behind_the_other),
    TEST(what_is_cut_is_not_whole),
    TEST(what_is_not_packed_or_has_more_behind_it_is_an_error),
    TEST(a_few_bytes_that_stand_for_many_come_out_as_asked_for),
    TEST(other_codings_are_left_alone),
    {0},
};

const test_suite http_unpack_suite = {.name = "protocols/http_unpack", .cases = cases};

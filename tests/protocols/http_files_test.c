/* SPDX-License-Identifier: MIT */
/* What a request for a file is answered with. */
#include "files_world.h"

#include <stdlib.h>
#include <sys/stat.h>

#include "http_file.h"
#include "http_file_answer.h"
#include "http_unpack.h"

#define DATE "Tue, 14 Nov 2023 21:13:20 GMT" /* of files an hour old */

enum { LARGE = 300000 };

/* ---- whole */

static void a_file_is_served_with_its_type_tag_and_date(void)
{
    files_put_text("a/hello.txt", "hello\n");
    files_reply r = files_get("/files/a/hello.txt", NULL);
    CHECK_U64(r.status, 200);
    CHECK(r.complete);
    CHECK_BODY(r, "hello\n");
    CHECK_FIELD(r, "Content-Type", "text/plain; charset=utf-8");
    CHECK_FIELD(r, "Content-Length", "6");
    CHECK_FIELD(r, "Last-Modified", DATE);
    CHECK_FIELD(r, "Accept-Ranges", "bytes");
    CHECK_FIELD(r, "Cache-Control", "");
    CHECK_FIELD(r, "Vary", "");
    CHECK(strncmp(files_field(&r, "ETag"), "\"6-", 3) == 0);
}

static void check_noise(files_reply r, size_t from, size_t n)
{
    CHECK(r.complete);
    CHECK_U64(r.body_n, n);
    for (size_t i = 0; i < r.body_n; i++)
        if (r.body[i] != files_noise_at(from + i)) {
            CHECK_U64(i, SIZE_MAX); /* says where */
            return;
        }
}

static void files_of_every_size_come_byte_for_byte(void)
{
    static const size_t sizes[] = {0, 1, 1024, 16384, 16385, 102400, 1500000};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        files_put_noise("x.bin", sizes[i]);
        files_set_age("x.bin", 3600 + (int)i);
        weft_sim_advance(files_sim, 2000);
        files_reply r = files_get("/files/x.bin", NULL);
        CHECK_U64(r.status, 200);
        check_noise(r, 0, sizes[i]);
        CHECK_FIELD(r, "Content-Type", "application/octet-stream");
    }
}

static void head_is_get_without_a_body(void)
{
    files_put_noise("x.bin", LARGE);
    files_reply r = files_ask("HEAD", "/files/x.bin", NULL);
    CHECK_U64(r.status, 200);
    CHECK_FIELD(r, "Content-Length", "300000");
    CHECK_U64(r.body_n, 0);
}

static void what_is_no_get_is_405_with_what_is_allowed(void)
{
    files_put_text("a.txt", "a");
    files_reply r = files_ask("POST", "/any/a.txt", "Content-Length: 0\r\n");
    CHECK_U64(r.status, 405);
    CHECK_FIELD(r, "Allow", "GET, HEAD");
    CHECK_U64(files_ask("GET", "/any/a.txt", NULL).status, 200);
}

static void cache_control_comes_from_the_config(void)
{
    files_config.cache_control = "max-age=60";
    files_put_text("a.txt", "a");
    files_reply r = files_get("/files/a.txt", NULL);
    CHECK_FIELD(r, "Cache-Control", "max-age=60");
}

/* ---- conditions */

static void what_the_client_has_is_not_sent_again(void)
{
    char field[128];
    files_config.cache_control = "no-cache";
    files_put_text("a.css", "a{}");
    files_reply r = files_get("/files/a.css", NULL);
    (void)snprintf(field, sizeof field, "If-None-Match: %s\r\n", files_field(&r, "ETag"));

    r = files_get("/files/a.css", field);
    CHECK_U64(r.status, 304);
    CHECK_U64(r.body_n, 0);
    CHECK_FIELD(r, "Last-Modified", DATE);
    CHECK_FIELD(r, "Cache-Control", "no-cache");
    CHECK_FIELD(r, "Accept-Ranges", "");
    CHECK_FIELD(r, "Content-Type", "");
    CHECK(files_field(&r, "ETag")[0] == '"');

    CHECK_STATUS("/files/a.css", "If-Modified-Since: " DATE "\r\n", 304);
    CHECK_STATUS("/files/a.css", "If-Modified-Since: Tue, 14 Nov 2023 21:13:19 GMT\r\n", 200);
    CHECK_STATUS("/files/a.css", "If-None-Match: \"other\"\r\n", 200);
    CHECK_STATUS("/files/a.css", "If-None-Match: *\r\n", 304);
}

static void a_list_of_tags_may_stand_on_several_lines(void)
{
    char fields[256];
    files_put_text("a.css", "a{}");
    files_reply r = files_get("/files/a.css", NULL);
    (void)snprintf(fields, sizeof fields,
                   "If-None-Match: \"x\"\r\nX: y\r\nif-none-match: \"z\", %s\r\n",
                   files_field(&r, "ETag"));
    CHECK_STATUS("/files/a.css", fields, 304);
}

static void a_failed_precondition_is_412(void)
{
    files_put_text("a.css", "a{}");
    CHECK_STATUS("/files/a.css", "If-Match: \"other\"\r\n", 412);
    CHECK_STATUS("/files/a.css", "If-Unmodified-Since: Tue, 14 Nov 2023 21:13:19 GMT\r\n", 412);
    CHECK_STATUS("/files/a.css", "If-Match: *\r\n", 200);
}

/* ---- parts */

static void a_part_of_a_file_is_206(void)
{
    files_put_text("small.txt", "0123456789");
    files_put_noise("large.bin", LARGE);
    files_reply r = files_get("/files/small.txt", "Range: bytes=2-4\r\n");
    CHECK_U64(r.status, 206);
    CHECK_BODY(r, "234");
    CHECK_FIELD(r, "Content-Range", "bytes 2-4/10");
    CHECK_FIELD(r, "Content-Type", "text/plain; charset=utf-8");

    r = files_get("/files/large.bin", "Range: bytes=100000-\r\n");
    CHECK_U64(r.status, 206);
    check_noise(r, 100000, LARGE - 100000);
    CHECK_FIELD(r, "Content-Range", "bytes 100000-299999/300000");

    r = files_get("/files/large.bin", "Range: bytes=-1\r\n");
    check_noise(r, LARGE - 1, 1);
}

static void parts_of_a_file_are_multipart(void)
{
    char want[512], boundary[32];
    files_put_text("small.txt", "0123456789");
    files_reply r = files_get("/files/small.txt", "Range: bytes=0-1,8-\r\n");
    CHECK_U64(r.status, 206);
    CHECK(r.complete);
    CHECK_FIELD(r, "Content-Range", "");
    REQUIRE(sscanf(files_field(&r, "Content-Type"), "multipart/byteranges; boundary=%31s",
                   boundary) == 1);
    (void)snprintf(want, sizeof want,
                   "--%s\r\nContent-Type: text/plain; charset=utf-8\r\n"
                   "Content-Range: bytes 0-1/10\r\n\r\n01\r\n"
                   "--%s\r\nContent-Type: text/plain; charset=utf-8\r\n"
                   "Content-Range: bytes 8-9/10\r\n\r\n89\r\n--%s--\r\n",
                   boundary, boundary, boundary);
    CHECK_BODY(r, want);
}

static void parts_of_a_large_file_are_read_into_one_answer(void)
{
    files_put_noise("large.bin", LARGE);
    files_reply r = files_get("/files/large.bin", "Range: bytes=5-5,200000-200009\r\n");
    CHECK_U64(r.status, 206);
    CHECK(r.complete);
    const uint8_t *part = memmem(r.body, r.body_n, "200000-200009/300000\r\n\r\n", 24);
    REQUIRE(part != NULL);
    for (size_t i = 0; i < 10; i++)
        CHECK_U64(part[24 + i], files_noise_at(200000 + i));
}

static void parts_beyond_their_limit_are_the_whole(void)
{
    char range[64];
    files_put_noise("huge.bin", 2 * WF_HTTP_PARTS_BYTES_MAX);
    (void)snprintf(range, sizeof range, "Range: bytes=0-0,2-%u\r\n", WF_HTTP_PARTS_BYTES_MAX + 2);
    files_reply r = files_get("/files/huge.bin", range);
    CHECK_U64(r.status, 200);
    check_noise(r, 0, 2 * WF_HTTP_PARTS_BYTES_MAX);
}

static void a_part_that_is_not_there_is_416(void)
{
    files_put_text("small.txt", "0123456789");
    files_put_text("empty.txt", "");
    files_reply r = files_get("/files/small.txt", "Range: bytes=10-\r\n");
    CHECK_U64(r.status, 416);
    CHECK_FIELD(r, "Content-Range", "bytes */10");
    CHECK_STATUS("/files/empty.txt", "Range: bytes=0-\r\n", 200);
}

static void a_part_of_another_version_is_the_whole(void)
{
    char fields[256];
    files_put_text("small.txt", "0123456789");
    files_reply r = files_get("/files/small.txt", NULL);
    (void)snprintf(fields, sizeof fields, "Range: bytes=0-1\r\nIf-Range: %s\r\n",
                   files_field(&r, "ETag"));
    CHECK_STATUS("/files/small.txt", fields, 206);
    CHECK_STATUS("/files/small.txt", "Range: bytes=0-1\r\nIf-Range: \"old\"\r\n", 200);
    CHECK_STATUS("/files/small.txt", "Range: bytes=0-1\r\nIf-Range: " DATE "\r\n", 206);
}

/* ---- codings */

static void a_packed_file_beside_the_file_is_sent_to_who_takes_it(void)
{
    char plain[64];
    files_put_text("a.css", "a{}");
    files_put_text("a.css.gz", "(gzip)");
    files_put_text("a.css.br", "(brotli)");
    files_reply r = files_get("/files/a.css", NULL);
    CHECK_BODY(r, "a{}");
    CHECK_FIELD(r, "Vary", "Accept-Encoding");
    CHECK_FIELD(r, "Content-Encoding", "");
    (void)snprintf(plain, sizeof plain, "%s", files_field(&r, "ETag"));

    r = files_get("/files/a.css", "Accept-Encoding: gzip\r\n");
    CHECK_BODY(r, "(gzip)");
    CHECK_FIELD(r, "Content-Encoding", "gzip");
    CHECK_FIELD(r, "Content-Type", "text/css; charset=utf-8");
    CHECK_FIELD(r, "Vary", "Accept-Encoding");
    CHECK(strcmp(files_field(&r, "ETag"), plain) != 0);

    r = files_get("/files/a.css", "Accept-Encoding: gzip, br\r\n");
    CHECK_BODY(r, "(brotli)");
    CHECK_FIELD(r, "Content-Encoding", "br");

    r = files_get("/files/a.css", "Accept-Encoding: gzip\r\nRange: bytes=1-2\r\n");
    CHECK_U64(r.status, 206);
    CHECK_BODY(r, "gz");
    r = files_get("/files/a.css", "Accept-Encoding: gzip\r\nRange: bytes=0-0,2-2\r\n");
    CHECK_U64(r.status, 200);
    r = files_get("/files/a.css.gz", "Accept-Encoding: gzip\r\n");
    CHECK_BODY(r, "(gzip)");
    CHECK_FIELD(r, "Content-Encoding", "");
}

static void a_packed_file_that_is_older_is_not_sent(void)
{
    files_put_text("a.css", "a{}");
    files_put_text("a.css.gz", "(gzip)");
    files_set_age("a.css.gz", 3601);
    files_reply r = files_get("/files/a.css", "Accept-Encoding: gzip\r\n");
    CHECK_BODY(r, "a{}");
}

/* Checks that @r is the form in @coding of @n bytes that begin as @begin does. */
static void check_packed(files_reply r, const char *coding, size_t n, const char *begin)
{
    uint8_t *to = malloc(n + 1);
    wf_http_unpack *u = NULL;
    size_t used = 0, made = 0;

    CHECK_FIELD(r, "Content-Encoding", coding);
    CHECK(r.complete);
    REQUIRE(to != NULL);
    CHECK_OK(wf_http_unpack_new((weft_http_text){coding, (uint32_t)strlen(coding)}, &u));
    REQUIRE(u != NULL);
    CHECK_OK(wf_http_unpack_run(u, r.body, r.body_n, &used, to, n + 1, &made, NULL));
    CHECK_OK(wf_http_unpack_end(u, NULL));
    CHECK_U64(used, r.body_n);
    CHECK_U64(made, n);
    CHECK_MEM(to, strlen(begin), begin, strlen(begin));
    wf_http_unpack_free(u);
    free(to);
}

/* As @coding, at first and from the cache; its tag goes to @tag. */
static void check_on_the_fly(const char *target, const char *coding, size_t n, char tag[96])
{
    char asks[64], fields[192];
    (void)snprintf(asks, sizeof asks, "Accept-Encoding: %s\r\n", coding);
    files_reply r = files_get(target, asks);
    check_packed(r, coding, n, "0\n1\n2\n");
    CHECK(r.body_n < n / 2);
    CHECK_FIELD(r, "Vary", "Accept-Encoding");
    CHECK_FIELD(r, "Accept-Ranges", "");
    (void)snprintf(tag, 96, "%s", files_field(&r, "ETag"));
    CHECK(strncmp(tag, "W/\"", 3) == 0);

    (void)snprintf(fields, sizeof fields, "%sIf-None-Match: %s\r\n", asks, tag);
    CHECK_STATUS(target, fields, 304);
    check_packed(files_get(target, asks), coding, n, "0\n1\n2\n");
    r = files_ask("HEAD", target, asks);
    CHECK_FIELD(r, "Content-Encoding", coding);
    CHECK_U64(r.body_n, 0);
    (void)snprintf(fields, sizeof fields, "%sRange: bytes=2-3\r\n", asks);
    r = files_get(target, fields);
    CHECK_U64(r.status, 206);
    CHECK_BODY(r, "1\n");
}

static void text_is_packed_on_the_fly(void)
{
    char gzip[96], brotli[96], plain[96];
    static const unsigned lines[] = {400, 40000}; /* in memory, and as a descriptor */
    for (size_t i = 0; i < 2; i++) {
        const char *name = i == 0 ? "small.txt" : "large.txt";
        const char *target = i == 0 ? "/files/small.txt" : "/files/large.txt";
        size_t n = files_put_numbers(name, lines[i]);
        check_on_the_fly(target, "gzip", n, gzip);
        check_on_the_fly(target, "br", n, brotli);
        files_reply r = files_get(target, NULL);
        CHECK_U64(r.body_n, n);
        (void)snprintf(plain, sizeof plain, "%s", files_field(&r, "ETag"));
        CHECK(strcmp(gzip + 2, brotli + 2) != 0);
        CHECK(strcmp(gzip + 2, plain) != 0 && strcmp(brotli + 2, plain) != 0);
    }
}

static void weights_choose_the_coding_and_brotli_comes_first(void)
{
    size_t n = files_put_numbers("a.txt", 400);
    check_packed(files_get("/files/a.txt", "Accept-Encoding: gzip, deflate, br\r\n"), "br", n, "0");
    check_packed(files_get("/files/a.txt", "Accept-Encoding: gzip, br;q=0.5\r\n"), "gzip", n, "0");
    check_packed(files_get("/files/a.txt", "Accept-Encoding: gzip;q=0, *\r\n"), "br", n, "0");
    files_reply r = files_get("/files/a.txt", "Accept-Encoding: br;q=0, gzip;q=0\r\n");
    CHECK_FIELD(r, "Content-Encoding", "");
    files_put_text("a.txt.gz", "(gzip)"); /* a sibling stands for its coding alone */
    weft_sim_advance(files_sim, 2000);
    CHECK_BODY(files_get("/files/a.txt", "Accept-Encoding: gzip\r\n"), "(gzip)");
    check_packed(files_get("/files/a.txt", "Accept-Encoding: br\r\n"), "br", n, "0");
}

static void check_plain(const char *target)
{
    static const char *const asks[] = {"Accept-Encoding: gzip\r\n", "Accept-Encoding: br\r\n"};
    for (size_t i = 0; i < 2; i++) {
        files_reply r = files_get(target, asks[i]);
        CHECK_U64(r.status, 200);
        CHECK(r.complete);
        CHECK_FIELD(r, "Content-Encoding", "");
    }
}

static void what_is_not_worth_packing_is_sent_as_it_is(void)
{
    files_config.gzip_bytes_max = 10000;
    files_put_numbers("short.txt", 100);
    files_put_numbers("long.txt", 10000);
    files_put_numbers("image.png", 1000);
    files_put_noise("noise.txt", 5000);
    check_plain("/files/short.txt");
    check_plain("/files/long.txt");
    check_plain("/files/image.png");
    check_plain("/files/noise.txt");
    weft_sim_advance(files_sim, 2000);
    check_plain("/files/noise.txt");
}

static void packing_can_be_switched_off(void)
{
    files_config.no_compression = true;
    files_put_numbers("a.txt", 1000);
    check_plain("/files/a.txt");
}

static const test_case cases[] = {
    TEST(a_file_is_served_with_its_type_tag_and_date),
    TEST(files_of_every_size_come_byte_for_byte),
    TEST(head_is_get_without_a_body),
    TEST(what_is_no_get_is_405_with_what_is_allowed),
    TEST(cache_control_comes_from_the_config),
    TEST(what_the_client_has_is_not_sent_again),
    TEST(a_list_of_tags_may_stand_on_several_lines),
    TEST(a_failed_precondition_is_412),
    TEST(a_part_of_a_file_is_206),
    TEST(parts_of_a_file_are_multipart),
    TEST(parts_of_a_large_file_are_read_into_one_answer),
    TEST(parts_beyond_their_limit_are_the_whole),
    TEST(a_part_that_is_not_there_is_416),
    TEST(a_part_of_another_version_is_the_whole),
    TEST(a_packed_file_beside_the_file_is_sent_to_who_takes_it),
    TEST(a_packed_file_that_is_older_is_not_sent),
    TEST(text_is_packed_on_the_fly),
    TEST(weights_choose_the_coding_and_brotli_comes_first),
    TEST(what_is_not_worth_packing_is_sent_as_it_is),
    TEST(packing_can_be_switched_off),
    {0},
};

const test_suite http_files_suite = {.name = "protocols/http_files",
                                     .before = files_world_open,
                                     .after = files_world_close,
                                     .cases = cases};

/* The same through the blocking pool. */
const test_suite http_files_cold_suite = {.name = "protocols/http_files_cold",
                                          .before = files_world_open_cold,
                                          .after = files_world_close,
                                          .cases = cases};

/* SPDX-License-Identifier: MIT */
#include "files_world.h"

static void a_file_is_served_with_its_type_tag_and_date(void)
{
    files_put_text("a/hello.txt", "hello\n");
    files_reply r = files_get("/files/a/hello.txt", NULL);
    CHECK_U64(r.status, 200);
    CHECK(r.complete);
    CHECK_BODY(r, "hello\n");
    CHECK_FIELD(r, "Content-Type", "text/plain; charset=utf-8");
    CHECK_FIELD(r, "Content-Length", "6");
    CHECK_FIELD(r, "Last-Modified", "Tue, 14 Nov 2023 21:13:20 GMT");
    CHECK_FIELD(r, "Accept-Ranges", "bytes");
    CHECK_FIELD(r, "Cache-Control", "");
    CHECK(strncmp(files_field(&r, "ETag"), "\"6-", 3) == 0);
}

static const test_case cases[] = {
    TEST(a_file_is_served_with_its_type_tag_and_date),
    {0},
};

const test_suite http_files_suite = {.name = "protocols/http_files",
                                     .before = files_world_open,
                                     .after = files_world_close,
                                     .cases = cases};

/* SPDX-License-Identifier: MIT */
#include "http_parts.h"

#include "http_accept.h"
#include "http_mime.h"

static const char *type_of(const char *path)
{
    const wf_http_mime *mime = wf_http_mime_of(path, strlen(path));
    CHECK_U64(mime->type.bytes, strlen(mime->type.at));
    return mime->type.at;
}

static void well_known_extensions_have_their_types(void)
{
    CHECK_STR(type_of("index.html"), "text/html; charset=utf-8");
    CHECK_STR(type_of("a/b/app.js"), "text/javascript; charset=utf-8");
    CHECK_STR(type_of("style.css"), "text/css; charset=utf-8");
    CHECK_STR(type_of("x.json"), "application/json");
    CHECK_STR(type_of("x.svg"), "image/svg+xml");
    CHECK_STR(type_of("x.wasm"), "application/wasm");
    CHECK_STR(type_of("x.woff2"), "font/woff2");
    CHECK_STR(type_of("x.3gp"), "video/3gpp");
    CHECK_STR(type_of("x.zst"), "application/zstd");
    CHECK_STR(type_of("app.webmanifest"), "application/manifest+json");
    CHECK_STR(type_of("README.md"), "text/markdown; charset=utf-8");
}

static void case_does_not_matter_and_the_last_extension_counts(void)
{
    CHECK_STR(type_of("PHOTO.JPG"), "image/jpeg");
    CHECK_STR(type_of("a.tar.gz"), "application/gzip");
    CHECK_STR(type_of("html.txt"), "text/plain; charset=utf-8");
}

static void what_is_not_known_is_a_stream_of_bytes(void)
{
    static const char *const rows[] = {
        "",  "a",  "a.",      ".html",     "a/.html",          "a.b/c", "html",    "a.unknown",
        ".", "..", "a.html/", "a.htm\xc3", "a.toolongtobeone", "/",     "a.h\xe4", NULL};
    for (size_t i = 0; rows[i] != NULL; i++)
        CHECK_STR(type_of(rows[i]), "application/octet-stream");
    CHECK(!wf_http_mime_of("", 0)->compresses);
}

static void every_row_is_in_its_place_and_agrees_on_compression(void)
{
    const wf_http_mime *mime, *before = NULL;
    for (size_t i = 0; (mime = wf_http_mime_at(i)) != NULL; before = mime, i++) {
        char path[32];
        int n = snprintf(path, sizeof path, "x.%s", mime->extension);
        CHECK(before == NULL || strcmp(before->extension, mime->extension) < 0);
        CHECK(wf_http_mime_of(path, (size_t)n) == mime);
        for (const char *c = mime->extension; *c != '\0'; c++)
            CHECK((*c >= 'a' && *c <= 'z') || (*c >= '0' && *c <= '9'));
        if (mime->compresses != wf_http_type_compresses(mime->type))
            CHECK_STR(mime->extension, "in agreement");
    }
    CHECK(wf_http_mime_at(SIZE_MAX) == NULL);
}

static const test_case cases[] = {
    TEST(well_known_extensions_have_their_types),
    TEST(case_does_not_matter_and_the_last_extension_counts),
    TEST(what_is_not_known_is_a_stream_of_bytes),
    TEST(every_row_is_in_its_place_and_agrees_on_compression),
    {0},
};

const test_suite http_mime_suite = {.name = "protocols/http_mime", .cases = cases};

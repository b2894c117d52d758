/* SPDX-License-Identifier: MIT */
#include "http_parts.h"

#include <stdlib.h>

#include "http_listing.h"

static const char *listed(page *p, const char *path, bool has_parent, const wf_http_entry *entries,
                          size_t n, bool cut)
{
    wf_http_listing l = wf_http_listing_begin(page_open(p), path, strlen(path), has_parent);
    for (size_t i = 0; i < n; i++)
        wf_http_listing_add(&l, &entries[i]);
    CHECK_OK(wf_http_listing_end(&l, cut));
    return page_text(p);
}

static bool has(const char *text, const char *part)
{
    return strstr(text, part) != NULL;
}

static void a_page_lists_what_it_was_given(void)
{
    static const wf_http_entry entries[] = {
        {.name = "docs", .is_dir = true, .mtime_s = 784111777},
        {.name = "a b.txt", .size = 1536, .mtime_s = 784111777},
    };
    page p;
    const char *text = listed(&p, "/pub/", true, entries, 2, false);
    CHECK(strncmp(text, "<!doctype html>\n", 16) == 0);
    CHECK(has(text, "<title>Index of /pub/</title>"));
    CHECK(has(text, "<h1>Index of /pub/</h1>"));
    CHECK(has(text, "href=\"../\""));
    CHECK(has(text, "<a class=\"dir\" href=\"docs/\">docs/</a>"));
    CHECK(has(text, "<a href=\"a%20b.txt\">a b.txt</a>"));
    CHECK(has(text, "<time datetime=\"1994-11-06T08:49:37Z\">1994-11-06 08:49</time>"));
    CHECK(has(text, "<data value=\"1536\">1.5 KiB</data>"));
    CHECK(has(text, "1 directory, 1 file, <data value=\"1536\">1.5 KiB</data></footer>"));
    CHECK(has(text, "prefers-color-scheme:dark"));
    CHECK(!has(text, "<script"));
    CHECK(strcmp(text + strlen(text) - 8, "</html>\n") == 0);
}

static void a_foreign_name_is_only_text_and_only_a_file(void)
{
    static const wf_http_entry entries[] = {
        {.name = "<img src=x onerror=alert(1)>"},
        {.name = "\"onclick=\"alert(1)"},
        {.name = "javascript:alert(1)"},
        {.name = "..%2f..\\x?y#z&amp;"},
        {.name = "\xff\x01\n"},
    };
    page p;
    const char *text = listed(&p, "/<b>/", false, entries, 5, false);
    CHECK(!has(text, "<img") && !has(text, "<b>") && !has(text, "\"onclick"));
    CHECK(has(text, "href=\"%3Cimg%20src%3Dx%20onerror%3Dalert%281%29%3E\""));
    CHECK(has(text, "&lt;img src=x onerror=alert(1)&gt;</a>"));
    CHECK(has(text, "href=\"%22onclick%3D%22alert%281%29\""));
    CHECK(has(text, "href=\"javascript%3Aalert%281%29\""));
    CHECK(has(text, "href=\"..%252f..%5Cx%3Fy%23z%26amp%3B\">..%2f..\\x?y#z&amp;amp;</a>"));
    CHECK(has(text, "href=\"%FF%01%0A\">\xef\xbf\xbd\xef\xbf\xbd\n</a>"));
    CHECK(!has(text, "../"));
}

static void dots_are_no_entries(void)
{
    static const wf_http_entry entries[] = {
        {.name = ".", .is_dir = true}, {.name = "..", .is_dir = true}, {.name = ""}};
    page p;
    const char *text = listed(&p, "/", false, entries, 3, false);
    CHECK(has(text, "This directory is empty."));
    CHECK(!has(text, "<a "));
}

static void a_page_that_is_cut_says_so(void)
{
    static const wf_http_entry entries[] = {{.name = "a", .is_dir = true}};
    page p;
    CHECK(has(listed(&p, "/", false, entries, 1, true),
              "1 directory (there are more entries than are shown)"));
}

static weft_err count(void *arg, const char *bytes, size_t n)
{
    size_t *total = arg;
    (void)bytes;
    *total += n;
    return *total < 1000000 ? WEFT_OK : WEFT_ELOST;
}

static void a_large_directory_needs_no_large_memory(void)
{
    char buf[512];
    size_t total = 0;
    wf_http_writer w = wf_http_writer_into(buf, sizeof buf, count, &total);
    wf_http_listing l = wf_http_listing_begin(&w, "/", 1, false);
    for (int i = 0; i < 1000; i++)
        wf_http_listing_add(&l, &(wf_http_entry){.name = "a name", .size = UINT64_MAX});
    CHECK_OK(wf_http_listing_end(&l, false));
    CHECK_U64(total, w.total);
    CHECK_U64(l.bytes, UINT64_MAX);

    total = 0;
    w = wf_http_writer_into(buf, sizeof buf, count, &total);
    l = wf_http_listing_begin(&w, "/", 1, false);
    for (int i = 0; i < 20000; i++)
        wf_http_listing_add(&l, &(wf_http_entry){.name = "a name"});
    CHECK_ERR(wf_http_listing_end(&l, false), WEFT_ELOST);
    CHECK(total < 1001000);
}

static const char *human(uint64_t size)
{
    static char out[WF_HTTP_SIZE_BYTES_MAX];
    size_t n = wf_http_size_format(out, size);
    CHECK_U64(n, strlen(out));
    return out;
}

static void sizes_are_for_people(void)
{
    CHECK_STR(human(0), "0 B");
    CHECK_STR(human(1023), "1023 B");
    CHECK_STR(human(1024), "1.0 KiB");
    CHECK_STR(human(1536), "1.5 KiB");
    CHECK_STR(human(10188), "9.9 KiB");
    CHECK_STR(human(10190), "10 KiB");
    CHECK_STR(human(17 * 1024 * 1024), "17 MiB");
    CHECK_STR(human(1024 * 1024 - 1), "1.0 MiB");
    CHECK_STR(human(UINT64_C(1) << 40), "1.0 TiB");
    CHECK_STR(human(UINT64_MAX), "16 EiB");
}

static void directories_come_first_and_case_last(void)
{
    wf_http_entry e[] = {{.name = "b"}, {.name = "A"},  {.name = "z", .is_dir = true},
                         {.name = "a"}, {.name = "ab"}, {.name = "\xc3\xa4"},
                         {.name = "_"}};
    static const char *const want[] = {"z", "_", "A", "a", "ab", "b", "\xc3\xa4"};
    qsort(e, 7, sizeof e[0], wf_http_entry_compare);
    for (size_t i = 0; i < 7; i++)
        CHECK_STR(e[i].name, want[i]);
}

static const test_case cases[] = {
    TEST(a_page_lists_what_it_was_given),
    TEST(a_foreign_name_is_only_text_and_only_a_file),
    TEST(dots_are_no_entries),
    TEST(a_page_that_is_cut_says_so),
    TEST(a_large_directory_needs_no_large_memory),
    TEST(sizes_are_for_people),
    TEST(directories_come_first_and_case_last),
    {0},
};

const test_suite http_listing_suite = {.name = "protocols/http_listing", .cases = cases};

/* SPDX-License-Identifier: MIT */
#include "http_parts.h"

#include "http_error_page.h"

static const char *shown(page *p, wf_http_page kind, int status, const char *detail)
{
    wf_http_put_error_page(page_open(p), kind, status, piece(detail));
    return page_text(p);
}

static void a_page_says_what_happened(void)
{
    page p;
    const char *text = shown(&p, WF_HTTP_PAGE_HTML, 404, NULL);
    CHECK(strncmp(text, "<!doctype html>\n", 16) == 0);
    CHECK(strstr(text, "<title>404 Not Found</title>") != NULL);
    CHECK(strstr(text, "<h1>404 Not Found</h1>") != NULL);
    CHECK(strstr(text, "There is nothing at this address.") != NULL);
    CHECK(strcmp(text + strlen(text) - 8, "</html>\n") == 0);
    CHECK_STR(shown(&p, WF_HTTP_PAGE_TEXT, 404, NULL),
              "404 Not Found\nThere is nothing at this address.\n");
    CHECK_STR(wf_http_page_type(WF_HTTP_PAGE_HTML), "text/html; charset=utf-8");
    CHECK_STR(wf_http_page_type(WF_HTTP_PAGE_TEXT), "text/plain; charset=utf-8");
}

static void a_detail_is_text_and_not_markup(void)
{
    page p;
    const char *text = shown(&p, WF_HTTP_PAGE_HTML, 400, "<script>alert(1)</script>");
    CHECK(strstr(text, "<p>&lt;script&gt;alert(1)&lt;/script&gt;</p>") != NULL);
    CHECK(strstr(text, "<script") == NULL);
    CHECK_STR(shown(&p, WF_HTTP_PAGE_TEXT, 502, "the upstream is down"),
              "502 Bad Gateway\nThe server behind this one gave no valid answer.\n"
              "the upstream is down\n");
}

static void every_status_has_a_page_that_fits(void)
{
    for (int status = -1; status < 1000; status++) {
        page p;
        (void)shown(&p, WF_HTTP_PAGE_HTML, status, "");
        CHECK_ERR(p.w.err, WEFT_OK);
        CHECK(p.w.n <= WF_HTTP_ERROR_PAGE_BYTES_MAX);
    }
    page p;
    CHECK_STR(shown(&p, WF_HTTP_PAGE_TEXT, 499, NULL), "499\nThe request could not be answered.\n");
    CHECK_STR(shown(&p, WF_HTTP_PAGE_TEXT, 599, NULL),
              "599\nThe server could not answer the request.\n");
    CHECK_STR(shown(&p, WF_HTTP_PAGE_TEXT, 301, NULL), "301 Moved Permanently\n");
}

static void a_page_without_room_is_an_error_and_no_more(void)
{
    char buf[64];
    wf_http_writer w = wf_http_writer_over(buf, sizeof buf);
    wf_http_put_error_page(&w, WF_HTTP_PAGE_HTML, 500, piece(NULL));
    CHECK_ERR(w.err, WEFT_ETOOBIG);
    CHECK(w.total > sizeof buf);
}

static const test_case cases[] = {
    TEST(a_page_says_what_happened),
    TEST(a_detail_is_text_and_not_markup),
    TEST(every_status_has_a_page_that_fits),
    TEST(a_page_without_room_is_an_error_and_no_more),
    {0},
};

const test_suite http_error_page_suite = {.name = "protocols/http_error_page", .cases = cases};

/* SPDX-License-Identifier: MIT */
#include "http_parts.h"

static const char *html(page *p, const char *bytes)
{
    wf_http_put_html(page_open(p), bytes, strlen(bytes));
    return page_text(p);
}

static void what_does_not_fit_is_lost_whole_counted_and_remembered(void)
{
    char buf[4];
    wf_http_writer w = wf_http_writer_over(buf, sizeof buf);
    wf_http_put_str(&w, "abc");
    CHECK_ERR(w.err, WEFT_OK);
    wf_http_put_str(&w, "de");
    CHECK_ERR(w.err, WEFT_ETOOBIG);
    wf_http_put_str(&w, "f");
    CHECK_MEM(buf, w.n, "abc", 3);
    CHECK_U64(w.total, 6);
}

static void a_writer_without_room_counts(void)
{
    wf_http_writer w = wf_http_writer_over(NULL, 0);
    wf_http_put_u64(&w, UINT64_MAX);
    wf_http_put_hex(&w, UINT64_MAX);
    wf_http_put_str(&w, "");
    CHECK_U64(w.total, 36);
}

typedef struct sunk {
    char text[64];
    size_t n, calls;
    weft_err answer;
} sunk;

static weft_err sink(void *arg, const char *bytes, size_t n)
{
    sunk *s = arg;
    s->calls++;
    if (s->answer != WEFT_OK)
        return s->answer;
    memcpy(s->text + s->n, bytes, n);
    s->n += n;
    return WEFT_OK;
}

static void a_sink_is_given_everything_in_order(void)
{
    char buf[3];
    sunk s = {.n = 0};
    wf_http_writer w = wf_http_writer_into(buf, sizeof buf, sink, &s);
    wf_http_put_str(&w, "ab");
    CHECK_U64(s.calls, 0);
    wf_http_put_str(&w, "cdefghij");
    wf_http_put_char(&w, 'k');
    CHECK_ERR(wf_http_writer_flush(&w), WEFT_OK);
    CHECK_MEM(s.text, s.n, "abcdefghijk", 11);
    size_t calls = s.calls;
    CHECK_ERR(wf_http_writer_flush(&w), WEFT_OK);
    CHECK_U64(s.calls, calls);
}

static void the_first_refusal_of_a_sink_is_the_last_call(void)
{
    char buf[2];
    sunk s = {.answer = WEFT_ELOST};
    wf_http_writer w = wf_http_writer_into(buf, sizeof buf, sink, &s);
    wf_http_put_str(&w, "abcdef");
    wf_http_put_str(&w, "ghi");
    CHECK_ERR(wf_http_writer_flush(&w), WEFT_ELOST);
    CHECK_U64(s.calls, 1);
}

static void numbers_have_no_leading_zeros(void)
{
    page p;
    wf_http_writer *w = page_open(&p);
    wf_http_put_u64(w, 0);
    wf_http_put_char(w, ' ');
    wf_http_put_u64(w, UINT64_MAX);
    wf_http_put_char(w, ' ');
    wf_http_put_hex(w, 0);
    wf_http_put_char(w, ' ');
    wf_http_put_hex(w, 0xdeadbeef0);
    CHECK_STR(page_text(&p), "0 18446744073709551615 0 deadbeef0");
}

static void html_cannot_be_broken_out_of(void)
{
    page p;
    CHECK_STR(html(&p, "<script>\"a\" & 'b'</script>"),
              "&lt;script&gt;&quot;a&quot; &amp; &#39;b&#39;&lt;/script&gt;");
    CHECK_STR(html(&p, ""), "");
    CHECK_STR(html(&p, "tab\tand\nline"), "tab\tand\nline");
    CHECK_STR(html(&p, "\x01x\x1b\x7f"), "\xef\xbf\xbdx\xef\xbf\xbd\xef\xbf\xbd");
}

static void html_is_always_utf8(void)
{
    page p;
    CHECK_STR(html(&p, "gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x90\x9d"),
              "gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x90\x9d");
    CHECK_STR(html(&p, "a\xff"), "a\xef\xbf\xbd");
    /* an overlong '<' is two bytes that are nothing */
    CHECK_STR(html(&p, "\xc0\xbc"), "\xef\xbf\xbd\xef\xbf\xbd");
    /* a sequence that the end, or a '<', cuts short does not take what follows with it */
    CHECK_STR(html(&p, "\xe2\x82<b>"), "\xef\xbf\xbd\xef\xbf\xbd&lt;b&gt;");
    CHECK_STR(html(&p, "\xf0\x9f\x90"), "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
    /* U+0085 is a control too */
    CHECK_STR(html(&p, "\xc2\x85"), "\xef\xbf\xbd");
}

static void utf8_is_what_unicode_says_it_is(void)
{
    static const struct {
        const char *bytes;
        size_t n, length;
    } rows[] = {
        {"a", 1, 1},
        {"\xc2\x80", 2, 2},
        {"\xc1\xbf", 2, 0},
        {"\xe0\xa0\x80", 3, 3},
        {"\xe0\x9f\xbf", 3, 0},
        {"\xed\x9f\xbf", 3, 3},
        {"\xed\xa0\x80", 3, 0}, /* a surrogate */
        {"\xf0\x90\x80\x80", 4, 4},
        {"\xf0\x8f\xbf\xbf", 4, 0},
        {"\xf4\x8f\xbf\xbf", 4, 4},
        {"\xf4\x90\x80\x80", 4, 0}, /* beyond U+10FFFF */
        {"\xf5\x80\x80\x80", 4, 0},
        {"\x80", 1, 0},
        {"\xc3", 1, 0},
        {"\xe2\x82", 2, 0},
        {"\xe2\x82\x41", 3, 0},
        {NULL, 0, 0},
    };
    for (size_t i = 0; rows[i].bytes != NULL; i++)
        CHECK_U64(wf_http_utf8_length(rows[i].bytes, rows[i].n), rows[i].length);
}

static void links_hold_only_what_needs_no_encoding(void)
{
    page p;
    static const char name[] = "javascript:a/b c%\"<\xc3\xbc~-._";
    wf_http_put_percent(page_open(&p), name, sizeof name - 1, false);
    CHECK_STR(page_text(&p), "javascript%3Aa%2Fb%20c%25%22%3C%C3%BC~-._");
    wf_http_put_percent(page_open(&p), "a/b?c", 5, true);
    CHECK_STR(page_text(&p), "a/b%3Fc");
}

static const test_case cases[] = {
    TEST(what_does_not_fit_is_lost_whole_counted_and_remembered),
    TEST(a_writer_without_room_counts),
    TEST(a_sink_is_given_everything_in_order),
    TEST(the_first_refusal_of_a_sink_is_the_last_call),
    TEST(numbers_have_no_leading_zeros),
    TEST(html_cannot_be_broken_out_of),
    TEST(html_is_always_utf8),
    TEST(utf8_is_what_unicode_says_it_is),
    TEST(links_hold_only_what_needs_no_encoding),
    {0},
};

const test_suite http_writer_suite = {.name = "protocols/http_writer", .cases = cases};

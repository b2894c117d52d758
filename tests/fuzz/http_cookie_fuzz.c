/* SPDX-License-Identifier: MIT */
/* Any lines as Set-Cookie fields, and a jar of them: what comes out went in, fits its line, and goes nowhere it
 * was not set for. The first byte chooses who sets and when it is asked. */
#include <stdlib.h>
#include <string.h>

#include "http_cookie.h"
#include "http_fields.h"

static void must(bool holds)
{
    if (!holds)
        abort();
}

static const char *const hosts[] = {"a.example.com", "example.com", "b.a.example.com",
                                    "co.uk",         "127.0.0.1",   "::1",
                                    "github.io",     "x.github.io"};

static void within(weft_http_text whole, weft_http_text part)
{
    must(part.at == NULL || part.bytes == 0 ||
         (part.at >= whole.at && part.at + part.bytes <= whole.at + whole.bytes));
}

static void check_cookie(weft_http_text field, int64_t now)
{
    wf_http_cookie c;
    if (!wf_http_cookie_parse(field, now, &c))
        return;
    within(field, c.name);
    within(field, c.value);
    within(field, c.domain);
    within(field, c.path);
    must(c.name.bytes + c.value.bytes <= WF_HTTP_COOKIE_BYTES_MAX);
    must(c.path.at == NULL || c.path.at[0] == '/');
    must(!c.persistent || c.expires_s <= now + WF_HTTP_COOKIE_AGE_MAX_S);
    must(c.name.bytes == 0 || wf_http_value_span(c.name.at, c.name.bytes) == c.name.bytes);
}

static void check_sent(wf_http_jar *jar, const char *host, bool secure, int64_t now)
{
    char text[WF_HTTP_COOKIE_HEADER_BYTES_MAX];
    const wf_http_place to = {.host = host, .secure = secure, .path = {"/a/b", 4}};
    wf_http_writer w = wf_http_writer_over(text, sizeof text);
    wf_http_jar_put(jar, &to, now, &w);
    must(w.err == WEFT_OK && wf_http_value_span(text, w.n) == w.n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int64_t now = 1600000000;
    wf_http_jar *jar = wf_http_jar_new(20);
    must(jar != NULL);
    for (size_t i = size != 0; i < size;) {
        const uint8_t *end = memchr(data + i, '\n', size - i);
        size_t n = end != NULL ? (size_t)(end - data) - i : size - i;
        const wf_http_place from = {
            .host = hosts[(data[0] + i) % 8], .secure = (data[0] & 8) != 0, .path = {"/a/b/c", 6}};
        /* fields have passed the codec: no line ends, and of a size that a head allows */
        weft_http_text field = {(const char *)data + i, (uint32_t)n};
        check_cookie(field, now);
        must(wf_http_jar_set(jar, &from, field, now) == WEFT_OK);
        must(wf_http_jar_count(jar) <= 20);
        i += n + 1;
    }
    for (size_t i = 0; i < 8; i++)
        check_sent(jar, hosts[i], i % 2 == 0, size != 0 ? now + data[0] : now);
    wf_http_jar_free(jar);
    return 0;
}

/* SPDX-License-Identifier: MIT */
/* Any bytes as the fields that a file server reads, and as what it writes: a date that is read is
 * written back the same, a tag matches itself, HTML and log lines are whole. */
#include <stdlib.h>
#include <string.h>

#include "http_accept.h"
#include "http_conditional.h"
#include "http_date.h"
#include "http_log_line.h"
#include "http_mime.h"
#include "http_writer.h"

#define NOW INT64_C(1700000000)

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void check_date(weft_http_text text)
{
    char out[WF_HTTP_DATE_BYTES];
    int64_t date_s, again_s;
    if (!wf_http_date_parse(text, NOW, &date_s))
        return;
    wf_http_date_format(out, date_s);
    must(wf_http_date_parse((weft_http_text){out, sizeof out}, NOW, &again_s));
    /* the last second that can be written may have a leap second behind it */
    must(again_s == date_s || date_s == WF_HTTP_DATE_MAX + 1);
}

static void check_conditions(weft_http_text text)
{
    wf_http_current current = {.exists = true, .has_mtime = true, .etag = text, .mtime_s = NOW - 9};
    wf_http_current other = current;
    other.etag = (weft_http_text){"\"5-none\"", 8};
    wf_http_conditions c = {.if_none_match = text};

    (void)wf_http_if_range(text, &current, NOW);
    bool whole_list = wf_http_judge(&c, WEFT_HTTP_GET, &current, NOW) == WF_HTTP_NOT_MODIFIED;
    bool strong = text.bytes >= 2 && text.at[0] == '"' && text.at[text.bytes - 1] == '"';
    for (uint32_t i = 1; i + 1 < text.bytes; i++)
        strong =
            strong && (unsigned char)text.at[i] > 0x20 && text.at[i] != '"' && text.at[i] != 0x7f;
    must(!strong || whole_list);

    c = (wf_http_conditions){.if_match = text};
    must(!strong || wf_http_judge(&c, WEFT_HTTP_PUT, &current, NOW) == WF_HTTP_PROCEED);
    c.if_none_match = text;
    /* what matches strongly matches weakly too */
    if (wf_http_judge(&c, WEFT_HTTP_PUT, &other, NOW) == WF_HTTP_PROCEED)
        must(false);
}

static void check_accept(weft_http_text text)
{
    wf_http_accept accept = {0};
    wf_http_accept_add(&accept, text);
    for (unsigned offered = 0; offered < 1u << WF_HTTP_CODINGS_COUNT_; offered++) {
        wf_http_coding best = wf_http_accept_best(&accept, offered);
        must(best == WF_HTTP_CODING_NONE || (offered & WF_HTTP_CODING_BIT(best)) != 0);
    }
    (void)wf_http_type_compresses(text);
    must(wf_http_mime_of(text.at, text.bytes)->type.bytes > 0);
}

static void check_html(weft_http_text text, char *out, size_t out_max)
{
    wf_http_writer w = wf_http_writer_over(out, out_max);
    wf_http_put_html(&w, text.at, text.bytes);
    must(w.err == WEFT_OK);
    for (size_t i = 0, step; i < w.n; i += step) {
        must((step = wf_http_utf8_length(out + i, w.n - i)) > 0);
        must(strchr("<>\"'\x01\x1b\x7f", out[i]) == NULL);
    }
}

static void check_log(weft_http_text text, size_t room)
{
    char *out = malloc(room);
    wf_http_log_entry e = {.client = text,
                           .user = text,
                           .method = text,
                           .target = text,
                           .referer = text,
                           .agent = text,
                           .status = 200,
                           .major = 1};
    must(out != NULL);
    for (int form = 0; form < 2; form++) {
        size_t n =
            form == 0 ? wf_http_log_combined(out, room, &e) : wf_http_log_json(out, room, &e);
        must(n > 0 && n <= room && memchr(out, '\n', n) == out + n - 1);
        unsigned quotes = 0;
        for (size_t i = 0; i + 1 < n; i++) {
            must((unsigned char)out[i] >= 0x20 && out[i] != 0x7f);
            if (out[i] == '\\' && form == 1)
                i++;
            else
                quotes += out[i] == '"';
            must(form == 1 || (unsigned char)out[i] < 0x7f);
            if (form == 1)
                must(wf_http_utf8_length(out + i, n - i) > 0 ||
                     ((unsigned char)out[i] & 0xc0) == 0x80);
        }
        must(form == 1 ? quotes % 2 == 0 : quotes == 6);
    }
    free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    char *bytes = malloc(size), *out = malloc(6 * size);
    must(bytes != NULL && out != NULL);
    memcpy(bytes, data + 1, size - 1);
    weft_http_text text = {bytes, (uint32_t)(size - 1)};

    check_date(text);
    check_conditions(text);
    check_accept(text);
    check_html(text, out, 6 * size);
    check_log(text, WF_HTTP_LOG_LINE_BYTES_MIN + data[0]);
    free(bytes);
    free(out);
    return 0;
}

/* SPDX-License-Identifier: MIT */
/* Access log lines. What is short has a limit of its own; what a client can make long shares the
 * room that is left, and all fits by arithmetic rather than by checks. */
#include "http_log_line.h"

#include <stdbool.h>
#include <string.h>

#include "http_date.h"
#include "http_writer.h"

/* Bytes that the short fields take at most, escaped. */
#define CLIENT_BYTES_MAX 64
#define USER_BYTES_MAX 96
#define METHOD_BYTES_MAX 32

/* What can stand behind the target, the referer and the agent: names, numbers (20 digits) and signs
 * of either form. The short fields before the target and the signs among them take the rest. */
#define TAIL_BYTES_MAX 192
#define HEAD_BYTES_MAX (CLIENT_BYTES_MAX + USER_BYTES_MAX + METHOD_BYTES_MAX + 128)
_Static_assert(HEAD_BYTES_MAX + TAIL_BYTES_MAX + 3 * 64 <= WF_HTTP_LOG_LINE_BYTES_MIN,
               "the shortest line leaves each long field 64 bytes");

static const char cut_mark[3] = "...";

typedef struct line {
    char *at, *end;
} line;

static void put(line *l, const char *bytes, size_t n)
{
    memcpy(l->at, bytes, n);
    l->at += n;
}

static void put_str(line *l, const char *str)
{
    put(l, str, strlen(str));
}

static void put_u64(line *l, uint64_t value)
{
    char digits[20], *at = digits + sizeof digits;
    do
        *--at = (char)('0' + value % 10);
    while ((value /= 10) > 0);
    put(l, at, (size_t)(digits + sizeof digits - at));
}

/* ---- escaping ---- */

/* Writes what stands for the character at @at into @out and returns how long that is; @taken, 1
 * before the call, is how many bytes the character has. */
typedef size_t escape(const char *at, size_t n, char out[6], size_t *taken);

static size_t escape_combined(const char *at, size_t n, char out[6], size_t *taken)
{
    static const char hex[] = "0123456789ABCDEF";
    unsigned char c = (unsigned char)*at;
    (void)n;
    (void)taken;
    memcpy(out, (char[]){'\\', 'x', hex[c >> 4], hex[c & 15]}, 4);
    return 4;
}

static size_t escape_json(const char *at, size_t n, char out[6], size_t *taken)
{
    static const char hex[] = "0123456789abcdef";
    unsigned char c = (unsigned char)*at;
    size_t length = wf_http_utf8_length(at, n);

    if (c == '"' || c == '\\') {
        memcpy(out, (char[]){'\\', *at}, 2);
        return 2;
    }
    *taken = length > 0 ? length : 1;
    if (length == 0) {
        memcpy(out, (char[]){'\\', 'u', 'f', 'f', 'f', 'd'}, 6);
        return 6;
    }
    /* U+0000 to U+001F, U+007F to U+009F: controls; the latter are two bytes, c2 and the code. */
    bool c1 = c == 0xc2 && (unsigned char)at[1] < 0xa0;
    if (length == 1 || c1) {
        unsigned char code = (unsigned char)at[c1];
        memcpy(out, (char[]){'\\', 'u', '0', '0', hex[code >> 4], hex[code & 15]}, 6);
        return 6;
    }
    memcpy(out, at, length);
    return length;
}

/* How many bytes stand for themselves, from @at on. @bare: no quotes are around them, so no space
 * may be among them. */
static size_t plain_run(const char *at, size_t n, bool bare)
{
    const char least = bare ? 0x21 : 0x20;
    size_t i = 0;
    while (i < n && at[i] >= least && at[i] < 0x7f && at[i] != '"' && at[i] != '\\')
        i++;
    return i;
}

/* Puts @text in at most @limit bytes (3 or more), with a mark in place of what had no room. The cut
 * is never within an escape, but anywhere among plain bytes. */
static void put_escaped(line *l, weft_http_text text, escape *escaped, bool bare, size_t limit)
{
    char *const stop = l->at + limit, *const last_cut = stop - sizeof cut_mark;
    char *cut = l->at;
    char piece[6];

    for (size_t i = 0, taken; i < text.bytes; i += taken) {
        const char *at = text.at + i;
        size_t left = text.bytes - i, room = (size_t)(stop - l->at), n;

        if ((taken = plain_run(at, left < room ? left : room, bare)) > 0) {
            char *start = l->at;
            put(l, at, taken);
            if (start <= last_cut)
                cut = l->at < last_cut ? l->at : last_cut;
            continue;
        }
        taken = 1;
        n = escaped(at, left, piece, &taken);
        if (n > room || room == 0) {
            l->at = cut;
            put(l, cut_mark, sizeof cut_mark);
            return;
        }
        put(l, piece, n);
        if (l->at <= last_cut)
            cut = l->at;
    }
}

/* What the next long field may take: one of @parts of the room, but for what the tail must have. */
static size_t share(const line *l, size_t parts)
{
    return ((size_t)(l->end - l->at) - TAIL_BYTES_MAX) / parts;
}

static void put_version(line *l, const wf_http_log_entry *entry)
{
    put_str(l, "HTTP/");
    put_u64(l, entry->major);
    put_str(l, ".");
    put_u64(l, entry->minor);
}

/* ---- the two forms ---- */

static void put_combined(line *l, weft_http_text text, bool bare, size_t limit)
{
    if (text.bytes == 0)
        put_str(l, "-");
    else
        put_escaped(l, text, escape_combined, bare, limit);
}

size_t wf_http_log_combined(char *out, size_t out_max, const wf_http_log_entry *entry)
{
    line l = {out, out + out_max};
    char date[WF_HTTP_DATE_LOG_BYTES];

    if (out_max < WF_HTTP_LOG_LINE_BYTES_MIN)
        return 0;
    put_combined(&l, entry->client, true, CLIENT_BYTES_MAX);
    put_str(&l, " - ");
    put_combined(&l, entry->user, true, USER_BYTES_MAX);
    put_str(&l, " [");
    wf_http_date_format_log(date, entry->time_s);
    put(&l, date, sizeof date);
    put_str(&l, "] \"");
    put_combined(&l, entry->method, true, METHOD_BYTES_MAX);
    if (entry->method.bytes > 0) {
        put_str(&l, " ");
        put_combined(&l, entry->target, true, share(&l, 2));
        put_str(&l, " ");
        put_version(&l, entry);
    }
    put_str(&l, "\" ");
    put_u64(&l, entry->status);
    put_str(&l, " ");
    put_u64(&l, entry->body_bytes);
    put_str(&l, " \"");
    put_combined(&l, entry->referer, false, share(&l, 2));
    put_str(&l, "\" \"");
    put_combined(&l, entry->agent, false, share(&l, 1));
    put_str(&l, "\"\n");
    return (size_t)(l.at - out);
}

static void put_json(line *l, const char *name, weft_http_text text, size_t limit)
{
    put_str(l, ",\"");
    put_str(l, name);
    put_str(l, "\":");
    if (text.at == NULL) {
        put_str(l, "null");
        return;
    }
    put_str(l, "\"");
    put_escaped(l, text, escape_json, false, limit);
    put_str(l, "\"");
}

static void put_json_u64(line *l, const char *name, uint64_t value)
{
    put_str(l, ",\"");
    put_str(l, name);
    put_str(l, "\":");
    put_u64(l, value);
}

size_t wf_http_log_json(char *out, size_t out_max, const wf_http_log_entry *entry)
{
    line l = {out, out + out_max};
    char date[WF_HTTP_DATE_ISO_BYTES];

    if (out_max < WF_HTTP_LOG_LINE_BYTES_MIN)
        return 0;
    wf_http_date_format_iso(date, entry->time_s);
    put_str(&l, "{\"time\":\"");
    put(&l, date, sizeof date);
    put_str(&l, "\"");
    put_json(&l, "client", entry->client, CLIENT_BYTES_MAX);
    put_json(&l, "user", entry->user, USER_BYTES_MAX);
    put_json(&l, "method", entry->method, METHOD_BYTES_MAX);
    put_json(&l, "target", entry->target, share(&l, 2));
    put_str(&l, ",\"protocol\":\"");
    put_version(&l, entry);
    put_str(&l, "\"");
    put_json_u64(&l, "status", entry->status);
    put_json_u64(&l, "bytes", entry->body_bytes);
    put_json_u64(&l, "duration_us", entry->duration_us);
    put_json(&l, "referer", entry->referer, share(&l, 2));
    put_json(&l, "agent", entry->agent, share(&l, 1));
    put_str(&l, "}\n");
    return (size_t)(l.at - out);
}

/* SPDX-License-Identifier: MIT */
/* Forms as bodies: urlencoded, and multipart/form-data (RFC 7578). */
#include <stdio.h>
#include <string.h>

#include <weft/http_client.h>
#include <weft/timer.h>

#include "http_fields.h"
#include "http_writer.h"

enum { BOUNDARY_RANDOM_BYTES = 16, BOUNDARY_BYTES = 2 * BOUNDARY_RANDOM_BYTES };

static weft_bytes content_of(const weft_http_part *part)
{
    return part->value != NULL ? weft_bytes_static(part->value, strlen(part->value)) : part->body;
}

/* ---- writing twice: to measure, then into bytes of that size */

typedef void form_writer(wf_http_writer *w, const weft_http_part *parts, unsigned count,
                         const char *boundary);

static weft_bytes write_form(weft_msg *msg, form_writer *write, const weft_http_part *parts,
                             unsigned count, const char *boundary)
{
    wf_http_writer w = wf_http_writer_over(NULL, 0);
    uint8_t *to;
    weft_bytes kept;
    write(&w, parts, count, boundary);
    size_t total = (size_t)w.total;
    if (total == 0 || weft_bytes_new(total, &to, &kept) != WEFT_OK)
        return WEFT_NO_BYTES;
    w = wf_http_writer_over((char *)to, total);
    write(&w, parts, count, boundary);
    weft_bytes out = weft_bytes_copy(msg, to, total);
    weft_bytes_drop(&kept);
    return out;
}

/* ---- application/x-www-form-urlencoded (URL Standard section 5.2) */

static bool stays(unsigned char c)
{
    return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c == '*' ||
           c == '-' || c == '.' || c == '_';
}

static void put_encoded(wf_http_writer *w, const uint8_t *at, size_t n)
{
    char triple[4];
    for (size_t i = 0; i < n; i++) {
        if (at[i] == ' ')
            wf_http_put_char(w, '+');
        else if (stays(at[i]))
            wf_http_put_char(w, (char)at[i]);
        else {
            (void)snprintf(triple, sizeof triple, "%%%02X", at[i]);
            wf_http_put(w, triple, 3);
        }
    }
}

static void put_urlencoded(wf_http_writer *w, const weft_http_part *parts, unsigned count,
                           const char *boundary)
{
    (void)boundary;
    for (unsigned i = 0; i < count; i++) {
        weft_bytes content = content_of(&parts[i]);
        if (i != 0)
            wf_http_put_char(w, '&');
        put_encoded(w, (const uint8_t *)parts[i].name, strlen(parts[i].name));
        wf_http_put_char(w, '=');
        put_encoded(w, content.at, content.size);
    }
}

weft_bytes weft_http_form(weft_msg *msg, const weft_http_part *parts, unsigned count)
{
    return write_form(msg, put_urlencoded, parts, count, NULL);
}

/* ---- multipart/form-data */

/* RFC 7578 section 2, as the HTML standard has it: what would end the quotes or the line is written
 * %22, %0D and %0A. */
static void put_quoted(wf_http_writer *w, const char *text)
{
    wf_http_put_char(w, '"');
    for (; *text != '\0'; text++)
        switch (*text) {
        case '"':
            wf_http_put_str(w, "%22");
            break;
        case '\r':
            wf_http_put_str(w, "%0D");
            break;
        case '\n':
            wf_http_put_str(w, "%0A");
            break;
        default:
            wf_http_put_char(w, *text);
        }
    wf_http_put_char(w, '"');
}

static void put_part(wf_http_writer *w, const weft_http_part *part, const char *boundary)
{
    weft_bytes content = content_of(part);
    wf_http_put_str(w, "--");
    wf_http_put_str(w, boundary);
    wf_http_put_str(w, "\r\nContent-Disposition: form-data; name=");
    put_quoted(w, part->name);
    if (part->file_name != NULL) {
        wf_http_put_str(w, "; filename=");
        put_quoted(w, part->file_name);
    }
    if (part->content_type != NULL) {
        wf_http_put_str(w, "\r\nContent-Type: ");
        wf_http_put_str(w, part->content_type);
    }
    wf_http_put_str(w, "\r\n\r\n");
    if (content.size != 0)
        wf_http_put(w, (const char *)content.at, content.size);
    wf_http_put_str(w, "\r\n");
}

static void put_multipart(wf_http_writer *w, const weft_http_part *parts, unsigned count,
                          const char *boundary)
{
    for (unsigned i = 0; i < count; i++)
        put_part(w, &parts[i], boundary);
    wf_http_put_str(w, "--");
    wf_http_put_str(w, boundary);
    wf_http_put_str(w, "--\r\n");
}

static bool stands_in(const weft_http_part *parts, unsigned count, const char *boundary)
{
    for (unsigned i = 0; i < count; i++) {
        weft_bytes content = content_of(&parts[i]);
        if (content.size != 0 &&
            memmem(content.at, content.size, boundary, strlen(boundary)) != NULL)
            return true;
    }
    return false;
}

static bool breaks_its_line(const weft_http_part *part)
{
    size_t n = part->content_type != NULL ? strlen(part->content_type) : 0;
    return n != 0 && wf_http_value_span(part->content_type, n) != n;
}

static void make_boundary(weft_actor *self, char out[BOUNDARY_BYTES + 1])
{
    uint8_t random[BOUNDARY_RANDOM_BYTES];
    weft_random(self, random, sizeof random);
    for (size_t i = 0; i < sizeof random; i++)
        (void)snprintf(out + 2 * i, 3, "%02x", random[i]);
}

weft_bytes weft_http_multipart(weft_actor *self, weft_msg *msg, const weft_http_part *parts,
                               unsigned count, char content_type[WEFT_HTTP_MULTIPART_TYPE_BYTES])
{
    char boundary[BOUNDARY_BYTES + 1];
    for (unsigned i = 0; i < count; i++)
        if (breaks_its_line(&parts[i]))
            return WEFT_NO_BYTES;
    do
        make_boundary(self, boundary);
    while (stands_in(parts, count, boundary));
    (void)snprintf(content_type, WEFT_HTTP_MULTIPART_TYPE_BYTES, "multipart/form-data; boundary=%s",
                   boundary);
    return write_form(msg, put_multipart, parts, count, boundary);
}

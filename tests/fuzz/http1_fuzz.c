/* SPDX-License-Identifier: MIT */
/* HTTP/1.1: however the bytes are cut, the same is understood; what was understood can be written
 * and read again; chunks come apart as llhttp takes them apart.
 *
 * The first byte chooses (bit 0: responses; bits 1 and 2: what was asked; bit 3: small limits), the
 * second seeds the cuts, the rest is what the connection brings. */
#include <llhttp.h>

#include "protocols/http/http1_write.h"
#include "tests/protocols/http1_wire.h"

#define MUST(x) ((x) ? (void)0 : abort())

static bool inside(weft_http_text text, const uint8_t *at, size_t n)
{
    const char *from = (const char *)at;
    return text.at == NULL || (text.at >= from && text.at + text.bytes <= from + n);
}

static void check_field(const weft_http_field *field, const uint8_t *at, size_t n)
{
    MUST(inside((weft_http_text){field->name, field->name_bytes}, at, n));
    MUST(inside((weft_http_text){field->value, field->value_bytes}, at, n));
    MUST(wf_http_is_token(field->name, field->name_bytes));
    MUST(wf_http_span(field->value, field->value_bytes, WF_HTTP_VALUE) == field->value_bytes);
    if (field->value_bytes > 0) {
        MUST(field->value[0] != ' ' && field->value[0] != '\t');
        MUST(field->value[field->value_bytes - 1] != ' ');
        MUST(field->value[field->value_bytes - 1] != '\t');
    }
}

static bool same_text(weft_http_text a, weft_http_text b)
{
    return a.bytes == b.bytes && (a.bytes == 0 || memcmp(a.at, b.at, a.bytes) == 0);
}

/* Those that the writer makes itself are left out. */
static uint32_t others(const weft_http_field *fields, uint32_t count, weft_http_field *out)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < count; i++)
        switch (wf_http_name_of(fields[i].name, fields[i].name_bytes)) {
        case WF_HTTP_HOST:
        case WF_HTTP_CONNECTION:
        case WF_HTTP_UPGRADE:
        case WF_HTTP_CONTENT_LENGTH:
        case WF_HTTP_TRANSFER_ENCODING:
            break;
        default:
            out[n++] = fields[i];
        }
    return n;
}

/* Writes what was read, reads that, and finds the same. */
static void write_again(const wf_http1_head *head, const weft_http_field *fields)
{
    static uint8_t out[65536];
    weft_http_field kept[WF_HTTP1_FIELDS_MAX], again[WF_HTTP1_FIELDS_MAX + 4];
    weft_http_text host = wf_http1_value(head, fields, WF_HTTP_HOST);
    wf_http1_head second;
    wf_http1 p;
    size_t written = 0, scanned = 0;
    wf_http1_ask ask = {
        .method = head->method,
        .method_name = head->method_name,
        .target = head->target,
        .host = host.at != NULL ? host : (weft_http_text){"", 0},
        .framing = head->framing,
        .content_length = head->content_length,
        .close = !head->keep_alive,
        .fields = kept,
        .fields_count = others(fields, head->fields_count, kept),
    };
    if (head->upgrade)
        ask.upgrade = wf_http1_value(head, fields, WF_HTTP_UPGRADE);

    MUST(wf_http1_write_request(out, sizeof out, &ask, &written, NULL) == WEFT_OK);
    MUST(written <= wf_http1_ask_bound(&ask));
    MUST(wf_http1_head_end(out, written, &scanned) == written);
    wf_http1_init(&p, NULL);
    MUST(wf_http1_parse_request(&p, out, written, &second, again, WF_HTTP1_FIELDS_MAX + 4, NULL) ==
         WEFT_OK);
    MUST(second.method == head->method && second.form == head->form && second.minor == 1);
    MUST(second.framing == head->framing && second.port == head->port);
    MUST(second.keep_alive == head->keep_alive);
    MUST(same_text(second.target, head->target) && same_text(second.host, head->host));
    MUST(same_text(second.path, head->path) && same_text(second.query, head->query));

    weft_http_field kept_again[WF_HTTP1_FIELDS_MAX + 4];
    MUST(others(again, second.fields_count, kept_again) == ask.fields_count);
    for (uint32_t i = 0; i < ask.fields_count; i++)
        MUST(same_text((weft_http_text){kept[i].value, kept[i].value_bytes},
                       (weft_http_text){kept_again[i].value, kept_again[i].value_bytes}));
}

/* ---- llhttp as the second opinion on chunks ---- */

typedef struct opinion {
    uint8_t data[65536];
    size_t n, consumed;
    bool complete;
} opinion;

static int on_body(llhttp_t *m, const char *at, size_t n)
{
    opinion *o = m->data;
    memcpy(o->data + o->n, at, n);
    o->n += n;
    return 0;
}

static int on_complete(llhttp_t *m)
{
    ((opinion *)m->data)->complete = true;
    return HPE_PAUSED;
}

static void ask_llhttp(opinion *o, const uint8_t *at, size_t n)
{
    static const char head[] = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n";
    static const llhttp_settings_t settings = {.on_body = on_body,
                                               .on_message_complete = on_complete};
    llhttp_t m;

    o->n = o->consumed = 0;
    o->complete = false;
    llhttp_init(&m, HTTP_REQUEST, &settings);
    m.data = o;
    MUST(llhttp_execute(&m, head, sizeof head - 1) == HPE_OK);
    if (llhttp_execute(&m, (const char *)at, n) == HPE_PAUSED)
        o->consumed = (size_t)(llhttp_get_error_pos(&m) - (const char *)at);
}

static void ask_ours(opinion *o, wf_http1 p, const uint8_t *at, size_t n)
{
    wf_http1_piece piece = {0};

    o->n = o->consumed = 0;
    do {
        if (wf_http1_body(&p, at + o->consumed, n - o->consumed, &piece, NULL) != WEFT_OK)
            break;
        if (piece.data_bytes > 0)
            memcpy(o->data + o->n, piece.data, piece.data_bytes);
        o->n += piece.data_bytes;
        o->consumed += piece.consumed;
    } while (!piece.complete && piece.consumed > 0);
    o->complete = piece.complete;
}

static void compare_chunks(const wf_http1 *p, const uint8_t *at, size_t n)
{
    static opinion theirs, ours;

    if (n == 0 || n > sizeof theirs.data)
        return;
    ask_llhttp(&theirs, at, n);
    ask_ours(&ours, *p, at, n);
    size_t both = theirs.n < ours.n ? theirs.n : ours.n;
    MUST(memcmp(theirs.data, ours.data, both) == 0);
    if (theirs.complete && ours.complete)
        MUST(theirs.n == ours.n && theirs.consumed == ours.consumed);
    /* llhttp knows less of extensions, and puts trailers that frame down to the head. */
    if (ours.complete && !theirs.complete)
        MUST(memchr(at, ';', n) != NULL || memchr(at, ':', n) != NULL);
}

/* ---- */

static void check_first_head(const http1_wire *w, const uint8_t *at, size_t n)
{
    weft_http_field fields[WF_HTTP1_FIELDS_MAX];
    wf_http1_head head;
    wf_http1 p;
    size_t scanned = 0, bytes = wf_http1_head_end(at, n, &scanned);

    if (bytes == 0)
        return;
    MUST(bytes <= n);
    wf_http1_init(&p, &w->limits);
    if (w->responses) {
        if (wf_http1_parse_response(&p, at, bytes, w->asked, &head, fields, WF_HTTP1_FIELDS_MAX,
                                    NULL) != WEFT_OK)
            return;
        MUST(head.status >= 100 && head.status <= 599);
    } else {
        if (wf_http1_parse_request(&p, at, bytes, &head, fields, WF_HTTP1_FIELDS_MAX, NULL) !=
            WEFT_OK) {
            MUST(head.status >= 400 && head.status <= 505);
            return;
        }
        MUST(inside(head.target, at, bytes) && inside(head.query, at, bytes));
        MUST(inside(head.host, at, bytes) && head.framing != WF_HTTP1_UNTIL_CLOSE);
        write_again(&head, fields);
    }
    for (uint32_t i = 0; i < head.fields_count; i++)
        check_field(&fields[i], at, bytes);
    if (head.framing == WF_HTTP1_CHUNKED)
        compare_chunks(&p, at + bytes, n - bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const weft_http_method asked[] = {WEFT_HTTP_GET, WEFT_HTTP_HEAD, WEFT_HTTP_CONNECT,
                                             WEFT_HTTP_POST};
    static const wf_http1_limits small = {
        .request_line_bytes_max = 48,
        .head_bytes_max = 200,
        .chunk_excess_bytes_max = 16,
        .trailer_bytes_max = 40,
        .trailer_fields_max = 2,
        .body_bytes_max = 30,
    };
    static const size_t means[] = {1, 3, 40};
    static http1_wire whole, cut;

    if (size < 2 || size > 32768)
        return 0;
    whole.responses = (data[0] & 1) != 0;
    whole.asked = asked[data[0] >> 1 & 3];
    whole.limits = wf_http1_limits_filled((data[0] & 8) != 0 ? &small : NULL);
    check_first_head(&whole, data + 2, size - 2);

    wire_run(&whole, data + 2, size - 2, 0, 0);
    for (size_t i = 0; i < sizeof means / sizeof means[0]; i++) {
        if (size > 2048 && means[i] < 40)
            continue; /* each piece copies what is held */
        cut.responses = whole.responses;
        cut.asked = whole.asked;
        cut.limits = whole.limits;
        wire_run(&cut, data + 2, size - 2, means[i], data[1]);
        MUST(cut.said_bytes == whole.said_bytes);
        MUST(memcmp(cut.said, whole.said, whole.said_bytes) == 0);
    }
    return 0;
}

/* SPDX-License-Identifier: MIT */
/* Sec-WebSocket-Extensions: a list of extensions, each with parameters behind semicolons (RFC 6455 section
 * 9.1), of which one name is known here. */
#include "ws_extension.h"

#include <stdio.h>

#include "http/http_fields.h"
#include "http/http_lex.h"

/* The parameters of one permessage-deflate; 0 bits: not there. */
typedef struct params {
    bool server_no_takeover, client_no_takeover, client_bits_there;
    uint64_t server_bits, client_bits;
    bool valid;
} params;

/* A value: a token, or the same in quotes. */
static weft_http_text read_value(wf_http_lex *lex)
{
    bool quoted = wf_http_lex_char(lex, '"');
    weft_http_text value = wf_http_lex_token(lex);
    if (quoted && !wf_http_lex_char(lex, '"'))
        value.bytes = 0;
    return value;
}

static bool bits_of(weft_http_text value, uint64_t *out)
{
    /* RFC 7692 section 7.1.2: "a decimal integer value without leading zeroes between 8 to 15" */
    return value.bytes > 0 && value.at[0] != '0' && wf_http_number_read(value, out) && *out >= 8 &&
           *out <= 15;
}

static void set(params *p, weft_http_text name, bool has_value, weft_http_text value)
{
    bool *flag = wf_http_text_is(name, "server_no_context_takeover")   ? &p->server_no_takeover
                 : wf_http_text_is(name, "client_no_context_takeover") ? &p->client_no_takeover
                                                                       : NULL;
    if (flag != NULL) {
        p->valid &= !has_value && !*flag;
        *flag = true;
    } else if (wf_http_text_is(name, "server_max_window_bits")) {
        p->valid &= has_value && p->server_bits == 0 && bits_of(value, &p->server_bits);
    } else if (wf_http_text_is(name, "client_max_window_bits")) {
        p->valid &= !p->client_bits_there && (!has_value || bits_of(value, &p->client_bits));
        p->client_bits_there = true;
    } else
        p->valid = false;
}

/* One extension off the front, to its comma. true: it is permessage-deflate. */
static bool read_extension(wf_http_lex *lex, params *p)
{
    *p = (params){.valid = true};
    wf_http_lex_ows(lex);
    bool ours = wf_http_text_is(wf_http_lex_token(lex), "permessage-deflate");
    wf_http_lex_ows(lex);
    while (wf_http_lex_char(lex, ';')) {
        wf_http_lex_ows(lex);
        weft_http_text name = wf_http_lex_token(lex), value = {NULL, 0};
        wf_http_lex_ows(lex);
        bool has_value = wf_http_lex_char(lex, '=');
        if (has_value) {
            wf_http_lex_ows(lex);
            value = read_value(lex);
        }
        wf_http_lex_ows(lex);
        set(p, name, has_value, value);
    }
    p->valid &= wf_http_lex_ended(lex) || *lex->at == ',';
    wf_http_lex_skip_element(lex);
    (void)wf_http_lex_char(lex, ',');
    return ours;
}

wf_ws_deflate wf_ws_extension_accept(weft_http_text value, char answer[WF_WS_EXTENSION_BYTES])
{
    wf_http_lex lex = wf_http_lex_over(value);
    params p;
    answer[0] = '\0';
    while (!wf_http_lex_ended(&lex)) {
        /* zlib cannot pack raw with a window of 8 bits */
        if (!read_extension(&lex, &p) || !p.valid || p.server_bits == 8)
            continue;
        uint8_t bits = p.server_bits != 0 ? (uint8_t)p.server_bits : WF_WS_WINDOW_BITS_MAX;
        int n = snprintf(answer, WF_WS_EXTENSION_BYTES, "%s",
                         "permessage-deflate; server_no_context_takeover; "
                         "client_no_context_takeover");
        if (p.server_bits != 0)
            (void)snprintf(answer + n, WF_WS_EXTENSION_BYTES - (size_t)n,
                           "; server_max_window_bits=%u", bits);
        return (wf_ws_deflate){.agreed = true, .window_bits = bits};
    }
    return (wf_ws_deflate){.agreed = false};
}

bool wf_ws_extension_agreed(weft_http_text value, wf_ws_deflate *out)
{
    wf_http_lex lex = wf_http_lex_over(value);
    params p;
    *out = (wf_ws_deflate){.agreed = false};
    wf_http_lex_ows(&lex);
    if (wf_http_lex_ended(&lex))
        return true;
    if (!read_extension(&lex, &p) || !p.valid || !wf_http_lex_ended(&lex))
        return false;
    /* both were asked for; client_max_window_bits was not (section 7.1.2.2) */
    if (!p.server_no_takeover || p.client_bits_there)
        return false;
    *out = (wf_ws_deflate){.agreed = true, .window_bits = WF_WS_WINDOW_BITS_MAX};
    return true;
}

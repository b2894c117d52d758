/* SPDX-License-Identifier: MIT */
/* Accept-Encoding: weights first, then what weft likes best. */
#include "http_accept.h"

#include "http_fields.h"
#include "http_lex.h"

#define WEIGHT_MAX 1000

const char *wf_http_coding_name(wf_http_coding coding)
{
    return coding == WF_HTTP_BROTLI ? "br" : coding == WF_HTTP_GZIP ? "gzip" : "";
}

/* The length of a name leaves one candidate. */
static wf_http_coding coding_of(weft_http_text name)
{
    switch (name.bytes) {
    case 2:
        return wf_http_text_is(name, "br") ? WF_HTTP_BROTLI : WF_HTTP_CODING_NONE;
    case 4:
        return wf_http_text_is(name, "gzip") ? WF_HTTP_GZIP : WF_HTTP_CODING_NONE;
    case 6:
        return wf_http_text_is(name, "x-gzip") ? WF_HTTP_GZIP : WF_HTTP_CODING_NONE;
    case 8:
        return wf_http_text_is(name, "identity") ? WF_HTTP_IDENTITY : WF_HTTP_CODING_NONE;
    default:
        return WF_HTTP_CODING_NONE;
    }
}

/* qvalue = ( "0" [ "." 0*3DIGIT ] ) / ( "1" [ "." 0*3("0") ] ) */
static bool lex_qvalue(wf_http_lex *lex, unsigned *weight)
{
    unsigned value, unit = WEIGHT_MAX;

    if (wf_http_lex_ended(lex) || (*lex->at != '0' && *lex->at != '1'))
        return false;
    value = (unsigned)(*lex->at++ - '0') * unit;
    if (wf_http_lex_char(lex, '.'))
        while (unit > 1 && !wf_http_lex_ended(lex) && wf_http_is_digit(*lex->at)) {
            unit /= 10;
            value += (unsigned)(*lex->at++ - '0') * unit;
        }
    *weight = value;
    return value <= WEIGHT_MAX;
}

/* weight = OWS ";" OWS "q=" qvalue, and 1 where there is none */
static bool lex_weight(wf_http_lex *lex, unsigned *weight)
{
    *weight = WEIGHT_MAX;
    wf_http_lex_ows(lex);
    if (!wf_http_lex_char(lex, ';'))
        return true;
    wf_http_lex_ows(lex);
    return (wf_http_lex_char(lex, 'q') || wf_http_lex_char(lex, 'Q')) &&
           wf_http_lex_char(lex, '=') && lex_qvalue(lex, weight);
}

static bool at_element_end(const wf_http_lex *lex)
{
    return wf_http_lex_ended(lex) || *lex->at == ',';
}

void wf_http_accept_add(wf_http_accept *accept, weft_http_text line)
{
    wf_http_lex lex = wf_http_lex_over(line);
    unsigned weight;

    accept->given = true;
    while (!wf_http_lex_ended(&lex)) {
        wf_http_lex_ows(&lex);
        weft_http_text name = wf_http_lex_token(&lex);
        bool good = name.bytes > 0 && lex_weight(&lex, &weight);
        wf_http_lex_ows(&lex);
        if (good && at_element_end(&lex)) {
            wf_http_coding coding = coding_of(name);
            if (coding != WF_HTTP_CODING_NONE) {
                accept->named |= (uint16_t)WF_HTTP_CODING_BIT(coding);
                accept->weight[coding] = (uint16_t)weight;
            } else if (wf_http_text_is(name, "*")) {
                accept->star_named = true;
                accept->star = (uint16_t)weight;
            }
        }
        wf_http_lex_skip_element(&lex);
        (void)wf_http_lex_char(&lex, ',');
    }
}

/* Twice the weight, so that identity, when nothing is said of it, can come after the least. */
static unsigned rank(const wf_http_accept *accept, wf_http_coding coding)
{
    if ((accept->named & WF_HTTP_CODING_BIT(coding)) != 0)
        return accept->weight[coding] * 2u;
    if (accept->star_named)
        return accept->star * 2u;
    return coding == WF_HTTP_IDENTITY ? 1 : 0;
}

wf_http_coding wf_http_accept_best(const wf_http_accept *accept, unsigned offered)
{
    wf_http_coding best = WF_HTTP_CODING_NONE;
    unsigned best_rank = 0;

    for (unsigned c = WF_HTTP_CODINGS_COUNT_; c-- > 0;) {
        unsigned r = rank(accept, (wf_http_coding)c);
        if ((offered & WF_HTTP_CODING_BIT(c)) != 0 && r > best_rank) {
            best = (wf_http_coding)c;
            best_rank = r;
        }
    }
    return best;
}

/* ---- what is worth it ---- */

static const char *const compressing[] = {
    "application/javascript",
    "application/json",
    "application/manifest+json",
    "application/pgp-keys",
    "application/postscript",
    "application/rtf",
    "application/sql",
    "application/toml",
    "application/vnd.ms-fontobject",
    "application/wasm",
    "application/x-httpd-php",
    "application/x-javascript",
    "application/x-ndjson",
    "application/x-sh",
    "application/x-tar",
    "application/xml",
    "application/xml-dtd",
    "application/yaml",
    "font/otf",
    "font/ttf",
    "image/bmp",
    "image/vnd.microsoft.icon",
    "image/x-icon",
    "model/gltf+json",
};

static bool starts_with(weft_http_text text, const char *word)
{
    for (uint32_t i = 0; word[i] != '\0'; i++)
        if (i == text.bytes || wf_http_lower(text.at[i]) != word[i])
            return false;
    return true;
}

static bool ends_with(weft_http_text text, const char *word, uint32_t word_bytes)
{
    return text.bytes >= word_bytes &&
           starts_with((weft_http_text){text.at + text.bytes - word_bytes, word_bytes}, word);
}

bool wf_http_type_compresses(weft_http_text type)
{
    /* type "/" subtype ends where no token goes on. */
    weft_http_text name = {type.at, 0};
    while (name.bytes < type.bytes &&
           (wf_http_is(type.at[name.bytes], WF_HTTP_TOKEN) || type.at[name.bytes] == '/'))
        name.bytes++;

    if (starts_with(name, "text/"))
        return !wf_http_text_is(name, "text/event-stream");
    if (ends_with(name, "+xml", 4) || ends_with(name, "+json", 5) || ends_with(name, "+text", 5))
        return true;
    for (size_t i = 0; i < sizeof compressing / sizeof compressing[0]; i++)
        if (wf_http_text_is(name, compressing[i]))
            return true;
    return false;
}

/* SPDX-License-Identifier: MIT */
/* A cursor over one field value, and the few rules that field grammars share (RFC 9110 5.6). */
#ifndef WF_HTTP_LEX_H
#define WF_HTTP_LEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weft/http_types.h>

/* What is left to read. Nothing here reads at or beyond @end. */
typedef struct wf_http_lex {
    const char *at, *end;
} wf_http_lex;

static inline wf_http_lex wf_http_lex_over(weft_http_text text)
{
    /* A field that is not there is NULL and 0, to which no offset may be added. */
    return (wf_http_lex){.at = text.at, .end = text.bytes > 0 ? text.at + text.bytes : text.at};
}

static inline bool wf_http_lex_ended(const wf_http_lex *lex)
{
    return lex->at == lex->end;
}

/* Goes past @c if it is next, and tells whether it was. */
static inline bool wf_http_lex_char(wf_http_lex *lex, char c)
{
    if (lex->at == lex->end || *lex->at != c)
        return false;
    lex->at++;
    return true;
}

/* OWS = *( SP / HTAB ) */
static inline void wf_http_lex_ows(wf_http_lex *lex)
{
    while (lex->at < lex->end && (*lex->at == ' ' || *lex->at == '\t'))
        lex->at++;
}

/* @text without the OWS around it. */
static inline weft_http_text wf_http_trimmed(weft_http_text text)
{
    while (text.bytes != 0 && (text.at[0] == ' ' || text.at[0] == '\t')) {
        text.at++;
        text.bytes--;
    }
    while (text.bytes != 0 && (text.at[text.bytes - 1] == ' ' || text.at[text.bytes - 1] == '\t'))
        text.bytes--;
    return text;
}

/* Goes past the rest of a list element, to its comma or the end. Knows no quoted string. */
static inline void wf_http_lex_skip_element(wf_http_lex *lex)
{
    while (lex->at < lex->end && *lex->at != ',')
        lex->at++;
}

static inline bool wf_http_is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* ASCII only, whatever the locale. */
static inline char wf_http_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

/* The value of a hexadecimal digit, or -1. */
static inline int wf_http_hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = wf_http_lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Goes past a token = 1*tchar and returns it; without a byte if there is none. */
weft_http_text wf_http_lex_token(wf_http_lex *lex);

/* Goes past 1*DIGIT into @value, which stays at UINT64_MAX when it would overflow. False, with the
 * cursor where it was, if there is no digit. */
bool wf_http_lex_u64(wf_http_lex *lex, uint64_t *value);

#endif

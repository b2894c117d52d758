/* SPDX-License-Identifier: MIT */
/* The rules that field grammars share. */
#include "http_lex.h"

#include "http_fields.h"

weft_http_text wf_http_lex_token(wf_http_lex *lex)
{
    const char *start = lex->at;
    while (lex->at < lex->end && wf_http_is(*lex->at, WF_HTTP_TOKEN))
        lex->at++;
    return (weft_http_text){start, (uint32_t)(lex->at - start)};
}

bool wf_http_lex_u64(wf_http_lex *lex, uint64_t *value)
{
    const char *start = lex->at;
    uint64_t v = 0;

    while (lex->at < lex->end && wf_http_is_digit(*lex->at)) {
        if (__builtin_mul_overflow(v, 10, &v) ||
            __builtin_add_overflow(v, (uint64_t)(*lex->at - '0'), &v))
            v = UINT64_MAX;
        lex->at++;
    }
    if (lex->at == start)
        return false;
    *value = v;
    return true;
}

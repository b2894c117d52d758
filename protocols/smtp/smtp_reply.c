/* SPDX-License-Identifier: MIT */
/* Answers: a code on each line, an enhanced one behind it, and for a hello what the server can do. */
#include "smtp_reply.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* "status-code = class "." subject "." detail"; what stands behind it, or @text if there is none. */
static const char *read_enhanced(weft_smtp_status *status, const char *text)
{
    const char *at = text;
    unsigned long part[2];
    if (at[0] != (char)('0' + status->code / 100) || at[1] != '.')
        return text;
    at++;
    for (int i = 0; i < 2; i++) {
        char *end;
        if (at[0] != '.' || !is_digit(at[1]))
            return text;
        part[i] = strtoul(at + 1, &end, 10);
        if (part[i] > UINT8_MAX)
            return text;
        at = end;
    }
    if (*at != ' ' && *at != '\0')
        return text;
    status->subject = (uint8_t)part[0];
    status->detail = (uint8_t)part[1];
    return *at == ' ' ? at + 1 : at;
}

static bool take(const char **at, const char *word)
{
    size_t n = strcspn(*at, " ");
    if (n != strlen(word) || strncasecmp(*at, word, n) != 0)
        return false;
    *at += (*at)[n] == ' ' ? n + 1 : n;
    return true;
}

static void read_mechanisms(wf_smtp_reply *r, const char *at)
{
    while (*at != '\0') {
        const char *before = at;
        if (take(&at, "PLAIN"))
            r->can |= WF_SMTP_CAN_PLAIN;
        else if (take(&at, "LOGIN"))
            r->can |= WF_SMTP_CAN_LOGIN;
        else if (take(&at, "CRAM-MD5"))
            r->can |= WF_SMTP_CAN_CRAM;
        else {
            at += strcspn(at, " ");
            at += strspn(at, " ");
        }
        if (at == before)
            return;
    }
}

static void read_extension(wf_smtp_reply *r, const char *at)
{
    if (take(&at, "PIPELINING"))
        r->can |= WF_SMTP_CAN_PIPELINE;
    else if (take(&at, "STARTTLS"))
        r->can |= WF_SMTP_CAN_TLS;
    else if (take(&at, "8BITMIME"))
        r->can |= WF_SMTP_CAN_8BIT;
    else if (take(&at, "SMTPUTF8"))
        r->can |= WF_SMTP_CAN_UTF8;
    else if (take(&at, "AUTH"))
        read_mechanisms(r, at);
    else if (take(&at, "SIZE")) {
        r->can |= WF_SMTP_CAN_SIZE;
        r->size = is_digit(at[0]) ? strtoull(at, NULL, 10) : 0;
    }
}

weft_err wf_smtp_reply_line(wf_smtp_reply *r, const char *line, size_t n)
{
    char text[512] = "";
    bool well_formed = n >= 3 && line[0] >= '2' && line[0] <= '5' && is_digit(line[1]) &&
                       is_digit(line[2]) && (n == 3 || line[3] == ' ' || line[3] == '-');
    if (!well_formed)
        return WEFT_EPROTO;
    uint16_t code = (uint16_t)((line[0] - '0') * 100 + (line[1] - '0') * 10 + line[2] - '0');
    if (r->lines != 0 && code != r->status.code)
        return WEFT_EPROTO;
    if (++r->lines > WF_SMTP_REPLY_LINES_MAX)
        return WEFT_ETOOBIG;
    size_t from = n == 3 ? 3 : 4, size = n - from;
    size = size < sizeof text - 1 ? size : sizeof text - 1;
    memcpy(text, line + from, size);
    text[size] = '\0';
    if (r->lines > 1)
        read_extension(r, text);
    r->status = (weft_smtp_status){.code = code};
    const char *said = read_enhanced(&r->status, text);
    size_t i = 0;
    for (; said[i] != '\0' && i < sizeof r->status.text - 1; i++)
        r->status.text[i] = (char)(said[i] >= ' ' && said[i] <= '~' ? said[i] : '?');
    r->status.text[i] = '\0';
    return n > 3 && line[3] == '-' ? WEFT_EFULL : WEFT_OK;
}

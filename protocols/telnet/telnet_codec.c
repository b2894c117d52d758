/* SPDX-License-Identifier: MIT */
/* Telnet's bytes, read and written. */
#include "telnet_codec.h"

#include <string.h>

enum { TEXT, COMMAND, VERB, SUB_OPTION, SUB, SUB_IAC };

static const uint8_t iac = WF_TELNET_IAC;

/* A run of text: up to an IAC, and up to the zero of a "\r\0". */
static size_t read_text(wf_telnet_reader *r, const uint8_t *at, size_t n, wf_telnet_event *out)
{
    size_t from = 0;
    if (r->after_cr && !r->binary && at[0] == '\0')
        from = 1;
    r->after_cr = false;

    const uint8_t *end = memchr(at + from, WF_TELNET_IAC, n - from);
    size_t to = end != NULL ? (size_t)(end - at) : n;
    for (const uint8_t *cr = at + from; !r->binary && cr < at + to; cr++) {
        cr = memchr(cr, '\r', (size_t)(at + to - cr));
        if (cr == NULL)
            break;
        if (cr + 1 == at + to || cr[1] == '\0') {
            to = (size_t)(cr + 1 - at);
            r->after_cr = true;
            break;
        }
    }
    if (to > from)
        *out = (wf_telnet_event){.kind = WF_TELNET_TEXT, .at = at + from, .n = to - from};
    return to;
}

static void on_command(wf_telnet_reader *r, uint8_t byte, wf_telnet_event *out)
{
    r->state = TEXT;
    switch (byte) {
    case WF_TELNET_IAC:
        *out = (wf_telnet_event){.kind = WF_TELNET_TEXT, .at = &iac, .n = 1};
        r->after_cr = false;
        break;
    case WF_TELNET_WILL:
    case WF_TELNET_WONT:
    case WF_TELNET_DO:
    case WF_TELNET_DONT:
        r->verb = byte;
        r->state = VERB;
        break;
    case WF_TELNET_SB:
        r->state = SUB_OPTION;
        break;
    default:
        *out = (wf_telnet_event){.kind = WF_TELNET_COMMAND, .verb = byte};
    }
}

static weft_err sub_add(wf_telnet_reader *r, uint8_t byte, weft_why *why)
{
    if (r->n == WF_TELNET_SUB_BYTES_MAX)
        return weft_because(why, WEFT_ETOOBIG,
                            "telnet: a subnegotiation of option %u is longer than %d bytes",
                            r->option, WF_TELNET_SUB_BYTES_MAX);
    r->sub[r->n++] = byte;
    return WEFT_OK;
}

/* A byte behind an IAC within a subnegotiation. */
static weft_err on_sub_iac(wf_telnet_reader *r, uint8_t byte, wf_telnet_event *out, weft_why *why)
{
    r->state = byte == WF_TELNET_SE ? TEXT : SUB;
    if (byte == WF_TELNET_IAC)
        return sub_add(r, byte, why);
    if (byte != WF_TELNET_SE)
        return weft_because(why, WEFT_EPROTO,
                            "telnet: IAC %u within a subnegotiation of option %u, expected IAC SE",
                            byte, r->option);
    *out = (wf_telnet_event){.kind = WF_TELNET_SUB, .option = r->option, .at = r->sub, .n = r->n};
    return WEFT_OK;
}

/* A byte that is no text. */
static weft_err on_byte(wf_telnet_reader *r, uint8_t byte, wf_telnet_event *out, weft_why *why)
{
    switch (r->state) {
    case COMMAND:
        on_command(r, byte, out);
        return WEFT_OK;
    case VERB:
        r->state = TEXT;
        *out = (wf_telnet_event){.kind = WF_TELNET_SAYS, .verb = r->verb, .option = byte};
        return WEFT_OK;
    case SUB_OPTION:
        r->option = byte;
        r->n = 0;
        r->state = SUB;
        return WEFT_OK;
    case SUB:
        if (byte != WF_TELNET_IAC)
            return sub_add(r, byte, why);
        r->state = SUB_IAC;
        return WEFT_OK;
    default:
        return on_sub_iac(r, byte, out, why);
    }
}

weft_err wf_telnet_read(wf_telnet_reader *r, const uint8_t *at, size_t n, size_t *used,
                        wf_telnet_event *out, weft_why *why)
{
    size_t i = 0;
    weft_err err = WEFT_OK;
    *out = (wf_telnet_event){.kind = WF_TELNET_NOTHING};
    while (err == WEFT_OK && i < n && out->kind == WF_TELNET_NOTHING) {
        if (r->state != TEXT)
            err = on_byte(r, at[i++], out, why);
        else if (at[i] == WF_TELNET_IAC) {
            r->state = COMMAND;
            i++;
        } else
            i += read_text(r, at + i, n - i, out);
    }
    *used = i;
    return err;
}

/* ---- writing */

size_t wf_telnet_write(wf_telnet_writer *w, const uint8_t *at, size_t n, uint8_t *to)
{
    uint8_t *next = to;
    for (size_t i = 0; i < n; i++) {
        uint8_t byte = at[i];
        if (w->after_cr && byte != '\n')
            *next++ = '\0';
        if (!w->binary && byte == '\n' && !w->after_cr)
            *next++ = '\r';
        if (byte == WF_TELNET_IAC)
            *next++ = WF_TELNET_IAC;
        *next++ = byte;
        w->after_cr = !w->binary && byte == '\r';
    }
    return (size_t)(next - to);
}

size_t wf_telnet_write_sub(uint8_t option, const uint8_t *at, size_t n, uint8_t *to)
{
    uint8_t *next = to;
    *next++ = WF_TELNET_IAC;
    *next++ = WF_TELNET_SB;
    *next++ = option;
    for (size_t i = 0; i < n; i++) {
        if (at[i] == WF_TELNET_IAC)
            *next++ = WF_TELNET_IAC;
        *next++ = at[i];
    }
    *next++ = WF_TELNET_IAC;
    *next++ = WF_TELNET_SE;
    return (size_t)(next - to);
}

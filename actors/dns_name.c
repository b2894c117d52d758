/* SPDX-License-Identifier: MIT */
/* Names of DNS: out of messages, whose pointers lead backwards only, and between text and labels. */
#include "dns_name.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { POINTER = 0xc0, POINTER_BYTES = 2 };

/* ---- labels to text */

static size_t put_byte(char *to, uint8_t byte)
{
    if (byte == '.' || byte == '\\') {
        to[0] = '\\';
        to[1] = (char)byte;
        return 2;
    }
    if (byte > ' ' && byte < 0x7f) {
        to[0] = (char)byte;
        return 1;
    }
    to[0] = '\\';
    to[1] = (char)('0' + byte / 100);
    to[2] = (char)('0' + byte / 10 % 10);
    to[3] = (char)('0' + byte % 10);
    return 4;
}

static size_t put_label(char *to, size_t at, const uint8_t *label, size_t n)
{
    if (at != 0)
        to[at++] = '.';
    for (size_t i = 0; i < n; i++)
        at += put_byte(to + at, label[i]);
    return at;
}

static weft_err short_of(weft_why *why, size_t at)
{
    return weft_because(why, WEFT_ETRUNCATED, "the message ends within the name at byte %zu", at);
}

/* RFC 1035 4.1.4: "an entire domain name or a list of labels at the end of a domain name is replaced with a
 * pointer to a prior occurance of the same name": one that does not point before the piece it ends is a
 * loop, or the way into one. */
static weft_err follow(const uint8_t *at, size_t size, size_t *place, size_t *piece, weft_why *why)
{
    if (*place + 1 >= size)
        return short_of(why, *piece);
    size_t to = ((size_t)(at[*place] & ~POINTER) << 8) | at[*place + 1];
    if (to >= *piece)
        return weft_because(why, WEFT_EPROTO,
                            "the pointer at byte %zu does not lead back before its name", *place);
    *place = *piece = to;
    return WEFT_OK;
}

weft_err wf_dns_name_read(const uint8_t *at, size_t size, size_t *next,
                          char out[WEFT_DNS_NAME_BYTES], weft_why *why)
{
    char text[WEFT_DNS_NAME_BYTES];
    size_t place = *next, piece = place, behind = 0, wire = 1, n = 0;
    for (;;) {
        if (place >= size)
            return short_of(why, *next);
        uint8_t length = at[place];
        if (length == 0)
            break;
        if ((length & POINTER) == POINTER) {
            if (behind == 0)
                behind = place + POINTER_BYTES;
            weft_err err = follow(at, size, &place, &piece, why);
            if (err != WEFT_OK)
                return err;
            continue;
        }
        if (length > WEFT_DNS_LABEL_BYTES_MAX)
            return weft_because(why, WEFT_EPROTO, "a label of an unknown kind at byte %zu", place);
        if (length >= size - place)
            return short_of(why, *next);
        wire += 1U + length;
        if (wire > WEFT_DNS_WIRE_NAME_BYTES_MAX)
            return weft_because(why, WEFT_EPROTO, "the name at byte %zu has more than %u bytes",
                                *next, WEFT_DNS_WIRE_NAME_BYTES_MAX);
        n = put_label(text, n, at + place + 1, length);
        place += 1U + length;
    }
    if (n == 0)
        text[n++] = '.';
    memcpy(out, text, n);
    out[n] = '\0';
    *next = behind != 0 ? behind : place + 1;
    return WEFT_OK;
}

/* ---- text to labels */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* The byte that *@text begins with, escaped or not. false: no escape. */
static bool take_byte(const char **text, uint8_t *byte)
{
    const char *at = *text;
    if (*at != '\\') {
        *byte = (uint8_t)*at;
        *text = at + 1;
        return true;
    }
    if (is_digit(at[1])) {
        if (!is_digit(at[2]) || !is_digit(at[3]))
            return false;
        int value = (at[1] - '0') * 100 + (at[2] - '0') * 10 + (at[3] - '0');
        *byte = (uint8_t)value;
        *text = at + 4;
        return value <= UINT8_MAX;
    }
    *byte = (uint8_t)at[1];
    *text = at + 2;
    return at[1] != '\0';
}

static weft_err no_name(weft_why *why, const char *text, const char *what)
{
    return weft_because(why, WEFT_EINVAL, "\"%.80s\" is no domain name: %s", text, what);
}

/* One label and the dot behind it. */
static weft_err take_label(const char *text, const char **at, wf_dns_wire_name *out, weft_why *why)
{
    size_t length_at = out->size, n = 0;
    while (**at != '\0' && **at != '.') {
        uint8_t byte;
        if (!take_byte(at, &byte))
            return no_name(why, text, "a backslash stands before a character or three digits");
        if (++n > WEFT_DNS_LABEL_BYTES_MAX)
            return no_name(why, text, "a label has more than 63 bytes");
        /* the root's zero still has to come */
        if (length_at + 1 + n >= WEFT_DNS_WIRE_NAME_BYTES_MAX)
            return no_name(why, text, "it has more than 255 bytes");
        out->at[length_at + n] = byte;
    }
    if (n == 0)
        return no_name(why, text, "a label is empty");
    out->at[length_at] = (uint8_t)n;
    out->size = (uint8_t)(length_at + 1 + n);
    if (**at == '.')
        (*at)++;
    return WEFT_OK;
}

weft_err wf_dns_name_encode(const char *text, wf_dns_wire_name *out, weft_why *why)
{
    wf_dns_wire_name name = {.size = 0};
    const char *at = text;
    if (*text == '\0')
        return no_name(why, text, "it is empty");
    if (strcmp(text, ".") == 0)
        at++;
    while (*at != '\0') {
        weft_err err = take_label(text, &at, &name, why);
        if (err != WEFT_OK)
            return err;
    }
    name.at[name.size++] = 0;
    *out = name;
    return WEFT_OK;
}

/* ---- names as such */

weft_err weft_dns_name_normal(const char *name, char out[WEFT_DNS_NAME_BYTES], weft_why *why)
{
    wf_dns_wire_name wire;
    size_t next = 0;
    weft_err err = wf_dns_name_encode(name, &wire, why);
    if (err != WEFT_OK)
        return err;
    for (size_t i = 0; wire.at[i] != 0; i += 1U + wire.at[i])
        for (size_t k = i + 1; k <= i + wire.at[i]; k++)
            if (wire.at[k] >= 'A' && wire.at[k] <= 'Z')
                wire.at[k] = (uint8_t)(wire.at[k] - 'A' + 'a');
    return wf_dns_name_read(wire.at, wire.size, &next, out, why);
}

bool weft_dns_name_same(const char *a, const char *b)
{
    return strcasecmp(a, b) == 0;
}

void weft_dns_name_of_address(const uint8_t *ip, size_t n, char out[WEFT_DNS_NAME_BYTES])
{
    static const char digits[] = "0123456789abcdef";
    if (n == 4) {
        (void)snprintf(out, WEFT_DNS_NAME_BYTES, "%u.%u.%u.%u.in-addr.arpa", ip[3], ip[2], ip[1],
                       ip[0]);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        out[4 * i] = digits[ip[n - 1 - i] & 15];
        out[4 * i + 2] = digits[ip[n - 1 - i] >> 4];
        out[4 * i + 1] = out[4 * i + 3] = '.';
    }
    (void)snprintf(out + 4 * n, WEFT_DNS_NAME_BYTES - 4 * n, "ip6.arpa");
}

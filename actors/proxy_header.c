/* SPDX-License-Identifier: MIT */
/* PROXY headers read. One reader a version: a line of text, and a block with a length. */
#include "proxy_header.h"

#include <arpa/inet.h>
#include <string.h>

#include "proxy_parts.h"
#include "url_parts.h"

const uint8_t wf_proxy_signature[WF_PROXY_SIGNATURE_BYTES] = {'\r', '\n', '\r', '\n', 0,   '\r',
                                                              '\n', 'Q',  'U',  'I',  'T', '\n'};

static const char v1_word[] = "PROXY ";
enum { V1_WORD_BYTES = sizeof v1_word - 1 };

/* An IPv4 client of a dual-stack proxy is an IPv4 peer, so that no list is passed by another spelling. */
static void set_ip(weft_address *to, bool v6, const uint8_t *ip, uint16_t port)
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    *to = (weft_address){.family = v6 ? WEFT_FAMILY_V6 : WEFT_FAMILY_V4, .port = port};
    if (v6 && memcmp(ip, mapped, sizeof mapped) == 0) {
        to->family = WEFT_FAMILY_V4;
        ip += sizeof mapped;
    }
    memcpy(to->ip, ip, to->family == WEFT_FAMILY_V6 ? 16 : 4);
}

/* ---- version 1 */

static weft_err broken(wf_piece part, const char *expected, weft_why *why)
{
    return weft_because(why, WEFT_EPROTO, "PROXY v1: \"%s\", expected %s", wf_quote_of(part).text,
                        expected);
}

/* Section 2.1: digits without leading zeroes, 0 to 65535. */
static bool read_port(wf_piece text, uint16_t *out)
{
    uint64_t value;
    if (text.n > 5 || (text.n > 1 && text.at[0] == '0') || !wf_number_read(text, 10, &value) ||
        value > UINT16_MAX)
        return false;
    *out = (uint16_t)value;
    return true;
}

static bool read_ip(wf_piece text, bool v6, uint8_t ip[16])
{
    char host[WF_PROXY_V1_BYTES_MAX + 1];
    memcpy(host, text.at, text.n);
    host[text.n] = '\0';
    return inet_pton(v6 ? AF_INET6 : AF_INET, host, ip) == 1;
}

/* "TCP4 SOURCE DESTINATION SPORT DPORT", one blank between them. */
static weft_err read_line(wf_piece line, wf_proxy_header *out, weft_why *why)
{
    wf_piece rest, part[4], word = wf_piece_until(line, ' ', &rest);
    uint8_t ip[2][16];
    uint16_t port[2];
    bool v6 = word.n == 4 && memcmp(word.at, "TCP6", 4) == 0;

    if (word.n == 7 && memcmp(word.at, "UNKNOWN", 7) == 0)
        return WEFT_OK; /* "the receiver must ignore anything presented before the CRLF is found" */
    if (!v6 && (word.n != 4 || memcmp(word.at, "TCP4", 4) != 0))
        return broken(word, "TCP4, TCP6 or UNKNOWN", why);
    for (int i = 0; i < 4; i++) {
        if (rest.at == NULL)
            return broken(line, "two addresses and two ports", why);
        part[i] = wf_piece_until(rest, ' ', &rest);
    }
    if (rest.at != NULL)
        return broken(rest, "the end of the line", why);
    for (int i = 0; i < 2; i++) {
        if (!read_ip(part[i], v6, ip[i]))
            return broken(part[i], v6 ? "an IPv6 address" : "an IPv4 address", why);
        if (!read_port(part[2 + i], &port[i]))
            return broken(part[2 + i], "a port from 0 to 65535", why);
    }
    set_ip(&out->source, v6, ip[0], port[0]);
    set_ip(&out->destination, v6, ip[1], port[1]);
    out->known = true;
    return WEFT_OK;
}

static weft_err read_v1(const uint8_t *in, size_t n, wf_proxy_header *out, weft_why *why)
{
    size_t look = n < WF_PROXY_V1_BYTES_MAX ? n : WF_PROXY_V1_BYTES_MAX;
    const uint8_t *lf = memchr(in, '\n', look), *zero = memchr(in, 0, look);
    if (zero != NULL && (lf == NULL || zero < lf))
        return weft_because(why, WEFT_EPROTO, "PROXY v1: a zero byte in the line");
    if (lf == NULL) {
        if (n >= WF_PROXY_V1_BYTES_MAX)
            return weft_because(why, WEFT_EPROTO, "PROXY v1: no line end within %d bytes",
                                WF_PROXY_V1_BYTES_MAX);
        return WEFT_EFULL;
    }
    out->bytes = (size_t)(lf - in) + 1;
    if (lf[-1] != '\r')
        return weft_because(why, WEFT_EPROTO, "PROXY v1: the line ends without a CR");
    wf_piece line = {(const char *)in + V1_WORD_BYTES, out->bytes - V1_WORD_BYTES - 2};
    return read_line(line, out, why);
}

/* ---- version 2 */

static unsigned number_at(const uint8_t *at)
{
    return (unsigned)at[0] << 8 | at[1];
}

/* Section 2.2: a path is padded with zeroes; an abstract name begins with one. */
static void set_path(weft_address *to, const uint8_t path[WF_PROXY_UNIX_BYTES])
{
    *to = (weft_address){.family = WEFT_FAMILY_UNIX};
    bool abstract = path[0] == 0 && path[1] != 0;
    if (abstract)
        to->path[0] = '@';
    /* what stands behind its end is nothing */
    memcpy(to->path + abstract, path + abstract,
           strnlen((const char *)path + abstract, sizeof to->path - 1 - abstract));
}

static void set_addresses(wf_proxy_header *out, unsigned family, const uint8_t *at)
{
    out->known = true;
    if (family == WF_PROXY_INET) {
        set_ip(&out->source, false, at, (uint16_t)number_at(at + 8));
        set_ip(&out->destination, false, at + 4, (uint16_t)number_at(at + 10));
    } else if (family == WF_PROXY_INET6) {
        set_ip(&out->source, true, at, (uint16_t)number_at(at + 32));
        set_ip(&out->destination, true, at + 16, (uint16_t)number_at(at + 34));
    } else {
        set_path(&out->source, at);
        set_path(&out->destination, at + WF_PROXY_UNIX_BYTES);
    }
}

/* Section 2.2.2: Castagnoli's polynomial, over the whole header with the sum's own four bytes as zero. */
static uint32_t crc32c(const uint8_t *at, size_t n, size_t sum_at)
{
    uint32_t crc = UINT32_MAX;
    for (size_t i = 0; i < n; i++) {
        crc ^= i >= sum_at && i < sum_at + 4 ? 0 : at[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (0x82F63B78U & (0U - (crc & 1)));
    }
    return ~crc;
}

/* Section 2.2: each TLV is within the header; what they say is not used, but a checksum must be right. */
static weft_err check_tlvs(const uint8_t *in, size_t at, size_t end, weft_why *why)
{
    while (at < end) {
        if (end - at < 3 || number_at(in + at + 1) > end - at - 3)
            return weft_because(why, WEFT_EPROTO,
                                "PROXY v2: a TLV at byte %zu is longer than the header", at);
        unsigned size = number_at(in + at + 1);
        const uint8_t *value = in + at + 3;
        if (in[at] == WF_PROXY_TLV_CRC32C) {
            uint32_t want = size == 4 ? (uint32_t)number_at(value) << 16 | number_at(value + 2) : 0;
            if (size != 4 || crc32c(in, end, at + 3) != want)
                return weft_because(why, WEFT_EPROTO, "PROXY v2: its checksum is wrong");
        }
        at += 3 + size;
    }
    return WEFT_OK;
}

static weft_err read_block(const uint8_t *in, wf_proxy_header *out, weft_why *why)
{
    static const unsigned bytes_of[] = {
        [WF_PROXY_UNSPEC] = 0,
        [WF_PROXY_INET] = WF_PROXY_INET_BYTES,
        [WF_PROXY_INET6] = WF_PROXY_INET6_BYTES,
        [WF_PROXY_UNIX] = 2 * WF_PROXY_UNIX_BYTES,
    };
    unsigned command = in[12] & 0xf, family = in[13] >> 4, transport = in[13] & 0xf;
    size_t end = out->bytes;

    if (command > 1)
        return weft_because(why, WEFT_EPROTO,
                            "PROXY v2: command %u, expected LOCAL (0) or PROXY (1)", command);
    if (command == 0) {
        /* "must discard the protocol block including the family which is ignored" */
        out->local = true;
        return WEFT_OK;
    }
    if (family > WF_PROXY_UNIX || transport > 2)
        return weft_because(why, WEFT_EPROTO,
                            "PROXY v2: family %u and transport %u, expected at most 3 and 2",
                            family, transport);
    if (bytes_of[family] > end - WF_PROXY_V2_FIXED)
        return weft_because(why, WEFT_EPROTO,
                            "PROXY v2: %zu bytes, too few for addresses of its family", end);
    /* without a family and a transport it says nothing, and its length may be anything */
    if (family == WF_PROXY_UNSPEC || transport == 0)
        return WEFT_OK;
    set_addresses(out, family, in + WF_PROXY_V2_FIXED);
    return check_tlvs(in, WF_PROXY_V2_FIXED + bytes_of[family], end, why);
}

static weft_err read_v2(const uint8_t *in, size_t n, wf_proxy_header *out, weft_why *why)
{
    if (n > 12 && in[12] >> 4 != 2)
        return weft_because(why, WEFT_EPROTO, "PROXY v2: version %u, expected 2", in[12] >> 4);
    if (n < WF_PROXY_V2_FIXED)
        return WEFT_EFULL;
    out->bytes = WF_PROXY_V2_FIXED + number_at(in + 14);
    if (out->bytes > WF_PROXY_V2_BYTES_MAX)
        return weft_because(why, WEFT_ETOOBIG,
                            "PROXY v2: a header of %zu bytes, at most %d are taken", out->bytes,
                            WF_PROXY_V2_BYTES_MAX);
    return n < out->bytes ? WEFT_EFULL : read_block(in, out, why);
}

/* ---- which */

/* EFULL: perhaps; EPROTO: not. */
static weft_err begins(const uint8_t *in, size_t n, const void *with, size_t bytes)
{
    if (memcmp(in, with, n < bytes ? n : bytes) != 0)
        return WEFT_EPROTO;
    return n < bytes ? WEFT_EFULL : WEFT_OK;
}

weft_err wf_proxy_header_read(const uint8_t *in, size_t n, unsigned versions, wf_proxy_header *out,
                              weft_why *why)
{
    wf_proxy_header header = {.bytes = 0};
    if (n == 0)
        return WEFT_EFULL;
    weft_err v1 =
        (versions & WF_PROXY_V1) != 0 ? begins(in, n, v1_word, V1_WORD_BYTES) : WEFT_EPROTO;
    weft_err v2 = (versions & WF_PROXY_V2) != 0
                      ? begins(in, n, wf_proxy_signature, sizeof wf_proxy_signature)
                      : WEFT_EPROTO;
    weft_err err = WEFT_EFULL;
    if (v1 == WEFT_OK)
        err = read_v1(in, n, &header, why);
    else if (v2 == WEFT_OK)
        err = read_v2(in, n, &header, why);
    else if (v1 == WEFT_EPROTO && v2 == WEFT_EPROTO)
        return weft_because(why, WEFT_EPROTO, "the connection does not begin with a PROXY header%s",
                            versions == WF_PROXY_V1   ? " of version 1"
                            : versions == WF_PROXY_V2 ? " of version 2"
                                                      : "");
    if (err == WEFT_OK)
        *out = header;
    return err;
}

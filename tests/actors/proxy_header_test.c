/* SPDX-License-Identifier: MIT */
/* PROXY headers: read whole and byte by byte, refused when broken, written and read back. */
#include "actors/proxy_header.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"
enum { ANY = WF_PROXY_V1 | WF_PROXY_V2 };

static weft_why why;

/* Reads from memory that ends where the bytes do, so that a read behind them is found. */
static weft_err read_exact(const void *at, size_t n, unsigned versions, wf_proxy_header *out)
{
    uint8_t *copy = malloc(n != 0 ? n : 1);
    REQUIRE(copy != NULL);
    if (n != 0)
        memcpy(copy, at, n);
    why.text[0] = '\0';
    weft_err err = wf_proxy_header_read(copy, n, versions, out, &why);
    free(copy);
    return err;
}

/* The header of @n bytes in front of a "X": needs every byte of it and none behind it. */
static wf_proxy_header take(const void *at, size_t n)
{
    wf_proxy_header header = {.bytes = 7777}, before;
    char *longer = malloc(n + 1);
    REQUIRE(longer != NULL);
    memcpy(longer, at, n);
    longer[n] = 'X';
    for (size_t i = 0; i < n; i++)
        CHECK_ERR(read_exact(at, i, ANY, &header), WEFT_EFULL);
    CHECK_U64(header.bytes, 7777);
    CHECK_OK(read_exact(at, n, ANY, &before));
    CHECK_OK(read_exact(longer, n + 1, ANY, &header));
    CHECK_U64(header.bytes, n);
    CHECK_U64(before.bytes, n);
    free(longer);
    return header;
}

static void says(const wf_proxy_header *h, const char *source, const char *destination)
{
    char text[WEFT_ADDRESS_TEXT_BYTES];
    CHECK(h->known);
    CHECK_STR(weft_address_print(&h->source, text), source);
    CHECK_STR(weft_address_print(&h->destination, text), destination);
}

static void refused(const void *at, size_t n, unsigned versions, weft_err want, const char *word)
{
    wf_proxy_header header = {.bytes = 7777};
    CHECK_ERR(read_exact(at, n, versions, &header), want);
    CHECK_U64(header.bytes, 7777);
    if (strstr(why.text, word) == NULL)
        CHECK_STR(why.text, word);
}

static void refused_line(const char *line, const char *word)
{
    refused(line, strlen(line), ANY, WEFT_EPROTO, word);
}

/* Bytes, not a string. */
static void put(void *to, const char *bytes, size_t n)
{
    memcpy(to, bytes, n);
}

/* ---- version 1 */

static void a_line_says_both_addresses(void)
{
    const char *v4 = "PROXY TCP4 192.0.2.7 198.51.100.1 56324 443\r\n";
    const char *v6 = "PROXY TCP6 2001:db8::1 2001:db8::2 65535 0\r\n";
    wf_proxy_header h = take(v4, strlen(v4));
    says(&h, "192.0.2.7:56324", "198.51.100.1:443");
    CHECK(!h.local);
    h = take(v6, strlen(v6));
    says(&h, "[2001:db8::1]:65535", "[2001:db8::2]:0");
}

static void the_longest_line_is_taken_and_one_more_byte_is_not(void)
{
    char line[WF_PROXY_V1_BYTES_MAX + 2] = "PROXY UNKNOWN ";
    memset(line + 14, 'f', WF_PROXY_V1_BYTES_MAX - 16);
    put(line + WF_PROXY_V1_BYTES_MAX - 2, "\r\n", 2);
    wf_proxy_header h = take(line, WF_PROXY_V1_BYTES_MAX);
    CHECK(!h.known && !h.local);
    put(line + WF_PROXY_V1_BYTES_MAX - 2, "ff\r\n", 4);
    refused(line, WF_PROXY_V1_BYTES_MAX + 2, ANY, WEFT_EPROTO, "no line end within 107 bytes");
}

static void an_unknown_family_says_nothing(void)
{
    const char *line = "PROXY UNKNOWN\r\n";
    wf_proxy_header h = take(line, strlen(line));
    CHECK(!h.known && !h.local);
}

static void an_ipv4_client_in_ipv6_form_is_an_ipv4_one(void)
{
    const char *line = "PROXY TCP6 ::ffff:192.0.2.7 2001:db8::2 1 2\r\n";
    wf_proxy_header h = take(line, strlen(line));
    says(&h, "192.0.2.7:1", "[2001:db8::2]:2");
}

static void a_line_that_is_not_exactly_so_is_refused(void)
{
    refused_line("GET / HTTP/1.1\r\n", "does not begin with a PROXY header");
    refused_line("PROXY\tTCP4", "does not begin with a PROXY header");
    refused_line("PROXY TCP5 1.2.3.4 1.2.3.4 1 2\r\n", "expected TCP4, TCP6 or UNKNOWN");
    refused_line("PROXY tcp4 1.2.3.4 1.2.3.4 1 2\r\n", "expected TCP4, TCP6 or UNKNOWN");
    refused_line("PROXY TCP4 1.2.3.4 1.2.3.4 1\r\n", "two addresses and two ports");
    refused_line("PROXY TCP4 1.2.3.4 1.2.3.4 1 2 3\r\n", "the end of the line");
    refused_line("PROXY TCP4  1.2.3.4 1 2\r\n", "an IPv4 address");
    refused_line("PROXY TCP4 1.2.3.04 1.2.3.4 1 2\r\n", "an IPv4 address");
    refused_line("PROXY TCP4 ::1 ::1 1 2\r\n", "an IPv4 address");
    refused_line("PROXY TCP6 1.2.3.4 ::1 1 2\r\n", "an IPv6 address");
    refused_line("PROXY TCP6 fe80::1%eth0 ::1 1 2\r\n", "an IPv6 address");
    refused_line("PROXY TCP4 1.2.3.4 1.2.3.4 65536 2\r\n", "a port");
    refused_line("PROXY TCP4 1.2.3.4 1.2.3.4 01 2\r\n", "a port");
    refused_line("PROXY TCP4 1.2.3.4 1.2.3.4 -1 2\r\n", "a port");
    refused_line("PROXY TCP4 1.2.3.4 1.2.3.4 1 \r\n", "a port");
    refused_line("PROXY TCP4 1.2.3.4 1.2.3.4 1 2\n", "without a CR");
    refused("PROXY TCP4 1.2.3.4\0 1.2.3.4 1 2\r\n", 33, ANY, WEFT_EPROTO, "zero byte");
}

static void the_other_version_is_refused(void)
{
    refused("PROXY UNKNOWN\r\n", 15, WF_PROXY_V2, WEFT_EPROTO, "PROXY header of version 2");
    refused(SIGNATURE, 1, WF_PROXY_V1, WEFT_EPROTO, "PROXY header of version 1");
}

/* ---- version 2 */

typedef struct block {
    uint8_t at[WF_PROXY_V2_BYTES_MAX + 64];
    size_t n;
} block;

/* A block with @size bytes behind its fixed part, of which @body is the beginning. */
static block *make(unsigned version_command, unsigned family, size_t size, const void *body,
                   size_t n)
{
    static block b;
    memset(&b, 0, sizeof b);
    memcpy(b.at, SIGNATURE, 12);
    b.at[12] = (uint8_t)version_command;
    b.at[13] = (uint8_t)family;
    b.at[14] = (uint8_t)(size >> 8);
    b.at[15] = (uint8_t)size;
    if (n != 0)
        memcpy(b.at + 16, body, n);
    b.n = 16 + size;
    return &b;
}

static const uint8_t v4_body[12] = {192, 0, 2, 7, 198, 51, 100, 1, 0xdc, 0x04, 0x01, 0xbb};

static void a_block_says_both_addresses(void)
{
    uint8_t v6[36] = {0x20,     1,          0xd,         0xb8,     [15] = 1, [16] = 0x20,
                      [17] = 1, [18] = 0xd, [19] = 0xb8, [31] = 2, [33] = 9, [34] = 1};
    uint8_t paths[216] = "/run/client";
    put(paths + 108, "\0abstract", 9);
    block *b = make(0x21, 0x11, 12, v4_body, 12);
    wf_proxy_header h = take(b->at, b->n);
    says(&h, "192.0.2.7:56324", "198.51.100.1:443");
    b = make(0x21, 0x21, 36, v6, 36);
    h = take(b->at, b->n);
    says(&h, "[2001:db8::1]:9", "[2001:db8::2]:256");
    /* what stands behind the end of a path is nothing */
    paths[20] = 'x';
    b = make(0x21, 0x31, 216, paths, 216);
    h = take(b->at, b->n);
    says(&h, "unix:/run/client", "unix:@abstract");
    CHECK_U64(h.source.path[20], 0);
}

static void a_path_of_full_length_is_cut_not_overrun(void)
{
    uint8_t paths[216];
    memset(paths, 'p', sizeof paths);
    block *b = make(0x21, 0x31, 216, paths, 216);
    wf_proxy_header h = take(b->at, b->n);
    CHECK_U64(strlen(h.source.path), 107);
    CHECK_U64(strlen(h.destination.path), 107);
}

static void local_and_unknown_families_say_nothing(void)
{
    block *b = make(0x20, 0x11, 12, v4_body, 12);
    wf_proxy_header h = take(b->at, b->n);
    CHECK(h.local && !h.known);
    b = make(0x20, 0xff, 5, "\xff\xff\xff\xff\xff", 5);
    h = take(b->at, b->n);
    CHECK(h.local && !h.known);
    b = make(0x21, 0x00, 0, NULL, 0);
    h = take(b->at, b->n);
    CHECK(!h.local && !h.known);
    b = make(0x21, 0x00, 9, "anything.", 9);
    h = take(b->at, b->n);
    CHECK(!h.known);
}

static void tlvs_stand_within_the_header(void)
{
    uint8_t body[32];
    memcpy(body, v4_body, 12);
    put(body + 12, "\x04\0\x02zz\x02\0\0", 8);
    block *b = make(0x21, 0x11, 20, body, 20);
    wf_proxy_header h = take(b->at, b->n);
    says(&h, "192.0.2.7:56324", "198.51.100.1:443");
    for (size_t n = 13; n < 20; n++) {
        b = make(0x21, 0x11, n, body, n);
        if (n != 17)
            refused(b->at, b->n, ANY, WEFT_EPROTO, "a TLV at byte");
    }
    put(body + 12, "\x05\xff\xff", 3);
    b = make(0x21, 0x11, 15, body, 15);
    refused(b->at, b->n, ANY, WEFT_EPROTO, "a TLV at byte 28 is longer");
}

/* The sum was computed with a table-driven implementation of RFC 3720's CRC32C. */
static void a_checksum_must_be_right(void)
{
    uint8_t body[19];
    memcpy(body, v4_body, 12);
    put(body + 12, "\x03\0\x04", 3);
    put(body + 15, "\x54\x8e\x28\xff", 4);
    block *b = make(0x21, 0x11, 19, body, 19);
    wf_proxy_header h = take(b->at, b->n);
    CHECK(h.known);
    for (size_t bit = 0; bit < 8 * 12; bit += 5) {
        b = make(0x21, 0x11, 19, body, 19);
        b->at[16 + bit / 8] ^= (uint8_t)(1U << bit % 8);
        refused(b->at, b->n, ANY, WEFT_EPROTO, "checksum");
    }
    body[14] = 3;
    b = make(0x21, 0x11, 18, body, 18);
    refused(b->at, b->n, ANY, WEFT_EPROTO, "checksum");
}

static void a_block_that_is_not_exactly_so_is_refused(void)
{
    block *b = make(0x11, 0x11, 12, v4_body, 12);
    refused(b->at, 13, ANY, WEFT_EPROTO, "version 1, expected 2");
    b = make(0x22, 0x11, 12, v4_body, 12);
    refused(b->at, b->n, ANY, WEFT_EPROTO, "command 2");
    b = make(0x21, 0x41, 12, v4_body, 12);
    refused(b->at, b->n, ANY, WEFT_EPROTO, "family 4");
    b = make(0x21, 0x13, 12, v4_body, 12);
    refused(b->at, b->n, ANY, WEFT_EPROTO, "transport 3");
    b = make(0x21, 0x11, 11, v4_body, 11);
    refused(b->at, b->n, ANY, WEFT_EPROTO, "too few for addresses");
    b = make(0x21, 0x21, 12, v4_body, 12);
    refused(b->at, b->n, ANY, WEFT_EPROTO, "too few for addresses");
    refused("\r\n\r\n\r\n", 6, ANY, WEFT_EPROTO, "does not begin with a PROXY header");
}

static void the_longest_block_is_taken_and_one_more_byte_is_not(void)
{
    size_t size = WF_PROXY_V2_BYTES_MAX - 16;
    uint8_t body[15] = {0};
    memcpy(body, v4_body, 12);
    body[12] = 4;
    body[13] = (uint8_t)((size - 15) >> 8);
    body[14] = (uint8_t)(size - 15);
    block *b = make(0x21, 0x11, size, body, 15);
    wf_proxy_header h;
    CHECK_OK(read_exact(b->at, b->n, ANY, &h));
    CHECK_ERR(read_exact(b->at, b->n - 1, ANY, &h), WEFT_EFULL);
    b = make(0x21, 0x11, size + 1, body, 15);
    refused(b->at, 16, ANY, WEFT_ETOOBIG, "at most 4096");
}

/* ---- written */

static weft_address ip(const char *text, uint16_t port)
{
    wf_proxy_header h;
    char line[WF_PROXY_V1_BYTES_MAX];
    int n = snprintf(line, sizeof line, "PROXY %s %s %s %u 1\r\n",
                     strchr(text, ':') ? "TCP6" : "TCP4", text, text, port);
    CHECK_OK(wf_proxy_header_read((uint8_t *)line, (size_t)n, WF_PROXY_V1, &h, &why));
    return h.source;
}

static void check_same(const weft_address *a, const weft_address *b)
{
    CHECK_U64(a->family, b->family);
    CHECK_U64(a->port, b->port);
    CHECK_MEM(a->path, sizeof a->path, b->path, sizeof b->path);
}

static void what_is_written_is_read_back(void)
{
    weft_address pair[][2] = {
        {ip("192.0.2.7", 1), ip("198.51.100.1", 65535)},
        {ip("2001:db8::1", 1), ip("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 65535)},
        {{.family = WEFT_FAMILY_UNIX, .path = "/run/a"},
         {.family = WEFT_FAMILY_UNIX, .path = "@b"}},
        {{.family = WEFT_FAMILY_UNIX}, {.family = WEFT_FAMILY_UNIX, .path = "/run/a"}},
        {{.family = WEFT_FAMILY_UNIX, .path = "@"}, {.family = WEFT_FAMILY_UNIX}},
    };
    for (size_t i = 0; i < sizeof pair / sizeof *pair; i++)
        for (unsigned v = WF_PROXY_V1; v <= WF_PROXY_V2; v++) {
            uint8_t out[WF_PROXY_OUT_BYTES_MAX];
            size_t n = wf_proxy_header_write((wf_proxy_version)v, &pair[i][0], &pair[i][1], out);
            CHECK(n <= sizeof out);
            wf_proxy_header h = take(out, n);
            CHECK_U64(h.known, v == WF_PROXY_V2 || i < 2);
            if (!h.known)
                continue;
            check_same(&h.source, &pair[i][0]);
            check_same(&h.destination, &pair[i][1]);
        }
}

static void addresses_of_two_families_are_written_as_unknown(void)
{
    weft_address v4 = ip("192.0.2.7", 1), v6 = ip("::1", 1), none = {.family = WEFT_FAMILY_NONE};
    uint8_t out[WF_PROXY_OUT_BYTES_MAX];
    for (unsigned v = WF_PROXY_V1; v <= WF_PROXY_V2; v++) {
        size_t n = wf_proxy_header_write((wf_proxy_version)v, &v4, &v6, out);
        wf_proxy_header h = take(out, n);
        CHECK(!h.known && !h.local);
        n = wf_proxy_header_write((wf_proxy_version)v, &none, &none, out);
        h = take(out, n);
        CHECK(!h.known && !h.local);
    }
}

static const test_case cases[] = {
    TEST(a_line_says_both_addresses),
    TEST(the_longest_line_is_taken_and_one_more_byte_is_not),
    TEST(an_unknown_family_says_nothing),
    TEST(an_ipv4_client_in_ipv6_form_is_an_ipv4_one),
    TEST(a_line_that_is_not_exactly_so_is_refused),
    TEST(the_other_version_is_refused),
    TEST(a_block_says_both_addresses),
    TEST(a_path_of_full_length_is_cut_not_overrun),
    TEST(local_and_unknown_families_say_nothing),
    TEST(tlvs_stand_within_the_header),
    TEST(a_checksum_must_be_right),
    TEST(a_block_that_is_not_exactly_so_is_refused),
    TEST(the_longest_block_is_taken_and_one_more_byte_is_not),
    TEST(what_is_written_is_read_back),
    TEST(addresses_of_two_families_are_written_as_unknown),
    {0},
};
const test_suite proxy_header_suite = {.name = "actors/proxy_header", .cases = cases};

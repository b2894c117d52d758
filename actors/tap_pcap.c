/* SPDX-License-Identifier: MIT */
/* Records of a tap for Wireshark: packets of a TCP connection that might have carried the bytes
 * (draft-ietf-opsawg-pcap; LINKTYPE_RAW: each begins with its IP header). What is not between two IP
 * addresses of one family is shown between two addresses of documentation (RFC 5737). */
#include <string.h>

#include "tap.h"

enum {
    LINKTYPE_RAW = 101,
    RECORD_BYTES = 16,
    IPV4_BYTES = 20,
    IPV6_BYTES = 40,
    TCP_BYTES = 20,
    TCP_PROTOCOL = 6,
    HOPS = 64,
    FIN = 1,
    SYN = 2,
    PSH = 8,
    ACK = 16,
    PORTS = 64512,
    PORT_FIRST = 1024,
};

/* The magic number says: nanoseconds, in the byte order of whoever wrote it. */
void wf_tap_pcap_head(uint8_t to[WF_TAP_PCAP_HEAD_BYTES])
{
    const uint32_t words[] = {0xa1b23c4d, 0, 0, 0, 0x40000, LINKTYPE_RAW};
    const uint16_t version[] = {2, 4};
    memcpy(to, words, sizeof words);
    memcpy(to + 4, version, sizeof version);
}

/* ---- one packet */

/* What a packet says beyond its payload; index 0 is from whom it comes. */
typedef struct packet {
    const weft_address *from, *to;
    uint32_t seq, ack;
    unsigned flags;
    const uint8_t *at;
    size_t n;
    uint64_t wall_ns;
} packet;

static void put16(uint8_t *to, unsigned value)
{
    to[0] = (uint8_t)(value >> 8);
    to[1] = (uint8_t)value;
}

static void put32(uint8_t *to, uint32_t value)
{
    put16(to, value >> 16);
    put16(to + 2, value & 0xffff);
}

/* RFC 1071. */
static uint32_t sum(uint32_t so_far, const uint8_t *at, size_t n)
{
    for (size_t i = 0; i + 1 < n; i += 2)
        so_far += (uint32_t)at[i] << 8 | at[i + 1];
    if (n % 2 != 0)
        so_far += (uint32_t)at[n - 1] << 8;
    while (so_far > 0xffff)
        so_far = (so_far & 0xffff) + (so_far >> 16);
    return so_far;
}

/* RFC 9293 section 3.1; the pseudo header is the addresses, the protocol and the length. */
static void put_tcp(const packet *p, unsigned ip_bytes, uint8_t *to)
{
    size_t size = TCP_BYTES + p->n;
    put16(to, p->from->port);
    put16(to + 2, p->to->port);
    put32(to + 4, p->seq);
    put32(to + 8, (p->flags & ACK) != 0 ? p->ack : 0);
    to[12] = TCP_BYTES / 4 << 4;
    to[13] = (uint8_t)p->flags;
    put16(to + 14, 0xffff);
    put32(to + 16, 0);
    if (p->n != 0)
        memcpy(to + TCP_BYTES, p->at, p->n);
    uint32_t pseudo =
        sum(sum(TCP_PROTOCOL + (uint32_t)size, p->from->ip, ip_bytes), p->to->ip, ip_bytes);
    put16(to + 16, ~sum(pseudo, to, size) & 0xffff);
}

/* RFC 791 section 3.1. */
static size_t put_v4(const packet *p, uint8_t *to)
{
    memset(to, 0, IPV4_BYTES);
    to[0] = 4 << 4 | IPV4_BYTES / 4;
    put16(to + 2, (unsigned)(IPV4_BYTES + TCP_BYTES + p->n));
    to[8] = HOPS;
    to[9] = TCP_PROTOCOL;
    memcpy(to + 12, p->from->ip, 4);
    memcpy(to + 16, p->to->ip, 4);
    put16(to + 10, ~sum(0, to, IPV4_BYTES) & 0xffff);
    put_tcp(p, 4, to + IPV4_BYTES);
    return IPV4_BYTES + TCP_BYTES + p->n;
}

/* RFC 8200 section 3. */
static size_t put_v6(const packet *p, uint8_t *to)
{
    memset(to, 0, IPV6_BYTES);
    to[0] = 6 << 4;
    put16(to + 4, (unsigned)(TCP_BYTES + p->n));
    to[6] = TCP_PROTOCOL;
    to[7] = HOPS;
    memcpy(to + 8, p->from->ip, 16);
    memcpy(to + 24, p->to->ip, 16);
    put_tcp(p, 16, to + IPV6_BYTES);
    return IPV6_BYTES + TCP_BYTES + p->n;
}

static size_t put_packet(const packet *p, uint8_t *to)
{
    size_t n = p->from->family == WEFT_FAMILY_V6 ? put_v6(p, to + RECORD_BYTES)
                                                 : put_v4(p, to + RECORD_BYTES);
    const uint32_t head[] = {(uint32_t)(p->wall_ns / 1000000000),
                             (uint32_t)(p->wall_ns % 1000000000), (uint32_t)n, (uint32_t)n};
    memcpy(to, head, sizeof head);
    return RECORD_BYTES + n;
}

/* ---- a connection of packets */

static void addresses(const wf_tap_flow *flow, weft_address *local, weft_address *peer)
{
    *local = flow->local;
    *peer = flow->peer;
    if (local->family == peer->family &&
        (local->family == WEFT_FAMILY_V4 || local->family == WEFT_FAMILY_V6))
        return;
    *local = (weft_address){.family = WEFT_FAMILY_V4, .port = 1, .ip = {192, 0, 2, 1}};
    *peer = (weft_address){.family = WEFT_FAMILY_V4,
                           .port = (uint16_t)(PORT_FIRST + flow->id % PORTS),
                           .ip = {192, 0, 2, 2}};
}

/* The SYN is byte 0, the FIN stands behind all others. */
static uint32_t seq_of(const wf_tap_flow *flow, int way)
{
    return (uint32_t)flow->bytes[way] + 1 + flow->ended[way];
}

static packet towards(const wf_tap_flow *flow, int way, const weft_address side[2],
                      uint64_t wall_ns)
{
    return (packet){.from = &side[way],
                    .to = &side[!way],
                    .seq = seq_of(flow, way),
                    .ack = seq_of(flow, !way),
                    .flags = ACK,
                    .wall_ns = wall_ns};
}

static size_t put_opened(const wf_tap_flow *flow, const weft_address side[2], uint64_t wall_ns,
                         uint8_t *to)
{
    int way = flow->connected ? WF_TAP_OUT : WF_TAP_IN;
    packet syn = towards(flow, way, side, wall_ns), answer = towards(flow, !way, side, wall_ns),
           ack = syn;
    syn.seq = answer.seq = 0;
    syn.flags = SYN;
    answer.flags = SYN | ACK;
    size_t n = put_packet(&syn, to);
    n += put_packet(&answer, to + n);
    return n + put_packet(&ack, to + n);
}

static size_t put_fin(const wf_tap_flow *flow, int way, const weft_address side[2],
                      uint64_t wall_ns, uint8_t *to)
{
    packet fin = towards(flow, way, side, wall_ns);
    fin.flags = FIN | ACK;
    return put_packet(&fin, to);
}

size_t wf_tap_pcap(const wf_tap_flow *flow, wf_tap_event event, int way, const uint8_t *at,
                   size_t n, uint64_t wall_ns, uint8_t *to)
{
    weft_address side[2]; /* who sends each way */
    wf_tap_flow f = *flow;
    size_t size = 0;
    addresses(flow, &side[WF_TAP_OUT], &side[WF_TAP_IN]);
    switch (event) {
    case WF_TAP_OPENED:
        return put_opened(flow, side, wall_ns, to);
    case WF_TAP_BYTES: {
        packet data = towards(flow, way, side, wall_ns);
        data.flags = PSH | ACK;
        data.at = at;
        data.n = n;
        return put_packet(&data, to);
    }
    case WF_TAP_ENDED:
        return put_fin(flow, way, side, wall_ns, to);
    default:
        for (int i = 0; i < 2; i++)
            if (!f.ended[i]) {
                size += put_fin(&f, i, side, wall_ns, to + size);
                f.ended[i] = true;
            }
        return size;
    }
}

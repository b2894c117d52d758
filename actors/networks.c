/* SPDX-License-Identifier: MIT */
/* Networks: read from text, and matched. */
#include "networks.h"

#include <arpa/inet.h>
#include <string.h>

#include "url_parts.h"

enum { V4_BYTES = 4, V6_BYTES = 16, V4_IN_V6_BITS = 96 };

static unsigned bytes_of(uint8_t family)
{
    return family == WEFT_FAMILY_V4 ? V4_BYTES : V6_BYTES;
}

void wf_network_mask(uint8_t *ip, unsigned ip_bytes, unsigned bits)
{
    for (unsigned i = 0; i < ip_bytes; i++) {
        unsigned from = 8 * i, keep = bits <= from ? 0 : bits - from >= 8 ? 8 : bits - from;
        ip[i] &= (uint8_t)(0xff00U >> keep);
    }
}

static bool is_prefix(const uint8_t *prefix, const uint8_t *ip, unsigned bits)
{
    unsigned whole = bits / 8, rest = bits % 8;
    return memcmp(prefix, ip, whole) == 0 &&
           (rest == 0 || ((prefix[whole] ^ ip[whole]) & (0xff00U >> rest) & 0xff) == 0);
}

/* RFC 4291 section 2.5.5.2: an IPv4 address in IPv6 form is the same peer. */
static void unmap(wf_network *n)
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    if (n->family != WEFT_FAMILY_V6 || n->bits < V4_IN_V6_BITS ||
        memcmp(n->ip, mapped, sizeof mapped) != 0)
        return;
    n->family = WEFT_FAMILY_V4;
    n->bits = (uint8_t)(n->bits - V4_IN_V6_BITS);
    memmove(n->ip, n->ip + sizeof mapped, V4_BYTES);
    memset(n->ip + V4_BYTES, 0, sizeof n->ip - V4_BYTES);
}

static weft_err refuse(wf_piece text, weft_why *why)
{
    return weft_because(why, WEFT_EINVAL,
                        "\"%s\" is no network, expected one such as 10.0.0.0/8, 2001:db8::/32 or "
                        "192.0.2.7",
                        wf_quote_of(text).text);
}

weft_err wf_network_read(const char *text, size_t n, wf_network *out, weft_why *why)
{
    char host[WF_NETWORK_TEXT_BYTES_MAX + 1];
    wf_piece all = {text, n}, bits, ip = wf_piece_until(all, '/', &bits);
    wf_network network = {.family = WEFT_FAMILY_V4}, masked;
    uint64_t value = 0;

    if (ip.n > WF_NETWORK_TEXT_BYTES_MAX)
        return refuse(all, why);
    memcpy(host, ip.at, ip.n);
    host[ip.n] = '\0';
    if (inet_pton(AF_INET, host, network.ip) != 1) {
        network.family = WEFT_FAMILY_V6;
        if (inet_pton(AF_INET6, host, network.ip) != 1)
            return refuse(all, why);
    }
    unsigned ip_bytes = bytes_of(network.family);
    if (bits.at == NULL)
        value = UINT64_C(8) * ip_bytes;
    else if (!wf_number_read(bits, 10, &value) || value > UINT64_C(8) * ip_bytes)
        return refuse(all, why);
    network.bits = (uint8_t)value;
    masked = network;
    wf_network_mask(masked.ip, ip_bytes, network.bits);
    if (memcmp(masked.ip, network.ip, sizeof masked.ip) != 0)
        return weft_because(why, WEFT_EINVAL,
                            "\"%s\" has bits set behind its prefix of %u, expected a network or an "
                            "address alone",
                            wf_quote_of(all).text, network.bits);
    unmap(&network);
    *out = network;
    return WEFT_OK;
}

static weft_err add(wf_networks *list, const wf_network *network, weft_why *why)
{
    if (list->n == WF_NETWORKS_MAX)
        return weft_because(why, WEFT_ELIMIT, "more than %d networks in one list", WF_NETWORKS_MAX);
    list->at[list->n++] = *network;
    return WEFT_OK;
}

static weft_err add_text(wf_networks *list, wf_piece item, weft_why *why)
{
    wf_network network = {.family = WEFT_FAMILY_V4};
    weft_err err;
    if (wf_piece_is(item, "all")) {
        err = add(list, &network, why);
        network.family = WEFT_FAMILY_V6;
    } else
        err = wf_network_read(item.at, item.n, &network, why);
    return err == WEFT_OK ? add(list, &network, why) : err;
}

weft_err wf_networks_read(const weft_url *url, weft_url_option_id id, wf_networks *out,
                          weft_why *why)
{
    const char *text;
    out->n = 0;
    for (size_t i = 0; (text = weft_url_text(url, id, i)) != NULL; i++) {
        wf_piece rest = {text, strlen(text)};
        while (rest.at != NULL) {
            wf_piece item = wf_piece_until(rest, ',', &rest);
            weft_err err = add_text(out, item, why);
            if (err != WEFT_OK)
                return err;
        }
    }
    return WEFT_OK;
}

int wf_networks_match(const wf_networks *list, const weft_address *address)
{
    int best = -1;
    for (uint32_t i = 0; i < list->n; i++) {
        const wf_network *n = &list->at[i];
        if (n->family == address->family && (int)n->bits > best &&
            is_prefix(n->ip, address->ip, n->bits))
            best = n->bits;
    }
    return best;
}

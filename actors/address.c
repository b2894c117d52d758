/* SPDX-License-Identifier: MIT */
/* Addresses: printed, and made of what the system and URLs say. */
#include "address.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

void wf_address_from_sockaddr(weft_address *to, const struct sockaddr *from, socklen_t bytes)
{
    *to = (weft_address){.family = WEFT_FAMILY_NONE};
    switch (from->sa_family) {
    case AF_INET: {
        const struct sockaddr_in *in = (const struct sockaddr_in *)(const void *)from;
        to->family = WEFT_FAMILY_V4;
        to->port = ntohs(in->sin_port);
        memcpy(to->ip, &in->sin_addr, 4);
        return;
    }
    case AF_INET6: {
        const struct sockaddr_in6 *in = (const struct sockaddr_in6 *)(const void *)from;
        to->port = ntohs(in->sin6_port);
        if (IN6_IS_ADDR_V4MAPPED(&in->sin6_addr)) {
            /* a v4 peer of a dual-stack listener is a v4 peer */
            to->family = WEFT_FAMILY_V4;
            memcpy(to->ip, &in->sin6_addr.s6_addr[12], 4);
            return;
        }
        to->family = WEFT_FAMILY_V6;
        to->scope = in->sin6_scope_id;
        memcpy(to->ip, &in->sin6_addr, 16);
        return;
    }
    case AF_UNIX: {
        const struct sockaddr_un *un = (const struct sockaddr_un *)(const void *)from;
        size_t n = bytes > offsetof(struct sockaddr_un, sun_path)
                       ? bytes - offsetof(struct sockaddr_un, sun_path)
                       : 0;
        to->family = WEFT_FAMILY_UNIX;
        if (n == 0)
            return;
        if (n > sizeof to->path - 1)
            n = sizeof to->path - 1;
        memcpy(to->path, un->sun_path, n);
        if (to->path[0] == '\0')
            to->path[0] = '@';
        return;
    }
    default:
        return;
    }
}

bool wf_address_is_one(const weft_address *address)
{
    static const uint8_t any[16] = {0};
    switch (address->family) {
    case WEFT_FAMILY_V4:
        return memcmp(address->ip, any, 4) != 0;
    case WEFT_FAMILY_V6:
        return memcmp(address->ip, any, 16) != 0;
    default:
        return false;
    }
}

/* Proxies and logs say it for each request, where the way by inet_ntop and sprintf shows. */
static void put_v4(const uint8_t ip[4], char *to)
{
    for (unsigned i = 0; i < 4; i++) {
        if (ip[i] >= 100)
            *to++ = (char)('0' + ip[i] / 100);
        if (ip[i] >= 10)
            *to++ = (char)('0' + ip[i] / 10 % 10);
        *to++ = (char)('0' + ip[i] % 10);
        *to++ = i < 3 ? '.' : '\0';
    }
}

const char *weft_address_host(const weft_address *address, char text[WEFT_ADDRESS_TEXT_BYTES])
{
    switch (address->family) {
    case WEFT_FAMILY_V4:
        put_v4(address->ip, text);
        break;
    case WEFT_FAMILY_V6:
        (void)inet_ntop(AF_INET6, address->ip, text, WEFT_ADDRESS_TEXT_BYTES);
        break;
    case WEFT_FAMILY_UNIX:
        (void)snprintf(text, WEFT_ADDRESS_TEXT_BYTES, "unix");
        break;
    case WEFT_FAMILY_SIM:
        (void)snprintf(text, WEFT_ADDRESS_TEXT_BYTES, "%s", address->path);
        break;
    default:
        (void)snprintf(text, WEFT_ADDRESS_TEXT_BYTES, "-");
    }
    return text;
}

const char *weft_address_print(const weft_address *address, char text[WEFT_ADDRESS_TEXT_BYTES])
{
    char host[WEFT_ADDRESS_TEXT_BYTES];
    switch (address->family) {
    case WEFT_FAMILY_V4:
        (void)snprintf(text, WEFT_ADDRESS_TEXT_BYTES, "%.64s:%u", weft_address_host(address, host),
                       address->port);
        break;
    case WEFT_FAMILY_V6:
        (void)snprintf(text, WEFT_ADDRESS_TEXT_BYTES, "[%.64s]:%u",
                       weft_address_host(address, host), address->port);
        break;
    case WEFT_FAMILY_UNIX:
        (void)snprintf(text, WEFT_ADDRESS_TEXT_BYTES, "unix:%s", address->path);
        break;
    case WEFT_FAMILY_SIM:
        (void)snprintf(text, WEFT_ADDRESS_TEXT_BYTES,
                       strchr(address->path, ':') != NULL ? "sim://[%.107s]" : "sim://%.107s",
                       address->path);
        if (address->port != 0)
            (void)snprintf(text + strlen(text), WEFT_ADDRESS_TEXT_BYTES - strlen(text), ":%u",
                           address->port);
        break;
    default:
        (void)snprintf(text, WEFT_ADDRESS_TEXT_BYTES, "-");
    }
    return text;
}

void wf_address_url(const weft_address *address, const char *scheme, char *to, size_t room)
{
    char text[WEFT_ADDRESS_TEXT_BYTES];
    (void)weft_address_print(address, text);
    if (address->family == WEFT_FAMILY_V4 || address->family == WEFT_FAMILY_V6)
        (void)snprintf(to, room, "%s://%s", scheme, text);
    else
        (void)snprintf(to, room, "%s", text);
}

static void v4(struct sockaddr_storage *to, socklen_t *bytes, struct in_addr ip, uint16_t port)
{
    struct sockaddr_in *in = (struct sockaddr_in *)(void *)to;
    *in = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = ip};
    *bytes = sizeof *in;
}

static weft_err v6(struct sockaddr_storage *to, socklen_t *bytes, const char *text, uint16_t port,
                   weft_why *why)
{
    struct sockaddr_in6 *in = (struct sockaddr_in6 *)(void *)to;
    char ip[64];
    *in = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = htons(port)};
    size_t n = strcspn(text, "%");
    if (n >= sizeof ip)
        return weft_because(why, WEFT_EINVAL, "\"%s\" is no IPv6 address", text);
    memcpy(ip, text, n);
    ip[n] = '\0';
    if (inet_pton(AF_INET6, ip, &in->sin6_addr) != 1)
        return weft_because(why, WEFT_EINVAL, "\"%s\" is no IPv6 address", text);
    if (text[n] == '%' && (in->sin6_scope_id = if_nametoindex(text + n + 1)) == 0)
        return weft_because(why, WEFT_ENOTFOUND, "there is no network interface \"%s\"",
                            text + n + 1);
    *bytes = sizeof *in;
    return WEFT_OK;
}

socklen_t wf_address_to_sockaddr(const weft_address *from, struct sockaddr_storage *to)
{
    socklen_t bytes = sizeof(struct sockaddr_in);
    memset(to, 0, sizeof *to);
    if (from->family == WEFT_FAMILY_V4) {
        struct in_addr ip;
        memcpy(&ip, from->ip, sizeof ip);
        v4(to, &bytes, ip, from->port);
        return bytes;
    }
    struct sockaddr_in6 *in = (struct sockaddr_in6 *)(void *)to;
    *in = (struct sockaddr_in6){
        .sin6_family = AF_INET6, .sin6_port = htons(from->port), .sin6_scope_id = from->scope};
    memcpy(&in->sin6_addr, from->ip, sizeof in->sin6_addr);
    return sizeof *in;
}

weft_err wf_address_of_host(const weft_url_host *host, struct sockaddr_storage *to,
                            socklen_t *bytes, weft_why *why)
{
    struct in_addr ip = {.s_addr = htonl(INADDR_LOOPBACK)};
    memset(to, 0, sizeof *to);
    switch (host->kind) {
    case WEFT_HOST_ANY:
        return v6(to, bytes, "::", host->port, why);
    case WEFT_HOST_V6:
        return v6(to, bytes, host->name, host->port, why);
    case WEFT_HOST_V4:
        if (inet_pton(AF_INET, host->name, &ip) != 1)
            return weft_because(why, WEFT_EINVAL, "\"%s\" is no IPv4 address", host->name);
        v4(to, bytes, ip, host->port);
        return WEFT_OK;
    case WEFT_HOST_LOCALHOST:
        v4(to, bytes, ip, host->port);
        return WEFT_OK;
    default:
        return weft_because(why, WEFT_ENONAME,
                            "\"%s\" would have to be looked up: write its address here",
                            host->name);
    }
}

weft_err wf_address_of_path(const weft_url *url, struct sockaddr_storage *to, socklen_t *bytes)
{
    struct sockaddr_un *un = (struct sockaddr_un *)(void *)to;
    size_t n = strlen(url->path);
    memset(to, 0, sizeof *to);
    if (n == 0 || n + 1 > sizeof un->sun_path)
        return WEFT_EINVAL;
    un->sun_family = AF_UNIX;
    if (url->abstract) {
        memcpy(un->sun_path + 1, url->path, n);
        *bytes = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + n);
        return WEFT_OK;
    }
    memcpy(un->sun_path, url->path, n + 1);
    *bytes = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n + 1);
    return WEFT_OK;
}

/* SPDX-License-Identifier: MIT */
/* Hosts and ports: HOST, HOST:PORT, [V6]:PORT, *:PORT, :PORT, and what kind of host it is. */
#include "url_parts.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

#define LABEL_BYTES_MAX 63 /* RFC 1035 section 2.3.4 */

/* HOST[:PORT] taken apart, before anything was decoded. */
typedef struct parts {
    wf_piece host, port; /* port.at is NULL if there is no colon */
    bool brackets;
} parts;

static bool is_v6(const char *host)
{
    struct in6_addr address;
    char literal[INET6_ADDRSTRLEN];
    const char *zone = strchr(host, '%');
    size_t n = zone != NULL ? (size_t)(zone - host) : strlen(host);

    if (n >= sizeof literal || (zone != NULL && zone[1] == '\0'))
        return false;
    memcpy(literal, host, n);
    literal[n] = '\0';
    return inet_pton(AF_INET6, literal, &address) == 1;
}

static bool is_localhost(const char *host)
{
    const char *suffix = ".localhost";
    size_t n = strlen(host), m = strlen(suffix);

    if (n > 0 && host[n - 1] == '.')
        n--;
    if (n == m - 1)
        return strncasecmp(host, suffix + 1, n) == 0;
    return n > m && strncasecmp(host + n - m, suffix, m) == 0;
}

weft_host_kind weft_host_kind_of(const char *host)
{
    struct in_addr v4;

    if (host[0] == '\0' || strcmp(host, "*") == 0)
        return WEFT_HOST_ANY;
    if (inet_pton(AF_INET, host, &v4) == 1)
        return WEFT_HOST_V4;
    if (is_v6(host))
        return WEFT_HOST_V6;
    return is_localhost(host) ? WEFT_HOST_LOCALHOST : WEFT_HOST_NAME;
}

static weft_err split_brackets(wf_piece text, const char *what, parts *out, weft_why *why)
{
    wf_piece inside = {text.at + 1, text.n - 1}, behind;
    out->brackets = true;
    out->host = wf_piece_until(inside, ']', &behind);

    if (behind.at == NULL)
        return weft_because(why, WEFT_EINVAL, "%s has a [ without its ]: \"%s\"", what,
                            wf_quote_of(text).text);
    if (behind.n > 0 && behind.at[0] != ':')
        return weft_because(why, WEFT_EINVAL, "%s has \"%s\" behind its ], expected :PORT", what,
                            wf_quote_of(behind).text);
    out->port = behind.n > 0 ? (wf_piece){behind.at + 1, behind.n - 1} : (wf_piece){NULL, 0};
    return WEFT_OK;
}

static weft_err split(wf_piece text, const char *what, parts *out, weft_why *why)
{
    if (text.n > 0 && text.at[0] == '[')
        return split_brackets(text, what, out, why);

    out->brackets = false;
    out->host = wf_piece_until(text, ':', &out->port);
    if (out->port.n > 0 && memchr(out->port.at, ':', out->port.n) != NULL)
        return weft_because(why, WEFT_EINVAL,
                            "%s has more than one colon; an IPv6 address stands in brackets: [%s]",
                            what, wf_quote_of(text).text);
    return WEFT_OK;
}

static weft_err read_port(wf_piece text, const wf_host_rules *rules, uint16_t *out, weft_why *why)
{
    uint64_t port;

    if (text.at == NULL || (text.n == 0 && rules->port_may_be_empty)) {
        if (rules->port_default < 0)
            return weft_because(why, WEFT_EINVAL, "%s has no port behind it, expected HOST:PORT",
                                rules->what);
        *out = (uint16_t)rules->port_default;
        return WEFT_OK;
    }
    if (!wf_number_read(text, 10, &port) || port > UINT16_MAX)
        return weft_because(why, WEFT_EINVAL,
                            "the port behind %s is \"%s\", expected a number from 0 to 65535",
                            rules->what, wf_quote_of(text).text);
    *out = (uint16_t)port;
    return WEFT_OK;
}

static weft_err check_zone(const char *zone, const char *what, weft_why *why)
{
    size_t n = strlen(zone);
    bool plain = n > 0 && n <= WEFT_URL_ZONE_BYTES_MAX;

    for (size_t i = 0; i < n && plain; i++)
        plain = wf_is_unreserved(zone[i]);
    if (!plain)
        return weft_because(why, WEFT_EINVAL,
                            "%s has the zone \"%s\", expected an interface of 1 to %d letters, "
                            "digits, - . _ ~",
                            what, wf_quote_of((wf_piece){zone, n}).text, WEFT_URL_ZONE_BYTES_MAX);
    return WEFT_OK;
}

/* Brings the literal to its canonical form (RFC 5952), which inet_ntop makes. */
static weft_err read_v6(char *name, const char *what, weft_why *why)
{
    struct in6_addr address;
    char text[INET6_ADDRSTRLEN + 1 + WEFT_URL_ZONE_BYTES_MAX];
    char *zone = strchr(name, '%');

    if (zone != NULL) {
        weft_err err = check_zone(zone + 1, what, why);
        if (err != WEFT_OK)
            return err;
        *zone = '\0';
    }
    if (inet_pton(AF_INET6, name, &address) != 1)
        return weft_because(why, WEFT_EINVAL, "%s is no IPv6 address: [%s]", what,
                            wf_quote_of((wf_piece){name, strlen(name)}).text);

    inet_ntop(AF_INET6, &address, text, INET6_ADDRSTRLEN);
    if (zone != NULL) {
        size_t n = strlen(text);
        text[n] = '%';
        memcpy(text + n + 1, zone + 1, strlen(zone + 1) + 1);
    }
    memcpy(name, text, strlen(text) + 1);
    return WEFT_OK;
}

/* Whether the last label of @name is a number, which the C library's resolver would take for an
 * address in one of the forms nobody expects: 127.1, 0x7f.1, 1.2.3.400. */
static bool looks_numeric(const char *name)
{
    size_t end = strlen(name), start;
    if (end > 0 && name[end - 1] == '.')
        end--;
    for (start = end; start > 0 && name[start - 1] != '.'; start--)
        continue;

    const char *digits = "0123456789";
    if (end - start >= 2 && name[start] == '0' && name[start + 1] == 'x') {
        digits = "0123456789abcdef";
        start += 2;
    }
    return start + strspn(name + start, digits) >= end;
}

/* Letters, digits, - and _ in labels of 1 to 63, in lower case. */
static weft_err read_name(char *name, const char *what, weft_why *why)
{
    size_t label = 0;

    for (char *c = name; *c != '\0'; c++) {
        if (*c >= 'A' && *c <= 'Z')
            *c = (char)(*c + ('a' - 'A'));
        if (!wf_is_unreserved(*c) || *c == '~')
            return weft_because(why, WEFT_EINVAL,
                                "%s is \"%s\", expected letters, digits, - . _ (others in their "
                                "xn-- form)",
                                what, wf_quote_of((wf_piece){name, strlen(name)}).text);
        label = *c == '.' ? 0 : label + 1;
        if (label > LABEL_BYTES_MAX || (label == 0 && (c == name || c[-1] == '.')))
            return weft_because(
                why, WEFT_EINVAL, "%s is \"%s\", expected parts of 1 to %d bytes between its dots",
                what, wf_quote_of((wf_piece){name, strlen(name)}).text, LABEL_BYTES_MAX);
    }
    return WEFT_OK;
}

static weft_err classify(const wf_host_rules *rules, bool brackets, weft_url_host *host,
                         weft_why *why)
{
    weft_err err;
    const char *what = rules->what;

    if (brackets) {
        host->kind = WEFT_HOST_V6;
        return read_v6(host->name, what, why);
    }

    host->kind = rules->names_only ? WEFT_HOST_NAME : weft_host_kind_of(host->name);
    if (host->kind == WEFT_HOST_V4)
        return WEFT_OK;
    if (host->kind == WEFT_HOST_ANY) {
        host->name[0] = '\0';
        return WEFT_OK;
    }

    if (host->name[0] == '\0')
        return weft_because(why, WEFT_EINVAL, "%s is missing", what);
    err = read_name(host->name, what, why);
    if (err == WEFT_OK && !rules->names_only && looks_numeric(host->name))
        return weft_because(why, WEFT_EINVAL,
                            "%s is \"%s\", which looks like an address and is none; expected four "
                            "numbers from 0 to 255",
                            what, wf_quote_of((wf_piece){host->name, strlen(host->name)}).text);
    return err;
}

weft_err wf_host_read(wf_piece text, const wf_host_rules *rules, weft_url_host *out, weft_why *why)
{
    parts cut;
    weft_url_host host = {0};

    weft_err err = split(text, rules->what, &cut, why);
    if (err != WEFT_OK)
        return err;
    if (cut.host.n == 0 && cut.port.at == NULL)
        return weft_because(why, WEFT_EINVAL, "%s is missing%s", rules->what,
                            rules->names_only ? "" : " (any address is written *)");

    if (rules->encoded) {
        err = wf_percent_decode(cut.host, rules->what, host.name, WEFT_URL_HOST_BYTES_MAX, why);
        if (err != WEFT_OK)
            return err;
    } else if (cut.host.n > WEFT_URL_HOST_BYTES_MAX) {
        return weft_because(why, WEFT_ETOOBIG, "%s is longer than %d bytes", rules->what,
                            WEFT_URL_HOST_BYTES_MAX);
    } else {
        memcpy(host.name, cut.host.at, cut.host.n);
    }

    err = classify(rules, cut.brackets, &host, why);
    if (err == WEFT_OK)
        err = read_port(cut.port, rules, &host.port, why);
    if (err == WEFT_OK)
        *out = host;
    return err;
}

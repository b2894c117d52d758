/* SPDX-License-Identifier: MIT */
/* Where a node listens and connects: what may carry links, and how TLS says who is there.
 *
 * A certificate is for the name of its node. Whoever connects asks for the name of the member it means, and shows
 * its own; whoever listens requires one; and a hello with another name than the certificate's is refused. */
#include "node_url.h"

#include <stdio.h>
#include <string.h>

#include <weft/stream.h>
#include <weft/tls.h>
#include <weft/url.h>

#include "via.h"

/* ---- URLs */

static weft_err copy(const char *text, char **out, weft_why *why)
{
    size_t bytes = strlen(text) + 1;
    char *to = weft_alloc(bytes);
    if (to == NULL)
        return weft_because(why, WEFT_ENOMEM, "no memory for a URL");
    *out = memcpy(to, text, bytes);
    return WEFT_OK;
}

static bool is_secure(const weft_url *url)
{
    return url->scheme == WEFT_SCHEME_TLS || url->scheme == WEFT_SCHEME_NNG_TLS || url->options.tls;
}

static weft_err too_plain(const char *text, weft_why *why)
{
    return weft_because(
        why, WEFT_EDENIED,
        "%.80s: TCP without TLS between nodes is for loopback alone, unless `plaintext` says "
        "that all others of the network may be trusted",
        text);
}

/* Whether @url goes by a proxy on another machine. */
static bool goes_by_others(const weft_url *url)
{
    const char *text = weft_url_text(url, WEFT_URL_VIA, 0);
    wf_via proxy;
    weft_why why;
    return text != NULL && (wf_via_parse(text, false, &proxy, &why) != WEFT_OK ||
                            !weft_url_host_is_loopback(&proxy.host));
}

static weft_err check_plain(const weft_node *config, const weft_url *url, const char *text,
                            weft_why *why)
{
    bool tcp = url->scheme == WEFT_SCHEME_TCP || url->scheme == WEFT_SCHEME_NNG_TCP;
    if (!tcp || config->plaintext ||
        (weft_url_host_is_loopback(&url->host) && !goes_by_others(url)))
        return WEFT_OK;
    return too_plain(text, why);
}

static bool is_near(const weft_address *address)
{
    static const uint8_t six[16] = {[15] = 1};
    return address->family == WEFT_FAMILY_V4   ? address->ip[0] == 127
           : address->family == WEFT_FAMILY_V6 ? memcmp(address->ip, six, sizeof six) == 0
                                               : true;
}

weft_err wf_node_bound(const weft_node *config, const weft_address *address, weft_why *why)
{
    weft_url url;
    char text[WEFT_ADDRESS_TEXT_BYTES];
    if (config->plaintext || is_near(address) ||
        (weft_url_parse(config->listen, &url, why) == WEFT_OK && is_secure(&url)))
        return WEFT_OK;
    return too_plain(weft_address_print(address, text), why);
}

/* A URL being put together. */
typedef struct writer {
    char text[WEFT_URL_BYTES_MAX + 1];
    size_t n;
} writer;

static void put(writer *w, const char *text, bool escaped)
{
    for (; *text != '\0' && w->n + 4 < sizeof w->text; text++) {
        unsigned char c = (unsigned char)*text;
        bool plain = !escaped || (c > ' ' && c < 0x7f && strchr("%&#+", c) == NULL);
        w->n += (size_t)snprintf(w->text + w->n, 4, plain ? "%c" : "%%%02X", c);
    }
}

static void add(writer *w, const weft_url *url, weft_url_option_id id, const char *name,
                const char *value)
{
    if (value == NULL || weft_url_given(url, id))
        return;
    put(w, strchr(w->text, '?') != NULL ? "&" : "?", false);
    put(w, name, false);
    put(w, "=", false);
    put(w, value, true);
}

static weft_err check_secure(const weft_url *url, weft_url_end end, const char *text, weft_why *why)
{
    if (weft_url_text(url, WEFT_URL_CERT, 0) == NULL)
        return weft_because(why, WEFT_EINVAL, "%.80s: a node shows its certificate: expected one",
                            text);
    if (end == WEFT_URL_LISTEN && url->options.tls_clients != WEFT_TLS_CLIENTS_REQUIRED)
        return weft_because(
            why, WEFT_EDENIED,
            "%.80s: nodes show each other their certificates: expected clients=required", text);
    if (end == WEFT_URL_CONNECT && !url->options.tls_verify)
        return weft_because(why, WEFT_EDENIED, "%.80s: nodes verify each other: expected verify=on",
                            text);
    return WEFT_OK;
}

static weft_err parse(const char *text, weft_url_end end, weft_url *out, weft_why *why)
{
    weft_err err = weft_url_parse(text, out, why);
    return err == WEFT_OK ? weft_url_check(out, end, why) : err;
}

weft_err wf_node_url(const weft_node *c, const char *text, weft_url_end end, const char *member,
                     char **out, weft_why *why)
{
    weft_url url;
    weft_err err = parse(text, end, &url, why);
    if (err != WEFT_OK)
        return err;
    if (url.scheme == WEFT_SCHEME_HTTP || url.scheme == WEFT_SCHEME_HTTPS)
        return weft_because(why, WEFT_EUNSUPPORTED, "links do not go over http");
    writer w = {.n = 0};
    bool own = weft_url_given(&url, WEFT_URL_CERT);
    put(&w, text, false);
    if (end == WEFT_URL_LISTEN && url.scheme != WEFT_SCHEME_FD && url.scheme != WEFT_SCHEME_SYSTEMD)
        add(&w, &url, WEFT_URL_PEER_CONNS_MAX, "peer_conns_max", NODE_PEER_CONNS_TEXT);
    if (!is_secure(&url)) {
        err = check_plain(c, &url, text, why);
        return err == WEFT_OK ? copy(w.text, out, why) : err;
    }
    add(&w, &url, WEFT_URL_CERT, "cert", c->cert);
    if (!own)
        add(&w, &url, WEFT_URL_KEY, "key", c->key);
    add(&w, &url, WEFT_URL_CA, "ca", c->ca);
    if (end == WEFT_URL_LISTEN)
        add(&w, &url, WEFT_URL_CLIENTS, "clients", "required");
    else
        add(&w, &url, WEFT_URL_HOST, "host", member);
    err = parse(w.text, end, &url, why);
    if (err == WEFT_OK)
        err = check_secure(&url, end, text, why);
    return err == WEFT_OK ? copy(w.text, out, why) : err;
}

/* ---- who is there */

/* Whether one of the words of @list, commas between, is @word. */
static bool has_word(const char *list, const char *word)
{
    size_t n = strlen(word);
    for (const char *at = list;; at++) {
        if (strncmp(at, word, n) == 0 && (at[n] == ',' || at[n] == '\0'))
            return true;
        at = strchr(at, ',');
        if (at == NULL)
            return false;
    }
}

/* RFC 6125 section 6.4.4: the subject's common name counts if there is no other. One that was cut, or has
 * something escaped in it, is none. */
static bool is_common_name(const weft_tls_peer *peer, const char *name)
{
    char wanted[WEFT_NODE_NAME_BYTES + 4];
    if (peer->names[0] != '\0' || strlen(peer->subject) + 1 >= sizeof peer->subject ||
        strpbrk(peer->subject, "\\+\"") != NULL)
        return false;
    (void)snprintf(wanted, sizeof wanted, "CN=%s", name);
    return has_word(peer->subject, wanted);
}

/* Without TLS anybody may say any name: that is what loopback, sockets and `plaintext` are trusted for. */
static weft_err is_trusted(weft_actor *self, weft_ref stream, const weft_node *config,
                           weft_why *why)
{
    weft_address local, peer;
    char text[WEFT_ADDRESS_TEXT_BYTES];
    if (config == NULL || config->plaintext ||
        weft_stream_addresses(self, stream, &local, &peer) != WEFT_OK || is_near(&peer))
        return WEFT_OK;
    return too_plain(weft_address_print(&peer, text), why);
}

weft_err wf_node_is_there(weft_actor *self, weft_ref stream, const weft_node *config,
                          const char *name, weft_why *why)
{
    weft_tls_info info;
    if (weft_tls_about(self, stream, &info) != WEFT_OK)
        return is_trusted(self, stream, config, why);
    if (!info.peer.given || !info.peer.verified)
        return weft_because(why, WEFT_EDENIED, "%s shows no certificate that is accepted: %s",
                            name[0] != '\0' ? name : "a visitor", info.peer.problem);
    if (name[0] == '\0' || has_word(info.peer.names, name) || is_common_name(&info.peer, name))
        return WEFT_OK;
    return weft_because(why, WEFT_EDENIED, "it says it is %s; its certificate is for %.60s (%.60s)",
                        name, info.peer.names[0] != '\0' ? info.peer.names : "no name",
                        info.peer.subject);
}

/* SPDX-License-Identifier: MIT */
/* The grammar of URLs: scheme, what stands where for each scheme, and what an end asks of it. */
#include "url_parts.h"

#include <string.h>

enum { FD_DIGITS_MAX = 10 };

/* Two shapes: an authority behind "//" with perhaps a path, and a path or another text alone. */
static const weft_url_scheme schemes[] = {
    {"tcp", WEFT_SCHEME_TCP, -1, false, "tcp://HOST:PORT",
     "TCP; HOST is a name, an IPv4 address, [IPv6], or * for any address"},
    {"unix", WEFT_SCHEME_UNIX, -1, true, "unix:PATH or unix:@NAME",
     "a UNIX stream socket, by path or by abstract name"},
    {"tls", WEFT_SCHEME_TLS, -1, false, "tls://HOST:PORT", "TLS over TCP"},
    {"http", WEFT_SCHEME_HTTP, 80, true, "http://HOST[:PORT][/PATH]", "HTTP over TCP"},
    {"https", WEFT_SCHEME_HTTPS, 443, true, "https://HOST[:PORT][/PATH]", "HTTP over TLS over TCP"},
    {"sim", WEFT_SCHEME_SIM, 0, false, "sim://NAME[:PORT]",
     "a simulated wire, for tests in virtual time"},
    {"exec", WEFT_SCHEME_EXEC, -1, true, "exec:PROGRAM",
     "the standard input and output of a program"},
    {"stdio", WEFT_SCHEME_STDIO, -1, false,
     "stdio:", "this program's own input and output; listening there ends with its one connection"},
    {"fd", WEFT_SCHEME_FD, -1, true, "fd:NUMBER",
     "a descriptor that this program was started with"},
    {"systemd", WEFT_SCHEME_SYSTEMD, -1, true, "systemd:[NAME]",
     "a socket given by systemd, by its FileDescriptorName or the next one"},
    {"serial", WEFT_SCHEME_SERIAL, -1, true, "serial:DEVICE", "a serial line"},
    {"udp", WEFT_SCHEME_UDP, -1, false, "udp://HOST:PORT", "UDP datagrams; HOST as for tcp"},
    {"unixgram", WEFT_SCHEME_UNIXGRAM, -1, true, "unixgram:PATH or unixgram:@NAME",
     "UNIX datagrams, by path or by abstract name"},
    {"nng+tcp", WEFT_SCHEME_NNG_TCP, -1, false, "nng+tcp://HOST:PORT",
     "TCP by NNG, between weft's own ends; HOST as for tcp"},
    {"nng+ipc", WEFT_SCHEME_NNG_IPC, -1, true, "nng+ipc:PATH",
     "a UNIX stream socket by NNG, between weft's own ends"},
    {"nng+tls+tcp", WEFT_SCHEME_NNG_TLS, -1, false, "nng+tls+tcp://HOST:PORT", "TLS over nng+tcp"},
    {0},
};

const weft_url_scheme *weft_url_scheme_at(size_t i)
{
    size_t n = sizeof schemes / sizeof *schemes - 1;
    return i < n ? &schemes[i] : NULL;
}

const weft_url_scheme *wf_scheme_row(weft_scheme scheme)
{
    const weft_url_scheme *row = schemes;
    while (row->name != NULL && row->scheme != scheme)
        row++;
    return row->name != NULL ? row : NULL;
}

/* RFC 3986 section 3.1: "scheme = ALPHA *( ALPHA / DIGIT / "+" / "-" / "." )" */
static bool is_scheme_name(wf_piece text)
{
    for (size_t i = 0; i < text.n; i++) {
        char c = text.at[i];
        bool alpha = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        bool other = (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.';
        if (!alpha && (i == 0 || !other))
            return false;
    }
    return text.n > 0;
}

/* Whether it is what @name ends with, behind a '+'. */
static bool ends_with(const char *name, wf_piece end)
{
    size_t n = strlen(name);
    return n > end.n && name[n - end.n - 1] == '+' && memcmp(name + n - end.n, end.at, end.n) == 0;
}

/* Others write tls+tcp:// and ipc:// for what is carried by NNG: that is nearer than a word of few other letters, which
 * may be a scheme that nobody secures. */
static const weft_url_scheme *nearest(wf_piece name)
{
    const weft_url_scheme *best = schemes;
    size_t least = SIZE_MAX;

    for (const weft_url_scheme *row = schemes; row->name != NULL; row++)
        if (ends_with(row->name, name))
            return row;
    for (const weft_url_scheme *row = schemes; row->name != NULL; row++) {
        size_t distance = wf_edit_distance(name, row->name, least);
        if (distance < least) {
            least = distance;
            best = row;
        }
    }
    return best;
}

static weft_err read_scheme(wf_piece text, const weft_url_scheme **out, wf_piece *rest,
                            weft_why *why)
{
    wf_piece name = wf_piece_until(text, ':', rest);

    if (rest->at == NULL || !is_scheme_name(name))
        return weft_because(why, WEFT_EINVAL,
                            "\"%s\" begins with no scheme, expected tcp://HOST:PORT, unix:PATH "
                            "or another",
                            wf_quote_of(name).text);

    for (const weft_url_scheme *row = schemes; row->name != NULL; row++)
        if (wf_piece_is(name, row->name)) {
            *out = row;
            return WEFT_OK;
        }
    const weft_url_scheme *near = nearest(name);
    return weft_because(why, WEFT_EUNSUPPORTED,
                        "there is no scheme \"%s\"; the nearest is \"%s\", written %s",
                        wf_quote_of(name).text, near->name, near->form);
}

/* What no part may hold unescaped. Refused before anything is cut, for one clear sentence. */
static weft_err check_bytes(wf_piece text, weft_why *why)
{
    for (size_t i = 0; i < text.n; i++) {
        unsigned char c = (unsigned char)text.at[i];
        if (c <= ' ' || c == 0x7f)
            return weft_because(why, WEFT_EINVAL,
                                "a URL has no blanks and no control bytes; byte %zu is written "
                                "%%%02X",
                                i, c);
        if (c == '#')
            return weft_because(why, WEFT_EINVAL,
                                "a URL has no fragment here; the # at byte %zu is written %%23", i);
    }
    return WEFT_OK;
}

static weft_err read_http_path(wf_piece path, weft_url *url, weft_why *why)
{
    char decoded[WEFT_URL_PATH_BYTES_MAX + 1];

    if (path.n > WEFT_URL_PATH_BYTES_MAX)
        return weft_because(why, WEFT_ETOOBIG, "the path of an http URL is longer than %d bytes",
                            WEFT_URL_PATH_BYTES_MAX);
    for (size_t i = 0; i < path.n; i++) {
        char c = path.at[i];
        if (!wf_is_pchar(c) && c != '/' && c != '%')
            return weft_because(why, WEFT_EINVAL,
                                "the path of an http URL has a byte that is written %%%02X",
                                (unsigned char)c);
    }

    /* Kept as written, since %2F and / are not the same here; decoded only to see that it can. */
    weft_err err =
        wf_percent_decode(path, "the path of an http URL", decoded, WEFT_URL_PATH_BYTES_MAX, why);
    if (err == WEFT_OK)
        memcpy(url->path, path.n > 0 ? path.at : "/", path.n > 0 ? path.n : 1);
    return err;
}

static weft_err read_authority(const weft_url_scheme *row, wf_piece text, weft_url *url,
                               weft_why *why)
{
    static const char *const whats[] = {
        [WEFT_SCHEME_TCP] = "the host of a tcp URL",
        [WEFT_SCHEME_HTTP] = "the host of an http URL",
        [WEFT_SCHEME_SIM] = "the name of a sim URL",
        [WEFT_SCHEME_TLS] = "the host of a tls URL",
        [WEFT_SCHEME_HTTPS] = "the host of an https URL",
        [WEFT_SCHEME_UDP] = "the host of a udp URL",
        [WEFT_SCHEME_NNG_TCP] = "the host of a nng+tcp URL",
        [WEFT_SCHEME_NNG_TLS] = "the host of a nng+tls+tcp URL",
    };
    const wf_host_rules rules = {
        .what = whats[row->scheme],
        .encoded = true,
        .names_only = row->scheme == WEFT_SCHEME_SIM,
        .port_default = row->port_default,
        .port_may_be_empty = row->path, /* RFC 3986 section 6.2.3 */
    };

    if (text.n < 2 || memcmp(text.at, "//", 2) != 0)
        return weft_because(why, WEFT_EINVAL, "a %s URL has // behind its scheme, expected %s",
                            row->name, row->form);

    wf_piece after = {text.at + 2, text.n - 2}, path;
    wf_piece authority = wf_piece_until(after, '/', &path);
    if (authority.n > 0 && memchr(authority.at, '@', authority.n) != NULL)
        return weft_because(why, WEFT_EINVAL, "a %s URL has no user and no password before an @",
                            row->name);

    weft_err err = wf_host_read(authority, &rules, &url->host, why);
    if (err != WEFT_OK)
        return err;
    if (row->path)
        return read_http_path((wf_piece){authority.at + authority.n, after.n - authority.n}, url,
                              why);
    if (path.at != NULL)
        return weft_because(why, WEFT_EINVAL, "a %s URL ends with its port, but \"/%s\" follows",
                            row->name, wf_quote_of(path).text);
    return WEFT_OK;
}

/* "///PATH" is the path alone; what stands there cannot be a host. */
static weft_err cut_slashes(const char *scheme, wf_piece *text, weft_why *why)
{
    if (text->n < 2 || memcmp(text->at, "//", 2) != 0)
        return WEFT_OK;
    *text = (wf_piece){text->at + 2, text->n - 2};
    if (text->n > 0 && text->at[0] != '/')
        return weft_because(why, WEFT_EINVAL,
                            "a %s URL has no host: expected %s:/PATH (absolute) or "
                            "%s:PATH (relative), not \"//%s\"",
                            scheme, scheme, scheme, wf_quote_of(*text).text);
    return WEFT_OK;
}

/* What stands behind the schemes of this machine's own things. */
static weft_err read_local(const weft_url_scheme *row, wf_piece text, weft_url *url, weft_why *why)
{
    uint64_t number;
    weft_err err = cut_slashes(row->name, &text, why);
    if (err != WEFT_OK)
        return err;
    if (row->scheme == WEFT_SCHEME_STDIO && text.n != 0)
        return weft_because(why, WEFT_EINVAL,
                            "a stdio URL has nothing behind it but options: "
                            "expected stdio:, not stdio:%s",
                            wf_quote_of(text).text);
    if (row->scheme == WEFT_SCHEME_FD &&
        (!wf_number_read(text, 10, &number) || number > INT32_MAX || text.n > FD_DIGITS_MAX))
        return weft_because(why, WEFT_EINVAL, "a fd URL has a number, expected %s, not fd:%s",
                            row->form, wf_quote_of(text).text);
    if (text.n == 0 && row->scheme != WEFT_SCHEME_STDIO && row->scheme != WEFT_SCHEME_SYSTEMD)
        return weft_because(why, WEFT_EINVAL, "a %s URL is empty, expected %s", row->name,
                            row->form);
    return wf_percent_decode(text, row->form, url->path, WEFT_URL_PATH_BYTES_MAX, why);
}

static weft_err read_unix(const weft_url_scheme *row, wf_piece text, weft_url *url, weft_why *why)
{
    bool stream = row->scheme == WEFT_SCHEME_UNIX, nng = row->scheme == WEFT_SCHEME_NNG_IPC;
    const char *what = stream ? "the path of a unix URL"
                       : nng  ? "the path of a nng+ipc URL"
                              : "the path of a unixgram URL";

    if (text.n >= 2 && memcmp(text.at, "//", 2) == 0) {
        weft_err err = cut_slashes(row->name, &text, why);
        if (err != WEFT_OK)
            return err;
    } else if (text.n > 0 && text.at[0] == '@' && !nng) {
        what = stream ? "the abstract name of a unix URL" : "the abstract name of a unixgram URL";
        url->abstract = true;
        text = (wf_piece){text.at + 1, text.n - 1};
    }

    if (text.n == 0)
        return weft_because(why, WEFT_EINVAL, "%s is empty", what);
    return wf_percent_decode(text, what, url->path, WEFT_URL_UNIX_BYTES_MAX, why);
}

weft_err weft_url_parse(const char *text, weft_url *out, weft_why *why)
{
    weft_url url = {0};
    const weft_url_scheme *row = NULL;
    wf_piece all = {text, strlen(text)}, rest, query;

    if (all.n > WEFT_URL_BYTES_MAX)
        return weft_because(why, WEFT_ETOOBIG, "a URL has at most %d bytes", WEFT_URL_BYTES_MAX);

    weft_err err = read_scheme(all, &row, &rest, why);
    if (row == NULL)
        return err;
    err = check_bytes(all, why);
    if (err != WEFT_OK)
        return err;

    url.scheme = row->scheme;
    rest = wf_piece_until(rest, '?', &query);
    if (row->scheme == WEFT_SCHEME_UNIX || row->scheme == WEFT_SCHEME_UNIXGRAM ||
        row->scheme == WEFT_SCHEME_NNG_IPC)
        err = read_unix(row, rest, &url, why);
    else if (wf_scheme_is_local(row->scheme))
        err = read_local(row, rest, &url, why);
    else
        err = read_authority(row, rest, &url, why);

    if (err == WEFT_OK)
        err = wf_options_read(query, &url, why);
    if (err == WEFT_OK)
        *out = url;
    return err;
}

/* Most have both. */
static uint32_t ends_of(weft_scheme scheme)
{
    if (scheme == WEFT_SCHEME_EXEC || scheme == WEFT_SCHEME_SERIAL)
        return WEFT_URL_CONNECT;
    return scheme == WEFT_SCHEME_SYSTEMD ? WEFT_URL_LISTEN : WEFT_URL_LISTEN | WEFT_URL_CONNECT;
}

/* A name would have to be looked up, and may stand for other addresses tomorrow (docs/decisions/0056). */
static weft_err check_place(const weft_url *url, weft_why *why)
{
    if (url->host.kind != WEFT_HOST_NAME || url->scheme == WEFT_SCHEME_SIM)
        return WEFT_OK;
    return weft_because(why, WEFT_ENONAME,
                        "one listens at an address of this machine, and \"%s\" is a name; expected "
                        "one such as 127.0.0.1 or [::1], localhost, or * for any",
                        wf_quote_of((wf_piece){url->host.name, strlen(url->host.name)}).text);
}

bool weft_url_host_is_loopback(const weft_url_host *host)
{
    return host->kind == WEFT_HOST_LOCALHOST ||
           (host->kind == WEFT_HOST_V4 && strncmp(host->name, "127.", 4) == 0) ||
           (host->kind == WEFT_HOST_V6 && strcmp(host->name, "::1") == 0);
}

weft_err weft_url_check(const weft_url *url, weft_url_end end, weft_why *why)
{
    const weft_url_option *option;
    const weft_url_scheme *row = wf_scheme_row(url->scheme);
    bool listens = end == WEFT_URL_LISTEN;

    if (row == NULL)
        return weft_because(why, WEFT_EINVAL, "this is no URL: it was not parsed");

    if ((ends_of(row->scheme) & (uint32_t)end) == 0)
        return weft_because(why, WEFT_EUNSUPPORTED, "%s is for %s, not for %s: %s", row->form,
                            listens ? "connecting" : "listening",
                            listens ? "listening" : "connecting", row->help);

    for (size_t i = 0; (option = weft_url_option_at(i)) != NULL; i++)
        if (weft_url_given(url, option->id) && (option->ends & (uint32_t)end) == 0)
            return weft_because(why, WEFT_EINVAL, "the option \"%s\" is for %s, not for %s",
                                option->name, listens ? "connecting" : "listening",
                                listens ? "listening" : "connecting");
    if (listens)
        return check_place(url, why);

    if (url->host.kind == WEFT_HOST_ANY)
        return weft_because(why, WEFT_EINVAL, "one connects to a host, not to any address: %s",
                            row->form);
    if (url->host.kind != WEFT_HOST_NONE && url->host.port == 0 && row->port_default != 0 &&
        !weft_url_given(url, WEFT_URL_SRV))
        return weft_because(why, WEFT_EINVAL,
                            "one connects to a port from 1 to 65535; 0 is for listening");
    return WEFT_OK;
}

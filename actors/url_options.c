/* SPDX-License-Identifier: MIT */
/* The options of URLs: one row an option, one parser a kind of value. */
#include "url_parts.h"

#include <weft/stream.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define TCP (1u << WEFT_SCHEME_TCP)
#define UNIX (1u << WEFT_SCHEME_UNIX)
#define HTTP (1u << WEFT_SCHEME_HTTP)
#define SIM (1u << WEFT_SCHEME_SIM)
#define EXEC (1u << WEFT_SCHEME_EXEC)
#define STDIO (1u << WEFT_SCHEME_STDIO)
#define FD (1u << WEFT_SCHEME_FD)
#define SYSTEMD (1u << WEFT_SCHEME_SYSTEMD)
#define SERIAL (1u << WEFT_SCHEME_SERIAL)
#define GIVEN (FD | SYSTEMD) /* sockets, perhaps */
#define LOCAL (EXEC | STDIO | SERIAL | GIVEN)
#define TLS (1u << WEFT_SCHEME_TLS)
#define HTTPS (1u << WEFT_SCHEME_HTTPS)
#define UDP (1u << WEFT_SCHEME_UDP)
#define UNIXGRAM (1u << WEFT_SCHEME_UNIXGRAM)
#define NNG_TCP (1u << WEFT_SCHEME_NNG_TCP)
#define NNG_IPC (1u << WEFT_SCHEME_NNG_IPC)
#define NNG_TLS (1u << WEFT_SCHEME_NNG_TLS)
#define NNG (NNG_TCP | NNG_IPC | NNG_TLS)
#define CLEAR (TCP | UNIX | SIM | LOCAL) /* which may be asked to be secure */
#define INET (TCP | HTTP | TLS | HTTPS)
#define SECURE (TLS | HTTPS | CLEAR | NNG_TLS)
#define ALL (INET | UNIX | SIM | NNG)
#define DATAGRAM (UDP | UNIXGRAM)

#define LISTEN WEFT_URL_LISTEN
#define CONNECT WEFT_URL_CONNECT
#define BOTH (WEFT_URL_LISTEN | WEFT_URL_CONNECT)

#define K UINT64_C(1024)
#define M (1024 * K)
#define G (1024 * M)
#define SECOND UINT64_C(1000)
#define HOUR (3600 * SECOND)
#define WEEK (168 * HOUR)

#define FILE_MAX 255 /* bytes of a path */

#define FIELD(name) offsetof(weft_url_options, name)

/* In the order of weft_url_option_id.
 *
 * The kernel's bound on TCP_KEEPIDLE is 32767 seconds; its bound on a backlog, 65535 here, is
 * net.core.somaxconn, which cuts silently what is above it. */
/* clang-format off */
static const weft_url_option options[] = {
    /* name, id, kind, schemes, ends, min, max, default, field, help */
    {"backlog", WEFT_URL_BACKLOG, WEFT_URL_COUNT, ALL, LISTEN, 1, 65535, 1024, FIELD(backlog),
     "connections the system keeps until they are accepted"},
    {"conns_max", WEFT_URL_CONNS_MAX, WEFT_URL_COUNT, ALL | GIVEN, LISTEN, 0, INT32_MAX, 0, FIELD(conns_max),
     "connections open at a time; 0 is no limit here"},
    {"mode", WEFT_URL_MODE, WEFT_URL_OCTAL, UNIX | UNIXGRAM | NNG_IPC, LISTEN, 0, 0777, 0, FIELD(mode),
     "permissions of the socket's file; without it the umask decides"},
    {"nodelay", WEFT_URL_NODELAY, WEFT_URL_BOOL, INET | GIVEN | NNG_TCP | NNG_TLS, BOTH, 0, 1, 1, FIELD(nodelay),
     "send at once, do not gather small writes (TCP_NODELAY)"},
    {"keepalive", WEFT_URL_KEEPALIVE, WEFT_URL_MS, INET | GIVEN, BOTH, 0, 32767 * SECOND, 0, FIELD(keepalive_ms),
     "idle time after which the peer is probed, in whole seconds; off is never"},
    {"reuseport", WEFT_URL_REUSEPORT, WEFT_URL_BOOL, INET | UDP, LISTEN, 0, 1, 0, FIELD(reuseport),
     "share the port with other listeners (SO_REUSEPORT)"},
    {"v6only", WEFT_URL_V6ONLY, WEFT_URL_BOOL, INET | UDP, LISTEN, 0, 1, 0, FIELD(v6only),
     "an IPv6 listener takes no IPv4 connections"},
    {"timeout", WEFT_URL_TIMEOUT, WEFT_URL_MS, ALL | LOCAL, CONNECT, 1, 24 * HOUR, 10 * SECOND, FIELD(timeout_ms),
     "time until the connection must stand, name resolution included"},
    {"bind", WEFT_URL_BIND, WEFT_URL_ADDRESS, INET | SIM | UDP, CONNECT, 0, 0, 0, FIELD(bind),
     "the local address to connect from; peers of the other family are then not tried"},
    {"window", WEFT_URL_WINDOW, WEFT_URL_BYTES, ALL | LOCAL | DATAGRAM, BOTH, 1, G, 256 * K, FIELD(window_bytes),
     "bytes received and still in use beyond which reading stops"},
    {"write_queue", WEFT_URL_WRITE_QUEUE, WEFT_URL_BYTES, ALL | LOCAL | DATAGRAM, BOTH, 1, G, M, FIELD(write_queue_bytes_max),
     "bytes waiting to be sent beyond which writes are refused"},
    {"latency", WEFT_URL_LATENCY, WEFT_URL_MS, SIM, BOTH, 0, HOUR, 0, FIELD(latency_ms),
     "virtual time that bytes are under way"},
    {"handshake", WEFT_URL_HANDSHAKE, WEFT_URL_MS, ALL | LOCAL, LISTEN, 1, HOUR, WEFT_HANDSHAKE_MS, FIELD(handshake_ms),
     "time until a new connection must be ready, where something is agreed on first"},
    {"bind6", WEFT_URL_BIND6, WEFT_URL_ADDRESS, INET, CONNECT, 0, 0, 0, FIELD(bind6),
     "beside bind, the local address for peers of the other family"},
    {"srv", WEFT_URL_SRV, WEFT_URL_TEXT, TCP | SIM, CONNECT, 1, WEFT_URL_SERVICE_BYTES_MAX, 1, 0,
     "the service (xmpp-client, say) whose SRV records say where; the port is for hosts without"},
    {"arg", WEFT_URL_ARG, WEFT_URL_TEXTS, EXEC, CONNECT, 0, WEFT_URL_TEXTS_BYTES_MAX, 0, 0,
     "an argument of the program"},
    {"env", WEFT_URL_ENV, WEFT_URL_TEXTS, EXEC, CONNECT, 1, WEFT_URL_TEXTS_BYTES_MAX, 0, 0,
     "NAME=VALUE in the program's environment; NAME alone takes it out"},
    {"dir", WEFT_URL_DIR, WEFT_URL_TEXT, EXEC, CONNECT, 1, WEFT_URL_TEXTS_BYTES_MAX, 0, 0,
     "the folder the program runs in"},
    {"pty", WEFT_URL_PTY, WEFT_URL_BOOL, EXEC, CONNECT, 0, 1, 0, FIELD(pty),
     "the program runs on a terminal"},
    {"raw", WEFT_URL_RAW, WEFT_URL_BOOL, STDIO, BOTH, 0, 1, 0, FIELD(raw),
     "a terminal gives each key as it is pressed, without echo"},
    {"baud", WEFT_URL_BAUD, WEFT_URL_COUNT, SERIAL, CONNECT, 50, 4000000, 115200, FIELD(baud),
     "bits a second, one of those that terminals have"},
    {"data", WEFT_URL_DATA, WEFT_URL_COUNT, SERIAL, CONNECT, 5, 8, 8, FIELD(data),
     "bits of a character"},
    {"parity", WEFT_URL_PARITY, WEFT_URL_WORD, SERIAL, CONNECT, 0, 0, 0, FIELD(parity),
     "the bit that makes their number even or odd"},
    {"stop", WEFT_URL_STOP, WEFT_URL_COUNT, SERIAL, CONNECT, 1, 2, 1, FIELD(stop), "stop bits"},
    {"flow", WEFT_URL_FLOW, WEFT_URL_WORD, SERIAL, CONNECT, 0, 0, 0, FIELD(flow),
     "who holds whom back: RTS and CTS, or XON and XOFF"},
    {"proxy", WEFT_URL_PROXY, WEFT_URL_WORD, ALL, BOTH, 0, 0, 0, FIELD(proxy),
     "the PROXY header that each connection begins with (any: v1 or v2, when listening)"},
    {"proxy_from", WEFT_URL_PROXY_FROM, WEFT_URL_TEXTS, ALL, LISTEN, 0, 1000, 0, 0,
     "networks of the proxies that are trusted; without it all are"},
    {"allow", WEFT_URL_ALLOW, WEFT_URL_TEXTS, ALL, LISTEN, 0, 1000, 0, 0,
     "networks to let in (10.0.0.0/8,2001:db8::/32 or all), and no others; the longest prefix counts"},
    {"deny", WEFT_URL_DENY, WEFT_URL_TEXTS, ALL, LISTEN, 0, 1000, 0, 0,
     "networks to keep out; the longest prefix counts"},
    {"peer_conns_max", WEFT_URL_PEER_CONNS_MAX, WEFT_URL_COUNT, ALL, LISTEN, 0, INT32_MAX, 0, FIELD(peer_conns_max),
     "connections of one peer open at a time; 0 is no limit"},
    {"peer_prefix", WEFT_URL_PEER_PREFIX, WEFT_URL_COUNT, ALL, LISTEN, 1, 128, 64, FIELD(peer_prefix),
     "bits of an IPv6 address that tell peers apart"},
    {"overflow", WEFT_URL_OVERFLOW, WEFT_URL_WORD, ALL, LISTEN, 0, 0, WEFT_OVERFLOW_WAIT, FIELD(overflow),
     "what becomes of a connection beyond conns_max: it waits, is closed, or told so by the protocol"},
    {"idle", WEFT_URL_IDLE, WEFT_URL_MS, ALL, BOTH, 0, WEEK, 0, FIELD(idle_ms),
     "time without a byte either way after which a connection is closed; off is never"},
    {"lifetime", WEFT_URL_LIFETIME, WEFT_URL_MS, ALL, BOTH, 0, WEEK, 0, FIELD(lifetime_ms),
     "time after which a connection is closed whatever it does; off is never"},
    {"read_rate", WEFT_URL_READ_RATE, WEFT_URL_BYTES, ALL, BOTH, 0, G, 0, FIELD(read_rate),
     "bytes a second that are read of a connection; 0 is no limit"},
    {"write_rate", WEFT_URL_WRITE_RATE, WEFT_URL_BYTES, ALL, BOTH, 0, G, 0, FIELD(write_rate),
     "bytes a second that are sent on a connection; 0 is no limit"},
    {"read_rate_all", WEFT_URL_READ_RATE_ALL, WEFT_URL_BYTES, ALL, LISTEN, 0, G, 0, FIELD(read_rate_all),
     "the same of all connections together, which share it evenly"},
    {"write_rate_all", WEFT_URL_WRITE_RATE_ALL, WEFT_URL_BYTES, ALL, LISTEN, 0, G, 0, FIELD(write_rate_all),
     "the same of all connections together, which share it evenly"},
    {"rate_burst", WEFT_URL_RATE_BURST, WEFT_URL_BYTES, ALL, BOTH, 1, G, 64 * K, FIELD(rate_burst),
     "bytes that may go at once after a pause, where a rate is limited; at least 10 ms of the rate"},
    {"tap", WEFT_URL_TAP, WEFT_URL_TEXT, ALL, BOTH, 0, 255, 0, 0,
     "a file to which all bytes of the connections are copied, as they are within TLS"},
    {"tap_format", WEFT_URL_TAP_FORMAT, WEFT_URL_WORD, ALL, BOTH, 0, 0, WEFT_TAP_HEX, FIELD(tap_format),
     "hex: lines for people; pcap: packets for Wireshark"},
    {"tap_bytes_max", WEFT_URL_TAP_BYTES_MAX, WEFT_URL_BYTES, ALL, BOTH, K, 1024 * G, 64 * M, FIELD(tap_bytes_max),
     "bytes of that file after which nothing more is copied"},
    {"tls", WEFT_URL_TLS, WEFT_URL_BOOL, CLEAR, BOTH, 0, 1, 0, FIELD(tls),
     "TLS over it, as tls:// has it over TCP"},
    {"cert", WEFT_URL_CERT, WEFT_URL_TEXTS, SECURE, BOTH, 1, FILE_MAX, 0, 0,
     "TLS: a file (PEM) with a certificate and its chain; repeated, names and key types choose"},
    {"key", WEFT_URL_KEY, WEFT_URL_TEXTS, SECURE, BOTH, 1, FILE_MAX, 0, 0,
     "TLS: the key of the certificate in the same place; without it, it stands in that file"},
    {"ocsp", WEFT_URL_OCSP, WEFT_URL_TEXTS, SECURE, LISTEN, 1, FILE_MAX, 0, 0,
     "TLS: a file (DER) with an answer of OCSP, stapled to the certificate in the same place"},
    {"ca", WEFT_URL_CA, WEFT_URL_TEXT, SECURE, BOTH, 1, FILE_MAX, 0, 0,
     "TLS: a file (PEM) with the certificates that are trusted; without it, those of the system"},
    {"verify", WEFT_URL_VERIFY, WEFT_URL_BOOL, SECURE, CONNECT, 0, 1, 1, FIELD(tls_verify),
     "TLS: the server's certificate must be accepted"},
    {"clients", WEFT_URL_CLIENTS, WEFT_URL_WORD, SECURE, LISTEN, 0, 2, 0, FIELD(tls_clients),
     "TLS: whether clients show a certificate that ca= verifies"},
    {"host", WEFT_URL_HOST, WEFT_URL_TEXT, SECURE, CONNECT, 1, WEFT_URL_HOST_BYTES_MAX, 0, 0,
     "TLS: the name that is asked for and must be in the certificate; without it, the host"},
    {"alpn", WEFT_URL_ALPN, WEFT_URL_TEXT, SECURE, BOTH, 1, FILE_MAX, 0, 0,
     "TLS: protocols to agree on, the preferred first, with commas between"},
    {"tls_min", WEFT_URL_TLS_MIN, WEFT_URL_WORD, SECURE, BOTH, 0, 1, 0, FIELD(tls_min),
     "TLS: the lowest version that is spoken"},
    {"resume", WEFT_URL_RESUME, WEFT_URL_BOOL, SECURE, BOTH, 0, 1, 1, FIELD(tls_resume),
     "TLS: sessions are resumed, by tickets"},
    {"ktls", WEFT_URL_KTLS, WEFT_URL_WORD, TLS | HTTPS | TCP | GIVEN, LISTEN, 0, 2, 0, FIELD(tls_kernel),
     "TLS: the kernel seals what is sent: where it can, from the first large file on; never; always"},
    {"size", WEFT_URL_SIZE, WEFT_URL_BYTES, DATAGRAM | SIM, BOTH, 1, 65535, 65535, FIELD(size_bytes),
     "bytes of a datagram beyond which it is truncated"},
    {"when_full", WEFT_URL_WHEN_FULL, WEFT_URL_WORD, DATAGRAM | SIM, BOTH, 0, 0, 0, FIELD(when_full),
     "what happens to a datagram that finds write_queue full"},
    {"receive_buffer", WEFT_URL_RECEIVE_BUFFER, WEFT_URL_BYTES, DATAGRAM | SIM, BOTH, 0, G, 0, FIELD(receive_buffer_bytes),
     "bytes the kernel keeps that were not read yet (SO_RCVBUF); 0 is the system's default"},
    {"broadcast", WEFT_URL_BROADCAST, WEFT_URL_BOOL, UDP, BOTH, 0, 1, 0, FIELD(broadcast),
     "may send to broadcast addresses"},
    {"destination", WEFT_URL_DESTINATION, WEFT_URL_BOOL, UDP, BOTH, 0, 1, 0, FIELD(destination),
     "datagrams say which address they were sent to, and where they came in"},
    {"merge", WEFT_URL_MERGE, WEFT_URL_BOOL, UDP, BOTH, 0, 1, 0, FIELD(merge),
     "take what one peer sent in a row with one read, which may pass the window (UDP_GRO)"},
    {"ttl", WEFT_URL_TTL, WEFT_URL_COUNT, UDP, BOTH, 1, 255, 64, FIELD(ttl),
     "routers on the way at most"},
    {"multicast_ttl", WEFT_URL_MULTICAST_TTL, WEFT_URL_COUNT, UDP, BOTH, 0, 255, 1, FIELD(multicast_ttl),
     "the same for what is sent to groups; 0 stays on this machine"},
    {"loop", WEFT_URL_LOOP, WEFT_URL_BOOL, UDP, BOTH, 0, 1, 1, FIELD(loop),
     "what is sent to groups is heard on this machine too"},
    {"interface", WEFT_URL_INTERFACE, WEFT_URL_TEXT, UDP, BOTH, 1, 15, 0, 0,
     "where groups are joined, and what is sent to them leaves"},
    {"join", WEFT_URL_JOIN, WEFT_URL_TEXTS, UDP | SIM, LISTEN, 1, 107, 0, 0,
     "a group whose datagrams are heard: an address"},
    {"via", WEFT_URL_VIA, WEFT_URL_TEXT, INET | SIM, CONNECT, 0, 800, 0, 0,
     "socks5h://, socks4a:// or http://[USER:PASSWORD@]HOST:PORT to connect through"},
    {0},
};
/* clang-format on */

_Static_assert(sizeof options / sizeof *options == WEFT_URL_OPTIONS_ + 1, "one row an option");
_Static_assert(WEFT_URL_OPTIONS_ <= 8 * sizeof((weft_url_options){0}.given),
               "`given` has a bit for each");

enum {
    WORDS_MAX = 8,
    VALUE_BYTES_MAX = WEFT_URL_HOST_BYTES_MAX + sizeof "[]:65535" - 1, /* of what is no text */
};

/* The words of the options that are one of some words: their numbers are what the options come to. */
static const char *const words_of[WEFT_URL_OPTIONS_][WORDS_MAX + 1] = {
    [WEFT_URL_PARITY] = {"none", "even", "odd"},
    [WEFT_URL_FLOW] = {"none", "hardware", "software"},
    [WEFT_URL_PROXY] = {"off", "v1", "v2", "any"},
    [WEFT_URL_TAP_FORMAT] = {"hex", "pcap"},
    [WEFT_URL_OVERFLOW] = {"wait", "close", "refuse"},
    [WEFT_URL_CLIENTS] = {"off", "asked", "required"},
    [WEFT_URL_TLS_MIN] = {"1.2", "1.3"},
    [WEFT_URL_KTLS] = {"auto", "off", "on"},                         /* weft_tls_kernel */
    [WEFT_URL_WHEN_FULL] = {"refuse", "drop_newest", "drop_oldest"}, /* weft_send_policy */
};

const char *weft_url_word(const weft_url_option *option, size_t i)
{
    return i < WORDS_MAX ? words_of[option->id][i] : NULL;
}

/* What may stand behind a number: of two that end alike the longer first; a name "" is the last. */
struct unit {
    const char *name;
    uint64_t scale;
};

static const struct unit units_of_bytes[] = {{"G", G}, {"M", M}, {"k", K}, {"", 1}};
static const struct unit units_of_ms[] = {
    {"h", HOUR}, {"ms", 1}, {"m", 60 * SECOND}, {"s", SECOND}, {"", 1}};
static const struct unit units_of_count[] = {{"", 1}};

static const struct {
    const char *text;
    const struct unit *units;
    unsigned base;
} kinds[] = {
    [WEFT_URL_BOOL] = {"on or off", NULL, 0},
    [WEFT_URL_COUNT] = {"a number", units_of_count, 10},
    [WEFT_URL_BYTES] = {"a size such as 512, 64k or 1M", units_of_bytes, 10},
    [WEFT_URL_MS] = {"a time such as 250ms, 10s, 5m or 1h", units_of_ms, 10},
    [WEFT_URL_OCTAL] = {"an octal number such as 0660", units_of_count, 8},
    [WEFT_URL_ADDRESS] = {"HOST, HOST:PORT, [IPv6]:PORT or :PORT", NULL, 0},
    [WEFT_URL_WORD] = {"a word", NULL, 0},
    [WEFT_URL_TEXT] = {"a text", NULL, 0},
    [WEFT_URL_TEXTS] = {"a text, which may be repeated", NULL, 0},
};

const weft_url_option *weft_url_option_at(size_t i)
{
    return i < WEFT_URL_OPTIONS_ ? &options[i] : NULL;
}

const char *weft_url_kind_text(weft_url_kind kind)
{
    return (size_t)kind < sizeof kinds / sizeof *kinds ? kinds[kind].text : "";
}

uint64_t wf_option_value(const weft_url_option *option, const weft_url_options *from)
{
    const void *field = (const char *)from + option->at;

    if (option->kind == WEFT_URL_BOOL)
        return *(const bool *)field;
    if (option->kind == WEFT_URL_BYTES)
        return *(const uint64_t *)field;
    return *(const uint32_t *)field;
}

const weft_url_host *wf_option_host(const weft_url_option *option, const weft_url_options *from)
{
    return (const weft_url_host *)(const void *)((const char *)from + option->at);
}

static void set(const weft_url_option *option, weft_url_options *to, uint64_t value)
{
    void *field = (char *)to + option->at;

    if (option->kind == WEFT_URL_BOOL)
        *(bool *)field = value != 0;
    else if (option->kind == WEFT_URL_BYTES)
        *(uint64_t *)field = value;
    else
        *(uint32_t *)field = (uint32_t)value;
}

static bool read_bool(wf_piece text, uint64_t *out)
{
    static const char *const words[] = {"off", "on", "no", "yes", "false", "true", "0", "1"};

    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (wf_piece_is(text, words[i])) {
            *out = i & 1;
            return true;
        }
    return false;
}

bool wf_option_is_text(const weft_url_option *option)
{
    return option->kind == WEFT_URL_TEXT || option->kind == WEFT_URL_TEXTS;
}

static bool read_word(const weft_url_option *option, wf_piece text, uint64_t *out)
{
    const char *word;
    for (size_t i = 0; (word = weft_url_word(option, i)) != NULL; i++)
        if (wf_piece_is(text, word)) {
            *out = i;
            return true;
        }
    return false;
}

static bool ends_with(wf_piece text, const char *tail)
{
    size_t n = strlen(tail);
    return text.n >= n && wf_piece_is((wf_piece){text.at + text.n - n, n}, tail);
}

/* A number with a unit behind it; what is beyond UINT64_MAX is read as that. */
static bool read_number(const weft_url_option *option, wf_piece text, uint64_t *out)
{
    const struct unit *unit = kinds[option->kind].units;

    if (option->kind == WEFT_URL_MS && option->min == 0 && wf_piece_is(text, "off")) {
        *out = 0;
        return true;
    }
    while (!ends_with(text, unit->name))
        unit++;
    text.n -= strlen(unit->name);
    if (!wf_number_read(text, kinds[option->kind].base, out))
        return false;
    *out = *out > UINT64_MAX / unit->scale ? UINT64_MAX : *out * unit->scale;
    return true;
}

size_t wf_value_print(weft_url_kind kind, uint64_t value, char *buf, size_t n)
{
    static const struct unit plain = {"", 1};
    const struct unit *best = &plain;

    if (kind == WEFT_URL_BOOL || (kind == WEFT_URL_MS && value == 0))
        return (size_t)snprintf(buf, n, "%s", value != 0 ? "on" : "off");
    if (kind == WEFT_URL_OCTAL)
        return (size_t)snprintf(buf, n, "%04" PRIo64, value);

    for (const struct unit *unit = kinds[kind].units; unit->name[0] != '\0'; unit++)
        if (value != 0 && value % unit->scale == 0 && unit->scale >= best->scale)
            best = unit;
    return (size_t)snprintf(buf, n, "%" PRIu64 "%s", value / best->scale, best->name);
}

/* "tls, tcp or unix" */
static void join_words(const weft_url_option *option, char *to, size_t bytes)
{
    const char *word;
    size_t n = 0;
    to[0] = '\0';
    for (size_t i = 0; (word = weft_url_word(option, i)) != NULL && n < bytes; i++) {
        bool last = weft_url_word(option, i + 1) == NULL;
        int more = snprintf(to + n, bytes - n, "%s%s", i == 0 ? "" : last ? " or " : ", ", word);
        n += more > 0 ? (size_t)more : 0;
    }
}

static weft_err refuse(const weft_url_option *option, wf_piece text, weft_why *why)
{
    char min[32], max[32], list[128];
    const char *kind = kinds[option->kind].text;

    if (option->kind == WEFT_URL_WORD) {
        join_words(option, list, sizeof list);
        return weft_because(why, WEFT_EINVAL, "the option \"%s\" is \"%s\", expected %s",
                            option->name, wf_quote_of(text).text, list);
    }
    if (wf_option_is_text(option))
        return weft_because(why, WEFT_EINVAL,
                            "the option \"%s\" has %zu bytes, expected %" PRIu64 " to %" PRIu64,
                            option->name, text.n, option->min, option->max);

    if (option->kind == WEFT_URL_BOOL)
        return weft_because(why, WEFT_EINVAL, "the option \"%s\" is \"%s\", expected %s",
                            option->name, wf_quote_of(text).text, kind);
    wf_value_print(option->kind, option->min, min, sizeof min);
    wf_value_print(option->kind, option->max, max, sizeof max);
    return weft_because(why, WEFT_EINVAL, "the option \"%s\" is \"%s\", expected %s, from %s to %s",
                        option->name, wf_quote_of(text).text, kind, min, max);
}

/* Texts stand one behind the other: the option's number, the text, a zero. */
static weft_err add_text(const weft_url_option *option, wf_piece text, weft_url_options *to,
                         weft_why *why)
{
    if (text.n < option->min || text.n > option->max)
        return refuse(option, text, why);
    if (to->texts_bytes + 1 + text.n + 1 > sizeof to->texts)
        return weft_because(why, WEFT_ETOOBIG,
                            "the texts in the options of a URL have at most %d bytes together",
                            WEFT_URL_TEXTS_BYTES_MAX);
    char *at = to->texts + to->texts_bytes;
    at[0] = (char)option->id;
    memcpy(at + 1, text.at, text.n);
    at[1 + text.n] = '\0';
    to->texts_bytes = (uint16_t)(to->texts_bytes + text.n + 2);
    return WEFT_OK;
}

const char *weft_url_text(const weft_url *url, weft_url_option_id id, size_t i)
{
    const weft_url_options *o = &url->options;
    for (const char *at = o->texts; at < o->texts + o->texts_bytes; at += strlen(at + 1) + 2)
        if (at[0] == (char)id && i-- == 0)
            return at + 1;
    return NULL;
}

static bool read_scalar(const weft_url_option *option, wf_piece text, uint64_t *out)
{
    switch (option->kind) {
    case WEFT_URL_BOOL:
        return read_bool(text, out);
    case WEFT_URL_WORD:
        return read_word(option, text, out);
    default:
        return read_number(option, text, out) && *out >= option->min && *out <= option->max;
    }
}

static weft_err read_value(const weft_url_option *option, wf_piece text, weft_url_options *to,
                           weft_why *why)
{
    uint64_t value;

    if (wf_option_is_text(option))
        return add_text(option, text, to, why);

    if (option->kind == WEFT_URL_ADDRESS) {
        const wf_host_rules rules = {.what = "the address in the option \"bind\""};
        return wf_host_read(text, &rules, (weft_url_host *)(void *)((char *)to + option->at), why);
    }

    if (!read_scalar(option, text, &value))
        return refuse(option, text, why);
    set(option, to, value);
    return WEFT_OK;
}

static bool applies(const weft_url_option *option, const weft_url *url)
{
    return (option->schemes & (1u << url->scheme)) != 0;
}

static const weft_url_option *named(wf_piece name, const weft_url *url)
{
    for (const weft_url_option *option = options; option->name != NULL; option++)
        if (applies(option, url) && name.n == strlen(option->name) &&
            memcmp(name.at, option->name, name.n) == 0)
            return option;
    return NULL;
}

/* For a sentence only: how far words are apart takes far longer than whether they differ. */
static const weft_url_option *nearest(wf_piece name, const weft_url *url)
{
    const weft_url_option *best = &options[WEFT_URL_WINDOW]; /* which every scheme has */
    size_t least = wf_edit_distance(name, best->name, SIZE_MAX);

    for (const weft_url_option *option = options; option->name != NULL; option++) {
        size_t distance =
            applies(option, url) ? wf_edit_distance(name, option->name, least) : least;
        if (distance < least) {
            least = distance;
            best = option;
        }
    }
    return best;
}

static const weft_url_option *find(wf_piece name, const weft_url *url, weft_why *why)
{
    const weft_url_option *option = named(name, url);
    if (option != NULL)
        return option;
    option = nearest(name, url);
    (void)weft_because(why, WEFT_EINVAL, "%s URLs have no option \"%s\"; the nearest is \"%s\": %s",
                       wf_scheme_row(url->scheme)->name, wf_quote_of(name).text, option->name,
                       option->help);
    return NULL;
}

static weft_err read_option(wf_piece item, weft_url *url, weft_why *why)
{
    char decoded[WEFT_URL_TEXTS_BYTES_MAX + 1];
    wf_piece value, name = wf_piece_until(item, '=', &value);

    if (name.n == 0)
        return weft_because(why, WEFT_EINVAL,
                            "an option without a name; expected ?NAME=VALUE&NAME=VALUE");
    const weft_url_option *option = find(name, url, why);
    if (option == NULL)
        return WEFT_EINVAL;
    if (weft_url_given(url, option->id) && option->kind != WEFT_URL_TEXTS)
        return weft_because(why, WEFT_EINVAL, "the option \"%s\" is given twice", option->name);

    if (value.at == NULL && option->kind == WEFT_URL_BOOL)
        value = (wf_piece){"on", 2};
    if (value.at == NULL)
        return weft_because(why, WEFT_EINVAL, "the option \"%s\" has no value, expected %s=%s",
                            option->name, option->name, kinds[option->kind].text);

    size_t most = wf_option_is_text(option) ? WEFT_URL_TEXTS_BYTES_MAX : VALUE_BYTES_MAX;
    weft_err err = wf_percent_decode(value, "the value of an option", decoded, most, why);
    if (err == WEFT_OK)
        err = read_value(option, (wf_piece){decoded, strlen(decoded)}, &url->options, why);
    if (err == WEFT_OK)
        url->options.given[option->id / 64] |= UINT64_C(1) << option->id % 64;
    return err;
}

weft_err wf_options_read(wf_piece query, weft_url *url, weft_why *why)
{
    for (const weft_url_option *option = options; option->name != NULL; option++)
        if (applies(option, url) && option->kind != WEFT_URL_ADDRESS && !wf_option_is_text(option))
            set(option, &url->options, option->value);

    while (query.at != NULL) {
        wf_piece item = wf_piece_until(query, '&', &query);
        weft_err err = read_option(item, url, why);
        if (err != WEFT_OK)
            return err;
    }
    return WEFT_OK;
}

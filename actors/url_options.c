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
#define INET (TCP | HTTP)
#define ALL (INET | UNIX | SIM)

#define LISTEN WEFT_URL_LISTEN
#define CONNECT WEFT_URL_CONNECT
#define BOTH (WEFT_URL_LISTEN | WEFT_URL_CONNECT)

#define K UINT64_C(1024)
#define M (1024 * K)
#define G (1024 * M)
#define SECOND UINT64_C(1000)
#define HOUR (3600 * SECOND)

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
    {"conns_max", WEFT_URL_CONNS_MAX, WEFT_URL_COUNT, ALL, LISTEN, 0, INT32_MAX, 0, FIELD(conns_max),
     "connections open at a time; 0 is no limit here"},
    {"mode", WEFT_URL_MODE, WEFT_URL_OCTAL, UNIX, LISTEN, 0, 0777, 0, FIELD(mode),
     "permissions of the socket's file; without it the umask decides"},
    {"nodelay", WEFT_URL_NODELAY, WEFT_URL_BOOL, INET, BOTH, 0, 1, 1, FIELD(nodelay),
     "send at once, do not gather small writes (TCP_NODELAY)"},
    {"keepalive", WEFT_URL_KEEPALIVE, WEFT_URL_MS, INET, BOTH, 0, 32767 * SECOND, 0, FIELD(keepalive_ms),
     "idle time after which the peer is probed, in whole seconds; off is never"},
    {"reuseport", WEFT_URL_REUSEPORT, WEFT_URL_BOOL, INET, LISTEN, 0, 1, 0, FIELD(reuseport),
     "share the port with other listeners (SO_REUSEPORT)"},
    {"v6only", WEFT_URL_V6ONLY, WEFT_URL_BOOL, INET, LISTEN, 0, 1, 0, FIELD(v6only),
     "an IPv6 listener takes no IPv4 connections"},
    {"timeout", WEFT_URL_TIMEOUT, WEFT_URL_MS, ALL, CONNECT, 1, 24 * HOUR, 10 * SECOND, FIELD(timeout_ms),
     "time until the connection must stand, name resolution included"},
    {"bind", WEFT_URL_BIND, WEFT_URL_ADDRESS, INET, CONNECT, 0, 0, 0, FIELD(bind),
     "the local address to connect from"},
    {"window", WEFT_URL_WINDOW, WEFT_URL_BYTES, ALL, BOTH, 1, G, 256 * K, FIELD(window_bytes),
     "bytes received and still in use beyond which reading stops"},
    {"write_queue", WEFT_URL_WRITE_QUEUE, WEFT_URL_BYTES, ALL, BOTH, 1, G, M, FIELD(write_queue_bytes_max),
     "bytes waiting to be sent beyond which writes are refused"},
    {"latency", WEFT_URL_LATENCY, WEFT_URL_MS, SIM, BOTH, 0, HOUR, 0, FIELD(latency_ms),
     "virtual time that bytes are under way"},
    {"handshake", WEFT_URL_HANDSHAKE, WEFT_URL_MS, ALL, LISTEN, 1, HOUR, WEFT_HANDSHAKE_MS, FIELD(handshake_ms),
     "time until a new connection must be ready, where something is agreed on first"},
    {"via", WEFT_URL_VIA, WEFT_URL_TEXT, INET | SIM, CONNECT, 0, 800, 0, 0,
     "socks5h://, socks4a:// or http://[USER:PASSWORD@]HOST:PORT to connect through"},
    {0},
};
/* clang-format on */

_Static_assert(sizeof options / sizeof *options == WEFT_URL_OPTIONS_ + 1, "one row an option");
_Static_assert(WEFT_URL_OPTIONS_ <= 64, "`given` has 64 bits");

enum {
    WORDS_MAX = 8,
    VALUE_BYTES_MAX = WEFT_URL_HOST_BYTES_MAX + sizeof "[]:65535" - 1, /* of what is no text */
};

/* The words of the options that are one of some words: their numbers are what the options come to. */
static const char *const words_of[WEFT_URL_OPTIONS_][WORDS_MAX + 1] = {
    [WEFT_URL_BACKLOG] = {NULL}, /* none yet */
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
        if (value % unit->scale == 0 && unit->scale >= best->scale)
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

static const weft_url_option *find(wf_piece name, const weft_url *url, weft_why *why)
{
    const weft_url_option *nearest = &options[WEFT_URL_WINDOW]; /* which every scheme has */

    for (const weft_url_option *option = options; option->name != NULL; option++) {
        if (!applies(option, url))
            continue;
        if (name.n == strlen(option->name) && memcmp(name.at, option->name, name.n) == 0)
            return option;
        if (wf_edit_distance(name, option->name) < wf_edit_distance(name, nearest->name))
            nearest = option;
    }
    (void)weft_because(why, WEFT_EINVAL, "%s URLs have no option \"%s\"; the nearest is \"%s\": %s",
                       wf_scheme_row(url->scheme)->name, wf_quote_of(name).text, nearest->name,
                       nearest->help);
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
        url->options.given |= UINT64_C(1) << option->id;
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

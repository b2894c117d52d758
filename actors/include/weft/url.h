/* SPDX-License-Identifier: MIT */
/** URLs: where a stream or an endpoint of datagrams is, written the same way for both ends of every transport.
 *
 *     tcp://HOST:PORT    tcp://[IPV6]:PORT    (`*`, or no HOST at all, is any address)
 *     unix:PATH          unix:///PATH         unix:@NAME (abstract)
 *     tls://HOST:PORT    http://HOST[:PORT][/PATH]    https://HOST[:PORT][/PATH]
 *     sim://NAME[:PORT]
 *     exec:PROGRAM       a child's standard input and output
 *     stdio:             this program's own
 *     fd:NUMBER          a descriptor this program was given
 *     systemd:[NAME]     a socket that systemd listens at (sd_listen_fds)
 *     serial:DEVICE      a serial line
 *     udp://HOST:PORT    unixgram:PATH        unixgram:@NAME
 *     nng+tcp://HOST:PORT    nng+tls+tcp://HOST:PORT    nng+ipc:PATH    by NNG, between weft's own ends
 *
 * and behind each of them `?option=value&option=value`. The syntax is RFC 3986 without user
 * information and without a fragment; the query is always options, never data. Host names become
 * lower case, IPv6 addresses take the form of RFC 5952, zones are written `%25zone` (RFC 6874).
 *
 * Nothing here allocates, resolves a name or opens anything. thread: any, for every function. */
#ifndef WEFT_URL_H
#define WEFT_URL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weft/error.h>

#ifdef __cplusplus
extern "C" {
#endif

#define WEFT_URL_BYTES_MAX 2047     /**< a URL's text; what weft_url_print makes is never longer */
#define WEFT_URL_HOST_BYTES_MAX 255 /**< a host, decoded */
#define WEFT_URL_PATH_BYTES_MAX 255 /**< the path of an http URL, as written */
#define WEFT_URL_UNIX_BYTES_MAX 107 /**< a unix path or name, decoded: sun_path less one */
#define WEFT_URL_SERVICE_BYTES_MAX 62 /**< the service of SRV records, without its underscore */
#define WEFT_URL_ZONE_BYTES_MAX 15    /**< the zone of an IPv6 address: IF_NAMESIZE less one */
#define WEFT_URL_TEXTS_BYTES_MAX \
    1023 /**< all options that are texts, decoded, 2 bytes more for each */

typedef enum weft_scheme {
    WEFT_SCHEME_TCP = 1, /**< zero is no scheme, so that a zeroed weft_url is no URL */
    WEFT_SCHEME_UNIX,
    WEFT_SCHEME_HTTP,
    WEFT_SCHEME_SIM,
    WEFT_SCHEME_TLS,
    WEFT_SCHEME_HTTPS,
    WEFT_SCHEME_EXEC,
    WEFT_SCHEME_STDIO,
    WEFT_SCHEME_FD,
    WEFT_SCHEME_SYSTEMD,
    WEFT_SCHEME_SERIAL,
    WEFT_SCHEME_UDP,
    WEFT_SCHEME_UNIXGRAM,
    WEFT_SCHEME_NNG_TCP,
    WEFT_SCHEME_NNG_IPC,
    WEFT_SCHEME_NNG_TLS,
} weft_scheme;

/** The two ends, as bits: of datagrams, what is bound and what is connected. */
typedef enum weft_url_end {
    WEFT_URL_LISTEN = 1,
    WEFT_URL_CONNECT = 2,
} weft_url_end;

/** What a listener does with a connection beyond its limits. */
typedef enum weft_overflow {
    WEFT_OVERFLOW_WAIT, /**< leaves it in the system's queue (backlog); beyond peer_conns_max: closes it */
    WEFT_OVERFLOW_CLOSE,  /**< closes it at once */
    WEFT_OVERFLOW_REFUSE, /**< says what the behaviour's `busy` says, then closes in order */
} weft_overflow;

/** How bytes are written to a file as they go by. */
typedef enum weft_tap_format {
    WEFT_TAP_HEX,  /**< lines of hex digits and text, for people */
    WEFT_TAP_PCAP, /**< packets of a TCP connection, for Wireshark */
} weft_tap_format;

typedef enum weft_host_kind {
    WEFT_HOST_NONE,      /**< the URL has no host (unix), or the option was not given */
    WEFT_HOST_ANY,       /**< `*` or nothing: every address, IPv6 and IPv4; the name is "" */
    WEFT_HOST_V4,        /**< a literal of four decimal numbers */
    WEFT_HOST_V6,        /**< a literal without its brackets, perhaps with `%zone` behind it */
    WEFT_HOST_LOCALHOST, /**< localhost or a name below it: loopback, never looked up (RFC 6761) */
    WEFT_HOST_NAME,      /**< anything else: to be resolved by others */
} weft_host_kind;

/** A host and its port. */
typedef struct weft_url_host {
    weft_host_kind kind;
    uint16_t port; /**< 0: any free one when listening, none given for sim */
    char name[WEFT_URL_HOST_BYTES_MAX + 1];
} weft_url_host;

/** The options by number, for `given` and weft_url_given. */
typedef enum weft_url_option_id {
    WEFT_URL_BACKLOG,
    WEFT_URL_CONNS_MAX,
    WEFT_URL_MODE,
    WEFT_URL_NODELAY,
    WEFT_URL_KEEPALIVE,
    WEFT_URL_REUSEPORT,
    WEFT_URL_V6ONLY,
    WEFT_URL_TIMEOUT,
    WEFT_URL_BIND,
    WEFT_URL_WINDOW,
    WEFT_URL_WRITE_QUEUE,
    WEFT_URL_LATENCY,
    WEFT_URL_HANDSHAKE,
    WEFT_URL_BIND6,
    WEFT_URL_SRV,
    WEFT_URL_ARG,
    WEFT_URL_ENV,
    WEFT_URL_DIR,
    WEFT_URL_PTY,
    WEFT_URL_RAW,
    WEFT_URL_BAUD,
    WEFT_URL_DATA,
    WEFT_URL_PARITY,
    WEFT_URL_STOP,
    WEFT_URL_FLOW,
    WEFT_URL_PROXY,
    WEFT_URL_PROXY_FROM,
    WEFT_URL_ALLOW,
    WEFT_URL_DENY,
    WEFT_URL_PEER_CONNS_MAX,
    WEFT_URL_PEER_PREFIX,
    WEFT_URL_OVERFLOW,
    WEFT_URL_IDLE,
    WEFT_URL_LIFETIME,
    WEFT_URL_READ_RATE,
    WEFT_URL_WRITE_RATE,
    WEFT_URL_READ_RATE_ALL,
    WEFT_URL_WRITE_RATE_ALL,
    WEFT_URL_RATE_BURST,
    WEFT_URL_TAP,
    WEFT_URL_TAP_FORMAT,
    WEFT_URL_TAP_BYTES_MAX,
    WEFT_URL_TLS,
    WEFT_URL_CERT,
    WEFT_URL_KEY,
    WEFT_URL_OCSP,
    WEFT_URL_CA,
    WEFT_URL_VERIFY,
    WEFT_URL_CLIENTS,
    WEFT_URL_HOST,
    WEFT_URL_ALPN,
    WEFT_URL_TLS_MIN,
    WEFT_URL_RESUME,
    WEFT_URL_KTLS,
    WEFT_URL_SIZE,
    WEFT_URL_WHEN_FULL,
    WEFT_URL_RECEIVE_BUFFER,
    WEFT_URL_BROADCAST,
    WEFT_URL_DESTINATION,
    WEFT_URL_MERGE,
    WEFT_URL_TTL,
    WEFT_URL_MULTICAST_TTL,
    WEFT_URL_LOOP,
    WEFT_URL_INTERFACE,
    WEFT_URL_JOIN,
    WEFT_URL_VIA,
    WEFT_URL_OPTIONS_ /**< how many there are */
} weft_url_option_id;

/** What the options came to: what was given, otherwise the option's default. An option that the
 * URL's scheme does not have is zero. */
typedef struct weft_url_options {
    uint64_t given[2]; /**< a bit for each option written in the URL: weft_url_given */
    uint32_t backlog;
    uint32_t conns_max;    /**< 0: no limit of its own */
    uint32_t mode;         /**< of the socket's file; means something only if it was given */
    uint32_t keepalive_ms; /**< idle time before the first probe; 0: no probes */
    uint32_t timeout_ms;
    uint32_t latency_ms;
    uint32_t handshake_ms;   /**< until stages (TLS, say) have come to something */
    uint32_t proxy;          /**< 0: no; a bit for each version of the PROXY protocol */
    uint32_t peer_conns_max; /**< of one IP address, or IPv6 network; 0: no limit */
    uint32_t peer_prefix;    /**< bits that IPv6 addresses of one peer have in common */
    uint32_t overflow;       /**< what becomes of who comes beyond a limit: a weft_overflow */
    uint32_t idle_ms;        /**< without a byte either way; 0: no limit */
    uint32_t lifetime_ms;    /**< 0: no limit */
    uint32_t tap_format;     /**< a weft_tap_format */
    uint32_t when_full;      /**< a weft_send_policy (<weft/datagram.h>) */
    uint32_t ttl; /**< of datagrams; means something only if it was given, as the next two */
    uint32_t multicast_ttl;
    bool loop;
    bool broadcast;
    bool destination; /**< datagrams say where they were sent to */
    bool merge;       /**< those that come in a row are taken in one piece */
    bool nodelay;
    bool reuseport;
    bool v6only;
    bool pty;             /**< exec: on a terminal */
    bool raw;             /**< stdio: every key goes through as it is */
    uint32_t baud;        /**< serial: bits a second */
    uint32_t data;        /**< bits of a character */
    uint32_t parity;      /**< a weft_url_parity */
    uint32_t stop;        /**< stop bits */
    uint32_t flow;        /**< a weft_url_flow */
    bool tls;             /**< asked for where the scheme does not say so */
    bool tls_verify;      /**< a client verifies its server */
    bool tls_resume;      /**< tickets are given, sessions are resumed */
    uint32_t tls_clients; /**< 0: not asked for a certificate, 1: asked, 2: required */
    uint32_t tls_min;     /**< 0: TLS 1.2, 1: TLS 1.3 */
    uint32_t tls_kernel;  /**< a weft_tls_kernel (<weft/tls.h>) */
    uint64_t window_bytes;
    uint64_t write_queue_bytes_max;
    uint64_t read_rate, write_rate;         /**< bytes a second of one connection; 0: no limit */
    uint64_t read_rate_all, write_rate_all; /**< of all of a listener together */
    uint64_t rate_burst;                    /**< bytes that may go at once after a pause */
    uint64_t tap_bytes_max;                 /**< of the file */
    weft_url_host bind;                     /**< kind WEFT_HOST_NONE if it was not given */
    weft_url_host bind6;                    /**< the same */
    uint64_t size_bytes;                    /**< of a datagram at most */
    uint64_t receive_buffer_bytes;          /**< 0: the system's */
    uint16_t texts_bytes;
    char texts[WEFT_URL_TEXTS_BYTES_MAX + 1]; /**< read with weft_url_text */
} weft_url_options;

/** The words of the options "parity" and "flow". */
typedef enum weft_url_parity {
    WEFT_PARITY_NONE,
    WEFT_PARITY_EVEN,
    WEFT_PARITY_ODD
} weft_url_parity;
typedef enum weft_url_flow { WEFT_FLOW_NONE, WEFT_FLOW_HARDWARE, WEFT_FLOW_SOFTWARE } weft_url_flow;

/** A parsed URL: a value, about 1,900 bytes, copied freely. */
typedef struct weft_url {
    weft_scheme scheme;
    bool abstract;      /**< unix: `path` is a name in the abstract namespace */
    weft_url_host host; /**< of schemes that have one */
    char
        path[WEFT_URL_PATH_BYTES_MAX + 1]; /**< unix: decoded, without `@`; http, https: as written,
                                                 beginning with `/`; others: ""; exec, fd,
                                                 systemd, serial: decoded, what stands there */
    weft_url_options options;
} weft_url;

/** Parses @text into @out, which is untouched on failure.
 * errors: WEFT_EUNSUPPORTED for an unknown scheme (the sentence names the nearest one),
 * WEFT_ETOOBIG beyond one of the limits above, WEFT_EINVAL for all else: an unknown option (the
 * sentence names the nearest one this scheme has), a repeated one, a value that is not of its kind
 * (the sentence says what was expected). Sentences quote at most the part that is wrong, and never
 * user information, which may hold a password. */
weft_err weft_url_parse(const char *text, weft_url *out, weft_why *why) WEFT_MUST_USE;

/** Whether @url can be used at @end: the options given belong to it, and what connects has a host
 * and, where the scheme has ports, a port to go to; what listens has an address, not a name.
 * errors: WEFT_EINVAL; WEFT_EUNSUPPORTED, a scheme of the other end alone; WEFT_ENONAME, listening at a name. */
weft_err weft_url_check(const weft_url *url, weft_url_end end, weft_why *why) WEFT_MUST_USE;

/** Whether @host is this machine by what it says: 127.0.0.0/8, ::1, localhost. Not so "any", a name, or none.
 * thread: any. */
bool weft_url_host_is_loopback(const weft_url_host *host);

/** Writes the canonical form of @url, which parses back equal, into the @n bytes @buf, always with
 * a final zero (if @n > 0). Only options that were given are written. Returns the length of the
 * whole form without its zero: if that is @n or more, it was cut. WEFT_URL_BYTES_MAX + 1 bytes
 * always suffice. */
size_t weft_url_print(const weft_url *url, char *buf, size_t n);

/** Whether both say the same, in what was given as in what it came to. */
bool weft_url_equal(const weft_url *a, const weft_url *b);

/** Whether @id was written in the URL, as opposed to having its default. */
static inline bool weft_url_given(const weft_url *url, weft_url_option_id id)
{
    return (url->options.given[id / 64] & (UINT64_C(1) << id % 64)) != 0;
}

/** The value, decoded, of an option that is a text: the @i-th from 0 of one that may be repeated. NULL: it
 * was not given so often. Valid as long as @url. */
const char *weft_url_text(const weft_url *url, weft_url_option_id id, size_t i);

/** What @host is, by its looks: "" and "*" are any address; an IPv6 address stands without
 * brackets, with or without `%zone`; what is no literal is a name, valid or not. */
weft_host_kind weft_host_kind_of(const char *host);

/* ---- what there is, for help pages ---- */

/** A scheme. */
typedef struct weft_url_scheme {
    const char *name;
    weft_scheme scheme;
    int32_t port_default; /**< used if the URL has no port; -1: it must have one (or has none) */
    bool path;            /**< whether a path may follow the host */
    const char *form;     /**< how it is written */
    const char *help;     /**< one line */
} weft_url_scheme;

/** The kinds of value an option may have. */
typedef enum weft_url_kind {
    WEFT_URL_BOOL,    /**< on, off (also yes, no, true, false, 1, 0); a name alone is on */
    WEFT_URL_COUNT,   /**< a decimal number */
    WEFT_URL_BYTES,   /**< a decimal number, perhaps with k, M or G (powers of 1024) behind it */
    WEFT_URL_MS,      /**< a decimal number with ms (or nothing), s, m or h; off is 0 where 0 is
                           valid */
    WEFT_URL_OCTAL,   /**< up to four octal digits */
    WEFT_URL_ADDRESS, /**< HOST, HOST:PORT, [V6], [V6]:PORT, :PORT */
    WEFT_URL_WORD,    /**< one of a few words; its number, counted from 0 */
    WEFT_URL_TEXT,    /**< any text, percent-encoded: weft_url_text */
    WEFT_URL_TEXTS,   /**< the same, and may be repeated */
} weft_url_kind;

/** An option. */
typedef struct weft_url_option {
    const char *name;
    weft_url_option_id id;
    weft_url_kind kind;
    uint32_t schemes;  /**< a bit `1 << weft_scheme` for each scheme that has it */
    uint32_t ends;     /**< bits of weft_url_end */
    uint64_t min, max; /**< of the value, in the unit of its field; of a text, its bytes */
    uint64_t value;    /**< the default; of a text there is none */
    size_t at;         /**< the offset of its field in weft_url_options; unused for texts */
    const char *help;  /**< one line */
} weft_url_option;

/** The scheme, or the option, number @i counted from 0, in the order of a help page; NULL behind
 * the last. Static. */
const weft_url_scheme *weft_url_scheme_at(size_t i);
const weft_url_option *weft_url_option_at(size_t i);

/** What values of @kind look like: "a size such as 512, 64k or 1M". Static. */
const char *weft_url_kind_text(weft_url_kind kind);

/** Word number @i, from 0, that an option of words takes; NULL behind the last. Static. */
const char *weft_url_word(const weft_url_option *option, size_t i);

/** Writes the default of @option as it would be written in a URL ("256k"), or "-" where it has
 * none, into the @n bytes @buf with a final zero; returns as weft_url_print does. */
size_t weft_url_default_print(const weft_url_option *option, char *buf, size_t n);

#ifdef __cplusplus
}
#endif
#endif

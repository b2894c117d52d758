/* SPDX-License-Identifier: MIT */
/** Datagrams: the one vocabulary of everything that sends and receives whole messages of bytes.
 *
 * An endpoint is an actor. Its owner gets messages from it: opened, datagram (again and again), failed,
 * drained, and closed exactly once and last. Datagrams are read while the bytes given out and still
 * alive are within the endpoint's window; beyond it they stand in the kernel, and what the kernel has no room
 * for is counted. Each datagram is one message with a buffer of its own, which weft_keep or weft_bytes_keep
 * make last, but the kernel is asked for many at a time, and what is sent leaves at the end of the round, many
 * at a time too. With ?merge=on what one peer sent in a row may be read in one piece: several times cheaper, but
 * it may pass the window by 64 KiB of datagrams.
 *
 *     static weft_err on_datagram(weft_actor *self, weft_msg *msg)
 *     {
 *         const weft_datagram *d = weft_body(msg);
 *         return weft_send(self, d->endpoint, &d->from, d->bytes);
 *     }
 *
 * Functions with `weft_actor *self` are called in a handler, from any reactor. */
#ifndef WEFT_DATAGRAM_H
#define WEFT_DATAGRAM_H

#include <weft/address.h>
#include <weft/net.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- what an endpoint tells its owner */

/** It is up. Unhandled: ignored. */
typedef struct weft_endpoint_opened {
    weft_ref endpoint;
    weft_address local;
    weft_address peer; /**< of a connected one; else WEFT_FAMILY_NONE */
} weft_endpoint_opened;
extern const weft_type weft_endpoint_opened_type;

/** One came. Borrowed like every body. It may be empty. */
typedef struct weft_datagram {
    weft_bytes bytes;
    weft_ref endpoint;
    uint32_t lost;      /**< so many the kernel had no room for, between the last one and this */
    uint32_t whole;     /**< bytes it had; more than came if it was truncated */
    uint32_t interface; /**< the index of where it came in, with ?destination=on; else 0 */
    bool truncated;     /**< the rest of it is lost: it was larger than ?size= */
    weft_address from;  /**< a unix sender without a name cannot be answered: its path is "" */
    weft_address
        to; /**< with ?destination=on where it was sent to: a group, one of several addresses */
} weft_datagram;
extern const weft_type weft_datagram_type;

/** What was sent did not get there, as far as anybody said so (RFC 792, RFC 4443), or could not leave. At most
 * WEFT_ENDPOINT_FAILURES_MAX are out at a time, further ones are counted. Unhandled: ignored; all are counted. */
typedef struct weft_datagram_failed {
    weft_ref endpoint;
    weft_address peer; /**< whom it was sent to */
    /** EREFUSED (nobody there), EUNREACHABLE, EDENIED (no ?broadcast, a filter), ETOOBIG, EFULL (a queue on
     * the way out), ETIMEDOUT (its time to live), ... */
    weft_err reason;
    bool icmp;          /**< somebody on the way said so: @type, @code and @mtu are set */
    uint8_t type, code; /**< of the ICMP message, v4's or v6's as @peer is */
    uint32_t mtu;       /**< what would fit, if it was too big; else 0 */
    char why[64];
} weft_datagram_failed;
extern const weft_type weft_datagram_failed_type;

/** There is room again after WEFT_EFULL. Unhandled: ignored. */
typedef struct weft_endpoint_drained {
    weft_ref endpoint;
} weft_endpoint_drained;
extern const weft_type weft_endpoint_drained_type;

/** It is over: the last message of an endpoint. Unhandled: the owner stops. */
typedef struct weft_endpoint_closed {
    weft_ref endpoint;
    weft_err
        reason; /**< EDONE, EABORTED, ETIMEDOUT (what was left did not leave), EINVAL, EEXISTS, ... */
    char why[96];
} weft_endpoint_closed;
extern const weft_type weft_endpoint_closed_type;

/* ---- making one */

/** Binds @url (udp, unixgram, sim): one actor of @behaviour, spawned with @config, owns the endpoint and lives
 * with it, on reactor 0. weft_listen at a udp or unixgram URL does the same.
 * errors: as weft_listen, EUNSUPPORTED (@behaviour has no row for datagrams). thread: before start. */
weft_err weft_bind(weft_system *sys, const char *url, const weft_behaviour *behaviour,
                   const void *config);

/** As weft_bind, telling what came of it, without a log line on failure. */
WEFT_MUST_USE weft_err weft_bind_at(weft_system *sys, const char *url,
                                    const weft_behaviour *behaviour, const void *config,
                                    weft_listening *out, weft_why *why);

/** Binds @url for @owner, which is told `opened`, or `closed` with the reason. The endpoint lives on this
 * reactor until its owner ends. errors: nobody only when memory is out. thread: in a handler. */
WEFT_MUST_USE weft_ref weft_endpoint_bind(weft_actor *self, const char *url, weft_ref owner);

/** The same for an endpoint that sends to @url and hears nobody else. A unix one gets a name of the
 * kernel's choice, so that it may be answered. */
WEFT_MUST_USE weft_ref weft_endpoint_connect(weft_actor *self, const char *url, weft_ref owner);

/** The address @url (udp, unixgram, sim) stands for, to send to. Names are literals or localhost.
 * errors: those of the URL, ENONAME. thread: any. */
WEFT_MUST_USE weft_err weft_endpoint_address(const char *url, weft_address *out, weft_why *why);

/* ---- what may be asked of it */

/** Sends @bytes, shared, as one datagram to @to (NULL: the peer of a connected one). OK means: on its way.
 * What waits to leave is bounded: datagrams of fresh bytes (weft_write says which those are) beyond the
 * limit are dealt with as the policy says.
 * errors: EGONE (closed), EFULL (`drained` follows), ETOOBIG (no datagram can be that long), EINVAL (@to
 * is of another family, or missing), ENOMEM. Towards an endpoint of another reactor what it has no room for
 * is counted there as dropped, and what it cannot send is told its owner as `failed`. */
weft_err weft_send(weft_actor *self, weft_ref endpoint, const weft_address *to, weft_bytes bytes);

/** The same, saying which address of this machine it comes from: who was sent something at one of several
 * addresses expects the answer from there, so an endpoint bound to * answers a datagram from its `to`
 * (?destination=on). The port of @from does not matter; one of no family, a group, or one of an endpoint that has one
 * address only is ignored. errors: as weft_send; an address that is not this machine's is told as `failed`. */
weft_err weft_send_from(weft_actor *self, weft_ref endpoint, const weft_address *to,
                        const weft_address *from, weft_bytes bytes);

/** As weft_send, with a copy of @size bytes at @from. */
weft_err weft_send_copy(weft_actor *self, weft_ref endpoint, const weft_address *to,
                        const void *from, size_t size);

/** What happens to a datagram that finds the queue full. */
typedef enum weft_send_policy {
    WEFT_SEND_REFUSE,      /**< it is refused with EFULL */
    WEFT_SEND_DROP_NEWEST, /**< it is dropped, and counted */
    WEFT_SEND_DROP_OLDEST, /**< those that wait longest are, until it fits */
} weft_send_policy;

/** Settings that may change while it is open; only what is set in @given changes. URL options set the same
 * from the beginning. */
typedef struct weft_endpoint_settings {
    enum {
        WEFT_ENDPOINT_WINDOW = 1,
        WEFT_ENDPOINT_WRITE_QUEUE = 2,
        WEFT_ENDPOINT_POLICY = 4,
        WEFT_ENDPOINT_TTL = 8,
        WEFT_ENDPOINT_MULTICAST_TTL = 16,
        WEFT_ENDPOINT_LOOP = 32,
        WEFT_ENDPOINT_INTERFACE = 64,
        WEFT_ENDPOINT_BROADCAST = 128,
    } given;
    uint32_t window_bytes, write_queue_bytes_max;
    weft_send_policy policy;
    uint8_t ttl, multicast_ttl; /**< routers on the way, at most; of v6: hop limits */
    bool loop;                  /**< what is sent to a group is heard on this machine too */
    bool broadcast;             /**< may be sent */
    char interface[16];         /**< where what is sent to groups leaves; "": the system's choice */
} weft_endpoint_settings;

/** errors: EGONE, EUNSUPPORTED (not of this transport), ENOTFOUND (no such interface), EINVAL. What an
 * endpoint of another reactor refuses is told its owner as `failed`. */
weft_err weft_endpoint_set(weft_actor *self, weft_ref endpoint,
                           const weft_endpoint_settings *settings);

/** Hears what is sent to @group (its port does not matter) on @interface ("" or NULL: the system's choice),
 * from now on, or no more (RFC 3678). errors: as weft_endpoint_set, EEXISTS (joined already), ENOTFOUND
 * (not joined), ELIMIT (the system's limit of groups). */
weft_err weft_join(weft_actor *self, weft_ref endpoint, const weft_address *group,
                   const char *interface);
weft_err weft_leave(weft_actor *self, weft_ref endpoint, const weft_address *group,
                    const char *interface);

/** Sends what is queued, then closes; nothing more is read. `closed` follows with EDONE, or with ETIMEDOUT when
 * that takes longer than WEFT_ENDPOINT_CLOSE_MS. errors: EGONE. */
weft_err weft_endpoint_close(weft_actor *self, weft_ref endpoint);

/** Asked of an endpoint: what it did since it was opened. */
typedef struct weft_endpoint_stats {
    uint64_t received, received_bytes;
    uint64_t sent, sent_bytes;
    uint64_t truncated;
    uint64_t lost;      /**< that the kernel had no room for: this actor did not read fast enough */
    uint64_t no_memory; /**< that came, and could not be told for want of memory */
    uint64_t dropped;   /**< not sent: the queue was full, or it closed */
    uint64_t failed;    /**< not sent, or not arrived, as far as anybody said so */
    uint64_t failed_quiet; /**< of those: not told, for too many were out or memory was */
    uint32_t queued;       /**< that wait to leave */
    uint32_t held_bytes;   /**< of the window, given out and still alive */
} weft_endpoint_stats;
typedef struct weft_endpoint_count {
    char nothing;
} weft_endpoint_count;
/** weft_ask(self, endpoint, weft_endpoint_count, .nothing = 0) is answered with weft_endpoint_stats. */
extern const weft_type weft_endpoint_count_type, weft_endpoint_stats_type;

/* ---- limits, by name */

#define WEFT_ENDPOINT_BATCH 64U /**< datagrams the kernel is asked for, or given, at a time */
#define WEFT_ENDPOINT_OVERHEAD_BYTES 128U /**< each counts so much beyond its bytes in a queue */
#define WEFT_ENDPOINT_FAILURES_MAX 64U    /**< `failed` that are out at a time */
#define WEFT_ENDPOINT_CLOSE_MS 2000U   /**< what is left when it closes may take so long to leave */
#define WEFT_DATAGRAM_BYTES_MAX 65507U /**< of a v4 datagram (RFC 768): 65,535 less its headers */

#ifdef __cplusplus
}
#endif
#endif

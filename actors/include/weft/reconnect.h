/* SPDX-License-Identifier: MIT */
/** Reconnecting clients: an actor that connects, gives the stream to its owner, and connects again when that
 * is over, after pauses that grow.
 *
 *     static const weft_reconnect_config to_db = {.url = "tcp://db.example:5432"};
 *     weft_ref client = weft_spawn(self, &weft_reconnect, &to_db);
 *
 * The owner is told `opened` of each stream that stands, and all that follows; of connects that fail it is told
 * weft_reconnect_waiting. weft_stop_ref(client) ends it, and leaves the stream that stands to its owner.
 *
 * Pauses: after the first failure in a row delay_ms, after each further one factor_percent of the last, at most
 * delay_max_ms; from each a part of chance is taken, up to jitter_percent, so that many clients do not come
 * back at once. A stream that lasted stable_ms ends the row; one that did not is a failure too. */
#ifndef WEFT_RECONNECT_H
#define WEFT_RECONNECT_H

#include <weft/net.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Of weft_reconnect_config.jitter_percent: none at all. */
#define WEFT_NO_JITTER UINT32_MAX

/** The config of weft_reconnect; it must live as long as the actor. Zero means the default. */
typedef struct weft_reconnect_config {
    const char *url;         /**< as in <weft/url.h>; its `timeout` is that of each connect */
    weft_ref owner;          /**< who gets the streams; nobody: who spawned it */
    uint32_t delay_ms;       /**< the first pause; 0: 500 */
    uint32_t delay_max_ms;   /**< 0: 60,000 */
    uint32_t factor_percent; /**< 0: 200; less than 100 is 100 */
    uint32_t jitter_percent; /**< 0: 50; at most 100, or WEFT_NO_JITTER */
    uint32_t stable_ms;      /**< 0: 10,000 */
    uint32_t failures_max;   /**< gives up after so many in a row; 0: never */
    /** How it connects, for clients of what is more than a stream by URL (a WebSocket): called as its handler, gives the
     * stream, owned by weft_self(self), or nobody when memory is out. NULL: weft_connect(self, url, ...). */
    weft_ref (*connect)(weft_actor *self, const struct weft_reconnect_config *config);
    const void *context; /**< for that */
} weft_reconnect_config;

/** Spawn it with a weft_reconnect_config. It ends with EINVAL (no URL) and ENOMEM besides what it gives up
 * for, and in order with its owner. */
extern const weft_behaviour weft_reconnect;

/** Told to the owner before each pause. Unhandled: ignored. */
typedef struct weft_reconnect_waiting {
    weft_ref client;
    uint32_t failures; /**< in a row; 0: a stream that was stable has ended */
    uint32_t delay_ms; /**< how long the pause is */
    weft_err reason;   /**< what the connect failed for; EDONE: a stream has ended */
    char why[96];
} weft_reconnect_waiting;
extern const weft_type weft_reconnect_waiting_type;

/** Told to the owner when there is no point in going on: failures_max was reached, or the URL is none
 * (EINVAL, EUNSUPPORTED, ETOOBIG). The actor then ends with @reason. Unhandled: ignored. */
typedef struct weft_reconnect_gave_up {
    weft_ref client;
    uint32_t failures;
    weft_err reason;
    char why[96];
} weft_reconnect_gave_up;
extern const weft_type weft_reconnect_gave_up_type;

/** Tell it to connect now rather than when the pause is over; calm when there is none. */
typedef struct weft_reconnect_now {
    char nothing;
} weft_reconnect_now;
extern const weft_type weft_reconnect_now_type;

#ifdef __cplusplus
}
#endif
#endif

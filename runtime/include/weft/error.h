/* SPDX-License-Identifier: MIT */
/** Errors: one enum for programs, one sentence for people. */
#ifndef WEFT_ERROR_H
#define WEFT_ERROR_H

#include <stdarg.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

#define WEFT_MUST_USE __attribute__((warn_unused_result))
#define WEFT_PRINTF(f, a) __attribute__((format(printf, f, a)))

/** What a function, a message or a connection came to. The values are stable: add at the end. */
typedef enum weft_err {
    WEFT_OK = 0,

    /* the call or the message */
    WEFT_EINVAL,    /**< an argument or a message is not what the contract asks for */
    WEFT_ENOMEM,    /**< the system has no memory left */
    WEFT_EGONE,     /**< the actor a reference stands for has ended */
    WEFT_EFULL,     /**< a mailbox, a queue or the credit towards a reactor is used up; try later */
    WEFT_ELIMIT,    /**< a named limit was reached; trying again does not help */
    WEFT_ETIMEDOUT, /**< the time limit passed */
    WEFT_ECANCELLED,   /**< the asker no longer wants it */
    WEFT_EUSED,        /**< a Deferred was consumed twice, or a request answered twice */
    WEFT_ENOANSWER,    /**< the request was let go of without an answer */
    WEFT_EUNHANDLED,   /**< the actor has no row for this type */
    WEFT_ETYPE,        /**< a reply, or a message to another node, of the wrong type */
    WEFT_ENOTFOUND,    /**< no such name, file or route */
    WEFT_EEXISTS,      /**< the name or the address is taken */
    WEFT_EDENIED,      /**< not permitted */
    WEFT_EUNSUPPORTED, /**< not offered by this build, transport or platform */
    WEFT_ESTOPPING,    /**< the system or the actor is shutting down */
    WEFT_EINTERNAL,    /**< a fault in weft or in a handler's logic */

    /* bytes */
    WEFT_EPROTO,     /**< the bytes break their protocol */
    WEFT_ETRUNCATED, /**< the bytes ended too early */
    WEFT_ETOOBIG,    /**< a line, frame, head or body beyond its limit */

    /* connections */
    WEFT_EDONE,        /**< ended in order: not a failure, the usual reason of `closed` */
    WEFT_ELOST,        /**< the connection was lost (reset by the peer, broken pipe) */
    WEFT_EABORTED,     /**< aborted on this side */
    WEFT_EREFUSED,     /**< nobody listens there */
    WEFT_EUNREACHABLE, /**< no route to the host or network */
    WEFT_ENONAME,      /**< a host name has no address */
    WEFT_EIO,          /**< the system failed to read or write */
    WEFT_ETLS,         /**< TLS failed; the sentence names the alert */

    WEFT_ERR_COUNT_ /* the number of codes, not one of them */
} weft_err;

/** The bytes a sentence has room for, the final zero included. */
#define WEFT_WHY_BYTES 192

/** The sentence beside a code: what, where, what was expected. Longer text is cut, never refused.
 */
typedef struct weft_why {
    char text[WEFT_WHY_BYTES];
} weft_why;

/** The name of @err as it is written in C without its prefix, "ETIMEDOUT". Static. thread: any. */
const char *weft_err_name(weft_err err);

/** A short sentence for @err: "timed out". Static. thread: any. */
const char *weft_err_text(weft_err err);

/** The code for the errno value @sys_errno. thread: any. */
weft_err weft_err_from_errno(int sys_errno);

/** Writes a sentence into @why (nothing if it is NULL). thread: any. */
void weft_explain(weft_why *why, const char *format, ...) WEFT_PRINTF(2, 3);

/** The same as an expression of the value @err, so that a function can
 * `return weft_because(why, WEFT_EINVAL, "port %d is not a port", port);`. */
#define weft_because(why, err, ...) (weft_explain((why), __VA_ARGS__), (weft_err)(err))

/** As weft_because, with a va_list. */
weft_err weft_because_v(weft_why *why, weft_err err, const char *format, va_list args)
    WEFT_PRINTF(3, 0);

#ifdef __cplusplus
}
#endif
#endif

/* SPDX-License-Identifier: MIT */
/** For writers of links: how what is sent to actors of other nodes reaches the one who carries it there, and
 * how what comes from there reaches actors of this one.
 *
 * For each other node there is one actor, its link. What is told to a reference of that node, or asked, comes
 * to the link's mailbox as it was sent, with the reference beside it (weft_remote_mail). The link is who asks
 * for whoever is elsewhere: what its actor asks is answered to it, what it keeps is cancelled to it. So limits,
 * cancels and losses are those of any ask.
 *
 *     asker ── request ──▶ link ┄┄ bytes ┄┄▶ link ── request ──▶ answerer
 *       ▲                   │ ▲              │ ▲                    │
 *       └───── answer ──────┘ └┄┄┄ bytes ┄┄┄┄┘ └────── answer ──────┘
 *
 * A reference of another node says which node, which life of it (how often it was seen to begin anew), and 64
 * bits that only that node can read; or which name. Everything here is called in handlers of the link's
 * reactor where nothing else is said. */
#ifndef WEFT_REMOTE_H
#define WEFT_REMOTE_H

#include <weft/actor.h>

#ifdef __cplusplus
extern "C" {
#endif

struct weft_system;

/** The bytes of a node's name at most, the final zero included. */
#define WEFT_NODE_NAME_BYTES 64
/** Bytes of messages that a link has not taken over yet: beyond them tells and asks are WEFT_EFULL. */
#define WEFT_REMOTE_QUEUED_MAX (4U << 20)
/** Other nodes that a system can tell apart. */
#define WEFT_REMOTE_NODES_MAX 4095U

/* ---- nodes */

/** Makes @sys a node with the name @name (as names of actors are made).
 * errors: EINVAL, EEXISTS (it is one), ENOMEM. thread: before start. */
WEFT_MUST_USE weft_err weft_remote_begin(struct weft_system *sys, const char *name, weft_why *why);
/** The name of this node; NULL: it is none. thread: any. */
const char *weft_remote_self(const struct weft_system *sys);

/** The number of the node @name, which is given one if it has none; 0: no valid name, or there are
 * WEFT_REMOTE_NODES_MAX, or this system is no node. thread: any. */
unsigned weft_remote_node(struct weft_system *sys, const char *name);
/** thread: any. */
const char *weft_remote_node_name(const struct weft_system *sys, unsigned node);

/** @link is the link to @node from now on, for ever; nothing is taken yet. Once for each node.
 * thread: before start, or in a handler of the links' reactor. */
void weft_remote_attach(struct weft_system *sys, unsigned node, weft_ref link);

/** The link to @node; nobody: it has none. thread: any. */
weft_ref weft_remote_link_to(const struct weft_system *sys, unsigned node);

/** What a link takes now. */
enum {
    WEFT_REMOTE_TELLS = 1, /**< else a tell is WEFT_EFULL */
    WEFT_REMOTE_ASKS = 2,  /**< else an ask is */
    WEFT_REMOTE_THERE = 4, /**< else both are WEFT_EUNREACHABLE */
};
/** thread: any. */
void weft_remote_takes(struct weft_system *sys, unsigned node, unsigned takes);

/** The node has begun anew: references of its life before are stale (WEFT_EGONE) from now on. */
void weft_remote_anew(struct weft_system *sys, unsigned node);

/* ---- references */

/** The node of @ref; 0: it is of this one, or nobody. thread: any. */
unsigned weft_remote_node_of(weft_ref ref);
/** The reference that @token stands for in the life of @node that is known last. A token has something in its
 * low 32 bits. */
weft_ref weft_remote_ref(const struct weft_system *sys, unsigned node, uint64_t token);
/** Whether @ref, of another node, is a name, or of the life that is known last. */
bool weft_remote_is_current(const struct weft_system *sys, weft_ref ref);
/** The name that @ref, of another node, stands for; NULL: it has a token. Static. */
const char *weft_remote_name(const struct weft_system *sys, weft_ref ref);
uint64_t weft_remote_token(weft_ref ref);

/** As weft_register, but the name stands for @who, of another node, until @self ends. */
WEFT_MUST_USE weft_err weft_remote_register(weft_actor *self, const char *name, weft_ref who);

/** The text of the name that @ref, of this node, stands for; NULL: it is no name. Static. thread: any. */
const char *weft_name_text(const struct weft_system *sys, weft_ref ref);
/** The member of the group @ref that answers @self, or @ref as it is. */
weft_ref weft_group_member(const weft_actor *self, weft_ref ref);

/* ---- what is to be sent */

/** The message in which a link gets what was told, or asked (weft_is_request), to its node: the type is this
 * one, the sender who sent it. The body is that of the message, or, of a small and plain one, what that comes to
 * packed. To be kept or served as any other. */
extern const weft_type weft_remote_mail_type;
typedef struct weft_remote_mail {
    weft_ref to;
    const weft_type *type;
    bool packed, noted;    /* its sender wants weft_undelivered */
    uint32_t packed_bytes; /**< if it is */
} weft_remote_mail;
/** What stands beside @msg, which is of that type. */
const weft_remote_mail *weft_remote_mail_of(const weft_msg *msg);
/** Memory of the link's own that lives as long as @msg, a request of that type: zeroed, aligned for pointers. */
enum { WEFT_REMOTE_ROOM_BYTES = 48 };
void *weft_remote_mail_room(const weft_msg *msg);
/** The bytes of the body of @msg, packed; and packs it into as many. */
size_t weft_remote_mail_bytes(const weft_msg *msg);
void weft_remote_mail_pack(const weft_msg *msg, uint8_t *to);
/** Its link has seen @msg: it counts against WEFT_REMOTE_QUEUED_MAX no more. */
void weft_remote_taken(weft_msg *msg);

/** What an actor of the link's reactor tells, small and plain, while nothing waits in the link's mailbox. */
typedef struct weft_remote_told {
    weft_ref from, to;
    const weft_type *type;
    uint64_t trace;
    uint32_t bytes;   /**< of the body, packed */
    uint32_t left_ms; /**< of its time; 0: no limit */
    bool noted;       /**< its sender wants weft_undelivered */
} weft_remote_told;
/** Says where its body is to be packed to, at once: it was sent with that. NULL: it becomes a message to the link.
 * thread: in a handler of whoever tells. */
typedef uint8_t *weft_remote_room_fn(void *link, const weft_remote_told *told);
/** @fn is asked so from now on, with @link; NULL: it is not any more. */
void weft_remote_direct(struct weft_system *sys, unsigned node, weft_remote_room_fn *fn,
                        void *link);

/** Whether the kept request @msg is no longer wanted: weft_cancelled names a message that may be gone, and
 * another stand in its place. */
bool weft_remote_is_cancelled(const weft_msg *msg);

/** Somebody waits for room towards the node (weft_room): a request to the link, to be answered with
 * weft_remote_room_there when it takes tells. */
extern const weft_type weft_room_type;
weft_err weft_remote_room_there(weft_msg *msg);

/** A body that has come: @made is one of weft_unpack; or NULL, and it is made where it is to stand, of the
 * @bytes at @at, for which weft_remote_plain said yes. */
typedef struct weft_remote_body {
    const weft_type *type;
    const void *made;
    const uint8_t *at;
    uint32_t bytes, room;
} weft_remote_body;
/** Whether the @bytes at @at, of a stranger, are a small and plain body of @out->type, with no reference in it:
 * fills *@out. false: weft_unpack says what they are. */
bool weft_remote_plain(const uint8_t *at, size_t bytes, weft_remote_body *out);

/** Answers a kept request with what @from, of the link's node, answered; that this is what its type names is the
 * caller's to see to. errors: EGONE (the asker has ended: nobody waits for it); EINVAL, ELIMIT, ENOMEM: it is not
 * answered. */
WEFT_MUST_USE weft_err weft_remote_answer(weft_actor *self, weft_msg *msg, weft_ref from,
                                          const weft_remote_body *body);
/** Fails it, saying whether it had arrived. errors: ENOMEM; it is not answered. */
WEFT_MUST_USE weft_err weft_remote_fail(weft_actor *self, weft_msg *msg, weft_err err,
                                        weft_delivery delivery, const char *why);

/* ---- what has come */

/** Tells @to, of this node, what @from of another told. @left_ms: of its time; 0: no limit. @noted: @from wants
 * weft_undelivered: if it is refused later, the link is told weft_remote_undelivered.
 * errors: as weft_tell_body. */
WEFT_MUST_USE weft_err weft_remote_tell(weft_actor *self, weft_ref from, weft_ref to,
                                        const weft_remote_body *body, uint64_t trace,
                                        uint32_t left_ms, bool noted);
/** Told to a link: what @whom, of the other node, told was refused here. */
typedef struct weft_remote_undelivered {
    weft_ref whom;
    weft_undelivered what;
} weft_remote_undelivered;
extern const weft_type weft_remote_undelivered_type;
/** Asks @to, of this node, what @from of another asked, with the trace of the message being served; never
 * fails at the call. @limit_ms: as weft_ask_body. */
WEFT_MUST_USE weft_deferred weft_remote_ask(weft_actor *self, weft_ref from, weft_ref to,
                                            const weft_remote_body *body, uint32_t limit_ms);

/* ---- monitors and links */

/** Told to a link: @watcher, of this node, wants to know when @who, of the other, ends. */
typedef struct weft_remote_watch {
    weft_ref who, watcher;
    uint64_t id; /**< of the watcher's monitor */
    uint32_t kind;
    bool life; /**< it is to be told when this life of @who is over, not only at its end */
    struct weft_msg *next; /**< the link's own */
} weft_remote_watch;
extern const weft_type weft_remote_watch_type;
/** Told to a link: @watcher no longer wants to know. */
typedef struct weft_remote_unwatch {
    weft_ref watcher;
    uint64_t id;
} weft_remote_unwatch;
extern const weft_type weft_remote_unwatch_type;
/** Told to a link: @who, of the other node, is to be stopped when @other, of this one, ends with an error. */
typedef struct weft_remote_linked {
    weft_ref who, other;
} weft_remote_linked;
extern const weft_type weft_remote_linked_type;

/** Told to a link: @who, of the other node, is to be stopped. */
typedef struct weft_remote_stop {
    weft_ref who;
    weft_err reason;
} weft_remote_stop;
extern const weft_type weft_remote_stop_type;

/** Tells the watcher that what it watches has ended. errors: ENOMEM; it was not told. */
WEFT_MUST_USE weft_err weft_remote_down(const weft_remote_watch *watch, weft_err reason,
                                        const char *why);
/** Tells the watcher that what it watches begins again. errors: ENOMEM; it was not told. */
weft_err weft_remote_restarted(const weft_remote_watch *watch, weft_err reason, const char *why,
                               uint32_t count);
/** Links @who, of this node, to @other, of another, as weft_link on that side. errors: EGONE, ENOMEM. */
weft_err weft_remote_link(weft_ref who, weft_ref other);

#ifdef __cplusplus
}
#endif
#endif

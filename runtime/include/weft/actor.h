/* SPDX-License-Identifier: MIT */
/** Actors: behaviours, spawning, ending, families, monitors, names. */
#ifndef WEFT_ACTOR_H
#define WEFT_ACTOR_H

#include <weft/deferred.h>
#include <weft/message.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Serves one message. An error fails that message (its asker gets the code and its sentence); only
 * weft_stop ends the actor. */
typedef weft_err weft_handler_fn(weft_actor *self, weft_msg *msg);

/** A row of a behaviour: messages of @type are served by @fn. */
typedef struct weft_handler {
    const weft_type *type;
    weft_handler_fn *fn;
    /** Until this message has been finished (its continuations too), other ordinary messages of the
     * actor wait in order; replies, timers, `down` and control are delivered. */
    bool serial;
    /** It runs in a fiber, with a stack of its own (64 KiB), and may wait: see <weft/fiber.h>. */
    bool fiber;
} weft_handler;

/** What an actor is. A static const value of the program; compiled at its first spawn. */
typedef struct weft_behaviour {
    const char *name;
    const weft_handler *handlers; /**< ends in { 0 } */
    weft_handler_fn *otherwise;   /**< serves types without a row; NULL: EUNHANDLED */
    uint32_t state_bytes;         /**< of the state, zeroed at spawn */
    uint32_t mailbox_max;         /**< ordinary messages that may wait; 0: 4,096 */
    uint32_t asks_max;            /**< outstanding asks; 0: 65,536 */
    uint32_t monitors_max;        /**< monitors set by it; 0: 65,536 */
    /** The last thing that happens to its state, whatever ended it: give back what the state holds.
     * May send (replies, tells); must not ask or spawn. */
    void (*ended)(weft_actor *self, weft_err reason);
    /** A child of this actor has ended; runs on its reactor, between messages. For actors that live and
     * die with one other; anything else is better served by weft_monitor. */
    void (*child_ended)(weft_actor *self, weft_ref child, weft_err reason);
    const struct wf_stream_ops *stream; /**< for transports of weft itself; NULL elsewhere */
    uint32_t
        account; /**< for those: 1 + the offset in the state of the account of what it gives out */
    /** For protocols: what a listener says to who comes beyond its limits (the option overflow=refuse) before
     * it closes; NULL: nothing. */
    const char *busy;
} weft_behaviour;

/** The first message of an actor, if it has a row for it (it costs nothing without). */
typedef struct weft_started {
    const void *config; /**< as given to weft_spawn; see weft_config */
} weft_started;
extern const weft_type weft_started_type;

/** Told before an actor ends by weft_stop_ref or with its parent, if it has a row for it: it then ends
 * when it calls weft_stop, or by force when 5 s have passed; while the system shuts down, when that has
 * no time left (weft_system_options.stop_grace_ms), if that is later. */
typedef struct weft_stopping {
    weft_err reason;
} weft_stopping;
extern const weft_type weft_stopping_type;

/** Spawns an actor on this reactor, as a child of @self: it ends before its parent does.
 * @config is borrowed for the actor's life. errors: nobody, when memory or actors_max is used up.
 * thread: in a handler. */
WEFT_MUST_USE weft_ref weft_spawn(weft_actor *self, const weft_behaviour *behaviour,
                                  const void *config);

/** Spawns on reactor @reactor, with no parent; the Deferred gives weft_spawned.
 * errors of the Deferred: EINVAL (no such reactor), ENOMEM, ELIMIT, ESTOPPING (the system ends): none was spawned;
 * ECANCELLED (no memory to say so): one was, and is stopped again. thread: in a handler. */
WEFT_MUST_USE weft_deferred weft_spawn_on(weft_actor *self, unsigned reactor,
                                          const weft_behaviour *behaviour, const void *config);
typedef struct weft_spawned {
    weft_ref ref;
} weft_spawned;
extern const weft_type weft_spawned_type;

/** Ends this actor after this turn's message, with @reason (WEFT_OK: in order). Always WEFT_OK, so that
 * a handler may `return weft_stop(self, WEFT_OK)`. What is left in its mailbox fails with EGONE.
 * thread: in a handler. */
weft_err weft_stop(weft_actor *self, weft_err reason);

/** The same with a sentence that monitors and logs see. */
weft_err weft_stop_because(weft_actor *self, weft_err reason, const char *format, ...)
    WEFT_PRINTF(3, 4);

/** Asks another actor of this node to stop; overtakes its mailbox. errors: EGONE, EDENIED ("weft.system",
 * which ends the system: weft_system_stop), EUNSUPPORTED (it is of another node). thread: in a handler. */
weft_err weft_stop_ref(weft_actor *self, weft_ref who, weft_err reason);

/** Its state: state_bytes bytes that only its handlers touch. */
void *weft_state(weft_actor *self);

/** The config it was spawned with, or NULL. */
const void *weft_config(const weft_actor *self);

/** Its own reference. */
weft_ref weft_self(const weft_actor *self);

/** Who spawned it; nobody if that has ended. */
weft_ref weft_parent(const weft_actor *self);

/** Its behaviour now. */
const weft_behaviour *weft_behaviour_of(const weft_actor *self);

/** From the next message on, @behaviour's table serves this actor; the state stays. Its state_bytes must
 * not be larger than at spawn. errors: EINVAL, ENOMEM. thread: in a handler. */
weft_err weft_become(weft_actor *self, const weft_behaviour *behaviour);

/* ---- monitors and links */

/** Told when a monitored actor has ended. Its sentence is whole, or has 95 bytes where memory is out. */
typedef struct weft_down {
    weft_ref who;
    weft_err reason;
    const char *why; /**< the sentence; never NULL; dies with the message */
} weft_down;
extern const weft_type weft_down_type;

/** Told when a monitored actor that its supervisor keeps has stopped and begins again, with the same
 * reference; the monitor stays. An actor without a row for it takes no notice. When memory is out it
 * comes later, once for all restarts until then, of which @count tells. */
typedef struct weft_restarted {
    weft_ref who;
    weft_err reason; /**< what it stopped for */
    const char *why; /**< the sentence; never NULL; dies with the message */
    uint32_t count;  /**< restarts so far */
} weft_restarted;
extern const weft_type weft_restarted_type;

/** Has weft_down told to @self, once, when @who ends; at once if it has. Never refused for lack of room
 * once this said yes. errors: ELIMIT (monitors_max), ENOMEM. thread: in a handler. */
weft_err weft_monitor(weft_actor *self, weft_ref who);

/** Takes every monitor of @who back; a `down` that is in the mailbox already still comes.
 * thread: in a handler. */
void weft_demonitor(weft_actor *self, weft_ref who);

/** From now on, if either ends with an error the other is stopped with it; for one that its supervisor
 * restarts, when this life of it ends. errors: as weft_monitor. */
weft_err weft_link(weft_actor *self, weft_ref who);

/* ---- names */

/** The bytes of a name at most, the final zero included. */
#define WEFT_NAME_BYTES 64

/** Gives @self the name @name until it ends; a restart keeps it, and taking it again is no error. errors: EINVAL (empty, too long, characters beyond
 * letters, digits and "._-/"), EEXISTS, ELIMIT (names_max). thread: in a handler. */
weft_err weft_register(weft_actor *self, const char *name);

/** The name it was given last, or NULL. thread: in a handler of its reactor. */
const char *weft_name_of(const weft_actor *actor);

/** A reference to whoever has the name @name when it is used; nobody if @name is not a valid name. On another
 * node: "counter@edge-1" (<weft/node.h>). thread: in a handler. */
weft_ref weft_named(weft_actor *self, const char *name);

/** Who, of this node, has the name now; nobody if none. thread: in a handler. */
weft_ref weft_lookup(weft_actor *self, const char *name);

#ifdef __cplusplus
}
#endif
#endif

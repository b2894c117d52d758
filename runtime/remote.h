/* SPDX-License-Identifier: MIT */
/* References of other nodes, within the runtime. */
#ifndef WF_REMOTE_H
#define WF_REMOTE_H

#include <weft/remote.h>

#include "core.h"

/* As wf_put, to a reference of another node: to its link, if that takes it.
 * errors: EGONE, EFULL, EUNREACHABLE, ETYPE, EINVAL, ENOMEM. */
weft_err wf_remote_put(weft_actor *from, weft_ref to, const weft_type *type, const void *body,
                       uint64_t request, unsigned flags) WF_NOINLINE;
/* The link that carries what is for @ref; nobody: there is none, or @ref is of an earlier life. */
weft_ref wf_remote_link(const weft_system *sys, weft_ref ref) WF_NOINLINE;
/* Why a send came to @err. */
void wf_remote_explain(wf_reactor *r, weft_ref to, const weft_type *type, weft_err err,
                       weft_why *why) WF_COLD;

/* The name in @slot of the table of names, on @node; of this one: that name. errors: nobody. */
weft_ref wf_remote_named(weft_system *sys, uint32_t slot, const char *node);
const char *wf_remote_print(weft_ref ref, char text[WEFT_REF_TEXT_BYTES]);
void wf_remotes_free(weft_system *sys);

/* Tells the link that carries what is for @ref something that is never refused for room.
 * errors: EGONE, ENOMEM. */
weft_err wf_remote_tell_link(wf_reactor *r, weft_ref ref, const weft_type *type, const void *body);

/* Has @who, of another node, stopped. errors: EGONE, EUNREACHABLE, EUNSUPPORTED (a name), ENOMEM. */
weft_err wf_remote_stop(wf_reactor *r, weft_ref who, weft_err reason);

/* ---- monitors (remote_watch.c, monitor.c) */

/* @watcher wants to know of @who, which is of another node, by the monitor @id. errors: EGONE, ENOMEM. */
weft_err wf_remote_watch(wf_reactor *r, weft_ref who, weft_ref watcher, uint64_t id, uint32_t kind,
                         bool life);
/* No longer. */
void wf_remote_unwatch(wf_reactor *r, weft_ref who, weft_ref watcher, uint64_t id);

/* What watches @who by the monitor @id is told, wherever it is. errors: ENOMEM. */
weft_err wf_monitor_tell(wf_reactor *r, weft_ref watcher, weft_ref who, uint64_t id, uint32_t kind,
                         weft_err reason, const char *why);
/* As weft_link made it on the other side: @target, of this reactor, ends with @other.
 * errors: as weft_link. */
weft_err wf_monitor_link_back(wf_reactor *r, weft_ref target, weft_ref other);
/* errors: EGONE, ENOMEM. */
weft_err wf_monitor_tell_restarted(wf_reactor *r, weft_ref watcher, weft_ref who, weft_err reason,
                                   const char *why, uint32_t count);

#endif

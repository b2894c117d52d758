/* SPDX-License-Identifier: MIT */
/* Monitors and links of actors of other nodes: what links are told, and tell. */
#include "ask.h"
#include "mailbox.h"
#include "remote_table.h"

const weft_type weft_remote_watch_type = WEFT_TYPE("weft.remote_watch", weft_remote_watch, NULL);
const weft_type weft_remote_unwatch_type =
    WEFT_TYPE("weft.remote_unwatch", weft_remote_unwatch, NULL);
const weft_type weft_remote_linked_type = WEFT_TYPE("weft.remote_linked", weft_remote_linked, NULL);

const weft_type weft_remote_stop_type = WEFT_TYPE("weft.remote_stop", weft_remote_stop, NULL);

/* A name is reached with messages that its node allows; ending whoever has it is more than that. */
weft_err wf_remote_stop(wf_reactor *r, weft_ref who, weft_err reason)
{
    const remote_node *n = wf_remote_at(r->sys, weft_remote_node_of(who));
    weft_remote_stop stop = {.who = who, .reason = reason};
    if (weft_remote_name(r->sys, who) != NULL)
        return WEFT_EUNSUPPORTED;
    if (!wf_remote_has_link(n) ||
        (atomic_load_explicit(&n->takes, memory_order_acquire) & WEFT_REMOTE_THERE) == 0)
        return WEFT_EUNREACHABLE;
    return wf_remote_tell_link(r, who, &weft_remote_stop_type, &stop);
}

weft_err wf_remote_watch(wf_reactor *r, weft_ref who, weft_ref watcher, uint64_t id, uint32_t kind,
                         bool life)
{
    weft_remote_watch watch = {
        .who = who, .watcher = watcher, .id = id, .kind = kind, .life = life};
    return wf_remote_tell_link(r, who, &weft_remote_watch_type, &watch);
}

/* Without memory for it the link tells the end of a monitor that is no more, which nobody sees. */
void wf_remote_unwatch(wf_reactor *r, weft_ref who, weft_ref watcher, uint64_t id)
{
    weft_remote_unwatch unwatch = {.watcher = watcher, .id = id};
    (void)wf_remote_tell_link(r, who, &weft_remote_unwatch_type, &unwatch);
}

weft_err weft_remote_down(const weft_remote_watch *watch, weft_err reason, const char *why)
{
    return wf_monitor_tell(WF_R, watch->watcher, watch->who, watch->id, watch->kind, reason, why);
}

weft_err weft_remote_restarted(const weft_remote_watch *watch, weft_err reason, const char *why,
                               uint32_t count)
{
    return wf_monitor_tell_restarted(WF_R, watch->watcher, watch->who, reason, why, count);
}

weft_err weft_remote_link(weft_ref who, weft_ref other)
{
    return wf_monitor_link_back(WF_R, wf_resolve(WF_R, who), other);
}

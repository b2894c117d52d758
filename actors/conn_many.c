/* SPDX-License-Identifier: MIT */
/* What many connections have to send at the end of a round leaves together: the first write of each is made with the
 * others', and each goes on alone from there.
 *
 * Until all is done each is busy, so that what one of them comes to ends none of the others. */
#include <sys/uio.h>

#include "conn.h"
#include "sends.h"

_Static_assert(WEFT_HOOKS_MANY <= WF_SENDS_MAX, "what comes together leaves together");

/* One of them; @send: its first write, if that is made with the others'. */
typedef struct one {
    conn *c;
    bool outermost;
    wf_send *send;
} one;

static void go_on(const one *o)
{
    weft_why why = {""};
    size_t sent = 0;
    if (o->send == NULL) {
        wf_conn_flush(o->c);
        return;
    }
    weft_err err = wf_fd_joined(o->send, &sent, &why);
    wf_conn_flush_on(o->c, err, sent, &why);
}

void wf_conn_flush_many(weft_hook **hooks, unsigned n)
{
    one all[WEFT_HOOKS_MANY];
    wf_send sends[WEFT_HOOKS_MANY];
    struct iovec v[WEFT_HOOKS_MANY][CONN_OUT_ITEMS];
    unsigned k = 0;
    for (unsigned i = 0; i < n; i++) {
        conn *c = ((conn_out *)(void *)hooks[i])->owner;
        all[i] = (one){.c = c, .outermost = conn_busy(c)};
        if (!wf_fd_join(c, v[k], &sends[k]))
            continue;
        c->flags |= CONN_FLUSHING;
        all[i].send = &sends[k++];
    }
    wf_sends_make(sends, k);
    for (unsigned i = 0; i < n; i++) {
        go_on(&all[i]);
        wf_conn_idle(all[i].c, all[i].outermost);
    }
}

/* SPDX-License-Identifier: MIT */
/* Failures that memory had no room for: told later, since no ask may hang. Until then the request itself waits,
 * which knows its asker and takes no memory that is not there. */
#include "ask.h"
#include "block.h"

enum { TELL_AGAIN_MS = 10 };

static void tell_owed(wf_timer *timer)
{
    wf_reactor *r = WF_R;
    while (r->owed != NULL) {
        weft_msg *m = r->owed, *next = m->next;
        if (wf_fail_request(r, NULL, m, WEFT_ENOMEM, NULL) != WEFT_OK) {
            wf_timer_arm(&r->wheel, timer, TELL_AGAIN_MS, tell_owed);
            return;
        }
        r->owed = next;
        wf_block_free(r, m);
    }
}

void wf_owe_failure(wf_reactor *r, weft_msg *m)
{
    if ((m->flags & WF_PLAIN) == 0)
        wf_body_release(m->type, m->body);
    m->flags |= WF_PLAIN;
    m->next = r->owed;
    r->owed = m;
    if (!wf_timer_armed(&r->owed_timer))
        wf_timer_arm(&r->wheel, &r->owed_timer, TELL_AGAIN_MS, tell_owed);
}

void wf_owed_done(wf_reactor *r)
{
    wf_timer_cancel(&r->wheel, &r->owed_timer);
    while (r->owed != NULL) {
        weft_msg *m = r->owed;
        r->owed = m->next;
        wf_block_free(r, m);
    }
}

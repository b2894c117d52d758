/* SPDX-License-Identifier: MIT */
/* Room: when who asked for it (weft_room) is told that a mailbox takes messages again. */
#include "ask.h"
#include "mailbox.h"

static weft_err room_there(weft_actor *self, weft_msg *msg)
{
    (void)self;
    unsigned char yes = 1;
    return weft_reply_body(msg, &weft_room_type, &yes);
}

const weft_type weft_room_type = {.name = "weft.room", .size = 1, .otherwise = room_there};

/* Half of what senders of another reactor can bring it to. */
static uint32_t low_mark(const weft_actor *a)
{
    return WF_STAT_GET(a->program)->mailbox_max / 2 + WF_ABROAD_MAX / 2;
}

bool wf_room_wait(weft_actor *a, weft_msg *m)
{
    if (m->type != &weft_room_type || (a->bits & WF_BUSY) != 0 || wf_mail_count(a) <= low_mark(a) ||
        wf_rare_of(a) == NULL)
        return false;
    m->next = a->rare->roomers;
    a->rare->roomers = m;
    a->bits |= WF_ROOMERS;
    return true;
}

void wf_room_look(wf_reactor *r, weft_actor *a)
{
    if (wf_mail_count(a) > low_mark(a) || (a->bits & WF_STOPPING) != 0)
        return;
    weft_msg *m = a->rare->roomers, *outer = r->current;
    weft_actor *running = WF_STAT_GET(r->running);
    a->rare->roomers = NULL;
    a->bits &= (uint16_t)~WF_ROOMERS;
    WF_STAT_PUBLISH(r->running, a);
    for (weft_msg *next; m != NULL; m = next) {
        next = m->next;
        m->next = NULL;
        r->current = m;
        (void)room_there(a, m);
        wf_msg_done(r, a, m); /* fails it if the answer could not be made */
    }
    WF_STAT_PUBLISH(r->running, running);
    r->current = outer;
}

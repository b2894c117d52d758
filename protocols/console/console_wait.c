/* SPDX-License-Identifier: MIT */
/* What a session waits for: an answer, or the messages of an actor that is tapped.
 *
 *             ask, children                       the answer, its time limit, Ctrl-C
 *      IDLE ─────────────────▶ ASKING ──────────────────────────────────────────────▶ IDLE
 *        └── tap ──▶ TAPPING ── so many shown, the actor's end, Ctrl-C ──▶ IDLE; of a program: closed
 *
 * Meanwhile its stream is read on, so that Ctrl-C is seen; what else is typed is kept for later. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <weft/edge.h>
#include <weft/form.h>

#include "console_session.h"

static const uint8_t INTERRUPT = 3;

/* It is done: a prompt, and what was typed meanwhile. */
static void go_on(weft_actor *self, wf_session *s)
{
    uint8_t *ahead = s->ahead;
    s->busy = WF_IDLE;
    s->ahead = NULL;
    if (s->editor != NULL && !s->closing) {
        wf_console_begin(self, s);
        if (ahead != NULL)
            wf_console_feed(self, s, ahead, s->ahead_n);
        if (s->over && s->busy == WF_IDLE && !s->closing)
            wf_console_leave(self, s);
    }
    weft_alloc_free(ahead);
}

/* ---- an answer */

/* A message of its own waits for it: that of the stream would hold up all that comes behind it. */
static const weft_type console_wait_type = {.name = "weft.console_wait", .size = 1};

static void wait_answer(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    (void)self, (void)msg, (void)got;
}

static void wait_done(weft_msg *msg)
{
    weft_alloc_free(msg);
}

static const weft_local_ops wait_ops = {.answer = wait_answer, .done = wait_done};

static weft_err on_answered(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    wf_session *s = weft_state(self);
    wf_text out = {.at = NULL};
    weft_why why = {""};
    (void)msg;
    weft_err err = s->answered(got, &out, &why);
    wf_console_answer(self, s, err, &out, &why);
    go_on(self, s);
    return WEFT_OK;
}

static weft_err on_wait(weft_actor *self, weft_msg *msg)
{
    const wf_session *s = weft_state(self);
    return weft_when(msg, s->waits, on_answered);
}

void wf_console_wait(weft_actor *self, wf_session *s, const wf_command *c)
{
    void *room = weft_alloc_zero(weft_local_bytes(1));
    s->busy = WF_ASKING;
    s->waits = c->waits;
    s->answered = c->answered;
    if (room != NULL) {
        weft_local_serve(self, weft_local_init(room, &console_wait_type, &wait_ops, 0, 0), on_wait);
        return;
    }
    wf_text out = {.at = NULL};
    (void)weft_ignore(self, c->waits);
    wf_console_answer(self, s, WEFT_ENOMEM, &out, &(weft_why){""});
    go_on(self, s);
}

/* ---- a tap */

static void tap_over(weft_actor *self, wf_session *s, const char *why)
{
    char text[WEFT_WHY_BYTES + 64], ref[WEFT_REF_TEXT_BYTES];
    int n = snprintf(text, sizeof text, "... %s%s\n", weft_ref_print(s->tapped, ref), why);
    weft_tap_end(&s->tap);
    weft_demonitor(self, s->tapped);
    wf_console_say(self, s, text, (size_t)n);
    wf_console_mark(self, s, NULL);
    if (s->editor == NULL && !s->closing)
        wf_console_leave(self, s);
    go_on(self, s);
}

void wf_console_show(weft_actor *self, wf_session *s, const wf_command *c)
{
    s->busy = WF_TAPPING;
    s->tap = c->tap;
    s->tapped = c->tapped;
    s->left = c->count;
    s->seen = 0;
    if (weft_monitor(self, s->tapped) != WEFT_OK)
        tap_over(self, s, ": no memory for it");
}

static void show(weft_actor *self, wf_session *s, const weft_tapped *t)
{
    static const char *const kinds[] = {"tell", "ask", "reply", "failure", "timer"};
    char text[WEFT_TAP_TEXT_BYTES + 256], at[16], from[WEFT_REF_TEXT_BYTES];
    time_t seconds = (time_t)(t->wall_ns / 1000000000U);
    struct tm parts;
    uint64_t lost = t->number - s->seen - 1;
    int n = lost != 0 ? snprintf(text, sizeof text, "... %" PRIu64 " were lost\n", lost) : 0;
    (void)strftime(at, sizeof at, "%H:%M:%S", gmtime_r(&seconds, &parts));
    n += snprintf(
        text + n, sizeof text - (size_t)n, "%s.%03u %s from %s: %.80s, %" PRIu32 " bytes%s%s\n", at,
        (unsigned)(t->wall_ns / 1000000U % 1000U), kinds[t->kind], weft_ref_print(t->from, from),
        t->type->name, t->bytes, t->text[0] != '\0' ? ": " : "", t->text);
    wf_console_say(self, s, text, (size_t)n);
}

weft_err wf_console_on_tapped(weft_actor *self, weft_msg *msg)
{
    wf_session *s = weft_state(self);
    const weft_tapped *t = weft_body(msg);
    if (s->tap == NULL || !weft_ref_same(t->who, s->tapped))
        return WEFT_OK; /* of one that is over */
    weft_tap_taken(s->tap);
    show(self, s, t);
    if (s->full || s->closing)
        return WEFT_OK; /* counted as lost by the next one that finds room */
    s->seen = t->number;
    if (s->left != 0 && --s->left == 0)
        tap_over(self, s, ": that many were asked for");
    return WEFT_OK;
}

weft_err wf_console_on_down(weft_actor *self, weft_msg *msg)
{
    wf_session *s = weft_state(self);
    const weft_down *down = weft_body(msg);
    char text[WEFT_WHY_BYTES];
    if (s->tap == NULL || !weft_ref_same(down->who, s->tapped))
        return WEFT_OK;
    (void)snprintf(text, sizeof text, " has ended: %s", down->why);
    tap_over(self, s, text);
    return WEFT_OK;
}

weft_err wf_console_on_restarted(weft_actor *self, weft_msg *msg)
{
    wf_session *s = weft_state(self);
    const weft_restarted *again = weft_body(msg);
    char text[WEFT_WHY_BYTES + 64], ref[WEFT_REF_TEXT_BYTES];
    if (s->tap == NULL || !weft_ref_same(again->who, s->tapped))
        return WEFT_OK;
    int n = snprintf(text, sizeof text, "... %s begins again: %.200s\n",
                     weft_ref_print(again->who, ref), again->why);
    wf_console_say(self, s, text, (size_t)n);
    return WEFT_OK;
}

/* ---- what comes meanwhile */

static void interrupt(weft_actor *self, wf_session *s)
{
    s->ahead_n = 0;
    wf_console_say(self, s, "^C\n", 3);
    if (s->busy == WF_TAPPING)
        tap_over(self, s, ": no more of it");
    else
        (void)weft_cancel(self, s->waits); /* which comes as an answer */
}

void wf_console_keep(weft_actor *self, wf_session *s, const uint8_t *at, size_t n)
{
    if (s->ahead == NULL) {
        s->ahead = weft_alloc(WEFT_CONSOLE_AHEAD_BYTES_MAX);
        s->ahead_n = 0;
    }
    size_t room = s->ahead != NULL ? WEFT_CONSOLE_AHEAD_BYTES_MAX - s->ahead_n : 0;
    size_t some = n < room ? n : room;
    if (some != 0)
        memcpy(s->ahead + s->ahead_n, at, some);
    s->ahead_n += some;
    if (some != n)
        wf_console_ring(self, s);
}

size_t wf_console_ahead(weft_actor *self, wf_session *s, const uint8_t *at, size_t n)
{
    if (s->editor == NULL)
        return n; /* of a program that taps: that is its last command */
    const uint8_t *stop = memchr(at, INTERRUPT, n);
    if (stop == NULL) {
        wf_console_keep(self, s, at, n);
        return n;
    }
    interrupt(self, s);
    return (size_t)(stop - at) + 1;
}

void wf_console_wait_done(wf_session *s)
{
    weft_tap_end(&s->tap);
    weft_alloc_free(s->ahead);
    s->ahead = NULL;
}

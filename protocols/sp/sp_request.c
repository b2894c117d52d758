/* SPDX-License-Identifier: MIT */
/* Requests and surveys: what waits for answers, and when it is asked again or over.
 *
 * Answers carry the id of what they answer; one that nobody waits for any more is counted. */
#include <stdatomic.h>
#include <string.h>

#include <weft/edge.h>
#include <weft/timer.h>

#include "sp_socket.h"

enum { ANSWERS_ROOM_MIN = 8 };

const weft_type wf_sp_again_type = WEFT_TYPE("weft.sp_again", wf_sp_due, NULL);
const weft_type wf_sp_survey_over_type = WEFT_TYPE("weft.sp_survey_over", wf_sp_due, NULL);

/* ---- requests */

static void ask_again(weft_actor *self, wf_sp_socket *s, wf_sp_item *item)
{
    s->counts.resent++;
    weft_timer_cancel(self, &item->timer);
    item->taken = false;
    wf_sp_dispatch(self, s, item);
}

void wf_sp_request_taken(weft_actor *self, wf_sp_socket *s, wf_sp_item *item)
{
    if (s->config.resend_ms == WEFT_NO_LIMIT)
        return;
    weft_timer_cancel(self, &item->timer);
    item->timer = weft_after(self, s->config.resend_ms, wf_sp_again, .id = item->id);
    if (item->timer.slot != 0)
        return;
    (void)weft_fail(item->msg, WEFT_ENOMEM, "no memory to wait for an answer");
    wf_sp_item_free(self, s, item);
}

/* sp-request-reply-01 section 5: no answer within the interval, the request is sent again. */
weft_err wf_sp_on_again(weft_actor *self, weft_msg *msg)
{
    wf_sp_socket *s = weft_state(self);
    wf_sp_item *item = wf_sp_item_of(s, ((const wf_sp_due *)weft_body(msg))->id);
    if (item != NULL && item->taken)
        ask_again(self, s, item);
    return WEFT_OK;
}

static void lost(weft_actor *self, wf_sp_socket *s, wf_sp_item *item)
{
    if (s->config.resend_ms != WEFT_NO_LIMIT) {
        ask_again(self, s, item);
        return;
    }
    (void)weft_fail(item->msg, WEFT_ELOST, "the pipe was lost; the request may have been served");
    wf_sp_item_free(self, s, item);
}

void wf_sp_requests_lost(weft_actor *self, wf_sp_socket *s, uint32_t pipe, uint16_t gen)
{
    if (!s->kind->one || !s->kind->asks)
        return;
    for (uint32_t i = 0; i < s->items_room; i++) {
        wf_sp_item *item = s->items[i];
        if (item != NULL && item->taken && item->pipe == pipe && item->pipe_gen == gen)
            lost(self, s, item);
    }
}

/* ---- surveys */

/* What has come so far. */
typedef struct wf_sp_survey {
    uint32_t asked, n, room;
    weft_bytes *at;
} wf_sp_survey;

/* The list of a weft_sp_answers, shared by the messages it stands in. */
typedef struct answer_list {
    _Atomic uint32_t users;
    uint32_t n;
    weft_bytes at[];
} answer_list;

static answer_list *list_of(const weft_sp_answers *answers)
{
    return (answer_list *)((char *)(uintptr_t)answers->at - offsetof(answer_list, at));
}

static void answers_share(void *body)
{
    const weft_sp_answers *answers = body;
    if (answers->at != NULL)
        atomic_fetch_add_explicit(&list_of(answers)->users, 1, memory_order_relaxed);
}

static void answers_release(void *body)
{
    const weft_sp_answers *answers = body;
    if (answers->at == NULL)
        return;
    answer_list *list = list_of(answers);
    /* acquire: what others read of it comes before it goes */
    if (atomic_fetch_sub_explicit(&list->users, 1, memory_order_acq_rel) != 1)
        return;
    for (uint32_t i = 0; i < list->n; i++)
        weft_bytes_drop(&list->at[i]);
    weft_alloc_free(list);
}

const weft_type weft_sp_answers_type = {.name = "weft.sp_answers",
                                        .size = sizeof(weft_sp_answers),
                                        .share = answers_share,
                                        .release = answers_release};

void wf_sp_survey_free(wf_sp_survey *v)
{
    if (v == NULL)
        return;
    for (uint32_t i = 0; i < v->n; i++)
        weft_bytes_drop(&v->at[i]);
    weft_alloc_free(v->at);
    weft_alloc_free(v);
}

static void finish(weft_actor *self, wf_sp_socket *s, wf_sp_item *item)
{
    wf_sp_survey *v = item->survey;
    weft_sp_answers answers = {.asked = v->asked, .n = v->n};
    answer_list *list = NULL;
    if (v->n != 0) {
        list = weft_alloc(sizeof *list + v->n * sizeof list->at[0]);
        if (list == NULL) {
            (void)weft_fail(item->msg, WEFT_ENOMEM, "no memory for the answers to a survey");
            wf_sp_item_free(self, s, item);
            return;
        }
        atomic_init(&list->users, 1);
        list->n = v->n;
        memcpy(list->at, v->at, v->n * sizeof list->at[0]);
        v->n = 0; /* they are the list's */
        answers.at = list->at;
    }
    (void)weft_reply_body(item->msg, &weft_sp_answers_type, &answers);
    answers_release(&answers);
    wf_sp_item_free(self, s, item);
}

weft_err wf_sp_on_survey_over(weft_actor *self, weft_msg *msg)
{
    wf_sp_socket *s = weft_state(self);
    wf_sp_item *item = wf_sp_item_of(s, ((const wf_sp_due *)weft_body(msg))->id);
    if (item != NULL)
        finish(self, s, item);
    return WEFT_OK;
}

static void ask_all(weft_actor *self, wf_sp_socket *s, wf_sp_item *item)
{
    for (uint32_t at = 0; at < s->pipes_n; at++) {
        if (weft_ref_is_nobody(s->pipes[at].ref))
            continue;
        if (wf_sp_has_room(s, at) && wf_sp_put_to(self, s, at, item, wf_sp_item_bytes(item)))
            item->survey->asked++;
        else
            s->counts.dropped++;
    }
}

weft_err wf_sp_survey_all(weft_actor *self, wf_sp_socket *s, weft_msg *msg)
{
    wf_sp_item *item;
    weft_err err = wf_sp_item_new(self, s, msg, &item);
    if (err != WEFT_OK) {
        s->counts.refused += err == WEFT_EFULL;
        return err;
    }
    item->survey = weft_alloc_zero(sizeof *item->survey);
    if (item->survey != NULL)
        item->timer = weft_after(self, s->config.survey_ms, wf_sp_survey_over, .id = item->id);
    if (item->survey == NULL || item->timer.slot == 0) {
        (void)weft_fail(msg, WEFT_ENOMEM, "no memory for a survey");
        wf_sp_item_free(self, s, item);
        return WEFT_OK;
    }
    ask_all(self, s, item);
    if (item->survey->asked == 0)
        finish(self, s, item);
    return WEFT_OK;
}

/* errors: ENOMEM, ELIMIT (answers_bytes_max). */
static weft_err survey_add(weft_actor *self, const wf_sp_socket *s, wf_sp_survey *v,
                           weft_bytes bytes)
{
    weft_bytes kept = WEFT_NO_BYTES;
    if (v->n == v->room) {
        uint32_t room = v->room != 0 ? 2 * v->room : ANSWERS_ROOM_MIN;
        weft_bytes *at = weft_alloc_again(v->at, room * sizeof *at);
        if (at == NULL)
            return WEFT_ENOMEM;
        v->at = at;
        v->room = room;
    }
    if (bytes.size != 0) {
        kept = weft_bytes_keep(self, bytes);
        if (kept.size == 0)
            return WEFT_ENOMEM;
        /* the windows of the pipes are free for more answers */
        weft_err err = weft_bytes_move(&kept, s->answers);
        if (err != WEFT_OK) {
            weft_bytes_drop(&kept);
            return err;
        }
    }
    v->at[v->n++] = kept;
    return WEFT_OK;
}

static void survey_answer(weft_actor *self, wf_sp_socket *s, wf_sp_item *item, weft_bytes bytes)
{
    wf_sp_survey *v = item->survey;
    weft_err err = survey_add(self, s, v, bytes);
    if (err == WEFT_ENOMEM) {
        (void)weft_fail(item->msg, err, "no memory for an answer to a survey");
        wf_sp_item_free(self, s, item);
    } else if (err == WEFT_ELIMIT || v->n >= s->config.answers_max) {
        finish(self, s, item);
    }
}

/* ---- answers */

void wf_sp_answer(weft_actor *self, wf_sp_socket *s, const wf_sp_got *got)
{
    wf_sp_item *item = wf_sp_item_of(s, got->id);
    if (item == NULL) {
        s->counts.late++;
        return;
    }
    s->counts.received++;
    if (item->survey != NULL) {
        survey_answer(self, s, item, got->bytes);
        return;
    }
    const weft_sp_message answer = {.bytes = got->bytes, .socket = weft_self(self)};
    if (weft_reply_body(item->msg, &weft_sp_message_type, &answer) != WEFT_OK)
        (void)weft_fail(item->msg, WEFT_ENOMEM, "no memory for an answer");
    wf_sp_item_free(self, s, item);
}

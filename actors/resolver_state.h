/* SPDX-License-Identifier: MIT */
/* What the resolver keeps, for its own files alone: resolver.c (its life, and requests that come) and
 * resolver_questions.c (what was asked of servers, and who waits for it). */
#ifndef WF_RESOLVER_STATE_H
#define WF_RESOLVER_STATE_H

#include "resolver.h"
#include "resolver_files.h"

enum { WF_QUESTION_BUCKETS = 64 };

struct wf_resolver {
    weft_resolver_options options; /* with defaults filled in */
    const wf_sender_ops *ops;
    void *sender; /* NULL: not started, or it could not be */
    weft_why no_sender;
    wf_search search;
    wf_resolver_files files;
    wf_cache cache;
    wf_question *bucket[WF_QUESTION_BUCKETS];
    uint32_t questions, waiting;
    wf_question *done, **done_tail; /* answered, and not yet told to those that wait */
    weft_hook hook;                 /* tells them */
    weft_alarm sweep;               /* when nothing that is kept holds any more */
    uint32_t sweep_at_ms;
    bool second; /* another one has the name: requests are passed on */
};

/* ---- questions (resolver_questions.c) */

void wf_questions_init(wf_resolver *r);
/* Fails what waits, and forgets what is under way. */
void wf_questions_end(wf_resolver *r);
/* Asks a new sender, or one that could not be started, for all that is under way. */
void wf_questions_send_again(wf_resolver *r);
/* Answers @msg out of the cache, or keeps it until its name, in its normal form @normal, has been asked for. */
weft_err wf_questions_ask(wf_resolver *r, weft_msg *msg, const weft_resolver_query *query,
                          const char *normal);
/* Whoever sent @msg no longer wants to know; the question goes on, for the cache. */
void wf_questions_cancel(wf_resolver *r, const weft_msg *msg);
/* Replies with what @answer says, and drops the caller's share of it. */
weft_err wf_answer_reply(weft_msg *msg, wf_answer *answer);

#endif

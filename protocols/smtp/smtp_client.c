/* SPDX-License-Identifier: MIT */
/* Letters: taken, queued, ended. */
#include "smtp_client.h"

#include <stdio.h>
#include <string.h>

#include <weft/edge.h>
#include <weft/net.h>
#include <weft/tls.h>

const weft_type weft_smtp_report_type =
    WEFT_TYPE_BYTES("weft.smtp_report", weft_smtp_report, each, NULL);
const weft_type weft_smtp_letter_type =
    WEFT_TYPE_BYTES("weft.smtp_letter", weft_smtp_letter, recipients, &weft_smtp_report_type);

/* Has the client look at the time. */
typedef struct smtp_client_late {
    char nothing;
} smtp_client_late;
static const weft_type smtp_client_late_type =
    WEFT_TYPE("weft.smtp_client_late", smtp_client_late, NULL);

weft_smtp_status weft_smtp_report_to(const weft_smtp_report *report, uint32_t i)
{
    weft_smtp_status status = {.code = 0};
    if (i < report->each.size / sizeof status)
        memcpy(&status, report->each.at + i * sizeof status, sizeof status);
    return status;
}

/* ---- asking */

static weft_err join(const char *const *to, uint32_t n, weft_bytes *out)
{
    size_t size = 0;
    uint8_t *at;
    for (uint32_t i = 0; i < n; i++)
        size += strlen(to[i]) + 1;
    weft_err err = weft_bytes_new(size, &at, out);
    for (uint32_t i = 0; err == WEFT_OK && i < n; i++)
        at = (uint8_t *)stpcpy((char *)at, to[i]) + 1;
    return err;
}

weft_deferred weft_smtp_send(weft_actor *self, weft_ref client, const char *from,
                             const char *const *to, uint32_t n, bool eight_bit, weft_ref *stream)
{
    weft_smtp_letter letter = {.recipients_n = n, .eight_bit = eight_bit};
    weft_ref ends[2];
    *stream = (weft_ref){0};
    if (n == 0 || strlen(from) >= sizeof letter.from)
        return weft_failed(self, WEFT_EINVAL, "a letter has a sender and recipients");
    if (!weft_is_here(client))
        return weft_failed(self, WEFT_EGONE, "there is no such client on this reactor");
    (void)stpcpy(letter.from, from);
    weft_err err = join(to, n, &letter.recipients);
    if (err == WEFT_OK)
        err = weft_pair(self, weft_self(self), client, ends);
    if (err != WEFT_OK) {
        weft_bytes_drop(&letter.recipients);
        return weft_failed(self, err, NULL);
    }
    *stream = ends[0];
    letter.stream = ends[1];
    weft_deferred sent = weft_ask_body(self, client, &weft_smtp_letter_type, &letter, WEFT_INHERIT);
    weft_bytes_drop(&letter.recipients);
    return sent;
}

/* ---- letters */

const char *wf_smtp_job_to(const wf_smtp_job *job, uint32_t i)
{
    const weft_smtp_letter *letter = weft_body(job->request);
    const char *at = (const char *)letter->recipients.at;
    for (; i != 0; i--)
        at += strlen(at) + 1;
    return at;
}

static void job_free(weft_actor *self, wf_smtp_job *job)
{
    weft_drop(&job->data);
    if (!weft_ref_is_nobody(job->stream))
        (void)weft_close(self, job->stream);
    weft_drop(&job->request);
    weft_alloc_free(job->each);
    weft_alloc_free(job);
}

static wf_smtp_job *take_first(wf_smtp_client *c)
{
    wf_smtp_job *job = c->first;
    c->first = job->next;
    c->last = c->first != NULL ? c->last : NULL;
    c->waiting--;
    return job;
}

void wf_smtp_job_failed(weft_actor *self, wf_smtp_client *c, weft_err err, const char *why)
{
    wf_smtp_job *job = take_first(c);
    (void)weft_fail(job->request, err, "%s", why);
    job_free(self, job);
}

void wf_smtp_job_refused(weft_actor *self, wf_smtp_client *c, const weft_smtp_status *status)
{
    char why[WEFT_SMTP_TEXT_BYTES + 48];
    (void)snprintf(why, sizeof why, "the server said: %u %u.%u.%u %s", status->code,
                   status->code / 100U, status->subject, status->detail, status->text);
    weft_err err = weft_smtp_error_of(status);
    wf_smtp_job_failed(self, c, err != WEFT_OK ? err : WEFT_EPROTO, why);
}

void wf_smtp_job_done(weft_actor *self, wf_smtp_client *c)
{
    wf_smtp_job *job = c->first;
    uint32_t n = ((const weft_smtp_letter *)weft_body(job->request))->recipients_n;
    weft_smtp_report report = {.status = job->status, .accepted = job->accepted, .recipients_n = n};
    uint8_t *to;
    weft_err err = weft_bytes_new(n * sizeof *job->each, &to, &report.each);
    if (err != WEFT_OK) {
        wf_smtp_job_failed(self, c, err, "no memory to tell that it was sent");
        return;
    }
    memcpy(to, job->each, n * sizeof *job->each);
    (void)weft_reply_body(job->request, &weft_smtp_report_type, &report);
    weft_bytes_drop(&report.each);
    job_free(self, take_first(c));
}

void wf_smtp_client_go(weft_actor *self, wf_smtp_client *c)
{
    if (c->first == NULL)
        return;
    if (c->phase == WF_SMTP_C_NONE)
        wf_smtp_client_connect(self, c);
    else if (c->phase == WF_SMTP_C_READY)
        wf_smtp_client_envelope(self, c);
}

/* What would break the dialogue is refused before there is one. */
static weft_err check(const weft_smtp_letter *letter, bool *utf8, weft_why *why)
{
    const char *at = (const char *)letter->recipients.at, *end = at + letter->recipients.size;
    weft_err err =
        letter->from[0] != '\0' ? weft_smtp_address_check(letter->from, true, why) : WEFT_OK;
    uint32_t n = 0;
    for (; err == WEFT_OK && at < end; n++) {
        const char *zero = memchr(at, '\0', (size_t)(end - at));
        err = zero != NULL ? weft_smtp_address_check(at, true, why) : WEFT_EINVAL;
        at = zero != NULL ? zero + 1 : end;
    }
    if (err == WEFT_OK && (n == 0 || n != letter->recipients_n))
        err = weft_because(why, WEFT_EINVAL, "there are %u recipients, not %u", n,
                           letter->recipients_n);
    *utf8 = false;
    for (size_t i = 0; i < letter->recipients.size; i++)
        *utf8 |= letter->recipients.at[i] >= 0x80;
    for (const char *c = letter->from; *c != '\0'; c++)
        *utf8 |= (*c & 0x80) != 0;
    return err;
}

static weft_err on_letter(weft_actor *self, weft_msg *msg)
{
    wf_smtp_client *c = weft_state(self);
    const weft_smtp_letter *letter = weft_body(msg);
    uint32_t max = c->config->waiting_max != 0 ? c->config->waiting_max : 256;
    weft_why why = {"there is no zero behind the last recipient"};
    bool utf8;
    weft_err err = check(letter, &utf8, &why);
    if (err == WEFT_OK && c->waiting >= max)
        err = weft_because(&why, WEFT_EFULL, "%u letters wait already (waiting_max)", max);
    wf_smtp_job *job = err == WEFT_OK ? weft_alloc_zero(sizeof *job) : NULL;
    if (job != NULL)
        job->each = weft_alloc_zero(letter->recipients_n * sizeof *job->each);
    if (job == NULL || job->each == NULL) {
        weft_alloc_free(job);
        if (err == WEFT_OK)
            err = weft_because(&why, WEFT_ENOMEM, "no memory for a letter");
        (void)weft_close(self, letter->stream);
        return weft_fail(msg, err, "%s", why.text);
    }
    job->stream = letter->stream;
    job->utf8 = utf8;
    job->request = weft_keep(msg);
    if (c->last != NULL)
        c->last->next = job;
    else
        c->first = job;
    c->last = job;
    c->waiting++;
    wf_smtp_client_go(self, c);
    return WEFT_OK;
}

static wf_smtp_job *job_of(const wf_smtp_client *c, weft_ref stream)
{
    wf_smtp_job *job = c->first;
    while (job != NULL && !weft_ref_same(job->stream, stream))
        job = job->next;
    return job;
}

/* Nobody wants it any more: one that is under way is left in the middle, with its connection. */
static weft_err on_cancelled(weft_actor *self, weft_msg *msg)
{
    wf_smtp_client *c = weft_state(self);
    const weft_cancelled *cancelled = weft_body(msg);
    wf_smtp_job *before = NULL, *job = c->first;
    for (; job != NULL && job->request != cancelled->msg; job = job->next)
        before = job;
    if (job == NULL)
        return WEFT_OK;
    if (before == NULL) {
        bool busy = c->phase > WF_SMTP_C_READY;
        job_free(self, take_first(c));
        if (busy)
            wf_smtp_client_drop(self, c, WEFT_EABORTED);
        wf_smtp_client_go(self, c);
        return WEFT_OK;
    }
    before->next = job->next;
    c->last = c->last == job ? before : c->last;
    c->waiting--;
    job_free(self, job);
    return WEFT_OK;
}

/* ---- events: of the connection, and of texts */

static weft_err on_opened(weft_actor *self, weft_msg *msg)
{
    wf_smtp_client *c = weft_state(self);
    if (weft_ref_same(((const weft_opened *)weft_body(msg))->stream, c->stream))
        wf_smtp_client_opened(self, c);
    return WEFT_OK;
}

static weft_err on_data(weft_actor *self, weft_msg *msg)
{
    wf_smtp_client *c = weft_state(self);
    const weft_data *data = weft_body(msg);
    wf_smtp_job *job = job_of(c, data->stream);
    if (job != NULL) {
        job->data = weft_keep(msg);
        job->at = 0;
        if (job == c->first)
            wf_smtp_client_text(self, c);
    } else if (weft_ref_same(data->stream, c->stream))
        wf_smtp_client_data(self, c, data->bytes);
    return WEFT_OK;
}

static weft_err on_ended(weft_actor *self, weft_msg *msg)
{
    wf_smtp_client *c = weft_state(self);
    weft_ref stream = ((const weft_ended *)weft_body(msg))->stream;
    wf_smtp_job *job = job_of(c, stream);
    if (job != NULL) {
        job->ended = true;
        if (job == c->first)
            wf_smtp_client_text(self, c);
    } else
        (void)weft_close(self, stream);
    return WEFT_OK;
}

static weft_err on_closed(weft_actor *self, weft_msg *msg)
{
    wf_smtp_client *c = weft_state(self);
    const weft_closed *closed = weft_body(msg);
    wf_smtp_job *job = job_of(c, closed->stream);
    if (job != NULL) {
        job->stream = (weft_ref){0};
        if (!job->ended)
            job->failed = closed->reason != WEFT_EDONE ? closed->reason : WEFT_ETRUNCATED;
        if (job == c->first)
            wf_smtp_client_text(self, c);
    } else if (weft_ref_same(closed->stream, c->stream))
        wf_smtp_client_closed(self, c, closed->reason, closed->why);
    return WEFT_OK;
}

static weft_err on_drained(weft_actor *self, weft_msg *msg)
{
    wf_smtp_client *c = weft_state(self);
    (void)msg;
    if (c->first != NULL)
        wf_smtp_client_text(self, c);
    return WEFT_OK;
}

static weft_err on_late(weft_actor *self, weft_msg *msg)
{
    (void)msg;
    wf_smtp_client_late(self, weft_state(self));
    return WEFT_OK;
}

/* ---- beginning and end */

static weft_err on_started(weft_actor *self, weft_msg *msg)
{
    wf_smtp_client *c = weft_state(self);
    weft_why why = {""};
    (void)msg;
    c->config = weft_config(self);
    c->lines.bytes_max = 4096;
    if (c->config == NULL || (c->config->url == NULL) == (c->config->domain == NULL))
        return weft_stop_because(self, WEFT_EINVAL, "a client has a url or a domain");
    if (c->config->tls != NULL)
        c->tls = weft_tls_share(c->config->tls);
    else if (c->config->tls_policy != WEFT_SMTP_TLS_NEVER) {
        const weft_tls_config anybody = {.unverified = c->config->tls_policy == WEFT_SMTP_TLS_MAY};
        weft_err err = weft_tls_client(&anybody, &c->tls, &why);
        if (err != WEFT_OK)
            return weft_stop_because(self, err, "%s", why.text);
    }
    c->timer = weft_after(self, WEFT_TIMER_MS_MAX, smtp_client_late, .nothing = 0);
    return c->timer.slot != 0 ? WEFT_OK : weft_stop(self, WEFT_ENOMEM);
}

static void on_over(weft_actor *self, weft_err reason)
{
    wf_smtp_client *c = weft_state(self);
    (void)reason;
    while (c->first != NULL)
        wf_smtp_job_failed(self, c, WEFT_EGONE, "the client has ended");
    wf_smtp_lines_done(&c->lines);
    weft_tls_drop(&c->tls);
}

static const weft_handler handlers[] = {
    {.type = &weft_started_type, .fn = on_started},
    {.type = &weft_smtp_letter_type, .fn = on_letter},
    {.type = &weft_cancelled_type, .fn = on_cancelled},
    {.type = &weft_opened_type, .fn = on_opened},
    {.type = &weft_data_type, .fn = on_data},
    {.type = &weft_ended_type, .fn = on_ended},
    {.type = &weft_closed_type, .fn = on_closed},
    {.type = &weft_drained_type, .fn = on_drained},
    {.type = &smtp_client_late_type, .fn = on_late},
    {0},
};

const weft_behaviour weft_smtp_client = {.name = "smtp client",
                                         .handlers = handlers,
                                         .state_bytes = sizeof(wf_smtp_client),
                                         .ended = on_over};

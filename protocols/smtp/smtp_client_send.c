/* SPDX-License-Identifier: MIT */
/* One letter over a connection that is ready: envelope, text, answers.
 *
 * Commands go ahead of their answers where the server takes that (RFC 2920); which answer is whose is a matter
 * of counting: MAIL's, one for each RCPT, DATA's, and those to the text. */
#include "smtp_client.h"

#include <string.h>

static const weft_smtp_letter *letter_of(const wf_smtp_job *job)
{
    return weft_body(job->request);
}

/* How many commands the envelope has: MAIL, RCPT for each, DATA. */
static uint32_t commands(const wf_smtp_job *job)
{
    return letter_of(job)->recipients_n + 2;
}

static bool may_8bit(const wf_smtp_client *c)
{
    return (c->can & WF_SMTP_CAN_8BIT) != 0;
}

static void say_command(weft_actor *self, wf_smtp_client *c, uint32_t i)
{
    const wf_smtp_job *job = c->first;
    const weft_smtp_letter *letter = letter_of(job);
    if (i == 0)
        (void)weft_write_text(self, c->stream, "MAIL FROM:<%s>%s%s\r\n", letter->from,
                              letter->eight_bit && may_8bit(c) ? " BODY=8BITMIME" : "",
                              job->utf8 ? " SMTPUTF8" : "");
    else if (i <= letter->recipients_n)
        (void)weft_write_text(self, c->stream, "RCPT TO:<%s>\r\n", wf_smtp_job_to(job, i - 1));
    else
        (void)weft_write_text(self, c->stream, "DATA\r\n");
}

/* Says what may be said now. The window keeps what waits in both directions small, so that a server that
 * answers each before it reads the next is never waited for while it waits. */
static void say_on(weft_actor *self, wf_smtp_client *c)
{
    enum { AHEAD = 50 };
    wf_smtp_job *job = c->first;
    uint32_t ahead = (c->can & WF_SMTP_CAN_PIPELINE) != 0 ? AHEAD : 1;
    while (job->sent < commands(job) && job->sent - job->answered < ahead) {
        /* without anybody to send it to there is no DATA, unless it went ahead */
        if (job->sent + 1 == commands(job) && job->answered + 1 == commands(job) &&
            job->accepted == 0)
            return;
        say_command(self, c, job->sent++);
    }
}

void wf_smtp_client_envelope(weft_actor *self, wf_smtp_client *c)
{
    wf_smtp_job *job = c->first;
    if (job->utf8 && (c->can & WF_SMTP_CAN_UTF8) == 0) {
        wf_smtp_job_failed(self, c, WEFT_EUNSUPPORTED,
                           "the server takes no addresses beyond ASCII");
        wf_smtp_client_go(self, c);
        return;
    }
    job->sent = job->answered = job->accepted = job->finals = job->final_at = job->delivered = 0;
    job->stuffing = (wf_smtp_stuffing){0};
    wf_smtp_client_phase_set(self, c, WF_SMTP_C_ENVELOPE);
    say_on(self, c);
}

/* ---- the text */

/* A part of the text that waits goes as far as there is room. errors: EFULL (`drained` follows). */
static weft_err write_part(weft_actor *self, wf_smtp_client *c)
{
    wf_smtp_job *job = c->first;
    weft_bytes bytes = ((const weft_data *)weft_body(job->data))->bytes;
    while (job->at < bytes.size) {
        bool dot;
        size_t n;
        if (weft_write_full(self, c->stream))
            return WEFT_EFULL;
        weft_err err = wf_smtp_stuff(&job->stuffing, (const char *)bytes.at + job->at,
                                     bytes.size - job->at, &dot, &n);
        if (err == WEFT_OK && dot)
            err = weft_write(self, c->stream, WEFT_BYTES_LITERAL("."));
        if (err == WEFT_OK)
            err = weft_write(self, c->stream, weft_bytes_slice(bytes, job->at, n));
        if (err != WEFT_OK)
            return err;
        job->at += n;
    }
    return WEFT_OK;
}

/* There is no way to take a text back but to lose the connection. */
static void cut(weft_actor *self, wf_smtp_client *c, weft_err err, const char *why)
{
    wf_smtp_client_drop(self, c, WEFT_EABORTED);
    wf_smtp_job_failed(self, c, err, why);
    wf_smtp_client_go(self, c);
}

/* Of a text that may go beyond ASCII, where the server takes none that does. */
static bool goes_beyond_ascii(const wf_smtp_client *c)
{
    const wf_smtp_job *job = c->first;
    weft_bytes bytes = ((const weft_data *)weft_body(job->data))->bytes;
    if (!letter_of(job)->eight_bit || may_8bit(c))
        return false;
    for (size_t i = job->at; i < bytes.size; i++)
        if (bytes.at[i] >= 0x80)
            return true;
    return false;
}

void wf_smtp_client_text(weft_actor *self, wf_smtp_client *c)
{
    wf_smtp_job *job = c->first;
    if (c->phase != WF_SMTP_C_TEXT)
        return;
    if (job->data != NULL && goes_beyond_ascii(c)) {
        cut(self, c, WEFT_EUNSUPPORTED, "the server takes no text beyond ASCII");
        return;
    }
    if (job->data != NULL) {
        weft_err err = write_part(self, c);
        if (err == WEFT_EFULL || err == WEFT_EGONE)
            return; /* `drained`, or `closed`, follows */
        if (err != WEFT_OK) {
            cut(self, c, err == WEFT_EPROTO ? WEFT_EINVAL : err,
                "a line of a letter ends with CR and LF");
            return;
        }
        wf_smtp_client_phase_set(self, c, WF_SMTP_C_TEXT);
        weft_drop(&job->data);
    }
    if (job->failed != WEFT_OK) {
        cut(self, c, job->failed, "the letter was not written to its end");
        return;
    }
    const char *end = job->ended ? wf_smtp_stuffing_end(&job->stuffing) : "";
    if (end == NULL) {
        cut(self, c, WEFT_EINVAL, "a line of a letter ends with CR and LF");
        return;
    }
    if (job->ended) {
        wf_smtp_client_phase_set(self, c, WF_SMTP_C_FINAL);
        (void)weft_write_copy(self, c->stream, end, strlen(end));
    }
}

/* ---- answers */

/* The letter is over, and so is what the server knows of it. */
static void over(weft_actor *self, wf_smtp_client *c, bool reset, const weft_smtp_status *refusal)
{
    c->used = true;
    wf_smtp_client_phase_set(self, c, reset ? WF_SMTP_C_RESET : WF_SMTP_C_READY);
    if (reset)
        (void)weft_write_text(self, c->stream, "RSET\r\n");
    if (refusal != NULL)
        wf_smtp_job_refused(self, c, refusal);
    else
        wf_smtp_job_done(self, c);
    wf_smtp_client_go(self, c);
}

/* Nobody gets it. One recipient that may be tried again makes the letter one that may. */
static void over_for_nobody(weft_actor *self, wf_smtp_client *c, bool reset)
{
    wf_smtp_job *job = c->first;
    uint32_t later = 0;
    while (later < letter_of(job)->recipients_n && job->each[later].code / 100 != 4)
        later++;
    weft_smtp_status refusal = job->each[later < letter_of(job)->recipients_n ? later : 0];
    job->status = refusal;
    over(self, c, reset, c->config->report_refusals ? NULL : &refusal);
}

/* Over LMTP the answers are those of the recipients that were taken, in their order (RFC 2033, section 4.2). */
static void take_final(wf_smtp_job *job, const weft_smtp_status *status)
{
    uint32_t n = letter_of(job)->recipients_n;
    while (job->final_at < n && job->each[job->final_at].code / 100 != 2)
        job->final_at++;
    if (job->final_at < n)
        job->each[job->final_at++] = *status;
    job->delivered += status->code / 100 == 2 ? 1 : 0;
}

static void on_final(weft_actor *self, wf_smtp_client *c, const weft_smtp_status *status)
{
    wf_smtp_job *job = c->first;
    bool each = c->config->lmtp && job->accepted != 0;
    /* one that was delivered to somebody is no failure */
    if (job->finals++ == 0 || (job->status.code / 100 != 2 && status->code / 100 == 2))
        job->status = *status;
    if (each) {
        take_final(job, status);
        if (job->finals < job->accepted)
            return;
        job->accepted = job->delivered;
    }
    weft_smtp_status refusal = job->status;
    if (job->accepted == 0)
        over_for_nobody(self, c, false);
    else
        over(self, c, false, refusal.code / 100 == 2 ? NULL : &refusal);
}

static void on_data_answer(weft_actor *self, wf_smtp_client *c, const weft_smtp_status *status)
{
    wf_smtp_job *job = c->first;
    if (status->code != 354) {
        weft_smtp_status refusal = job->status.code / 100 != 2 ? job->status : *status;
        if (job->accepted == 0 && job->status.code / 100 == 2)
            over_for_nobody(self, c, true);
        else
            over(self, c, true, &refusal);
    } else if (job->accepted == 0) {
        /* RFC 2920, section 3.1: "the client MUST then transmit a single dot": nothing is said to nobody */
        wf_smtp_client_phase_set(self, c, WF_SMTP_C_FINAL);
        (void)weft_write_text(self, c->stream, ".\r\n");
    } else {
        wf_smtp_client_phase_set(self, c, WF_SMTP_C_TEXT);
        wf_smtp_client_text(self, c);
    }
}

static void on_envelope(weft_actor *self, wf_smtp_client *c, const weft_smtp_status *status)
{
    wf_smtp_job *job = c->first;
    uint32_t i = job->answered++, n = letter_of(job)->recipients_n;
    bool fine = status->code / 100 == 2;
    if (i == 0)
        job->status = *status; /* MAIL's, until there is another */
    else if (i <= n) {
        job->each[i - 1] = *status;
        job->accepted += fine ? 1 : 0;
    } else {
        on_data_answer(self, c, status);
        return;
    }
    /* nothing more is said behind a refused MAIL, nor DATA for nobody */
    bool nobody = i == 0 ? !fine : i == n && job->accepted == 0;
    if (nobody && job->sent == job->answered) {
        weft_smtp_status refusal = job->status;
        if (refusal.code / 100 != 2) /* MAIL's */
            over(self, c, true, &refusal);
        else
            over_for_nobody(self, c, true);
        return;
    }
    wf_smtp_client_phase_set(self, c, WF_SMTP_C_ENVELOPE);
    say_on(self, c);
}

void wf_smtp_client_answer(weft_actor *self, wf_smtp_client *c, const weft_smtp_status *status)
{
    if (c->phase == WF_SMTP_C_ENVELOPE)
        on_envelope(self, c, status);
    else if (c->phase == WF_SMTP_C_FINAL)
        on_final(self, c, status);
    else
        cut(self, c,
            weft_smtp_error_of(status) != WEFT_OK ? weft_smtp_error_of(status) : WEFT_EPROTO,
            status->text);
}

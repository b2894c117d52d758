/* SPDX-License-Identifier: MIT */
/* Messages: envelope, text, verdict. RFC 5321, section 3.3; chunks are RFC 3030, LMTP RFC 2033.
 *
 *   MAIL, RCPT ── the judge ──▶ envelope ── DATA, BDAT ──▶ begun: an actor is asked, and has a stream
 *   begun ── the end of the text ──▶ whole ── the actor's reply ──▶ answered to the client, forgotten
 *
 * A reply that comes early is kept until the message is whole, for a client listens no sooner. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <weft/edge.h>

#include "smtp_address.h"
#include "smtp_server.h"

const weft_type weft_smtp_sender_type =
    WEFT_TYPE("weft.smtp_sender", weft_smtp_sender, &weft_smtp_status_type);
const weft_type weft_smtp_recipient_type =
    WEFT_TYPE("weft.smtp_recipient", weft_smtp_recipient, &weft_smtp_status_type);
const weft_type weft_smtp_message_type =
    WEFT_TYPE_BYTES("weft.smtp_message", weft_smtp_message, recipients, &weft_smtp_status_type);
const weft_type weft_smtp_delivered_type =
    WEFT_TYPE("weft.smtp_delivered", weft_smtp_delivered, NULL);

const char *weft_smtp_message_to(const weft_smtp_message *message, uint32_t i)
{
    const char *at = (const char *)message->recipients.at;
    if (i >= message->recipients_n)
        return NULL;
    for (; i != 0; i--)
        at += strlen(at) + 1;
    return at;
}

/* ---- the end of one */

static void mail_free(wf_smtp_mail *m)
{
    weft_alloc_free(m->to);
    weft_alloc_free(m->each);
    weft_alloc_free(m);
}

void wf_smtp_mail_drop(weft_actor *self, wf_smtp_session *s, weft_err reason, const char *why)
{
    wf_smtp_mail *m = s->mail;
    if (m == NULL)
        return;
    if (m->begun && reason != WEFT_EDONE)
        wf_smtp_log_broken(self, s, why);
    s->mail = NULL;
    wf_smtp_body_end(&m->body, reason, why);
    mail_free(m);
}

/* ---- the envelope */

/* Answers that nothing from @from is taken, or nothing of it for @to. */
static void turn_away(weft_actor *self, wf_smtp_session *s, const char *from, const char *to,
                      const weft_smtp_status *status)
{
    wf_smtp_log_refused(self, s, from, to, status);
    wf_smtp_answer(self, s, status);
}

/* What the judge said: @status, which is @fine where nobody judges. false: it is nobody's any more. */
static bool judged(const wf_smtp_session *s, const weft_outcome *got, weft_smtp_status fine,
                   weft_smtp_status *status)
{
    if (s->phase != WF_SMTP_WAIT || s->mail == NULL)
        return false;
    *status = got->err == WEFT_EUNHANDLED ? fine : wf_smtp_verdict(got, fine);
    return true;
}

static weft_err on_sender_judged(weft_actor *self, weft_deferred *next, const weft_outcome *got)
{
    wf_smtp_session *s = got->context;
    weft_smtp_status status;
    (void)next;
    if (!judged(s, got, (weft_smtp_status){250, 1, 0, "sender OK"}, &status))
        return WEFT_OK;
    if (status.code >= 400) {
        turn_away(self, s, s->mail->message.from, NULL, &status);
        wf_smtp_mail_drop(self, s, WEFT_EDENIED, "refused");
    } else
        wf_smtp_answer(self, s, &status);
    wf_smtp_resume(self, s, WF_SMTP_COMMAND);
    return WEFT_OK;
}

void wf_smtp_mail_from(weft_actor *self, wf_smtp_session *s, const wf_smtp_command *command)
{
    if (s->mail != NULL) {
        wf_smtp_say(self, s, 503, 5, 1, "there is a sender already");
        return;
    }
    if (s->messages >= s->limits.messages_max) {
        wf_smtp_over(self, s, 421, "4.7.0", "enough for one session");
        return;
    }
    if (s->config->no_blanks && wf_smtp_has_blank(command->address)) {
        turn_away(self, s, command->address, NULL,
                  &(weft_smtp_status){553, 1, 7, "addresses with blanks are not taken here"});
        return;
    }
    if (command->size > s->limits.message_bytes_max) {
        turn_away(self, s, command->address, NULL,
                  &(weft_smtp_status){552, 3, 4, "the message is too big"});
        return;
    }
    s->mail = weft_alloc_zero(sizeof *s->mail);
    if (s->mail == NULL) {
        wf_smtp_say(self, s, 451, 3, 0, "something failed here; try again later");
        return;
    }
    weft_smtp_message *m = &s->mail->message;
    memcpy(m->from, command->address, sizeof m->from);
    m->eight_bit = command->eight_bit;
    m->utf8 = command->utf8;
    if (weft_ref_is_nobody(s->judge)) {
        wf_smtp_say(self, s, 250, 1, 0, "sender OK");
        return;
    }
    weft_smtp_sender asked = {.peer = s->peer, .size = command->size, .utf8 = command->utf8};
    memcpy(asked.from, command->address, sizeof asked.from);
    wf_smtp_phase_set(self, s, WF_SMTP_WAIT);
    wf_smtp_then(
        self, s,
        weft_ask_body(self, s->judge, &weft_smtp_sender_type, &asked, s->limits.answer_timeout_ms),
        on_sender_judged);
}

/* RFC 3030, section 2: "any subsequent BDAT" behind one that failed is 503, until the message is taken back */
static const char spoilt[] = "a chunk was refused: RSET comes first";

/* Enters a recipient. false: memory is out. */
static bool add_recipient(wf_smtp_mail *m, const char *address)
{
    uint32_t n = (uint32_t)strlen(address) + 1;
    if (m->to_room - m->to_bytes < n) {
        uint32_t room = m->to_room != 0 ? 2 * m->to_room : WEFT_SMTP_ADDRESS_BYTES;
        char *to = weft_alloc_again(m->to, room);
        if (to == NULL)
            return false;
        m->to = to;
        m->to_room = room;
    }
    memcpy(m->to + m->to_bytes, address, n);
    m->to_bytes += n;
    m->message.recipients_n++;
    return true;
}

/* Takes the last one out again. */
static void remove_recipient(wf_smtp_mail *m)
{
    m->to_bytes--;
    while (m->to_bytes != 0 && m->to[m->to_bytes - 1] != '\0')
        m->to_bytes--;
    m->message.recipients_n--;
}

static weft_err on_recipient_judged(weft_actor *self, weft_deferred *next, const weft_outcome *got)
{
    wf_smtp_session *s = got->context;
    weft_smtp_status status;
    (void)next;
    if (!judged(s, got, (weft_smtp_status){250, 1, 5, "recipient OK"}, &status))
        return WEFT_OK;
    if (status.code >= 400) {
        remove_recipient(s->mail); /* it still stands behind the others */
        turn_away(self, s, s->mail->message.from, s->mail->to + s->mail->to_bytes, &status);
    } else
        wf_smtp_answer(self, s, &status);
    wf_smtp_resume(self, s, WF_SMTP_COMMAND);
    return WEFT_OK;
}

void wf_smtp_mail_to(weft_actor *self, wf_smtp_session *s, const wf_smtp_command *command)
{
    wf_smtp_mail *m = s->mail;
    if (m == NULL || m->begun || m->spoilt) {
        wf_smtp_say(self, s, 503, 5, 1,
                    m == NULL  ? "MAIL comes first"
                    : m->begun ? "the message has begun"
                               : spoilt);
        return;
    }
    if (s->config->no_blanks && wf_smtp_has_blank(command->address)) {
        turn_away(self, s, m->message.from, command->address,
                  &(weft_smtp_status){553, 1, 3, "addresses with blanks are not taken here"});
        return;
    }
    if (command->utf8_address && !m->message.utf8) {
        wf_smtp_say(self, s, 553, 6, 7, "the address needs SMTPUTF8");
        return;
    }
    if (m->message.recipients_n >= s->limits.recipients_max) {
        wf_smtp_say(self, s, 452, 5, 3, "too many recipients: these first");
        return;
    }
    if (!add_recipient(m, command->address)) {
        wf_smtp_say(self, s, 451, 3, 0, "something failed here; try again later");
        return;
    }
    if (weft_ref_is_nobody(s->judge)) {
        wf_smtp_say(self, s, 250, 1, 5, "recipient OK");
        return;
    }
    weft_smtp_recipient asked = {.peer = s->peer};
    memcpy(asked.from, m->message.from, sizeof asked.from);
    memcpy(asked.to, command->address, sizeof asked.to);
    wf_smtp_phase_set(self, s, WF_SMTP_WAIT);
    wf_smtp_then(self, s,
                 weft_ask_body(self, s->judge, &weft_smtp_recipient_type, &asked,
                               s->limits.answer_timeout_ms),
                 on_recipient_judged);
}

/* ---- the verdict */

void wf_smtp_mail_delivered(wf_smtp_session *s, const weft_smtp_delivered *delivered)
{
    wf_smtp_mail *m = s->mail;
    uint32_t n = m->message.recipients_n;
    if (!s->config->lmtp || delivered->i >= n)
        return;
    if (m->each == NULL)
        m->each = weft_alloc_zero(n * sizeof *m->each);
    if (m->each != NULL)
        m->each[delivered->i] = delivered->status;
    else /* better twice than not at all */
        m->verdict = weft_smtp_status_of(WEFT_ENOMEM, ""), m->refused = m->answered = true;
}

static void say_verdict(weft_actor *self, wf_smtp_session *s, const weft_smtp_status *verdict)
{
    weft_smtp_status status = *verdict;
    if (status.code / 100 == 2 && strcmp(status.text, "OK") == 0)
        (void)snprintf(status.text, sizeof status.text, "OK id %s", s->mail->message.id);
    wf_smtp_answer(self, s, &status);
}

/* "the server returns a reply for each previously successful RCPT command [...] in the order that the RCPT
 * commands were issued" */
static void say_each(weft_actor *self, wf_smtp_session *s)
{
    const wf_smtp_mail *m = s->mail;
    static const weft_smtp_status fine = {250, 0, 0, "OK"};
    weft_smtp_status told = {.code = 0}; /* the first, or the first refusal */
    uint32_t taken = 0;
    for (uint32_t i = 0; i < m->message.recipients_n; i++) {
        const weft_smtp_status *of = m->each != NULL && !m->refused ? &m->each[i] : NULL;
        const weft_outcome got = {.why = "", .type = &weft_smtp_status_type, .body = of};
        weft_smtp_status status = of != NULL && (of->code != 0 || of->text[0] != '\0')
                                      ? wf_smtp_verdict(&got, fine)
                                      : m->verdict;
        say_verdict(self, s, &status);
        taken += status.code < 400 ? 1 : 0;
        if (i == 0 || (status.code >= 400 && told.code < 400))
            told = status;
    }
    wf_smtp_log_answered(self, s, &told, taken);
}

/* The client is answered, and the message forgotten. */
static void conclude(weft_actor *self, wf_smtp_session *s)
{
    wf_smtp_mail *m = s->mail;
    if (s->config->lmtp)
        say_each(self, s);
    else {
        wf_smtp_log_answered(self, s, &m->verdict, 0);
        say_verdict(self, s, &m->verdict);
    }
    wf_smtp_mail_drop(self, s, WEFT_EDONE, "the message was answered");
    wf_smtp_phase_set(self, s, WF_SMTP_COMMAND);
}

/* The context is the number of the message: it may be another one's turn by now. */
static weft_err on_verdict(weft_actor *self, weft_deferred *next, const weft_outcome *got)
{
    wf_smtp_session *s = weft_state(self);
    wf_smtp_mail *m = s->mail;
    (void)next;
    s->asked--;
    if (!weft_ref_is_nobody(got->from))
        (void)weft_stop_ref(self, got->from, WEFT_OK);
    if (s->closed && s->asked == 0)
        return weft_stop(self, WEFT_OK);
    if (m == NULL || (uintptr_t)got->context != s->messages || m->answered)
        return WEFT_OK;
    m->verdict = wf_smtp_verdict(got, (weft_smtp_status){250, 0, 0, "OK"});
    m->answered = true;
    if (got->err != WEFT_OK) /* it may never have been asked: no text without its message */
        wf_smtp_body_end(&m->body, got->err, "the message was not taken");
    if (!m->whole)
        return WEFT_OK;
    conclude(self, s);
    wf_smtp_resume(self, s, WF_SMTP_COMMAND);
    return WEFT_OK;
}

/* ---- the text */

/* Whatever the actor says, the client is answered @status; what is left of the text is thrown away. */
static void refuse(wf_smtp_mail *m, weft_err reason, weft_smtp_status status)
{
    m->verdict = status;
    m->answered = m->refused = true;
    wf_smtp_body_end(&m->body, reason, status.text);
}

/* The judge's and the auth actor's requests have the same limit, and fail by it. */
void wf_smtp_mail_late(weft_actor *self, wf_smtp_session *s)
{
    wf_smtp_mail *m = s->mail;
    if (m == NULL || !m->begun || m->answered)
        return;
    (void)weft_stop_ref(self, m->actor, WEFT_ETIMEDOUT);
    refuse(m, WEFT_ETIMEDOUT, weft_smtp_status_of(WEFT_ETIMEDOUT, ""));
    if (m->whole) {
        conclude(self, s);
        wf_smtp_resume(self, s, WF_SMTP_COMMAND);
    } else
        wf_smtp_resume(self, s, s->phase);
}

static void name_it(weft_actor *self, wf_smtp_mail *m)
{
    uint64_t number;
    weft_random(self, &number, sizeof number);
    (void)snprintf(m->message.id, sizeof m->message.id, "%016" PRIx64, number);
}

/* The first of the text: where it came from. */
static weft_err put_received(weft_actor *self, wf_smtp_session *s)
{
    char line[WF_SMTP_RECEIVED_BYTES];
    weft_bytes bytes;
    uint8_t *to;
    if (s->config->no_received)
        return WEFT_OK;
    size_t n = wf_smtp_received(s, weft_wall_ns(self), line);
    weft_err err = weft_bytes_new(n, &to, &bytes);
    if (err != WEFT_OK)
        return err;
    memcpy(to, line, n);
    err = wf_smtp_body_take(self, s->mail->body, bytes);
    weft_bytes_drop(&bytes);
    return err;
}

static weft_err ask_actor(weft_actor *self, wf_smtp_session *s)
{
    wf_smtp_mail *m = s->mail;
    weft_smtp_message asked = m->message;
    uint8_t *to;
    weft_err err = weft_bytes_new(m->to_bytes, &to, &asked.recipients);
    if (err != WEFT_OK)
        return err;
    memcpy(to, m->to, m->to_bytes);
    weft_deferred answer =
        weft_ask_body(self, m->actor, &weft_smtp_message_type, &asked, WEFT_NO_LIMIT);
    weft_bytes_drop(&asked.recipients);
    void *const number = (void *)(uintptr_t)s->messages; // NOLINT
    if (weft_ignore(self, weft_finally_with(self, answer, on_verdict, number)) != WEFT_OK)
        return WEFT_ENOMEM;
    s->asked++;
    return WEFT_OK;
}

/* An actor is there, asked, and has its stream. errors: ENOMEM. */
static weft_err begin(weft_actor *self, wf_smtp_session *s)
{
    wf_smtp_mail *m = s->mail;
    m->begun = true;
    m->size = 0;
    s->messages++;
    s->text = (wf_smtp_text){.line_bytes_max = s->limits.text_bytes_max};
    name_it(self, m);
    m->message.session = weft_self(self);
    m->message.peer = s->peer;
    m->actor = weft_spawn(self, s->config->message, s->config->message_config);
    if (weft_ref_is_nobody(m->actor))
        return WEFT_ENOMEM;
    m->body = wf_smtp_body_new(self, s, m->actor, &m->message.stream);
    weft_err err = m->body != NULL ? put_received(self, s) : WEFT_ENOMEM;
    if (err == WEFT_OK)
        err = ask_actor(self, s);
    if (err != WEFT_OK)
        (void)weft_stop_ref(self, m->actor, err);
    else if (m->body != NULL)
        wf_smtp_body_begin(m->body);
    return err;
}

void wf_smtp_mail_data(weft_actor *self, wf_smtp_session *s)
{
    wf_smtp_mail *m = s->mail;
    if (m == NULL || m->begun || m->spoilt) {
        wf_smtp_say(self, s, 503, 5, 1,
                    m == NULL  ? "MAIL comes first"
                    : m->begun ? "BDAT has begun"
                               : spoilt);
        return;
    }
    if (m->message.recipients_n == 0) {
        wf_smtp_say(self, s, 554, 5, 1, "there are no recipients");
        return;
    }
    if (begin(self, s) != WEFT_OK) {
        wf_smtp_mail_drop(self, s, WEFT_ENOMEM, "no memory");
        wf_smtp_say(self, s, 451, 3, 0, "something failed here; try again later");
        return;
    }
    s->text.dots = true;
    wf_smtp_phase_set(self, s, WF_SMTP_IN_TEXT);
    wf_smtp_say(self, s, 354, 0, 0, "go on, and end with a line of one dot");
}

weft_err wf_smtp_mail_take(weft_actor *self, wf_smtp_session *s, weft_bytes bytes)
{
    wf_smtp_mail *m = s->mail;
    if (m == NULL || m->body == NULL)
        return WEFT_OK;
    if (m->size + bytes.size > s->limits.message_bytes_max)
        refuse(m, WEFT_ETOOBIG, (weft_smtp_status){552, 3, 4, "the message is too big"});
    else if (s->text.too_long)
        refuse(m, WEFT_ETOOBIG, (weft_smtp_status){554, 6, 0, "a line is too long"});
    else {
        weft_err err = wf_smtp_body_take(self, m->body, bytes);
        if (err != WEFT_OK)
            return err;
    }
    m->size += bytes.size;
    return WEFT_OK;
}

void wf_smtp_mail_whole(weft_actor *self, wf_smtp_session *s)
{
    wf_smtp_mail *m = s->mail;
    m->whole = true;
    if (m->body != NULL)
        wf_smtp_body_whole(m->body);
    if (m->answered)
        conclude(self, s);
    else
        wf_smtp_phase_set(self, s, WF_SMTP_WAIT);
}

/* ---- chunks */

/* "the message content [...] MUST be discarded" where it has no place: read all the same. */
void wf_smtp_mail_chunk(weft_actor *self, wf_smtp_session *s, const wf_smtp_command *command)
{
    wf_smtp_mail *m = s->mail;
    if (m != NULL && m->message.recipients_n != 0 && !m->begun && !m->spoilt &&
        begin(self, s) != WEFT_OK)
        refuse(m, WEFT_ENOMEM, weft_smtp_status_of(WEFT_ENOMEM, ""));
    if (m == NULL || !m->begun)
        s->text = (wf_smtp_text){.line_bytes_max = s->limits.text_bytes_max};
    s->chunk_left = command->size;
    s->chunk_last = command->last;
    wf_smtp_phase_set(self, s, WF_SMTP_IN_CHUNK);
    if (s->chunk_left == 0)
        wf_smtp_mail_chunk_over(self, s);
}

/* The last line has its end, too. */
static weft_err end_line(weft_actor *self, wf_smtp_session *s)
{
    if (s->text.place == WF_SMTP_CR)
        return WEFT_EPROTO;
    if (s->text.place == WF_SMTP_LINE_START)
        return WEFT_OK;
    return wf_smtp_mail_take(self, s, WEFT_BYTES_LITERAL("\r\n"));
}

static void say_chunk(weft_actor *self, wf_smtp_session *s)
{
    const wf_smtp_mail *m = s->mail;
    if (m->refused) {
        weft_smtp_status refused = m->verdict;
        wf_smtp_log_answered(self, s, &refused, 0);
        wf_smtp_mail_drop(self, s, WEFT_EDONE, "refused");
        wf_smtp_answer(self, s, &refused);
    } else
        wf_smtp_say(self, s, 250, 0, 0, "the chunk has come");
    wf_smtp_phase_set(self, s, WF_SMTP_COMMAND);
}

void wf_smtp_mail_chunk_over(weft_actor *self, wf_smtp_session *s)
{
    wf_smtp_mail *m = s->mail;
    if (m == NULL || !m->begun) {
        wf_smtp_phase_set(self, s, WF_SMTP_COMMAND);
        if (m != NULL && !m->spoilt)
            wf_smtp_say(self, s, 554, 5, 1, "there are no recipients");
        else
            wf_smtp_say(self, s, 503, 5, 1, m == NULL ? "MAIL comes first" : spoilt);
        if (m != NULL) /* a chunk that comes later must not be taken for the whole */
            m->spoilt = true;
        return;
    }
    if (!s->chunk_last) {
        say_chunk(self, s);
        return;
    }
    weft_err err = end_line(self, s);
    if (err == WEFT_OK)
        wf_smtp_mail_whole(self, s);
    else {
        wf_smtp_mail_drop(self, s, err, "the message does not end as it should");
        wf_smtp_over(self, s, 521, "5.5.2", "a line ends with CR and LF, and nothing else does");
    }
}

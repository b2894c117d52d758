/* SPDX-License-Identifier: MIT */
/* The life of a session: reading what comes, waiting, limits of time, the end. */
#include <string.h>

#include <weft/edge.h>
#include <weft/tls.h>

#include "smtp_server.h"

/* Has the session look at the time. */
typedef struct smtp_tick {
    char nothing;
} smtp_tick;
static const weft_type smtp_tick_type = WEFT_TYPE("weft.smtp_tick", smtp_tick, NULL);

/* ---- time */

/* Whether what has come waits for the message's actor: the client cannot go on. */
static bool is_held(const wf_smtp_session *s)
{
    return s->kept != NULL || (s->mail != NULL && wf_smtp_body_is_behind(s->mail->body));
}

static uint32_t limit_ms(const wf_smtp_session *s)
{
    switch (s->phase) {
    case WF_SMTP_IN_TEXT:
    case WF_SMTP_IN_CHUNK:
        return is_held(s) && !s->full ? s->limits.answer_timeout_ms : s->limits.data_timeout_ms;
    case WF_SMTP_WAIT:
        return s->limits.answer_timeout_ms;
    default:
        return s->limits.command_timeout_ms;
    }
}

/* When to look: what it waits for may change without a phase of its own. */
static uint32_t look_ms(const wf_smtp_session *s, uint32_t left)
{
    return left < s->limits.answer_timeout_ms ? left : s->limits.answer_timeout_ms;
}

void wf_smtp_phase_set(weft_actor *self, wf_smtp_session *s, wf_smtp_phase phase)
{
    bool other = s->phase != phase;
    s->phase = phase;
    s->since_ms = weft_now_ms(self);
    if (other)
        (void)weft_timer_reset(self, s->timer, look_ms(s, limit_ms(s)));
}

static bool time_later(weft_actor *self, wf_smtp_session *s, uint32_t ms)
{
    s->timer = weft_after(self, ms, smtp_tick, .nothing = 0);
    return s->timer.slot != 0;
}

static weft_err on_tick(weft_actor *self, weft_msg *msg)
{
    wf_smtp_session *s = weft_state(self);
    uint32_t passed = weft_now_ms(self) - s->since_ms, limit = limit_ms(s);
    (void)msg;
    if (s->closed)
        return weft_stop(self, WEFT_OK);
    if (s->phase == WF_SMTP_OVER)
        return WEFT_OK;
    if (passed >= limit && s->full) { /* a client that takes no answers */
        (void)weft_abort(self, s->stream, WEFT_ETIMEDOUT);
        return WEFT_OK;
    }
    if (passed >= limit && (s->phase == WF_SMTP_WAIT || is_held(s)))
        wf_smtp_mail_late(self, s);
    else if (passed >= limit) {
        wf_smtp_mail_drop(self, s, WEFT_ETIMEDOUT, "the client sends nothing more");
        wf_smtp_over(self, s, 421, "4.4.2", "nothing came for too long");
        return WEFT_OK;
    }
    uint32_t left = passed < limit ? limit - passed : limit;
    return time_later(self, s, look_ms(s, left)) ? WEFT_OK : weft_stop(self, WEFT_ENOMEM);
}

/* ---- reading */

/* What a line that is none comes to. */
static void bad_line(weft_actor *self, wf_smtp_session *s, weft_err err)
{
    if (err == WEFT_ETOOBIG)
        wf_smtp_say(self, s, 500, 5, 6, "the line is too long");
    else if (err == WEFT_EPROTO) {
        wf_smtp_log(self, s, "a CR, LF or zero alone in a command: let go");
        wf_smtp_over(self, s, 521, "5.5.2", "a line ends with CR and LF, and nothing else does");
    } else
        (void)weft_abort(self, s->stream, err);
}

static void read_line(weft_actor *self, wf_smtp_session *s)
{
    const char *line;
    size_t n, used;
    weft_err err = wf_smtp_line_next(&s->lines, (const char *)s->in.at + s->at, s->in.size - s->at,
                                     &used, &line, &n);
    s->at += used;
    if (err == WEFT_EFULL)
        return;
    s->since_ms = weft_now_ms(self);
    if (err != WEFT_OK)
        bad_line(self, s, err);
    else if (s->phase == WF_SMTP_PROOF)
        wf_smtp_auth_line(self, s, line, n);
    else
        wf_smtp_command_serve(self, s, line, n);
    if (s->errors > s->limits.errors_max && s->phase != WF_SMTP_OVER) {
        wf_smtp_log(self, s, "too many errors: let go");
        wf_smtp_over(self, s, 421, "4.7.0", "too many errors");
    }
}

/* The text of @n bytes at s->at, with what belongs to the message as one piece: a slice of what came, or a copy
 * without the dots. errors: those of wf_smtp_text_next, EFULL, ENOMEM. */
static weft_err take_text(weft_actor *self, wf_smtp_session *s, size_t n, size_t *used)
{
    const char *in = (const char *)s->in.at + s->at, *run;
    size_t size, more, made;
    weft_bytes copy = WEFT_NO_BYTES;
    uint8_t *to = NULL;
    weft_err end = wf_smtp_text_next(&s->text, in, n, used, &run, &made);
    bool several = end == WEFT_OK && *used < n;
    if (several) {
        weft_err err = weft_bytes_new(n, &to, &copy);
        if (err != WEFT_OK)
            return err;
        memcpy(to, run, made);
    }
    while (end == WEFT_OK && *used < n) {
        end = wf_smtp_text_next(&s->text, in + *used, n - *used, &more, &run, &size);
        memcpy(to + made, run, size);
        made += size;
        *used += more;
    }
    if (end != WEFT_OK && end != WEFT_EDONE) {
        weft_bytes_drop(&copy);
        return end;
    }
    weft_bytes piece = copy;
    if (several)
        piece.size = made;
    else
        piece = weft_bytes_slice(s->in, (size_t)((const uint8_t *)run - s->in.at), made);
    weft_err err = made != 0 ? wf_smtp_mail_take(self, s, piece) : WEFT_OK;
    weft_bytes_drop(&copy);
    return err == WEFT_OK ? end : err;
}

static void read_text(weft_actor *self, wf_smtp_session *s)
{
    wf_smtp_text before = s->text;
    size_t n = s->in.size - s->at, used = 0;
    if (s->phase == WF_SMTP_IN_CHUNK && n > s->chunk_left)
        n = (size_t)s->chunk_left;
    weft_err err = n != 0 ? take_text(self, s, n, &used) : WEFT_OK;
    s->since_ms = weft_now_ms(self);
    if (err == WEFT_EFULL) {
        s->text = before; /* the same again when there is room */
        return;
    }
    s->at += used;
    if (err == WEFT_EPROTO) {
        wf_smtp_mail_drop(self, s, WEFT_EPROTO, "a CR or LF alone in the message");
        wf_smtp_over(self, s, 521, "5.5.2", "a line ends with CR and LF, and nothing else does");
    } else if (err == WEFT_EDONE) {
        wf_smtp_mail_whole(self, s);
    } else if (err != WEFT_OK) {
        (void)weft_abort(self, s->stream, err);
        s->phase = WF_SMTP_OVER;
    } else if (s->phase == WF_SMTP_IN_CHUNK && (s->chunk_left -= used) == 0) {
        wf_smtp_mail_chunk_over(self, s);
    }
}

/* Whether something is left that may be read now. */
static bool may_read(const wf_smtp_session *s)
{
    return s->phase != WF_SMTP_WAIT && s->phase != WF_SMTP_OVER && !s->full && s->at < s->in.size;
}

/* false: what is left has to wait. */
static bool read_on(weft_actor *self, wf_smtp_session *s)
{
    size_t before = s->in.size + 1;
    while (may_read(s) && s->at != before) {
        before = s->at;
        if (s->phase == WF_SMTP_IN_TEXT || s->phase == WF_SMTP_IN_CHUNK)
            read_text(self, s);
        else
            read_line(self, s);
    }
    return s->phase == WF_SMTP_OVER ||
           (s->phase != WF_SMTP_WAIT && s->at == s->in.size && !s->full);
}

/* An envelope alone is nothing that was accepted. */
static bool has_begun(const wf_smtp_session *s)
{
    return s->mail != NULL && s->mail->begun;
}

void wf_smtp_resume(weft_actor *self, wf_smtp_session *s, wf_smtp_phase phase)
{
    if (s->phase == WF_SMTP_OVER)
        return;
    if (phase != s->phase)
        wf_smtp_phase_set(self, s, phase);
    if (s->stopping && phase == WF_SMTP_COMMAND && !has_begun(s)) {
        wf_smtp_mail_drop(self, s, WEFT_ESTOPPING, "the server stops");
        wf_smtp_over(self, s, 421, "4.3.2", "the server stops");
        return;
    }
    if (s->kept == NULL || !read_on(self, s))
        return;
    s->in = WEFT_NO_BYTES;
    s->at = 0;
    weft_drop(&s->kept);
}

static weft_err on_data(weft_actor *self, weft_msg *msg)
{
    wf_smtp_session *s = weft_state(self);
    if (s->phase == WF_SMTP_OVER)
        return WEFT_OK;
    s->in = ((const weft_data *)weft_body(msg))->bytes;
    s->at = 0;
    s->since_ms = wf_smtp_line_begun(&s->lines) ? s->since_ms : weft_now_ms(self);
    if (read_on(self, s))
        s->in = WEFT_NO_BYTES;
    else
        s->kept = weft_keep(msg);
    return WEFT_OK;
}

static weft_err on_drained(weft_actor *self, weft_msg *msg)
{
    wf_smtp_session *s = weft_state(self);
    (void)msg;
    s->full = false;
    wf_smtp_resume(self, s, s->phase);
    return WEFT_OK;
}

void wf_smtp_then(weft_actor *self, wf_smtp_session *s, weft_deferred deferred, weft_step_fn *step)
{
    /* without memory nobody would go on */
    if (weft_ignore(self, weft_finally_with(self, deferred, step, s)) != WEFT_OK)
        (void)weft_stop(self, WEFT_ENOMEM);
}

/* ---- beginning and end */

static uint32_t or_default(uint32_t value, uint32_t none)
{
    return value != 0 ? value : none;
}

static void set_limits(weft_smtp_limits *l, const weft_smtp_limits *from)
{
    *l = (weft_smtp_limits){
        .message_bytes_max =
            from->message_bytes_max != 0 ? from->message_bytes_max : (uint64_t)32 << 20,
        .line_bytes_max = or_default(from->line_bytes_max, 2048),
        .text_bytes_max = or_default(from->text_bytes_max, 65536),
        .recipients_max = or_default(from->recipients_max, 1000),
        .messages_max = or_default(from->messages_max, 10000),
        .errors_max = or_default(from->errors_max, 20),
        .command_timeout_ms = or_default(from->command_timeout_ms, 300000),
        .data_timeout_ms = or_default(from->data_timeout_ms, 180000),
        .answer_timeout_ms = or_default(from->answer_timeout_ms, 300000),
    };
}

static weft_err on_opened(weft_actor *self, weft_msg *msg)
{
    wf_smtp_session *s = weft_state(self);
    const weft_opened *opened = weft_body(msg);
    weft_tls_info tls;
    s->config = weft_config(self);
    set_limits(&s->limits, &s->config->limits);
    s->lines.bytes_max = s->limits.line_bytes_max;
    s->stream = opened->stream;
    s->judge =
        s->config->judge_name != NULL ? weft_named(self, s->config->judge_name) : s->config->judge;
    s->auth =
        s->config->auth_name != NULL ? weft_named(self, s->config->auth_name) : s->config->auth;
    s->peer.address = opened->peer;
    s->peer.secure = weft_tls_about(self, s->stream, &tls) == WEFT_OK;
    s->since_ms = weft_now_ms(self);
    if (!time_later(self, s, s->limits.command_timeout_ms))
        return weft_stop_because(self, WEFT_ENOMEM, "no memory for a session");
    wf_smtp_greet(self, s);
    return WEFT_OK;
}

void wf_smtp_over(weft_actor *self, wf_smtp_session *s, uint16_t code, const char *enhanced,
                  const char *text)
{
    s->phase = WF_SMTP_OVER;
    (void)weft_write_text(self, s->stream, "%u %s %s\r\n", code, enhanced, text);
    (void)weft_close(self, s->stream);
    s->in = WEFT_NO_BYTES;
    s->at = 0;
    weft_drop(&s->kept);
}

static weft_err on_ended(weft_actor *self, weft_msg *msg)
{
    wf_smtp_session *s = weft_state(self);
    (void)msg;
    wf_smtp_mail_drop(self, s, WEFT_ELOST, "the client has gone");
    s->phase = WF_SMTP_OVER;
    (void)weft_close(self, s->stream);
    return WEFT_OK;
}

static weft_err on_closed(weft_actor *self, weft_msg *msg)
{
    wf_smtp_session *s = weft_state(self);
    (void)msg;
    wf_smtp_mail_drop(self, s, WEFT_ELOST, "the client has gone");
    s->phase = WF_SMTP_OVER;
    s->closed = true;
    weft_drop(&s->kept);
    /* who had a message is told, and may still say what became of it */
    weft_timer_cancel(self, &s->timer);
    if (s->asked != 0 && time_later(self, s, s->limits.answer_timeout_ms))
        return WEFT_OK;
    return weft_stop(self, WEFT_OK);
}

/* A message that is under way is finished first. */
static weft_err on_stopping(weft_actor *self, weft_msg *msg)
{
    wf_smtp_session *s = weft_state(self);
    (void)msg;
    s->stopping = true;
    if (s->closed)
        return weft_stop(self, WEFT_OK);
    bool waits = s->phase == WF_SMTP_COMMAND || s->phase == WF_SMTP_PROOF;
    if (waits && !has_begun(s)) {
        wf_smtp_mail_drop(self, s, WEFT_ESTOPPING, "the server stops");
        wf_smtp_over(self, s, 421, "4.3.2", "the server stops");
    }
    return WEFT_OK;
}

static weft_err on_delivered(weft_actor *self, weft_msg *msg)
{
    wf_smtp_session *s = weft_state(self);
    if (s->mail != NULL && weft_ref_same(weft_sender(msg), s->mail->actor))
        wf_smtp_mail_delivered(s, weft_body(msg));
    return WEFT_OK;
}

static void on_over(weft_actor *self, weft_err reason)
{
    wf_smtp_session *s = weft_state(self);
    (void)reason;
    wf_smtp_mail_drop(self, s, WEFT_ELOST, "the client has gone");
    wf_smtp_auth_forget(s);
    wf_smtp_lines_done(&s->lines);
    weft_drop(&s->kept);
}

static const weft_handler handlers[] = {
    {.type = &weft_opened_type, .fn = on_opened},
    {.type = &weft_data_type, .fn = on_data},
    {.type = &weft_drained_type, .fn = on_drained},
    {.type = &weft_ended_type, .fn = on_ended},
    {.type = &weft_closed_type, .fn = on_closed},
    {.type = &weft_stopping_type, .fn = on_stopping},
    {.type = &weft_smtp_delivered_type, .fn = on_delivered},
    {.type = &smtp_tick_type, .fn = on_tick},
    {0},
};

const weft_behaviour weft_smtp_server = {
    .name = "smtp", .handlers = handlers, .state_bytes = sizeof(wf_smtp_session), .ended = on_over};

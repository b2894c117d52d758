/* SPDX-License-Identifier: MIT */
/* From the standard input to the client, line ends made those of mail. With -t the header is gathered first: the
 * envelope is in it. */
#include "letter.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <weft/net.h>

typedef struct sending {
    weft_ref input, stream;
    weft_msg *held;   /* a part of the input there is no room for */
    size_t held_used; /* so much of it was of the header */
    bool reading;     /* the header is not whole */
    bool header_left; /* it is, and there was no room for it yet */
    bool after_cr, input_over, over;
} sending;

typedef struct letter_begin {
    char nothing;
} letter_begin;
static const weft_type letter_begin_type = WEFT_TYPE("letter.begin", letter_begin, NULL);

typedef struct letter_send {
    char nothing;
} letter_send;
static const weft_type letter_send_type = WEFT_TYPE("letter.send", letter_send, NULL);

static letter *letter_of(const weft_actor *self)
{
    return (letter *)(uintptr_t)weft_config(self);
}

static weft_err stop(weft_actor *self, weft_err err, const char *why)
{
    letter *l = letter_of(self);
    sending *s = weft_state(self);
    if (s->over)
        return WEFT_OK;
    s->over = true;
    l->err = err;
    if (err != WEFT_OK)
        (void)fprintf(stderr, "weftd sendmail: %s (%s)\n", why, weft_err_name(err));
    weft_drop(&s->held);
    weft_system_stop(self, WEFT_OK);
    return WEFT_OK;
}

/* ---- how it ends */

/* The answer of a server has its own code in front; a failure of ours has a name. */
static weft_err not_sent(weft_actor *self, const weft_outcome *got)
{
    letter *l = letter_of(self);
    bool said = strstr(got->why, "the server said: ") != NULL;
    (void)fprintf(stderr, "weftd sendmail: %s: %s%s%s%s\n",
                  l->server != NULL ? l->server : l->client.domain, got->why, said ? "" : " (",
                  said ? "" : weft_err_name(got->err), said ? "" : ")");
    (void)stop(self, WEFT_OK, "");
    l->err = got->err;
    return WEFT_OK;
}

static weft_err on_sent(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    letter *l = letter_of(self);
    const weft_smtp_report *report = got->body;
    (void)msg;
    if (got->err != WEFT_OK)
        return not_sent(self, got);
    for (uint32_t i = 0; i < report->recipients_n; i++) {
        weft_smtp_status status = weft_smtp_report_to(report, i);
        if (status.code / 100 == 2)
            continue;
        l->partly = true;
        l->later |= status.code / 100 == 4;
        (void)fprintf(stderr, "weftd sendmail: %s: %u %s\n", l->envelope.to[i], status.code,
                      status.text);
    }
    weft_err err = report->accepted == 0 ? weft_smtp_error_of(&report->status) : WEFT_OK;
    (void)stop(self, WEFT_OK, ""); /* all is said */
    l->err = err;
    return WEFT_OK;
}

/* ---- bytes */

/* A line may end as it does on this machine. errors: EFULL, ENOMEM, EGONE. */
static weft_err put(weft_actor *self, sending *s, const uint8_t *at, size_t size)
{
    weft_bytes out;
    uint8_t *to;
    size_t n = 0;
    bool after_cr = s->after_cr;
    if (size == 0)
        return WEFT_OK;
    weft_err err = weft_bytes_new(2 * size, &to, &out);
    if (err != WEFT_OK)
        return err;
    for (size_t i = 0; i < size; i++) {
        if (at[i] == '\n' && !after_cr)
            to[n++] = '\r';
        to[n++] = at[i];
        after_cr = at[i] == '\r';
    }
    out.size = n;
    err = weft_write(self, s->stream, out);
    weft_bytes_drop(&out);
    if (err == WEFT_OK)
        s->after_cr = after_cr;
    return err;
}

/* What there is, as far as there is room; `drained` brings it here again. */
static weft_err pour(weft_actor *self, sending *s)
{
    const envelope *e = &letter_of(self)->envelope;
    if (weft_ref_is_nobody(s->stream))
        return WEFT_OK;
    weft_err err = s->header_left ? put(self, s, (const uint8_t *)e->header, e->n) : WEFT_OK;
    if (err != WEFT_EFULL)
        s->header_left = false;
    if (err == WEFT_OK && s->held != NULL) {
        weft_bytes bytes = ((const weft_data *)weft_body(s->held))->bytes;
        err = put(self, s, bytes.at + s->held_used, bytes.size - s->held_used);
    }
    if (err == WEFT_EFULL)
        return WEFT_OK;
    weft_drop(&s->held);
    if (err == WEFT_ENOMEM)
        return stop(self, err, "no memory");
    if (s->input_over)
        (void)weft_end(self, s->stream);
    return WEFT_OK; /* a letter that is over was answered */
}

/* ---- the header */

weft_err letter_route(letter *l, weft_why *why)
{
    const envelope *e = &l->envelope;
    if (l->server != NULL)
        return WEFT_OK;
    l->client.domain = strrchr(e->to[0], '@') + 1;
    for (uint32_t i = 1; i < e->to_n; i++)
        if (strcasecmp(strrchr(e->to[i], '@') + 1, l->client.domain) != 0)
            return weft_because(why, WEFT_EINVAL, "recipients of several domains need a --server");
    return WEFT_OK;
}

/* It is whole, or all there is. What waits for an answer must not hold the input back: a message of its own does. */
static weft_err header_read(weft_actor *self, sending *s)
{
    letter *l = letter_of(self);
    weft_why why = {""};
    s->reading = false;
    s->header_left = true;
    weft_err err = envelope_read(&l->envelope, l->client.host, &why);
    if (err == WEFT_OK)
        err = letter_route(l, &why);
    if (err != WEFT_OK)
        return stop(self, err, why.text);
    err = weft_tell(self, weft_self(self), letter_send, .nothing = 0);
    return err != WEFT_OK ? stop(self, err, "no memory") : WEFT_OK;
}

static weft_err read_header(weft_actor *self, sending *s, weft_msg *msg)
{
    weft_bytes bytes = ((const weft_data *)weft_body(msg))->bytes;
    weft_why why = {""};
    bool whole;
    weft_err err = envelope_gather(&letter_of(self)->envelope, bytes.at, bytes.size, &s->held_used,
                                   &whole, &why);
    if (err != WEFT_OK)
        return stop(self, err, why.text);
    if (!whole)
        return WEFT_OK;
    s->held = weft_keep(msg);
    return header_read(self, s);
}

/* ---- handlers */

/* The tree is up first. */
static weft_err on_started(weft_actor *self, weft_msg *msg)
{
    (void)msg;
    return weft_tell(self, weft_self(self), letter_begin, .nothing = 0);
}

static weft_err on_send(weft_actor *self, weft_msg *msg)
{
    const letter *l = letter_of(self);
    const envelope *e = &l->envelope;
    sending *s = weft_state(self);
    if (s->over)
        return WEFT_OK;
    weft_ref client = weft_spawn(self, &weft_smtp_client, &l->client);
    weft_deferred sent = weft_smtp_send(self, client, l->from != NULL ? l->from : e->from,
                                        (const char *const *)e->to, e->to_n, true, &s->stream);
    weft_err err = weft_when(msg, weft_within(self, sent, WEFT_NO_LIMIT), on_sent);
    return err == WEFT_OK ? pour(self, s) : stop(self, err, "no memory");
}

static weft_err on_begin(weft_actor *self, weft_msg *msg)
{
    sending *s = weft_state(self);
    s->reading = letter_of(self)->read_recipients;
    s->input = weft_connect(self, "stdio:", weft_self(self));
    if (weft_ref_is_nobody(s->input))
        return stop(self, WEFT_ENOMEM, "no memory");
    return s->reading ? WEFT_OK : on_send(self, msg);
}

static weft_err on_data(weft_actor *self, weft_msg *msg)
{
    sending *s = weft_state(self);
    if (s->over)
        return WEFT_OK;
    if (s->reading)
        return read_header(self, s, msg);
    s->held = weft_keep(msg);
    s->held_used = 0;
    return pour(self, s);
}

static weft_err on_drained(weft_actor *self, weft_msg *msg)
{
    sending *s = weft_state(self);
    (void)msg;
    return s->over ? WEFT_OK : pour(self, s);
}

static weft_err on_ended(weft_actor *self, weft_msg *msg)
{
    sending *s = weft_state(self);
    if (!weft_ref_same(((const weft_ended *)weft_body(msg))->stream, s->input) || s->over)
        return WEFT_OK;
    s->input_over = true;
    return s->reading ? header_read(self, s) : pour(self, s);
}

static weft_err on_closed(weft_actor *self, weft_msg *msg)
{
    const sending *s = weft_state(self);
    const weft_closed *closed = weft_body(msg);
    if (weft_ref_same(closed->stream, s->input) && !s->input_over)
        return stop(self, closed->reason == WEFT_EDONE ? WEFT_EIO : closed->reason, closed->why);
    return WEFT_OK; /* that of the letter: its answer says more */
}

static void on_over(weft_actor *self, weft_err reason)
{
    sending *s = weft_state(self);
    (void)reason;
    weft_drop(&s->held);
    if (!s->over)
        (void)fprintf(stderr, "weftd sendmail: stopped before the message was sent\n");
}

static const weft_handler handlers[] = {
    {.type = &weft_started_type, .fn = on_started}, {.type = &letter_begin_type, .fn = on_begin},
    {.type = &letter_send_type, .fn = on_send},     {.type = &weft_data_type, .fn = on_data},
    {.type = &weft_drained_type, .fn = on_drained}, {.type = &weft_ended_type, .fn = on_ended},
    {.type = &weft_closed_type, .fn = on_closed},   {0},
};
const weft_behaviour letter_behaviour = {
    .name = "letter", .handlers = handlers, .state_bytes = sizeof(sending), .ended = on_over};

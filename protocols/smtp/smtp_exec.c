/* SPDX-License-Identifier: MIT */
/* A message into a program: its standard input, with the envelope in its environment; what it exits with is
 * the verdict (sysexits.h, as every mail server reads it). */
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include <weft/edge.h>
#include <weft/process.h>
#include <weft/smtp.h>

#include "smtp_address.h"

enum { ENVIRONMENT_BYTES_MAX = 128 << 10 }; /* one variable, as Linux takes it */

typedef struct exec {
    weft_msg *request;
    weft_ref message, process, input;
} exec;

/* "NAME=first\nsecond ...". errors: NULL: memory is out, or they are too many for a variable. */
static char *join(const weft_smtp_message *message)
{
    static const char name[] = "RECIPIENTS=";
    size_t n = sizeof name + message->recipients.size;
    char *text = n <= ENVIRONMENT_BYTES_MAX ? weft_alloc(n) : NULL;
    if (text == NULL)
        return NULL;
    memcpy(text, name, sizeof name - 1);
    char *to = text + sizeof name - 1;
    memcpy(to, message->recipients.at, message->recipients.size);
    to[message->recipients.size] = '\0';
    for (size_t i = 0; i + 1 < message->recipients.size; i++)
        if (to[i] == '\0')
            to[i] = '\n';
    return text;
}

/* Whoever listens may have let them through. */
static bool has_blanks(const weft_smtp_message *message)
{
    bool has = wf_smtp_has_blank(message->from);
    for (uint32_t i = 0; !has && i < message->recipients_n; i++)
        has = wf_smtp_has_blank(weft_smtp_message_to(message, i));
    return has;
}

static weft_err on_message(weft_actor *self, weft_msg *msg)
{
    exec *e = weft_state(self);
    const weft_smtp_message *message = weft_body(msg);
    const weft_smtp_exec_config *config = weft_config(self);
    char sender[WEFT_SMTP_ADDRESS_BYTES + sizeof "SENDER="], id[64];
    if (has_blanks(message))
        return weft_reply(msg, weft_smtp_status, .code = 553, .subject = 1, .detail = 3,
                          .text = "addresses with blanks are not taken here");
    char *recipients = join(message);
    if (recipients == NULL)
        return weft_fail(msg, WEFT_EFULL, "too many recipients for one program");
    (void)snprintf(sender, sizeof sender, "SENDER=%s", message->from);
    (void)snprintf(id, sizeof id, "MESSAGE_ID=%s", message->id);
    const char *const env[] = {sender, recipients, id, NULL};
    e->message = message->stream;
    e->process = weft_process_start(self, &(weft_process_options){.argv = config->argv, .env = env},
                                    weft_self(self));
    weft_alloc_free(recipients);
    if (weft_ref_is_nobody(e->process))
        return WEFT_ENOMEM;
    e->input = weft_process_stream(self, e->process, 0);
    e->request = weft_keep(msg);
    return WEFT_OK;
}

/* What the program does not read holds the client back. What it says is nobody's. */
static weft_err on_data(weft_actor *self, weft_msg *msg)
{
    const exec *e = weft_state(self);
    const weft_data *data = weft_body(msg);
    if (weft_ref_same(data->stream, e->message))
        (void)weft_write(self, e->input,
                         data->bytes); /* one that reads no more may still say why */
    return WEFT_OK;
}

static weft_err on_ended(weft_actor *self, weft_msg *msg)
{
    const exec *e = weft_state(self);
    if (weft_ref_same(((const weft_ended *)weft_body(msg))->stream, e->message))
        (void)weft_end(self, e->input);
    return WEFT_OK;
}

static weft_err on_closed(weft_actor *self, weft_msg *msg)
{
    const exec *e = weft_state(self);
    /* a message that is not whole: the program is stopped with this actor */
    if (weft_ref_same(((const weft_closed *)weft_body(msg))->stream, e->message))
        return weft_stop(self, WEFT_OK);
    return WEFT_OK;
}

static weft_smtp_status status_of(const weft_process_ended *ended)
{
    if (ended->err != WEFT_OK || ended->signal != 0)
        return (weft_smtp_status){451, 3, 0, "something failed here; try again later"};
    switch (ended->code) {
    case EX_OK:
        return (weft_smtp_status){.code = 0};
    case EX_NOUSER:
        return weft_smtp_status_of(WEFT_ENOTFOUND, "");
    case EX_NOPERM:
        return weft_smtp_status_of(WEFT_EDENIED, "");
    case EX_DATAERR:
        return weft_smtp_status_of(WEFT_EPROTO, "");
    case EX_TEMPFAIL:
    case EX_OSERR:
    case EX_IOERR:
    case EX_CANTCREAT:
        return (weft_smtp_status){451, 3, 0, "something failed here; try again later"};
    default:
        return (weft_smtp_status){554, 3, 0, "the message was not taken"};
    }
}

static weft_err on_process_ended(weft_actor *self, weft_msg *msg)
{
    const exec *e = weft_state(self);
    const weft_process_ended *ended = weft_body(msg);
    weft_smtp_status status = status_of(ended);
    if (status.code != 0)
        weft_log(self, WEFT_WARNING, "the program that takes messages: %s", ended->why);
    return weft_reply_body(e->request, &weft_smtp_status_type, &status);
}

static void on_over(weft_actor *self, weft_err reason)
{
    exec *e = weft_state(self);
    (void)reason;
    weft_drop(&e->request);
}

static const weft_handler handlers[] = {
    {.type = &weft_smtp_message_type, .fn = on_message},
    {.type = &weft_data_type, .fn = on_data},
    {.type = &weft_ended_type, .fn = on_ended},
    {.type = &weft_closed_type, .fn = on_closed},
    {.type = &weft_process_ended_type, .fn = on_process_ended},
    {0},
};

const weft_behaviour weft_smtp_exec = {
    .name = "smtp exec", .handlers = handlers, .state_bytes = sizeof(exec), .ended = on_over};

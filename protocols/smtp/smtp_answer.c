/* SPDX-License-Identifier: MIT */
/* Answers: what failures are to a client, and how answers are written. RFC 5321, section 4.2; RFC 2034. */
#include <stdio.h>
#include <string.h>

#include "smtp_server.h"

const weft_type weft_smtp_status_type = WEFT_TYPE("weft.smtp_status", weft_smtp_status, NULL);

/* Failures that have an answer of their own. */
static const struct {
    weft_err err;
    weft_smtp_status status;
} failures[] = {
    {WEFT_EDENIED, {550, 7, 1, "not permitted"}},
    {WEFT_ENOTFOUND, {550, 1, 1, "no such mailbox here"}},
    {WEFT_ETOOBIG, {552, 3, 4, "the message is too big"}},
    {WEFT_EFULL, {452, 3, 1, "there is no room now"}},
    {WEFT_ELIMIT, {452, 3, 1, "there is no room now"}},
    {WEFT_EPROTO, {554, 6, 0, "the message is not acceptable"}},
};

/* One line of printable characters, whatever it was. */
static void set_text(weft_smtp_status *status, const char *text)
{
    size_t n = 0;
    for (; text[n] != '\0' && n < sizeof status->text - 1; n++)
        status->text[n] = (char)(text[n] >= ' ' && text[n] <= '~' ? text[n] : '?');
    status->text[n] = '\0';
}

weft_smtp_status weft_smtp_status_of(weft_err err, const char *why)
{
    if (err == WEFT_OK)
        return (weft_smtp_status){250, 0, 0, "OK"};
    for (size_t i = 0; i < sizeof failures / sizeof *failures; i++) {
        if (failures[i].err != err)
            continue;
        weft_smtp_status status = failures[i].status;
        if (why[0] != '\0' && strcmp(why, weft_err_text(err)) != 0)
            set_text(&status, why);
        return status;
    }
    return (weft_smtp_status){451, 3, 0, "something failed here; try again later"};
}

weft_err weft_smtp_error_of(const weft_smtp_status *status)
{
    if (status->code < 400)
        return WEFT_OK;
    if (status->code < 500)
        return WEFT_EFULL;
    if (status->code == 552 || status->code == 523)
        return WEFT_ETOOBIG;
    return status->code == 550 && status->subject == 1 ? WEFT_ENOTFOUND : WEFT_EDENIED;
}

weft_smtp_status wf_smtp_verdict(const weft_outcome *got, weft_smtp_status fine)
{
    if (got->err != WEFT_OK)
        return weft_smtp_status_of(got->err, got->why);
    const weft_smtp_status *said = got->type == &weft_smtp_status_type ? got->body : NULL;
    if (said == NULL || said->code == 0)
        return fine;
    weft_smtp_status status = *said;
    /* a handler's 354 or 221 would be taken for another answer */
    if (status.code < 250 || status.code > 599 || (status.code >= 260 && status.code < 400))
        return weft_smtp_status_of(WEFT_EINTERNAL, "");
    set_text(&status, said->text[0] != '\0' ? said->text : fine.text);
    return status;
}

/* A client that reads no answers is not read from either. */
static void written(weft_actor *self, wf_smtp_session *s, weft_err err)
{
    s->full = weft_write_full(self, s->stream);
    if (err != WEFT_OK)
        (void)weft_abort(self, s->stream, err == WEFT_EFULL ? WEFT_ELIMIT : err);
}

void wf_smtp_answer(weft_actor *self, wf_smtp_session *s, const weft_smtp_status *status)
{
    bool plain = status->code / 100 == 3 || (status->code == 250 && status->subject == 0 &&
                                             status->detail == 0 && !s->extended);
    if (status->code >= 500)
        s->errors++;
    written(self, s,
            plain ? weft_write_text(self, s->stream, "%u %s\r\n", status->code, status->text)
                  : weft_write_text(self, s->stream, "%u %u.%u.%u %s\r\n", status->code,
                                    status->code / 100U, status->subject, status->detail,
                                    status->text));
}

void wf_smtp_say(weft_actor *self, wf_smtp_session *s, uint16_t code, uint8_t subject,
                 uint8_t detail, const char *text)
{
    weft_smtp_status status = {.code = code, .subject = subject, .detail = detail};
    (void)snprintf(status.text, sizeof status.text, "%s", text);
    wf_smtp_answer(self, s, &status);
}

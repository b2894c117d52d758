/* SPDX-License-Identifier: MIT */
/* What a session says in the log: a line for each message and what became of it, one for whoever is refused, one
 * for whoever logs in. What nobody wants to read costs a comparison. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "smtp_server.h"

enum { LINE_BYTES = 1001 }; /* as much as a line of the log takes */

static weft_level level_of(const wf_smtp_session *s)
{
    return s->config->quiet ? WEFT_INFO : WEFT_NOTICE;
}

void wf_smtp_log(weft_actor *self, const wf_smtp_session *s, const char *format, ...)
{
    char text[LINE_BYTES], address[WEFT_ADDRESS_TEXT_BYTES];
    const char *user = s->peer.user;
    va_list args;
    if (level_of(s) < weft_system_log_level(weft_system_of(self)))
        return;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    weft_log(self, level_of(s), "%s%s%s%s: %s", weft_address_print(&s->peer.address, address),
             user[0] != '\0' ? " (" : "", user, user[0] != '\0' ? ")" : "", text);
}

/* The message that is under way, and what became of it: @end. */
static void log_message(weft_actor *self, const wf_smtp_session *s, const char *end)
{
    const wf_smtp_mail *m = s->mail;
    char more[32] = "";
    if (m->message.recipients_n > 1)
        (void)snprintf(more, sizeof more, " and %" PRIu32 " more", m->message.recipients_n - 1);
    wf_smtp_log(self, s, "message %s from <%s> to <%s>%s, %" PRIu64 " bytes: %s", m->message.id,
                m->message.from, m->to, more, m->size, end);
}

/* As a client sees it, but for the id. */
static const char *print(const weft_smtp_status *status, char out[WEFT_SMTP_TEXT_BYTES + 32])
{
    (void)snprintf(out, WEFT_SMTP_TEXT_BYTES + 32, "%u %u.%u.%u %s", status->code,
                   status->code / 100U, status->subject, status->detail, status->text);
    return out;
}

void wf_smtp_log_answered(weft_actor *self, const wf_smtp_session *s,
                          const weft_smtp_status *status, uint32_t taken)
{
    char text[WEFT_SMTP_TEXT_BYTES + 32], end[sizeof text + 48];
    uint32_t n = s->mail->message.recipients_n;
    if (level_of(s) < weft_system_log_level(weft_system_of(self)))
        return;
    if (taken == 0 || taken == n)
        (void)snprintf(end, sizeof end, "%s", print(status, text));
    else
        (void)snprintf(end, sizeof end, "taken for %" PRIu32 " of %" PRIu32 ", else %s", taken, n,
                       print(status, text));
    log_message(self, s, end);
}

void wf_smtp_log_broken(weft_actor *self, const wf_smtp_session *s, const char *why)
{
    char end[96];
    (void)snprintf(end, sizeof end, "not whole: %s", why);
    log_message(self, s, end);
}

void wf_smtp_log_refused(weft_actor *self, const wf_smtp_session *s, const char *from,
                         const char *to, const weft_smtp_status *status)
{
    char text[WEFT_SMTP_TEXT_BYTES + 32];
    if (to != NULL)
        wf_smtp_log(self, s, "refused from <%s> to <%s>: %s", from, to, print(status, text));
    else
        wf_smtp_log(self, s, "refused from <%s>: %s", from, print(status, text));
}

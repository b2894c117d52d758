/* SPDX-License-Identifier: MIT */
/* What a server writes into a message: where it came from, and when. */
#include <stdio.h>
#include <time.h>

#include "smtp_server.h"

void wf_smtp_date(uint64_t wall_ns, char out[WF_SMTP_DATE_BYTES])
{
    static const char *const days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    time_t second = (time_t)(wall_ns / 1000000000U);
    struct tm t = {0};
    (void)gmtime_r(&second, &t);
    (void)snprintf(out, WF_SMTP_DATE_BYTES, "%s, %d %s %d %02d:%02d:%02d +0000",
                   days[t.tm_wday % 7], t.tm_mday, months[t.tm_mon % 12], t.tm_year + 1900,
                   t.tm_hour, t.tm_min, t.tm_sec);
}

/* RFC 3848; RFC 6531, section 4.3. */
static void protocol(const wf_smtp_session *s, char out[16])
{
    bool utf8 = s->mail->message.utf8;
    (void)snprintf(out, 16, "%s%s%s%s", utf8 ? "UTF8" : "",
                   s->config->lmtp ? "LMTP"
                   : utf8          ? "SMTP"
                   : s->extended   ? "ESMTP"
                                   : "SMTP",
                   s->peer.secure ? "S" : "", s->peer.user[0] != '\0' ? "A" : "");
}

/* "address-literal": where it came from, of whatever kind of transport. */
static void literal(const weft_address *from, char out[WEFT_ADDRESS_TEXT_BYTES + 8])
{
    char host[WEFT_ADDRESS_TEXT_BYTES];
    const char *text = weft_address_host(from, host);
    if (from->family == WEFT_FAMILY_V4 || from->family == WEFT_FAMILY_V6)
        (void)snprintf(out, WEFT_ADDRESS_TEXT_BYTES + 8, "[%s%s]",
                       from->family == WEFT_FAMILY_V6 ? "IPv6:" : "", text);
    else
        (void)snprintf(out, WEFT_ADDRESS_TEXT_BYTES + 8, "local");
}

size_t wf_smtp_received(const wf_smtp_session *s, uint64_t wall_ns,
                        char out[WF_SMTP_RECEIVED_BYTES])
{
    char date[WF_SMTP_DATE_BYTES], with[16], from[WEFT_ADDRESS_TEXT_BYTES + 8];
    const weft_smtp_message *m = &s->mail->message;
    wf_smtp_date(wall_ns, date);
    protocol(s, with);
    literal(&s->peer.address, from);
    /* for one recipient only: who else gets it is nobody's business */
    bool one = m->recipients_n == 1;
    int n =
        snprintf(out, WF_SMTP_RECEIVED_BYTES,
                 "Received: from %s (%s)\r\n\tby %s with %s id %s%s%s%s;\r\n\t%s\r\n", s->peer.helo,
                 from, s->config->host != NULL ? s->config->host : "localhost", with, m->id,
                 one ? "\r\n\tfor <" : "", one ? s->mail->to : "", one ? ">" : "", date);
    return n < WF_SMTP_RECEIVED_BYTES ? (size_t)n : WF_SMTP_RECEIVED_BYTES - 1;
}

/* SPDX-License-Identifier: MIT */
/* What is asked about the server: LUSERS, MOTD, TIME, ADMIN, INFO; and whether it is this one that is asked. */
#include "irc_server.h"

#include <string.h>
#include <time.h>

bool wf_irc_is_here(wf_irc_turn *t, uint32_t i)
{
    weft_irc_text target = wf_irc_parameter(t, i);
    const wf_irc_user *user = wf_irc_find(t->net, target);
    if (target.bytes == 0 || (user != NULL && (user->flags & IRC_IN) != 0) ||
        weft_irc_mask_matches(WEFT_IRC_ASCII, target, weft_irc_text_of(t->net->config.server)))
        return true;
    wf_irc_number(t, 402, "%.*s :No such server", (int)target.bytes, target.at);
    return false;
}

void wf_irc_lusers(wf_irc_turn *t)
{
    const wf_irc_net *net = t->net;
    wf_irc_number(t, 251, ":There are %u users and %u invisible on 1 servers",
                  net->in - net->invisible, net->invisible);
    wf_irc_number(t, 252, "%u :operator(s) online", net->opers);
    wf_irc_number(t, 253, "%u :unknown connection(s)", net->users - net->in);
    wf_irc_number(t, 254, "%u :channels formed", net->channels);
    wf_irc_number(t, 255, ":I have %u clients and 0 servers", net->in);
    wf_irc_number(t, 265, "%u %u :Current local users %u, max %u", net->in, net->users_most,
                  net->in, net->users_most);
}

void wf_irc_motd(wf_irc_turn *t)
{
    const char *at = t->net->config.motd;
    if (at == NULL) {
        wf_irc_number(t, 422, ":MOTD File is missing");
        return;
    }
    wf_irc_number(t, 375, ":- %s Message of the day -", t->net->config.server);
    while (*at != '\0') {
        size_t n = strcspn(at, "\n"), shown = n > 0 && at[n - 1] == '\r' ? n - 1 : n;
        wf_irc_number(t, 372, ":- %.*s", (int)shown, at);
        at += n + (at[n] == '\n');
    }
    wf_irc_number(t, 376, ":End of /MOTD command.");
}

void wf_irc_time(wf_irc_turn *t)
{
    char now[40];
    time_t s = (time_t)(weft_wall_ns(t->self) / 1000000000U);
    struct tm tm;
    if (!wf_irc_is_here(t, 0))
        return;
    (void)strftime(now, sizeof now, "%a %b %e %Y at %H:%M:%S UTC", gmtime_r(&s, &tm));
    wf_irc_number(t, 391, "%s :%s", t->net->config.server, now);
}

/* A config names nobody. */
void wf_irc_admin(wf_irc_turn *t)
{
    if (wf_irc_is_here(t, 0))
        wf_irc_number(t, 423, "%s :No administrative info available", t->net->config.server);
}

void wf_irc_info(wf_irc_turn *t)
{
    if (!wf_irc_is_here(t, 0))
        return;
    wf_irc_number(t, 371, ":weft, a network of actors");
    wf_irc_number(t, 374, ":End of INFO list");
}

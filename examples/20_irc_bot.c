/* SPDX-License-Identifier: MIT */
/* A bot: says back what is said to it, in the channel, and comes back when it was lost.
 * usage: 20_irc_bot [URL [NICK]] */
#include <stdio.h>
#include <string.h>

#include <weft/weft.h>

/* [bot] */
static weft_err on_heard(weft_actor *self, weft_msg *msg)
{
    const weft_irc_heard *heard = weft_body(msg);
    const weft_irc_client_config *config = weft_config(self);
    weft_irc_message m;
    if (weft_irc_parse(heard->line.at, heard->line.size, &m, NULL) != WEFT_OK)
        return WEFT_OK;

    if (weft_irc_same(WEFT_IRC_ASCII, m.command, weft_irc_text_of("PRIVMSG")) &&
        m.parameters == 2 && weft_irc_is_channel(m.parameter[0])) {
        weft_irc_text room = m.parameter[0], text = m.parameter[1];
        size_t n = strlen(config->nick);
        if (text.bytes > n + 2 && strncmp(text.at, config->nick, n) == 0 && text.at[n] == ':')
            return weft_irc_say(self, heard->client, "PRIVMSG %.*s :you said%.*s", (int)room.bytes,
                                room.at, (int)(text.bytes - n - 1), text.at + n + 1);
    }
    return WEFT_OK;
}

static weft_err on_started(weft_actor *self, weft_msg *msg)
{
    (void)msg;
    return weft_ref_is_nobody(weft_spawn(self, &weft_irc_client, weft_config(self))) ? WEFT_ENOMEM
                                                                                     : WEFT_OK;
}
/* [/bot] */

static weft_err on_state(weft_actor *self, weft_msg *msg)
{
    const weft_irc_state *state = weft_body(msg);
    weft_log(self, WEFT_NOTICE, "%s is %s %s", state->nick, state->in ? "in" : "out", state->why);
    return WEFT_OK;
}

static const weft_handler handlers[] = {
    {.type = &weft_started_type, .fn = on_started},
    {.type = &weft_irc_heard_type, .fn = on_heard},
    {.type = &weft_irc_state_type, .fn = on_state},
    {0},
};
static const weft_behaviour bot = {.name = "bot", .handlers = handlers};

int main(int argc, char **argv)
{
    static const char *const rooms[] = {"#weft", NULL};
    if (argc > 3 || (argc > 1 && argv[1][0] == '-')) {
        (void)fprintf(stderr, "usage: 20_irc_bot [URL [NICK]]\n");
        return 64; /* EX_USAGE */
    }
    const weft_irc_client_config config = {.url = argc > 1 ? argv[1] : "tcp://127.0.0.1:6667",
                                           .nick = argc > 2 ? argv[2] : "echo",
                                           .channels = rooms};
    weft_system *sys = weft_system_new(NULL);
    return sys == NULL || weft_ref_is_nobody(weft_system_spawn(sys, 0, &bot, &config))
               ? 71 /* EX_OSERR */
               : weft_run(&sys);
}

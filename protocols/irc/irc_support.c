/* SPDX-License-Identifier: MIT */
/* What an IRC client knows of its server: its letters, modes and prefixes, by ISUPPORT (005). */
#include "irc_client.h"

#include <string.h>

/* Who says nothing is taken for a server of RFC 1459, with what most have added since. */
#define CHANMODES "beI,k,l,imnpst"
#define PREFIX "(qaohv)~&@%+"

static weft_irc_text up_to(weft_irc_text text, char end)
{
    const char *at = text.bytes > 0 ? memchr(text.at, end, text.bytes) : NULL;
    return (weft_irc_text){text.at, at != NULL ? (uint32_t)(at - text.at) : text.bytes};
}

static weft_irc_text behind(weft_irc_text text, uint32_t bytes)
{
    uint32_t n = bytes < text.bytes ? bytes : text.bytes;
    return (weft_irc_text){text.at + n, text.bytes - n};
}

static bool is(weft_irc_text text, const char *word)
{
    return weft_irc_same(WEFT_IRC_ASCII, text, weft_irc_text_of(word));
}

/* One that is not known says as little as none. */
static weft_irc_casemapping casemapping(weft_irc_text value)
{
    if (is(value, "ascii"))
        return WEFT_IRC_ASCII;
    return is(value, "strict-rfc1459") ? WEFT_IRC_STRICT_RFC1459 : WEFT_IRC_RFC1459;
}

/* "A,B,C,D"; "clients SHOULD ignore" more kinds than these. */
static void channel_modes(wf_irc_support *s, weft_irc_text value)
{
    char *const kind[] = {s->list, s->always, s->setting, s->flag};
    for (size_t i = 0; i < sizeof kind / sizeof *kind; i++) {
        weft_irc_text letters = up_to(value, ',');
        wf_irc_take(kind[i], IRC_SUPPORT_LETTERS, letters);
        value = behind(value, letters.bytes + 1);
    }
}

/* "(modes)symbols", as many of both; none: there are no prefixes. What is neither changes nothing. */
static void prefixes(wf_irc_support *s, weft_irc_text value)
{
    weft_irc_text modes = behind(up_to(value, ')'), 1), symbols = behind(value, modes.bytes + 2);
    bool is_none = value.bytes == 0;
    if (!is_none && (value.at[0] != '(' || modes.bytes + 2 > value.bytes ||
                     modes.bytes != symbols.bytes || modes.bytes >= IRC_SUPPORT_PREFIXES))
        return;
    wf_irc_take(s->prefix, sizeof s->prefix, modes);
    wf_irc_take(s->symbol, sizeof s->symbol, symbols);
}

/* "NAME", "NAME=VALUE", or "-NAME", which takes back what was said of it. */
static void token(wf_irc_support *s, weft_irc_text text)
{
    bool back = text.bytes > 0 && text.at[0] == '-';
    weft_irc_text name = up_to(behind(text, back), '=');
    weft_irc_text value = behind(text, name.bytes + 1);
    if (is(name, "CASEMAPPING"))
        s->map = casemapping(back ? weft_irc_text_of("rfc1459") : value);
    else if (is(name, "CHANMODES"))
        channel_modes(s, back ? weft_irc_text_of(CHANMODES) : value);
    else if (is(name, "PREFIX"))
        prefixes(s, back ? weft_irc_text_of(PREFIX) : value);
}

void wf_irc_support_reset(wf_irc_support *s)
{
    s->map = WEFT_IRC_RFC1459;
    channel_modes(s, weft_irc_text_of(CHANMODES));
    prefixes(s, weft_irc_text_of(PREFIX));
}

void wf_irc_support_hear(wf_irc_support *s, const weft_irc_message *m)
{
    /* the first is the nick, the last a sentence */
    for (uint32_t i = 1; i + 1 < m->parameters; i++)
        token(s, m->parameter[i]);
}

weft_irc_mode_kinds wf_irc_support_kinds(const wf_irc_support *s, wf_irc_letters *room)
{
    size_t n = strlen(s->always);
    memcpy(room->at, s->always, n);
    memcpy(room->at + n, s->prefix, strlen(s->prefix) + 1);
    return (weft_irc_mode_kinds){
        .list = s->list, .always = room->at, .setting = s->setting, .flag = s->flag};
}

char wf_irc_support_mode_of(const wf_irc_support *s, char symbol)
{
    const char *at = symbol != '\0' ? strchr(s->symbol, symbol) : NULL;
    return at != NULL ? s->prefix[at - s->symbol] : '\0';
}

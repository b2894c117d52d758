/* SPDX-License-Identifier: MIT */
/* Names, masks and mode strings of IRC. */
#include <weft/irc.h>

#include <string.h>

weft_irc_text weft_irc_text_of(const char *text)
{
    return (weft_irc_text){text, (uint32_t)strlen(text)};
}

char weft_irc_fold(weft_irc_casemapping map, char c)
{
    /* RFC 1459 section 2.2: []\ are the capitals of {}|, which stand 32 behind them; RFC 2812 adds ^ and ~ */
    char last = map == WEFT_IRC_RFC1459 ? '^' : map == WEFT_IRC_STRICT_RFC1459 ? ']' : 'Z';
    return c >= 'A' && c <= last ? (char)(c + 32) : c;
}

bool weft_irc_same(weft_irc_casemapping map, weft_irc_text a, weft_irc_text b)
{
    if (a.bytes != b.bytes)
        return false;
    for (uint32_t i = 0; i < a.bytes; i++)
        if (weft_irc_fold(map, a.at[i]) != weft_irc_fold(map, b.at[i]))
            return false;
    return true;
}

/* Only the last "*" ever has to be tried again. */
bool weft_irc_mask_matches(weft_irc_casemapping map, weft_irc_text mask, weft_irc_text text)
{
    uint32_t m = 0, t = 0, star = UINT32_MAX, from = 0;
    while (t < text.bytes) {
        if (m < mask.bytes && mask.at[m] == '*') {
            star = m++;
            from = t;
        } else if (m < mask.bytes && (mask.at[m] == '?' || weft_irc_fold(map, mask.at[m]) ==
                                                               weft_irc_fold(map, text.at[t]))) {
            m++;
            t++;
        } else if (star != UINT32_MAX) {
            m = star + 1;
            t = ++from;
        } else {
            return false;
        }
    }
    while (m < mask.bytes && mask.at[m] == '*')
        m++;
    return m == mask.bytes;
}

bool weft_irc_is_nick(weft_irc_text text)
{
    for (uint32_t i = 0; i < text.bytes; i++) {
        char c = text.at[i];
        bool later = (c >= '0' && c <= '9') || c == '-';
        /* 'A' to '}' are the letters and all of []\^_`{|} */
        if (!(c >= 'A' && c <= '}') && !(later && i > 0))
            return false;
    }
    return text.bytes > 0;
}

bool weft_irc_is_channel(weft_irc_text text)
{
    if (text.bytes < 2 || text.at[0] != '#')
        return false;
    for (uint32_t i = 1; i < text.bytes; i++) {
        unsigned char c = (unsigned char)text.at[i];
        if (c <= ' ' || c == ',' || c == ':' || c == 0x7f)
            return false;
    }
    return true;
}

/* ---- mode strings */

static bool is_in(const char *letters, char c)
{
    return letters != NULL && strchr(letters, c) != NULL;
}

static bool wants(const weft_irc_mode_kinds *kinds, char c, bool on)
{
    return is_in(kinds->list, c) || is_in(kinds->always, c) || (on && is_in(kinds->setting, c));
}

bool weft_irc_mode_next(weft_irc_mode_reader *reader, const weft_irc_mode_kinds *kinds,
                        weft_irc_mode *out)
{
    const weft_irc_message *m = reader->message;
    while (reader->at < m->parameters && reader->letter < m->parameter[reader->at].bytes) {
        char c = m->parameter[reader->at].at[reader->letter++];
        if (c == '+' || c == '-') {
            reader->off = c == '-';
            continue;
        }
        *out = (weft_irc_mode){.letter = c, .on = !reader->off};
        out->wants = wants(kinds, c, out->on);
        out->known = out->wants || is_in(kinds->setting, c) || is_in(kinds->flag, c);
        uint32_t next = reader->at + 1 + reader->taken;
        if (out->wants && next < m->parameters) {
            out->parameter = m->parameter[next];
            reader->taken++;
        }
        return true;
    }
    return false;
}

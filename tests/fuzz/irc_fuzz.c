/* SPDX-License-Identifier: MIT */
/* IRC lines: what was taken apart lies within the line, says the same when it is written again, and tags,
 * masks and modes take anything. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <weft/irc.h>

static void must(bool holds)
{
    if (!holds)
        abort();
}

static bool same(weft_irc_text a, weft_irc_text b)
{
    return a.bytes == b.bytes && (a.bytes == 0 || memcmp(a.at, b.at, a.bytes) == 0);
}

static size_t put(char *to, size_t n, const char *before, weft_irc_text text)
{
    size_t b = strlen(before);
    memcpy(to + n, before, b);
    if (text.bytes > 0)
        memcpy(to + n + b, text.at, text.bytes);
    return n + b + text.bytes;
}

static void again(const weft_irc_message *m)
{
    char line[16384];
    weft_irc_message other;
    size_t n = 0;
    if (m->prefix.bytes > 0)
        n = put(line, put(line, n, ":", m->prefix), " ", (weft_irc_text){NULL, 0});
    n = put(line, n, "", m->command);
    for (uint32_t i = 0; i < m->parameters; i++)
        n = put(line, n, i + 1 < m->parameters ? " " : " :", m->parameter[i]);
    if (n > WEFT_IRC_LINE_BYTES_MAX)
        return; /* a ":" more than there was */
    must(weft_irc_parse(line, n, &other, NULL) == WEFT_OK);
    must(same(m->prefix, other.prefix) && same(m->command, other.command));
    must(m->parameters == other.parameters);
    for (uint32_t i = 0; i < m->parameters; i++)
        must(same(m->parameter[i], other.parameter[i]));
}

static void tags(const weft_irc_message *m)
{
    char value[256], escaped[600], line[700];
    weft_irc_message other;
    if (!weft_irc_tag(m, "k", value, sizeof value))
        return;
    size_t n = weft_irc_tag_escape(value, strlen(value), escaped, sizeof escaped);
    must(n < sizeof escaped);
    n = (size_t)snprintf(line, sizeof line, "@k=%s X", escaped);
    must(weft_irc_parse(line, n, &other, NULL) == WEFT_OK);
    char back[256];
    must(weft_irc_tag(&other, "k", back, sizeof back) && strcmp(back, value) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const weft_irc_mode_kinds kinds = {"b", "kov", "l", "imnst"};
    weft_irc_message m;
    weft_why why;
    if (weft_irc_parse(data, size, &m, &why) != WEFT_OK || m.command.bytes == 0)
        return 0;
    again(&m);
    tags(&m);
    weft_irc_mode mode;
    weft_irc_mode_reader reader = {.message = &m, .at = 1};
    for (size_t n = 0; weft_irc_mode_next(&reader, &kinds, &mode); n++)
        must(n < size);
    if (m.parameters > 1) {
        weft_irc_text star = weft_irc_text_of("*");
        must(weft_irc_mask_matches(WEFT_IRC_ASCII, star, m.parameter[0]));
        (void)weft_irc_mask_matches(WEFT_IRC_RFC1459, m.parameter[0], m.parameter[1]);
    }
    (void)weft_irc_is_nick(m.command);
    return 0;
}

/* SPDX-License-Identifier: MIT */
/* IRC without a server: messages, tags, names, masks, mode strings. */
#include "check.h"

#include <weft/irc.h>

static weft_irc_message m;

static void parsed(const char *line)
{
    weft_why why = {""};
    CHECK_OK(weft_irc_parse(line, strlen(line), &m, &why));
}

static void refused(const char *line, size_t n, weft_err err)
{
    weft_why why = {""};
    CHECK_ERR(weft_irc_parse(line, n, &m, &why), err);
    CHECK(why.text[0] != '\0');
}

static void check_text(weft_irc_text got, const char *want)
{
    CHECK_MEM(got.at, got.bytes, want, strlen(want));
}

static void a_message_is_taken_apart(void)
{
    parsed("@time=1;+a=b :nick!user@host PRIVMSG  #chan :hello :there ");
    check_text(m.tags, "time=1;+a=b");
    check_text(m.prefix, "nick!user@host");
    check_text(m.command, "PRIVMSG");
    CHECK_U64(m.parameters, 2);
    check_text(m.parameter[0], "#chan");
    check_text(m.parameter[1], "hello :there ");
}

static void a_last_parameter_may_be_empty(void)
{
    parsed("TOPIC #c :");
    CHECK_U64(m.parameters, 2);
    CHECK_U64(m.parameter[1].bytes, 0);
}

static void blanks_behind_a_message_are_nothing(void)
{
    parsed("PING a   ");
    CHECK_U64(m.parameters, 1);
    parsed("  PING a");
    check_text(m.command, "PING");
}

static void a_fifteenth_parameter_takes_the_rest(void)
{
    parsed("X 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 :17");
    CHECK_U64(m.parameters, 15);
    check_text(m.parameter[14], "15 16 :17");
}

static void an_empty_line_is_no_message_and_no_error(void)
{
    parsed("");
    CHECK_U64(m.command.bytes, 0);
    parsed("   ");
    CHECK_U64(m.command.bytes, 0);
}

static void what_is_no_message_is_refused(void)
{
    refused("PRIVMSG a\0b", 11, WEFT_EPROTO);
    refused("A\rB", 3, WEFT_EPROTO);
    refused("A\nB", 3, WEFT_EPROTO);
    refused("12 a", 4, WEFT_EPROTO);
    refused("12a b", 5, WEFT_EPROTO);
    refused(":prefix", 7, WEFT_EPROTO);
    refused("@tag", 4, WEFT_EPROTO);
}

static void a_line_may_have_510_bytes_and_no_more(void)
{
    char line[WEFT_IRC_LINE_BYTES_MAX + 2];
    memset(line, 'a', sizeof line);
    CHECK_OK(weft_irc_parse(line, WEFT_IRC_LINE_BYTES_MAX, &m, NULL));
    refused(line, WEFT_IRC_LINE_BYTES_MAX + 1, WEFT_ETOOBIG);
}

static void tags_may_have_8189_bytes_and_no_more(void)
{
    static char line[WEFT_IRC_TAGS_READ_MAX + 16];
    memset(line, 'a', sizeof line);
    line[0] = '@';
    /* NOLINTNEXTLINE(bugprone-not-null-terminated-result): bytes, whose length is kept */
    memcpy(line + 1 + WEFT_IRC_TAGS_READ_MAX, " PING", 5);
    CHECK_OK(weft_irc_parse(line, WEFT_IRC_TAGS_READ_MAX + 6, &m, NULL));
    CHECK_U64(m.tags.bytes, WEFT_IRC_TAGS_READ_MAX);
    /* NOLINTNEXTLINE(bugprone-not-null-terminated-result): bytes, whose length is kept */
    memcpy(line + 1 + WEFT_IRC_TAGS_READ_MAX, "a PING", 6);
    refused(line, WEFT_IRC_TAGS_READ_MAX + 7, WEFT_ETOOBIG);
}

/* The pairs of the message-tags specification. */
static void tag_values_are_escaped_and_back(void)
{
    char value[32], escaped[32];
    parsed("@a=\\:\\s\\\\\\r\\nx\\b;b;c=;c=last;d=\\ PING");
    CHECK(weft_irc_tag(&m, "a", value, sizeof value));
    CHECK_STR(value, "; \\\r\nxb");
    CHECK(weft_irc_tag(&m, "b", value, sizeof value));
    CHECK_STR(value, "");
    CHECK(weft_irc_tag(&m, "c", value, sizeof value));
    CHECK_STR(value, "last");
    CHECK(weft_irc_tag(&m, "d", value, sizeof value));
    CHECK_STR(value, "");
    CHECK(!weft_irc_tag(&m, "las", value, sizeof value));
    CHECK_U64(weft_irc_tag_escape("; \\\r\nx", 6, escaped, sizeof escaped), 11);
    CHECK_STR(escaped, "\\:\\s\\\\\\r\\nx");
    CHECK_U64(weft_irc_tag_escape("ab", 2, escaped, 2), 2);
    CHECK_STR(escaped, "a");
}

static bool same(weft_irc_casemapping map, const char *a, const char *b)
{
    return weft_irc_same(map, weft_irc_text_of(a), weft_irc_text_of(b));
}

static void names_are_the_same_by_their_casemapping(void)
{
    CHECK(same(WEFT_IRC_ASCII, "NiCk", "nIcK"));
    CHECK(!same(WEFT_IRC_ASCII, "a[]\\^", "a{}|~"));
    CHECK(same(WEFT_IRC_RFC1459, "a[]\\^", "a{}|~"));
    CHECK(!same(WEFT_IRC_RFC1459, "_", "?"));
    CHECK(same(WEFT_IRC_STRICT_RFC1459, "Aa[]\\", "aA{}|"));
    CHECK(!same(WEFT_IRC_STRICT_RFC1459, "^", "~"));
    CHECK(!same(WEFT_IRC_ASCII, "a", "ab"));
}

static bool matches(const char *mask, const char *text)
{
    return weft_irc_mask_matches(WEFT_IRC_ASCII, weft_irc_text_of(mask), weft_irc_text_of(text));
}

static void masks_stand_for_what_they_match(void)
{
    CHECK(matches("*!*@host.*", "nick!user@HOST.example"));
    CHECK(matches("a?c*", "abc"));
    CHECK(matches("*a*b*c", "xxaxxbxxcxc"));
    CHECK(matches("**", ""));
    CHECK(!matches("?", ""));
    CHECK(!matches("abc", "abcd"));
    CHECK(!matches("a*d", "abc"));
    CHECK(!matches("", "a"));
}

static void nicks_and_channels_have_their_letters(void)
{
    CHECK(weft_irc_is_nick(weft_irc_text_of("[a]\\`_^{|}9-")));
    CHECK(!weft_irc_is_nick(weft_irc_text_of("9a")));
    CHECK(!weft_irc_is_nick(weft_irc_text_of("-a")));
    CHECK(!weft_irc_is_nick(weft_irc_text_of("a~")));
    CHECK(!weft_irc_is_nick(weft_irc_text_of("")));
    CHECK(weft_irc_is_channel(weft_irc_text_of("#a-\xc3\xa9")));
    CHECK(!weft_irc_is_channel(weft_irc_text_of("#")));
    CHECK(!weft_irc_is_channel(weft_irc_text_of("a#")));
    CHECK(!weft_irc_is_channel(weft_irc_text_of("#a:b")));
}

static void mode_strings_are_read_letter_by_letter(void)
{
    static const weft_irc_mode_kinds kinds = {"b", "kov", "l", "imnst"};
    weft_irc_mode mode;
    char text[256] = "";
    parsed("MODE #c +ol-l+b-kx joe 5 mask key");
    weft_irc_mode_reader reader = {.message = &m, .at = 1};
    while (weft_irc_mode_next(&reader, &kinds, &mode)) {
        size_t n = strlen(text);
        (void)snprintf(text + n, sizeof text - n, "%c%c%s%.*s ", mode.on ? '+' : '-', mode.letter,
                       mode.known ? "=" : "!", (int)mode.parameter.bytes, mode.parameter.at);
    }
    CHECK_STR(text, "+o=joe +l=5 -l= +b=mask -k=key -x! ");
}

static void a_mode_whose_parameter_is_missing_says_so(void)
{
    static const weft_irc_mode_kinds kinds = {"b", "kov", "l", "imnst"};
    weft_irc_mode mode;
    parsed("MODE #c +o");
    weft_irc_mode_reader reader = {.message = &m, .at = 1};
    CHECK(weft_irc_mode_next(&reader, &kinds, &mode));
    CHECK(mode.wants && mode.parameter.at == NULL);
    CHECK(!weft_irc_mode_next(&reader, &kinds, &mode));
}

static const test_case cases[] = {
    TEST(a_message_is_taken_apart),
    TEST(a_last_parameter_may_be_empty),
    TEST(blanks_behind_a_message_are_nothing),
    TEST(a_fifteenth_parameter_takes_the_rest),
    TEST(an_empty_line_is_no_message_and_no_error),
    TEST(what_is_no_message_is_refused),
    TEST(a_line_may_have_510_bytes_and_no_more),
    TEST(tags_may_have_8189_bytes_and_no_more),
    TEST(tag_values_are_escaped_and_back),
    TEST(names_are_the_same_by_their_casemapping),
    TEST(masks_stand_for_what_they_match),
    TEST(nicks_and_channels_have_their_letters),
    TEST(mode_strings_are_read_letter_by_letter),
    TEST(a_mode_whose_parameter_is_missing_says_so),
    {0},
};

const test_suite irc_codec_suite = {.name = "protocols/irc_codec", .cases = cases};

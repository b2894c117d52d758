/* SPDX-License-Identifier: MIT */
/* SMTP as bytes: lines, texts, commands, addresses. */
#include "check.h"
#include "random.h"
#include "runtime/alloc.h"
#include "smtp_address.h"
#include "smtp_commands.h"
#include "smtp_lines.h"

/* ---- lines */

/* What a text comes to, read in pieces of @step bytes: "[line]" for each, the code of an error. */
static const char *lines_of(const char *text, size_t n, size_t step, uint32_t bytes_max)
{
    static char out[512];
    wf_smtp_lines l = {.bytes_max = bytes_max};
    size_t made = 0;
    out[0] = '\0';
    for (size_t at = 0; at < n;) {
        size_t size = n - at < step ? n - at : step, used, line_n;
        const char *line;
        weft_err err = wf_smtp_line_next(&l, text + at, size, &used, &line, &line_n);
        at += used;
        if (err == WEFT_OK)
            made += (size_t)snprintf(out + made, sizeof out - made, "[%.*s]", (int)line_n, line);
        else if (err != WEFT_EFULL)
            made += (size_t)snprintf(out + made, sizeof out - made, "%s", weft_err_name(err));
        if (err == WEFT_EPROTO)
            break;
    }
    if (wf_smtp_line_begun(&l))
        (void)snprintf(out + made, sizeof out - made, "...");
    wf_smtp_lines_done(&l);
    return out;
}

static void lines_are_the_same_however_they_are_cut(void)
{
    static const struct {
        const char *text, *want;
    } rows[] = {
        {"NOOP\r\n", "[NOOP]"},
        {"\r\n", "[]"},
        {"a\r\nb\r\nc", "[a][b]..."},
        {"12345678\r\n", "[12345678]"},
        {"123456789\r\nok\r\n", "ETOOBIG[ok]"},
        {"123456789012345678901234567890\r\nok\r\n", "ETOOBIG[ok]"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (size_t step = 1; step < 12; step++)
            CHECK_STR(lines_of(rows[i].text, strlen(rows[i].text), step, 10), rows[i].want);
}

static void a_line_ends_with_both_or_is_none(void)
{
    static const char *const rows[] = {"a\n", "a\rb\r\n", "\n", "a\r\r\n", "a\r\nb\n"};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (size_t step = 1; step < 6; step++)
            CHECK(strstr(lines_of(rows[i], strlen(rows[i]), step, 100), "EPROTO") != NULL);
    CHECK_STR(lines_of("a\0b\r\n", 5, 9, 100), "EPROTO");
}

static void a_line_that_memory_has_no_room_for_is_told(void)
{
    wf_smtp_lines l = {.bytes_max = 100};
    size_t used, n;
    const char *line;
    wf_alloc_fail_after(0);
    CHECK_ERR(wf_smtp_line_next(&l, "ab", 2, &used, &line, &n), WEFT_ENOMEM);
    wf_alloc_fail_after(-1);
    wf_smtp_lines_done(&l);
}

/* ---- texts */

typedef struct text_outcome {
    weft_err err;
    size_t used, n;
    bool too_long;
    char text[256];
} text_outcome;

static text_outcome text_of(const char *in, size_t n, size_t step, bool dots,
                            uint32_t line_bytes_max)
{
    text_outcome o = {.err = WEFT_OK};
    wf_smtp_text t = {.line_bytes_max = line_bytes_max, .dots = dots};
    while (o.used < n && o.err == WEFT_OK) {
        size_t size = n - o.used < step ? n - o.used : step, used, run_n;
        const char *run;
        o.err = wf_smtp_text_next(&t, in + o.used, size, &used, &run, &run_n);
        if (o.err == WEFT_OK || o.err == WEFT_EDONE) {
            memcpy(o.text + o.n, run, run_n);
            o.n += run_n;
        }
        o.used += used;
    }
    o.too_long = t.too_long;
    return o;
}

static void texts_are_the_same_however_they_are_cut(void)
{
    static const struct {
        const char *in, *want;
        weft_err err;
    } rows[] = {
        {".\r\nMAIL", "", WEFT_EDONE},         {"a\r\n.\r\nMAIL", "a\r\n", WEFT_EDONE},
        {"..\r\n.\r\n", ".\r\n", WEFT_EDONE},  {".a\r\n...\r\n.\r\n", "a\r\n..\r\n", WEFT_EDONE},
        {"a.\r\n.\r\n", "a.\r\n", WEFT_EDONE}, {"a\r\n.\r", "a\r\n", WEFT_OK},
        {"a\r\n", "a\r\n", WEFT_OK},           {"a\r\n\r\n\r\n.\r\n", "a\r\n\r\n\r\n", WEFT_EDONE},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (size_t step = 1; step < 12; step++) {
            text_outcome o = text_of(rows[i].in, strlen(rows[i].in), step, true, 1000);
            CHECK_ERR(o.err, rows[i].err);
            CHECK_MEM(o.text, o.n, rows[i].want, strlen(rows[i].want));
        }
}

static void what_only_looks_like_an_end_is_refused(void)
{
    static const char *const rows[] = {"a\n.\n",    "a\n.\r\n", "a\r\n.\n",     "a\r.\r\n",
                                       "a\r\n.\rb", "a\r\r\n",  "\n",           "a\r\n.\r\r\n",
                                       ".\n",       "..\n",     "a\r\n\n.\r\n", "\r.\r\n"};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (size_t step = 1; step < 8; step++)
            CHECK_ERR(text_of(rows[i], strlen(rows[i]), step, true, 1000).err, WEFT_EPROTO);
}

static void a_chunk_has_no_dots_to_take_away(void)
{
    static const char in[] = ".\r\n..a\r\n";
    for (size_t step = 1; step < 9; step++) {
        text_outcome o = text_of(in, sizeof in - 1, step, false, 1000);
        CHECK_OK(o.err);
        CHECK_MEM(o.text, o.n, in, sizeof in - 1);
    }
}

static void a_line_beyond_its_limit_is_noticed(void)
{
    for (size_t step = 1; step < 12; step++) {
        CHECK(!text_of("12345678\r\n.\r\n", 13, step, true, 10).too_long);
        CHECK(text_of("123456789\r\n.\r\n", 14, step, true, 10).too_long);
    }
}

/* What is stuffed in any pieces is what comes out again. */
static void what_is_sent_comes_out_again(void)
{
    static const char *const parts[] = {".", "..", "a", "\r\n", "\r\n.", "\r\n\r\n"};
    test_random random = {7};
    for (int round = 0; round < 500; round++) {
        char text[64] = "", sent[256];
        size_t n = 0, sent_n = 0;
        while (n < 40) {
            const char *part = parts[test_below(&random, 6)];
            /* NOLINTNEXTLINE(bugprone-not-null-terminated-result): bytes, whose length is kept */
            memcpy(text + n, part, strlen(part));
            n += strlen(part);
        }
        wf_smtp_stuffing s = {0};
        for (size_t at = 0; at < n;) {
            size_t size = 1 + test_below(&random, n - at), run;
            bool dot;
            CHECK_OK(wf_smtp_stuff(&s, text + at, size, &dot, &run));
            if (dot)
                sent[sent_n++] = '.';
            memcpy(sent + sent_n, text + at, run);
            sent_n += run;
            at += run;
        }
        const char *end = wf_smtp_stuffing_end(&s);
        REQUIRE(end != NULL);
        /* NOLINTNEXTLINE(bugprone-not-null-terminated-result): bytes, whose length is kept */
        memcpy(sent + sent_n, end, strlen(end));
        sent_n += strlen(end);
        text_outcome o = text_of(sent, sent_n, 1 + test_below(&random, 9), true, 1000);
        CHECK_ERR(o.err, WEFT_EDONE);
        CHECK_U64(o.used, sent_n);
        if (o.n == n + 2) /* the last line got its end */
            o.n -= 2;
        CHECK_MEM(o.text, o.n, text, n);
    }
}

static void what_is_sent_has_no_bare_ends_either(void)
{
    static const char *const rows[] = {"a\nb", "a\rb", "\n"};
    for (size_t i = 0; i < 3; i++) {
        wf_smtp_stuffing s = {0};
        bool dot;
        size_t run;
        CHECK_ERR(wf_smtp_stuff(&s, rows[i], strlen(rows[i]), &dot, &run), WEFT_EPROTO);
    }
    wf_smtp_stuffing s = {0};
    bool dot;
    size_t run;
    CHECK_OK(wf_smtp_stuff(&s, "a\r", 2, &dot, &run));
    CHECK(wf_smtp_stuffing_end(&s) == NULL);
}

/* ---- addresses */

static void mailboxes_are_read_as_the_rfc_writes_them(void)
{
    static const char *const good[] = {
        "a@b",           "first.last@example.org", "a+b=c@x-y.z",
        "\"a b\"@c.d",   "\"a\\\"b\\\\\"@c.d",     "\"\"@c.d",
        "a@[192.0.2.1]", "a@[IPv6:2001:db8::1]",   "!#$%&'*+-/=?^_`{|}~@x"};
    static const char *const bad[] = {
        "",         "a",     "@b",        "a@",         "a..b@c",       ".a@b",
        "a.@b",     "a@-b",  "a@b-",      "a@b..c",     "a b@c",        "\"a@b",
        "\"a\"b@c", "a@b.",  "a@[1.2.3]", "a@[IPv6:x]", "a@[192.0.2.1", "a@b_c",
        "a@b\x7f",  "a\n@b", "a@b>",      "<a@b>",      "\"a\nb\"@c"};
    weft_why why;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        CHECK_OK(weft_smtp_address_check(good[i], false, &why));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CHECK_ERR(weft_smtp_address_check(bad[i], false, &why), WEFT_EINVAL);
}

static void addresses_have_limits(void)
{
    weft_why why;
    char text[300];
    (void)snprintf(text, sizeof text, "%064d@x", 0);
    CHECK_OK(weft_smtp_address_check(text, false, &why));
    (void)snprintf(text, sizeof text, "%065d@x", 0);
    CHECK_ERR(weft_smtp_address_check(text, false, &why), WEFT_EINVAL);
    (void)snprintf(text, sizeof text, "a@%063d", 0);
    CHECK_OK(weft_smtp_address_check(text, false, &why));
    (void)snprintf(text, sizeof text, "a@%064d", 0);
    CHECK_ERR(weft_smtp_address_check(text, false, &why), WEFT_EINVAL);
    (void)snprintf(text, sizeof text, "a@%063d.%063d.%063d.%061d", 0, 0, 0, 0);
    CHECK_U64(strlen(text), 255);
    CHECK_OK(weft_smtp_address_check(text, false, &why));
    (void)snprintf(text, sizeof text, "a@%063d.%063d.%063d.%062d", 0, 0, 0, 0);
    CHECK_ERR(weft_smtp_address_check(text, false, &why), WEFT_ETOOBIG);
}

static void characters_beyond_ascii_are_utf8_and_wanted(void)
{
    static const char *const bad[] = {
        "\xc3@b", "\xff@b", "\xed\xa0\x80@b", "\xf4\x90\x80\x80@b", "\xc0\xaf@b", "\xe0\x80\x80@b"};
    weft_why why;
    CHECK_OK(weft_smtp_address_check("\xc3\xa4@\xc3\xb6.example", true, &why));
    CHECK_OK(weft_smtp_address_check("\"\xf0\x9f\x98\x80\"@b", true, &why));
    CHECK_ERR(weft_smtp_address_check("\xc3\xa4@b", false, &why), WEFT_EINVAL);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CHECK_ERR(weft_smtp_address_check(bad[i], true, &why), WEFT_EINVAL);
}

static void paths_may_have_a_route_that_is_forgotten(void)
{
    static const struct {
        const char *text, *want; /* NULL: refused */
    } rows[] = {
        {"<a@b>", "a@b"},
        {"<>", ""},
        {"<@x,@y:a@b>", "a@b"},
        {"<@x:a@b>", "a@b"},
        {"<@x,a@b>", NULL},
        {"<@x>", NULL},
        {"<@:a@b>", NULL},
        {"a@b", NULL},
        {"<a@b", NULL},
        {"<a@b >", NULL},
        {"< a@b>", NULL},
        {"<", NULL},
        {"<postmaster>", "postmaster"},
        {"<POSTMASTER>", "POSTMASTER"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char out[WEFT_SMTP_ADDRESS_BYTES] = "?";
        const char *wrong = NULL;
        bool utf8 = false;
        size_t n = wf_smtp_path(rows[i].text, strlen(rows[i].text), true, true, out, &utf8, &wrong);
        CHECK_U64(n, rows[i].want != NULL ? strlen(rows[i].text) : 0);
        if (rows[i].want != NULL)
            CHECK_STR(out, rows[i].want);
        else
            CHECK(wrong != NULL && wrong[0] != '\0');
    }
}

/* ---- commands */

static uint16_t code_of(const char *line, wf_smtp_command *out)
{
    weft_smtp_status wrong = {0};
    return wf_smtp_command_read(line, strlen(line), out, &wrong) ? 0 : wrong.code;
}

static void commands_are_read_into_what_they_ask_for(void)
{
    wf_smtp_command c;
    CHECK_U64(code_of("mail from:<a@b> size=123 body=8bitmime SMTPUTF8 AUTH=<>", &c), 0);
    CHECK(c.verb == WF_SMTP_MAIL && c.size == 123 && c.eight_bit && c.utf8);
    CHECK_STR(c.address, "a@b");
    CHECK_U64(code_of("RCPT TO: <a@b>  ", &c), 0);
    CHECK_U64(code_of("BDAT 86 LAST", &c), 0);
    CHECK(c.size == 86 && c.last);
    CHECK_U64(code_of("BDAT 18446744073709551615", &c), 0);
    CHECK(c.size == UINT64_MAX && !c.last);
    CHECK_U64(code_of("VRFY <a@b> SMTPUTF8", &c), 0);
    CHECK(c.utf8);
    CHECK_STR(c.address, "a@b");
    CHECK_U64(code_of("AUTH PLAIN dGVzdA==", &c), 0);
    CHECK_MEM(c.text, c.text_n, "PLAIN", 5);
    CHECK_MEM(c.more, c.more_n, "dGVzdA==", 8);
    CHECK_U64(code_of("EHLO [127.0.0.1]", &c), 0);
    CHECK_STR(c.address, "[127.0.0.1]");
}

static void commands_that_are_none_say_why(void)
{
    static const struct {
        const char *line;
        uint16_t code;
    } rows[] = {
        {"", 500},
        {"FOO", 500},
        {"MAILFROM:<a@b>", 500},
        {"EHLO", 501},
        {"EHLO a b", 501},
        {"EHLO a\\b", 501},
        {"HELO <script>", 501},
        {"MAIL a@b", 501},
        {"MAIL FROM:a@b", 501},
        {"MAIL FROM:<a@b>SIZE=1", 501},
        {"MAIL FROM:<a@b> SIZE", 501},
        {"MAIL FROM:<a@b> SIZE=", 501},
        {"MAIL FROM:<a@b> SIZE=-1", 501},
        {"MAIL FROM:<a@b> SIZE=18446744073709551616", 501},
        {"MAIL FROM:<a@b> SMTPUTF8=1", 501},
        {"MAIL FROM:<a@b> X=1", 555},
        {"MAIL FROM:<a@b> -=1", 501},
        {"MAIL FROM:<\xc3\xa4@b>", 553},
        {"RCPT TO:<>", 501},
        {"RCPT FROM:<a@b>", 501},
        {"DATA now", 501},
        {"QUIT now", 501},
        {"BDAT", 501},
        {"BDAT 1 FIRST", 501},
        {"BDAT 1 LAST LAST", 501},
        {"VRFY", 501},
        {"AUTH", 501},
        {"AUTH PLAIN a b", 501},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        wf_smtp_command c;
        CHECK_U64(code_of(rows[i].line, &c), rows[i].code);
    }
}

/* ---- statuses */

static void failures_are_what_they_mean_to_a_client(void)
{
    static const struct {
        weft_err err;
        uint16_t code;
    } rows[] = {
        {WEFT_OK, 250},     {WEFT_EDENIED, 550}, {WEFT_ENOTFOUND, 550}, {WEFT_ETOOBIG, 552},
        {WEFT_EFULL, 452},  {WEFT_EPROTO, 554},  {WEFT_ETIMEDOUT, 451}, {WEFT_ENOMEM, 451},
        {WEFT_ELIMIT, 452}, {WEFT_EGONE, 451},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        CHECK_U64(weft_smtp_status_of(rows[i].err, "").code, rows[i].code);
    CHECK_STR(weft_smtp_status_of(WEFT_EDENIED, "no\r\nway").text, "no??way");
    CHECK_STR(weft_smtp_status_of(WEFT_EIO, "a secret path").text,
              "something failed here; try again later");
    CHECK_ERR(weft_smtp_error_of(&(weft_smtp_status){.code = 250}), WEFT_OK);
    CHECK_ERR(weft_smtp_error_of(&(weft_smtp_status){.code = 452}), WEFT_EFULL);
    CHECK_ERR(weft_smtp_error_of(&(weft_smtp_status){.code = 552}), WEFT_ETOOBIG);
    CHECK_ERR(weft_smtp_error_of(&(weft_smtp_status){.code = 550, .subject = 1}), WEFT_ENOTFOUND);
    CHECK_ERR(weft_smtp_error_of(&(weft_smtp_status){.code = 535}), WEFT_EDENIED);
}

static const test_case cases[] = {
    TEST(lines_are_the_same_however_they_are_cut),
    TEST(a_line_ends_with_both_or_is_none),
    TEST(a_line_that_memory_has_no_room_for_is_told),
    TEST(texts_are_the_same_however_they_are_cut),
    TEST(what_only_looks_like_an_end_is_refused),
    TEST(a_chunk_has_no_dots_to_take_away),
    TEST(a_line_beyond_its_limit_is_noticed),
    TEST(what_is_sent_comes_out_again),
    TEST(what_is_sent_has_no_bare_ends_either),
    TEST(mailboxes_are_read_as_the_rfc_writes_them),
    TEST(addresses_have_limits),
    TEST(characters_beyond_ascii_are_utf8_and_wanted),
    TEST(paths_may_have_a_route_that_is_forgotten),
    TEST(commands_are_read_into_what_they_ask_for),
    TEST(commands_that_are_none_say_why),
    TEST(failures_are_what_they_mean_to_a_client),
    {0},
};
const test_suite smtp_codec_suite = {.name = "protocols/smtp_codec", .cases = cases};

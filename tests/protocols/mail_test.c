/* SPDX-License-Identifier: MIT */
/* Headers of messages: their fields, and the addresses in them. */
#include "check.h"

#include <string.h>

#include <weft/mail.h>

/* ---- fields */

/* "line:name=body|" for each field of @text, then what is left behind, or what is wrong. */
static const char *fields_of(const char *text)
{
    static char out[1024];
    weft_mail_header header = {.at = text, .end = text + strlen(text), .line = 1};
    weft_mail_field f;
    weft_why why = {""};
    weft_err err;
    size_t n = 0;
    while ((err = weft_mail_field_next(&header, &f, &why)) == WEFT_OK)
        n += (size_t)snprintf(out + n, sizeof out - n, "%u:%.*s=%.*s|", f.line, (int)f.name_n,
                              f.name, (int)f.body_n, f.body);
    (void)snprintf(out + n, sizeof out - n, "%s", err == WEFT_EDONE ? header.at : why.text);
    return out;
}

static void a_header_is_its_fields_up_to_an_empty_line(void)
{
    CHECK_STR(fields_of("From: a@b\nSubject:x\n\nbody\n"), "1:From= a@b|2:Subject=x|body\n");
    CHECK_STR(fields_of("From: a@b\r\nSubject:x\r\n\r\nbody"), "1:From= a@b|2:Subject=x|body");
    CHECK_STR(fields_of("From: a@b"), "1:From= a@b|");
    CHECK_STR(fields_of("To:\n"), "1:To=|");
    CHECK_STR(fields_of("\nbody"), "body");
    CHECK_STR(fields_of("\r\nbody"), "body");
    CHECK_STR(fields_of(""), "");
}

static void a_line_that_begins_with_a_blank_belongs_to_the_field_before(void)
{
    CHECK_STR(fields_of("To: a,\n b\n\tc\nCc: d\n"), "1:To= a,\n b\n\tc|4:Cc= d|");
    CHECK_STR(fields_of("To: a,\r\n b\r\n \r\nCc: d\r\n\r\nx"), "1:To= a,\r\n b\r\n |4:Cc= d|x");
}

static void a_field_s_name_may_have_blanks_behind_it_and_any_case(void)
{
    static const char text[] = "bCC \t: x\n";
    weft_mail_header header = {.at = text, .end = text + strlen(text), .line = 1};
    weft_mail_field f;
    weft_why why;
    CHECK_OK(weft_mail_field_next(&header, &f, &why));
    CHECK(weft_mail_field_is(&f, "Bcc") && !weft_mail_field_is(&f, "Bc") &&
          !weft_mail_field_is(&f, "Bccx"));
    CHECK_U64(f.whole_n, strlen(text));
    CHECK(f.whole == text);
}

static void what_is_no_field_is_named_with_its_line(void)
{
    static const char expected[] =
        ": expected a field such as Subject: TEXT, or an empty line behind the header";
    static const struct {
        const char *text, *want;
    } rows[] = {
        {"A: b\nno field\n", "1:A= b|line 2: \"no field\""},
        {"A: b\n c\nno", "1:A= b\n c|line 3: \"no\""},
        {" A: b\n", "line 1: \" A: b\""},
        {": b\n", "line 1: \": b\""},
        {"A\xc3\xa4: b\n", "line 1: \"A??: b\""},
        {"\rA: b\n", "line 1: \"\""},
        {"0123456789012345678901234567890123456789012345\n",
         "line 1: \"0123456789012345678901234567890123456789\""},
    };
    char want[256];
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        (void)snprintf(want, sizeof want, "%s%s", rows[i].want, expected);
        CHECK_STR(fields_of(rows[i].text), want);
    }
}

/* ---- addresses */

/* "[address]" for each of a To field with the body @body, then what is wrong. */
static const char *addresses_of_host(const char *body, size_t n, const char *host)
{
    static char out[2048];
    const weft_mail_field f = {
        .name = "To", .name_n = 2, .body = body, .body_n = n, .whole = body, .line = 3};
    weft_mail_addresses list = weft_mail_addresses_of(&f, host);
    char address[WEFT_SMTP_ADDRESS_BYTES] = "";
    weft_why why = {""}, ignored;
    weft_err err;
    size_t made = 0;
    while ((err = weft_mail_address_next(&list, address, &why)) == WEFT_OK) {
        CHECK_OK(weft_smtp_address_check(address, true, &ignored));
        made += (size_t)snprintf(out + made, sizeof out - made, "[%s]", address);
    }
    (void)snprintf(out + made, sizeof out - made, "%s", err == WEFT_EDONE ? "" : why.text);
    return out;
}

static const char *addresses_of(const char *body)
{
    return addresses_of_host(body, strlen(body), NULL);
}

static void lists_have_addresses_with_and_without_names(void)
{
    static const struct {
        const char *body, *want;
    } rows[] = {
        {"", ""},
        {" ", ""},
        {"a@b", "[a@b]"},
        {" a@b , c@d ", "[a@b][c@d]"},
        {"Ann Lee <a@b>", "[a@b]"},
        {"\"Lee, Ann\" <a@b>, c@d", "[a@b][c@d]"},
        {"\"a \\\" <x@y>\" <a@b>", "[a@b]"},
        {"<a@b>", "[a@b]"},
        {"John Q. Public <a@b>", "[a@b]"},
        {"=?utf-8?Q?=C3=84nn?= =?utf-8?B?w4Q=?= <a@b>", "[a@b]"},
        {"\xc3\x84nn <a@b>, \xc4nn <c@d>", "[a@b][c@d]"},
        {"a@b (Ann (the (first)) \\) one), c@d", "[a@b][c@d]"},
        {"(x) Ann (y) <(z) a@b (u)> (v)", "[a@b]"},
        {"a@b <c@d>", "[c@d]"},
        {"Ann <a@[192.0.2.1]>, b@[IPv6:2001:db8::1]", "[a@[192.0.2.1]][b@[IPv6:2001:db8::1]]"},
        {"\xc3\xa4@\xc3\xb6.example", "[\xc3\xa4@\xc3\xb6.example]"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        CHECK_STR(addresses_of(rows[i].body), rows[i].want);
}

static void lists_are_folded_over_lines(void)
{
    CHECK_STR(addresses_of(" a@b,\r\n\tAnn\r\n Lee\r\n <c@d>\r\n "), "[a@b][c@d]");
    CHECK_STR(addresses_of("\"Ann\n Lee\" <a@b>,\n (x\n y) c@d"), "[a@b][c@d]");
}

static void groups_are_their_members(void)
{
    CHECK_STR(addresses_of("undisclosed-recipients:;"), "");
    CHECK_STR(addresses_of("Friends: a@b, Ann <c@d>;, e@f"), "[a@b][c@d][e@f]");
    CHECK_STR(addresses_of("a@b, \"My friends\": (none) ; (x)"), "[a@b]");
    CHECK_STR(addresses_of("A: a@b;, B:; , C: c@d;"), "[a@b][c@d]");
}

/* RFC 5322, 4.4 and A.6 */
static void obsolete_forms_are_read(void)
{
    CHECK_STR(addresses_of(", a@b,, ,c@d,"), "[a@b][c@d]");
    CHECK_STR(addresses_of("Mary <@machine.tld,@b:mary@example.net>, , jdoe@test . example"),
              "[mary@example.net][jdoe@test.example]");
    CHECK_STR(addresses_of("ann . lee @ example\n . org"), "[ann.lee@example.org]");
    CHECK_STR(addresses_of("<@:a@b>, <@x , , @y: c@d>"), "[a@b][c@d]");
    CHECK_STR(addresses_of("a@[ 192.0\n .2.1 ]"), "[a@[192.0.2.1]]");
    CHECK_STR(addresses_of("\"ann\".lee@b, x.\"y z\".w@b"), "[ann.lee@b][\"x.y z.w\"@b]");
}

static void what_stands_before_the_at_is_quoted_where_it_must_be(void)
{
    CHECK_STR(addresses_of("\"ann\"@b, \"ann lee\"@b, \"a\\\"b\\\\\"@b, \"\"@b"),
              "[ann@b][\"ann lee\"@b][\"a\\\"b\\\\\"@b][\"\"@b]");
    CHECK_STR(addresses_of("a..b@c, .a@c, a.@c"), "[\"a..b\"@c][\".a\"@c][\"a.\"@c]");
    CHECK_STR(addresses_of("\"a\r\n b\"@c"), "[\"a b\"@c]");
    CHECK_STR(addresses_of("\"a@b\"@c"), "[\"a@b\"@c]");
}

static void names_alone_are_of_the_host_if_there_is_one(void)
{
    static const char body[] = "root, Ann <ann>, \"b c\", d@e";
    CHECK_STR(addresses_of_host(body, strlen(body), "mail.example"),
              "[root@mail.example][ann@mail.example][\"b c\"@mail.example][d@e]");
    CHECK_STR(addresses_of(body),
              "line 3: To: \"root, Ann <ann>, \"b c\", d@e\": expected an address such as "
              "user@example.org");
    CHECK_STR(addresses_of_host("Ann Lee", 7, "mail.example"),
              "line 3: To: \"Ann Lee\": expected an address such as user@example.org");
    CHECK_STR(addresses_of_host("a", 1, "no host"),
              "line 3: To: \"a\": expected a domain behind the @");
}

static void what_is_wrong_is_named_with_its_line_and_place(void)
{
    static const struct {
        const char *body, *want;
    } rows[] = {
        {"a@b c@d", "3: To: \"c@d\": expected a comma between addresses"},
        {"a@b; c@d", "3: To: \"; c@d\": expected a comma between addresses"},
        {"; a@b", "3: To: \"; a@b\": expected a comma between addresses"},
        {"Ann Lee [x] <a@b>", "3: To: \"[x] <a@b>\": expected a comma between addresses"},
        {"Ann Lee@b",
         "3: To: \"Ann Lee@b\": expected one word before the @, or < and > around the address"},
        {"<Ann Lee@b>",
         "3: To: \"Ann Lee@b>\": expected one word before the @, or < and > around the address"},
        {"@b", "3: To: \"@b\": expected an address such as user@example.org"},
        {".@b", "3: To: \".@b\": expected an address such as user@example.org"},
        {"<>", "3: To: \">\": expected an address such as user@example.org"},
        {"Ann <", "3: To: at the end: expected an address such as user@example.org"},
        {">", "3: To: \">\": expected an address such as user@example.org"},
        {"\x01", "3: To: \"?\": expected an address such as user@example.org"},
        {"a@", "3: To: \"a@\": expected a domain"},
        {"a@b.", "3: To: \"a@b.\": expected a domain"},
        {"a@b_c", "3: To: \"a@b_c\": expected a domain behind the @"},
        {"a@[1.2.3]",
         "3: To: \"a@[1.2.3]\": expected an address such as [192.0.2.1] or [IPv6:2001:db8::1]"},
        {"a@[192.0.2.1", "3: To: \"a@[192.0.2.1\": expected a ] behind the address"},
        {"a@\xff", "3: To: \"a@?\": expected a domain"},
        {"Ann <a@b", "3: To: at the end: expected a > behind the address"},
        {"Ann <a@b,c@d>", "3: To: \",c@d>\": expected a > behind the address"},
        {"<@x,a@b>", "3: To: \">\": expected a : behind the route"},
        {"<a@b> x", "3: To: \"x\": expected a comma between addresses"},
        {"\"Ann <a@b>", "3: To: \"\"Ann <a@b>\": expected a \" that ends the quoted text"},
        {"Ann (x (y) <a@b>", "3: To: \"(x (y) <a@b>\": expected a ) that ends the comment"},
        {"a@b,\n c@d,\n\te@f (", "5: To: \"e@f (\": expected a ) that ends the comment"},
        {"A: B: a@b;;", "3: To: \": a@b;;\": expected no group within a group"},
        {": a@b;", "3: To: \": a@b;\": expected an address such as user@example.org"},
        {"A: a@b", "3: To: at the end: expected a ; that ends the group"},
        {"A: a@b; c@d", "3: To: \"c@d\": expected a comma between addresses"},
    };
    char want[256];
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *got = addresses_of(rows[i].body), *wrong = strstr(got, "line ");
        (void)snprintf(want, sizeof want, "line %s", rows[i].want);
        REQUIRE(wrong != NULL);
        CHECK_STR(wrong, want);
    }
}

static void a_byte_of_zero_is_no_end_and_no_part_of_an_address(void)
{
    static const char bare[] = "a\0@b", quoted[] = "\"a\0\"@b", domain[] = "a@[1\0]",
                      named[] = "\"\0\" (\0) <a@b>";
    CHECK(strstr(addresses_of_host(bare, sizeof bare - 1, NULL), "expected") != NULL);
    CHECK(strstr(addresses_of_host(quoted, sizeof quoted - 1, NULL), "expected") != NULL);
    CHECK(strstr(addresses_of_host(domain, sizeof domain - 1, NULL), "expected") != NULL);
    CHECK_STR(addresses_of_host(named, sizeof named - 1, NULL), "[a@b]");
}

static void parts_of_addresses_have_the_limits_of_envelopes_and_names_have_none(void)
{
    char body[1200];
    (void)snprintf(body, sizeof body, "%064d@x", 0);
    CHECK_U64(strlen(addresses_of(body)), 64 + 2 + 2);
    (void)snprintf(body, sizeof body, "%065d@x", 0);
    CHECK(strstr(addresses_of(body), "the part before the @ is too long") != NULL);
    (void)snprintf(body, sizeof body, "\"%062d \"@x", 0); /* quotes count */
    CHECK(strstr(addresses_of(body), "the part before the @ is too long") != NULL);
    (void)snprintf(body, sizeof body, "%0100d@x", 0);
    CHECK(strstr(addresses_of(body), "the part before the @ is too long") != NULL);
    (void)snprintf(body, sizeof body, "a@%063d.%063d.%063d.%061d", 0, 0, 0, 0);
    CHECK_U64(strlen(addresses_of(body)), 255 + 2);
    (void)snprintf(body, sizeof body, "a@%063d.%063d.%063d.%062d", 0, 0, 0, 0);
    CHECK(strstr(addresses_of(body), "the address is too long") != NULL);
    (void)snprintf(body, sizeof body, "a@%063d.%063d.%063d.%0100d", 0, 0, 0, 0);
    CHECK(strstr(addresses_of(body), "the domain is too long") != NULL);
    (void)snprintf(body, sizeof body, "%0500d \"%0500d\" <a@b>", 0, 0);
    CHECK_STR(addresses_of(body), "[a@b]");
}

static void comments_may_be_as_deep_as_the_field_is_long(void)
{
    enum { DEEP = 100000 };
    static char body[2 * DEEP + 4];
    memset(body, '(', DEEP);
    memset(body + DEEP, ')', DEEP);
    memcpy(body + 2 * DEEP, "a@b", 4);
    CHECK_STR(addresses_of(body), "[a@b]");
    CHECK(strstr(addresses_of_host(body, 2 * DEEP - 1, NULL), "ends the comment") != NULL);
}

static const test_case cases[] = {
    TEST(a_header_is_its_fields_up_to_an_empty_line),
    TEST(a_line_that_begins_with_a_blank_belongs_to_the_field_before),
    TEST(a_field_s_name_may_have_blanks_behind_it_and_any_case),
    TEST(what_is_no_field_is_named_with_its_line),
    TEST(lists_have_addresses_with_and_without_names),
    TEST(lists_are_folded_over_lines),
    TEST(groups_are_their_members),
    TEST(obsolete_forms_are_read),
    TEST(what_stands_before_the_at_is_quoted_where_it_must_be),
    TEST(names_alone_are_of_the_host_if_there_is_one),
    TEST(what_is_wrong_is_named_with_its_line_and_place),
    TEST(a_byte_of_zero_is_no_end_and_no_part_of_an_address),
    TEST(parts_of_addresses_have_the_limits_of_envelopes_and_names_have_none),
    TEST(comments_may_be_as_deep_as_the_field_is_long),
    {0},
};

const test_suite mail_suite = {.name = "protocols/mail", .cases = cases};

/* SPDX-License-Identifier: MIT */
/* Messages of DNS: read, written, and what breaks their form. */
#include <stdlib.h>
#include <weft/dns.h>

#include "check.h"

static weft_why why;
static weft_dns_record record;
static weft_dns_header header;
static weft_dns_reader reader;

/* ---- names */

static const char *normal(const char *name)
{
    static char out[WEFT_DNS_NAME_BYTES];
    why.text[0] = '\0';
    return weft_dns_name_normal(name, out, &why) == WEFT_OK ? out : NULL;
}

static void names_are_compared_in_lower_case_without_a_dot_at_the_end(void)
{
    CHECK_STR(normal("WWW.Example."), "www.example");
    CHECK_STR(normal("."), ".");
    CHECK_STR(normal("a\\.b.c"), "a\\.b.c");
    CHECK_STR(normal("\\065\\\\.x"), "a\\\\.x");
    CHECK_STR(normal("sp\\032ace"), "sp\\032ace");
    CHECK_STR(normal("\\200"), "\\200");
    CHECK(weft_dns_name_same("a.Example", "A.eXample"));
    CHECK(!weft_dns_name_same("a.example", "a.example.org"));
}

static void what_is_no_name_is_refused_with_its_reason(void)
{
    static const char label64[] =
        "0123456789012345678901234567890123456789012345678901234567890123";
    char longest[WEFT_DNS_NAME_BYTES] = "";
    CHECK(normal("") == NULL && strstr(why.text, "empty") != NULL);
    CHECK(normal("a..b") == NULL && strstr(why.text, "a label is empty") != NULL);
    CHECK(normal(".a") == NULL);
    CHECK(normal("a\\") == NULL && strstr(why.text, "backslash") != NULL);
    CHECK(normal("a\\25") == NULL);
    CHECK(normal("a\\256") == NULL);
    CHECK(normal(label64) == NULL && strstr(why.text, "63") != NULL);
    CHECK(normal(label64 + 1) != NULL);
    for (size_t i = 0; i < 253; i++)
        longest[i] = i % 2 == 0 ? 'a' : '.';
    CHECK(normal(longest) != NULL); /* 255 bytes in a message */
    longest[253] = 'a';
    CHECK(normal(longest) == NULL && strstr(why.text, "255") != NULL);
}

static void the_longest_name_of_escapes_has_room(void)
{
    char text[WEFT_DNS_NAME_BYTES] = "";
    for (size_t i = 0, n = 0; i < 250; i++) {
        if (i == 63 || i == 126 || i == 189)
            text[n++] = '.';
        memcpy(text + n, (const char[]){'\\', '0', '0', '1'}, 4);
        n += 4;
    }
    CHECK_U64(strlen(text), WEFT_DNS_NAME_BYTES - 1);
    const char *out = normal(text);
    REQUIRE(out != NULL);
    CHECK_STR(out, text);
}

static void an_address_has_a_name_for_its_reverse(void)
{
    char name[WEFT_DNS_NAME_BYTES];
    static const uint8_t v4[4] = {192, 0, 2, 1}, v6[16] = {0x20, 1, 0xd, 0xb8, [15] = 0xf1};
    weft_dns_name_of_address(v4, 4, name);
    CHECK_STR(name, "1.2.0.192.in-addr.arpa");
    weft_dns_name_of_address(v6, 16, name);
    CHECK_STR(name, "1.f.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa");
}

/* ---- reading by hand */

#define HEAD(answers) "\x12\x34\x81\x80\0\0\0" answers "\0\0\0\0"
#define READ_ERR(bytes, err) CHECK_ERR(read_one((const uint8_t *)(bytes), sizeof(bytes) - 1), (err))

/* The first answer of a message without questions, in a block of its own: a read beyond it is seen. */
static weft_err read_one(const uint8_t *at, size_t size)
{
    uint8_t *copy = malloc(size);
    REQUIRE(copy != NULL);
    memcpy(copy, at, size);
    weft_err err = weft_dns_read_begin(&reader, copy, size, &header, &why);
    if (err == WEFT_OK)
        err = weft_dns_read_record(&reader, &record, &why);
    if (err == WEFT_OK)
        CHECK_U64(reader.next, reader.size);
    record.data = NULL;
    free(copy);
    return err;
}

static void a_header_and_a_question_are_read(void)
{
    static const uint8_t at[] = "\xab\xcd\x87\xb5\0\1\0\2\0\3\0\4"
                                "\3www\7Example\0\0\x1c\0\1";
    weft_dns_question question;
    CHECK_OK(weft_dns_read_begin(&reader, at, sizeof at - 1, &header, &why));
    CHECK_U64(header.id, 0xabcd);
    CHECK(header.response && header.authoritative && header.truncated && header.recursion_desired);
    CHECK(header.recursion_available && header.authentic && header.no_checking);
    CHECK_U64(header.opcode, 0);
    CHECK_U64(header.rcode, WEFT_DNS_REFUSED);
    CHECK_U64(header.questions * 1000 + header.answers * 100 + header.authorities * 10 +
                  header.additional,
              1234);
    CHECK_OK(weft_dns_read_question(&reader, &question, &why));
    CHECK_STR(question.name, "www.Example");
    CHECK_U64(question.type, WEFT_DNS_AAAA);
    CHECK_U64(question.class_code, WEFT_DNS_CLASS_IN);
    CHECK_ERR(weft_dns_read_question(&reader, &question, &why), WEFT_ETRUNCATED);
    CHECK_ERR(weft_dns_read_begin(&reader, at, 11, &header, &why), WEFT_ETRUNCATED);
}

static void records_are_read_with_their_data(void)
{
    READ_ERR(HEAD("\1") "\1a\0\0\1\0\1\0\0\1\x2c\0\4\xc0\0\2\1", WEFT_OK);
    CHECK_STR(record.name, "a");
    CHECK_U64(record.ttl_s, 300);
    CHECK_MEM(record.of.ip, 4, "\xc0\0\2\1", 4);
    READ_ERR(HEAD("\1") "\0\0\x0f\0\1\0\0\0\1\0\5\0\x0a\1m\0", WEFT_OK);
    CHECK_STR(record.name, ".");
    CHECK_U64(record.of.mx.preference, 10);
    CHECK_STR(record.of.mx.host, "m");
    READ_ERR(HEAD("\1") "\1a\0\0\x21\0\1\0\0\0\1\0\x0a\0\1\0\2\1\xbb\xc0\x0c\0\0", WEFT_EPROTO);
    READ_ERR(HEAD("\1") "\1a\0\0\x21\0\1\0\0\0\1\0\x08\0\1\0\2\1\xbb\xc0\x0c", WEFT_OK);
    CHECK_U64(record.of.srv.priority, 1);
    CHECK_U64(record.of.srv.weight, 2);
    CHECK_U64(record.of.srv.port, 443);
    CHECK_STR(record.of.srv.host, "a");
    READ_ERR(HEAD("\1") "\1a\0\0\6\0\1\0\0\0\1\0\x18\1p\0\1m\0"
                        "\0\0\0\1\0\0\0\2\0\0\0\3\0\0\0\4\0\0\0\5"
                        "",
             WEFT_EPROTO);
    READ_ERR(HEAD("\1") "\1a\0\0\6\0\1\0\0\0\1\0\x1a\1p\0\1m\0"
                        "\0\0\0\1\0\0\0\2\0\0\0\3\0\0\0\4\0\0\0\5",
             WEFT_OK);
    CHECK_STR(record.of.soa.primary, "p");
    CHECK_STR(record.of.soa.mailbox, "m");
    CHECK_U64(record.of.soa.minimum_s, 5);
    READ_ERR(HEAD("\1") "\0\0\x29\x04\xd0\1\0\x80\0\0\0", WEFT_OK);
    CHECK_U64(record.of.opt.udp_bytes_max, 1232);
    CHECK_U64(record.of.opt.rcode_high, 1);
    CHECK(record.of.opt.dnssec);
}

static void a_ttl_with_its_highest_bit_set_is_none(void)
{
    READ_ERR(HEAD("\1") "\1a\0\0\1\0\1\x80\0\0\0\0\4\xc0\0\2\1", WEFT_OK);
    CHECK_U64(record.ttl_s, 0);
    READ_ERR(HEAD("\1") "\1a\0\0\1\0\1\x7f\xff\xff\xff\0\4\xc0\0\2\1", WEFT_OK);
    CHECK_U64(record.ttl_s, INT32_MAX);
}

static void the_strings_of_a_text_come_one_by_one(void)
{
    static const uint8_t at[] = HEAD("\1") "\0\0\x10\0\1\0\0\0\1\0\6\2ab\0\1c";
    const uint8_t *text;
    size_t place = 0, n;
    CHECK_OK(weft_dns_read_begin(&reader, at, sizeof at - 1, &header, &why));
    CHECK_OK(weft_dns_read_record(&reader, &record, &why));
    REQUIRE(weft_dns_text_next(&record, &place, &text, &n));
    CHECK_MEM(text, n, "ab", 2);
    REQUIRE(weft_dns_text_next(&record, &place, &text, &n));
    CHECK_U64(n, 0);
    REQUIRE(weft_dns_text_next(&record, &place, &text, &n));
    CHECK_MEM(text, n, "c", 1);
    CHECK(!weft_dns_text_next(&record, &place, &text, &n));
    READ_ERR(HEAD("\1") "\0\0\x10\0\1\0\0\0\1\0\0", WEFT_EPROTO);
    READ_ERR(HEAD("\1") "\0\0\x10\0\1\0\0\0\1\0\2\2a", WEFT_EPROTO);
}

static void data_of_the_wrong_length_is_refused(void)
{
    READ_ERR(HEAD("\1") "\1a\0\0\1\0\1\0\0\0\1\0\3\xc0\0\2", WEFT_EPROTO);
    READ_ERR(HEAD("\1") "\1a\0\0\1\0\1\0\0\0\1\0\5\xc0\0\2\1\1", WEFT_EPROTO);
    READ_ERR(HEAD("\1") "\1a\0\0\1\0\1\0\0\0\1\0\4\xc0\0\2", WEFT_ETRUNCATED);
    READ_ERR(HEAD("\1") "\1a\0\0\1\0\1\0\0\0", WEFT_ETRUNCATED);
    /* a name that goes on behind its record */
    READ_ERR(HEAD("\1") "\1a\0\0\5\0\1\0\0\0\1\0\2\1bc\0", WEFT_EPROTO);
    READ_ERR(HEAD("\1") "\0\0\x29\x04\xd0\0\0\0\0\0\3\0\1\0", WEFT_EPROTO);
}

static void pointers_that_do_not_lead_back_are_refused(void)
{
    READ_ERR(HEAD("\1") "\xc0\x0c\0\1\0\1\0\0\0\1\0\4\1\2\3\4", WEFT_EPROTO);
    READ_ERR(HEAD("\1") "\1a\xc0\x0c\0\1\0\1\0\0\0\1\0\4\1\2\3\4", WEFT_EPROTO);
    READ_ERR(HEAD("\1") "\xc0\x20\0\1\0\1\0\0\0\1\0\4\1\2\3\4", WEFT_EPROTO);
    READ_ERR(HEAD("\1") "\xc0", WEFT_ETRUNCATED);
    READ_ERR(HEAD("\1") "\1a", WEFT_ETRUNCATED);
    READ_ERR(HEAD("\1") "\x41"
                        "a\0\0\1",
             WEFT_EPROTO);
}

static void a_chain_of_pointers_ends_at_the_limit_of_a_name(void)
{
    /* each piece has a label of 60 bytes and leads to the one before: the fifth makes it too long */
    uint8_t at[12 + 5 * 63 + 16] = HEAD("\1");
    size_t n = 12, before = 0;
    for (int i = 0; i < 5; i++) {
        size_t here = n;
        at[n++] = 60;
        memset(at + n, 'a', 60);
        n += 60;
        if (i == 0)
            at[n++] = 0;
        else {
            at[n++] = (uint8_t)(0xc0 | before >> 8);
            at[n++] = (uint8_t)before;
        }
        before = here;
        weft_dns_question question;
        weft_dns_reader r = {.at = at, .size = sizeof at, .next = here};
        CHECK_ERR(weft_dns_read_question(&r, &question, &why), i < 4 ? WEFT_OK : WEFT_EPROTO);
    }
}

/* ---- writing */

static uint8_t room[4096];
static weft_dns_writer writer;

static void begin(size_t bytes)
{
    header = (weft_dns_header){.id = 7, .response = true, .rcode = WEFT_DNS_NXDOMAIN};
    CHECK_OK(weft_dns_write_begin(&writer, room, bytes, &header));
}

static weft_dns_record *make(const char *name, weft_dns_type type)
{
    record = (weft_dns_record){.type = (uint16_t)type, .class_code = WEFT_DNS_CLASS_IN, .ttl_s = 5};
    (void)snprintf(record.name, sizeof record.name, "%s", name);
    return &record;
}

static void put_a(const char *name, weft_err err)
{
    static const uint8_t ip[4] = {1, 2, 3, 4};
    memcpy(make(name, WEFT_DNS_A)->of.ip, ip, sizeof ip);
    CHECK_ERR(weft_dns_write_record(&writer, WEFT_DNS_ANSWER, &record, &why), err);
}

static void names_that_stand_already_are_pointed_to(void)
{
    begin(sizeof room);
    CHECK_OK(weft_dns_write_question(&writer, "www.example.org", WEFT_DNS_A, &why));
    size_t question = writer.size;
    put_a("www.example.org", WEFT_OK);
    CHECK_MEM(room + question, 2, "\xc0\x0c", 2);
    size_t first = writer.size;
    put_a("ftp.example.org", WEFT_OK);
    CHECK_MEM(room + first, 6, "\3ftp\xc0\x10", 6);
    size_t second = writer.size;
    put_a("a.a.a", WEFT_OK);
    CHECK_MEM(room + second, 7, "\1a\1a\1a\0", 7);
    (void)snprintf(make("org", WEFT_DNS_MX)->of.mx.host, sizeof record.of.mx.host, "a.a");
    size_t third = writer.size;
    CHECK_OK(weft_dns_write_record(&writer, WEFT_DNS_ADDITIONAL, &record, &why));
    CHECK_MEM(room + third, 2, "\xc0\x18", 2);
    CHECK_U64(writer.size - third, 2 + 10 + 4);
}

static void what_was_written_is_read_the_same(void)
{
    weft_dns_question question;
    begin(sizeof room);
    CHECK_OK(weft_dns_write_question(&writer, "_x._tcp.Example", WEFT_DNS_SRV, &why));
    make("_x._tcp.example", WEFT_DNS_SRV)->of.srv.port = 99;
    record.of.srv.weight = 3;
    (void)snprintf(record.of.srv.host, sizeof record.of.srv.host, "host.Example");
    CHECK_OK(weft_dns_write_record(&writer, WEFT_DNS_ANSWER, &record, &why));
    make("example", WEFT_DNS_SOA)->of.soa.minimum_s = 60;
    (void)snprintf(record.of.soa.primary, sizeof record.of.soa.primary, "ns.example");
    (void)snprintf(record.of.soa.mailbox, sizeof record.of.soa.mailbox, "h.example");
    CHECK_OK(weft_dns_write_record(&writer, WEFT_DNS_AUTHORITY, &record, &why));
    make(".", WEFT_DNS_OPT)->of.opt.udp_bytes_max = 1232;
    record.of.opt.dnssec = true;
    CHECK_OK(weft_dns_write_record(&writer, WEFT_DNS_ADDITIONAL, &record, &why));

    CHECK_OK(weft_dns_read_begin(&reader, room, writer.size, &header, &why));
    CHECK_U64(header.id, 7);
    CHECK_U64(header.rcode, WEFT_DNS_NXDOMAIN);
    CHECK(header.response && !header.truncated);
    CHECK_U64(header.questions + header.answers + header.authorities + header.additional, 4);
    CHECK_OK(weft_dns_read_question(&reader, &question, &why));
    CHECK_STR(question.name, "_x._tcp.Example");
    CHECK_OK(weft_dns_read_record(&reader, &record, &why));
    CHECK_U64(record.of.srv.port, 99);
    CHECK_U64(record.of.srv.weight, 3);
    CHECK_STR(record.of.srv.host, "host.Example");
    CHECK_OK(weft_dns_read_record(&reader, &record, &why));
    CHECK_STR(record.of.soa.primary, "ns.example");
    CHECK_U64(record.of.soa.minimum_s, 60);
    CHECK_OK(weft_dns_read_record(&reader, &record, &why));
    CHECK_U64(record.of.opt.udp_bytes_max, 1232);
    CHECK(record.of.opt.dnssec);
    CHECK_U64(reader.next, reader.size);
}

static void a_record_without_room_leaves_no_trace(void)
{
    begin(60);
    CHECK_OK(weft_dns_write_question(&writer, "a.example", WEFT_DNS_A, &why));
    put_a("a.example", WEFT_OK);
    size_t size = writer.size;
    put_a("another.org", WEFT_ETOOBIG);
    CHECK_U64(writer.size, size);
    CHECK(strstr(why.text, "60") != NULL);
    /* a name of it is not pointed to either */
    weft_dns_write_truncated(&writer);
    CHECK_OK(weft_dns_read_begin(&reader, room, writer.size, &header, &why));
    CHECK_U64(header.answers, 1);
    CHECK(header.truncated);
    CHECK_ERR(weft_dns_write_begin(&writer, room, 11, &header), WEFT_ETOOBIG);
}

static void sections_are_written_in_their_order(void)
{
    begin(sizeof room);
    make("a", WEFT_DNS_A);
    CHECK_OK(weft_dns_write_record(&writer, WEFT_DNS_AUTHORITY, &record, &why));
    CHECK_ERR(weft_dns_write_record(&writer, WEFT_DNS_ANSWER, &record, &why), WEFT_EINVAL);
    CHECK_ERR(weft_dns_write_question(&writer, "a", WEFT_DNS_A, &why), WEFT_EINVAL);
    CHECK_OK(weft_dns_write_record(&writer, WEFT_DNS_ADDITIONAL, &record, &why));
    put_a("..", WEFT_EINVAL);
}

static void beyond_the_names_it_remembers_a_writer_repeats_them(void)
{
    char name[16];
    begin(sizeof room);
    for (unsigned i = 0; i <= WEFT_DNS_COMPRESSED_NAMES_MAX; i++) {
        (void)snprintf(name, sizeof name, "n%u", i);
        put_a(name, WEFT_OK);
    }
    size_t size = writer.size;
    put_a("n0", WEFT_OK);
    CHECK_U64(writer.size - size, 2 + 14);
    size = writer.size;
    put_a(name, WEFT_OK);
    CHECK_U64(writer.size - size, 5 + 14);
}

/* ---- words */

static void types_and_outcomes_have_names(void)
{
    uint16_t type = 0;
    CHECK_STR(weft_dns_type_name(WEFT_DNS_SRV), "SRV");
    CHECK(weft_dns_type_name(257) == NULL);
    CHECK_OK(weft_dns_type_of("aaaa", &type));
    CHECK_U64(type, WEFT_DNS_AAAA);
    CHECK_OK(weft_dns_type_of("TYPE257", &type));
    CHECK_U64(type, 257);
    CHECK_ERR(weft_dns_type_of("TYPE65536", &type), WEFT_EINVAL);
    CHECK_ERR(weft_dns_type_of("TYPE", &type), WEFT_EINVAL);
    CHECK_ERR(weft_dns_type_of("B", &type), WEFT_EINVAL);
    CHECK_STR(weft_dns_rcode_name(WEFT_DNS_NXDOMAIN), "NXDOMAIN");
    CHECK_STR(weft_dns_rcode_name(15), "RCODE");
}

static const test_case cases[] = {
    TEST(names_are_compared_in_lower_case_without_a_dot_at_the_end),
    TEST(what_is_no_name_is_refused_with_its_reason),
    TEST(the_longest_name_of_escapes_has_room),
    TEST(an_address_has_a_name_for_its_reverse),
    TEST(a_header_and_a_question_are_read),
    TEST(records_are_read_with_their_data),
    TEST(a_ttl_with_its_highest_bit_set_is_none),
    TEST(the_strings_of_a_text_come_one_by_one),
    TEST(data_of_the_wrong_length_is_refused),
    TEST(pointers_that_do_not_lead_back_are_refused),
    TEST(a_chain_of_pointers_ends_at_the_limit_of_a_name),
    TEST(names_that_stand_already_are_pointed_to),
    TEST(what_was_written_is_read_the_same),
    TEST(a_record_without_room_leaves_no_trace),
    TEST(sections_are_written_in_their_order),
    TEST(beyond_the_names_it_remembers_a_writer_repeats_them),
    TEST(types_and_outcomes_have_names),
    {0},
};

const test_suite dns_suite = {.name = "actors/dns", .cases = cases};

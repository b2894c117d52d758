/* SPDX-License-Identifier: MIT */
/* The parts of the resolver that are pure: the hosts file, search domains, the order of addresses. */
#include "address_order.h"
#include "check.h"
#include "resolver.h"

/* ---- the hosts file */

static const char file[] = "127.0.0.1\tlocalhost\n"
                           "# 192.0.2.99 comment\n"
                           "192.0.2.1 box.example box # 192.0.2.98\r\n"
                           "  192.0.2.2   box\n"
                           "2001:db8::1 box\n"
                           "192.0.2.300 bad\n"
                           "word only\n"
                           "192.0.2.3\n"
                           "192.0.2.4 Last.Example.";

static const char *found(const wf_hosts *hosts, const char *name, uint16_t type)
{
    static char text[256];
    char one[WEFT_ADDRESS_TEXT_BYTES];
    wf_answer *answer = NULL;
    CHECK_OK(wf_hosts_find(hosts, name, type, &answer));
    if (answer == NULL)
        return "unknown";
    (void)snprintf(text, sizeof text, answer->none ? "none" : "");
    for (uint32_t i = 0; i < answer->n; i++) {
        const weft_resolver_record *r = &answer->record[i];
        CHECK_U64(r->type, type);
        (void)snprintf(text + strlen(text), sizeof text - strlen(text), "%s%s", i != 0 ? " " : "",
                       r->host != NULL ? r->host : weft_address_host(&r->address, one));
    }
    wf_answer_drop(&answer);
    return text;
}

static void a_hosts_file_is_read_line_by_line(void)
{
    wf_hosts *hosts = wf_hosts_read(file, sizeof file - 1);
    REQUIRE(hosts != NULL);
    CHECK_STR(found(hosts, "box", WEFT_DNS_A), "192.0.2.1 192.0.2.2");
    CHECK_STR(found(hosts, "box", WEFT_DNS_AAAA), "2001:db8::1");
    CHECK_STR(found(hosts, "box.example", WEFT_DNS_A), "192.0.2.1");
    CHECK_STR(found(hosts, "last.example", WEFT_DNS_A), "192.0.2.4");
    CHECK_STR(found(hosts, "bad", WEFT_DNS_A), "unknown");
    CHECK_STR(found(hosts, "only", WEFT_DNS_A), "unknown");
    CHECK_STR(found(hosts, "comment", WEFT_DNS_A), "unknown");
    CHECK_STR(found(hosts, "192.0.2.98", WEFT_DNS_A), "unknown");
    wf_hosts_free(&hosts);
}

static void a_name_of_the_file_has_no_other_addresses(void)
{
    wf_hosts *hosts = wf_hosts_read(file, sizeof file - 1);
    REQUIRE(hosts != NULL);
    CHECK_STR(found(hosts, "box.example", WEFT_DNS_AAAA), "none");
    CHECK_STR(found(hosts, "box.example", WEFT_DNS_MX), "unknown");
    wf_hosts_free(&hosts);
}

static void an_address_of_the_file_has_the_first_name_of_its_line(void)
{
    wf_hosts *hosts = wf_hosts_read(file, sizeof file - 1);
    char name[WEFT_DNS_NAME_BYTES];
    weft_address v6;
    REQUIRE(hosts != NULL && wf_address_of_text("2001:db8::1", &v6));
    CHECK_STR(found(hosts, "1.2.0.192.in-addr.arpa", WEFT_DNS_PTR), "box.example");
    CHECK_STR(found(hosts, "9.2.0.192.in-addr.arpa", WEFT_DNS_PTR), "unknown");
    CHECK_STR(found(hosts, "1.2.0.in-addr.arpa", WEFT_DNS_PTR), "unknown");
    CHECK_STR(found(hosts, "01.2.0.192.in-addr.arpa", WEFT_DNS_PTR), "unknown");
    weft_dns_name_of_address(v6.ip, 16, name);
    CHECK_STR(found(hosts, name, WEFT_DNS_PTR), "box");
    wf_hosts_free(&hosts);
    hosts = wf_hosts_read("", 0);
    REQUIRE(hosts != NULL);
    CHECK_STR(found(hosts, "box", WEFT_DNS_A), "unknown");
    wf_hosts_free(&hosts);
}

/* ---- search domains */

static void check_search(const char *name, bool absolute, unsigned ndots, const char *want)
{
    wf_search search = {.ndots = ndots, .n = 2, .domain = {"one.example", "two"}};
    char text[2048] = "", one[WEFT_DNS_NAME_BYTES];
    for (unsigned i = 0; wf_search_name(&search, name, absolute, i, one); i++)
        (void)snprintf(text + strlen(text), sizeof text - strlen(text), "%s%s", i != 0 ? " " : "",
                       one);
    CHECK_STR(text, want);
}

static void a_name_with_few_dots_is_searched_for_first(void)
{
    check_search("box", false, 1, "box.one.example box.two box");
    check_search("box.x", false, 1, "box.x box.x.one.example box.x.two");
    check_search("box.x", false, 2, "box.x.one.example box.x.two box.x");
    check_search("box", false, 0, "box box.one.example box.two");
    check_search("box", true, 1, "box");
}

static void a_search_that_makes_a_name_too_long_ends(void)
{
    wf_search search = {.ndots = 1, .n = 1, .domain = {"example"}};
    char name[WEFT_DNS_NAME_BYTES], out[WEFT_DNS_NAME_BYTES];
    memset(name, 'a', sizeof name);
    name[WEFT_DNS_NAME_BYTES - 8] = '\0';
    CHECK(!wf_search_name(&search, name, false, 0, out));
    name[WEFT_DNS_NAME_BYTES - 9] = '\0';
    CHECK(wf_search_name(&search, name, false, 0, out));
}

/* ---- the order of addresses */

static void check_order(const char *given, const char *want)
{
    weft_address address[8];
    char text[256] = "", one[WEFT_ADDRESS_TEXT_BYTES], copy[256];
    uint32_t n = 0;
    (void)snprintf(copy, sizeof copy, "%s", given);
    for (char *at = copy, *word; (word = strsep(&at, " ")) != NULL; n++)
        REQUIRE(wf_address_of_text(word, &address[n]));
    wf_addresses_order(address, n);
    for (uint32_t i = 0; i < n; i++)
        (void)snprintf(text + strlen(text), sizeof text - strlen(text), "%s%s", i != 0 ? " " : "",
                       weft_address_host(&address[i], one));
    CHECK_STR(text, want);
}

static void families_take_turns_and_the_sixth_begins(void)
{
    check_order("192.0.2.1 192.0.2.2 2001:db8::1 2001:db8::2",
                "2001:db8::1 192.0.2.1 2001:db8::2 192.0.2.2");
    check_order("192.0.2.1 192.0.2.2 192.0.2.3 2001:db8::1",
                "2001:db8::1 192.0.2.1 192.0.2.2 192.0.2.3");
    check_order("2001:db8::1 2001:db8::2 2001:db8::3 192.0.2.1",
                "2001:db8::1 192.0.2.1 2001:db8::2 2001:db8::3");
    check_order("192.0.2.1", "192.0.2.1");
}

/* RFC 6724 2.1 */
static void addresses_of_lower_precedence_come_later(void)
{
    check_order("2002::1 192.0.2.1 2001:db8::1", "2001:db8::1 192.0.2.1 2002::1");
    check_order("fd00::1 192.0.2.1", "192.0.2.1 fd00::1");
    check_order("2001:0:1::1 fd00::1 2002::1 2001:db8::1",
                "2001:db8::1 2002::1 2001:0:1::1 fd00::1");
    check_order("2001:db8::1 ::1", "::1 2001:db8::1");
}

static const test_case cases[] = {
    TEST(a_hosts_file_is_read_line_by_line),
    TEST(a_name_of_the_file_has_no_other_addresses),
    TEST(an_address_of_the_file_has_the_first_name_of_its_line),
    TEST(a_name_with_few_dots_is_searched_for_first),
    TEST(a_search_that_makes_a_name_too_long_ends),
    TEST(families_take_turns_and_the_sixth_begins),
    TEST(addresses_of_lower_precedence_come_later),
    {0},
};

const test_suite resolver_parts_suite = {.name = "actors/resolver_parts", .cases = cases};

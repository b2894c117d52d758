/* SPDX-License-Identifier: MIT */
/* The resolver against a name server on the loopback: what c-ares does for it, files that change, and
 * connects to what was found. */
#include <arpa/inet.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include <weft/net.h>
#include <weft/resolver.h>

#include "actors/fake_dns.h"
#include "check.h"

static fake_dns servers[2];

static fake_dns_how answer_first(const weft_dns_question *q, bool tcp, weft_dns_writer *w,
                                 uint8_t *rcode)
{
    if (strcmp(q->name, "a.test") == 0 || strcmp(q->name, "box.search.test") == 0) {
        if (q->type == WEFT_DNS_A)
            fake_dns_address(w, q->name, 0, "127.0.0.1");
        return FAKE_ANSWER;
    }
    if (strcmp(q->name, "big.test") == 0) {
        fake_dns_text(w, q->name, 3000);
        return FAKE_TRUNCATED;
    }
    if (strcmp(q->name, "hangup.test") == 0)
        return tcp ? FAKE_HANGUP : FAKE_TRUNCATED;
    if (strcmp(q->name, "silent.test") == 0)
        return FAKE_SILENCE;
    if (strcmp(q->name, "fails.test") == 0)
        *rcode = WEFT_DNS_SERVFAIL;
    else if (strncmp(q->name, "decoy", 5) == 0)
        fake_dns_address(w, q->name, 60, "192.0.2.5");
    else
        *rcode = WEFT_DNS_NXDOMAIN;
    return strcmp(q->name, "decoy-id.test") == 0        ? FAKE_WRONG_ID
           : strcmp(q->name, "decoy-name.test") == 0    ? FAKE_OTHER_NAME
           : strcmp(q->name, "decoy-garbage.test") == 0 ? FAKE_GARBAGE
                                                        : FAKE_ANSWER;
}

static fake_dns_how answer_second(const weft_dns_question *q, bool tcp, weft_dns_writer *w,
                                  uint8_t *rcode)
{
    (void)tcp, (void)rcode;
    if (q->type == WEFT_DNS_A)
        fake_dns_address(w, q->name, 60, "192.0.2.222");
    return FAKE_ANSWER;
}

/* ---- questions one after the other */

typedef struct step {
    const char *name;
    weft_dns_type type;
    weft_err err;
    const char *text;     /* the first record, or a part of the sentence */
    void (*before)(void); /* what happens before it is asked */
} step;

static const step *steps;
static unsigned at;

typedef struct go {
    char nothing;
} go;
static const weft_type go_type = WEFT_TYPE("test.go", go, NULL);

static weft_err on_result(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    const step *s = &steps[at++];
    char text[WEFT_WHY_BYTES];
    (void)msg;
    CHECK_ERR(got->err, s->err);
    if (got->err != WEFT_OK)
        (void)snprintf(text, sizeof text, "%s", got->why);
    else {
        const weft_resolver_record *r = ((const weft_resolver_answer *)got->body)->records;
        if (r->data != NULL)
            (void)snprintf(text, sizeof text, "%zu bytes", r->data_bytes);
        else if (r->host != NULL)
            (void)snprintf(text, sizeof text, "%.150s", r->host);
        else
            (void)weft_address_host(&r->address, text);
    }
    if (strstr(text, s->text) == NULL)
        CHECK_STR(text, s->text);
    if (steps[at].name == NULL)
        weft_system_stop(self, WEFT_OK);
    else if (weft_after(self, 3, go, .nothing = 0).slot == 0)
        weft_system_stop(self, WEFT_ENOMEM);
    return WEFT_OK;
}

static weft_err on_go(weft_actor *self, weft_msg *msg)
{
    const step *s = &steps[at];
    if (s->before != NULL)
        s->before();
    return weft_when(msg, weft_resolver_ask(self, s->name, s->type), on_result);
}

static const weft_handler asker_rows[] = {
    {.type = &weft_started_type, .fn = on_go}, {.type = &go_type, .fn = on_go}, {0}};
static const weft_behaviour asker = {.name = "asker", .handlers = asker_rows};

static char folder[] = P_tmpdir "/weft-names-XXXXXX", hosts[64], conf[64];

static void put_file(const char *path, const char *text)
{
    char other[80];
    (void)snprintf(other, sizeof other, "%s.new", path);
    FILE *f = fopen(other, "w");
    REQUIRE(f != NULL);
    (void)fputs(text, f);
    (void)fclose(f);
    REQUIRE(rename(other, path) == 0);
}

static void put_conf(unsigned server, const char *more)
{
    char text[160];
    (void)snprintf(text, sizeof text, "nameserver 127.0.0.%u\n%s", server + 1, more);
    put_file(conf, text);
}

static void run(const step *script, weft_resolver_options options, const weft_behaviour *first)
{
    weft_system *sys =
        weft_system_new(&(weft_system_options){.log_level = WEFT_ERROR, .log_level_set = true});
    REQUIRE(sys != NULL);
    servers[0] = (fake_dns){.answer = answer_first};
    servers[1] = (fake_dns){.answer = answer_second};
    fake_dns_open(servers, 2);
    for (unsigned i = 0; i < 2; i++) {
        REQUIRE(!weft_ref_is_nobody(weft_system_spawn(sys, 0, &fake_dns_server, &servers[i])));
    }
    (void)snprintf(folder, sizeof folder, P_tmpdir "/weft-names-XXXXXX");
    REQUIRE(mkdtemp(folder) != NULL);
    (void)snprintf(hosts, sizeof hosts, "%s/hosts", folder);
    (void)snprintf(conf, sizeof conf, "%s/resolv.conf", folder);
    put_file(hosts, "192.0.2.10 hosted.test box2\n");
    put_conf(0, "search search.test\noptions ndots:1\n");
    options.resolv_conf = conf;
    options.hosts = hosts;
    options.look_ms = 1;
    options.port = servers[0].port;
    CHECK_OK(weft_resolver_use(sys, &options));
    steps = script;
    at = 0;
    REQUIRE(!weft_ref_is_nobody(weft_system_spawn(sys, 0, first, NULL)));
    CHECK_I64(weft_run(&sys), 0);
    (void)unlink(hosts);
    (void)unlink(conf);
    CHECK_I64(rmdir(folder), 0);
}

static void ask_all(const step *script)
{
    run(script, (weft_resolver_options){.timeout_ms = 500, .tries = 2}, &asker);
    CHECK(steps[at].name == NULL);
}

static void names_are_asked_of_the_server_in_resolv_conf(void)
{
    static const step script[] = {
        {"a.test", WEFT_DNS_A, WEFT_OK, "127.0.0.1", NULL},
        {"a.test", WEFT_DNS_AAAA, WEFT_ENONAME, "no AAAA record", NULL},
        {"nobody.test", WEFT_DNS_A, WEFT_ENONAME, "nobody.test", NULL},
        {"fails.test", WEFT_DNS_A, WEFT_EUNREACHABLE, "fails.test", NULL},
        {0},
    };
    ask_all(script);
    CHECK_U64(servers[1].udp, 0);
}

static void a_short_name_is_searched_for(void)
{
    static const step script[] = {
        {"box", WEFT_DNS_A, WEFT_OK, "127.0.0.1", NULL},
        {"box.", WEFT_DNS_A, WEFT_ENONAME, "box", NULL},
        {0},
    };
    ask_all(script);
}

static void a_truncated_answer_is_asked_for_again_over_tcp(void)
{
    static const step script[] = {{"big.test", WEFT_DNS_TXT, WEFT_OK, "3000 bytes", NULL}, {0}};
    ask_all(script);
    CHECK_U64(servers[0].udp, 1);
    CHECK_U64(servers[0].tcp, 1);
}

static void answers_to_something_else_are_not_believed(void)
{
    static const step script[] = {
        {"decoy-id.test", WEFT_DNS_A, WEFT_OK, "192.0.2.5", NULL},
        {"decoy-name.test", WEFT_DNS_A, WEFT_OK, "192.0.2.5", NULL},
        {"decoy-garbage.test", WEFT_DNS_A, WEFT_OK, "192.0.2.5", NULL},
        {0},
    };
    ask_all(script);
}

static void a_server_that_says_nothing_is_given_up(void)
{
    static const step script[] = {
        {"silent.test", WEFT_DNS_A, WEFT_ETIMEDOUT, "silent.test", NULL},
        {"hangup.test", WEFT_DNS_A, WEFT_EUNREACHABLE, "hangup.test", NULL},
        {0},
    };
    run(script, (weft_resolver_options){.timeout_ms = 50, .tries = 2}, &asker);
    CHECK_U64(at, 2);
    CHECK(servers[0].udp >= 3);
}

static void change_hosts(void)
{
    put_file(hosts, "192.0.2.11 hosted.test\n");
}

static void remove_hosts(void)
{
    CHECK_I64(unlink(hosts), 0);
}

static void put_hosts_back(void)
{
    put_file(hosts, "192.0.2.12 hosted.test\n");
}

static void the_hosts_file_comes_first_and_its_changes_are_noticed(void)
{
    static const step script[] = {
        {"hosted.test", WEFT_DNS_A, WEFT_OK, "192.0.2.10", NULL},
        {"box2", WEFT_DNS_A, WEFT_OK, "192.0.2.10", NULL},
        {"10.2.0.192.in-addr.arpa", WEFT_DNS_PTR, WEFT_OK, "hosted.test", NULL},
        {"hosted.test", WEFT_DNS_AAAA, WEFT_ENONAME, "no AAAA record", NULL},
        {"hosted.test", WEFT_DNS_A, WEFT_OK, "192.0.2.11", change_hosts},
        {"hosted.test", WEFT_DNS_A, WEFT_ENONAME, "hosted.test", remove_hosts},
        {"hosted.test", WEFT_DNS_A, WEFT_OK, "192.0.2.12", put_hosts_back},
        {0},
    };
    ask_all(script);
}

static void use_second(void)
{
    put_conf(1, "");
}

static void another_resolv_conf_means_other_servers(void)
{
    static const step script[] = {
        {"decoy.test", WEFT_DNS_A, WEFT_OK, "192.0.2.5", NULL},
        {"decoy.test", WEFT_DNS_A, WEFT_OK, "192.0.2.5", NULL},
        {"decoy.test", WEFT_DNS_A, WEFT_OK, "192.0.2.222", use_second}, /* not out of the cache */
        {0},
    };
    ask_all(script);
    CHECK_U64(servers[0].udp, 1);
    CHECK_U64(servers[1].udp, 1);
}

/* ---- a question under way when the file changes */

static weft_err ask_other(weft_actor *self, weft_msg *msg)
{
    put_conf(1, "");
    return weft_when(msg, weft_resolver_ask(self, "a.test", WEFT_DNS_A), on_result);
}

static weft_err on_moved(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    (void)msg;
    CHECK_ERR(got->err, WEFT_OK);
    if (got->err == WEFT_OK)
        CHECK_MEM(((const weft_resolver_answer *)got->body)->records[0].address.ip, 4,
                  "\xc0\0\2\xde", 4);
    if (at == 1)
        weft_system_stop(self, WEFT_OK);
    return WEFT_OK;
}

static weft_err ask_silent(weft_actor *self, weft_msg *msg)
{
    if (weft_after(self, 20, go, .nothing = 0).slot == 0)
        return WEFT_ENOMEM;
    return weft_when(msg, weft_resolver_ask(self, "silent.test", WEFT_DNS_A), on_moved);
}

static const weft_handler mover_rows[] = {
    {.type = &weft_started_type, .fn = ask_silent}, {.type = &go_type, .fn = ask_other}, {0}};
static const weft_behaviour mover = {.name = "mover", .handlers = mover_rows};

static void a_question_under_way_is_asked_again_of_the_new_server(void)
{
    static const step script[] = {{"a.test", WEFT_DNS_A, WEFT_OK, "192.0.2.222", NULL}, {0}};
    run(script, (weft_resolver_options){.timeout_ms = 5000, .tries = 2}, &mover);
    CHECK_U64(at, 1);
}

/* ---- connecting */

static char connect_url[96], closed_why[96];
static weft_err closed_reason;
static unsigned opens;

static weft_err on_opened(weft_actor *self, weft_msg *msg)
{
    opens++;
    return weft_close(self, ((const weft_opened *)weft_body(msg))->stream);
}

static weft_err on_closed(weft_actor *self, weft_msg *msg)
{
    const weft_closed *closed = weft_body(msg);
    closed_reason = closed->reason;
    (void)snprintf(closed_why, sizeof closed_why, "%s", closed->why);
    weft_system_stop(self, WEFT_OK);
    return WEFT_OK;
}

static weft_err connect_there(weft_actor *self, weft_msg *msg)
{
    (void)msg;
    return weft_ref_is_nobody(weft_connect(self, connect_url, weft_self(self))) ? WEFT_ENOMEM
                                                                                : WEFT_OK;
}

static const weft_handler client_rows[] = {
    {.type = &weft_started_type, .fn = connect_there},
    {.type = &weft_opened_type, .fn = on_opened},
    {.type = &weft_closed_type, .fn = on_closed},
    {0},
};
static const weft_behaviour client = {.name = "client", .handlers = client_rows};

static void connect_to(const char *host, const char *options, bool listens)
{
    static const step none[] = {{0}};
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof in;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    REQUIRE(fd >= 0 && bind(fd, (struct sockaddr *)&in, n) == 0);
    REQUIRE(!listens || listen(fd, 4) == 0);
    REQUIRE(getsockname(fd, (struct sockaddr *)&in, &n) == 0);
    (void)snprintf(connect_url, sizeof connect_url, "tcp://%s:%u%s", host, ntohs(in.sin_port),
                   options);
    opens = 0;
    run(none, (weft_resolver_options){.timeout_ms = 500, .tries = 2}, &client);
    (void)close(fd);
}

static void a_name_that_was_found_is_connected_to(void)
{
    connect_to("a.test", "", true);
    CHECK_U64(opens, 1);
    CHECK_ERR(closed_reason, WEFT_EDONE);
    connect_to("a.test", "?bind=127.0.0.1&bind6=[::1]", true);
    CHECK_U64(opens, 1);
    connect_to("localhost", "", true);
    CHECK_U64(opens, 1);
}

static void a_name_whose_addresses_refuse_says_which_did(void)
{
    connect_to("a.test", "", false);
    CHECK_U64(opens, 0);
    CHECK_ERR(closed_reason, WEFT_EREFUSED);
    CHECK(strstr(closed_why, "127.0.0.1:") != NULL);
    CHECK(strstr(closed_why, "refused") != NULL);
    connect_to("nobody.test", "", true);
    CHECK_ERR(closed_reason, WEFT_ENONAME);
    CHECK(strstr(closed_why, "nobody.test") != NULL);
    connect_to("silent.test", "?timeout=50ms", true);
    CHECK_ERR(closed_reason, WEFT_ETIMEDOUT);
    CHECK(strstr(closed_why, "its name was not found") != NULL);
    connect_to("a.test", "?bind=[::1]", true);
    CHECK_ERR(closed_reason, WEFT_EUNREACHABLE);
}

static const test_case cases[] = {
    TEST(names_are_asked_of_the_server_in_resolv_conf),
    TEST(a_short_name_is_searched_for),
    TEST(a_truncated_answer_is_asked_for_again_over_tcp),
    TEST(answers_to_something_else_are_not_believed),
    TEST(a_server_that_says_nothing_is_given_up),
    TEST(the_hosts_file_comes_first_and_its_changes_are_noticed),
    TEST(another_resolv_conf_means_other_servers),
    TEST(a_question_under_way_is_asked_again_of_the_new_server),
    TEST(a_name_that_was_found_is_connected_to),
    TEST(a_name_whose_addresses_refuse_says_which_did),
    {0},
};

const test_suite resolver_server_suite = {.name = "actors/resolver_server", .cases = cases};

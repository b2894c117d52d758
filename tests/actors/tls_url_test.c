/* SPDX-License-Identifier: MIT */
/* TLS by the options of URLs: whose certificate, whom to trust, what is agreed on, what is refused and in
 * which words; and files that are renewed. All of it over the simulated wire. */
#include <stdio.h>
#include <unistd.h>

#include <weft/tls.h>

#include "actors/stream_kit.h"
#include "test_certificate.h"

static const kit_transport wire = {.name = "sim", .url = "sim://kit:1", .sim = true};

/* ---- files */

enum { FILES_MAX = 12 };

static char names[FILES_MAX][96];
static unsigned files;

static const char *file_of(const char *text, const char *more)
{
    char *name = names[files];
    (void)snprintf(name, sizeof names[0], P_tmpdir "/weft-tls-%d-%u.pem", (int)getpid(), files);
    files++;
    REQUIRE(files <= FILES_MAX);
    FILE *to = fopen(name, "we");
    REQUIRE(to != NULL);
    CHECK(fputs(text, to) >= 0 && fputs(more, to) >= 0);
    CHECK(fclose(to) == 0);
    return name;
}

static void remove_files(void)
{
    while (files > 0)
        (void)unlink(names[--files]);
}

static const char *pair_of(const test_certificate *c)
{
    return file_of(c->certificate, c->key);
}

/* ---- two sides that say five bytes each, and what TLS told them */

static weft_tls_info told[2];

static void look(weft_actor *self, kit_side *s, weft_msg *msg)
{
    (void)msg;
    CHECK_OK(weft_tls_about(self, s->stream, &told[s == s->world->a ? 0 : 1]));
    s->total = 5;
    CHECK_OK(kit_send(self, s, 5));
}

static void close_it(weft_actor *self, kit_side *s, weft_msg *msg)
{
    (void)msg;
    (void)weft_close(self, s->stream);
}

static kit_side a, b;

static unsigned closes = 2;

static void run(const char *listen, const char *connect)
{
    memset(told, 0, sizeof told);
    a = (kit_side){.opened = look, .data = close_it, .ended = close_it};
    b = (kit_side){.opened = look, .ended = close_it};
    kit_run(&(kit_world){.by = &wire,
                         .a = &a,
                         .b = &b,
                         .listen_options = listen,
                         .connect_options = connect,
                         .closes = closes});
}

static const char *options(const char *format, ...) WEFT_PRINTF(1, 2);
static const char *options(const char *format, ...)
{
    static char text[16][1024];
    static unsigned next;
    char *to = text[next++ % 16];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(to, sizeof text[0], format, args);
    va_end(args);
    return to;
}

static void opened_is_told_who_the_peer_is(void)
{
    test_certificate c;
    test_certificate_make_by(
        &(test_certificate_plan){.subject = "the kit", .names = "DNS:kit,DNS:*.kit,IP:10.0.0.1"},
        &c);
    const char *file = pair_of(&c);
    run(options("?tls&cert=%s", file), options("?tls&ca=%s", file));
    CHECK_STR(a.log, "odc");
    CHECK_U64(a.got, 5);
    CHECK(told[0].up && told[1].up && told[1].server && !told[0].server);
    CHECK_STR(told[0].version, "TLSv1.3");
    CHECK_STR(told[1].host, "kit");
    const weft_tls_peer *peer = &told[0].peer;
    CHECK(peer->given && peer->verified);
    CHECK_STR(peer->problem, "");
    CHECK_STR(peer->subject, "CN=the kit");
    CHECK_STR(peer->names, "kit,*.kit,10.0.0.1");
    CHECK_U64(strlen(peer->fingerprint), 64);
    CHECK(peer->not_after_s - peer->not_before_s == 3660);
    CHECK(!told[1].peer.given);
    remove_files();
}

static void a_name_chooses_the_certificate_and_the_key_its_kind(void)
{
    test_certificate one, two, rsa;
    test_certificate_make("kit", &one);
    test_certificate_make("other.kit", &two);
    test_certificate_make_by(
        &(test_certificate_plan){.subject = "kit", .names = "DNS:kit", .rsa = true}, &rsa);
    const char *first = pair_of(&one), *second = pair_of(&two), *third = pair_of(&rsa);
    const char *listen = options("?tls&cert=%s&cert=%s&cert=%s", first, second, third);
    run(listen, options("?tls&ca=%s", first));
    CHECK_STR(told[0].peer.names, "kit");
    run(listen, options("?tls&ca=%s&host=other.kit", second));
    CHECK_U64(a.got, 5);
    CHECK_STR(told[0].peer.names, "other.kit");
    CHECK_STR(told[1].host, "other.kit");
    /* whoever asks for a name that nobody has is shown the first */
    run(listen, options("?tls&ca=%s&host=nobody", first));
    CHECK_ERR(a.reason, WEFT_ETLS);
    CHECK(strstr(a.why, "ostname mismatch") != NULL);
    remove_files();
}

static void a_server_with_the_certificate_alone_and_the_key_elsewhere(void)
{
    test_certificate c;
    test_certificate_make("kit", &c);
    const char *cert = file_of(c.certificate, ""), *key = file_of(c.key, "");
    run(options("?tls&cert=%s&key=%s", cert, key), options("?tls&ca=%s", cert));
    CHECK_U64(a.got, 5);
    remove_files();
}

static void a_chain_is_sent_and_its_root_is_enough(void)
{
    test_certificate root, leaf;
    test_certificate_make_by(&(test_certificate_plan){.subject = "root"}, &root);
    test_certificate_make_by(
        &(test_certificate_plan){.subject = "leaf", .names = "DNS:kit", .issuer = &root}, &leaf);
    const char *server = pair_of(&leaf), *ca = file_of(root.certificate, "");
    run(options("?tls&cert=%s", server), options("?tls&ca=%s", ca));
    CHECK_U64(a.got, 5);
    CHECK(told[0].peer.verified);
    /* somebody else's root is not */
    test_certificate other;
    test_certificate_make_by(&(test_certificate_plan){.subject = "root"}, &other);
    const char *wrong = file_of(other.certificate, "");
    run(options("?tls&cert=%s", server), options("?tls&ca=%s", wrong));
    CHECK_ERR(a.reason, WEFT_ETLS);
    CHECK_ERR(b.reason, WEFT_ETLS);
    CHECK_STR(b.log, "c");
    run(options("?tls&cert=%s", server), options("?tls&verify=off"));
    CHECK_U64(a.got, 5);
    CHECK(told[0].peer.given && !told[0].peer.verified);
    CHECK(strstr(told[0].peer.problem, "unable to get local issuer") != NULL);
    remove_files();
}

static void clients_show_certificates_where_they_are_asked_to(void)
{
    test_certificate server, ca, client, stranger;
    test_certificate_make("kit", &server);
    test_certificate_make_by(&(test_certificate_plan){.subject = "ca"}, &ca);
    test_certificate_make_by(&(test_certificate_plan){.subject = "client", .issuer = &ca}, &client);
    test_certificate_make_by(&(test_certificate_plan){.subject = "stranger"}, &stranger);
    const char *own = pair_of(&server), *root = file_of(ca.certificate, "");
    const char *known = pair_of(&client), *unknown = pair_of(&stranger);
    const char *required = options("?tls&cert=%s&ca=%s&clients=required", own, root);

    run(required, options("?tls&ca=%s&cert=%s", own, known));
    CHECK_U64(a.got, 5);
    CHECK(told[1].peer.given && told[1].peer.verified);
    CHECK_STR(told[1].peer.subject, "CN=client");

    run(required, options("?tls&ca=%s", own));
    CHECK_ERR(b.reason, WEFT_ETLS);
    CHECK(strstr(b.why, "did not return a certificate") != NULL);
    CHECK_ERR(a.reason, WEFT_ETLS);

    run(required, options("?tls&ca=%s&cert=%s", own, unknown));
    CHECK_ERR(b.reason, WEFT_ETLS);
    CHECK(strstr(b.why, "not accepted") != NULL);

    const char *asked = options("?tls&cert=%s&ca=%s&clients=asked", own, root);
    run(asked, options("?tls&ca=%s", own));
    CHECK_U64(a.got, 5);
    CHECK(!told[1].peer.given && !told[1].peer.verified);
    run(asked, options("?tls&ca=%s&cert=%s", own, unknown));
    CHECK_ERR(b.reason, WEFT_ETLS);
    remove_files();
}

static void what_is_spoken_within_is_agreed_on(void)
{
    test_certificate c;
    test_certificate_make("kit", &c);
    const char *file = pair_of(&c);
    run(options("?tls&cert=%s&alpn=h2,http/1.1", file),
        options("?tls&ca=%s&alpn=x,http/1.1", file));
    CHECK_STR(told[0].alpn, "http/1.1");
    CHECK_STR(told[1].alpn, "http/1.1");
    run(options("?tls&cert=%s&alpn=h2&tls_min=1.3", file), options("?tls&ca=%s&alpn=x", file));
    CHECK_ERR(a.reason, WEFT_ETLS);
    CHECK_ERR(b.reason, WEFT_ETLS);
    remove_files();
}

/* ---- words */

static void refused(const char *url, weft_err expected, const char *part)
{
    weft_listening got;
    weft_why why = {""};
    weft_sim *sim = weft_sim_new(&(weft_sim_options){.seed = 1});
    weft_err err = weft_listen_at(weft_sim_system(sim), url, &kit_side_behaviour, NULL, &got, &why);
    check_err(err, expected, url, __FILE__, __LINE__);
    if (strstr(why.text, part) == NULL)
        check_str(why.text, part, url, __FILE__, __LINE__);
    CHECK_U64(weft_sim_free(&sim), 0);
}

static void what_cannot_be_served_is_said_when_it_is_opened(void)
{
    test_certificate c, d, old, young;
    test_certificate_make("kit", &c);
    test_certificate_make("kit", &d);
    test_certificate_make_by(
        &(test_certificate_plan){.subject = "old", .from_s = -7200, .until_s = -3600}, &old);
    test_certificate_make_by(
        &(test_certificate_plan){.subject = "young", .from_s = 3600, .until_s = 7200}, &young);
    const char *cert = file_of(c.certificate, ""), *key = file_of(d.key, "");

    refused("sim://kit:1?tls", WEFT_EINVAL, "expected the options cert=FILE");
    refused("sim://kit:1?cert=x", WEFT_EINVAL, "\"cert\" is one of TLS");
    refused("sim://kit:1?tls&cert=/nowhere/at/all", WEFT_ENOTFOUND,
            "/nowhere/at/all: No such file");
    refused("sim://kit:1?tls&cert=/", WEFT_EINVAL, "is no file");
    refused(options("sim://kit:1?tls&cert=%s", cert), WEFT_EINVAL, "no key in it");
    refused(options("sim://kit:1?tls&cert=%s&key=%s", cert, key), WEFT_EINVAL, "is not that of");
    refused(options("sim://kit:1?tls&cert=%s&key=%s&key=x", cert, key), WEFT_EINVAL, "in pairs");
    refused(options("sim://kit:1?tls&cert=%s", key), WEFT_EINVAL, "no certificate in it");
    refused(options("sim://kit:1?tls&cert=%s", pair_of(&old)), WEFT_EINVAL, "expired on");
    refused(options("sim://kit:1?tls&cert=%s", pair_of(&young)), WEFT_EINVAL, "not valid before");
    const char *good = pair_of(&c);
    refused(options("sim://kit:1?tls&cert=%s&clients=asked", good), WEFT_EINVAL, "whose it trusts");
    refused(options("sim://kit:1?tls&cert=%s&ocsp=%s", good, cert), WEFT_EINVAL,
            "no answer of OCSP");
    refused(options("sim://kit:1?tls&cert=%s&alpn=a,,b", good), WEFT_EINVAL,
            "cannot be a protocol");
    remove_files();
}

static void a_broken_block_is_told_by_its_line(void)
{
    test_certificate c;
    test_certificate_make("kit", &c);
    const char *file =
        file_of(c.certificate, "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n");
    unsigned lines = 0;
    for (const char *at = c.certificate; *at != '\0'; at++)
        lines += *at == '\n';
    refused(options("sim://kit:1?tls&cert=%s", file), WEFT_EINVAL,
            options("ends at line %u is no certificate", lines + 3));
    remove_files();
}

static void a_client_says_what_it_cannot_do(void)
{
    test_certificate c;
    test_certificate_make("kit", &c);
    const char *file = pair_of(&c);
    closes = 1; /* nobody comes to the server */
    run(options("?tls&cert=%s", file), "?tls&ca=/nowhere/at/all");
    closes = 2;
    CHECK_ERR(a.reason, WEFT_ENOTFOUND);
    CHECK(strstr(a.why, "/nowhere/at/all") != NULL);
    remove_files();
}

/* ---- sessions that are resumed, files that are renewed */

static struct {
    const char *url;
    unsigned left; /* connections to come, one after the other */
    unsigned resumed, opens;
    uint32_t pause_ms;
    void (*between)(void);
    char names[256]; /* of the certificate that was seen last */
    weft_err reason;
} visits;

typedef struct again {
    char nothing;
} again;
static const weft_type again_type = WEFT_TYPE("test.again", again, NULL);

static weft_err visit(weft_actor *self, weft_msg *msg)
{
    (void)msg;
    CHECK(!weft_ref_is_nobody(weft_connect(self, visits.url, weft_self(self))));
    return WEFT_OK;
}

static weft_err visit_opened(weft_actor *self, weft_msg *msg)
{
    const weft_opened *opened = weft_body(msg);
    weft_tls_info info;
    CHECK_OK(weft_tls_about(self, opened->stream, &info));
    visits.opens++;
    visits.resumed += info.resumed;
    (void)snprintf(visits.names, sizeof visits.names, "%s", info.peer.names);
    return weft_write_text(self, opened->stream, "x");
}

/* The echo: a ticket has come with it, or before it. */
static weft_err visit_data(weft_actor *self, weft_msg *msg)
{
    return weft_close(self, ((const weft_data *)weft_body(msg))->stream);
}

static weft_err visit_closed(weft_actor *self, weft_msg *msg)
{
    visits.reason = ((const weft_closed *)weft_body(msg))->reason;
    if (--visits.left == 0)
        return weft_stop(self, WEFT_OK);
    if (visits.between != NULL)
        visits.between();
    (void)weft_after(self, visits.pause_ms, again, .nothing = 0);
    return WEFT_OK;
}

static const weft_handler visitor_rows[] = {
    {.type = &weft_started_type, .fn = visit},       {.type = &again_type, .fn = visit},
    {.type = &weft_opened_type, .fn = visit_opened}, {.type = &weft_data_type, .fn = visit_data},
    {.type = &weft_closed_type, .fn = visit_closed}, {0},
};
static const weft_behaviour visitor = {.name = "visitor", .handlers = visitor_rows};

static weft_err echo_data(weft_actor *self, weft_msg *msg)
{
    const weft_data *data = weft_body(msg);
    return weft_write(self, data->stream, data->bytes);
}
static const weft_handler echo_rows[] = {{.type = &weft_data_type, .fn = echo_data}, {0}};
static const weft_behaviour echo = {.name = "echo", .handlers = echo_rows};

static char logged[512];

static void note_log(void *context, const weft_log_line *line)
{
    size_t n = strlen(logged);
    (void)context;
    (void)snprintf(logged + n, sizeof logged - n, "%s\n", line->text);
}

/* @n visits at @connect of a server at @listen, both options. */
static void visit_all(const char *listen, const char *connect, unsigned n, uint32_t pause_ms,
                      void (*between)(void))
{
    logged[0] = '\0';
    visits.left = n;
    visits.resumed = visits.opens = 0;
    visits.pause_ms = pause_ms;
    visits.between = between;
    visits.url = options("sim://kit:1%s", connect);
    weft_sim *sim = weft_sim_new(&(weft_sim_options){.seed = 7, .system = {.log_hook = note_log}});
    CHECK_OK(weft_listen(weft_sim_system(sim), options("sim://kit:1%s", listen), &echo, NULL));
    CHECK(!weft_ref_is_nobody(weft_sim_spawn(sim, &visitor, NULL)));
    while (visits.left != 0)
        weft_sim_advance(sim, 1000);
    CHECK_U64(weft_sim_free(&sim), 0);
}

static void a_client_that_comes_again_resumes(void)
{
    test_certificate c;
    test_certificate_make("kit", &c);
    const char *file = pair_of(&c);
    const char *listen = options("?tls&cert=%s", file), *connect = options("?tls&ca=%s", file);
    visit_all(listen, connect, 4, 10, NULL);
    CHECK_U64(visits.opens, 4);
    CHECK_U64(visits.resumed, 3);
    CHECK_STR(visits.names, "kit"); /* the certificate of then */
    visit_all(options("%s&resume=off", listen), connect, 3, 10, NULL);
    CHECK_U64(visits.resumed, 0);
    visit_all(listen, options("%s&resume=off", connect), 3, 10, NULL);
    CHECK_U64(visits.resumed, 0);
    remove_files();
}

static void tickets_live_as_long_as_they_say_whatever_key_is_in_use(void)
{
    test_certificate c;
    test_certificate_make("kit", &c);
    const char *file = pair_of(&c);
    const char *listen = options("?tls&cert=%s", file), *connect = options("?tls&ca=%s", file);
    /* the key has been replaced in between, and still opens what it sealed */
    visit_all(listen, connect, 5, WEFT_TLS_TICKET_MS / 2 + 1000, NULL);
    CHECK_U64(visits.opens, 5);
    CHECK_U64(visits.resumed, 4);
    /* and not for ever */
    visit_all(listen, connect, 3, 2 * WEFT_TLS_TICKET_MS, NULL);
    CHECK_U64(visits.opens, 3);
    CHECK_U64(visits.resumed, 0);
    remove_files();
}

static test_certificate renewed;
static const char *renewed_file;
static unsigned renewals;

static void write_over(const char *file, const char *text, const char *more)
{
    FILE *to = fopen(file, "we");
    REQUIRE(to != NULL);
    CHECK(fputs(text, to) >= 0 && fputs(more, to) >= 0);
    CHECK(fclose(to) == 0);
}

static void renew_once(void)
{
    if (renewals++ == 0)
        write_over(renewed_file, renewed.certificate, renewed.key);
}

static void break_once(void)
{
    if (renewals++ == 0)
        write_over(renewed_file, "no certificate", "");
}

static void renewed_files_are_picked_up_while_connections_come(void)
{
    test_certificate c;
    test_certificate_make("kit", &c);
    test_certificate_make_by(
        &(test_certificate_plan){.subject = "new", .names = "DNS:kit,DNS:renewed"}, &renewed);
    renewed_file = pair_of(&c);
    renewals = 0;
    const char *listen = options("?tls&cert=%s", renewed_file);
    visit_all(listen, "?tls&verify=off&resume=off", 4, WEFT_TLS_CHECK_MS, renew_once);
    CHECK_U64(visits.opens, 4);
    CHECK_STR(visits.names, "kit,renewed");
    CHECK(strstr(logged, "renewed files are in use") != NULL);
    remove_files();
}

static void broken_new_files_are_told_once_and_the_old_ones_stay(void)
{
    test_certificate c;
    test_certificate_make("kit", &c);
    renewed_file = pair_of(&c);
    renewals = 0;
    const char *listen = options("?tls&cert=%s", renewed_file);
    visit_all(listen, "?tls&verify=off&resume=off", 5, WEFT_TLS_CHECK_MS, break_once);
    CHECK_U64(visits.opens, 5);
    CHECK_STR(visits.names, "kit");
    const char *first = strstr(logged, "no certificate in it");
    CHECK(first != NULL);
    CHECK(first == NULL || strstr(first + 1, "no certificate in it") == NULL);
    remove_files();
}

static const test_case cases[] = {
    TEST(opened_is_told_who_the_peer_is),
    TEST(a_name_chooses_the_certificate_and_the_key_its_kind),
    TEST(a_server_with_the_certificate_alone_and_the_key_elsewhere),
    TEST(a_chain_is_sent_and_its_root_is_enough),
    TEST(clients_show_certificates_where_they_are_asked_to),
    TEST(what_is_spoken_within_is_agreed_on),
    TEST(what_cannot_be_served_is_said_when_it_is_opened),
    TEST(a_broken_block_is_told_by_its_line),
    TEST(a_client_says_what_it_cannot_do),
    TEST(a_client_that_comes_again_resumes),
    TEST(tickets_live_as_long_as_they_say_whatever_key_is_in_use),
    TEST(renewed_files_are_picked_up_while_connections_come),
    TEST(broken_new_files_are_told_once_and_the_old_ones_stay),
    {0},
};

const test_suite tls_url_suite = {.name = "actors/tls url", .cases = cases};

/* SPDX-License-Identifier: MIT */
/* Handshakes take turns: whoever else lives on the reactor is served between them. And memory that is out
 * anywhere in them, OpenSSL's too, ends a stream and nothing else. */
#include <stdio.h>

#include <weft/edge.h>
#include <weft/tls.h>

#include "actors/stream_kit.h"
#include "runtime/alloc.h"
#include "test_certificate.h"

enum {
    CLIENTS = 300,
    /* a round trip over a pair takes some rounds, each with its turns; with no turns at all it is most of
     * the clients */
    BETWEEN_MAX = 6 * (int)WEFT_TLS_HANDSHAKES_A_ROUND,
};

static struct {
    weft_tls *server, *client;
    unsigned opened;     /* handshakes that are over, on the side of the server */
    unsigned last, most; /* of them when the echo came last; the most between two echoes */
    unsigned echoes, over;
    weft_ref ping;
} seen;

/* ---- an echo, on the reactor where the handshakes are */

static weft_err ping_opened(weft_actor *self, weft_msg *msg)
{
    seen.ping = weft_self(self);
    return weft_write_text(self, ((const weft_opened *)weft_body(msg))->stream, "x");
}

static weft_err ping_data(weft_actor *self, weft_msg *msg)
{
    const weft_data *data = weft_body(msg);
    unsigned between = seen.opened - seen.last;
    seen.last = seen.opened;
    seen.echoes++;
    if (between > seen.most)
        seen.most = between;
    if (seen.over == CLIENTS)
        return weft_close(self, data->stream);
    return weft_write(self, data->stream, data->bytes);
}

static weft_err pong_data(weft_actor *self, weft_msg *msg)
{
    const weft_data *data = weft_body(msg);
    return weft_write(self, data->stream, data->bytes);
}

static const weft_handler ping_rows[] = {{.type = &weft_opened_type, .fn = ping_opened},
                                         {.type = &weft_data_type, .fn = ping_data},
                                         {0}};
static const weft_handler pong_rows[] = {{.type = &weft_data_type, .fn = pong_data}, {0}};
static const weft_behaviour ping = {.name = "ping", .handlers = ping_rows};
static const weft_behaviour pong = {.name = "pong", .handlers = pong_rows};

/* ---- both ends of each handshake */

static weft_err server_opened(weft_actor *self, weft_msg *msg)
{
    weft_why why;
    const weft_opened *opened = weft_body(msg);
    CHECK_OK(weft_tls_push(self, opened->stream, seen.server, NULL, &why));
    return WEFT_OK;
}

/* The client speaks when it is up; so is the server then. */
static weft_err server_data(weft_actor *self, weft_msg *msg)
{
    seen.opened++;
    return weft_close(self, ((const weft_data *)weft_body(msg))->stream);
}

static weft_err client_opened(weft_actor *self, weft_msg *msg)
{
    weft_why why;
    const weft_opened *opened = weft_body(msg);
    CHECK_OK(weft_tls_push(self, opened->stream, seen.client, "kit", &why));
    return weft_write_text(self, opened->stream, "x");
}

static weft_err client_closed(weft_actor *self, weft_msg *msg)
{
    CHECK_ERR(((const weft_closed *)weft_body(msg))->reason, WEFT_EDONE);
    if (++seen.over == CLIENTS)
        weft_system_stop(self, WEFT_OK);
    return weft_stop(self, WEFT_OK);
}

static const weft_handler server_rows[] = {
    {.type = &weft_opened_type, .fn = server_opened},
    {.type = &weft_data_type, .fn = server_data},
    {0},
};
static const weft_handler client_rows[] = {
    {.type = &weft_opened_type, .fn = client_opened},
    {.type = &weft_closed_type, .fn = client_closed},
    {0},
};
static const weft_behaviour server = {.name = "server", .handlers = server_rows};
static const weft_behaviour client = {.name = "client", .handlers = client_rows};

static weft_err on_started(weft_actor *self, weft_msg *msg)
{
    weft_ref out[2];
    (void)msg;
    CHECK_OK(weft_pair(self, weft_spawn(self, &ping, NULL), weft_spawn(self, &pong, NULL), out));
    for (unsigned i = 0; i < CLIENTS; i++)
        CHECK_OK(
            weft_pair(self, weft_spawn(self, &client, NULL), weft_spawn(self, &server, NULL), out));
    return WEFT_OK;
}

static const weft_handler starter_rows[] = {{.type = &weft_started_type, .fn = on_started}, {0}};
static const weft_behaviour starter = {.name = "starter", .handlers = starter_rows};

static void make_sides(void)
{
    test_certificate c;
    test_certificate_make("kit", &c);
    weft_tls_config config = {.certificate_pem = c.certificate, .key_pem = c.key};
    memset(&seen, 0, sizeof seen);
    CHECK_OK(weft_tls_server(&config, &seen.server, NULL));
    CHECK_OK(weft_tls_client(&(weft_tls_config){.trust_pem = c.certificate, .no_resuming = true},
                             &seen.client, NULL));
}

static void an_echo_goes_on_between_the_handshakes_of_hundreds(void)
{
    make_sides();
    weft_system *sys = weft_system_new(&(weft_system_options){.no_signals = true});
    REQUIRE(sys != NULL);
    CHECK(!weft_ref_is_nobody(weft_system_spawn(sys, 0, &starter, NULL)));
    CHECK_I64(weft_run(&sys), 0);
    CHECK_U64(seen.over, CLIENTS);
    CHECK(seen.most > 0 && seen.most <= BETWEEN_MAX);
    if (seen.most > BETWEEN_MAX)
        (void)fprintf(stderr, "\n    %u handshakes between two echoes", seen.most);
    CHECK(seen.echoes >= CLIENTS / BETWEEN_MAX);
    weft_tls_drop(&seen.server);
    weft_tls_drop(&seen.client);
}

/* ---- memory */

static struct {
    unsigned closed;
    weft_err reason[2];
    weft_ref out[2];
} pair_seen;

static void note_closed(const weft_msg *msg, unsigned which)
{
    pair_seen.closed++;
    pair_seen.reason[which] = ((const weft_closed *)weft_body(msg))->reason;
}

static weft_err fragile_opened(weft_actor *self, weft_msg *msg)
{
    const weft_opened *opened = weft_body(msg);
    bool first = weft_config(self) != NULL;
    weft_err err = weft_tls_push(self, opened->stream, first ? seen.client : seen.server,
                                 first ? "kit" : NULL, NULL);
    if (err == WEFT_OK && first)
        err = weft_write_text(self, opened->stream, "x");
    if (err != WEFT_OK)
        (void)weft_abort(self, opened->stream, err);
    return WEFT_OK;
}

static weft_err fragile_data(weft_actor *self, weft_msg *msg)
{
    weft_tls_info info;
    weft_ref stream = ((const weft_data *)weft_body(msg))->stream;
    (void)weft_tls_about(self, stream, &info);
    return weft_close(self, stream);
}

static weft_err fragile_closed(weft_actor *self, weft_msg *msg)
{
    note_closed(msg, weft_config(self) != NULL);
    return weft_stop(self, WEFT_OK);
}

static const weft_handler fragile_rows[] = {
    {.type = &weft_opened_type, .fn = fragile_opened},
    {.type = &weft_data_type, .fn = fragile_data},
    {.type = &weft_closed_type, .fn = fragile_closed},
    {0},
};
static const weft_behaviour fragile = {.name = "fragile", .handlers = fragile_rows};

static weft_err fragile_started(weft_actor *self, weft_msg *msg)
{
    (void)msg;
    weft_ref a = weft_spawn(self, &fragile, "first"), b = weft_spawn(self, &fragile, NULL);
    if (weft_ref_is_nobody(a) || weft_ref_is_nobody(b) ||
        weft_pair(self, a, b, pair_seen.out) != WEFT_OK)
        return weft_stop(self, WEFT_ENOMEM);
    return WEFT_OK;
}

static const weft_handler fragile_starter_rows[] = {
    {.type = &weft_started_type, .fn = fragile_started}, {0}};
static const weft_behaviour fragile_starter = {.name = "starter", .handlers = fragile_starter_rows};

/* One exchange whose @n-th taking of memory fails. false: it has fewer. */
static bool fail_at(uint64_t n)
{
    memset(&pair_seen, 0, sizeof pair_seen);
    weft_sim *sim = weft_sim_new(&(weft_sim_options){.seed = 1});
    weft_sim_fail_allocation(sim, n);
    weft_ref starting = weft_sim_spawn(sim, &fragile_starter, NULL);
    (void)weft_sim_run(sim);
    weft_sim_advance(sim, 60000);
    bool met = weft_sim_allocation_failed(sim);
    CHECK(met || !weft_ref_is_nobody(starting));
    CHECK(met || (pair_seen.closed == 2 && pair_seen.reason[0] == WEFT_EDONE &&
                  pair_seen.reason[1] == WEFT_EDONE));
    CHECK_U64(weft_sim_free(&sim), 0);
    return met;
}

static void memory_that_is_out_anywhere_ends_the_stream_and_leaks_nothing(void)
{
    make_sides();
    uint64_t n = 1;
    (void)fail_at(UINT32_MAX); /* what is made but once is */
    while (fail_at(n))
        n++;
    CHECK(n > 20);
    /* thousands more are OpenSSL's: an eighth of them */
    test_openssl_memory_fails(true);
    for (n = 1; fail_at(n);)
        n += 8;
    test_openssl_memory_fails(false);
    CHECK(n > 500);
    weft_tls_drop(&seen.server);
    weft_tls_drop(&seen.client);
}

static void memory_that_is_out_while_a_side_is_made_is_told(void)
{
    test_certificate c;
    test_certificate_make("kit", &c);
    weft_tls_config config = {.certificate_pem = c.certificate,
                              .key_pem = c.key,
                              .trust_pem = c.certificate,
                              .clients = WEFT_TLS_CLIENTS_ASKED};
    for (long n = 0;; n += 1 + n / 64) {
        weft_tls *tls = NULL;
        weft_why why = {""};
        long before = wf_alloc_failed();
        test_openssl_memory_fails(true);
        wf_alloc_fail_after(n);
        weft_err err = weft_tls_server(&config, &tls, &why);
        wf_alloc_fail_after(-1);
        test_openssl_memory_fails(false);
        bool met = wf_alloc_failed() != before;
        CHECK(met || err == WEFT_OK);
        if (err != WEFT_OK) {
            /* OpenSSL may take memory that is out for a text that is broken */
            CHECK(err == WEFT_ENOMEM || err == WEFT_EINVAL);
            CHECK(why.text[0] != '\0');
            CHECK(tls == NULL);
        } else
            weft_tls_drop(&tls);
        if (!met)
            break;
    }
}

static const test_case cases[] = {
    TEST(an_echo_goes_on_between_the_handshakes_of_hundreds),
    TEST(memory_that_is_out_anywhere_ends_the_stream_and_leaks_nothing),
    TEST(memory_that_is_out_while_a_side_is_made_is_told),
    {0},
};

const test_suite tls_turns_suite = {.name = "actors/tls turns", .cases = cases};

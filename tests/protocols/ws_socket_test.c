/* SPDX-License-Identifier: MIT */
/* WebSockets over the simulated wire: weft's server and client against each other, and each against bytes. */
#include "check.h"

#include <stdlib.h>
#include <string.h>

#include <weft/net.h>
#include <weft/testing_stream.h>
#include <weft/websocket.h>

#include "protocols/websocket/ws_handshake.h"

#define URL "sim://server"
#define KEY "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
#define ASK                                                                               \
    "GET /echo?x=1 HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: keep-alive, " \
    "Upgrade\r\n"                                                                         \
    "Sec-WebSocket-Version: 13\r\n" KEY
#define AGREED                                                                    \
    "HTTP/1.1 101 Switching Protocols\r\nServer: weft\r\nConnection: upgrade\r\n" \
    "Upgrade: websocket\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"

/* ---- a server: says back what comes; "bye" closes with a code of its own */

static struct {
    unsigned opened, messages, closed, drained;
    uint16_t code;
    char reason[124], protocol[64], target[256];
    bool packs;
    weft_err closed_for;
} server;

static weft_err on_opened(weft_actor *self, weft_msg *msg)
{
    weft_ws_info info;
    server.opened++;
    if (weft_ws_about(self, weft_sender(msg), &info) != WEFT_OK)
        return WEFT_OK; /* lost already, for want of memory */
    (void)snprintf(server.protocol, sizeof server.protocol, "%s", info.protocol);
    (void)snprintf(server.target, sizeof server.target, "%s", info.target);
    server.packs = info.packs;
    return WEFT_OK;
}

static weft_err on_text(weft_actor *self, weft_msg *msg)
{
    const weft_ws_text *text = weft_body(msg);
    server.messages++;
    if (text->bytes.size == 3 && memcmp(text->bytes.at, "bye", 3) == 0)
        return weft_ws_close(self, text->stream, 4000, "as you wish");
    (void)weft_ws_send(self, text->stream, WEFT_WS_TEXT, text->bytes);
    return WEFT_OK;
}

static weft_err on_binary(weft_actor *self, weft_msg *msg)
{
    const weft_ws_binary *data = weft_body(msg);
    server.messages++;
    (void)weft_ws_send(self, data->stream, WEFT_WS_BINARY, data->bytes);
    return WEFT_OK;
}

static weft_err on_ended(weft_actor *self, weft_msg *msg)
{
    weft_ws_info info;
    if (weft_ws_about(self, weft_sender(msg), &info) != WEFT_OK)
        return WEFT_OK; /* lost meanwhile */
    server.code = info.close_code;
    (void)snprintf(server.reason, sizeof server.reason, "%s", info.close_reason);
    return weft_close(self, weft_sender(msg));
}

static weft_err on_closed(weft_actor *self, weft_msg *msg)
{
    const weft_closed *closed = weft_body(msg);
    server.closed++;
    server.closed_for = closed->reason;
    return weft_stop(self, WEFT_OK);
}

static const weft_handler echo_rows[] = {
    {.type = &weft_opened_type, .fn = on_opened},    {.type = &weft_ws_text_type, .fn = on_text},
    {.type = &weft_ws_binary_type, .fn = on_binary}, {.type = &weft_ended_type, .fn = on_ended},
    {.type = &weft_closed_type, .fn = on_closed},    {0},
};
static const weft_behaviour echo = {.name = "ws echo", .handlers = echo_rows};

static weft_err on_data(weft_actor *self, weft_msg *msg)
{
    const weft_data *data = weft_body(msg);
    return weft_write(self, data->stream, data->bytes);
}
static const weft_handler stream_rows[] = {{.type = &weft_data_type, .fn = on_data}, {0}};
static const weft_behaviour stream_echo = {.name = "stream echo", .handlers = stream_rows};

static const char *const protocols[] = {"v2", "v1", NULL};
static const char *const origins[] = {"https://friend.example", NULL};
static weft_websocket_config plain = {.behaviour = &echo, .options = {.message_bytes_max = 100000}};
static const weft_websocket_config picky = {
    .behaviour = &echo, .protocols = protocols, .origins = origins};
static const weft_websocket_config bytes = {.behaviour = &stream_echo, .options = {.stream = true}};
static const weft_http_route routes[] = {
    {.route = "GET /echo", .use = &weft_websocket, .config = &plain},
    {.route = "/picky", .use = &weft_websocket, .config = &picky},
    {.route = "GET /bytes", .use = &weft_websocket, .config = &bytes},
    {.route = "GET /nobody", .use = &weft_websocket},
    {0},
};

/* ---- a client, whose script is what the test gives */

enum { PARTS_MAX = 300 };

static struct {
    const char *url, *to;
    weft_ws_call call;
    bool calls;
    unsigned sends;   /* so many messages, one behind the other */
    size_t bytes;     /* each of them */
    const char *text; /* or this text once */
    bool pattern;     /* that does not pack well */
    char log[64];
    char got[256];
    uint64_t got_bytes, wrong;
    weft_err reason;
    char why[96], protocol[64];
    bool packs;
    weft_ref stream;
} client;

static uint8_t *payload;

static void note(char c)
{
    size_t n = strlen(client.log);
    if (n + 1 < sizeof client.log && (n == 0 || client.log[n - 1] != c))
        client.log[n] = c;
}

static weft_err client_started(weft_actor *self, weft_msg *msg)
{
    (void)msg;
    client.stream =
        weft_ws_connect(self, client.url, client.calls ? &client.call : NULL, weft_self(self));
    return WEFT_OK;
}

static weft_err send_next(weft_actor *self)
{
    if (client.sends == 0)
        return weft_ws_close(self, client.stream, 1000, "done");
    client.sends--;
    return weft_ws_send(self, client.stream, WEFT_WS_BINARY,
                        weft_bytes_static(payload, client.bytes));
}

static weft_err client_opened(weft_actor *self, weft_msg *msg)
{
    weft_ws_info info;
    note('o');
    CHECK_OK(weft_ws_about(self, weft_sender(msg), &info));
    (void)snprintf(client.protocol, sizeof client.protocol, "%s", info.protocol);
    client.packs = info.packs;
    if (client.text != NULL)
        return weft_ws_send_text(self, client.stream, "%s", client.text);
    return send_next(self);
}

static weft_err client_text(weft_actor *self, weft_msg *msg)
{
    const weft_ws_text *text = weft_body(msg);
    note('t');
    (void)snprintf(client.got, sizeof client.got, "%.*s", (int)text->bytes.size,
                   (const char *)text->bytes.at);
    return weft_ws_close(self, client.stream, 1000, "done");
}

static weft_err client_binary(weft_actor *self, weft_msg *msg)
{
    const weft_ws_binary *data = weft_body(msg);
    note('b');
    client.got_bytes += data->bytes.size;
    if (data->bytes.size != client.bytes ||
        (client.bytes != 0 && memcmp(data->bytes.at, payload, client.bytes) != 0))
        client.wrong++;
    return send_next(self);
}

static weft_err client_ended(weft_actor *self, weft_msg *msg)
{
    note('e');
    return weft_close(self, weft_sender(msg));
}

static weft_err client_closed(weft_actor *self, weft_msg *msg)
{
    const weft_closed *closed = weft_body(msg);
    note('c');
    client.reason = closed->reason;
    memcpy(client.why, closed->why, sizeof client.why);
    return weft_stop(self, WEFT_OK);
}

static const weft_handler client_rows[] = {
    {.type = &weft_started_type, .fn = client_started},
    {.type = &weft_opened_type, .fn = client_opened},
    {.type = &weft_ws_text_type, .fn = client_text},
    {.type = &weft_ws_binary_type, .fn = client_binary},
    {.type = &weft_ended_type, .fn = client_ended},
    {.type = &weft_closed_type, .fn = client_closed},
    {0},
};
static const weft_behaviour client_behaviour = {.name = "ws client", .handlers = client_rows};

static weft_sim *sim;

static void open_world(uint64_t seed)
{
    memset(&server, 0, sizeof server);
    sim = weft_sim_new(&(weft_sim_options){.seed = seed});
    CHECK_OK(weft_listen(weft_sim_system(sim), URL, &weft_http_site, routes));
}

static void close_world(void)
{
    CHECK_U64(weft_sim_free(&sim), 0);
}

static void run_client(const char *path)
{
    static char url[64];
    (void)snprintf(url, sizeof url, "ws://server%s", path);
    client.url = url;
    client.call.to = URL;
    client.calls = true;
    CHECK(!weft_ref_is_nobody(weft_sim_spawn(sim, &client_behaviour, NULL)));
    (void)weft_sim_settle(sim, 20000);
}

static void before(void)
{
    memset(&client, 0, sizeof client);
    free(payload);
    payload = malloc(1 << 20);
    for (size_t i = 0; i < 1 << 20; i++)
        payload[i] = (uint8_t)(i * i >> 5);
}

static void after(void)
{
    free(payload);
    payload = NULL;
}

/* ---- against bytes */

static weft_sim_peer *ask_for(const char *head)
{
    weft_sim_peer *peer = weft_sim_connect(sim, URL);
    weft_sim_peer_say(peer, head);
    return peer;
}

static void the_server_answers_as_the_standard_says(void)
{
    open_world(1);
    weft_sim_peer *peer = ask_for(ASK "\r\n");
    CHECK_STR(weft_sim_expect(peer, AGREED "\r\n"), "");
    weft_sim_peer_send(peer, "\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58", 11);
    CHECK_STR(weft_sim_expect(peer, "\x81\x05Hello"), "");
    weft_sim_peer_send(peer, "\x89\x80\x00\x00\x00\x00\x89\x82\x01\x01\x01\x01\x60\x63", 14);
    CHECK_STR(weft_sim_expect_bytes(peer,
                                    "\x8a\x00\x8a\x02"
                                    "ab",
                                    6),
              "");
    weft_sim_peer_send(peer, "\x88\x86\x00\x00\x00\x00\x03\xe9gone", 12);
    CHECK_STR(weft_sim_expect_bytes(peer, "\x88\x02\x03\xe9", 4), "");
    (void)weft_sim_settle(sim, 100);
    CHECK(peer->ended);
    CHECK_U64(server.opened, 1);
    CHECK_U64(server.code, 1001);
    CHECK_STR(server.reason, "gone");
    CHECK_STR(server.target, "/echo?x=1");
    weft_sim_peer_end(peer);
    (void)weft_sim_settle(sim, 5000);
    CHECK_U64(server.closed, 1);
    CHECK_ERR(server.closed_for, WEFT_EDONE);
    close_world();
}

#define PACKS "Sec-WebSocket-Extensions: permessage-deflate\r\n"

/* RFC 7692 section 7.2.3.4, and the like in pieces, many times over, and with nothing in it. */
static void a_block_that_says_it_is_the_last_ends_no_message(void)
{
    static const struct {
        const char *frames;
        size_t n;
        const char *answer;
        size_t answer_n;
    } rows[] = {
        {"\xc1\x88\0\0\0\0\xf3\x48\xcd\xc9\xc9\x07\x00\x00", 14, "\x81\x05Hello", 7},
        {"\x41\x83\0\0\0\0\xf3\x48\xcd\x80\x85\0\0\0\0\xc9\xc9\x07\x00\x00", 20, "\x81\x05Hello",
         7},
        {"\xc1\x8f\0\0\0\0\xf3\x48\xcd\xc9\xc9\x07\x00\xf3\x48\xcd\xc9\xc9\x07\x00\x00", 21,
         "\x81\x0aHelloHello", 12},
        {"\xc1\x87\0\0\0\0\x03\x00\x03\x00\x03\x00\x00", 13, "\x81\x00", 2},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        open_world(i + 1);
        weft_sim_peer *peer = ask_for(ASK PACKS "\r\n");
        CHECK_STR(weft_sim_expect(peer, AGREED), "");
        (void)weft_sim_settle(sim, 10);
        peer->expected = peer->got_bytes;
        weft_sim_peer_send(peer, rows[i].frames, rows[i].n);
        CHECK_STR(weft_sim_expect_bytes(peer, rows[i].answer, rows[i].answer_n), "");
        close_world();
    }
}

static void frames_right_behind_the_request_are_the_sockets(void)
{
    static const char frame[] = "\x81\x83\x00\x00\x00\x00one\x81\x83\x00\x00\x00\x00two";
    static const char expected[] = "\x81\x03one\x81\x03two";
    for (size_t step = 1; step < 300; step += step < 20 ? 1 : 60) {
        char all[600];
        open_world(step);
        weft_sim_peer *peer = weft_sim_connect(sim, URL);
        int n = snprintf(all, sizeof all, "%s\r\n", ASK);
        memcpy(all + n, frame, sizeof frame - 1);
        weft_sim_peer_send_steps(peer, all, (size_t)n + sizeof frame - 1, step);
        CHECK_STR(weft_sim_expect(peer, AGREED "\r\n"), "");
        CHECK_STR(weft_sim_expect_bytes(peer, expected, sizeof expected - 1), "");
        close_world();
    }
}

static void it_may_be_asked_for_behind_other_requests(void)
{
    open_world(1);
    weft_sim_peer *peer = ask_for("GET /none HTTP/1.1\r\nHost: h\r\n\r\n" ASK "\r\n");
    (void)weft_sim_settle(sim, 100);
    CHECK(strstr(peer->got, "404 Not Found") != NULL);
    CHECK(strstr(peer->got, "101 Switching") != NULL);
    close_world();
}

static const struct {
    const char *head, *answer;
} refusals[] = {
    {"GET /echo HTTP/1.1\r\nHost: h\r\n\r\n", "426 Upgrade Required"},
    {"GET /echo HTTP/1.1\r\nHost: h\r\n\r\n", "Connection: upgrade\r\nUpgrade: websocket\r\n"},
    {"GET /echo HTTP/1.0\r\nHost: h\r\n\r\n", "426 Upgrade"},
    {"GET /echo HTTP/1.0\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
     "Sec-WebSocket-Version: 13\r\n" KEY "\r\n",
     "426 Upgrade"},
    {ASK KEY "\r\n", "400 Bad Request"},
    {ASK "Sec-WebSocket-Version: 8\r\n\r\n", "400 Bad Request"},
    {"POST /picky HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n", "405 Method"},
    {"GET /echo HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" KEY "\r\n",
     "426 Upgrade"},
    {"GET /echo HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
     "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: short\r\n\r\n",
     "400 Bad Request"},
    {"GET /picky HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
     "Sec-WebSocket-Version: 13\r\nOrigin: https://foe.example\r\n" KEY "\r\n",
     "403 Forbidden"},
    {"GET /nobody HTTP/1.1\r\nHost: h\r\n\r\n", "500 Internal"},
};

static void what_is_no_request_for_one_is_told_why(void)
{
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        open_world(i + 1);
        weft_sim_peer *peer = ask_for(refusals[i].head);
        (void)weft_sim_settle(sim, 100);
        CHECK(strstr(peer->got, refusals[i].answer) != NULL);
        CHECK_U64(server.opened, 0);
        close_world();
    }
}

static void a_subprotocol_is_agreed_on(void)
{
    open_world(1);
    weft_sim_peer *peer =
        ask_for("GET /picky HTTP/1.1\r\nHost: h\r\nUpgrade: WebSocket\r\nConnection: Upgrade\r\n"
                "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: v1, v2\r\n"
                "Origin: https://FRIEND.example\r\n" KEY "\r\n");
    (void)weft_sim_settle(sim, 100);
    CHECK(strstr(peer->got, "Sec-WebSocket-Protocol: v2\r\n") != NULL);
    CHECK_STR(server.protocol, "v2");
    close_world();
}

static void a_broken_frame_is_closed_with_its_code(void)
{
    open_world(1);
    weft_sim_peer *peer = ask_for(ASK "\r\n");
    CHECK_STR(weft_sim_expect(peer, AGREED "\r\n"), "");
    weft_sim_peer_send(peer, "\x81\x01x", 3);
    CHECK_STR(weft_sim_expect_bytes(peer, "\x88", 1), "");
    (void)weft_sim_settle(sim, 100);
    CHECK(peer->got_bytes > 4 && memcmp(peer->got + peer->expected + 1, "\x03\xea", 2) == 0);
    CHECK_ERR(server.closed_for, WEFT_EPROTO);
    CHECK_U64(server.closed, 1);
    close_world();
}

static void an_end_without_a_close_is_a_truncation(void)
{
    open_world(1);
    weft_sim_peer *peer = ask_for(ASK "\r\n");
    CHECK_STR(weft_sim_expect(peer, AGREED "\r\n"), "");
    weft_sim_peer_end(peer);
    (void)weft_sim_settle(sim, 100);
    CHECK_ERR(server.closed_for, WEFT_ETRUNCATED);
    close_world();
}

static void who_says_nothing_is_pinged_and_then_given_up(void)
{
    open_world(1);
    weft_sim_peer *peer = ask_for(ASK "\r\n");
    CHECK_STR(weft_sim_expect(peer, AGREED "\r\n"), "");
    weft_sim_advance(sim, 29999);
    CHECK_U64(peer->got_bytes, peer->expected);
    weft_sim_advance(sim, 2);
    CHECK_STR(weft_sim_expect_bytes(peer, "\x89\x00", 2), "");
    weft_sim_peer_send(peer, "\x8a\x80\x00\x00\x00\x00", 6);
    weft_sim_advance(sim, 30001);
    CHECK_STR(weft_sim_expect_bytes(peer, "\x89\x00", 2), "");
    weft_sim_advance(sim, 29000);
    CHECK_U64(server.closed, 0);
    weft_sim_advance(sim, 2000);
    CHECK_U64(server.closed, 1);
    CHECK_ERR(server.closed_for, WEFT_ETIMEDOUT);
    close_world();
}

static void a_shut_down_closes_in_order(void)
{
    open_world(1);
    weft_sim_peer *peer = ask_for(ASK "\r\n");
    CHECK_STR(weft_sim_expect(peer, AGREED "\r\n"), "");
    weft_system_shutdown(weft_sim_system(sim), WEFT_OK);
    weft_sim_advance(sim, 100);
    CHECK_STR(weft_sim_expect_bytes(peer, "\x88\x02\x03\xe8", 4), "");
    close_world();
}

/* ---- client and server */

static void a_text_goes_there_and_back(void)
{
    open_world(1);
    client.text = "gr\xc3\xbc\xc3\x9f dich";
    run_client("/echo");
    CHECK_STR(client.log, "otc");
    CHECK_STR(client.got, client.text);
    CHECK_ERR(client.reason, WEFT_EDONE);
    CHECK(client.packs && server.packs);
    CHECK_U64(server.closed, 1);
    CHECK_ERR(server.closed_for, WEFT_EDONE);
    CHECK_U64(server.code, 1000);
    CHECK_STR(server.reason, "done");
    close_world();
}

static void the_server_may_close_with_a_code_of_its_own(void)
{
    open_world(1);
    client.text = "bye";
    run_client("/echo");
    CHECK_STR(client.log, "oec");
    CHECK_U64(server.closed, 1);
    close_world();
}

static void messages_of_every_size_come_back_whole(void)
{
    static const size_t sizes[] = {0, 1, 125, 126, 127, 255, 256, 4095, 4097, 65535, 65536, 99999};
    for (int packs = 0; packs < 2; packs++)
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
            before();
            open_world(i + 1);
            client.call.options.no_deflate = packs == 0;
            client.call.options.message_bytes_max = 100000;
            client.sends = 3;
            client.bytes = sizes[i];
            run_client("/echo");
            CHECK_U64(client.got_bytes, 3 * sizes[i]);
            CHECK_U64(client.wrong, 0);
            CHECK(client.packs == (packs == 1));
            CHECK_ERR(client.reason, WEFT_EDONE);
            close_world();
        }
}

static void a_message_beyond_the_limit_is_closed_with_1009(void)
{
    for (int packs = 0; packs < 2; packs++) {
        open_world(1);
        client.call.options.no_deflate = packs == 0;
        client.sends = 1;
        client.bytes = 100001;
        if (packs == 1)
            memset(payload, 'x', client.bytes);
        memset(client.log, 0, sizeof client.log);
        run_client("/echo");
        CHECK_U64(server.messages, 0);
        CHECK_ERR(server.closed_for, WEFT_ETOOBIG);
        CHECK_STR(client.log, "oec");
        close_world();
    }
}

static void a_stream_runs_over_it_as_over_tcp(void)
{
    open_world(1);
    client.call.options.message_bytes_max = 200000;
    client.sends = 2;
    client.bytes = 3000;
    run_client("/bytes");
    CHECK_U64(client.got_bytes, 6000);
    CHECK_U64(client.wrong, 0);
    close_world();
}

static void a_url_that_is_none_is_told_as_closed(void)
{
    open_world(1);
    client.url = "http://server/";
    CHECK(!weft_ref_is_nobody(weft_sim_spawn(sim, &client_behaviour, NULL)));
    (void)weft_sim_settle(sim, 100);
    CHECK_STR(client.log, "c");
    CHECK_ERR(client.reason, WEFT_EUNSUPPORTED);
    CHECK(strstr(client.why, "ws://") != NULL);
    close_world();
}

static void a_server_that_says_no_is_told_with_its_status(void)
{
    open_world(1);
    run_client("/none");
    CHECK_STR(client.log, "c");
    CHECK_ERR(client.reason, WEFT_EPROTO);
    CHECK(strstr(client.why, "404") != NULL);
    close_world();
}

/* What a server must not answer with. */
static const struct {
    const char *answer;
    weft_err reason;
} answers[] = {
    {"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", WEFT_EPROTO},
    {"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", WEFT_EDENIED},
    {"HTTP/1.1 101 Switching Protocols\r\n\r\n", WEFT_EPROTO},
    {"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n",
     WEFT_EPROTO},
    {"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
     "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
     WEFT_EPROTO},
    {"SSH-2.0-OpenSSH\r\n\r\n", WEFT_EPROTO},
    {NULL, WEFT_ETRUNCATED},
};

static void an_answer_that_does_not_agree_closes_it(void)
{
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        memset(&client, 0, sizeof client);
        sim = weft_sim_new(&(weft_sim_options){.seed = i + 1});
        weft_sim_peer *peer = weft_sim_listen(sim, URL);
        client.call.to = URL;
        client.calls = true;
        client.url = "ws://server/x";
        CHECK(!weft_ref_is_nobody(weft_sim_spawn(sim, &client_behaviour, NULL)));
        (void)weft_sim_settle(sim, 100);
        CHECK(strstr(peer->got, "GET /x HTTP/1.1\r\nHost: server\r\n") != NULL);
        if (answers[i].answer != NULL)
            weft_sim_peer_say(peer, answers[i].answer);
        else
            weft_sim_peer_end(peer);
        (void)weft_sim_settle(sim, 100);
        CHECK_STR(client.log, "c");
        CHECK_ERR(client.reason, answers[i].reason);
        close_world();
    }
}

/* A server may speak right behind its answer: what it says is told behind `opened`, and not lost. */
static void a_message_that_comes_with_the_answer_is_told(void)
{
    char accept[WF_WS_ACCEPT_BYTES + 1], answer[256];
    sim = weft_sim_new(&(weft_sim_options){.seed = 1});
    weft_sim_peer *peer = weft_sim_listen(sim, URL);
    client.call = (weft_ws_call){.to = URL, .options = {.no_deflate = true}};
    client.calls = true;
    client.url = "ws://server/x";
    client.text = "hello";
    CHECK(!weft_ref_is_nobody(weft_sim_spawn(sim, &client_behaviour, NULL)));
    (void)weft_sim_settle(sim, 100);
    const char *key = strstr(peer->got, "Sec-WebSocket-Key: ");
    if (key != NULL &&
        wf_ws_accept_of((weft_http_text){key + strlen("Sec-WebSocket-Key: "), WF_WS_KEY_BYTES},
                        accept)) {
        (void)snprintf(
            answer, sizeof answer,
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Accept: %s\r\n\r\n\x81\x05there",
            accept);
        weft_sim_peer_say(peer, answer);
    }
    (void)weft_sim_settle(sim, 100);
    CHECK_STR(client.got, "there");
    CHECK(strncmp(client.log, "ot", 2) == 0);
    close_world();
}

static void a_server_that_never_answers_is_given_up(void)
{
    sim = weft_sim_new(&(weft_sim_options){.seed = 1});
    weft_sim_peer *peer = weft_sim_listen(sim, URL);
    client.call.to = URL;
    client.calls = true;
    client.url = "ws://server/x";
    CHECK(!weft_ref_is_nobody(weft_sim_spawn(sim, &client_behaviour, NULL)));
    weft_sim_advance(sim, 9000);
    CHECK_STR(client.log, "");
    weft_sim_advance(sim, 2000);
    CHECK_STR(client.log, "c");
    CHECK_ERR(client.reason, WEFT_ETIMEDOUT);
    CHECK(peer->closed);
    close_world();
}

static void a_socket_elsewhere_or_none_is_an_error(void)
{
    open_world(1);
    weft_sim_peer *peer = weft_sim_string(sim, &stream_echo, NULL);
    (void)peer;
    CHECK_ERR(weft_ws_send(NULL, WEFT_NOBODY, WEFT_WS_TEXT, WEFT_NO_BYTES), WEFT_EGONE);
    CHECK_ERR(weft_ws_close(NULL, WEFT_NOBODY, 1000, NULL), WEFT_EGONE);
    close_world();
}

static void faults_of_the_wire_leave_nothing_behind(void)
{
    for (uint64_t seed = 1; seed <= 60; seed++) {
        before();
        memset(&server, 0, sizeof server);
        sim = weft_sim_new(&(weft_sim_options){
            .seed = seed, .faults = {.lost = 20000, .short_read = 300000, .short_write = 300000}});
        CHECK_OK(weft_listen(weft_sim_system(sim), URL, &weft_http_site, routes));
        client.call.options.message_bytes_max = 100000;
        client.sends = 20;
        client.bytes = 3000 * (seed % 7);
        run_client("/echo");
        CHECK_U64(client.wrong, 0);
        CHECK(strchr(client.log, 'c') != NULL);
        CHECK_U64(server.opened, server.closed);
        close_world();
    }
}

static void memory_that_is_out_anywhere_leaks_nothing(void)
{
    for (uint64_t n = 1;; n += 1) {
        before();
        open_world(1);
        weft_sim_fail_allocation(sim, n);
        client.sends = 2;
        client.bytes = 3000;
        client.url = "ws://server/echo";
        client.call.to = URL;
        client.calls = true;
        if (!weft_ref_is_nobody(weft_sim_spawn(sim, &client_behaviour, NULL)))
            (void)weft_sim_settle(sim, 60000);
        bool met = weft_sim_allocation_failed(sim);
        CHECK_U64(client.wrong, 0);
        close_world();
        if (!met)
            break;
    }
}

static const test_case cases[] = {
    TEST(the_server_answers_as_the_standard_says),
    TEST(a_block_that_says_it_is_the_last_ends_no_message),
    TEST(frames_right_behind_the_request_are_the_sockets),
    TEST(it_may_be_asked_for_behind_other_requests),
    TEST(what_is_no_request_for_one_is_told_why),
    TEST(a_subprotocol_is_agreed_on),
    TEST(a_broken_frame_is_closed_with_its_code),
    TEST(an_end_without_a_close_is_a_truncation),
    TEST(who_says_nothing_is_pinged_and_then_given_up),
    TEST(a_shut_down_closes_in_order),
    TEST(a_text_goes_there_and_back),
    TEST(the_server_may_close_with_a_code_of_its_own),
    TEST(messages_of_every_size_come_back_whole),
    TEST(a_message_beyond_the_limit_is_closed_with_1009),
    TEST(a_stream_runs_over_it_as_over_tcp),
    TEST(a_url_that_is_none_is_told_as_closed),
    TEST(a_server_that_says_no_is_told_with_its_status),
    TEST(an_answer_that_does_not_agree_closes_it),
    TEST(a_message_that_comes_with_the_answer_is_told),
    TEST(a_server_that_never_answers_is_given_up),
    TEST(a_socket_elsewhere_or_none_is_an_error),
    TEST(faults_of_the_wire_leave_nothing_behind),
    TEST(memory_that_is_out_anywhere_leaks_nothing),
    {0},
};
const test_suite ws_socket_suite = {
    .name = "protocols/ws_socket", .before = before, .after = after, .cases = cases};

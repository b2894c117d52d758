/* SPDX-License-Identifier: MIT */
/* The live web on the wire: WebSockets by the samples of RFC 6455, and server-sent events. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weft/net.h>
#include <weft/sse.h>
#include <weft/testing_stream.h>
#include <weft/websocket.h>

#include "check.h"
#include "wire_player.h"

enum { EVENTS_MAX = 8, TEXT_BYTES = 96 };

/* ---- a socket that says back what comes; "bye" has it close with a code of its own */

static struct {
    unsigned messages, closed, events;
    uint16_t code;
    weft_err reason;
} saw;

static weft_err on_message(weft_actor *self, weft_msg *msg)
{
    const weft_data *said = weft_body(msg);
    weft_ws_opcode opcode = weft_type_of(msg) == &weft_ws_text_type ? WEFT_WS_TEXT : WEFT_WS_BINARY;
    saw.messages++;
    if (said->bytes.size == 3 && memcmp(said->bytes.at, "bye", 3) == 0)
        return weft_ws_close(self, said->stream, 4000, "as you wish");
    return weft_ws_send(self, said->stream, opcode, said->bytes);
}

static weft_err on_ended(weft_actor *self, weft_msg *msg)
{
    weft_ws_info info;
    if (weft_ws_about(self, weft_sender(msg), &info) == WEFT_OK)
        saw.code = info.close_code;
    return weft_close(self, weft_sender(msg));
}

static weft_err on_closed(weft_actor *self, weft_msg *msg)
{
    saw.closed++;
    saw.reason = ((const weft_closed *)weft_body(msg))->reason;
    return weft_stop(self, WEFT_OK);
}

static const weft_handler echo_rows[] = {
    {.type = &weft_ws_text_type, .fn = on_message},
    {.type = &weft_ws_binary_type, .fn = on_message},
    {.type = &weft_ended_type, .fn = on_ended},
    {.type = &weft_closed_type, .fn = on_closed},
    {0},
};
static const weft_behaviour echo = {.name = "echo", .handlers = echo_rows};

/* ---- a feed of the events that the script has named */

static struct {
    char event[TEXT_BYTES], id[TEXT_BYTES], text[TEXT_BYTES], comment[TEXT_BYTES];
    uint32_t retry_ms;
} events[EVENTS_MAX];
static unsigned events_n;

static const char *given(const char *text)
{
    return text[0] != '\0' ? text : NULL;
}

static weft_err on_request(weft_actor *self, weft_msg *msg)
{
    weft_ref stream = ((const weft_http_request *)weft_body(msg))->stream;
    unsigned long had = strtoul(weft_sse_last_id(msg), NULL, 10);
    weft_err err = weft_sse_begin(msg);
    for (unsigned i = 0; i < events_n && err == WEFT_OK; i++) {
        if (events[i].id[0] != '\0' && strtoul(events[i].id, NULL, 10) <= had)
            continue;
        saw.events++;
        err = events[i].comment[0] != '\0'
                  ? weft_sse_comment(self, stream, events[i].comment)
                  : weft_sse_send(self, stream,
                                  &(weft_sse){.event = given(events[i].event),
                                              .id = given(events[i].id),
                                              .text = events[i].text,
                                              .retry_ms = events[i].retry_ms});
    }
    return err;
}
static const weft_handler feed_rows[] = {{.type = &weft_http_request_type, .fn = on_request}, {0}};
static const weft_behaviour feed = {
    .name = "feed", .handlers = feed_rows, .state_bytes = sizeof(char)};

/* ---- the world */

static const char *const protocols[] = {"superchat", NULL};
static weft_websocket_config sockets;
static const weft_http_route routes[] = {
    {.route = "GET /chat", .use = &weft_websocket, .config = &sockets},
    {.route = "GET /events", .use = &feed, .stream = true},
    {0},
};

static void reset(void)
{
    memset(&saw, 0, sizeof saw);
    memset(events, 0, sizeof events);
    events_n = 0;
    sockets = (weft_websocket_config){
        .behaviour = &echo, .protocols = protocols, .options = {.ping_ms = UINT32_MAX}};
}

/* NAME=VALUE ... up to "text=", which takes the rest; "|" in it is a line's end. */
static bool add_event(char *rest)
{
    if (events_n == EVENTS_MAX)
        return false;
    unsigned i = events_n++;
    char *text = strstr(rest, "text=");
    if (text == NULL)
        return false;
    (void)snprintf(events[i].text, TEXT_BYTES, "%s", text + strlen("text="));
    for (char *at = events[i].text; (at = strchr(at, '|')) != NULL;)
        *at = '\n';
    *text = '\0';
    for (char *word = strtok(rest, " "); word != NULL; word = strtok(NULL, " ")) {
        char *value = strchr(word, '=');
        if (value == NULL)
            return false;
        *value++ = '\0';
        if (strcmp(word, "event") == 0)
            (void)snprintf(events[i].event, TEXT_BYTES, "%s", value);
        else if (strcmp(word, "id") == 0)
            (void)snprintf(events[i].id, TEXT_BYTES, "%s", value);
        else if (strcmp(word, "retry") == 0)
            events[i].retry_ms = (uint32_t)strtoul(value, NULL, 10);
        else
            return false;
    }
    return true;
}

static bool setup(const char *word, char *rest)
{
    const wire_limit limits[] = {
        {"ping_ms", &sockets.options.ping_ms, NULL},
        {"message_bytes_max", NULL, &sockets.options.message_bytes_max},
        {0},
    };
    if (strcmp(word, "event") == 0)
        return add_event(rest);
    if (strcmp(word, "comment") == 0 && events_n < EVENTS_MAX) {
        (void)snprintf(events[events_n++].comment, TEXT_BYTES, "%s", rest);
        return true;
    }
    return wire_set_limit(limits, word, rest);
}

static weft_sim *open_world(uint64_t seed)
{
    weft_sim *sim = weft_sim_new(&(weft_sim_options){.seed = seed});
    REQUIRE(sim != NULL);
    CHECK_OK(weft_listen(weft_sim_system(sim), "sim://web", &weft_http_site, routes));
    return sim;
}

/* <close CODE [REASON]: such a frame of the server, whose reason is at most 123 bytes. */
static void put_close(char *rest, wire_text *out)
{
    unsigned long code = strtoul(rest, &rest, 10);
    const char *reason = rest[0] == ' ' ? rest + 1 : rest;
    size_t n = strlen(reason);
    char frame[] = {(char)0x88, (char)(2 + n), (char)(code >> 8), (char)code};
    wire_put(out, frame, sizeof frame);
    wire_put(out, reason, n);
}

/* <agreed [PROTOCOL]: what answers the handshake whose key is the sample of RFC 6455, section 1.3. <feed: the head of
 * a feed for HTTP/1.0, whose body is not in chunks. */
static bool expand(const char *word, char *rest, wire_text *out)
{
    char head[512];
    if (strcmp(word, "close") == 0) {
        put_close(rest, out);
        return true;
    }
    if (strcmp(word, "agreed") == 0)
        (void)snprintf(head, sizeof head,
                       "HTTP/1.1 101 Switching Protocols\r\nServer: weft\r\n"
                       "Connection: upgrade\r\nUpgrade: websocket\r\n"
                       "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n%s%s%s\r\n",
                       rest[0] != '\0' ? "Sec-WebSocket-Protocol: " : "", rest,
                       rest[0] != '\0' ? "\r\n" : "");
    else if (strcmp(word, "feed") == 0)
        (void)snprintf(head, sizeof head,
                       "HTTP/1.1 200 OK\r\nServer: weft\r\nContent-Type: text/event-stream\r\n"
                       "Cache-Control: no-store\r\nX-Accel-Buffering: no\r\n\r\n");
    else
        return false;
    wire_put(out, head, strlen(head));
    return true;
}

static bool check(const char *word, const char *rest)
{
    const wire_count counts[] = {
        {"messages", saw.messages},
        {"closed", saw.closed},
        {"code", saw.code},
        {"events", saw.events},
        {0},
    };
    if (strcmp(word, "reason") == 0) {
        CHECK_STR(weft_err_name(saw.reason), rest);
        return true;
    }
    return wire_check_count(counts, word, rest);
}

static const wire_world world = {.url = "sim://web",
                                 .reset = reset,
                                 .setup = setup,
                                 .open = open_world,
                                 .expand = expand,
                                 .check = check,
                                 .strip = wire_strip_dates};

/* ---- the scripts */

#define SCRIPTS(X)                                                \
    X(websocket, the_opening_handshake_of_rfc_6455)               \
    X(websocket, the_samples_of_rfc_6455)                         \
    X(websocket, lengths_have_three_forms)                        \
    X(websocket, pings_come_between_the_parts_of_a_message)       \
    X(websocket, a_close_is_answered_with_its_code)               \
    X(websocket, a_close_without_a_code_is_answered)              \
    X(websocket, a_server_closes_with_a_code_of_its_own)          \
    X(websocket, a_code_that_may_not_be_sent_is_1002)             \
    X(websocket, a_text_that_is_not_utf_8_is_1007)                \
    X(websocket, a_character_may_be_cut_by_the_parts)             \
    X(websocket, a_frame_without_a_mask_is_1002)                  \
    X(websocket, a_reserved_bit_is_1002)                          \
    X(websocket, an_unknown_opcode_is_1002)                       \
    X(websocket, a_ping_in_parts_is_1002)                         \
    X(websocket, a_part_of_nothing_is_1002)                       \
    X(websocket, a_message_within_another_is_1002)                \
    X(websocket, a_message_beyond_its_limit_is_1009)              \
    X(websocket, a_peer_that_answers_pings_at_once_stays)         \
    X(websocket, a_peer_that_is_silent_is_pinged_and_given_up)    \
    X(websocket, a_peer_that_goes_without_a_word_is_told_as_1006) \
    X(sse, events_are_lines_and_end_with_a_blank_one)             \
    X(sse, who_comes_again_is_told_what_is_new)                   \
    X(sse, a_feed_of_http_1_1_is_in_chunks)

#define SCRIPT(folder, name)                      \
    static void name(void)                        \
    {                                             \
        wire_play_all(#folder "/" #name, &world); \
    }
SCRIPTS(SCRIPT)

static const test_case cases[] = {
#define CASE(folder, name) TEST(name),
    SCRIPTS(CASE)
#undef CASE
        {0},
};

const test_suite live_wire_suite = {"protocols/live_wire", NULL, NULL, cases, false};

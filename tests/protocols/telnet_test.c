/* SPDX-License-Identifier: MIT */
/* Telnet: its bytes, how options are agreed on, and both ends over the simulated wire. */
#include "check.h"
#include "random.h"
#include "telnet_codec.h"
#include "telnet_options.h"
#include "wire_player.h"

#include <stdlib.h>
#include <string.h>

#include <weft/framing.h>
#include <weft/net.h>
#include <weft/telnet.h>
#include <weft/testing_stream.h>

#define URL "sim://server"

/* ---- bytes: text as it is, "<WILL 1>", "<244>", "<1:bytes>" */

static char told[4096];

static void put(const char *at, size_t n)
{
    size_t length = strlen(told);
    if (length + n < sizeof told) {
        memcpy(told + length, at, n);
        told[length + n] = '\0';
    }
}

static void put_event(const wf_telnet_event *event)
{
    static const char *const verbs[] = {"WILL", "WONT", "DO", "DONT"};
    char text[64];
    if (event->kind == WF_TELNET_TEXT) {
        put((const char *)event->at, event->n);
        return;
    }
    if (event->kind == WF_TELNET_COMMAND)
        (void)snprintf(text, sizeof text, "<%u>", event->verb);
    else if (event->kind == WF_TELNET_SAYS)
        (void)snprintf(text, sizeof text, "<%s %u>", verbs[event->verb - WF_TELNET_WILL],
                       event->option);
    else
        (void)snprintf(text, sizeof text, "<%u:%.*s>", event->option, (int)event->n, event->at);
    put(text, strlen(text));
}

static weft_err read_steps(const char *at, size_t n, size_t step, bool binary)
{
    wf_telnet_reader r = {.binary = binary};
    weft_err err = WEFT_OK;
    told[0] = '\0';
    for (size_t i = 0; i < n && err == WEFT_OK;) {
        size_t size = n - i < step ? n - i : step, used;
        wf_telnet_event event;
        err = wf_telnet_read(&r, (const uint8_t *)at + i, size, &used, &event, NULL);
        CHECK(used <= size && (used > 0 || err != WEFT_OK));
        i += used;
        if (err == WEFT_OK && event.kind != WF_TELNET_NOTHING)
            put_event(&event);
    }
    return err;
}

#define BYTES(text) text, sizeof(text) - 1
static const struct {
    const char *at;
    size_t n;
    const char *told;
    bool binary;
} inputs[] = {
    {BYTES("hello"), "hello", false},
    {BYTES("a\xff\xff"
           "b"),
     "a\xff"
     "b",
     false},
    {BYTES("a\r\0b\r\nc\r"), "a\rb\r\nc\r", false},
    {BYTES("\r\r\0\r\0\r\nx"), "\r\r\r\r\nx", false},
    {BYTES("a\r\xff\xf1\0b"), "a\r<241>b", false},
    {BYTES("\xff\xfb\x01\xff\xfc\x02x\xff\xfd\x03\xff\xfe\xff"),
     "<WILL 1><WONT 2>x<DO 3><DONT 255>", false},
    {BYTES("\xff\xf4\xff\xf6"), "<244><246>", false},
    {BYTES("\xff\xfa\x18IS\xff\xff\xff\xf0x"), "<24:IS\xff>x", false},
    {BYTES("\xff\xfa\xff\xff\xf0"), "<255:>", false},
    {BYTES("a\rb"), "a\rb", true},
};

static void bytes_are_read_however_they_are_cut(void)
{
    for (size_t i = 0; i < sizeof inputs / sizeof *inputs; i++)
        for (size_t step = 1; step < 30; step++) {
            CHECK_OK(read_steps(inputs[i].at, inputs[i].n, step, inputs[i].binary));
            CHECK_STR(told, inputs[i].told);
        }
}

static void a_subnegotiation_has_a_limit_and_an_end(void)
{
    char text[WF_TELNET_SUB_BYTES_MAX + 8] = "\xff\xfa\x1f";
    memset(text + 3, 'x', WF_TELNET_SUB_BYTES_MAX + 1);
    CHECK_ERR(read_steps(text, 3 + WF_TELNET_SUB_BYTES_MAX + 1, 7, false), WEFT_ETOOBIG);
    text[3 + WF_TELNET_SUB_BYTES_MAX] = '\xff';
    text[4 + WF_TELNET_SUB_BYTES_MAX] = '\xf0';
    CHECK_OK(read_steps(text, 3 + WF_TELNET_SUB_BYTES_MAX + 2, 7, false));
    CHECK(strncmp(told, "<31:xxx", 7) == 0);
    CHECK_ERR(read_steps(BYTES("\xff\xfa\x1fxx\xff\xfa\x1f"), 99, false), WEFT_EPROTO);
}

static void what_is_written_is_read_back(void)
{
    static const uint8_t alphabet[] = {'a', '\r', '\n', 0, 0xff, 0xf0, 'b'};
    test_random random = {7};
    for (unsigned round = 0; round < 2000; round++) {
        uint8_t text[64], written[WF_TELNET_WRITTEN_BYTES(64)], plain[129];
        size_t n = test_below(&random, sizeof text), written_n = 0, plain_n = 0;
        wf_telnet_writer w = {.binary = round % 2 == 0};
        for (size_t i = 0; i < n; i++)
            text[i] = alphabet[test_below(&random, sizeof alphabet)];
        for (size_t i = 0; i < n;) { /* in two writes or more */
            size_t step = 1 + test_below(&random, n - i);
            written_n += wf_telnet_write(&w, text + i, step, written + written_n);
            i += step;
        }
        CHECK(written_n <= WF_TELNET_WRITTEN_BYTES(n));
        /* without BINARY "\n" alone is a new line too */
        for (size_t i = 0; i < n; i++) {
            if (!w.binary && text[i] == '\n' && (i == 0 || text[i - 1] != '\r'))
                plain[plain_n++] = '\r';
            plain[plain_n++] = text[i];
        }
        uint8_t back[WF_TELNET_WRITTEN_BYTES(64)];
        size_t back_n = 0;
        wf_telnet_reader r = {.binary = w.binary};
        for (size_t i = 0; i < written_n;) {
            wf_telnet_event event;
            size_t used;
            CHECK_OK(wf_telnet_read(&r, written + i, written_n - i, &used, &event, NULL));
            i += used;
            if (event.kind == WF_TELNET_TEXT) {
                memcpy(back + back_n, event.at, event.n);
                back_n += event.n;
            } else
                CHECK(event.kind == WF_TELNET_NOTHING);
        }
        CHECK_MEM(back, back_n, plain, plain_n);
    }
}

/* ---- options */

/* Two peers with words under way between them: whatever each wants, and however the words are delayed, in the
 * end they agree, and the last word is that of who would not have it. */
typedef struct speaker {
    wf_telnet_options o;
    uint8_t out[256];
    unsigned first, n;
    bool wants;
} speaker;

static void post(speaker *s, uint8_t verb)
{
    if (verb != 0)
        s->out[s->n++ % sizeof s->out] = verb;
}

static void want(speaker *s, wf_telnet_side side, bool on)
{
    s->wants = on;
    post(s, wf_telnet_want(&s->o, side, 1, on));
}

static bool deliver(speaker *from, speaker *to)
{
    if (from->first == from->n)
        return false;
    post(to, wf_telnet_heard(&to->o, from->out[from->first++ % sizeof from->out], 1).say);
    return true;
}

static void two_that_negotiate_always_come_to_an_end(void)
{
    test_random random = {11};
    for (unsigned round = 0; round < 3000; round++) {
        speaker doer = {0}, other = {0};
        unsigned words = 0;
        if (round % 2 == 0)
            wf_telnet_welcome(&doer.o, WF_TELNET_OURS, 1);
        if (round % 4 < 2)
            wf_telnet_welcome(&other.o, WF_TELNET_PEERS, 1);
        for (unsigned step = 0; step < 40; step++) {
            switch (test_below(&random, 4)) {
            case 0:
                want(&doer, WF_TELNET_OURS, test_below(&random, 2) != 0);
                break;
            case 1:
                want(&other, WF_TELNET_PEERS, test_below(&random, 2) != 0);
                break;
            case 2:
                (void)deliver(&doer, &other);
                break;
            default:
                (void)deliver(&other, &doer);
            }
        }
        while (deliver(&doer, &other) || deliver(&other, &doer))
            words++;
        CHECK(words < 200);
        CHECK(wf_telnet_is_on(&doer.o, WF_TELNET_OURS, 1) ==
              wf_telnet_is_on(&other.o, WF_TELNET_PEERS, 1));
    }
}

static void an_option_is_asked_for_once_and_a_change_of_mind_waits(void)
{
    wf_telnet_options o = {0};
    CHECK_U64(wf_telnet_want(&o, WF_TELNET_OURS, 1, true), WF_TELNET_WILL);
    CHECK_U64(wf_telnet_want(&o, WF_TELNET_OURS, 1, true), 0);
    CHECK_U64(wf_telnet_want(&o, WF_TELNET_OURS, 1, false), 0);
    wf_telnet_turn turn = wf_telnet_heard(&o, WF_TELNET_DO, 1);
    CHECK_U64(turn.say, WF_TELNET_WONT);
    CHECK(turn.changed && turn.on); /* until the peer has heard of it */
    turn = wf_telnet_heard(&o, WF_TELNET_DONT, 1);
    CHECK(turn.say == 0 && turn.changed && !turn.on);
    /* off and on again, before the answer: on it stays, when that has come */
    CHECK_U64(wf_telnet_want(&o, WF_TELNET_PEERS, 1, true), WF_TELNET_DO);
    CHECK(wf_telnet_heard(&o, WF_TELNET_WILL, 1).on);
    CHECK_U64(wf_telnet_want(&o, WF_TELNET_PEERS, 1, false), WF_TELNET_DONT);
    CHECK_U64(wf_telnet_want(&o, WF_TELNET_PEERS, 1, true), 0);
    CHECK_U64(wf_telnet_heard(&o, WF_TELNET_WONT, 1).say, WF_TELNET_DO);
    CHECK(wf_telnet_heard(&o, WF_TELNET_WILL, 1).on);
}

/* ---- a server that says back what comes, and "{command columns x rows terminal flags}" for events */

static weft_telnet_options server_options;
static struct {
    unsigned closed;
    weft_err reason;
    char why[96];
    weft_ref stream;
} server;

static weft_err on_opened(weft_actor *self, weft_msg *msg)
{
    weft_why why = {""};
    server.stream = weft_sender(msg);
    return weft_telnet_speak(self, server.stream, &server_options, &why);
}

static weft_err on_data(weft_actor *self, weft_msg *msg)
{
    const weft_data *data = weft_body(msg);
    (void)weft_write(self, data->stream, data->bytes);
    return WEFT_OK;
}

static weft_err on_event(weft_actor *self, weft_msg *msg)
{
    const weft_telnet_event *event = weft_body(msg);
    weft_telnet_info info;
    if (weft_telnet_about(self, event->stream, &info) == WEFT_OK)
        (void)weft_write_text(self, event->stream, "{%u %ux%u %s %s%s%s}", event->bytes.at[0],
                              info.columns, info.rows, info.terminal, info.echo ? "e" : "",
                              info.no_ga ? "g" : "", info.line_mode ? "l" : "");
    return WEFT_OK;
}

static weft_err on_closed(weft_actor *self, weft_msg *msg)
{
    const weft_closed *closed = weft_body(msg);
    server.closed++;
    server.reason = closed->reason;
    (void)snprintf(server.why, sizeof server.why, "%s", closed->why);
    return weft_stop(self, WEFT_OK);
}

static const weft_handler server_rows[] = {
    {.type = &weft_opened_type, .fn = on_opened},
    {.type = &weft_data_type, .fn = on_data},
    {.type = &weft_telnet_event_type, .fn = on_event},
    {.type = &weft_closed_type, .fn = on_closed},
    {0},
};
static const weft_behaviour server_behaviour = {.name = "telnet echo", .handlers = server_rows};

static void world_reset(void)
{
    memset(&server, 0, sizeof server);
    server_options = (weft_telnet_options){0};
}

static bool world_setup(const char *word, char *rest)
{
    server_options.line_mode = strcmp(rest, "lines") == 0;
    return strcmp(word, "mode") == 0;
}

static weft_sim *world_open(uint64_t seed)
{
    weft_sim *sim = weft_sim_new(&(weft_sim_options){.seed = seed});
    REQUIRE(sim != NULL);
    CHECK_OK(weft_listen(weft_sim_system(sim), URL, &server_behaviour, NULL));
    return sim;
}

static bool world_check(const char *word, const char *rest)
{
    if (strcmp(word, "reason") != 0)
        return false;
    CHECK_STR(weft_err_name(server.reason), rest);
    return true;
}

static bool world_expand(const char *word, char *rest, wire_text *out)
{
    (void)word, (void)rest, (void)out;
    return false;
}

static size_t world_strip(char *came, size_t n)
{
    (void)came;
    return n;
}

static const wire_world world = {.url = URL,
                                 .reset = world_reset,
                                 .setup = world_setup,
                                 .open = world_open,
                                 .expand = world_expand,
                                 .check = world_check,
                                 .strip = world_strip};

#define SCRIPTS(X)                                \
    X(a_server_asks_for_what_it_wants)            \
    X(what_is_not_spoken_is_refused_once)         \
    X(bytes_and_line_ends_are_those_of_telnet)    \
    X(commands_are_told_in_their_place)           \
    X(a_subnegotiation_without_an_end_is_refused) \
    X(a_peer_edits_lines_itself)
#define SCRIPT(name)                            \
    static void name(void)                      \
    {                                           \
        wire_play_all("telnet/" #name, &world); \
    }
SCRIPTS(SCRIPT)

/* ---- a client */

static struct {
    weft_telnet_options options;
    char got[512];
    weft_telnet_info info;
    weft_ref stream;
    weft_err begun, closed_for;
    weft_err did[4];
    unsigned closed;
} client;

static weft_err client_started(weft_actor *self, weft_msg *msg)
{
    (void)msg;
    client.stream = weft_connect(self, URL, weft_self(self));
    return WEFT_OK;
}

static weft_err client_opened(weft_actor *self, weft_msg *msg)
{
    weft_why why = {""};
    client.begun = weft_telnet_speak(self, weft_sender(msg), &client.options, &why);
    return client.begun == WEFT_OK ? WEFT_OK : weft_abort(self, weft_sender(msg), WEFT_OK);
}

static weft_err client_data(weft_actor *self, weft_msg *msg)
{
    const weft_data *data = weft_body(msg);
    size_t n = strlen(client.got);
    (void)snprintf(client.got + n, sizeof client.got - n, "%.*s", (int)data->bytes.size,
                   (const char *)data->bytes.at);
    return weft_telnet_about(self, data->stream, &client.info);
}

/* The test wants something done. */
typedef struct deed {
    weft_err (*fn)(weft_actor *self);
} deed;
static const weft_type deed_type = WEFT_TYPE("test.deed", deed, NULL);

static weft_err client_deed(weft_actor *self, weft_msg *msg)
{
    return ((const deed *)weft_body(msg))->fn(self);
}

static weft_err client_closed(weft_actor *self, weft_msg *msg)
{
    client.closed++;
    client.closed_for = ((const weft_closed *)weft_body(msg))->reason;
    return weft_stop(self, WEFT_OK);
}

static const weft_handler client_rows[] = {
    {.type = &weft_started_type, .fn = client_started},
    {.type = &weft_opened_type, .fn = client_opened},
    {.type = &weft_data_type, .fn = client_data},
    {.type = &deed_type, .fn = client_deed},
    {.type = &weft_closed_type, .fn = client_closed},
    {0},
};
static const weft_behaviour client_behaviour = {.name = "telnet client", .handlers = client_rows};

static weft_sim *sim;

static weft_ref meet(uint64_t seed, uint64_t failing)
{
    memset(&server, 0, sizeof server);
    memset(client.got, 0, sizeof client.got);
    memset(&client.info, 0, sizeof client.info);
    client.closed = 0;
    sim = weft_sim_new(&(weft_sim_options){.seed = seed});
    REQUIRE(sim != NULL);
    CHECK_OK(weft_listen(weft_sim_system(sim), URL, &server_behaviour, NULL));
    weft_sim_fail_allocation(sim, failing);
    weft_ref who = weft_sim_spawn(sim, &client_behaviour, NULL);
    (void)weft_sim_settle(sim, 5000);
    return who;
}

static weft_err say_hello(weft_actor *self)
{
    return weft_write_text(self, client.stream, "hello\n");
}

static weft_err do_things(weft_actor *self)
{
    client.did[0] = weft_telnet_resize(self, client.stream, 132, 0x01ff);
    client.did[1] = weft_telnet_send(self, client.stream, WEFT_TELNET_INTERRUPT);
    client.did[2] = weft_telnet_echo(self, client.stream, true);
    client.did[3] = weft_telnet_send(self, client.stream, (weft_telnet_command)255);
    return WEFT_OK;
}

static void a_client_agrees_with_a_server(void)
{
    world_reset();
    client.options = (weft_telnet_options){
        .client = true, .terminal = "xterm-256color", .columns = 80, .rows = 24};
    weft_ref who = meet(1, 0);
    CHECK_OK(client.begun);
    CHECK(strstr(client.got, "{0 80x24 xterm-256color eg}") != NULL);
    CHECK(client.info.echo && client.info.no_ga);
    client.got[0] = '\0';
    CHECK_OK(weft_sim_tell(sim, who, deed, .fn = say_hello));
    (void)weft_sim_settle(sim, 5000);
    CHECK_STR(client.got, "hello\r\n");
    client.got[0] = '\0';
    CHECK_OK(weft_sim_tell(sim, who, deed, .fn = do_things));
    (void)weft_sim_settle(sim, 5000);
    CHECK_STR(client.got, "{0 132x511 xterm-256color eg}{244 132x511 xterm-256color eg}");
    CHECK_OK(client.did[0]);
    CHECK_OK(client.did[1]);
    CHECK_ERR(client.did[2], WEFT_EINVAL);
    CHECK_ERR(client.did[3], WEFT_EINVAL);
    CHECK_U64(weft_sim_free(&sim), 0);
}

static void a_terminal_with_too_long_a_name_is_refused(void)
{
    world_reset();
    client.options = (weft_telnet_options){
        .client = true, .terminal = "a name that is longer than the forty characters"};
    (void)meet(1, 0);
    CHECK_ERR(client.begun, WEFT_EINVAL);
    CHECK_U64(weft_sim_free(&sim), 0);
}

static void memory_that_is_out_anywhere_leaks_nothing(void)
{
    world_reset();
    client.options = (weft_telnet_options){.client = true, .terminal = "vt100", .columns = 1};
    for (uint64_t n = 1;; n++) {
        weft_ref who = meet(n, n);
        (void)weft_sim_tell(sim, who, deed, .fn = say_hello);
        (void)weft_sim_settle(sim, 5000);
        bool met = weft_sim_allocation_failed(sim);
        CHECK_U64(weft_sim_free(&sim), 0);
        if (!met)
            break;
    }
}

/* ---- beyond: floods, stale references, framings above */

static void a_peer_that_asks_and_does_not_read_is_closed(void)
{
    char flood[3 * 1000];
    for (size_t i = 0; i < sizeof flood; i++)
        flood[i] = "\xff\xfb\x63\xff\xfd\x63"[i % 6];
    world_reset();
    sim = world_open(1);
    weft_sim_peer *peer = weft_sim_connect_deaf(sim, URL);
    for (unsigned i = 0; i < 2000 && server.closed == 0; i++) {
        weft_sim_peer_send(peer, flood, sizeof flood);
        (void)weft_sim_settle(sim, 10);
    }
    CHECK_U64(server.closed, 1);
    CHECK_ERR(server.reason, WEFT_ELIMIT);
    CHECK(strstr(server.why, "telnet") != NULL);
    CHECK_U64(weft_sim_free(&sim), 0);
}

static weft_err lines_opened(weft_actor *self, weft_msg *msg)
{
    weft_why why = {""};
    weft_err err = weft_telnet_speak(
        self, weft_sender(msg), &(weft_telnet_options){.line_mode = true, .quiet = true}, &why);
    return err == WEFT_OK ? weft_frame_by(self, weft_sender(msg), &weft_lines, NULL, &why) : err;
}

static weft_err on_line(weft_actor *self, weft_msg *msg)
{
    const weft_line *line = weft_body(msg);
    weft_telnet_info info;
    CHECK_ERR(weft_telnet_about(self, weft_self(self), &info), WEFT_EGONE);
    if (line->bytes.size == 3 && memcmp(line->bytes.at, "key", 3) == 0)
        CHECK_OK(weft_telnet_echo(self, line->stream, true));
    return weft_write_text(self, line->stream, "(%.*s)\n", (int)line->bytes.size,
                           (const char *)line->bytes.at);
}

static const weft_handler lines_rows[] = {
    {.type = &weft_opened_type, .fn = lines_opened}, {.type = &weft_line_type, .fn = on_line}, {0}};
static const weft_behaviour lines_behaviour = {.name = "telnet lines", .handlers = lines_rows};

static void a_framing_stands_above_it(void)
{
    sim = weft_sim_new(NULL);
    weft_sim_peer *peer = weft_sim_string(sim, &lines_behaviour, NULL);
    weft_sim_peer_send_cut(peer, BYTES("one\xff\xf4\r\nt\xff\xfb\x1fwo\r\nkey\r\n"),
                           WEFT_SIM_BYTES);
    CHECK_STR(weft_sim_expect(peer, "\xff\xfd\x22\xff\xfd\x1f\xff\xfd\x18(one)\r\n(two)\r\n"), "");
    CHECK_STR(weft_sim_expect(peer, "\xff\xfb\x01(key)\r\n"), "");
    CHECK_U64(weft_sim_free(&sim), 0);
}

static weft_err plain_data(weft_actor *self, weft_msg *msg)
{
    const weft_data *data = weft_body(msg);
    weft_telnet_info info;
    CHECK_ERR(weft_telnet_about(self, data->stream, &info), WEFT_ENOTFOUND);
    CHECK_ERR(weft_telnet_send(self, data->stream, WEFT_TELNET_NOP), WEFT_ENOTFOUND);
    CHECK_ERR(weft_telnet_resize(self, WEFT_NOBODY, 1, 1), WEFT_EGONE);
    return weft_close(self, data->stream);
}
static const weft_handler plain_rows[] = {{.type = &weft_data_type, .fn = plain_data}, {0}};
static const weft_behaviour plain_behaviour = {.name = "plain", .handlers = plain_rows};

static void a_stream_that_does_not_speak_it_is_not_found(void)
{
    sim = weft_sim_new(NULL);
    weft_sim_peer *peer = weft_sim_string(sim, &plain_behaviour, NULL);
    weft_sim_peer_say(peer, "x");
    CHECK(peer->closed || peer->ended);
    CHECK_U64(weft_sim_free(&sim), 0);
}

static const test_case cases[] = {
    TEST(bytes_are_read_however_they_are_cut),
    TEST(a_subnegotiation_has_a_limit_and_an_end),
    TEST(what_is_written_is_read_back),
    TEST(two_that_negotiate_always_come_to_an_end),
    TEST(an_option_is_asked_for_once_and_a_change_of_mind_waits),
#define CASE(name) TEST(name),
    SCRIPTS(CASE)
#undef CASE
        TEST(a_client_agrees_with_a_server),
    TEST(a_terminal_with_too_long_a_name_is_refused),
    TEST(a_peer_that_asks_and_does_not_read_is_closed),
    TEST(a_framing_stands_above_it),
    TEST(a_stream_that_does_not_speak_it_is_not_found),
    TEST(memory_that_is_out_anywhere_leaks_nothing),
    {0},
};
const test_suite telnet_suite = {.name = "protocols/telnet", .cases = cases};

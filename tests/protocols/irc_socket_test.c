/* SPDX-License-Identifier: MIT */
/* IRC in the messages of WebSockets: what they are by the subprotocol that was agreed on. */
#include <weft/http.h>
#include <weft/irc.h>
#include <weft/net.h>
#include <weft/testing_stream.h>
#include <weft/websocket.h>

#include "check.h"

enum { TEXT = 0x81, BINARY = 0x82 };

static weft_sim *sim;
static weft_irc_config config;
static const char *const protocols[] = {"text.ircv3.net", "binary.ircv3.net", NULL};
static const weft_websocket_config sockets = {
    .behaviour = &weft_irc_server, .config = &config, .protocols = protocols};
static const weft_http_route routes[] = {
    {.route = "GET /", .use = &weft_websocket, .config = &sockets},
    {0},
};
static const weft_http_site_config site = {.routes = routes};

static void begin(unsigned reactors)
{
    sim = weft_sim_new(&(weft_sim_options){.seed = 7, .system.reactors = reactors});
    REQUIRE(sim != NULL);
    weft_system *sys = weft_sim_system(sim);
    CHECK(!weft_ref_is_nobody(weft_system_spawn(sys, 0, &weft_irc_network, &config)));
    CHECK_OK(weft_listen(sys, "sim://irc", &weft_irc_server, &config));
    CHECK_OK(weft_listen(sys, "sim://web", &weft_http_server, &site));
    (void)weft_sim_run(sim);
}

static void after(void)
{
    if (sim == NULL)
        return;
    CHECK_STR(weft_sim_failure(sim), "");
    CHECK_U64(weft_sim_free(&sim), 0);
}

/* One message of a client, whose mask changes nothing. */
static void say(weft_sim_peer *p, const char *line)
{
    uint8_t frame[6 + 125] = {BINARY, (uint8_t)(0x80 | strlen(line))};
    size_t n = strlen(line);
    REQUIRE(n <= 125);
    for (size_t i = 0; i < n; i++)
        frame[6 + i] = (uint8_t)line[i];
    weft_sim_peer_send(p, frame, 6 + n);
    (void)weft_sim_run(sim);
}

/* A browser that is in, and in #room. @protocol NULL: it offers none. */
static weft_sim_peer *come(const char *nick, const char *protocol)
{
    char line[128];
    weft_sim_peer *p = weft_sim_connect(sim, "sim://web");
    weft_sim_peer_say(p,
                      "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                      "Sec-WebSocket-Version: 13\r\n"
                      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n");
    if (protocol != NULL) {
        weft_sim_peer_say(p, "Sec-WebSocket-Protocol: ");
        weft_sim_peer_say(p, protocol);
        weft_sim_peer_say(p, "\r\n");
    }
    weft_sim_peer_say(p, "\r\n");
    (void)weft_sim_run(sim);
    (void)snprintf(line, sizeof line, "NICK %s", nick);
    say(p, line);
    (void)snprintf(line, sizeof line, "USER %s 0 * :x", nick);
    say(p, line);
    say(p, "JOIN #room");
    return p;
}

/* The last message that came to @p: its first byte, and what it is; it is no longer than 125 bytes or not. */
static uint8_t last(const weft_sim_peer *p, const char **text, size_t *n)
{
    static const char end[] = "\r\n\r\n";
    const char *head = strstr(p->got, end);
    uint8_t first = 0;
    REQUIRE(head != NULL);
    const uint8_t *at = (const uint8_t *)head + 4, *stop = (const uint8_t *)p->got + p->got_bytes;
    while (at + 2 <= stop) {
        size_t size = at[1], skip = 2;
        if (size == 126) {
            size = (size_t)at[2] << 8 | at[3];
            skip = 4;
        }
        first = at[0];
        *text = (const char *)at + skip;
        *n = size;
        at += skip + size;
    }
    CHECK(at == stop);
    return first;
}

static void check_last(const weft_sim_peer *p, uint8_t first, const char *text)
{
    const char *at = "";
    size_t n = 0;
    CHECK_U64(last(p, &at, &n), first);
    CHECK_MEM(at, n, text, strlen(text));
}

/* "\xe9" alone is Latin-1, and no UTF-8. */
static const char broken[] = "PRIVMSG #room :caf\xe9 \xc3\xa9";
#define SAID ":bob!~bob@client PRIVMSG #room :"

static void check_both(unsigned reactors)
{
    begin(reactors);
    weft_sim_peer *text = come("text", "text.ircv3.net");
    weft_sim_peer *binary = come("binary", "binary.ircv3.net");
    weft_sim_peer *none = come("none", NULL);
    weft_sim_peer *bob = weft_sim_connect(sim, "sim://irc");
    weft_sim_peer_say(bob, "NICK bob\r\nUSER bob 0 * :x\r\nJOIN #room\r\n");
    weft_sim_peer_say(bob, broken);
    weft_sim_peer_say(bob, "\r\n");
    (void)weft_sim_run(sim);
    check_last(text, TEXT, SAID "caf\xef\xbf\xbd \xc3\xa9");
    check_last(none, TEXT, SAID "caf\xef\xbf\xbd \xc3\xa9");
    check_last(binary, BINARY, SAID "caf\xe9 \xc3\xa9");
    weft_sim_peer_say(bob, "PRIVMSG #room :plain\r\n");
    (void)weft_sim_run(sim);
    check_last(text, TEXT, SAID "plain");
    check_last(none, TEXT, SAID "plain");
    check_last(binary, BINARY, SAID "plain");
    after();
    sim = NULL;
}

static void messages_are_of_the_kind_that_was_agreed_on(void)
{
    check_both(1);
}

static void so_are_those_to_other_reactors(void)
{
    check_both(4);
}

static void a_line_that_grows_is_cut_between_characters(void)
{
    char line[600];
    const char *at = "";
    size_t n = 0;
    begin(1);
    weft_sim_peer *text = come("text", "text.ircv3.net");
    weft_sim_peer *bob = weft_sim_connect(sim, "sim://irc");
    weft_sim_peer_say(bob, "NICK bob\r\nUSER bob 0 * :x\r\nJOIN #room\r\n");
    int head = snprintf(line, sizeof line, "PRIVMSG #room :");
    memset(line + head, '\xe9', 400);
    memcpy(line + head + 400, "\r\n", 3);
    weft_sim_peer_say(bob, line);
    (void)weft_sim_run(sim);
    CHECK_U64(last(text, &at, &n), TEXT);
    CHECK(n > WEFT_IRC_LINE_BYTES_MAX - 3 && n <= WEFT_IRC_LINE_BYTES_MAX);
    CHECK_U64((n - (sizeof SAID - 1)) % 3, 0);
    for (size_t i = sizeof SAID - 1; i + 3 <= n; i += 3)
        CHECK_MEM(at + i, 3, "\xef\xbf\xbd", 3);
}

/* Tags have room of their own. */
static void the_tags_of_a_line_that_grows_stay_whole(void)
{
    char line[600];
    const char *at = "";
    size_t n = 0;
    begin(1);
    weft_sim_peer *text = come("text", "text.ircv3.net");
    say(text, "CAP REQ :message-tags");
    weft_sim_peer *bob = weft_sim_connect(sim, "sim://irc");
    weft_sim_peer_say(bob, "NICK bob\r\nUSER bob 0 * :x\r\nJOIN #room\r\nCAP REQ message-tags\r\n");
    int head = snprintf(line, sizeof line, "@+a=\xe9 PRIVMSG #room :");
    memset(line + head, 'x', 500);
    memcpy(line + head + 450, "\r\n", 3);
    weft_sim_peer_say(bob, line);
    (void)weft_sim_run(sim);
    CHECK_U64(last(text, &at, &n), TEXT);
    static const char begins[] = "@+a=\xef\xbf\xbd " SAID "xxx";
    REQUIRE(n > sizeof begins);
    CHECK_MEM(at, sizeof begins - 1, begins, sizeof begins - 1);
    CHECK_U64(n, sizeof "@+a=\xef\xbf\xbd " - 1 + sizeof SAID - 1 + 450);
}

static const test_case cases[] = {
    TEST(messages_are_of_the_kind_that_was_agreed_on),
    TEST(so_are_those_to_other_reactors),
    TEST(a_line_that_grows_is_cut_between_characters),
    TEST(the_tags_of_a_line_that_grows_stay_whole),
    {0},
};

const test_suite irc_socket_suite = {
    .name = "protocols/irc_socket", .after = after, .cases = cases};

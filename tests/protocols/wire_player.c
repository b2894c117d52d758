/* SPDX-License-Identifier: MIT */
#include "wire_player.h"

#include <inttypes.h>
#include <stdlib.h>

#include "check.h"
#include "http_world.h"
#include "random.h"
#include <weft/testing_stream.h>

enum {
    LINES_MAX = 400,
    SIDES_MAX = 8,
    NAME_BYTES = 16,
    LINE_BYTES_MAX = 4096,
    SEEDS = 10,
    PATTERN_BYTES_MAX = 8 << 20
};

/* One connection, and what it must have seen. */
typedef struct side {
    char name[NAME_BYTES]; /* "": the first, before a script has named it */
    weft_sim_peer *client;
    wire_text want;
} side;

typedef struct player {
    const wire_world *world;
    const char *name;
    wire_cut cut;
    uint64_t seed;
    test_random random;
    unsigned line;
    weft_sim *sim;
    side sides[SIDES_MAX];
    unsigned sides_n;
    side *at;                  /* of the script's lines */
    wire_text sent[LINES_MAX]; /* kept: the client shares what it sends */
    unsigned sent_n;
    bool failed;
} player;

void wire_put(wire_text *text, const void *at, size_t n)
{
    if (text->n + n >= text->room) {
        text->room = 2 * (text->n + n) + 1;
        text->at = realloc(text->at, text->room);
        if (text->at == NULL)
            abort();
    }
    if (n != 0)
        memcpy(text->at + text->n, at, n);
    text->n += n;
    text->at[text->n] = '\0';
}

/* ---- names */

bool wire_set_limit(const wire_limit *limits, const char *word, char *rest)
{
    char *value = strchr(rest, ' ');
    if (strcmp(word, "limit") != 0 || value == NULL)
        return false;
    *value++ = '\0';
    for (; limits->name != NULL; limits++) {
        if (strcmp(rest, limits->name) != 0)
            continue;
        if (limits->large != NULL)
            *limits->large = strtoull(value, NULL, 10);
        else
            *limits->value = (uint32_t)strtoul(value, NULL, 10);
        return true;
    }
    return false;
}

bool wire_check_count(const wire_count *counts, const char *word, const char *rest)
{
    for (; counts->name != NULL; counts++)
        if (strcmp(word, counts->name) == 0) {
            CHECK_U64(counts->value, strtoull(rest, NULL, 10));
            return true;
        }
    return false;
}

size_t wire_strip_dates(char *came, size_t n)
{
    size_t to = 0;
    for (size_t at = 0; at < n;) {
        const char *end = memchr(came + at, '\n', n - at);
        size_t line = end != NULL ? (size_t)(end - came) - at + 1 : n - at;
        if (line != 37 || memcmp(came + at, "Date: ", 6) != 0) {
            memmove(came + to, came + at, line);
            to += line;
        }
        at += line;
    }
    return to;
}

/* ---- failures */

static void show(const char *title, const char *at, size_t n, size_t differs)
{
    (void)fprintf(stderr, "--- %s (%zu bytes):\n", title, n);
    size_t from = differs > 300 ? differs - 300 : 0, to = n < differs + 200 ? n : differs + 200;
    for (size_t i = from; i < to; i++) {
        unsigned char c = (unsigned char)at[i];
        if (i == differs)
            (void)fputs(">>>", stderr);
        if (c == '\n')
            (void)fputs("\\n\n", stderr);
        else if (c == '\r')
            (void)fputs("\\r", stderr);
        else if (c < 32 || c > 126)
            (void)fprintf(stderr, "\\x%02x", c);
        else
            (void)fputc(c, stderr);
    }
    (void)fputc('\n', stderr);
}

static void fail(player *p, const char *what)
{
    static const char *const cuts[] = {"whole", "byte by byte", "split"};
    if (!p->failed)
        (void)fprintf(stderr, "\ntests/wire/%s.wire:%u (%s, seed %" PRIu64 "): %s\n", p->name,
                      p->line, cuts[p->cut], p->seed, what);
    p->failed = true;
    CHECK(!"a wire script fails; see above");
}

/* ---- texts */

static unsigned hex(char c)
{
    return c <= '9' ? (unsigned)(c - '0') : (unsigned)((c | 0x20) - 'a' + 10);
}

void wire_put_escaped(wire_text *text, const char *from)
{
    for (; *from != '\0'; from++) {
        char c = *from;
        if (c == '\\' && from[1] != '\0') {
            c = *++from;
            if (c == 'r')
                c = '\r';
            else if (c == 'n')
                c = '\n';
            else if (c == 't')
                c = '\t';
            else if (c == 'x' && from[1] != '\0' && from[2] != '\0') {
                c = (char)(hex(from[1]) << 4 | hex(from[2]));
                from += 2;
            }
        }
        wire_put(text, &c, 1);
    }
}

void wire_put_pattern(wire_text *text, const char *count)
{
    unsigned long n = strtoul(count, NULL, 10);
    char *bytes = n <= PATTERN_BYTES_MAX ? malloc(n + 1) : NULL;
    if (bytes == NULL)
        abort();
    for (unsigned long i = 0; i < n; i++)
        bytes[i] = (char)http_pattern(i);
    wire_put(text, bytes, n);
    free(bytes);
}

/* What stands behind '>' or '<'. */
static bool put_line(wire_text *out, const char *line)
{
    if (line[0] == '+')
        wire_put_escaped(out, line[1] == ' ' ? line + 2 : line + 1);
    else if (line[0] == '*')
        wire_put_pattern(out, line + 1);
    else if (line[0] == ' ' || line[0] == '\0') {
        wire_put_escaped(out, line[0] == ' ' ? line + 1 : line);
        wire_put(out, "\r\n", 2);
    } else
        return false;
    return true;
}

/* ---- sending */

static void send_bytes(player *p, const wire_text *text)
{
    for (size_t at = 0; at < text->n && !p->at->client->closed;) {
        size_t n = text->n - at;
        if (p->cut == WIRE_BYTES)
            n = n > 4096 ? 1024 : 1; /* of what is large, the bytes that matter are at its ends */
        else if (p->cut == WIRE_SPLIT)
            n = 1 + test_below(&p->random, n < 100 ? n : n / 2);
        weft_sim_peer_send(p->at->client, text->at + at, n);
        at += n;
    }
}

/* Everything sent in a row goes as one text, so that it is one piece when it is played whole. */
static void flush(player *p)
{
    wire_text *text = &p->sent[p->sent_n];
    if (text->n == 0)
        return;
    p->sent_n++;
    send_bytes(p, text);
}

/* ---- what came */

static void compare(player *p)
{
    wire_text came = {.at = NULL};
    if (p->at->client == NULL) {
        fail(p, "nothing has connected");
        return;
    }
    wire_put(&came, p->at->client->got, p->at->client->got_bytes);
    came.n = p->world->strip(came.at, came.n);
    size_t n = came.n < p->at->want.n ? came.n : p->at->want.n, at = 0;
    while (at < n && came.at[at] == p->at->want.at[at])
        at++;
    if (at != came.n || at != p->at->want.n) {
        if (!p->failed) {
            fail(p, "what came is not what was expected");
            show("expected", p->at->want.at, p->at->want.n, at);
            show("came", came.at, came.n, at);
        }
    } else
        CHECK(true);
    free(came.at);
}

static void check_state(player *p, const char *state, const char *rest)
{
    const weft_sim_peer *c = p->at->client;
    if (strcmp(state, "open") == 0) {
        if (c->ended || c->closed)
            fail(p, "the connection is not open any more");
    } else if (strcmp(state, "ended") == 0) {
        if (!c->ended || c->closed)
            fail(p,
                 c->closed ? "it is closed, not half closed" : "the server has not ended its side");
    } else if (!c->closed && !c->ended)
        fail(p, "the connection is still open");
    else if (rest[0] != '\0' && (!c->closed || strcmp(rest, weft_err_name(c->reason)) != 0))
        fail(p, c->closed ? weft_err_name(c->reason) : "half closed, not closed");
}

/* ---- connections */

static void begin(player *p)
{
    if (p->sim != NULL)
        return;
    p->sim = p->world->open(p->seed);
    REQUIRE(p->sim != NULL);
    p->at->client = weft_sim_connect(p->sim, p->world->url);
}

/* as NAME: what follows is about that connection, which is made when there is none of that name. */
static bool take_side(player *p, const char *name)
{
    if (name[0] == '\0' || strlen(name) >= NAME_BYTES)
        return false;
    if (p->at->name[0] == '\0' && p->sent_n == 0)
        (void)snprintf(p->at->name, sizeof p->at->name, "%s", name); /* the first */
    for (unsigned i = 0; i < p->sides_n; i++)
        if (strcmp(p->sides[i].name, name) == 0) {
            p->at = &p->sides[i];
            return true;
        }
    if (p->sides_n == SIDES_MAX)
        return false;
    p->at = &p->sides[p->sides_n++];
    (void)snprintf(p->at->name, sizeof p->at->name, "%s", name);
    wire_put(&p->at->want, "", 0);
    p->at->client = weft_sim_connect(p->sim, p->world->url);
    return true;
}

/* ---- lines */

static bool act(player *p, const char *word, char *rest)
{
    if (strcmp(word, "wait") == 0)
        weft_sim_advance(p->sim, (uint32_t)strtoul(rest, NULL, 10));
    else if (strcmp(word, "end") == 0)
        weft_sim_peer_end(p->at->client);
    else if (strcmp(word, "abort") == 0)
        weft_sim_peer_abort(p->at->client);
    else if (strcmp(word, "as") == 0)
        return take_side(p, rest);
    else if (strcmp(word, "deaf") == 0)
        weft_sim_peer_deaf(p->at->client, true);
    else if (strcmp(word, "hear") == 0)
        weft_sim_peer_deaf(p->at->client, false);
    else if (strcmp(word, "open") == 0 || strcmp(word, "ended") == 0 ||
             strcmp(word, "closed") == 0) {
        compare(p);
        check_state(p, word, rest);
    } else if (strcmp(word, "check") == 0) {
        char *value = strchr(rest, ' ');
        if (value == NULL)
            return false;
        *value++ = '\0';
        return p->world->check(rest, value);
    } else
        return false;
    return true;
}

/* Ends the first word of @line and gives what stands behind it. */
static char *split_word(char *line)
{
    char *rest = line + strcspn(line, " ");
    if (*rest == ' ')
        *rest++ = '\0';
    return rest;
}

static bool play_line(player *p, char *line)
{
    if (line[0] == '>') {
        begin(p);
        if (put_line(&p->sent[p->sent_n], line + 1))
            return true;
        char *rest = split_word(line);
        return p->world->request != NULL && p->world->request(line + 1, rest, &p->sent[p->sent_n]);
    }
    if (line[0] == '<') {
        begin(p);
        flush(p);
        if (put_line(&p->at->want, line + 1))
            return true;
        char *rest = split_word(line);
        return p->world->expand(line + 1, rest, &p->at->want);
    }
    char *rest = split_word(line);
    if (p->sim == NULL && p->world->setup(line, rest))
        return true;
    begin(p);
    flush(p);
    return act(p, line, rest);
}

static void play_lines(player *p, FILE *file)
{
    char line[LINE_BYTES_MAX];
    bool wanted = false;
    while (!p->failed && fgets(line, sizeof line, file) != NULL && p->sent_n < LINES_MAX - 1) {
        p->line++;
        line[strcspn(line, "\n")] = '\0';
        if (line[0] == '#' || line[0] == '\0')
            continue;
        /* the last of the lines that say what must have come */
        if (wanted && line[0] != '<')
            compare(p);
        wanted = line[0] == '<';
        if (!play_line(p, line))
            fail(p, "not understood");
    }
    begin(p);
    flush(p);
    for (unsigned i = 0; i < p->sides_n && !p->failed; i++) {
        p->at = &p->sides[i];
        compare(p);
    }
}

static void finish(player *p)
{
    for (unsigned i = 0; i < p->sides_n; i++) {
        weft_sim_peer_close(p->sides[i].client);
        weft_sim_peer_deaf(p->sides[i].client, false);
    }
    weft_sim_advance(p->sim, 1000);
    unsigned leaked = weft_sim_free(&p->sim);
    if (leaked != 0) {
        fail(p, "something leaked");
        (void)fprintf(stderr, "%u things\n", leaked);
    }
    for (unsigned i = 0; i <= p->sent_n; i++)
        free(p->sent[i].at);
    for (unsigned i = 0; i < p->sides_n; i++)
        free(p->sides[i].want.at);
}

void wire_play(const char *name, const wire_world *world, wire_cut cut, uint64_t seed)
{
    char path[256];
    player *p = calloc(1, sizeof *p);
    (void)snprintf(path, sizeof path, "tests/wire/%s.wire", name);
    FILE *file = fopen(path, "r");
    if (file == NULL)
        (void)fprintf(stderr, "%s cannot be opened: tests run in the project's root\n", path);
    REQUIRE(file != NULL && p != NULL);
    *p = (player){.world = world, .name = name, .cut = cut, .seed = seed, .random = {seed}};
    p->at = &p->sides[p->sides_n++];
    wire_put(&p->at->want, "", 0);
    world->reset();
    play_lines(p, file);
    finish(p);
    (void)fclose(file);
    free(p);
}

void wire_play_all(const char *name, const wire_world *world)
{
    wire_play(name, world, WIRE_WHOLE, 1);
    wire_play(name, world, WIRE_BYTES, 2);
    for (uint64_t seed = 3; seed < 3 + SEEDS; seed++)
        wire_play(name, world, WIRE_SPLIT, seed);
}

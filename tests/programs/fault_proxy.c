/* SPDX-License-Identifier: MIT */
/* A forwarder that does harm, for tests: what it is told by its command line, and nothing by chance.
 *
 *   fault_proxy FROM TO [--delay MS] [--rate BYTES] [--chunk N,N,...] [--there N] [--back N] [--then WHAT]
 *
 * Bytes come out MS later, at most BYTES a second each way, in pieces of N bytes (the sizes in turn). When N
 * bytes in all have passed there (from who connects), or back, WHAT happens: `reset` both ways, `end` both ways,
 * `hole` (nothing passes any more, and nobody is told), or `half` (who sent them is reset, the other side is not
 * told). N is a number, or `+`: for the n-th connection it is n - 1.
 *
 *   data ──▶ kept until it is due ──▶ cut ──▶ the other side          (a direction: two for each pair)
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include <weft/net.h>
#include <weft/options.h>
#include <weft/timer.h>

enum { CHUNKS_MAX = 16 };

typedef enum harm { RESET, END, HOLE, HALF } harm;

static struct settings {
    weft_option_urls from;
    const char *to, *chunk, *there, *back;
    uint32_t delay_ms, rate;
    int then;
    size_t chunks[CHUNKS_MAX], chunks_n;
    uint64_t connections;
} settings;

/* What came and is not due yet. */
typedef struct piece {
    struct piece *next;
    weft_bytes bytes;
    uint32_t due_ms;
} piece;

typedef struct direction {
    weft_ref from, to;
    piece *first, *last;
    weft_timer timer;
    uint32_t next_ms; /* not before that, by the rate */
    uint64_t passed, limit;
    size_t chunk; /* whose turn it is */
    bool ended, end_sent;
} direction;

typedef struct pair {
    direction way[2]; /* there, back */
    weft_msg *opening;
    bool up, over; /* @over: the harm was done */
    unsigned closed;
} pair;

typedef struct due {
    uint32_t way;
} due;
static const weft_type due_type = WEFT_TYPE("fault.due", due, NULL);

static direction *way_of(pair *p, weft_ref from)
{
    return &p->way[weft_ref_same(p->way[1].from, from)];
}

/* ---- the harm */

static void do_harm(weft_actor *self, pair *p, const direction *d)
{
    p->over = true;
    if (settings.then == HOLE)
        return;
    if (settings.then == END) {
        (void)weft_close(self, d->from);
        (void)weft_close(self, d->to);
        return;
    }
    (void)weft_abort(self, d->from, WEFT_OK);
    if (settings.then == RESET)
        (void)weft_abort(self, d->to, WEFT_OK);
}

/* ---- passing on */

static size_t next_size(direction *d, size_t left)
{
    size_t n = left;
    if (settings.chunks_n != 0) {
        size_t chunk = settings.chunks[d->chunk++ % settings.chunks_n];
        n = chunk < n ? chunk : n;
    }
    uint64_t room = d->limit - d->passed;
    return n < room ? n : (size_t)room;
}

static void take_first(direction *d)
{
    piece *p = d->first;
    d->first = p->next;
    weft_bytes_drop(&p->bytes);
    free(p);
}

static void pass_one(weft_actor *self, pair *p, direction *d, uint32_t now)
{
    piece *first = d->first;
    size_t n = next_size(d, first->bytes.size);
    if (n != 0 && weft_write(self, d->to, weft_bytes_slice(first->bytes, 0, n)) != WEFT_OK)
        (void)weft_abort(self, d->from, WEFT_OK);
    d->passed += n;
    first->bytes = weft_bytes_slice(first->bytes, n, SIZE_MAX);
    if (settings.rate != 0)
        d->next_ms = now + (uint32_t)(n * 1000 / settings.rate);
    if (first->bytes.size == 0)
        take_first(d);
    if (d->passed == d->limit)
        do_harm(self, p, d);
}

static void pass(weft_actor *self, pair *p, direction *d)
{
    uint32_t now = weft_now_ms(self), wait = 0;
    while (d->first != NULL && !p->over && wait == 0) {
        uint32_t due_ms = d->first->due_ms;
        if ((int32_t)(d->next_ms - due_ms) > 0)
            due_ms = d->next_ms;
        if ((int32_t)(due_ms - now) > 0)
            wait = due_ms - now;
        else
            pass_one(self, p, d, now);
    }
    if (wait != 0 && d->timer.slot == 0)
        d->timer = weft_after(self, wait, due, .way = (uint32_t)(d - p->way));
    if (d->first == NULL && d->ended && !d->end_sent && !p->over) {
        d->end_sent = true;
        (void)weft_end(self, d->to);
    }
}

static weft_err on_due(weft_actor *self, weft_msg *msg)
{
    pair *p = weft_state(self);
    direction *d = &p->way[((const due *)weft_body(msg))->way];
    d->timer = (weft_timer){0};
    pass(self, p, d);
    return WEFT_OK;
}

static weft_err on_data(weft_actor *self, weft_msg *msg)
{
    pair *p = weft_state(self);
    const weft_data *data = weft_body(msg);
    direction *d = way_of(p, data->stream);
    piece *new = calloc(1, sizeof *new);
    if (new == NULL)
        return weft_stop(self, WEFT_ENOMEM);
    *new = (piece){.bytes = weft_bytes_keep(self, data->bytes),
                   .due_ms = weft_now_ms(self) + settings.delay_ms};
    if (d->first != NULL)
        d->last->next = new;
    else
        d->first = new;
    d->last = new;
    pass(self, p, d);
    return WEFT_OK;
}

static weft_err on_ended(weft_actor *self, weft_msg *msg)
{
    pair *p = weft_state(self);
    direction *d = way_of(p, ((const weft_ended *)weft_body(msg))->stream);
    d->ended = true;
    pass(self, p, d);
    return WEFT_OK;
}

/* ---- its beginning and its end */

static uint64_t limit_of(const char *text, uint64_t connection)
{
    if (text == NULL)
        return UINT64_MAX;
    return strcmp(text, "+") == 0 ? connection : strtoull(text, NULL, 10);
}

static weft_err on_opened(weft_actor *self, weft_msg *msg)
{
    pair *p = weft_state(self);
    const weft_opened *opened = weft_body(msg);
    if (p->opening == NULL && !p->up) {
        uint64_t connection = settings.connections++;
        weft_ref to = weft_connect(self, settings.to, weft_self(self));
        if (weft_ref_is_nobody(to))
            return weft_stop(self, WEFT_ENOMEM);
        p->way[0] = (direction){
            .from = opened->stream, .to = to, .limit = limit_of(settings.there, connection)};
        p->way[1] = (direction){
            .from = to, .to = opened->stream, .limit = limit_of(settings.back, connection)};
        p->opening = weft_keep(msg);
        return WEFT_OK;
    }
    p->up = true;
    weft_drop(&p->opening);
    for (int i = 0; i < 2 && !p->over; i++)
        if (p->way[i].limit == 0)
            do_harm(self, p, &p->way[i]);
    return WEFT_OK;
}

static weft_err on_closed(weft_actor *self, weft_msg *msg)
{
    pair *p = weft_state(self);
    const weft_closed *closed = weft_body(msg);
    direction *d = way_of(p, closed->stream);
    if (++p->closed == 2)
        return weft_stop(self, WEFT_OK);
    if (p->over && settings.then != RESET && settings.then != END)
        return WEFT_OK; /* the other side is not told */
    if (closed->reason != WEFT_EDONE)
        return weft_abort(self, d->to, WEFT_OK);
    d->ended = true; /* behind what is not due yet */
    pass(self, p, d);
    return WEFT_OK;
}

static void ended(weft_actor *self, weft_err reason)
{
    pair *p = weft_state(self);
    (void)reason;
    for (int i = 0; i < 2; i++)
        while (p->way[i].first != NULL)
            take_first(&p->way[i]);
}

static const weft_handler handlers[] = {
    {.type = &weft_opened_type, .fn = on_opened},
    {.type = &weft_data_type, .fn = on_data},
    {.type = &weft_ended_type, .fn = on_ended},
    {.type = &weft_closed_type, .fn = on_closed},
    {.type = &due_type, .fn = on_due},
    {0},
};
static const weft_behaviour fault_proxy = {
    .name = "fault proxy", .handlers = handlers, .state_bytes = sizeof(pair), .ended = ended};

/* ---- the command line */

static const char *const harms[] = {"reset", "end", "hole", "half", NULL};

#define AT(field) offsetof(struct settings, field)

#define TEXT_ROW(row_name, field, row_help)                                          \
    {                                                                                \
        .name = (row_name), .kind = WEFT_OPTION_TEXT, .value = "N", .at = AT(field), \
        .help = (row_help)                                                           \
    }

static bool read_chunks(const char *text)
{
    for (char *end; text != NULL && settings.chunks_n < CHUNKS_MAX;
         text = *end == ',' ? end + 1 : NULL) {
        size_t n = strtoul(text, &end, 10);
        if (n == 0 || (*end != ',' && *end != '\0'))
            return false;
        settings.chunks[settings.chunks_n++] = n;
    }
    return true;
}

int main(int argc, char **argv)
{
    static const weft_option rows[] = {
        {.name = "FROM",
         .kind = WEFT_OPTION_LISTEN,
         .positional = true,
         .at = AT(from),
         .help = "where to listen"},
        {.name = "TO",
         .kind = WEFT_OPTION_CONNECT,
         .positional = true,
         .at = AT(to),
         .help = "where to connect"},
        {.name = "delay",
         .kind = WEFT_OPTION_MS,
         .value = "MS",
         .max = 3600000,
         .at = AT(delay_ms),
         .help = "bytes come out so much later"},
        {.name = "rate",
         .kind = WEFT_OPTION_COUNT,
         .value = "BYTES",
         .max = UINT32_MAX,
         .at = AT(rate),
         .help = "a second, each way"},
        TEXT_ROW("chunk", chunk, "sizes of pieces, in turn"),
        TEXT_ROW("there", there, "the harm is done when so much has passed"),
        TEXT_ROW("back", back, "the same for what comes back"),
        {.name = "then",
         .kind = WEFT_OPTION_CHOICE,
         .value = "WHAT",
         .words = harms,
         .at = AT(then),
         .help = "the harm"},
        {0},
    };
    weft_option_set set = {.rows = rows, .to = &settings};
    weft_option_words words = {.at = argv, .count = argc, .next = 1};
    weft_why why = {"a size of a piece is no number from 1 on"};
    if (weft_options_read(&set, 1, &words, false, &why) != WEFT_OK ||
        !read_chunks(settings.chunk)) {
        (void)fprintf(stderr, "fault_proxy: %s\n", why.text);
        return EX_USAGE;
    }
    weft_system *sys = weft_system_new(&(weft_system_options){.reactors = 1});
    if (sys == NULL)
        return EX_OSERR;
    for (size_t i = 0; i < settings.from.count; i++)
        (void)weft_listen(sys, settings.from.at[i], &fault_proxy, NULL);
    int code = weft_run(&sys);
    weft_options_done(&set);
    return code;
}

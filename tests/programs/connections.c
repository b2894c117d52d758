/* SPDX-License-Identifier: MIT */
/* Opens many connections to an echo server, uses each while all are open, and closes them.
 *
 * usage: weft_connections URL COUNT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <weft/weft.h>

enum { AT_A_TIME = 200, TEXT_BYTES = 16 };

typedef struct served {
    char nothing;
} served;
static const weft_type served_type = WEFT_TYPE("served", served, NULL);
typedef struct leave {
    char nothing;
} leave;
static const weft_type leave_type = WEFT_TYPE("leave", leave, NULL);

static const char *url;
static unsigned total, lost;

/* ---- one connection */

typedef struct visitor {
    weft_ref stream;
    char text[TEXT_BYTES], back[TEXT_BYTES];
    size_t got;
} visitor;

static weft_err on_started(weft_actor *self, weft_msg *msg)
{
    visitor *v = weft_state(self);
    (void)msg;
    v->stream = weft_connect(self, url, weft_self(self));
    return WEFT_OK;
}

static weft_err on_opened(weft_actor *self, weft_msg *msg)
{
    visitor *v = weft_state(self);
    (void)msg;
    weft_random(self, v->text, sizeof v->text);
    return weft_write_copy(self, v->stream, v->text, sizeof v->text);
}

static weft_err on_data(weft_actor *self, weft_msg *msg)
{
    visitor *v = weft_state(self);
    weft_bytes bytes = ((const weft_data *)weft_body(msg))->bytes;
    size_t n = bytes.size < sizeof v->back - v->got ? bytes.size : sizeof v->back - v->got;
    memcpy(v->back + v->got, bytes.at, n);
    v->got += n;
    if (v->got < sizeof v->back)
        return WEFT_OK;
    if (memcmp(v->back, v->text, sizeof v->text) != 0)
        return weft_abort(self, v->stream, WEFT_EPROTO);
    return weft_tell(self, weft_parent(self), served, .nothing = 0);
}

static weft_err on_leave(weft_actor *self, weft_msg *msg)
{
    const visitor *v = weft_state(self);
    (void)msg;
    return weft_end(self, v->stream);
}

static weft_err on_closed(weft_actor *self, weft_msg *msg)
{
    const weft_closed *closed = weft_body(msg);
    if (closed->reason != WEFT_EDONE && lost++ == 0)
        (void)fprintf(stderr, "a connection was lost: %s: %s\n", weft_err_name(closed->reason),
                      closed->why);
    return weft_stop(self, WEFT_OK);
}

static const weft_handler visitor_rows[] = {
    {.type = &weft_started_type, .fn = on_started}, {.type = &weft_opened_type, .fn = on_opened},
    {.type = &weft_data_type, .fn = on_data},       {.type = &leave_type, .fn = on_leave},
    {.type = &weft_closed_type, .fn = on_closed},   {0},
};
static const weft_behaviour visitor_behaviour = {
    .name = "visitor", .handlers = visitor_rows, .state_bytes = sizeof(visitor)};

/* ---- all of them */

typedef struct crowd {
    unsigned opened, served, gone;
    weft_ref *visitor;
} crowd;

static void open_one(weft_actor *self, crowd *c)
{
    if (c->opened < total)
        c->visitor[c->opened++] = weft_spawn(self, &visitor_behaviour, NULL);
}

static weft_err crowd_started(weft_actor *self, weft_msg *msg)
{
    crowd *c = weft_state(self);
    (void)msg;
    c->visitor = calloc(total, sizeof *c->visitor);
    for (unsigned i = 0; c->visitor != NULL && i < AT_A_TIME; i++)
        open_one(self, c);
    return WEFT_OK;
}

static weft_err crowd_served(weft_actor *self, weft_msg *msg)
{
    crowd *c = weft_state(self);
    (void)msg;
    open_one(self, c);
    if (++c->served < total)
        return WEFT_OK;
    for (unsigned i = 0; i < total; i++)
        (void)weft_tell(self, c->visitor[i], leave, .nothing = 0);
    return WEFT_OK;
}

static void visitor_gone(weft_actor *self, weft_ref child, weft_err reason)
{
    crowd *c = weft_state(self);
    (void)child, (void)reason;
    if (++c->gone == total || (c->served < total && lost != 0))
        weft_system_stop(self, lost == 0 ? WEFT_OK : WEFT_ELOST);
}

static void crowd_ended(weft_actor *self, weft_err reason)
{
    const crowd *c = weft_state(self);
    (void)reason;
    (void)printf("%u opened, %u served at the same time, %u lost\n", c->opened, c->served, lost);
    free(c->visitor);
}

static const weft_handler crowd_rows[] = {
    {.type = &weft_started_type, .fn = crowd_started},
    {.type = &served_type, .fn = crowd_served},
    {0},
};
static const weft_behaviour crowd_behaviour = {.name = "crowd",
                                               .handlers = crowd_rows,
                                               .state_bytes = sizeof(crowd),
                                               .mailbox_max = 1 << 20,
                                               .ended = crowd_ended,
                                               .child_ended = visitor_gone};

int main(int argc, char **argv)
{
    weft_system *sys = argc == 3 ? weft_system_new(NULL) : NULL;
    if (sys == NULL)
        return 2;
    url = argv[1];
    total = (unsigned)strtoul(argv[2], NULL, 10);
    if (weft_ref_is_nobody(weft_system_spawn(sys, 0, &crowd_behaviour, NULL)))
        return EXIT_FAILURE;
    return weft_run(&sys);
}

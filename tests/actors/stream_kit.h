/* SPDX-License-Identifier: MIT */
/* Two ends of a stream over any transport, in a system that runs until both have been told `closed`.
 *
 * A test fills in two sides (what each does at an event), and kit_run makes the transport between them,
 * runs, and leaves in the sides what each saw. Side a connects, side b is who listens. */
#ifndef WEFT_TESTS_STREAM_KIT_H
#define WEFT_TESTS_STREAM_KIT_H

#include <sys/socket.h>
#include <sys/un.h>

#include <weft/net.h>
#include <weft/testing.h>

#include "check.h"

typedef struct kit_transport {
    const char *name;
    const char *url;             /* listened at and connected to; NULL: a pair in memory */
    const char *listen_policies; /* "a=1&b=2": options of its own when listening; NULL: none */
    const char *connect_policies;
    bool tls;     /* pushed by both as the first thing */
    bool secure;  /* TLS by the URL, its options are added */
    bool resets;  /* an abort is seen as a loss, not as an end, by the other side */
    bool sockets; /* a kernel in between keeps some MiB of its own */
    const char *
        exec; /* a is joined with it by a program of its own, which this word stands for (relay.h) */
    bool forwarded; /* by which a loss on one side aborts the other */
    bool given;     /* by fd:, a socket that listens and those that are connected with it */
    bool adopted;   /* no URL: a socket pair, whose ends are adopted, ... */
    bool pipes;     /* ... or two pipes, ... */
    bool terminal;  /* ... or a terminal in raw mode, which knows no half close */
    bool sim;       /* in a simulated system, whose wire has these faults */
    weft_sim_faults faults;
} kit_transport;

/* Every transport there is, ended by a row without a name: what a new one has to be added to. */
extern const kit_transport kit_transports[];

/* Runs the statement behind it for each transport (with the environment's WEFT_TEST_TRANSPORT: for that
 * one), and says which one a check failed with. */
#define KIT_FOR_EACH(by)                                                                          \
    for (const kit_transport *by = kit_transports; by->name != NULL; kit_tell_failures(by), by++) \
        if (kit_wants(by))
bool kit_wants(const kit_transport *by);
void kit_tell_failures(const kit_transport *by);

typedef struct kit_side kit_side;
typedef struct kit_world kit_world;
typedef void kit_fn(weft_actor *self, kit_side *s, weft_msg *msg);

struct kit_side {
    /* what it does, beyond what the kit does: each may be NULL */
    kit_fn *opened, *data, *ended, *closed, *drained, *pull, *note;
    bool bare;                    /* has no rows but `data`: the defaults of the vocabulary */
    bool plain;                   /* does not push TLS, whatever the transport is */
    bool raw;                     /* what comes is not the pattern */
    uint32_t window, write_queue; /* set when it opens; 0: the default */
    uint64_t total;               /* kit_send writes so many bytes of the pattern */
    bool end_when_sent;           /* and then ends its side */
    const char *host;             /* whom it expects, by TLS; NULL: localhost */

    /* what it saw: o(pened) d(ata) e(nded) c(losed), runs of one kind as one letter */
    char log[64];
    unsigned opens, datas, drains, closes;
    uint64_t got, sent, wrong; /* bytes; those that were not the pattern */
    unsigned faults;           /* what was not as KIT_CHECK expected */
    weft_err reason;
    char why[96];
    bool stopped; /* a bare one: its actor has ended */

    /* what it is */
    kit_world *world;
    weft_ref self, stream;
    weft_msg *held;
    weft_bytes kept[64];
    unsigned n_kept;
    uint64_t count; /* for the test */
};

struct kit_world {
    const kit_transport *by;
    kit_side *a, *b, *c;        /* c: a third actor, for hand-over; NULL: none */
    unsigned reactors;          /* 0: 1 */
    uint32_t limit_ms;          /* it hangs if it takes longer; 0: two minutes */
    unsigned closes;            /* so many `closed` (or ends of bare sides) end it; 0: 2 */
    const char *listen_options; /* "?..." */
    const char *connect_options;
    bool no_connect; /* a is only started: its `note` begins */
    bool far;        /* a lives on reactor 1, and its stream on reactor 0 */
    kit_side *more;  /* connect too, as a does */
    unsigned n_more;
    const weft_behaviour *serve; /* accepts instead of side b; its config is b */

    char url[256];            /* where b listens */
    struct sockaddr_un given; /* what its descriptor is bound to */
    socklen_t given_bytes;
    weft_ref director;
    bool hung; /* it did not end by itself */
    unsigned seen;
};

/* A check that may be made in any thread: CUnit's may not. */
#define KIT_CHECK(s, x) ((x) ? (void)0 : kit_fault((s), #x, __LINE__))
void kit_fault(kit_side *s, const char *what, int line);

/* Runs it; a world that hangs is a failed check. */
void kit_run(kit_world *w);

/* The byte of the pattern at @at. */
uint8_t kit_byte(uint64_t at);

/* Writes up to @s->total bytes of the pattern in pieces of @piece, until the stream refuses; call it
 * again on `drained` (the kit does, in pieces of 16 KiB, for a side with a total). */
weft_err kit_send(weft_actor *self, kit_side *s, size_t piece);

/* Tells @to's actor a note. */
typedef struct kit_note {
    uint32_t what;
} kit_note;
extern const weft_type kit_note_type;
void kit_tell(weft_actor *self, kit_side *to, uint32_t what);

/* Drops what the side keeps. */
void kit_let_go(weft_actor *self, kit_side *s);

/* The certificate of localhost and its key that the kit uses, and one nobody trusts. */
struct weft_tls;
struct weft_tls *kit_tls_server(void), *kit_tls_client(void), *kit_tls_stranger(void);
/* The same in a file, the key behind the certificate. */
const char *kit_tls_file(void);

extern const weft_behaviour kit_side_behaviour, kit_bare_behaviour;

#endif

/* SPDX-License-Identifier: MIT */
/* Two endpoints over any transport of datagrams, in a system that runs until both have been told `closed`.
 *
 * Side b is bound; side a is connected to it, or bound too and sends to b's address. A test fills in what each
 * does at an event, runs, and looks at what each saw. */
#ifndef WEFT_TESTS_DATAGRAM_KIT_H
#define WEFT_TESTS_DATAGRAM_KIT_H

#include <weft/datagram.h>
#include <weft/testing.h>

#include "check.h"

typedef struct gram_transport {
    const char *name;
    const char *url;   /* where b is bound */
    const char *reach; /* how it is reached, with its port behind; NULL: by its address */
    const char *other; /* where a is bound; NULL: it is connected */
    bool icmp;         /* somebody says that nobody is there */
    bool local;        /* nothing is lost: who sends too fast is told */
    bool merged;       /* one read may bring many: the window is passed */
    bool sim;          /* in a simulated system with these faults */
    weft_sim_faults faults;
} gram_transport;

/* Every transport there is, ended by a row without a name. */
extern const gram_transport gram_transports[];
#define GRAM_FOR_EACH(by)                                              \
    for (const gram_transport *by = gram_transports; by->name != NULL; \
         gram_tell_failures(by), by++)                                 \
        if (gram_wants(by))
bool gram_wants(const gram_transport *by);
void gram_tell_failures(const gram_transport *by);

typedef struct gram_side gram_side;
typedef struct gram_world gram_world;
typedef void gram_fn(weft_actor *self, gram_side *s, weft_msg *msg);

struct gram_side {
    /* what it does, beyond what the kit does: each may be NULL */
    gram_fn *opened, *datagram, *failed, *drained, *closed, *note;
    const char *options; /* "?..." */
    bool raw;            /* what comes is not the pattern */
    bool bare;           /* has no rows but `datagram` */

    /* what it saw: o(pened) d(atagram) f(ailed) r(oom) c(losed), runs of one kind as one letter */
    char log[64];
    unsigned opens, grams, fails, drains, closes;
    uint64_t bytes, wrong; /* those that were not the pattern of their number */
    unsigned faults;       /* what was not as GRAM_CHECK expected */
    weft_err reason, fail; /* of the end; of the last failure */
    weft_datagram_failed failure;
    char why[96];
    weft_endpoint_stats stats; /* after gram_count */

    /* what it is */
    gram_world *world;
    weft_ref self, endpoint;
    weft_address local, to; /* itself; whom it sends to, of no family for a connected one */
    weft_msg *held;
    weft_bytes kept[64];
    unsigned n_kept;
    uint64_t count; /* for the test */
};

struct gram_world {
    const gram_transport *by;
    gram_side *a, *b;
    unsigned reactors; /* 0: 1 */
    unsigned closes;   /* so many `closed` end it; 0: 2 */
    bool far;          /* a lives on reactor 1, and its endpoint on reactor 0 */
    bool listen;       /* b is bound before start, by weft_bind_at */
    bool early;        /* and says nothing: a begins at once, with @url */
    char url[256];     /* where b is */
    weft_ref director;
    bool hung;
    unsigned seen;
};

/* A check that may be made in any thread: CUnit's may not. */
#define GRAM_CHECK(s, x) ((x) ? (void)0 : gram_fault((s), #x, __LINE__))
void gram_fault(gram_side *s, const char *what, int line);

/* Runs it; a world that hangs is a failed check. */
void gram_run(gram_world *w);

/* Sends one of @size bytes with the pattern of number @n (of at least 4 bytes its number too). */
weft_err gram_send(weft_actor *self, gram_side *s, uint32_t n, size_t size);
/* The number of what came; UINT32_MAX: too short to have one. */
uint32_t gram_number(const weft_datagram *d);
/* Asks the endpoint for its statistics, and closes it then. */
void gram_count(weft_actor *self, gram_side *s, weft_msg *msg);
void gram_close(weft_actor *self, gram_side *s, weft_msg *msg);
/* Gives back what came. */
void gram_echo(weft_actor *self, gram_side *s, weft_msg *msg);

typedef struct gram_note {
    uint32_t what;
} gram_note;
extern const weft_type gram_note_type;
void gram_tell(weft_actor *self, gram_side *to, uint32_t what);
void gram_let_go(gram_side *s);

extern const weft_behaviour gram_behaviour, gram_bare_behaviour;

#endif

/* SPDX-License-Identifier: MIT */
/* One actor that starts a process, does with it what a test says, and notes what it is told. */
#ifndef WEFT_TESTS_PROCESS_KIT_H
#define WEFT_TESTS_PROCESS_KIT_H

#include <weft/net.h>
#include <weft/process.h>

#include "check.h"

typedef struct process_run process_run;
typedef void process_run_fn(weft_actor *self, process_run *r, weft_msg *msg);

struct process_run {
    /* what is done; each may be NULL */
    const char *shell; /* run by sh -c; or: */
    weft_process_options options;
    const char *input;        /* written to 0, */
    bool end_input;           /* which is then ended */
    process_run_fn *starting; /* instead of starting it */
    process_run_fn *begun;    /* right behind the start, in the same handler */
    process_run_fn *started, *data, *ended, *note, *closed;
    weft_handler_fn *drained;
    bool goes_on; /* the system does not stop with the process */
    unsigned reactors;
    uint32_t stop_grace_ms;

    /* what was seen: s(tarted) o(pened) d(ata) e(nded stream) c(losed) E(nded), runs of one kind as one letter */
    char log[64];
    char out[8192], err[8192]; /* what came from 1 (or a terminal) and from 2 */
    size_t out_n, err_n;
    uint64_t got; /* bytes, also those that have no room here */
    unsigned starts, ends, closes;
    weft_err lost; /* the last reason of a `closed` that was not EDONE */
    weft_process_ended end;
    bool hung;

    weft_ref self, process;
    weft_msg *held;
    uint64_t count; /* for the test */
};

/* Runs it until it has ended; checks that it is told once, and that neither a child nor a descriptor is
 * left. */
void process_run_it(process_run *r);

/* Starts it, or again. */
void process_run_start(weft_actor *self, process_run *r);

/* The stream to the child's descriptor @fd. */
weft_ref process_run_stream(weft_actor *self, const process_run *r, int fd);

typedef struct process_note {
    uint32_t what;
} process_note;
extern const weft_type process_note_type;

/* Open descriptors of this process. */
unsigned process_count_fds(void);
/* Whether this process has no child, dead or alive. */
bool process_no_children(void);
/* Runs @fn in a child of its own, which may spoil its limits and rights. */
void process_apart(void (*fn)(void));

#endif

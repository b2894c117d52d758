/* SPDX-License-Identifier: MIT */
/* An actor whose rows are fibers, and what its acts do. */
#ifndef WEFT_TESTS_FIBER_KIT_H
#define WEFT_TESTS_FIBER_KIT_H

#include <weft/fiber.h>

#include "kit.h"

/* Something to be done in a fiber of a row that is .serial too, and outside of any fiber. */
typedef act serial_act, plain_act;
extern const weft_type serial_act_type, plain_act_type;
/* Numbers: one that `waiter` has a row for is num, this is one that it has none for. */
typedef num letter;
extern const weft_type letter_type;

/* act and serial_act run in fibers, plain_act does not; a num is written into the record that is its
 * config. Its end is written there too, as 999. */
extern const weft_behaviour waiter;
typedef struct waiter_state {
    weft_msg *kept;
    weft_deferred deferred;
} waiter_state;

extern record *seen;   /* what happened, in order */
extern weft_ref it;    /* a waiter with that record */
extern weft_ref other; /* a puppet, whose record is its own */
void fibers_before(void);

void check_seen(const uint64_t *want, unsigned n, int line);
#define CHECK_SEEN(...)                                                          \
    do {                                                                         \
        const uint64_t want_[] = {__VA_ARGS__};                                  \
        check_seen(want_, (unsigned)(sizeof want_ / sizeof want_[0]), __LINE__); \
    } while (0)

/* Acts of a puppet: answers 7, fails with EPROTO "no", keeps the request, answers what is kept, goes. */
weft_err answer_7(weft_actor *self, weft_msg *msg, void *with);
weft_err fail_it(weft_actor *self, weft_msg *msg, void *with);
weft_err keep_it(weft_actor *self, weft_msg *msg, void *with);
weft_err answer_kept(weft_actor *self, weft_msg *msg, void *with);
weft_err stop_it(weft_actor *self, weft_msg *msg, void *with);

/* Asks `other` to do @fn. */
weft_deferred ask_other(weft_actor *self, act_fn *fn);
void tell_num(uint64_t n);

#endif

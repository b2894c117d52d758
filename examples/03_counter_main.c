/* SPDX-License-Identifier: MIT */
/* A program around the counter: its child is asked to add each argument, the total is printed. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "03_counter.h"

typedef struct arguments {
    int n;
    char **text;
} arguments;

/* [asking] */
static weft_err on_total(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    const counter_total *total = got->body;
    (void)msg;
    if (got->err != WEFT_OK)
        (void)fprintf(stderr, "unable to add: %s\n", got->why);
    else
        (void)printf("%" PRIu64 "\n", total->value);
    weft_system_stop(self, got->err);
    return WEFT_OK;
}

static weft_err on_started(weft_actor *self, weft_msg *msg)
{
    const arguments *a = weft_config(self);
    weft_ref counter = weft_spawn(self, &counter_behaviour, NULL);
    for (int i = 1; i < a->n; i++)
        (void)weft_tell(self, counter, counter_add, .amount = strtoull(a->text[i], NULL, 10));
    return weft_when(msg, weft_ask(self, counter, counter_add, .amount = 0), on_total);
}
/* [/asking] */

static const weft_handler handlers[] = {
    {.type = &weft_started_type, .fn = on_started},
    {0},
};

static const weft_behaviour adder = {.name = "adder", .handlers = handlers};

/* [main] */
int main(int argc, char **argv)
{
    arguments a = {argc, argv};
    weft_system *sys = weft_system_new(NULL);
    if (sys == NULL || weft_ref_is_nobody(weft_system_spawn(sys, 0, &adder, &a)))
        return EXIT_FAILURE;
    return weft_run(&sys);
}
/* [/main] */

/* SPDX-License-Identifier: MIT */
/* A service of a .proto: who serves it, and who calls it. The reference may as well be of another node.
 *
 *     33_services 7 2 */
#include <stdio.h>
#include <stdlib.h>
#include <weft/weft.h>

#include "33_services.weft.h"

/* [serve] */
static weft_err on_add(weft_actor *self, weft_msg *msg)
{
    const shop_calculator_add *pair = weft_body(msg);
    (void)self;
    return weft_reply(msg, shop_calculator_add_answer, .value = pair->a + pair->b);
}

static weft_err on_divide(weft_actor *self, weft_msg *msg)
{
    const shop_calculator_divide *pair = weft_body(msg);
    (void)self;
    if (pair->b == 0)
        return weft_fail(msg, WEFT_EINVAL, "nothing is divided by 0");
    return weft_reply(msg, shop_calculator_divide_answer, .value = pair->a / pair->b);
}

static const weft_handler calculator_rows[] = {SHOP_CALCULATOR_ROWS(on_add, on_divide), {0}};
static const weft_behaviour calculator = {.name = "calculator", .handlers = calculator_rows};
/* [/serve] */

/* [call] */
static weft_err on_divided(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    const shop_calculator_divide_answer *answer = got->body;
    (void)msg;
    if (got->err == WEFT_OK)
        (void)printf("%lld\n", (long long)answer->value);
    else
        (void)printf("%s: %s\n", weft_err_name(got->err), got->why);
    weft_system_stop(self, WEFT_OK);
    return WEFT_OK;
}

static weft_err on_started(weft_actor *self, weft_msg *msg)
{
    char *const *argv = weft_config(self);
    weft_ref there =
        weft_spawn(self, &calculator, NULL); /* or weft_named(self, "calculator@edge-1") */
    return weft_when(msg,
                     weft_ask(self, there, shop_calculator_divide, .a = strtoll(argv[1], NULL, 10),
                              .b = strtoll(argv[2], NULL, 10)),
                     on_divided);
}
/* [/call] */

static const weft_handler rows[] = {{.type = &weft_started_type, .fn = on_started}, {0}};
static const weft_behaviour client = {.name = "client", .handlers = rows};

int main(int argc, char **argv)
{
    if (argc != 3) {
        (void)fprintf(stderr, "usage: 33_services NUMBER NUMBER\n");
        return 64; /* EX_USAGE */
    }
    weft_system *sys = weft_system_new(NULL);
    if (sys == NULL || weft_ref_is_nobody(weft_system_spawn(sys, 0, &client, argv)))
        return EXIT_FAILURE;
    return weft_run(&sys);
}

/* SPDX-License-Identifier: MIT */
/* Looks names up: 15_names NAME... prints the addresses of each. */
#include <stdio.h>
#include <sysexits.h>

#include <weft/weft.h>

static char **names;

/* [look_up] */
static weft_err look_up(weft_actor *self, const char *name)
{
    char text[WEFT_ADDRESS_TEXT_BYTES];
    const weft_outcome *got = weft_await(self, weft_resolver_addresses(self, name));
    const weft_resolver_answer *answer = got->body;

    if (got->err != WEFT_OK) {
        fprintf(stderr, "%s: %s\n", weft_err_name(got->err), got->why);
        return got->err;
    }
    for (uint32_t i = 0; i < answer->n; i++)
        printf("%s %s\n", name, weft_address_host(&answer->records[i].address, text));
    return WEFT_OK;
}
/* [/look_up] */

static weft_err on_started(weft_actor *self, weft_msg *msg)
{
    weft_err err = WEFT_OK;
    (void)msg;

    for (char **name = names; *name != NULL && err == WEFT_OK; name++)
        err = look_up(self, *name);
    weft_system_stop(self, err);
    return WEFT_OK;
}

static const weft_handler handlers[] = {
    {.type = &weft_started_type, .fn = on_started, .fiber = true}, {0}};
static const weft_behaviour asker = {.name = "asker", .handlers = handlers};

int main(int argc, char **argv)
{
    weft_system *sys = weft_system_new(NULL);
    (void)argc;
    names = argv + 1;
    if (sys == NULL || weft_ref_is_nobody(weft_system_spawn(sys, 0, &asker, NULL)))
        return EX_OSERR;
    return weft_run(&sys);
}

/* SPDX-License-Identifier: MIT */
/* Waiting in a straight line: a tour asks three guides after each other. usage: 05_fiber [TOWN]...
 *
 * Beside 04_ask.c: the same asks, deferreds and limits, with the continuation written where it is read. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weft/weft.h>

typedef struct town {
    char name[32];
} town;
typedef struct sight {
    char text[64];
} sight;
static const weft_type sight_type = WEFT_TYPE("sight", sight, NULL);
static const weft_type town_type = WEFT_TYPE("town", town, &sight_type);

/* [guide] */
/* A guide takes her time, and has no answer for a town without a name. */
static weft_err on_town(weft_actor *self, weft_msg *msg)
{
    const town *t = weft_body(msg);
    sight s;

    weft_err err = weft_sleep(self, 10);
    if (err != WEFT_OK)
        return err;
    if (t->name[0] == '\0')
        return weft_fail(msg, WEFT_ENOTFOUND, "there is no such town");

    (void)snprintf(s.text, sizeof s.text, "the bridge of %s", t->name);
    return weft_reply_body(msg, &sight_type, &s);
}

static const weft_handler guide_handlers[] = {
    {.type = &town_type, .fn = on_town, .fiber = true},
    {0},
};
/* [/guide] */
static const weft_behaviour guide = {.name = "guide", .handlers = guide_handlers};

/* [tour] */
static weft_err tour(weft_actor *self, weft_msg *msg)
{
    const char *const *towns = weft_config(self);
    weft_ref her = weft_spawn(self, &guide, NULL);
    (void)msg;

    for (; *towns != NULL; towns++) {
        town t = {.name = ""};
        (void)snprintf(t.name, sizeof t.name, "%s", *towns);

        const weft_outcome *seen =
            weft_await(self, weft_ask_body(self, her, &town_type, &t, WEFT_INHERIT));

        if (seen->err != WEFT_OK)
            (void)printf("%s: %s\n", weft_err_name(seen->err), seen->why);
        else
            (void)printf("%s\n", ((const sight *)seen->body)->text);
    }
    weft_system_stop(self, WEFT_OK);
    return WEFT_OK;
}

static const weft_handler tourist_handlers[] = {
    {.type = &weft_started_type, .fn = tour, .fiber = true},
    {0},
};
/* [/tour] */
static const weft_behaviour tourist = {.name = "tourist", .handlers = tourist_handlers};

int main(int argc, char **argv)
{
    static const char *const usual[] = {"Mostar", "Prague", "", NULL};
    const void *towns = argc > 1 ? (const void *)(argv + 1) : (const void *)usual;
    weft_system *sys = weft_system_new(NULL);

    if (sys == NULL || weft_ref_is_nobody(weft_system_spawn(sys, 0, &tourist, towns)))
        return EXIT_FAILURE;
    return weft_run(&sys);
}

/* SPDX-License-Identifier: MIT */
/* Looking at the actors of another node: a console asks the actor WEFT_CONSOLE_NAME there, which runs the commands that
 * change nothing, for whom the node's allow-list lets. */
#include <stdio.h>
#include <string.h>

#include <weft/edge.h>
#include <weft/node.h>
#include <weft/remote.h>

#include "console.h"
#include "weft_console.pb-c.h"

enum { LOOK_MS = 5000 };

typedef Weft__Console__Look weft_console_look;
typedef Weft__Console__Seen weft_console_seen;
static const weft_type weft_console_seen_type =
    WEFT_TYPE_PROTO("weft.console_seen", weft_console_seen, &weft__console__seen__descriptor, NULL);
const weft_type weft_console_look_type =
    WEFT_TYPE_PROTO("weft.console_look", weft_console_look, &weft__console__look__descriptor,
                    &weft_console_seen_type);

/* ---- who asks */

static weft_err put_seen(const weft_outcome *got, wf_text *out, weft_why *why)
{
    const weft_console_seen *seen = got->body;
    if (got->err == WEFT_ETYPE) /* it has no looker, nor its message */
        return weft_because(why, got->err,
                            "%s: nobody may look at it (there: weftd node --operator NAME)",
                            got->why);
    if (got->err != WEFT_OK)
        return weft_because(why, got->err, "%s", got->why);
    wf_text_put_bytes(out, seen->text.data, seen->text.len);
    return WEFT_OK;
}

weft_err wf_console_look_at(wf_command *c)
{
    char who[WEFT_NAME_BYTES + WEFT_NODE_NAME_BYTES], line[WEFT_CONSOLE_LINE_BYTES_MAX];
    const char *here = weft_remote_self(c->sys);
    if (here != NULL && strcmp(here, c->word[1]) == 0)
        return weft_because(c->why, WEFT_EINVAL, "this is the node %s itself: expected another one",
                            here);
    if (snprintf(who, sizeof who, WEFT_CONSOLE_NAME "@%s", c->word[1]) >= (int)sizeof who)
        return weft_because(c->why, WEFT_EINVAL, "\"%.40s\" is no name of a node", c->word[1]);
    /* it was in a line of that size, with two more words */
    (void)snprintf(line, sizeof line, "%s %s", c->word[2], c->rest);
    c->waits = weft_ask_within(c->self, weft_named(c->self, who), LOOK_MS, weft_console_look,
                               .command = line);
    c->waiting = true;
    c->answered = put_seen;
    return WEFT_OK;
}

/* ---- who answers */

static weft_err on_started(weft_actor *self, weft_msg *msg)
{
    (void)msg;
    return weft_register(self, WEFT_CONSOLE_NAME);
}

static weft_err on_look(weft_actor *self, weft_msg *msg)
{
    const weft_console_look *look = weft_body(msg);
    char line[WEFT_CONSOLE_LINE_BYTES_MAX];
    wf_text out = {.n = 0};
    weft_why why = {""};
    wf_command c = {
        .self = self, .sys = weft_system_of(self), .out = &out, .why = &why, .looks = true};
    if (snprintf(line, sizeof line, "%s", look->command) >= (int)sizeof line)
        return weft_fail(msg, WEFT_ETOOBIG, "a command of more than %u bytes",
                         WEFT_CONSOLE_LINE_BYTES_MAX);
    weft_err err = wf_console_run(&c, line);
    wf_text_end(&out);
    err = err != WEFT_OK ? weft_fail(msg, err, "%s", why.text)
                         : weft_reply(msg, weft_console_seen,
                                      .text = {.len = out.n, .data = (uint8_t *)(void *)out.at});
    wf_text_free(&out);
    return err;
}

static const weft_handler rows[] = {{.type = &weft_started_type, .fn = on_started},
                                    {.type = &weft_console_look_type, .fn = on_look},
                                    {0}};
const weft_behaviour weft_console_looker = {.name = "console looker", .handlers = rows};

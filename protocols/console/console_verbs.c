/* SPDX-License-Identifier: MIT */
/* The commands, as a table. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weft/node.h>

#include "console.h"

typedef struct verb {
    const char *name, *args, *help;
    weft_err (*run)(wf_command *c);
    size_t words_min, words_max; /* behind the verb */
    wf_console_takes takes;
    bool looks; /* it changes nothing, answers at once, and may be run for another node */
} verb;

/* ---- supervisors */

static weft_err put_children(const weft_outcome *got, wf_text *out, weft_why *why)
{
    static const char *const states[] = {"down", "starting", "up", "stopping", "ended"};
    const weft_supervisor_listing *l = got->body;
    char ref[WEFT_REF_TEXT_BYTES];
    if (got->err == WEFT_EUNHANDLED)
        return weft_because(why, got->err, "it is no supervisor");
    if (got->err != WEFT_OK)
        return weft_because(why, got->err, "%s", got->why);
    for (uint32_t i = 0; i < l->n; i++)
        wf_text_put(out, "%-16s %-8s %4u restarts  %-16s %s\n",
                    weft_ref_print(l->child[i].ref, ref), states[l->child[i].state],
                    l->child[i].restarts,
                    l->child[i].reason != WEFT_OK ? weft_err_name(l->child[i].reason) : "-",
                    l->child[i].name);
    if (l->all > l->n)
        wf_text_put(out, "%u children in all\n", l->all);
    return WEFT_OK;
}

static weft_err run_children(wf_command *c)
{
    weft_ref who;
    weft_err err = wf_actors_named(c->sys, c->word[1], &who, c->why);
    if (err != WEFT_OK)
        return err;
    char *end = NULL;
    unsigned long first = c->n > 2 ? strtoul(c->word[2], &end, 10) : 0;
    if (c->n > 2 && (*end != '\0' || first > UINT32_MAX))
        return weft_because(c->why, WEFT_EINVAL, "\"%.40s\" is no number of a child", c->word[2]);
    c->waits = weft_ask_within(c->self, who, 5000, weft_supervisor_list, .first = (uint32_t)first);
    c->waiting = true;
    c->answered = put_children;
    return WEFT_OK;
}

/* ---- nodes */

static const char *rate(double value, char to[16])
{
    static const char units[] = " kMGT";
    size_t u = 0;
    for (; value >= 10000 && u + 2 < sizeof units; u++)
        value /= 1000;
    (void)snprintf(to, 16, "%.0f%.*s", value, u != 0, &units[u]);
    return to;
}

/* Links measure in whole ms; the command `ping` says it finer. */
static const char *ping_of(const weft_link_info *l, char to[16])
{
    if (l->state != WEFT_LINK_UP)
        return "-";
    if (l->round_trip_ms == 0)
        return "<1 ms";
    (void)snprintf(to, 16, "%u ms", l->round_trip_ms);
    return to;
}

static void put_link(const weft_link_info *l, wf_text *out)
{
    static const char *const states[] = {"down", "dialing", "up"};
    char ping[16], in[16], gone[16], bytes_in[16], bytes_out[16], credit[16];
    wf_text_put(out, "%-20s %-8s %5u %9s %7u %7u %7u %8s %8s %8s %8s %8s %6llu", l->name,
                states[l->state], l->ups, ping_of(l, ping), l->asks, l->serving, l->waiting,
                rate((double)l->credit_bytes, credit), rate((double)l->records_in, in),
                rate((double)l->records_out, gone), rate((double)l->bytes_in, bytes_in),
                rate((double)l->bytes_out, bytes_out), (unsigned long long)l->lost);
    if (l->state != WEFT_LINK_UP && l->why[0] != '\0')
        wf_text_put(out, "  %s", l->why);
    wf_text_put(out, "\n");
}

static weft_err put_cluster(const weft_outcome *got, wf_text *out, weft_why *why)
{
    const weft_node_reported *r = got->body;
    if (got->err != WEFT_OK)
        return weft_because(why, got->err, "%s",
                            got->err == WEFT_EGONE || got->err == WEFT_ENOTFOUND ? "this is no node"
                                                                                 : got->why);
    wf_text_put(out, "node %s of %s%s: %u other%s\n", r->name,
                r->cluster[0] != '\0' ? "cluster " : "no cluster", r->cluster, r->all,
                r->all == 1 ? "" : "s");
    wf_text_put(out, "%-20s %-8s %5s %9s %7s %7s %7s %8s %8s %8s %8s %8s %6s\n", "member", "state",
                "ups", "ping", "asks", "serving", "waiting", "credit", "in", "out", "bytes in",
                "bytes out", "lost");
    for (uint32_t i = 0; i < r->n; i++)
        put_link(&r->link[i], out);
    return WEFT_OK;
}

static weft_err run_cluster(wf_command *c)
{
    char *end = NULL;
    unsigned long first = c->n > 1 ? strtoul(c->word[1], &end, 10) : 0;
    if (c->n > 1 && (*end != '\0' || first > UINT32_MAX))
        return weft_because(c->why, WEFT_EINVAL, "\"%.40s\" is no number of a member", c->word[1]);
    c->waits = weft_ask_within(c->self, weft_named(c->self, "weft.node"), 5000, weft_node_report,
                               .first = (uint32_t)first);
    c->waiting = true;
    c->answered = put_cluster;
    return WEFT_OK;
}

static weft_err put_ping(const weft_outcome *got, wf_text *out, weft_why *why)
{
    if (got->err != WEFT_OK)
        return weft_because(why, got->err, "%s", got->why);
    wf_text_put(out, "%.3f ms\n", (double)((const weft_node_pinged *)got->body)->ns / 1e6);
    return WEFT_OK;
}

static weft_err run_ping(wf_command *c)
{
    c->waits = weft_node_ping(c->self, c->word[1], 5000);
    c->waiting = true;
    c->answered = put_ping;
    return WEFT_OK;
}

/* ---- doing */

const char *wf_console_wish(const wf_command *c, char text[WF_CONSOLE_WISH_BYTES])
{
    bool known = c->user != NULL && c->user[0] != '\0';
    (void)snprintf(text, WF_CONSOLE_WISH_BYTES, "the %s%s", known ? "wish of " : "operator's wish",
                   known ? c->user : "");
    return text;
}

static weft_err stop(wf_command *c, weft_err reason, const char *said)
{
    weft_ref who;
    char ref[WEFT_REF_TEXT_BYTES], wish[WF_CONSOLE_WISH_BYTES];
    weft_err err = wf_actors_named(c->sys, c->word[1], &who, c->why);
    if (err != WEFT_OK)
        return err;
    err = weft_stop_ref(c->self, who, reason);
    if (err != WEFT_OK)
        return wf_console_not_done(c, who, err);
    weft_log(c->self, WEFT_NOTICE, "%s %s: %s", c->word[0], weft_ref_print(who, ref),
             wf_console_wish(c, wish));
    wf_text_put(c->out, "%s %s\n", weft_ref_print(who, ref), said);
    return WEFT_OK;
}

static weft_err run_stop(wf_command *c)
{
    return stop(c, WEFT_OK, "is asked to stop");
}

static weft_err run_restart(wf_command *c)
{
    return stop(c, WEFT_ECANCELLED, "is asked to fail; its supervisor decides what comes then");
}

static weft_err run_log(wf_command *c)
{
    weft_level level;
    if (c->n > 1) {
        weft_err err = weft_level_parse(c->word[1], &level, c->why);
        if (err != WEFT_OK)
            return err;
        weft_system_set_log_level(c->sys, level);
    }
    wf_text_put(c->out, "%s\n", weft_level_name(weft_system_log_level(c->sys)));
    return WEFT_OK;
}

static weft_err run_shutdown(wf_command *c)
{
    char wish[WF_CONSOLE_WISH_BYTES];
    weft_log(c->self, WEFT_NOTICE, "shutdown: %s", wf_console_wish(c, wish));
    wf_text_put(c->out, "shutting down\n");
    weft_system_stop(c->self, WEFT_OK);
    c->quit = true; /* what runs waits for its connections */
    return WEFT_OK;
}

static weft_err run_console(wf_command *c)
{
    c->console = true;
    return WEFT_OK;
}

static weft_err run_hello(wf_command *c)
{
    if (c->n > 1 && strcmp(c->word[1], "people") != 0)
        return weft_because(c->why, WEFT_EINVAL, "expected: hello, or hello people");
    wf_text_put(c->out, WEFT_CONSOLE_GREETING);
    c->hello = true;
    c->console = c->n > 1;
    return WEFT_OK;
}

static weft_err run_quit(wf_command *c)
{
    c->quit = true;
    return WEFT_OK;
}

static weft_err run_help(wf_command *c);

static const verb verbs[] = {
    {"tree", "[WHO]", "who is whose child", wf_console_tree, 0, 1, WF_TAKES_ACTORS, true},
    {"ps", "[N]", "actors: what they did, what waits for them", wf_console_ps, 0, 1,
     WF_TAKES_NOTHING, true},
    {"top", "[N]", "the busiest of them", wf_console_top, 0, 1, WF_TAKES_NOTHING, true},
    {"names", "", "names, and who has them", wf_console_names, 0, 0, WF_TAKES_NOTHING, true},
    {"reactors", "", "reactors, and what they hold", wf_console_reactors, 0, 0, WF_TAKES_NOTHING,
     true},
    {"children", "WHO [FIRST]", "what a supervisor keeps, 16 from number FIRST on", run_children, 1,
     2, WF_TAKES_ACTORS, false},
    {"cluster", "[FIRST]", "links to other nodes, 8 from number FIRST on", run_cluster, 0, 1,
     WF_TAKES_NOTHING, false},
    {"ping", "NODE", "how long another node takes to answer", run_ping, 1, 1, WF_TAKES_NOTHING,
     false},
    {"at", "NODE COMMAND ...", "what another node says to tree, ps, top, names or reactors",
     wf_console_look_at, 2, 2, WF_TAKES_COMMAND, false},
    {"stop", "WHO", "ends an actor in order", run_stop, 1, 1, WF_TAKES_ACTORS, false},
    {"restart", "WHO", "has an actor fail, so that its supervisor begins it again", run_restart, 1,
     1, WF_TAKES_ACTORS, false},
    {"kill", "WHO", "ends an actor at once, without asking it first", wf_console_kill, 1, 1,
     WF_TAKES_ACTORS, false},
    {"suspend", "WHO", "has an actor serve nothing until it is resumed", wf_console_suspend, 1, 1,
     WF_TAKES_ACTORS, false},
    {"resume", "WHO", "has it go on; nothing else does, but its end", wf_console_resume, 1, 1,
     WF_TAKES_ACTORS, false},
    {"tell", "WHO TYPE [FIELD=VALUE ...]", "sends it a message of a type that it serves",
     wf_console_tell, 2, 2, WF_TAKES_TYPES, false},
    {"ask", "[--limit TIME] WHO TYPE [FIELD=VALUE ...]", "the same, and shows its answer",
     wf_console_ask, 2, 2, WF_TAKES_TYPES, false},
    {"tap", "WHO [COUNT]", "shows what an actor is told, until Ctrl-C", wf_console_tap, 1, 2,
     WF_TAKES_ACTORS, false},
    {"log", "[LEVEL]", "says or sets what is logged", run_log, 0, 1, WF_TAKES_LEVELS, false},
    {"shutdown", "", "stops the whole system in order", run_shutdown, 0, 0, WF_TAKES_NOTHING,
     false},
    {"console", "", "makes this connection one for people, by telnet", run_console, 0, 0,
     WF_TAKES_NOTHING, false},
    {"hello", "[people]", "for programs: says who answers, and from then on where answers end",
     run_hello, 0, 1, WF_TAKES_NOTHING, false},
    {"help", "[COMMAND]", "this list", run_help, 0, 1, WF_TAKES_VERBS, false},
    {"quit", "", "closes this connection", run_quit, 0, 0, WF_TAKES_NOTHING, false},
    {0},
};

static const verb *find(const char *name)
{
    const verb *v = verbs;
    while (v->name != NULL && strcmp(v->name, name) != 0)
        v++;
    return v->name != NULL ? v : NULL;
}

static weft_err run_help(wf_command *c)
{
    if (c->n > 1 && find(c->word[1]) == NULL)
        return weft_because(c->why, WEFT_ENOTFOUND, "there is no command \"%.40s\"", c->word[1]);
    for (const verb *v = verbs; v->name != NULL; v++)
        if (c->n < 2 || strcmp(v->name, c->word[1]) == 0)
            wf_text_put(c->out, "%-9s %-12s %s\n", v->name, v->args, v->help);
    if (c->n < 2)
        wf_text_put(c->out,
                    "WHO is a name, or an actor as it is listed: <0.1.2> or 0.1.2\n"
                    "FIELD=VALUE: amount=5 name=\"a b\" flag=true order={id=7} tag=a tag=b\n");
    return WEFT_OK;
}

/* The next word at *@at, whose end becomes a zero; NULL: there is none. */
static char *cut(char **at)
{
    static const char blanks[] = " \t\r\n";
    char *word = *at + strspn(*at, blanks);
    if (*word == '\0')
        return NULL;
    *at = word + strcspn(word, blanks);
    if (**at != '\0')
        *(*at)++ = '\0';
    return word;
}

/* What stands behind its words is taken as it is. */
static bool takes_rest(const verb *v)
{
    return v->takes == WF_TAKES_TYPES || v->takes == WF_TAKES_COMMAND;
}

/* The words that come before that, with those of an option. */
static size_t words_of(const verb *v, const wf_command *c)
{
    bool option = v->takes == WF_TAKES_TYPES && c->n > 1 && strncmp(c->word[1], "--", 2) == 0;
    return v->words_min + (option ? 2 : 0);
}

weft_err wf_console_run(wf_command *c, char *line)
{
    const verb *v = NULL;
    c->n = 0;
    c->rest = line;
    for (char *word; (v == NULL || !takes_rest(v) || c->n < 1 + words_of(v, c)) &&
                     (word = cut(&c->rest)) != NULL;) {
        if (c->n == WF_CONSOLE_WORDS_MAX)
            return weft_because(c->why, WEFT_ELIMIT, "more than %d words", WF_CONSOLE_WORDS_MAX);
        c->word[c->n++] = word;
        if (c->n == 1)
            v = find(word);
    }
    c->word[c->n] = NULL;
    if (c->n == 0)
        return WEFT_OK;
    if (v == NULL)
        return weft_because(c->why, WEFT_ENOTFOUND,
                            "there is no command \"%.40s\"; help lists those there are",
                            c->word[0]);
    if (c->looks && !v->looks)
        return weft_because(c->why, WEFT_EDENIED, "%s is not for other nodes", v->name);
    size_t n = takes_rest(v) ? c->n - 1 + v->words_min - words_of(v, c) : c->n - 1;
    if (n < v->words_min || n > v->words_max)
        return weft_because(c->why, WEFT_EINVAL, "expected: %s%s%s", v->name,
                            v->args[0] != '\0' ? " " : "", v->args);
    return v->run(c);
}

/* ---- for completion */

const char *wf_console_verb(size_t i)
{
    return i < sizeof verbs / sizeof *verbs ? verbs[i].name : NULL;
}

bool wf_console_verb_looks(size_t i)
{
    return verbs[i].looks;
}

wf_console_takes wf_console_takes_of(const char *name)
{
    const verb *v = find(name);
    return v != NULL ? v->takes : WF_TAKES_NOTHING;
}

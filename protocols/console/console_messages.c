/* SPDX-License-Identifier: MIT */
/* Commands that tell actors something, ask them, look at what they are told, have them wait or end. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weft/edge.h>
#include <weft/form.h>
#include <weft/stats.h>

#include "console.h"

enum { TAP_COUNT_MAX = 1000000, ARENA_BYTES_MAX = 4 << 20 };

/* ---- types */

static const weft_handler *rows_of(weft_system *sys, weft_ref who)
{
    weft_actor_stats stats;
    return weft_stats_actor(sys, who, &stats) ? stats.handlers : NULL;
}

/* "add" stands for "counter.add". */
static const char *last_part(const char *name)
{
    const char *dot = strrchr(name, '.');
    return dot != NULL ? dot + 1 : name;
}

/* The only one of @rows that @name stands for. NULL: none, or several. */
static const weft_type *type_named(const weft_handler *rows, const char *name)
{
    const weft_type *found = NULL;
    unsigned n = 0;
    for (; rows != NULL && rows->type != NULL; rows++) {
        if (strcmp(rows->type->name, name) == 0)
            return rows->type;
        if (strcmp(last_part(rows->type->name), name) == 0) {
            found = rows->type;
            n++;
        }
    }
    return n == 1 ? found : NULL;
}

/* "it serves a, b, c": those that have a text form. */
static weft_err no_type(const wf_command *c, const weft_handler *rows, const char *name)
{
    char list[160] = "nothing that has a text form";
    size_t n = 0;
    for (; rows != NULL && rows->type != NULL; rows++) {
        if (!weft_has_form(rows->type) || n + 8 >= sizeof list)
            continue;
        int more =
            snprintf(list + n, sizeof list - n, "%s%s", n != 0 ? ", " : "", rows->type->name);
        n += more > 0 ? (size_t)more : 0;
    }
    return weft_because(c->why, WEFT_ENOTFOUND, "it has no row for \"%.40s\"; it serves %s%s", name,
                        list, n >= sizeof list ? "..." : "");
}

void wf_console_complete_types(weft_system *sys, const char *who, weft_completion *to)
{
    weft_ref ref;
    if (wf_actors_named(sys, who, &ref, NULL) != WEFT_OK)
        return;
    for (const weft_handler *row = rows_of(sys, ref); row != NULL && row->type != NULL; row++)
        if (weft_has_form(row->type))
            weft_completion_add(to, row->type->name);
}

typedef struct fields_to {
    weft_completion *to;
    size_t from;
} fields_to;

static void add_word(void *context, size_t from, const char *word)
{
    const fields_to *f = context;
    weft_completion_from(f->to, f->from + from);
    weft_completion_add(f->to, word);
}

void wf_console_complete_fields(weft_system *sys, const char *who, const char *type,
                                const char *text, size_t n, size_t from, weft_completion *to)
{
    weft_ref ref;
    fields_to context = {.to = to, .from = from};
    if (wf_actors_named(sys, who, &ref, NULL) != WEFT_OK)
        return;
    const weft_type *of = type_named(rows_of(sys, ref), type);
    if (of != NULL)
        weft_form_complete(of, text, n, add_word, &context);
}

/* ---- tell, ask */

typedef struct letter {
    weft_ref who;
    const weft_type *type;
    weft_arena *arena; /* to be freed */
    void *body;
} letter;

/* What the words from @word on say. */
static weft_err read_letter(const wf_command *c, size_t word, letter *out)
{
    *out = (letter){.arena = NULL};
    weft_err err = wf_actors_named(c->sys, c->word[word], &out->who, c->why);
    if (err != WEFT_OK)
        return err;
    const weft_handler *rows = rows_of(c->sys, out->who);
    out->type = type_named(rows, c->word[word + 1]);
    if (out->type == NULL)
        return no_type(c, rows, c->word[word + 1]);
    out->arena = weft_arena_new(ARENA_BYTES_MAX);
    if (out->arena == NULL)
        return WEFT_ENOMEM;
    return weft_form_parse(out->type, c->rest, strlen(c->rest), out->arena, &out->body, c->why);
}

static void note(const wf_command *c, weft_ref who, const char *what)
{
    char ref[WEFT_REF_TEXT_BYTES], wish[WF_CONSOLE_WISH_BYTES];
    weft_log(c->self, WEFT_NOTICE, "%s %s%s%s: %s", c->word[0], weft_ref_print(who, ref),
             what[0] != '\0' ? " " : "", what, wf_console_wish(c, wish));
}

weft_err wf_console_tell(wf_command *c)
{
    letter l;
    char ref[WEFT_REF_TEXT_BYTES];
    if (c->word[1][0] == '-' && c->word[1][1] == '-')
        return weft_because(c->why, WEFT_EINVAL, "there is no option %.40s", c->word[1]);
    weft_err err = read_letter(c, 1, &l);
    if (err == WEFT_OK) {
        err = weft_tell_body(c->self, l.who, l.type, l.body);
        if (err != WEFT_OK)
            err =
                weft_because(c->why, err, "%s: %s", weft_ref_print(l.who, ref), weft_err_text(err));
    }
    if (err == WEFT_OK) {
        note(c, l.who, l.type->name);
        wf_text_put(c->out, "%s is told %.200s\n", weft_ref_print(l.who, ref), l.type->name);
    }
    weft_arena_free(l.arena);
    return err;
}

static weft_err put_answer(const weft_outcome *got, wf_text *out, weft_why *why)
{
    if (got->err != WEFT_OK)
        return weft_because(why, got->err, "%.200s%s", got->why,
                            got->delivery == WEFT_NOT_DELIVERED ? " (it was not delivered)" : "");
    wf_text_put(out, "%.200s", got->type->name);
    if (!weft_has_form(got->type)) {
        wf_text_put(out, ", which has no text form\n");
        return WEFT_OK;
    }
    char *text = weft_alloc(WEFT_FORM_BYTES_MAX);
    if (text == NULL)
        return WEFT_ENOMEM;
    (void)weft_form_print(got->type, got->body, text, WEFT_FORM_BYTES_MAX);
    size_t n = strlen(text);
    if (n != 0)
        wf_text_put(out, " ");
    for (size_t i = 0; i < n; i += 400)
        wf_text_put(out, "%.400s", text + i);
    wf_text_put(out, "\n");
    weft_alloc_free(text);
    return WEFT_OK;
}

/* "250ms", "10s", "5m"; a bare number is of milliseconds. */
static weft_err time_of(const wf_command *c, const char *text, uint32_t *ms)
{
    static const struct {
        const char *name;
        uint32_t ms;
    } units[] = {{"", 1}, {"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}};
    char *end;
    unsigned long n = text[0] >= '0' && text[0] <= '9' ? strtoul(text, &end, 10) : 0;
    for (size_t i = 0; n != 0 && i < sizeof units / sizeof *units; i++)
        if (strcmp(end, units[i].name) == 0 && n <= WEFT_CONSOLE_ASK_MS_MAX / units[i].ms) {
            *ms = (uint32_t)n * units[i].ms;
            return WEFT_OK;
        }
    return weft_because(c->why, WEFT_EINVAL,
                        "\"%.40s\" is no time from 1ms to 1h, such as 250ms, 10s or 5m", text);
}

weft_err wf_console_ask(wf_command *c)
{
    letter l;
    uint32_t limit_ms = WEFT_CONSOLE_ASK_MS;
    bool option = strncmp(c->word[1], "--", 2) == 0;
    if (option && strcmp(c->word[1], "--limit") != 0)
        return weft_because(c->why, WEFT_EINVAL,
                            "there is no option %.40s; the only one is --limit", c->word[1]);
    weft_err err = option ? time_of(c, c->word[2], &limit_ms) : WEFT_OK;
    if (err != WEFT_OK)
        return err;
    err = read_letter(c, option ? 3 : 1, &l);
    if (err == WEFT_OK) {
        note(c, l.who, l.type->name);
        c->waits = weft_ask_body(c->self, l.who, l.type, l.body, limit_ms);
        c->waiting = true;
        c->answered = put_answer;
    }
    weft_arena_free(l.arena);
    return err;
}

/* ---- tap */

weft_err wf_console_tap(wf_command *c)
{
    char *end = NULL;
    unsigned long count = c->n > 2 ? strtoul(c->word[2], &end, 10) : 0;
    if (c->n > 2 && (*end != '\0' || count == 0 || count > TAP_COUNT_MAX))
        return weft_because(c->why, WEFT_EINVAL, "\"%.40s\" is no number from 1 to %d", c->word[2],
                            TAP_COUNT_MAX);
    weft_err err = wf_actors_named(c->sys, c->word[1], &c->tapped, c->why);
    if (err == WEFT_OK && weft_ref_same(c->tapped, c->stream))
        err = weft_because(c->why, WEFT_EINVAL, "it is this console's own stream");
    if (err != WEFT_OK)
        return err;
    c->tap = weft_tap_begin(c->self, c->tapped, c->why);
    if (c->tap == NULL)
        return WEFT_EINVAL;
    c->count = (uint32_t)count;
    note(c, c->tapped, "");
    return WEFT_OK;
}

/* ---- having them wait, go on, end */

weft_err wf_console_not_done(wf_command *c, weft_ref who, weft_err err)
{
    char ref[WEFT_REF_TEXT_BYTES];
    return weft_because(c->why, err, "%s: %s", weft_ref_print(who, ref),
                        err == WEFT_EINVAL ? "it is this console"
                        : err == WEFT_EDENIED
                            ? "the system ends in order by it; shutdown is what stops the system"
                            : weft_err_text(err));
}

static weft_err operate(wf_command *c, weft_err (*fn)(weft_actor *self, weft_ref who),
                        const char *said)
{
    weft_ref who;
    char ref[WEFT_REF_TEXT_BYTES];
    weft_err err = wf_actors_named(c->sys, c->word[1], &who, c->why);
    if (err == WEFT_OK && weft_ref_same(who, c->stream))
        err = weft_because(c->why, WEFT_EINVAL, "it is this console's own stream");
    if (err != WEFT_OK)
        return err;
    err = fn(c->self, who);
    if (err != WEFT_OK)
        return wf_console_not_done(c, who, err);
    note(c, who, "");
    wf_text_put(c->out, "%s %s\n", weft_ref_print(who, ref), said);
    return WEFT_OK;
}

static weft_err kill_it(weft_actor *self, weft_ref who)
{
    return weft_kill(self, who, WEFT_ECANCELLED);
}

weft_err wf_console_suspend(wf_command *c)
{
    return operate(c, weft_suspend, "serves nothing until it is resumed");
}

weft_err wf_console_resume(wf_command *c)
{
    return operate(c, weft_resume, "goes on");
}

weft_err wf_console_kill(wf_command *c)
{
    return operate(c, kill_it, "is ended");
}

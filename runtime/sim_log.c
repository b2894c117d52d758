/* SPDX-License-Identifier: MIT */
/* The event log of a simulation: a line for everything that happens, its last MiB, and a hash of
 * all. */
#include <stdarg.h>
#include <stdio.h>

#include "alloc.h"
#include "mailbox.h"
#include "sim.h"

/* Appending moves the text once for each MiB that comes. */
enum { ROOM = 2 * WF_SIM_LOG_BYTES, NOTE_BYTES = 1536 };

#define FNV_BASIS UINT64_C(0xcbf29ce484222325)
#define FNV_PRIME UINT64_C(0x100000001b3)

static bool text_init(wf_sim_text *t)
{
    t->text = wf_reserve(ROOM);
    return t->text != NULL;
}

bool wf_sim_log_init(weft_sim *sim)
{
    sim->hash = FNV_BASIS;
    return text_init(&sim->events) && text_init(&sim->logs);
}

void wf_sim_log_done(weft_sim *sim)
{
    wf_unreserve(sim->events.text, ROOM);
    wf_unreserve(sim->logs.text, ROOM);
}

/* Drops whole lines from the front. */
static void shorten(wf_sim_text *t)
{
    const char *from = t->text + t->n - WF_SIM_LOG_BYTES;
    const char *line = memchr(from, '\n', WF_SIM_LOG_BYTES);
    from = line != NULL ? line + 1 : from;
    t->n -= (size_t)(from - t->text);
    memmove(t->text, from, t->n);
}

static void append(wf_sim_text *t, const char *text, size_t n)
{
    if (t->n + n + 1 > ROOM)
        shorten(t);
    memcpy(t->text + t->n, text, n);
    t->n += n;
    t->text[t->n] = '\0';
}

/* Ends the @n bytes at @line, which has room for one more, with a newline; others in it would make
 * two lines of one. */
static size_t end_line(char *line, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (line[i] == '\n')
            line[i] = ' ';
    line[n] = '\n';
    return n + 1;
}

void wf_sim_note(weft_sim *sim, const char *format, ...)
{
    char line[NOTE_BYTES];
    va_list args;
    int head = snprintf(line, sizeof line, "%u ", wf_sim_ms(sim));
    va_start(args, format);
    int body = vsnprintf(line + head, sizeof line - (size_t)head - 1, format, args);
    va_end(args);
    size_t n = (size_t)head + (body > 0 ? (size_t)body : 0);
    n = end_line(line, n < sizeof line - 2 ? n : sizeof line - 2);
    for (size_t i = 0; i < n; i++)
        sim->hash = (sim->hash ^ (unsigned char)line[i]) * FNV_PRIME;
    append(&sim->events, line, n);
}

void wf_sim_log_hook(void *context, const weft_log_line *line)
{
    weft_sim *sim = context;
    char text[NOTE_BYTES];
    wf_sim_note(sim, "log %s %s %s: %s", weft_level_name(line->level), line->name, line->who,
                line->text);
    /* kept apart too, by a digit of their level: turns would soon push them out */
    int n = snprintf(text, sizeof text - 1, "%d%s %s: %s", (int)line->level, line->name, line->who,
                     line->text);
    size_t size = n < (int)sizeof text - 2 ? (size_t)n : sizeof text - 3;
    append(&sim->logs, text, end_line(text, size));
    if (sim->log_hook != NULL)
        sim->log_hook(sim->log_context, line);
}

static const char *kind_of(const weft_msg *m)
{
    if ((m->flags & WF_FAILED) != 0)
        return " failure";
    if ((m->flags & WF_REPLY) != 0)
        return " reply";
    if ((m->flags & WF_TIMER) != 0)
        return " timer";
    return m->request != 0 ? " request" : "";
}

void wf_sim_note_message(weft_sim *sim, const wf_reactor *r, const weft_actor *a, const weft_msg *m)
{
    char who[WEFT_REF_TEXT_BYTES], from[WEFT_REF_TEXT_BYTES];
    wf_sim_note(sim, "r%u %s %s: %s%s of %u from %s", r->index,
                weft_ref_print(wf_ref_of(r, a), who), WF_STAT_GET(a->program)->behaviour->name,
                m->type->name, kind_of(m), wf_block_bytes(m), weft_ref_print(m->from, from));
}

/* ---- what tests read */

const char *weft_sim_event_log(const weft_sim *sim, size_t *bytes)
{
    if (bytes != NULL)
        *bytes = sim->events.n;
    return sim->events.text;
}

uint64_t weft_sim_event_hash(const weft_sim *sim)
{
    return sim->hash;
}

unsigned weft_sim_logged(const weft_sim *sim, weft_level level, const char *text)
{
    unsigned found = 0;
    size_t n = strlen(text);
    const char *line = sim->logs.text, *end = line + sim->logs.n, *next;
    for (; line < end; line = next) {
        const char *newline = memchr(line, '\n', (size_t)(end - line));
        next = newline + 1;
        if (line[0] - '0' >= (int)level &&
            memmem(line + 1, (size_t)(newline - line - 1), text, n) != NULL)
            found++;
    }
    return found;
}

/* SPDX-License-Identifier: MIT */
/* Completion: what may stand where the cursor is. */
#include <string.h>

#include <weft/remote.h>
#include <weft/stats.h>

#include "console.h"

enum { WORD_BYTES_MAX = 128 };

static void complete_actors(weft_system *sys, const char *word, weft_completion *to)
{
    char name[WEFT_NAME_BYTES], ref[WEFT_REF_TEXT_BYTES];
    weft_ref who;
    weft_reactor_stats reactor;
    for (uint32_t cursor = 0; weft_names_next(sys, &cursor, name, &who);)
        weft_completion_add(to, name);
    if (word[0] != '<')
        return;
    for (unsigned r = 0; weft_stats_reactor(sys, r, &reactor); r++) {
        weft_actor_stats stats;
        size_t seen = 0;
        for (uint32_t cursor = 0;
             seen++ < WEFT_CONSOLE_ACTORS_MAX && weft_stats_next(sys, r, &cursor, &stats);)
            weft_completion_add(to, weft_ref_print(stats.ref, ref));
    }
}

/* The word at *@at, copied to @to, and *@at behind it. false: it ends at @end or later, or is too long. */
static bool take_word(const char **at, const char *end, char *to, size_t room)
{
    const char *word = *at + strspn(*at, " ");
    size_t n = strcspn(word, " ");
    if (word + n >= end || n >= room)
        return false;
    memcpy(to, word, n);
    to[n] = '\0';
    *at = word + n;
    return true;
}

/* Behind "tell" and "ask": an actor, then a type that it serves, then its fields. The words at byte @from of @line, of
 * which those up to byte @at count. */
static void complete_message(weft_system *sys, const char *line, size_t from, size_t at,
                             size_t start, weft_completion *to)
{
    const char *words = line + from, *end = line + at;
    char who[WEFT_NAME_BYTES], type[WORD_BYTES_MAX];
    if (strncmp(words + strspn(words, " "), "--limit ", 8) == 0)
        for (unsigned i = 0; i < 2; i++)
            if (!take_word(&words, end, type, sizeof type))
                return;
    if (!take_word(&words, end, who, sizeof who)) {
        complete_actors(sys, line + start, to);
        return;
    }
    if (!take_word(&words, end, type, sizeof type)) {
        wf_console_complete_types(sys, who, to);
        return;
    }
    wf_console_complete_fields(sys, who, type, words, (size_t)(end - words), (size_t)(words - line),
                               to);
}

/* Nodes that this one has a link to, up or down: whoever else was named may not be there at all. */
static void complete_nodes(const weft_system *sys, weft_completion *to)
{
    const char *name;
    for (unsigned i = 1; (name = weft_remote_node_name(sys, i)) != NULL; i++)
        if (!weft_ref_is_nobody(weft_remote_link_to(sys, i)))
            weft_completion_add(to, name);
}

/* Behind "at": a node, then a command; what its words may be only that node knows. */
static void complete_command(const weft_system *sys, const char *words, const char *word,
                             weft_completion *to)
{
    const char *node = words + strspn(words, " "), *verb = node + strcspn(node, " ");
    if (node >= word) {
        complete_nodes(sys, to);
        return;
    }
    if (verb >= word || verb + strspn(verb, " ") != word)
        return;
    for (size_t i = 0; (verb = wf_console_verb(i)) != NULL; i++)
        if (wf_console_verb_looks(i))
            weft_completion_add(to, verb);
}

void wf_console_complete(void *context, const char *line, size_t at, weft_completion *to)
{
    size_t start = at, from = 0, first;
    char name[16];
    while (start > 0 && line[start - 1] != ' ')
        start--;
    while (line[from] == ' ')
        from++;
    first = strcspn(line + from, " ");
    weft_completion_from(to, start);
    wf_console_takes what = start <= from ? WF_TAKES_VERBS : WF_TAKES_NOTHING;
    const char *verb;
    if (start > from && first < sizeof name) {
        memcpy(name, line + from, first);
        name[first] = '\0';
        what = wf_console_takes_of(name);
    }
    if (what == WF_TAKES_TYPES)
        complete_message(context, line, from + first, at, start, to);
    if (what == WF_TAKES_COMMAND)
        complete_command(context, line + from + first, line + start, to);
    if (what == WF_TAKES_ACTORS)
        complete_actors(context, line + start, to);
    for (size_t i = 0; what == WF_TAKES_VERBS && (verb = wf_console_verb(i)) != NULL; i++)
        weft_completion_add(to, verb);
    for (int level = WEFT_DEBUG; what == WF_TAKES_LEVELS && level <= WEFT_NO_LOG; level++)
        weft_completion_add(to, weft_level_name((weft_level)level));
}

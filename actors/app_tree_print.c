/* SPDX-License-Identifier: MIT */
/* A table of supervised children as text, as --print-tree shows it. */
#include "app.h"
#include "supervisor.h"

enum { INDENT = 2 };

static const char *const strategies[] = {"one for one", "one for all", "rest for one"};
static const char *const restarts[] = {"restarted", "restarted on an error", "never restarted"};

static const char isolated[] = ", isolated";

static void print_table(const char *name, const weft_supervisor *tree, int depth, bool apart,
                        FILE *to);

static const char *shown(const char *name)
{
    return name != NULL ? name : "(no name)";
}

/* NOLINTNEXTLINE(misc-no-recursion): as deep as the tables of the program are nested */
static void print_child(const weft_child *c, int depth, FILE *to)
{
    if (c->listen == NULL && c->behaviour == &weft_supervisor_behaviour && c->config != NULL) {
        print_table(shown(c->name), c->config, depth, c->isolated, to);
        return;
    }
    (void)fprintf(to, "%*s%s: %s", depth * INDENT, "", shown(c->name), c->behaviour->name);
    if (c->listen != NULL)
        (void)fprintf(to, " for each connection at %s", c->listen);
    (void)fprintf(to, ", %s", restarts[c->restart]);
    if (c->isolated)
        (void)fputs(isolated, to);
    if (c->reactor != 0)
        (void)fprintf(to, ", on reactor %u", c->reactor - 1);
    (void)fputc('\n', to);
}

/* NOLINTNEXTLINE(misc-no-recursion) */
static void print_table(const char *name, const weft_supervisor *tree, int depth, bool apart,
                        FILE *to)
{
    (void)fprintf(to, "%*s%s: supervisor, %s, at most %u restarts in %u ms%s\n", depth * INDENT, "",
                  name, strategies[tree->strategy], wf_supervisor_restarts_max(tree),
                  wf_supervisor_window_ms(tree), apart ? isolated : "");
    for (const weft_child *c = tree->children; c != NULL && c->behaviour != NULL; c++)
        print_child(c, depth + 1, to);
}

void wf_app_tree_print(const char *name, const weft_supervisor *tree, FILE *to)
{
    print_table(name, tree, 0, false, to);
}

/* SPDX-License-Identifier: MIT */
/* The tree that an application stands for: its own table, and a supervisor for each service with children.
 *
 *   root ──┬── admin (a listener), if there is one
 *          ├── the children of the application's own tree
 *          └── SERVICE (a supervisor) ──┬── what the service added
 *                                       └── ... */
#include <string.h>

#include <weft/edge.h>
#include <weft/url.h>

#include "app.h"

enum { LISTENER_STOP_MS = 10000, ADMIN_STOP_MS = 500, NAME_BYTES = 16, OWNER_ALONE = 0600 };

struct weft_children {
    weft_child rows[WEFT_SERVICE_CHILDREN_MAX + 1];
    char names[WEFT_SERVICE_CHILDREN_MAX]
              [NAME_BYTES]; /* of those that have none of the program's */
    size_t n;
    unsigned listeners;
};

/* What a service runs. */
typedef struct branch {
    weft_children children;
    weft_supervisor table;
} branch;

struct wf_app_tree {
    const weft_supervisor *root;
    weft_supervisor made; /* where the application's own tree is not all there is */
    weft_child *rows;     /* of that */
    branch *branches[WEFT_SERVICES_MAX];
    size_t n;
    char admin[WEFT_URL_BYTES_MAX + 1]; /* "": nowhere */
};

/* ---- what services add */

weft_err weft_children_add(weft_children *to, const weft_child *child, weft_why *why)
{
    if (child->behaviour == NULL)
        return weft_because(why, WEFT_EINVAL, "child \"%s\" has no behaviour",
                            child->name != NULL ? child->name : "");
    if (to->n == WEFT_SERVICE_CHILDREN_MAX)
        return weft_because(why, WEFT_ELIMIT, "a service has at most %u children",
                            WEFT_SERVICE_CHILDREN_MAX);
    to->rows[to->n++] = *child;
    return WEFT_OK;
}

weft_err weft_children_listen(weft_children *to, const weft_option_urls *urls,
                              const weft_behaviour *behaviour, const void *config, weft_why *why)
{
    weft_err err = WEFT_OK;
    if (urls->count == 0)
        return weft_because(why, WEFT_EINVAL, "there is no URL to listen at");
    for (size_t i = 0; err == WEFT_OK && i < urls->count; i++) {
        weft_child row = {.behaviour = behaviour,
                          .config = config,
                          .listen = urls->at[i],
                          .stop_ms = LISTENER_STOP_MS};
        err = weft_children_add(to, &row, why);
        if (err != WEFT_OK)
            break;
        char *name = to->names[to->n - 1];
        (void)snprintf(name, NAME_BYTES, "listener-%u", ++to->listeners);
        to->rows[to->n - 1].name = name;
    }
    return err;
}

/* ---- the tree */

static size_t count(const weft_child *rows)
{
    size_t n = 0;
    while (rows != NULL && rows[n].behaviour != NULL)
        n++;
    return n;
}

static weft_err grow(wf_app_tree *t, const weft_service *s, weft_why *why)
{
    branch *b = weft_alloc_zero(sizeof *b);
    if (b == NULL)
        return weft_because(why, WEFT_ENOMEM, "no memory for the children of %s", s->name);
    t->branches[t->n++] = b;
    weft_err err = s->children(s->settings, &b->children, why);
    b->table.children = b->children.rows;
    return err;
}

/* Where operators are let in: a socket that its owner alone may open, unless somebody said otherwise. */
static weft_err admit(const wf_app_command *c, wf_app_tree *t, weft_why *why)
{
    weft_url url;
    weft_why wrong = {""};
    weft_err err = weft_url_parse(c->own.admin, &url, &wrong);
    if (err != WEFT_OK)
        return weft_because(why, err, "--admin %.60s: %s", c->own.admin, wrong.text);
    if (url.scheme != WEFT_SCHEME_UNIX || url.abstract) /* what has no file is anybody's */
        return weft_because(why, WEFT_EINVAL, "--admin %.60s: expected unix:PATH", c->own.admin);
    if (!weft_url_given(&url, WEFT_URL_MODE)) {
        url.options.mode = OWNER_ALONE;
        url.options.given[WEFT_URL_MODE / 64] |= UINT64_C(1) << WEFT_URL_MODE % 64;
    }
    (void)weft_url_print(&url, t->admin, sizeof t->admin);
    return WEFT_OK;
}

/* The rows of the application's own tree, then one for each service that has children. */
static weft_err join(const wf_app_command *c, wf_app_tree *t, weft_why *why)
{
    const weft_supervisor *own = c->app->tree;
    bool admin = t->admin[0] != '\0';
    size_t n = own != NULL ? count(own->children) : 0, at = 0;
    t->rows = weft_alloc_zero((n + t->n + admin + 1) * sizeof *t->rows);
    if (t->rows == NULL)
        return weft_because(why, WEFT_ENOMEM, "no memory for the tree");
    if (own != NULL)
        t->made = *own;
    if (admin)
        t->rows[0] = (weft_child){.name = "admin",
                                  .behaviour = c->app->admin,
                                  .listen = t->admin,
                                  .stop_ms = ADMIN_STOP_MS};
    if (n != 0)
        memcpy(t->rows + admin, own->children, n * sizeof *t->rows);
    n += admin;
    for (size_t i = 0; i < c->run_n; i++)
        if (c->run[i]->children != NULL)
            t->rows[n++] = (weft_child){.name = c->run[i]->name,
                                        .behaviour = &weft_supervisor_behaviour,
                                        .config = &t->branches[at++]->table};
    t->made.children = t->rows;
    t->root = &t->made;
    return WEFT_OK;
}

weft_err wf_app_tree_new(const wf_app_command *c, wf_app_tree **out, weft_why *why)
{
    static const weft_supervisor empty = {.children = NULL};
    weft_err err = WEFT_OK;
    wf_app_tree *t = weft_alloc_zero(sizeof *t);
    if (t == NULL)
        return weft_because(why, WEFT_ENOMEM, "no memory for the tree");
    t->root = c->app->tree != NULL ? c->app->tree : &empty;
    for (size_t i = 0; err == WEFT_OK && i < c->run_n; i++)
        if (c->run[i]->children != NULL)
            err = grow(t, c->run[i], why);
    if (err == WEFT_OK && c->own.admin != NULL)
        err = admit(c, t, why);
    if (err == WEFT_OK && (t->n != 0 || t->admin[0] != '\0'))
        err = join(c, t, why);
    if (err == WEFT_OK)
        *out = t;
    else
        wf_app_tree_free(t);
    return err;
}

void wf_app_tree_free(wf_app_tree *tree)
{
    if (tree == NULL)
        return;
    for (size_t i = 0; i < tree->n; i++)
        weft_alloc_free(tree->branches[i]);
    weft_alloc_free(tree->rows);
    weft_alloc_free(tree);
}

const weft_supervisor *wf_app_tree_root(const wf_app_tree *tree)
{
    return tree->root;
}

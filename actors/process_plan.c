/* SPDX-License-Identifier: MIT */
/* What a child is started with, copied into one block that lives until both its actor and the thread that
 * starts it are done with it. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "child.h"
#include "terminal.h"

static const char path_default[] = "/usr/local/bin:/usr/bin:/bin";

/* A block that is measured in a first pass (@at is NULL) and filled in a second. */
typedef struct block {
    char *at;
    size_t used;
} block;

static void *room(block *b, size_t bytes)
{
    void *at = b->at != NULL ? b->at + b->used : NULL;
    b->used += (bytes + 7) & ~(size_t)7;
    return at;
}

static char *text(block *b, const char *from, size_t n)
{
    char *to = room(b, n + 1);
    if (to != NULL) {
        memcpy(to, from, n);
        to[n] = '\0';
    }
    return to;
}

static size_t count(const char *const *list)
{
    size_t n = 0;
    while (list != NULL && list[n] != NULL)
        n++;
    return n;
}

static char **copy_list(block *b, const char *const *list, size_t n)
{
    char **to = room(b, (n + 1) * sizeof *to);
    for (size_t i = 0; i < n; i++) {
        char *one = text(b, list[i], strlen(list[i]));
        if (to != NULL)
            to[i] = one;
    }
    if (to != NULL)
        to[n] = NULL;
    return to;
}

/* ---- the environment */

static size_t name_bytes(const char *entry)
{
    return strcspn(entry, "=");
}

static bool same_name(const char *a, const char *b)
{
    size_t n = name_bytes(a);
    return n == name_bytes(b) && strncmp(a, b, n) == 0;
}

/* The last of @list that speaks of the same name; NULL: none does. */
static const char *said_last(const char *const *list, const char *entry)
{
    const char *last = NULL;
    for (; list != NULL && *list != NULL; list++)
        if (same_name(*list, entry))
            last = *list;
    return last;
}

static void add_entry(block *b, char **to, size_t *n, const char *entry)
{
    char *one = text(b, entry, strlen(entry));
    if (to != NULL)
        to[*n] = one;
    ++*n;
}

/* The variable for a terminal's path; NULL: there is none. */
static const char *terminal_name(const weft_process_options *o)
{
    return o->terminal != NULL ? o->terminal_env : NULL;
}

/* Its place, as the terminal is not there yet. */
static char *add_terminal(block *b, char **to, size_t *n, const char *name)
{
    size_t name_n = strlen(name);
    char *one = room(b, name_n + 1 + WF_TERMINAL_PATH_BYTES);
    if (one == NULL)
        return NULL;
    (void)snprintf(one, name_n + 2, "%s=", name);
    to[(*n)++] = one;
    return one + name_n + 1;
}

/* What is inherited and not spoken of, then what is set; of one name what was said last. */
static char **copy_env(block *b, const weft_process_options *o, char **terminal)
{
    size_t n = 0;
    const char *name = terminal_name(o), *const *ours = (const char *const *)environ;
    ours = o->env_empty ? NULL : ours;
    char **to = room(b, (count(ours) + count(o->env) + 2) * sizeof *to);
    for (; ours != NULL && *ours != NULL; ours++)
        if (said_last(o->env, *ours) == NULL && (name == NULL || !same_name(name, *ours)))
            add_entry(b, to, &n, *ours);
    for (const char *const *e = o->env; e != NULL && *e != NULL; e++)
        if (strchr(*e, '=') != NULL && said_last(o->env, *e) == *e &&
            (name == NULL || !same_name(name, *e)))
            add_entry(b, to, &n, *e);
    *terminal = name != NULL ? add_terminal(b, to, &n, name) : NULL;
    if (to != NULL)
        to[n] = NULL;
    return to;
}

/* ---- the files that are tried */

static const char *path_of(const weft_process_options *o)
{
    const char *said = said_last(o->env, "PATH=");
    if (said == NULL && !o->env_empty)
        said = said_last((const char *const *)environ, "PATH=");
    return said != NULL && strchr(said, '=') != NULL ? said + sizeof "PATH=" - 1 : path_default;
}

/* An empty folder of a PATH is the one the child runs in. */
static const char *const *copy_paths(block *b, const char *program, const char *path)
{
    size_t n = 1, at = 0;
    for (const char *c = path; *c != '\0'; c++)
        n += *c == ':';
    char **to = room(b, (n + 1) * sizeof *to);
    bool direct = strchr(program, '/') != NULL;
    for (const char *c = path; direct ? at == 0 : at < n; c += strcspn(c, ":") + 1) {
        int folder = direct ? 0 : (int)strcspn(c, ":");
        size_t bytes = (size_t)folder + 1 + strlen(program) + 1;
        char *one = room(b, bytes);
        if (one != NULL) {
            (void)snprintf(one, bytes, "%.*s%s%s", folder, c, folder != 0 ? "/" : "", program);
            to[at] = one;
        }
        at++;
    }
    if (to != NULL)
        to[at] = NULL;
    return (const char *const *)to;
}

static const weft_process_ids *copy_ids(block *b, const weft_process_ids *ids)
{
    if (ids == NULL)
        return NULL;
    weft_process_ids *to = room(b, sizeof *to);
    uint32_t *groups = room(b, ids->n_groups * sizeof *groups);
    if (to == NULL)
        return NULL;
    *to = *ids;
    if (ids->n_groups != 0)
        memcpy(groups, ids->groups, ids->n_groups * sizeof *groups);
    to->groups = groups;
    return to;
}

/* ---- plans */

static weft_err check(const weft_process_options *o, weft_why *why)
{
    if (o->argv == NULL || o->argv[0] == NULL)
        return weft_because(why, WEFT_EINVAL, "a process without a program");
    if ((o->program != NULL ? o->program : o->argv[0])[0] == '\0')
        return weft_because(why, WEFT_EINVAL, "a process whose program is \"\"");
    if (o->n_fds > WEFT_PROCESS_FDS_MAX)
        return weft_because(why, WEFT_ELIMIT, "a process has %u descriptors at most",
                            WEFT_PROCESS_FDS_MAX);
    if (o->ids != NULL && o->ids->n_groups > WEFT_PROCESS_GROUPS_MAX)
        return weft_because(why, WEFT_ELIMIT, "a process has %u groups at most",
                            WEFT_PROCESS_GROUPS_MAX);
    return WEFT_OK;
}

static void fill(block *b, wf_plan *p, const weft_process_options *o, unsigned n_fds)
{
    wf_plan unused;
    if (p == NULL)
        p = &unused;
    const char *program = o->program != NULL ? o->program : o->argv[0];
    p->program = text(b, program, strlen(program));
    p->paths = copy_paths(b, program, path_of(o));
    p->argv = copy_list(b, o->argv, count(o->argv));
    p->env = copy_env(b, o, &p->terminal_path);
    p->dir = o->dir != NULL ? text(b, o->dir, strlen(o->dir)) : NULL;
    p->ids = copy_ids(b, o->ids);
    p->fds = room(b, n_fds * sizeof *p->fds);
}

wf_plan *wf_plan_new(const weft_process_options *o, unsigned n_fds, weft_err *err, weft_why *why)
{
    block b = {.used = sizeof(wf_plan)};
    *err = check(o, why);
    if (*err != WEFT_OK)
        return NULL;
    fill(&b, NULL, o, n_fds);
    if (b.used > WEFT_PROCESS_TEXT_MAX) {
        *err = weft_because(why, WEFT_ETOOBIG, "arguments and environment of %.60s have %zu bytes",
                            o->argv[0], b.used);
        return NULL;
    }
    wf_plan *p = weft_alloc_zero(b.used);
    if (p == NULL) {
        *err = weft_because(why, WEFT_ENOMEM, "no memory for the arguments of a process");
        return NULL;
    }
    b = (block){.at = (char *)p, .used = sizeof(wf_plan)};
    fill(&b, p, o, n_fds);
    atomic_init(&p->refs, 1);
    atomic_init(&p->state, PLAN_WAITS);
    p->terminal = o->terminal != NULL;
    p->group = p->terminal ? WEFT_PROCESS_NEW_SESSION : o->group;
    p->pidfd = -1;
    return p;
}

void wf_plan_fd(wf_plan *p, int from, int to)
{
    p->fds[p->n_fds++] = (wf_child_fd){.from = from, .to = to};
}

void wf_plan_close_fds(wf_plan *p)
{
    for (; p->n_fds != 0; p->n_fds--)
        (void)close(p->fds[p->n_fds - 1].from);
}

wf_plan *wf_plan_ref(wf_plan *p)
{
    atomic_fetch_add_explicit(&p->refs, 1, memory_order_relaxed);
    return p;
}

void wf_plan_unref(wf_plan **at)
{
    wf_plan *p = *at;
    *at = NULL;
    /* acquire and release: whoever used it last did so before it is freed */
    if (p == NULL || atomic_fetch_sub_explicit(&p->refs, 1, memory_order_acq_rel) != 1)
        return;
    wf_plan_close_fds(p);
    weft_alloc_free(p);
}

weft_err wf_plan_failure(const wf_plan *p, weft_why *why)
{
    const char *error = strerror(p->sys_errno);
    weft_err err = weft_err_from_errno(p->sys_errno);
    switch (p->step) {
    case WEFT_PROCESS_STEP_EXEC:
        return weft_because(why, p->sys_errno == E2BIG ? WEFT_ETOOBIG : err,
                            "unable to run %.60s: %s", p->program, error);
    case WEFT_PROCESS_STEP_DIRECTORY:
        return weft_because(why, err, "unable to enter %.60s: %s", p->dir, error);
    case WEFT_PROCESS_STEP_IDS:
        return weft_because(why, err, "unable to run as user %u, group %u: %s", p->ids->uid,
                            p->ids->gid, error);
    case WEFT_PROCESS_STEP_TERMINAL:
        return weft_because(why, err, "unable to give %.60s its terminal: %s", p->program, error);
    case WEFT_PROCESS_STEP_SESSION:
        return weft_because(why, err, "no session or group for %.60s: %s", p->program, error);
    case WEFT_PROCESS_STEP_DESCRIPTORS:
        return weft_because(why, err, "unable to arrange the descriptors of %.60s: %s", p->program,
                            error);
    default:
        return weft_because(why, err == WEFT_EIO ? WEFT_ELIMIT : err, "no process for %.60s: %s",
                            p->program, error);
    }
}

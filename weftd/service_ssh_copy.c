/* SPDX-License-Identifier: MIT */
/* Copies a file or a tree to another host, or from it. */
#include <inttypes.h>
#include <string.h>
#include <sysexits.h>

#include "services.h"
#include "ssh_target.h"

typedef struct ssh_copy_settings {
    ssh_target target;
    const char *from, *to;
    bool tree, quiet;
    weft_ssh_transfer transfer;
    weft_err err; /* ESTOPPING: it is not over */
} ssh_copy_settings;

static ssh_copy_settings settings;

static const weft_option ssh_copy_options[] = {
    {.name = "FROM",
     .kind = WEFT_OPTION_TEXT,
     .at = offsetof(ssh_copy_settings, from),
     .positional = true,
     .help = "a path here, or USER@HOST:PATH (ssh://USER@HOST:PORT/PATH for another port)"},
    {.name = "TO",
     .kind = WEFT_OPTION_TEXT,
     .at = offsetof(ssh_copy_settings, to),
     .positional = true,
     .help = "the other one: what the copy is called, not a folder it comes into"},
    {.name = "tree",
     .kind = WEFT_OPTION_FLAG,
     .at = offsetof(ssh_copy_settings, tree),
     .help = "a folder and all that is in it, but for links"},
    {.name = "quiet",
     .kind = WEFT_OPTION_FLAG,
     .at = offsetof(ssh_copy_settings, quiet),
     .help = "say nothing of what was copied"},
    OPTION_ROWS_SSH(ssh_copy_settings),
    {0},
};

/* ---- the actor */

typedef struct ssh_copy_begin {
    char nothing;
} ssh_copy_begin;
static const weft_type ssh_copy_begin_type = WEFT_TYPE("ssh.copy_begin", ssh_copy_begin, NULL);

static ssh_copy_settings *settings_of(const weft_actor *self)
{
    return (ssh_copy_settings *)(uintptr_t)weft_config(self);
}

/* The tree is up first. */
static weft_err on_started(weft_actor *self, weft_msg *msg)
{
    (void)msg;
    return weft_tell(self, weft_self(self), ssh_copy_begin, .nothing = 0);
}

/* What is wrong with a file here is not the host's. */
static void not_copied(const ssh_copy_settings *s, weft_err err, const char *why)
{
    if (strncmp(why, "here: ", 6) == 0)
        (void)fprintf(stderr, "weftd ssh-copy: %s (%s)\n", why, weft_err_name(err));
    else
        ssh_target_failed(&s->target, "ssh-copy", err, why);
}

static weft_err on_copied(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    ssh_copy_settings *s = settings_of(self);
    const weft_ssh_copied *c = got->body;
    (void)msg;
    s->err = got->err;
    if (got->err != WEFT_OK)
        not_copied(s, got->err, got->why);
    else if (!s->quiet)
        (void)fprintf(stderr, "%" PRIu64 " bytes, %u files, %u folders, %u left out\n", c->bytes,
                      c->files, c->folders, c->left_out);
    weft_system_stop(self, WEFT_OK);
    return WEFT_OK;
}

static weft_err on_begin(weft_actor *self, weft_msg *msg)
{
    const ssh_copy_settings *s = settings_of(self);
    weft_ref client = weft_spawn(self, &weft_ssh_client, &s->target.client);
    weft_deferred copied = weft_ssh_copy(self, client, &s->transfer);
    return weft_when(msg, weft_within(self, copied, WEFT_NO_LIMIT), on_copied);
}

static void on_over(weft_actor *self, weft_err reason)
{
    (void)reason;
    if (settings_of(self)->err == WEFT_ESTOPPING)
        (void)fprintf(stderr, "weftd ssh-copy: stopped before all was copied\n");
}

static const weft_handler handlers[] = {
    {.type = &weft_started_type, .fn = on_started},
    {.type = &ssh_copy_begin_type, .fn = on_begin},
    {0},
};
static const weft_behaviour ssh_copy_behaviour = {
    .name = "ssh-copy", .handlers = handlers, .ended = on_over};

/* ---- the service */

/* "USER@HOST:PATH" or "ssh://USER@HOST[:PORT]/PATH". The path; NULL: it is one of this machine, as what has
 * a slash before the colon is. */
static const char *host_of(const char *text, size_t *size, const char **host)
{
    static const char scheme[] = "ssh://";
    if (strncmp(text, scheme, sizeof scheme - 1) == 0) {
        *host = text + sizeof scheme - 1;
        const char *slash = strchr(*host, '/');
        *size = slash != NULL ? (size_t)(slash - *host) : strlen(*host);
        return slash != NULL ? slash : ".";
    }
    const char *at = strchr(text, '@'),
               *begin = at != NULL && at[1] == '[' ? strchr(at, ']') : text;
    const char *colon = begin != NULL ? strchr(begin, ':') : NULL, *slash = strchr(text, '/');
    if (at == NULL || colon == NULL || colon < at || (slash != NULL && slash < colon))
        return NULL;
    *host = text;
    *size = (size_t)(colon - text);
    return colon[1] != '\0' ? colon + 1 : ".";
}

static weft_err ssh_copy_check(void *at, weft_why *why)
{
    ssh_copy_settings *s = at;
    size_t from_size = 0, to_size = 0;
    const char *from_host = NULL, *to_host = NULL;
    s->err = WEFT_ESTOPPING;
    const char *from = host_of(s->from, &from_size, &from_host);
    const char *to = host_of(s->to, &to_size, &to_host);
    if ((from == NULL) == (to == NULL))
        return weft_because(why, WEFT_EINVAL, "one of both is to be USER@HOST:PATH");
    s->transfer = (weft_ssh_transfer){.local = from != NULL ? s->to : s->from,
                                      .remote = from != NULL ? from : to,
                                      .to_host = to != NULL,
                                      .tree = s->tree};
    return ssh_target_read(&s->target, from != NULL ? from_host : to_host,
                           from != NULL ? from_size : to_size, why);
}

static weft_err ssh_copy_children(void *at, weft_children *to, weft_why *why)
{
    const weft_child child = {.name = "copy",
                              .behaviour = &ssh_copy_behaviour,
                              .config = at,
                              .restart = WEFT_RESTART_NEVER};
    return weft_children_add(to, &child, why);
}

static int ssh_copy_code(const void *at)
{
    switch (((const ssh_copy_settings *)at)->err) {
    case WEFT_OK:
        return EX_OK;
    case WEFT_ENOTFOUND:
        return EX_NOINPUT;
    case WEFT_EDENIED:
        return EX_NOPERM;
    case WEFT_ENONAME:
        return EX_NOHOST;
    case WEFT_EPROTO:
        return EX_PROTOCOL;
    case WEFT_EIO:
        return EX_IOERR;
    case WEFT_ESTOPPING:
        return EX_TEMPFAIL;
    default:
        return EX_UNAVAILABLE;
    }
}

const weft_service service_ssh_copy = {
    .name = "ssh-copy",
    .summary = "copy a file or a tree to another host, or from it, over SSH",
    .about = "It speaks sftp. What is there already is replaced, and a folder is filled. The exit "
             "code is\n"
             "0, or 66 (it is not there), 77 (not allowed, or a host that is not the known one), "
             "68, 69,\n"
             "74, 75 (it was stopped before all was copied) or 76.",
    .example = "weftd ssh-copy report.pdf ann@build.example:reports/report.pdf",
    .options = ssh_copy_options,
    .settings = &settings,
    .check = ssh_copy_check,
    .children = ssh_copy_children,
    .code = ssh_copy_code,
};

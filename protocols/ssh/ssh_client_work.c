/* SPDX-License-Identifier: MIT */
/* What a client does on the blocking pool: reads files, looks the host up, signs. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <weft/pool.h>
#include <weft/url.h>

#include "ssh_client.h"

enum { KNOWN_BYTES_MAX = 4 << 20 };

/* ---- the work */

typedef struct work_share {
    wf_ssh_work *work;
} work_share;
typedef struct work_done {
    char nothing;
} work_done;

static void work_take(void *body)
{
    /* relaxed: who copies a share holds one */
    atomic_fetch_add_explicit(&((work_share *)body)->work->refs, 1, memory_order_relaxed);
}

static void free_secret(char *text)
{
    if (text != NULL)
        explicit_bzero(text, strlen(text));
    weft_alloc_free(text);
}

void wf_ssh_work_drop(wf_ssh_work **work)
{
    wf_ssh_work *w = *work;
    *work = NULL;
    /* acquire and release: what others did to it comes before its end */
    if (w == NULL || atomic_fetch_sub_explicit(&w->refs, 1, memory_order_acq_rel) != 1)
        return;
    wf_ssh_free(&w->ssh);
    wf_ssh_proof_free(&w->proof);
    free_secret(w->passphrase);
    free_secret(w->password);
    weft_alloc_free(w->user);
    weft_alloc_free(w->key_file);
    weft_alloc_free(w->path);
    weft_alloc_free(w->known);
    weft_alloc_free(w);
}

static void work_release(void *body)
{
    wf_ssh_work_drop(&((work_share *)body)->work);
}

static const weft_type work_done_type = WEFT_TYPE("weft.ssh_worked", work_done, NULL);
static const weft_type work_share_type = {.name = "weft.ssh_work",
                                          .size = sizeof(work_share),
                                          .reply = &work_done_type,
                                          .share = work_take,
                                          .release = work_release};

/* The thread of the pool may have it longer than the config lives. */
static bool copy(char **to, const char *from)
{
    if (from == NULL)
        return true;
    *to = weft_alloc(strlen(from) + 1);
    if (*to == NULL)
        return false;
    memcpy(*to, from, strlen(from) + 1);
    return true;
}

static weft_err name_of(const weft_ssh_client_config *config, wf_ssh_work *w, weft_why *why)
{
    weft_url url;
    weft_err err = weft_url_parse(config->url, &url, why);
    if (err != WEFT_OK)
        return err;
    const char *host = config->host != NULL ? config->host : url.host.name;
    if (!wf_known_hosts_name(host, url.host.port != 0 ? url.host.port : 22, w->name))
        return weft_because(why, WEFT_EINVAL,
                            "known_hosts has names of hosts, expected .host for this URL");
    return WEFT_OK;
}

wf_ssh_work *wf_ssh_work_new(const weft_ssh_client_config *config, weft_err *err, weft_why *why)
{
    if (config == NULL || config->url == NULL || config->user == NULL || config->user[0] == '\0') {
        *err = weft_because(why, WEFT_EINVAL, "a client has a url and a user");
        return NULL;
    }
    wf_ssh_work *w = weft_alloc_zero(sizeof *w);
    *err = WEFT_ENOMEM;
    if (w == NULL) {
        weft_explain(why, "no memory for a connection");
        return NULL;
    }
    atomic_init(&w->refs, 1);
    w->trust = config->trust;
    w->agent = config->agent;
    if (!copy(&w->user, config->user) || !copy(&w->key_file, config->key_file) ||
        !copy(&w->passphrase, config->passphrase) || !copy(&w->password, config->password) ||
        !copy(&w->path, config->known_hosts)) {
        weft_explain(why, "no memory for a connection");
        wf_ssh_work_drop(&w);
        return NULL;
    }
    *err = name_of(config, w, why);
    if (*err != WEFT_OK)
        wf_ssh_work_drop(&w);
    return w;
}

/* ---- on a thread of the pool: files */

static weft_err default_path(wf_ssh_work *w)
{
    char path[PATH_MAX];
    const char *home = getenv("HOME");
    int n = home != NULL ? snprintf(path, sizeof path, "%s/.ssh", home) : -1;
    if (n < 0 || n + 16 >= PATH_MAX)
        return weft_because(&w->why, WEFT_EINVAL, "there is no HOME with a known_hosts in it");
    if (w->trust == WEFT_SSH_TRUST_NEW)
        (void)mkdir(path, 0700);
    (void)snprintf(path + n, sizeof path - (size_t)n, "/known_hosts");
    return copy(&w->path, path) ? WEFT_OK
                                : weft_because(&w->why, WEFT_ENOMEM, "no memory for a path");
}

static weft_err read_all(wf_ssh_work *w, int fd, size_t size)
{
    ssize_t n = 1;
    w->known = weft_alloc(size + 1);
    if (w->known == NULL)
        return weft_because(&w->why, WEFT_ENOMEM, "no memory for %.100s", w->path);
    while (w->known_bytes < size && n > 0) {
        n = read(fd, w->known + w->known_bytes, size - w->known_bytes);
        w->known_bytes += n > 0 ? (size_t)n : 0;
    }
    return n >= 0 ? WEFT_OK
                  : weft_because(&w->why, WEFT_EIO, "unable to read %.100s: %s", w->path,
                                 strerror(errno));
}

/* A file that is not there knows nobody. */
static weft_err read_known(wf_ssh_work *w)
{
    struct stat st;
    int fd = open(w->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return errno == ENOENT
                   ? WEFT_OK
                   : weft_because(&w->why, weft_err_from_errno(errno), "unable to read %.100s: %s",
                                  w->path, strerror(errno));
    weft_err err = WEFT_OK;
    if (fstat(fd, &st) != 0 || (S_ISREG(st.st_mode) && st.st_size > KNOWN_BYTES_MAX))
        err = weft_because(&w->why, WEFT_ETOOBIG, "%.100s is longer than %d bytes", w->path,
                           KNOWN_BYTES_MAX);
    else if (S_ISREG(st.st_mode))
        err = read_all(w, fd, (size_t)st.st_size);
    (void)close(fd);
    return err;
}

static weft_err prepare(wf_ssh_work *w)
{
    weft_err err = w->path == NULL ? default_path(w) : WEFT_OK;
    if (err == WEFT_OK)
        err = read_known(w);
    if (err != WEFT_OK)
        return err;
    w->key_types = wf_known_hosts_types(w->known, w->known_bytes, w->name);
    return wf_ssh_proof_new(w->key_file, w->passphrase, w->agent, w->password, &w->proof, &w->why);
}

/* In one piece behind what is there, whoever else writes. */
static weft_err remember(wf_ssh_work *w)
{
    char line[WF_KNOWN_LINE_BYTES_MAX];
    bool open_line = w->known_bytes != 0 && w->known[w->known_bytes - 1] != '\n';
    int n = snprintf(line, sizeof line, "%s%s %s %s\n", open_line ? "\n" : "", w->name, w->type,
                     w->key);
    int fd = n > 0 && n < (int)sizeof line
                 ? open(w->path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600)
                 : -1;
    bool written = fd >= 0 && write(fd, line, (size_t)n) == n;
    int e = errno;
    if (fd >= 0)
        (void)close(fd);
    return written ? WEFT_OK
                   : weft_because(&w->why, WEFT_EIO, "unable to add the host to %.100s: %s",
                                  w->path, strerror(e));
}

static weft_err check(wf_ssh_work *w)
{
    unsigned line;
    const char *print = wf_ssh_host_fingerprint(w->ssh);
    switch (wf_known_hosts_look(w->known, w->known_bytes, w->name, w->type, w->key, &line)) {
    case WF_KNOWN_YES:
        return WEFT_OK;
    case WF_KNOWN_REVOKED:
        return weft_because(&w->why, WEFT_EDENIED, "host key revoked: %.60s, %.100s:%u", w->name,
                            w->path, line);
    case WF_KNOWN_CHANGED:
        return weft_because(&w->why, WEFT_EDENIED,
                            "host key changed: %.60s has another one now (%s) than %.60s:%u says",
                            w->name, print, w->path, line);
    default:
        break;
    }
    if (w->trust == WEFT_SSH_TRUST_NEW)
        return remember(w);
    return weft_because(&w->why, WEFT_EDENIED, "host key unknown: %.60s (%s, %s) is not in %.80s",
                        w->name, w->type, print, w->path);
}

static weft_err on_piece(weft_actor *self, weft_msg *msg)
{
    wf_ssh_work *w = ((const work_share *)weft_body(msg))->work;
    (void)self;
    switch (w->piece) {
    case WF_SSH_PREPARE:
        w->err = prepare(w);
        break;
    case WF_SSH_CHECK:
        w->err = check(w);
        break;
    case WF_SSH_SIGN:
        w->err = wf_ssh_prove(w->ssh, w->proof, &w->why);
        break;
    }
    return weft_reply(msg, work_done, .nothing = 0);
}

void wf_ssh_work_do(weft_actor *self, wf_ssh_work *work, wf_ssh_piece piece, weft_step_fn *step)
{
    work->piece = piece;
    (void)weft_ignore(self, weft_finally(self,
                                         weft_ask_pool_body(self, on_piece, &work_share_type,
                                                            &(work_share){work}, WEFT_NO_LIMIT),
                                         step));
}

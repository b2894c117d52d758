/* SPDX-License-Identifier: MIT */
/* Renewed certificates: the files are looked at now and then, where that may block, and read if they are
 * other ones. */
#include "tls_parts.h"

#include <string.h>

#include <weft/pool.h>

/* ---- which files, and what they look like */

static unsigned add(const char **files, unsigned n, const char *file)
{
    if (file != NULL)
        files[n++] = file;
    return n;
}

static unsigned files_of(const tls_own *own, const char *files[TLS_FILES_MAX])
{
    unsigned n = 0;
    for (unsigned i = 0; i < own->identities; i++) {
        n = add(files, n, own->identity[i].certificate_file);
        n = add(files, n, own->identity[i].key_file);
        n = add(files, n, own->identity[i].ocsp_file);
    }
    return add(files, n, own->config.trust_file);
}

bool wf_tls_has_files(const weft_tls *tls)
{
    const char *files[TLS_FILES_MAX];
    return files_of(&tls->own, files) != 0;
}

static tls_stamp stamp_of(const char *file)
{
    struct stat st;
    tls_stamp stamp;
    memset(&stamp, 0, sizeof stamp); /* they are compared whole */
    if (stat(file, &st) == 0) {
        stamp.device = st.st_dev;
        stamp.inode = st.st_ino;
        stamp.size = st.st_size;
        stamp.changed = st.st_mtim;
    }
    return stamp;
}

void wf_tls_stamp(weft_tls *tls)
{
    const char *files[TLS_FILES_MAX];
    tls_stamp stamps[TLS_FILES_MAX];
    unsigned n = files_of(&tls->own, files);
    for (unsigned i = 0; i < n; i++)
        stamps[i] = stamp_of(files[i]);
    (void)pthread_mutex_lock(&tls->lock);
    memcpy(tls->stamps, stamps, n * sizeof *stamps);
    (void)pthread_mutex_unlock(&tls->lock);
}

static bool has_changed(weft_tls *tls)
{
    const char *files[TLS_FILES_MAX];
    unsigned n = files_of(&tls->own, files);
    bool changed = false;
    for (unsigned i = 0; i < n; i++) {
        tls_stamp stamp = stamp_of(files[i]);
        (void)pthread_mutex_lock(&tls->lock);
        changed = changed || memcmp(&stamp, &tls->stamps[i], sizeof stamp) != 0;
        (void)pthread_mutex_unlock(&tls->lock);
    }
    return changed;
}

/* ---- looking, in the pool */

typedef struct tls_look {
    weft_tls *tls;
} tls_look;
typedef struct tls_looked {
    bool changed;
} tls_looked;

static void look_share(void *body)
{
    (void)weft_tls_share(((tls_look *)body)->tls);
}

static void look_release(void *body)
{
    weft_tls_drop(&((tls_look *)body)->tls);
}

static const weft_type tls_looked_type = WEFT_TYPE("weft.tls_looked", tls_looked, NULL);
static const weft_type tls_look_type = {.name = "weft.tls_look",
                                        .size = sizeof(tls_look),
                                        .reply = &tls_looked_type,
                                        .share = look_share,
                                        .release = look_release};

static weft_err look(weft_actor *self, weft_msg *msg)
{
    const tls_look *l = weft_body(msg);
    weft_why why = {""};
    (void)self;
    if (!has_changed(l->tls))
        return weft_reply(msg, tls_looked, .changed = false);
    weft_err err = weft_tls_reload(l->tls, &why);
    return err == WEFT_OK ? weft_reply(msg, tls_looked, .changed = true)
                          : weft_fail(msg, err, "%s", why.text);
}

/* ---- who has it looked at: an actor for each look */

static weft_err on_looked(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    const tls_looked *looked = got->body;
    (void)msg;
    if (got->err != WEFT_OK)
        weft_log(self, WEFT_ERROR, "what was renewed is not used: %s", got->why);
    else if (looked->changed)
        weft_log(self, WEFT_INFO, "TLS: renewed files are in use");
    return weft_stop(self, WEFT_OK);
}

static weft_err on_started(weft_actor *self, weft_msg *msg)
{
    const tls_look body = {(weft_tls *)(uintptr_t)weft_config(self)};
    return weft_when(msg, weft_ask_pool_body(self, look, &tls_look_type, &body, WEFT_NO_LIMIT),
                     on_looked);
}

static void ended(weft_actor *self, weft_err reason)
{
    weft_tls *tls = (weft_tls *)(uintptr_t)weft_config(self);
    (void)reason;
    atomic_store_explicit(&tls->checking, false, memory_order_relaxed);
    weft_tls_drop(&tls);
}

static const weft_handler handlers[] = {{.type = &weft_started_type, .fn = on_started}, {0}};
static const weft_behaviour looker = {.name = "tls files", .handlers = handlers, .ended = ended};

void wf_tls_check(weft_tls *tls, weft_actor *self)
{
    uint32_t now = weft_now_ms(self);
    /* relaxed: they only keep others from doing the same */
    if (!tls->has_files ||
        now - atomic_load_explicit(&tls->checked_ms, memory_order_relaxed) < WEFT_TLS_CHECK_MS)
        return;
    if (atomic_exchange_explicit(&tls->checking, true, memory_order_relaxed))
        return;
    atomic_store_explicit(&tls->checked_ms, now, memory_order_relaxed);
    if (weft_ref_is_nobody(weft_spawn_apart(&looker, weft_tls_share(tls), NULL))) {
        weft_tls *again = tls;
        atomic_store_explicit(&tls->checking, false, memory_order_relaxed);
        weft_tls_drop(&again);
    }
}

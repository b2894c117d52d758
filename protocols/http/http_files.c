/* SPDX-License-Identifier: MIT */
/* The stock resource that serves files: from a request's path to what is known of it. */
#include <string.h>

#include "http_file_answer.h"
#include "http_path.h"
#include "http_server.h"
#include "http_users.h"

/* Where a request leads. */
typedef struct target {
    weft_http_text prefix; /* of the request's path: what stands before the file's */
    bool last;             /* nothing of it stands behind the file's */
    bool hidden;           /* there is a name with a dot at its front in it */
    bool empty;            /* the request's path has an empty segment */
    wf_http_file_ask ask;
    char path[WF_HTTP_PATH_BYTES_MAX];
} target;

/* ---- what is no file */

/* The status for what wf_http_path_resolve says. */
static int status_of_path(weft_err err)
{
    switch (err) {
    case WEFT_ENOTFOUND:
        return 404;
    case WEFT_ETOOBIG:
        return 414;
    default:
        return 400;
    }
}

static weft_err answer_failure(weft_actor *self, weft_msg *msg, weft_err err, const weft_why *why)
{
    bool passes = err != WEFT_EIO;

    weft_log(self, WEFT_WARNING, "%s", why->text[0] != '\0' ? why->text : weft_err_text(err));
    return weft_http_error(msg, passes ? 503 : 500, NULL);
}

static weft_err answer_method(weft_msg *msg)
{
    return wf_http_file_refuse(msg, 405, &WEFT_HTTP_FIELD("Allow", "GET, HEAD"));
}

/* Sends on to the path as it was resolved, of a folder with a '/' at its end. */
static weft_err redirect(weft_msg *msg, const target *t, bool folder)
{
    const weft_http_request *request = weft_body(msg);
    size_t room = t->prefix.bytes + 3 * t->ask.path_n + request->query.bytes + 3;
    char *location = weft_scratch(msg, room);

    if (location == NULL)
        return WEFT_ENOMEM;
    wf_http_writer w = wf_http_writer_over(location, room - 1);
    wf_http_put(&w, t->prefix.at, t->prefix.bytes);
    wf_http_put_percent(&w, t->ask.path, t->ask.path_n, true);
    if (folder)
        wf_http_put_char(&w, '/');
    if (request->query.at != NULL) {
        wf_http_put_char(&w, '?');
        wf_http_put(&w, request->query.at, request->query.bytes);
    }
    location[w.n] = '\0';
    return weft_http_redirect(msg, 301, location);
}

/* A folder's page and index have relative links, so its URL must end in '/'. What is redirected to
 * is the path as it was resolved: the client's own spelling could begin with "//" and name a host.
 */
static weft_err answer_folder(weft_msg *msg, const target *t)
{
    return t->last ? redirect(msg, t, true) : weft_http_error(msg, 404, NULL);
}

/* A path with an empty segment is none of this file's: another route, with a guard, may stand in front of that. */
static weft_err answer_elsewhere(weft_msg *msg, const target *t)
{
    if (!t->last || memmem(t->prefix.at, t->prefix.bytes, "//", 2) != NULL)
        return weft_http_error(msg, 404, NULL);
    return redirect(msg, t, t->ask.path_n > 0 && t->ask.folder);
}

/* ---- from a request to a path */

static weft_err resolve(const weft_http_request *request, const weft_http_files_config *config,
                        weft_http_text rest, target *t)
{
    wf_http_path path;
    weft_err err = wf_http_path_resolve(rest, t->path, sizeof t->path, &path, NULL);

    if (err != WEFT_OK)
        return err;
    t->prefix = (weft_http_text){request->path.at, (uint32_t)(rest.at - request->path.at)};
    t->last = rest.at + rest.bytes == request->path.at + request->path.bytes;
    t->ask = (wf_http_file_ask){.path = t->path, .path_n = path.n, .title = t->prefix};
    /* "/files" and "/files/" both leave nothing for the star of "/files/..." */
    t->ask.folder = rest.bytes > 0
                        ? path.directory
                        : t->prefix.bytes > 0 && t->prefix.at[t->prefix.bytes - 1] == '/';
    t->ask.user_n = config->users != NULL ? wf_http_user_bytes(t->path) : 0;
    t->hidden = path.hidden;
    t->empty = memmem(request->path.at, request->path.bytes, "//", 2) != NULL;
    return WEFT_OK;
}

static weft_err on_worked(weft_actor *self, weft_msg *msg, const weft_outcome *got);

/* The pool does it; the answer comes then. */
static weft_err wait_for(weft_actor *self, weft_msg *msg, weft_ref worker)
{
    return weft_when(msg, weft_ask(self, worker, wf_http_work_wait, .tries = 1), on_worked);
}

static weft_err answer_with(weft_actor *self, weft_msg *msg, wf_http_file_entry *e,
                            const wf_http_work_done *done, const target *t)
{
    weft_why why = {""};
    weft_ref worker = WEFT_NOBODY;

    switch (e->file.kind) {
    case WF_HTTP_FILE_SERVED:
    case WF_HTTP_FILE_LISTING:
        break;
    case WF_HTTP_FILE_FOLDER:
        return answer_folder(msg, t);
    case WF_HTTP_FILE_NONE:
        return weft_http_error(msg, e->file.err == WEFT_EDENIED ? 403 : 404, NULL);
    }
    weft_err err = wf_http_file_answer(self, msg, e, done, &worker, &why);
    return err == WF_HTTP_FILE_COLD ? wait_for(self, msg, worker) : err;
}

static weft_err answer_file(weft_actor *self, weft_msg *msg, const weft_http_files_config *config,
                            const target *t)
{
    weft_why why = {""};
    wf_http_file_entry *e;
    wf_http_file_cache *cache = wf_http_file_cache_here(self, config);

    if (cache == NULL)
        return WEFT_ENOMEM;
    weft_err err = wf_http_file_cache_get(cache, self, &t->ask, &e, &why);
    if (err == WF_HTTP_FILE_COLD)
        return wait_for(self, msg, e->looking);
    if (err != WEFT_OK)
        return answer_failure(self, msg, err, &why);
    return answer_with(self, msg, e, NULL, t);
}

/* Where the request leads; WEFT_OK and not *@found: it has been answered. */
static weft_err find(weft_msg *msg, const weft_http_files_config *config, target *t, bool *found)
{
    weft_http_text rest = wf_http_route_rest(msg, config->param != NULL ? config->param : "*");

    *found = false;
    if (rest.at == NULL)
        return weft_fail(msg, WEFT_EINTERNAL,
                         "the route of weft_http_files has no parameter \"%s\"",
                         config->param != NULL ? config->param : "*");
    weft_err err = resolve(weft_body(msg), config, rest, t);
    if (err != WEFT_OK)
        return weft_http_error(msg, status_of_path(err), NULL);
    if (t->hidden && !config->hidden)
        return weft_http_error(msg, 404, NULL);
    if (t->empty)
        return answer_elsewhere(msg, t);
    *found = true;
    return WEFT_OK;
}

static weft_err on_worked(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    const weft_http_files_config *config = weft_http_config_of(msg);
    const wf_http_work_done *done = got->body;
    target t;
    bool found;

    if (got->err == WEFT_ECANCELLED)
        return WEFT_OK; /* the client has left */
    if (got->err != WEFT_OK) {
        weft_why why = {""};
        (void)weft_because(&why, got->err, "%s", got->why);
        return answer_failure(self, msg, got->err, &why);
    }
    weft_err err = find(msg, config, &t, &found);
    if (err != WEFT_OK || !found)
        return err;
    /* somebody else may have asked for the same page under another name */
    if (!wf_http_file_has_title(&done->entry->file, t.ask.title))
        return answer_file(self, msg, config, &t);
    return answer_with(self, msg, done->entry, done, &t);
}

static weft_err on_request(weft_actor *self, weft_msg *msg)
{
    const weft_http_request *request = weft_body(msg);
    const weft_http_files_config *config = weft_http_config_of(msg);
    target t;
    bool found;

    if (config == NULL)
        return weft_fail(msg, WEFT_EINTERNAL, "weft_http_files needs a config");
    if (request->method != WEFT_HTTP_GET && request->method != WEFT_HTTP_HEAD)
        return answer_method(msg);
    weft_err err = find(msg, config, &t, &found);
    return err == WEFT_OK && found ? answer_file(self, msg, config, &t) : err;
}

static const weft_handler handlers[] = {
    {.type = &weft_http_request_type, .fn = on_request},
    {0},
};

const weft_behaviour weft_http_files = {.name = "http.files", .handlers = handlers};

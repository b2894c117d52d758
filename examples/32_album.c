/* SPDX-License-Identifier: MIT */
/* A photo album: who logs in with a form is remembered by a session, and may send photos.
 * usage: 32_album [URL [FOLDER]]; the folder of the photos, "photos" if there is no other, is made when it is missing */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <weft/weft.h>

static const char *folder = "photos";

/* [session] */
static const weft_http_sessions sessions = {.store_name = "sessions"};

static weft_err on_begun(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    weft_http_field fields[] = {WEFT_HTTP_FIELD("Location", "/"), {0}};
    weft_err err = got->err;
    (void)self;
    if (err == WEFT_OK)
        err = weft_http_session_field(msg, &sessions, got->body, &fields[1]);
    if (err != WEFT_OK)
        return weft_fail(msg, err, "no session: %s", weft_err_text(err));
    return weft_http_respond(
        msg, &(weft_http_answer){.status = 303, .fields = fields, .fields_count = 2});
}

/* Where a program asks an auth actor, this one takes everybody at their word. */
static weft_err on_login(weft_actor *self, weft_msg *msg)
{
    const char *name = weft_http_form_value(self, "name");
    if (name == NULL || name[0] == '\0')
        return weft_http_error(msg, 400, "Who are you?");
    return weft_when(
        msg,
        weft_http_session_begin(self, msg, &sessions, weft_bytes_copy(msg, name, strlen(name))),
        on_begun);
}

static weft_err on_known(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    (void)self;
    if (got->err != WEFT_OK)
        return weft_http_error(msg, got->err == WEFT_ENOTFOUND ? 403 : 503, NULL);
    const weft_session *session = got->body;
    return weft_http_text(msg, 200, "hello, %.*s\n", (int)session->data.size,
                          (const char *)session->data.at);
}

static weft_err on_home(weft_actor *self, weft_msg *msg)
{
    return weft_when(msg, weft_http_session(self, msg, &sessions), on_known);
}
/* [/session] */

/* [form] */
static weft_err on_kept(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    const weft_http_form_part *photo = weft_http_form_find(self, "photo");
    if (got->err != WEFT_OK)
        return weft_fail(msg, got->err, "%s", got->why);
    return weft_http_text(msg, 201, "%" PRIu64 " bytes of %s\n", photo->bytes, photo->file_name);
}

static weft_err on_allowed(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    const weft_http_form_part *photo = weft_http_form_find(self, "photo");
    char path[256];
    uint64_t name;
    if (got->err != WEFT_OK)
        return weft_http_error(msg, got->err == WEFT_ENOTFOUND ? 403 : 503, NULL);
    if (photo == NULL || photo->path == NULL)
        return weft_http_error(msg, 400, "There is no photo in it.");
    weft_random(self, &name, sizeof name);
    (void)snprintf(path, sizeof path, "%s/%016" PRIx64, folder, name);
    return weft_when(msg, weft_http_form_keep(self, photo, path), on_kept);
}

static weft_err on_photo(weft_actor *self, weft_msg *msg)
{
    return weft_when(msg, weft_http_session(self, msg, &sessions), on_allowed);
}
/* [/form] */

int main(int argc, char **argv)
{
    folder = argc > 2 ? argv[2] : folder;
    if (mkdir(folder, 0700) != 0 && errno != EEXIST) {
        (void)fprintf(stderr, "unable to make the folder %s: %s\n", folder, strerror(errno));
        return 73; /* EX_CANTCREAT */
    }
    /* [routes] */
    const weft_http_form_config login = {.handler = on_login, .fields_bytes_max = 1024};
    const weft_http_form_config photos = {
        .handler = on_photo, .spool = folder, .file_bytes_max = 8 << 20};
    const weft_http_route routes[] = {
        {.route = "GET /", .handler = on_home},
        {.route = "POST /login", .use = &weft_http_forms, .config = &login, .stream = true},
        {.route = "POST /photos", .use = &weft_http_forms, .config = &photos, .stream = true},
        {0},
    };
    /* [/routes] */
    const weft_child children[] = {
        {.name = "sessions", .behaviour = &weft_session_store},
        {.name = "web",
         .behaviour = &weft_http_site,
         .config = routes,
         .listen = argc > 1 ? argv[1] : "http://127.0.0.1:8880"},
        {0},
    };
    const weft_supervisor tree = {.children = children};
    return weft_main(&(weft_app){.tree = &tree}, 1, argv);
}

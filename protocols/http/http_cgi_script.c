/* SPDX-License-Identifier: MIT */
/* Which script a path names: looked for by the blocking pool, below the folder and nowhere else. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <weft/pool.h>

#include "http_cgi.h"
#include "http_file_root.h"
#include "http_path.h"

typedef struct cgi_find {
    const weft_http_cgi_config *config;
    weft_bytes path; /* with a zero */
} cgi_find;

const weft_type wf_http_cgi_script_type = {.name = "weft.http_cgi_script",
                                           .size = sizeof(wf_http_cgi_script),
                                           .bytes =
                                               1 + (uint32_t)offsetof(wf_http_cgi_script, file)};
static const weft_type cgi_find_type = {.name = "weft.http_cgi_find",
                                        .size = sizeof(cgi_find),
                                        .bytes = 1 + (uint32_t)offsetof(cgi_find, path),
                                        .reply = &wf_http_cgi_script_type};

/* The first part of @path that is a file: what is behind it is the script's. */
static weft_err look(const wf_http_file_root *root, char *path, size_t *bytes, weft_why *why)
{
    for (char *slash = path; slash != NULL;) {
        wf_http_found found = {.fd = -1};
        slash = strchr(slash, '/');
        if (slash != NULL)
            *slash = '\0';
        weft_err err = wf_http_file_look(root, path, &found, why);
        *bytes = strlen(path);
        if (err != WEFT_OK || found.kind == WF_HTTP_FOUND_FILE)
            return err;
        if (found.kind != WF_HTTP_FOUND_FOLDER)
            break;
        if (slash != NULL)
            *slash++ = '/';
    }
    return weft_because(why, WEFT_ENOTFOUND, "there is no script");
}

static weft_err find(const weft_http_cgi_config *config, char *path, wf_http_cgi_script *out,
                     char real[PATH_MAX], weft_why *why)
{
    wf_http_file_root root = {.path = config->root, .cwd = -1, .fd = -1};
    char joined[PATH_MAX];
    weft_err err = wf_http_file_root_begin(&root, why);
    if (err == WEFT_OK)
        err = wf_http_file_root_refresh(&root, why);
    if (err == WEFT_OK)
        err = look(&root, path, &out->path_bytes, why);
    wf_http_file_root_done(&root);
    if (err != WEFT_OK)
        return err;
    int n = snprintf(joined, sizeof joined, "%s/%s", config->root, path);
    if (n < 0 || (size_t)n >= sizeof joined || realpath(joined, real) == NULL)
        return weft_because(why, WEFT_ENOTFOUND, "there is no script");
    return access(real, X_OK) == 0 ? WEFT_OK
                                   : weft_because(why, WEFT_EDENIED, "%.100s is no program", real);
}

static weft_err on_find(weft_actor *self, weft_msg *msg)
{
    const cgi_find *asked = weft_body(msg);
    char path[WF_HTTP_PATH_BYTES_MAX], real[PATH_MAX];
    wf_http_cgi_script script = {.path_bytes = 0};
    weft_why why = {""};
    (void)self;
    memcpy(path, asked->path.at, asked->path.size);
    weft_err err = find(asked->config, path, &script, real, &why);
    if (err != WEFT_OK)
        return weft_fail(msg, err, "%s", why.text);
    script.file = weft_bytes_copy(msg, real, strlen(real) + 1);
    return script.file.size != 0 ? weft_reply_body(msg, &wf_http_cgi_script_type, &script)
                                 : WEFT_ENOMEM;
}

weft_deferred wf_http_cgi_find(weft_actor *self, const weft_http_cgi_config *config,
                               const char *path)
{
    cgi_find asked = {.config = config};
    uint8_t *to;
    size_t n = strlen(path) + 1;
    weft_err err = weft_bytes_new(n, &to, &asked.path);
    if (err != WEFT_OK)
        return weft_failed(self, err, NULL);
    memcpy(to, path, n);
    weft_deferred found = weft_ask_pool_body(self, on_find, &cgi_find_type, &asked, WEFT_NO_LIMIT);
    weft_bytes_drop(&asked.path);
    return found;
}

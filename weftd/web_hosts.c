/* SPDX-License-Identifier: MIT */
/* Virtual hosts from options: --host NAME=FOLDER. What else is served is the same for all of them. */
#include "web_hosts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

weft_err web_folder_check(const char *option, const char *path, weft_why *why)
{
    struct stat st;
    if (stat(path, &st) != 0)
        return weft_because(why, weft_err_from_errno(errno), "--%s %.100s: %s, expected a folder",
                            option, path, strerror(errno));
    if (!S_ISDIR(st.st_mode))
        return weft_because(why, WEFT_EINVAL, "--%s %.100s is a file, expected a folder", option,
                            path);
    if (faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) != 0)
        return weft_because(why, weft_err_from_errno(errno),
                            "--%s %.100s: %s, expected a folder that weftd may enter", option, path,
                            strerror(errno));
    return WEFT_OK;
}

/* The rows of @routes and the empty one behind them, for the files of @host. errors: EINVAL, ENOMEM. */
static weft_err take_routes(web_host *host, const weft_http_route *routes,
                            const weft_http_files_config *files, weft_why *why)
{
    size_t n = 0;
    bool any = false;
    while (routes[n].route != NULL)
        n++;
    host->routes = calloc(n + 1, sizeof *routes);
    if (host->routes == NULL)
        return weft_because(why, WEFT_ENOMEM, "no memory for --host");
    memcpy(host->routes, routes, n * sizeof *routes);
    for (size_t i = 0; i < n; i++)
        if (host->routes[i].config == files) {
            host->routes[i].config = &host->files;
            any = true;
        }
    return any ? WEFT_OK
               : weft_because(why, WEFT_EINVAL, "--host %.100s: --proxy /= leaves nothing to files",
                              host->text);
}

static weft_err add(web_host *host, weft_http_host *row, const char *text,
                    const weft_http_route *routes, const weft_http_files_config *files,
                    weft_why *why)
{
    host->text = strdup(text);
    if (host->text == NULL)
        return weft_because(why, WEFT_ENOMEM, "no memory for --host");
    char *folder = strchr(host->text, '=');
    if (folder == NULL || folder == host->text || folder[1] == '\0')
        return weft_because(why, WEFT_EINVAL,
                            "--host %.100s, expected NAME=FOLDER such as example.org=./site or "
                            "*.example.org=./others",
                            text);
    *folder++ = '\0';
    weft_err err = web_folder_check("host", folder, why);
    if (err != WEFT_OK)
        return err;
    host->files = *files;
    host->files.root = folder;
    err = take_routes(host, routes, files, why);
    *row = (weft_http_host){.name = host->text, .routes = host->routes};
    return err;
}

weft_err web_hosts_make(web_hosts *h, const weft_http_route *routes,
                        const weft_http_files_config *files, weft_why *why)
{
    weft_err err = WEFT_OK;
    for (size_t i = 0; i < h->given.count && err == WEFT_OK; i++)
        err = add(&h->of[i], &h->rows[i], h->given.at[i], routes, files, why);
    return err;
}

void web_hosts_done(web_hosts *h)
{
    for (size_t i = 0; i < WEFT_OPTION_TEXTS_MAX; i++) {
        free(h->of[i].text);
        free(h->of[i].routes);
        h->of[i] = (web_host){.text = NULL};
        h->rows[i] = (weft_http_host){.name = NULL};
    }
}

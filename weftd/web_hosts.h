/* SPDX-License-Identifier: MIT */
/* The virtual hosts of `weftd web`: names whose files are in folders of their own. */
#ifndef WEFTD_WEB_HOSTS_H
#define WEFTD_WEB_HOSTS_H

#include <weft/http.h>
#include <weft/options.h>

/* One --host. */
typedef struct web_host {
    char *text; /* what the option says, cut up */
    weft_http_files_config files;
    weft_http_route *routes;
} web_host;

typedef struct web_hosts {
    weft_option_texts given; /* NAME=FOLDER */
    /* what web_hosts_make makes of them */
    web_host of[WEFT_OPTION_TEXTS_MAX];
    weft_http_host rows[WEFT_OPTION_TEXTS_MAX + 1];
} web_hosts;

/* Whether @path, which @option names, is a folder that weftd may enter. errors: EINVAL, those of stat and access, with
 * a sentence. */
WEFT_MUST_USE weft_err web_folder_check(const char *option, const char *path, weft_why *why);

/* Makes the rows: for each name @routes, with files from its own folder where those have @files. To be given back in
 * any case. errors: EINVAL and those of web_folder_check, with a sentence that names the option; ENOMEM. */
WEFT_MUST_USE weft_err web_hosts_make(web_hosts *h, const weft_http_route *routes,
                                      const weft_http_files_config *files, weft_why *why);
void web_hosts_done(web_hosts *h);

#endif

/* SPDX-License-Identifier: MIT */
/* What `./weft bench http` asks: GET /hello, and the files of a folder. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include <weft/weft.h>

static weft_err hello(weft_actor *self, weft_msg *msg)
{
    (void)self;
    return weft_http_bytes(msg, 200, "text/plain", WEFT_BYTES_LITERAL("hello"));
}

static weft_http_files_config files;

static const weft_http_route routes[] = {
    {.route = "GET /hello", .handler = hello},
    {.route = "GET /*", .use = &weft_http_files, .config = &files},
    {0},
};

int main(int argc, char **argv)
{
    char url[64];
    struct rlimit limit;
    if (argc < 3) {
        (void)fprintf(stderr, "usage: bench_site PORT FOLDER\n");
        return 64;
    }
    files.root = argv[2];
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%s", argv[1]);
    return weft_serve(url, &weft_http_site, routes);
}

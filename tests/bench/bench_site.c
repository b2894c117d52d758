/* SPDX-License-Identifier: MIT */
/* The site of `./weft bench http`, `idle` and `tls`: GET /hello, and the files of a folder. */
#include <stdio.h>
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
    struct rlimit limit;
    if (argc < 3) {
        (void)fprintf(stderr, "usage: bench_site FOLDER URL ...\n");
        return 64;
    }
    files.root = argv[1];
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
    weft_system *sys = weft_system_new(NULL);
    if (sys == NULL)
        return 71; /* EX_OSERR */
    for (int i = 2; i < argc; i++)
        (void)weft_listen(sys, argv[i], &weft_http_site, routes); /* weft_run says what failed */
    return weft_run(&sys);
}

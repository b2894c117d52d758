/* SPDX-License-Identifier: MIT */
/* HTTP hello: two routes, a handler and a stock resource. */
/* [hello] */
#include <weft/weft.h>

static weft_err hello(weft_actor *self, weft_msg *msg)
{
    (void)self;
    return weft_http_text(msg, 200, "hello, %s\n", weft_http_param(msg, "name"));
}

static const weft_http_route routes[] = {
    {.route = "GET /hello/:name", .handler = hello},
    {.route = "GET /files/*",
     .use = &weft_http_files,
     .config = &(weft_http_files_config){.root = "."}},
    {0},
};

int main(int argc, char **argv)
{
    return weft_serve(argc > 1 ? argv[1] : "http://127.0.0.1:8880", &weft_http_site, routes);
}
/* [/hello] */

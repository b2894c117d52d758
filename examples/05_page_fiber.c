/* SPDX-License-Identifier: MIT */
/* The page of 04_page.c in a straight line: the handler is a fiber, and waits. Run it as: 05_page_fiber
 * http://127.0.0.1:8880/hello/you */
#include <stdlib.h>

#include <weft/weft.h>

/* [page] */
static weft_err fetch(weft_actor *self, weft_msg *msg)
{
    const weft_outcome *got = weft_await(self, weft_http_get(self, weft_config(self)));
    const weft_http_page *page = got->body;
    weft_err err = got->err;
    (void)msg;

    if (err != WEFT_OK) {
        fprintf(stderr, "unable to fetch: %s: %s\n", weft_err_name(err), got->why);
    } else if (page->status >= 400) {
        fprintf(stderr, "%s answers %d %.*s\n", page->url, page->status, (int)page->reason.bytes,
                page->reason.at);
        err = WEFT_ENOTFOUND;
    } else
        err = weft_http_print(got, stdout);

    weft_system_stop(self, err);
    return WEFT_OK;
}

static const weft_handler handlers[] = {
    {.type = &weft_started_type, .fn = fetch, .fiber = true},
    {0},
};
/* [/page] */
static const weft_behaviour fetcher = {.name = "fetcher", .handlers = handlers};

int main(int argc, char **argv)
{
    weft_system *sys = weft_system_new(NULL);
    const char *url = argc > 1 ? argv[1] : "http://127.0.0.1:8880/hello/you";
    if (sys == NULL || weft_ref_is_nobody(weft_system_spawn(sys, 0, &fetcher, url)))
        return EXIT_FAILURE;
    return weft_run(&sys);
}

/* SPDX-License-Identifier: MIT */
/* The page of 04_page.c as a chain: callbacks for what goes well, then errbacks for what does not, whichever step
 * it was. Run it as: 04_page_chain http://127.0.0.1:8880/hello/you */
#include <stdlib.h>

#include <weft/weft.h>

/* [page] */
static weft_err check_status(weft_actor *self, weft_deferred *next, const weft_outcome *got)
{
    const weft_http_page *page = got->body;
    if (page->status >= 400)
        *next = weft_failed(self, WEFT_ENOTFOUND, "%s answers %d %.*s", page->url, page->status,
                            (int)page->reason.bytes, page->reason.at);
    return WEFT_OK;
}

static weft_err print(weft_actor *self, weft_deferred *next, const weft_outcome *got)
{
    (void)self, (void)next;
    return weft_http_print(got, stdout);
}

static weft_err complain(weft_actor *self, weft_deferred *next, const weft_outcome *got)
{
    (void)self, (void)next;
    fprintf(stderr, "unable to fetch: %s: %s\n", weft_err_name(got->err), got->why);
    return got->err;
}

static weft_err stop(weft_actor *self, weft_deferred *next, const weft_outcome *got)
{
    (void)next;
    weft_system_stop(self, got->err);
    return WEFT_OK;
}

static weft_err fetch(weft_actor *self, weft_msg *msg)
{
    weft_deferred page = weft_http_get(self, weft_config(self));
    (void)msg;

    page = weft_then(self, page, check_status);
    page = weft_then(self, page, print);
    page = weft_catch(self, page, complain);
    page = weft_finally(self, page, stop);
    return weft_ignore(self, page);
}
/* [/page] */

static const weft_handler handlers[] = {
    {.type = &weft_started_type, .fn = fetch},
    {0},
};
static const weft_behaviour fetcher = {.name = "fetcher", .handlers = handlers};

int main(int argc, char **argv)
{
    weft_system *sys = weft_system_new(NULL);
    const char *url = argc > 1 ? argv[1] : "http://127.0.0.1:8880/hello/you";
    if (sys == NULL || weft_ref_is_nobody(weft_system_spawn(sys, 0, &fetcher, url)))
        return EXIT_FAILURE;
    return weft_run(&sys);
}

/* SPDX-License-Identifier: MIT */
/* A reverse proxy: each request is forwarded, as a message, to a client that asks the upstream. Both bodies
 * stream, and a client that reads slowly slows the upstream. An upstream that cannot be reached is a 502 with
 * the reason. Run it as: 10_proxy http://127.0.0.1:8881 http://127.0.0.1:8880 */
#include <stdlib.h>

#include <weft/weft.h>

/* [proxy] */
static weft_ref upstream; /* a client on each reactor */

typedef struct passing {
    weft_msg *request; /* kept until its stream is up */
} passing;

static weft_err proxy_request(weft_actor *self, weft_msg *msg)
{
    passing *p = weft_state(self);
    p->request = weft_keep(msg);
    return WEFT_OK;
}

/* From here on the stream of the bodies, and the answer, are the client's affair. */
static weft_err proxy_opened(weft_actor *self, weft_msg *msg)
{
    passing *p = weft_state(self);
    const weft_opened *opened = weft_body(msg);
    weft_err err = weft_hand_over(self, opened->stream, upstream, WEFT_NO_BYTES);
    if (err == WEFT_OK)
        err = weft_forward(p->request, upstream);
    if (err != WEFT_OK)
        err = weft_fail(p->request, err, NULL);
    weft_drop(&p->request);
    return err;
}

static const weft_handler rows[] = {
    {.type = &weft_http_request_type, .fn = proxy_request},
    {.type = &weft_opened_type, .fn = proxy_opened},
    {0},
};
static const weft_behaviour proxy = {
    .name = "proxy", .handlers = rows, .state_bytes = sizeof(passing)};

static const weft_http_route routes[] = {{.route = "/*", .use = &proxy, .stream = true}, {0}};
/* [/proxy] */

int main(int argc, char **argv)
{
    weft_system *sys = weft_system_new(NULL);
    const weft_http_client_config to = {.upstream = argc > 2 ? argv[2] : "http://127.0.0.1:8880"};
    if (sys == NULL)
        return EXIT_FAILURE;
    upstream = weft_system_spawn_each(sys, &weft_http_caller, &to);
    (void)weft_listen(sys, argc > 1 ? argv[1] : "http://127.0.0.1:8881", &weft_http_site, routes);
    return weft_run(&sys);
}

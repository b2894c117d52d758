/* SPDX-License-Identifier: MIT */
/* The client of `./weft bench client`: asks for one URL again and again, so many at a time, and says what that
 * took. usage: bench_client URL CONNECTIONS SECONDS */
#include <inttypes.h>
#include <stdlib.h>
#include <sys/resource.h>

#include <weft/weft.h>

typedef struct load {
    const char *url;
    weft_ref client;
    uint64_t answers, failures, bytes;
    uint32_t until_ms;
    unsigned open;
} load;

static weft_err ask(weft_actor *self, weft_msg *msg);

static weft_err on_page(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    load *l = (load *)(uintptr_t)weft_config(self);
    const weft_http_page *page = got->body;
    if (got->err == WEFT_OK && page->status == 200) {
        l->answers++;
        l->bytes += page->body.size;
    } else
        l->failures++;
    if ((int32_t)(weft_now_ms(self) - l->until_ms) < 0 && got->err == WEFT_OK)
        return ask(self, msg);
    if (--l->open == 0)
        weft_system_stop(self, WEFT_OK);
    return WEFT_OK;
}

static weft_err ask(weft_actor *self, weft_msg *msg)
{
    const load *l = weft_config(self);
    return weft_when(msg,
                     weft_ask_within(self, l->client, WEFT_NO_LIMIT, weft_http_call, .url = l->url),
                     on_page);
}

static const weft_handler rows[] = {{.type = &weft_started_type, .fn = ask}, {0}};
static const weft_behaviour asker = {.name = "asker", .handlers = rows};

static double seconds_of(struct timeval t)
{
    return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

int main(int argc, char **argv)
{
    if (argc != 4)
        return EXIT_FAILURE;
    unsigned n = (unsigned)strtoul(argv[2], NULL, 10);
    load l = {.url = argv[1], .open = n, .until_ms = (uint32_t)(1000 * strtod(argv[3], NULL))};
    const weft_http_client_config config = {.limits = {.conns_per_origin_max = n}};
    weft_system *sys = weft_system_new(NULL);
    if (sys == NULL)
        return EXIT_FAILURE;
    l.client = weft_system_spawn(sys, 0, &weft_http_caller, &config);
    for (unsigned i = 0; i < n; i++)
        if (weft_ref_is_nobody(weft_system_spawn(sys, 0, &asker, &l)))
            return EXIT_FAILURE;
    int code = weft_run(&sys);
    struct rusage used;
    (void)getrusage(RUSAGE_SELF, &used);
    (void)printf("{\"answers\": %" PRIu64 ", \"failures\": %" PRIu64 ", \"bytes\": %" PRIu64
                 ", \"cpu_s\": %.3f}\n",
                 l.answers, l.failures, l.bytes,
                 seconds_of(used.ru_utime) + seconds_of(used.ru_stime));
    return code;
}

/* SPDX-License-Identifier: MIT */
/* What the client's tests share. */
#include "http_client_world.h"

script_server origin, elsewhere;
weft_ref client;

void begin_with(const weft_http_client_config *config, weft_sim_options options)
{
    sim = weft_sim_new(&options);
    REQUIRE(sim != NULL);
    origin = elsewhere = (script_server){.n = 0};
    script_listen(&origin, sim, "sim://server:80");
    script_listen(&elsewhere, sim, "sim://other:8080");
    client = weft_sim_spawn(sim, &weft_http_caller, config);
}

void begin(const weft_http_client_config *config)
{
    begin_with(config, (weft_sim_options){.seed = 1});
}

void finish(void)
{
    CHECK_U64(weft_sim_free(&sim), 0);
    script_done(&origin);
    script_done(&elsewhere);
}

const weft_outcome *ask(weft_http_call call)
{
    return weft_sim_ask_body(sim, client, &weft_http_call_type, &call, WEFT_NO_LIMIT);
}

const weft_outcome *get(const char *url)
{
    return ask((weft_http_call){.url = url});
}

/* SPDX-License-Identifier: MIT */
/* Forwarding between any two URLs. */
#include <weft/wire.h>

#include "services.h"

typedef struct forward_settings {
    weft_option_urls from;
    weft_forward_config config;
} forward_settings;

static forward_settings settings;

static const weft_option forward_options[] = {
    {.name = "FROM",
     .kind = WEFT_OPTION_LISTEN,
     .at = offsetof(forward_settings, from),
     .positional = true,
     .help = "the URL to listen at, such as tcp://127.0.0.1:7000"},
    {.name = "TO",
     .kind = WEFT_OPTION_CONNECT,
     .at = offsetof(forward_settings, config.to),
     .positional = true,
     .help = "the URL to connect to, such as unix:app.sock"},
    {.name = "listen",
     .kind = WEFT_OPTION_LISTEN,
     .value = "URL",
     .at = offsetof(forward_settings, from),
     .help = "another FROM, or instead of it; 16 in all"},
    {.name = "to",
     .kind = WEFT_OPTION_CONNECT,
     .value = "URL",
     .at = offsetof(forward_settings, config.to),
     .help = "the same as TO"},
    {.name = "idle",
     .kind = WEFT_OPTION_MS,
     .value = "TIME",
     .unset = "off",
     .at = offsetof(forward_settings, config.idle_ms),
     .min = 0,
     .max = 86400000,
     .help = "close a pair when nothing has come from either side for so long"},
    {0},
};

static weft_err forward_children(void *at, weft_children *to, weft_why *why)
{
    const forward_settings *s = at;
    return weft_children_listen(to, &s->from, &weft_forward_service, &s->config, why);
}

const weft_service service_forward = {
    .name = "forward",
    .summary = "join each connection with one of its own to another URL",
    .about =
        "Bytes go both ways, and a slow side slows the other. A half close is passed on behind "
        "what\n"
        "was sent before it, an abort at once. Nothing is read before TO has been reached; if it\n"
        "cannot be, the connection is aborted and the reason is logged. The options of both URLs\n"
        "count: limits, timeouts, keep-alive, the address to connect from. With proxy=v1 or v2 in "
        "TO\n"
        "the server there is told who the client is.",
    .example = "weftd forward tcp://127.0.0.1:7000 'tcp://127.0.0.1:7007?timeout=2s' --idle 10m",
    .options = forward_options,
    .settings = &settings,
    .children = forward_children,
};

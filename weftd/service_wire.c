/* SPDX-License-Identifier: MIT */
/* The wire services that need nothing but a place to listen at: port 7000 and that of their RFC. */
#include <weft/wire.h>

#include "services.h"

typedef struct wire_settings {
    weft_option_urls listen;
    const weft_behaviour *behaviour;
} wire_settings;

static wire_settings echo = {.behaviour = &weft_wire_echo};
static wire_settings discard = {.behaviour = &weft_wire_discard};
static wire_settings chargen = {.behaviour = &weft_wire_chargen};
static wire_settings daytime = {.behaviour = &weft_wire_daytime};
static wire_settings time_of_day = {.behaviour = &weft_wire_time};

static weft_err wire_children(void *settings, weft_children *to, weft_why *why)
{
    const wire_settings *s = settings;
    return weft_children_listen(to, &s->listen, s->behaviour, NULL, why);
}

static const weft_option echo_options[] = {
    OPTION_ROW_LISTEN(wire_settings, "tcp://127.0.0.1:7007"),
    {0},
};
static const weft_option discard_options[] = {
    OPTION_ROW_LISTEN(wire_settings, "tcp://127.0.0.1:7009"),
    {0},
};
static const weft_option chargen_options[] = {
    OPTION_ROW_LISTEN(wire_settings, "tcp://127.0.0.1:7019"),
    {0},
};
static const weft_option daytime_options[] = {
    OPTION_ROW_LISTEN(wire_settings, "tcp://127.0.0.1:7013"),
    {0},
};
static const weft_option time_options[] = {
    OPTION_ROW_LISTEN(wire_settings, "tcp://127.0.0.1:7037"),
    {0},
};

const weft_service service_echo = {
    .name = "echo",
    .summary = "send back what comes (RFC 862)",
    .about = "A peer that does not read what was sent back is no longer read from.",
    .example = "weftd echo --listen tcp://127.0.0.1:7007 --listen udp://127.0.0.1:7007",
    .options = echo_options,
    .settings = &echo,
    .children = wire_children,
};

const weft_service service_discard = {
    .name = "discard",
    .summary = "throw away what comes (RFC 863)",
    .example = "weftd discard --listen tcp://127.0.0.1:7009",
    .options = discard_options,
    .settings = &discard,
    .children = wire_children,
};

const weft_service service_chargen = {
    .name = "chargen",
    .summary = "send lines of characters until the peer closes (RFC 864)",
    .example = "weftd chargen --listen tcp://127.0.0.1:7019",
    .options = chargen_options,
    .settings = &chargen,
    .children = wire_children,
};

const weft_service service_daytime = {
    .name = "daytime",
    .summary = "say what day and what time it is, in UTC (RFC 867)",
    .example = "weftd daytime --listen tcp://127.0.0.1:7013",
    .options = daytime_options,
    .settings = &daytime,
    .children = wire_children,
};

const weft_service service_time = {
    .name = "time",
    .summary = "say how many seconds have passed since 1900, in four bytes (RFC 868)",
    .example = "weftd time --listen tcp://127.0.0.1:7037",
    .options = time_options,
    .settings = &time_of_day,
    .children = wire_children,
};

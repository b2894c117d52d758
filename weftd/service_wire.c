/* SPDX-License-Identifier: MIT */
/* The wire services that need nothing but a place to listen at: port 7000 and that of their RFC. */
#include <weft/wire.h>

#include "services.h"

typedef struct wire_settings {
    weft_option_urls listen;
} wire_settings;

static int wire_start(weft_system *sys, const service *self, void *settings, weft_why *why)
{
    const wire_settings *s = settings;
    (void)why;
    service_listen(sys, &s->listen, self->behaviour, NULL);
    return 0;
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

const service service_echo = {
    .name = "echo",
    .summary = "send back what comes (RFC 862)",
    .about = "A peer that does not read what was sent back is no longer read from.",
    .example = "weftd echo --listen tcp://127.0.0.1:7007 --listen udp://127.0.0.1:7007",
    .options = echo_options,
    .settings_bytes = sizeof(wire_settings),
    .behaviour = &weft_wire_echo,
    .start = wire_start,
};

const service service_discard = {
    .name = "discard",
    .summary = "throw away what comes (RFC 863)",
    .example = "weftd discard --listen tcp://127.0.0.1:7009",
    .options = discard_options,
    .settings_bytes = sizeof(wire_settings),
    .behaviour = &weft_wire_discard,
    .start = wire_start,
};

const service service_chargen = {
    .name = "chargen",
    .summary = "send lines of characters until the peer closes (RFC 864)",
    .example = "weftd chargen --listen tcp://127.0.0.1:7019",
    .options = chargen_options,
    .settings_bytes = sizeof(wire_settings),
    .behaviour = &weft_wire_chargen,
    .start = wire_start,
};

const service service_daytime = {
    .name = "daytime",
    .summary = "say what day and what time it is, in UTC (RFC 867)",
    .example = "weftd daytime --listen tcp://127.0.0.1:7013",
    .options = daytime_options,
    .settings_bytes = sizeof(wire_settings),
    .behaviour = &weft_wire_daytime,
    .start = wire_start,
};

const service service_time = {
    .name = "time",
    .summary = "say how many seconds have passed since 1900, in four bytes (RFC 868)",
    .example = "weftd time --listen tcp://127.0.0.1:7037",
    .options = time_options,
    .settings_bytes = sizeof(wire_settings),
    .behaviour = &weft_wire_time,
    .start = wire_start,
};

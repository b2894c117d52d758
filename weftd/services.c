/* SPDX-License-Identifier: MIT */
/* The table of services, and what they share. */
#include "services.h"

#include <string.h>

#include <weft/net.h>

/* One row a service. */
/* clang-format off */
const service *const services[] = {
    &service_web,
    &service_echo,
    &service_discard,
    &service_chargen,
    &service_daytime,
    &service_time,
    &service_qotd,
    &service_forward,
    &service_get,
    NULL,
};
/* clang-format on */

/* In the order of weft_level and weft_log_format. */
static const char *const levels[] = {"debug", "info", "notice", "warning", "error", "none", NULL};
static const char *const formats[] = {"auto", "text", "json", NULL};

const option common_options[] = {
    {.name = "threads",
     .kind = OPTION_COUNT,
     .value = "N",
     .unset = "1",
     .at = offsetof(common_settings, threads),
     .min = 1,
     .max = WEFT_REACTORS_MAX,
     .help = "threads that serve; connections are spread over them"},
    {.name = "log-level",
     .kind = OPTION_CHOICE,
     .value = "LEVEL",
     .unset = "notice",
     .at = offsetof(common_settings, log_level),
     .words = levels,
     .help = "the least that is logged: debug, info, notice, warning, error or none"},
    {.name = "log-format",
     .kind = OPTION_CHOICE,
     .value = "FORMAT",
     .unset = "auto",
     .at = offsetof(common_settings, log_format),
     .words = formats,
     .help = "text, json, or auto: text on a terminal, JSON lines elsewhere"},
    {.name = "print-config",
     .kind = OPTION_FLAG,
     .at = offsetof(common_settings, print_config),
     .action = true,
     .help = "print what the options come to, as YAML, and do nothing"},
    {.name = "help",
     .kind = OPTION_FLAG,
     .at = offsetof(common_settings, help),
     .action = true,
     .help = "print this and do nothing"},
    {.name = "version",
     .kind = OPTION_FLAG,
     .at = offsetof(common_settings, version),
     .action = true,
     .help = "print the version and do nothing"},
    {0},
};

const service *service_find(const char *name, const service **nearest)
{
    *nearest = services[0];
    for (const service *const *s = services; *s != NULL; s++) {
        if (strcmp((*s)->name, name) == 0)
            return *s;
        if (word_distance(name, (*s)->name) < word_distance(name, (*nearest)->name))
            *nearest = *s;
    }
    return NULL;
}

void service_listen(weft_system *sys, const option_urls *urls, const weft_behaviour *behaviour,
                    const void *config)
{
    for (size_t i = 0; i < urls->count; i++)
        (void)weft_listen(sys, urls->at[i], behaviour, config);
}

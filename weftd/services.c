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
    &service_socks,
    &service_get,
    NULL,
};
/* clang-format on */

const service *service_find(const char *name, const service **nearest)
{
    *nearest = services[0];
    for (const service *const *s = services; *s != NULL; s++) {
        if (strcmp((*s)->name, name) == 0)
            return *s;
        if (weft_word_distance(name, (*s)->name) < weft_word_distance(name, (*nearest)->name))
            *nearest = *s;
    }
    return NULL;
}

void service_listen(weft_system *sys, const weft_option_urls *urls, const weft_behaviour *behaviour,
                    const void *config)
{
    for (size_t i = 0; i < urls->count; i++)
        (void)weft_listen(sys, urls->at[i], behaviour, config);
}

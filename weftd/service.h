/* SPDX-License-Identifier: MIT */
/* What weftd can run. A new service is a value of this type in a file of its own and a row in
 * services.c; its help page, its place in `weftd list` and its --print-config come from here. */
#ifndef WEFTD_SERVICE_H
#define WEFTD_SERVICE_H

#include <weft/options.h>
#include <weft/system.h>

typedef struct service {
    const char *name, *summary;      /* one word, one line */
    const char *about;               /* more for its help page, in lines; NULL: nothing */
    const char *example;             /* a command line that works */
    const weft_option *options;      /* its own, ending in {0}; all have the common ones too */
    size_t settings_bytes;           /* of the struct that their fields are in */
    const weft_behaviour *behaviour; /* of the actor of each connection */
    /* Makes @sys serve. @settings live until `done` has been called, after the system has ended.
     * Gives 0, or a sysexits code and the sentence that goes with it. */
    int (*start)(weft_system *sys, const struct service *self, void *settings, weft_why *why);
    /* The exit code of one that ends by itself, after a run in order; NULL: 0. */
    int (*code)(const void *settings);
    void (*done)(void *settings); /* gives back what start made; NULL: nothing */
} service;

/* In the order of `weftd list`; ends in NULL. */
extern const service *const services[];

/* The service of that name; NULL: none, and @nearest is the one that looks most like it. */
const service *service_find(const char *name, const service **nearest);

/* The row of --listen, of services that have it, in the field `listen` of @type. */
#define OPTION_ROW_LISTEN(type, url)                                                         \
    {                                                                                        \
        .name = "listen", .kind = WEFT_OPTION_LISTEN, .value = "URL", .unset = (url),        \
        .at = offsetof(type, listen),                                                        \
        .help = "where to listen (weftd urls says how it is written); may be given 16 times" \
    }

/* Listens at each of @urls. What cannot be had is logged, and weft_run ends with EX_UNAVAILABLE. */
void service_listen(weft_system *sys, const weft_option_urls *urls, const weft_behaviour *behaviour,
                    const void *config);

#endif

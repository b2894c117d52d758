/* SPDX-License-Identifier: MIT */
/* The console of another daemon behind a channel of SSH: `weftd ssh --console URL`. */
#ifndef WEFTD_SSH_CONSOLE_H
#define WEFTD_SSH_CONSOLE_H

#include <weft/actor.h>

typedef struct ssh_console_config {
    const char *to; /* the URL that the other daemon was given as --admin */
} ssh_console_config;

/* A service of weft_ssh_server, for shells and for commands. With a terminal it is what `weftd console` is; without
 * one, lines are passed on; a command is asked, and its channel ends with 0, 65 (its answer is an error) or 69 (there
 * is no console). */
extern const weft_behaviour ssh_console;

#endif

/* SPDX-License-Identifier: MIT */
/* The other side of an exec URL in the streams' tests, where it is weft's own: `stdio:` forwarded. */
#include "actors/relay.h"

#include <stdio.h>
#include <stdlib.h>

#include <weft/net.h>
#include <weft/system.h>
#include <weft/wire.h>

int relay_stdio_main(const char *path)
{
    char to[256];
    const weft_forward_config config = {.to = to};
    weft_system *sys =
        weft_system_new(&(weft_system_options){.log_level = WEFT_NO_LOG, .log_level_set = true});
    if (sys == NULL || snprintf(to, sizeof to, "unix:%s", path) >= (int)sizeof to)
        return EXIT_FAILURE;
    (void)weft_listen(sys, "stdio:", &weft_forward_service,
                      &config); /* weft_run says if it failed */
    return weft_run(&sys);
}

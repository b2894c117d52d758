/* SPDX-License-Identifier: MIT */
/* weftd: an application whose first word chooses the service that it runs. */
#include <weft/console.h>

#include "services.h"

int main(int argc, char **argv)
{
    static const weft_app_word words[] = {
        {"urls", "says how URLs are written and what options they have", print_urls},
        {0},
    };
    weft_service services[WEFT_SERVICES_MAX + 1] = {{0}};
    services_copy(services);
    return weft_main(&(weft_app){.name = "weftd",
                                 .choose = true,
                                 .plugins = true,
                                 .admin = &weft_console,
                                 .services = services,
                                 .words = words},
                     argc, argv);
}

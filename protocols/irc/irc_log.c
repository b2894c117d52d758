/* SPDX-License-Identifier: MIT */
/* What a network says in the log of its users, each line beginning with who it is. */
#include "irc_server.h"

#include <stdarg.h>
#include <stdio.h>

enum { LINE_BYTES = 1001 }; /* as much as a line of the log takes */

void wf_irc_log(weft_actor *self, weft_level level, const wf_irc_user *user, const char *format,
                ...)
{
    char text[LINE_BYTES], address[WEFT_ADDRESS_TEXT_BYTES];
    bool is_named = user->nick[0] != '\0', has_account = user->account != NULL;
    va_list args;
    if (level < weft_system_log_level(weft_system_of(self)))
        return;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    weft_log(self, level, "%s%s%s%s%s%s: %s", weft_address_print(&user->address, address),
             is_named ? " " : "", user->nick, has_account ? " (" : "",
             has_account ? user->account : "", has_account ? ")" : "", text);
}

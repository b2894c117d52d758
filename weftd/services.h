/* SPDX-License-Identifier: MIT */
/* The services there are, each defined in service_NAME.c, the small ones together in service_wire.c. A new
 * one is a weft_service in a file of its own and a row in services.c. */
#ifndef WEFTD_SERVICES_H
#define WEFTD_SERVICES_H

#include <weft/app.h>

extern const weft_service service_web;
extern const weft_service service_echo, service_discard, service_chargen, service_daytime,
    service_time;
extern const weft_service service_qotd;
extern const weft_service service_irc, service_ssh, service_ssh_run, service_ssh_copy;
extern const weft_service service_forward, service_get, service_resolve, service_socks;
extern const weft_service service_console, service_tree, service_ps, service_top, service_names,
    service_reactors, service_cluster, service_ping, service_children, service_stop,
    service_restart, service_kill, service_suspend, service_resume, service_tell, service_ask,
    service_tap, service_log, service_shutdown;
extern const weft_service service_smtp, service_sendmail;
extern const weft_service service_sp;
extern const weft_service service_telnet;
extern const weft_service service_node;

/* Copies them to the beginning of @to, in the order of `weftd list`. */
void services_copy(weft_service to[WEFT_SERVICES_MAX]);

/* The operator's end of a service with options of its own: has the console at the URL @console (NULL: refused with the
 * sentence that says so) do "@verb @who". All are borrowed. errors: ENOMEM. */
weft_err console_operate(weft_children *to, const char *verb, const char *who, const char *console,
                         weft_why *why);
/* And what it came to, as an exit code. */
int console_code(void);
void console_done(void);

/* `weftd urls`: the schemes and their options. */
void print_urls(FILE *to);

/* The row of --listen, of services that have it, in the field `listen` of @type. */
#define OPTION_ROW_LISTEN(type, url)                                                         \
    {                                                                                        \
        .name = "listen", .kind = WEFT_OPTION_LISTEN, .value = "URL", .unset = (url),        \
        .at = offsetof(type, listen),                                                        \
        .help = "where to listen (weftd urls says how it is written); may be given 16 times" \
    }

#endif

/* SPDX-License-Identifier: MIT */
/* The table of services. */
#include "services.h"

/* One row a service. */
/* clang-format off */
static const weft_service *const services[] = {
    &service_web,
    &service_echo,
    &service_discard,
    &service_chargen,
    &service_daytime,
    &service_time,
    &service_qotd,
    &service_forward,
    &service_socks,
    &service_irc,
    &service_ssh,
    &service_telnet,
    &service_node,
    &service_ssh_run,
    &service_ssh_copy,
    &service_get,
    &service_resolve,
    &service_sp,
    &service_console,
    &service_tree,
    &service_ps,
    &service_top,
    &service_names,
    &service_reactors,
    &service_cluster,
    &service_ping,
    &service_children,
    &service_stop,
    &service_restart,
    &service_kill,
    &service_suspend,
    &service_resume,
    &service_tell,
    &service_ask,
    &service_tap,
    &service_log,
    &service_shutdown,
    &service_smtp,
    &service_sendmail,
    NULL,
};
/* clang-format on */

void services_copy(weft_service to[WEFT_SERVICES_MAX])
{
    for (size_t i = 0; services[i] != NULL && i < WEFT_SERVICES_MAX; i++)
        to[i] = *services[i];
}

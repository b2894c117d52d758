/* SPDX-License-Identifier: MIT */
/* The services there are, each defined in service_NAME.c, the small ones together in
 * service_wire.c. */
#ifndef WEFTD_SERVICES_H
#define WEFTD_SERVICES_H

#include "service.h"

extern const service service_web;
extern const service service_echo, service_discard, service_chargen, service_daytime, service_time;
extern const service service_qotd;
extern const service service_forward, service_socks, service_get;

#endif

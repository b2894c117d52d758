/* SPDX-License-Identifier: MIT */
/* What weftd prints when it is asked about itself. */
#ifndef WEFTD_HELP_H
#define WEFTD_HELP_H

#include "service.h"

/* The page of weftd as a whole. */
void help_print(FILE *to);
/* The page of one service. */
void help_print_service(const service *s, FILE *to);
/* `weftd list`: name and summary of each service, a line each. */
void help_print_list(FILE *to);
/* `weftd urls`: the schemes and their options. */
void help_print_urls(FILE *to);

#endif

/* SPDX-License-Identifier: MIT */
/* The wrapper of libpsl: the list of public suffixes that it brings. */
#include "http_cookie.h"

#include <libpsl.h>

bool wf_http_is_public_suffix(const char *domain)
{
    /* the list is static data: nothing is loaded, nothing is to be given back */
    return psl_is_public_suffix(psl_builtin(), domain) != 0;
}

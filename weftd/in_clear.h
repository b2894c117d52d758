/* SPDX-License-Identifier: MIT */
/* A word, at the start, on passwords that go through a network as they are. */
#ifndef WEFTD_IN_CLEAR_H
#define WEFTD_IN_CLEAR_H

#include <weft/options.h>

/* Says so on standard error for each of @urls, where @service takes passwords, that is reached over a network and
 * without TLS; @instead ends the sentence. */
void in_clear_warn(const char *service, const weft_option_urls *urls, const char *instead);

#endif

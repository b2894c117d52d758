/* SPDX-License-Identifier: MIT */
/* Which URLs are reached over a network, and without TLS. */
#include "in_clear.h"

#include <string.h>

#include <weft/url.h>

/* What a URL that cannot be read is, is said elsewhere; and what systemd or somebody else has opened, nobody knows. */
static bool is_in_clear(const char *text)
{
    weft_url url;
    weft_why why;
    return weft_url_parse(text, &url, &why) == WEFT_OK && !url.options.tls &&
           (url.scheme == WEFT_SCHEME_TCP || url.scheme == WEFT_SCHEME_HTTP) &&
           !weft_url_host_is_loopback(&url.host);
}

void in_clear_warn(const char *service, const weft_option_urls *urls, const char *instead)
{
    for (size_t i = 0; i < urls->count; i++)
        if (is_in_clear(urls->at[i]))
            (void)fprintf(stderr,
                          "weftd %s: whoever listens in on the network reads the passwords that "
                          "come to %.*s: %s\n",
                          service, (int)strcspn(urls->at[i], "?"), urls->at[i], instead);
}

/* SPDX-License-Identifier: MIT */
/* Any bytes as a Location: what it resolves to is a URL, stays one, and has no way out of its line. The text up
 * to the first line end is the base, if it is a URL. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http_url.h"

static void must(bool holds)
{
    if (!holds)
        abort();
}

/* A target that a request line can carry, and no dots left that lead anywhere. */
static void check_form(const char *text, const wf_http_url *url)
{
    for (const char *at = text; *at != '\0'; at++)
        must((unsigned char)*at > ' ' && (unsigned char)*at < 0x7f);
    must(url->port != 0 && url->host[0] != '\0' && strchr(url->host, '@') == NULL);
    must(url->target.bytes == 0 || url->target.at[0] == '/' || url->target.at[0] == '?');
}

static void check_authority(const wf_http_url *url)
{
    char text[WF_HTTP_URL_AUTHORITY_BYTES], whole[WF_HTTP_URL_AUTHORITY_BYTES + 16];
    wf_http_url again;
    size_t n = wf_http_url_authority(url, true, text);
    must(n == strlen(text) && n < sizeof text);
    if (strchr(url->host, '%') != NULL)
        return; /* a zone stays at home */
    (void)snprintf(whole, sizeof whole, "%s://%s", url->secure ? "https" : "http", text);
    must(wf_http_url_parse(whole, &again, NULL) == WEFT_OK);
    must(wf_http_url_same_origin(url, &again));
}

static void check_resolved(const char *out)
{
    char again[WF_HTTP_URL_BYTES_MAX + 1];
    wf_http_url url, known;
    must(wf_http_url_parse(out, &url, NULL) == WEFT_OK);
    check_form(out, &url);
    check_authority(&url);
    must(wf_http_url_parse_known(out, &url, &known, NULL) == WEFT_OK);
    must(wf_http_url_same_origin(&url, &known));
    /* what is absolute already is what it resolves to, wherever that is said */
    must(wf_http_url_resolve("http://elsewhere/a/b", (weft_http_text){out, (uint32_t)strlen(out)},
                             again, sizeof again, NULL) == WEFT_OK);
    must(wf_http_url_parse(again, &known, NULL) == WEFT_OK);
    must(wf_http_url_same_origin(&url, &known));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *line = memchr(data, '\n', size);
    size_t base_n = line != NULL ? (size_t)(line - data) : 0;
    const uint8_t *from = line != NULL ? line + 1 : data;
    char *base = malloc(base_n + 1), out[WF_HTTP_URL_BYTES_MAX + 1];
    wf_http_url url;
    weft_why why = {""};

    must(base != NULL);
    memcpy(base, data, base_n);
    base[base_n] = '\0';
    bool is_base = base_n != 0 && wf_http_url_parse(base, &url, &why) == WEFT_OK;
    must(is_base || base_n == 0 || why.text[0] != '\0');
    weft_http_text reference = {(const char *)from, (uint32_t)(size - (size_t)(from - data))};
    weft_err err = wf_http_url_resolve(is_base ? base : "http://a/b/c/d;p?q", reference, out,
                                       sizeof out, &why);
    must(err == WEFT_OK || err == WEFT_EINVAL || err == WEFT_EUNSUPPORTED || err == WEFT_ETOOBIG);
    if (err == WEFT_OK)
        check_resolved(out);
    free(base);
    return 0;
}

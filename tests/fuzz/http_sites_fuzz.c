/* SPDX-License-Identifier: MIT */
/* Any text as credentials, as the host of a request, and as a list of hosts that are reached directly: what is read
 * fits where it goes and ends in a zero, and a host finds what its rows say. */
#include <stdlib.h>
#include <string.h>

#include "http_credentials.h"
#include "http_hosts.h"
#include "http_proxy_rules.h"

static void must(bool holds)
{
    if (!holds)
        abort();
}

static weft_err nobody(weft_actor *self, weft_msg *msg)
{
    (void)self, (void)msg;
    return WEFT_OK;
}

static const weft_http_route routes[] = {{.route = "/", .handler = nobody}, {0}};
static const weft_http_host rows[] = {{"a.b", routes}, {"*.b", routes}, {"[::1]", routes}, {0}};

static void check_credentials(weft_http_text text)
{
    for (int digest = 0; digest < 2; digest++) {
        weft_auth_request request = {.kind = WEFT_AUTH_ANONYMOUS};
        if (wf_http_credentials_read(text, digest != 0, &request) != WEFT_OK)
            continue;
        must(memchr(request.user, 0, sizeof request.user) != NULL);
        must(request.kind == (digest != 0 ? WEFT_AUTH_DIGEST : WEFT_AUTH_PASSWORD));
        must(digest != 0 || memchr(request.password, 0, sizeof request.password) != NULL);
        must(digest != 0 || strchr(request.user, ':') == NULL);
    }
}

static void check_host(weft_http_text text)
{
    wf_http_hosts *hosts = NULL;
    must(wf_http_hosts_compile(rows, &hosts, NULL) == WEFT_OK);
    const wf_http_table *found = wf_http_hosts_find(hosts, text);
    uint32_t n = text.bytes;
    if (n != 0 && text.at[n - 1] == '.')
        n--;
    bool below = n > 2 && text.at[n - 2] == '.' && (text.at[n - 1] | 0x20) == 'b';
    must(found == NULL || below || (n == 5 && memcmp(text.at, "[::1]", 5) == 0));
    wf_http_hosts_free(hosts);
}

static void check_list(const char *text)
{
    static const char *const urls[] = {"http://a.b/", "http://10.1.2.3/", "http://[2001:db8::1]/"};
    for (int i = 0; i < 3; i++) {
        wf_http_url url;
        must(wf_http_url_parse(urls[i], &url, NULL) == WEFT_OK);
        (void)wf_http_is_direct(text, &url);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    must(text != NULL);
    if (size != 0)
        memcpy(text, data, size);
    text[size] = '\0';
    const weft_http_text whole = {text, (uint32_t)size};
    check_credentials(whole);
    check_host(whole);
    check_list(text);
    free(text);
    return 0;
}

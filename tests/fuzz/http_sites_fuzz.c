/* SPDX-License-Identifier: MIT */
/* Any text as credentials, as the host of a request, as a list of hosts that are reached directly, as where a row sends
 * to, as what is asked for there, and as the head of a script: what is read fits where it goes and ends in a zero, a
 * host finds what its rows say, and nothing that is asked for names a host. */
#include <stdlib.h>
#include <string.h>

#include "http_cgi.h"
#include "http_credentials.h"
#include "http_hosts.h"
#include "http_move.h"
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

/* @path as what a request asks for, sent to @target. */
static void check_filled(const char *row, const char *target, weft_http_text path)
{
    wf_http_routes *compiled = NULL;
    wf_http_match match;
    char moved[4096];
    must(wf_http_routes_compile(&row, 1, &compiled, NULL) == WEFT_OK);
    if (wf_http_route_match(compiled, WEFT_HTTP_GET, path, &match) == WF_HTTP_ROUTE_FOUND) {
        wf_http_writer counted = wf_http_writer_over(NULL, 0),
                       w = wf_http_writer_over(moved, sizeof moved);
        wf_http_put_moved(&counted, target, &match, path);
        wf_http_put_moved(&w, target, &match, path);
        must(w.err != WEFT_OK || w.n == counted.total);
        must(w.err != WEFT_OK || target[0] != '/' || (w.n >= 1 && moved[0] == '/'));
        must(w.err != WEFT_OK || target[0] != '/' || w.n < 2 ||
             (moved[1] != '/' && moved[1] != '\\'));
    }
    wf_http_routes_free(&compiled);
}

static void check_move(const char *text, weft_http_text whole)
{
    static const char *const asked[] = {"/a//b/c", "/a/\\x/y", "/a/b"};
    check_filled("/*", "/*", whole);
    check_filled("/:a/*", "/*/:a?q=:a", whole);
    if (wf_http_move_check("/:a/*", text, false, NULL) != WEFT_OK)
        return;
    for (size_t i = 0; i < sizeof asked / sizeof *asked; i++)
        check_filled("/:a/*", text, (weft_http_text){asked[i], (uint32_t)strlen(asked[i])});
}

static void check_script(weft_http_text whole)
{
    wf_http_cgi_head head;
    size_t scanned = 0, end = 0;
    for (uint32_t n = 1; n <= whole.bytes && end == 0; n++)
        end = wf_http_cgi_head_end((const uint8_t *)whole.at, n, &scanned);
    scanned = 0;
    must(end == wf_http_cgi_head_end((const uint8_t *)whole.at, whole.bytes, &scanned));
    if (end == 0 || wf_http_cgi_head_read(whole.at, end, &head, NULL) != WEFT_OK)
        return;
    must(head.fields_count <= WF_HTTP_CGI_FIELDS_MAX);
    must(head.status == 0 || (head.status >= 200 && head.status <= 599));
    must(head.status != 0 || head.location.at != NULL || head.content_type.at != NULL);
    must(!wf_http_cgi_is_local(&head) ||
         memchr(head.location.at, ' ', head.location.bytes) == NULL);
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
    check_move(text, whole);
    check_script(whole);
    free(text);
    return 0;
}

/* SPDX-License-Identifier: MIT */
/* Any text as a URL: it parses or says why; what parses prints within the limit, to what parses
 * equal and prints the same. */
#include <stdlib.h>
#include <string.h>
#include <weft/url.h>

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void check_parsed(const weft_url *url)
{
    char form[WEFT_URL_BYTES_MAX + 1], again_form[WEFT_URL_BYTES_MAX + 1], cut[16];
    weft_url again;
    weft_why why;

    size_t length = weft_url_print(url, form, sizeof form);
    must(length < sizeof form && strlen(form) == length);
    must(weft_url_parse(form, &again, &why) == WEFT_OK);
    must(weft_url_equal(url, &again));
    weft_url_print(&again, again_form, sizeof again_form);
    must(strcmp(form, again_form) == 0);
    must(weft_url_print(url, cut, sizeof cut) == length && strncmp(cut, form, sizeof cut - 1) == 0);

    must(strlen(url->path) <=
         (url->scheme == WEFT_SCHEME_UNIX ? WEFT_URL_UNIX_BYTES_MAX : WEFT_URL_PATH_BYTES_MAX));
    if (url->host.kind != WEFT_HOST_NONE && url->scheme != WEFT_SCHEME_SIM)
        must(weft_host_kind_of(url->host.name) == url->host.kind);
    (void)!weft_url_check(url, WEFT_URL_LISTEN, &why);
    (void)!weft_url_check(url, WEFT_URL_CONNECT, &why);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    weft_url url;
    weft_why why = {""};
    char *text = malloc(size + 1);
    if (text == NULL)
        return 0;
    if (size > 0)
        memcpy(text, data, size);
    text[size] = '\0';

    memset(&url, 0, sizeof url);
    if (weft_url_parse(text, &url, &why) == WEFT_OK) {
        check_parsed(&url);
    } else {
        must(why.text[0] != '\0' && memchr(why.text, 0, sizeof why.text) != NULL);
        static const weft_url untouched;
        must(memcmp(&url, &untouched, sizeof url) == 0);
    }
    free(text);
    return 0;
}

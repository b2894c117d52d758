/* SPDX-License-Identifier: MIT */
/* Error pages from files: --error-page STATUS[-LAST]=FILE. */
#include "web_pages.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *type_of(const char *file)
{
    static const struct {
        const char *ending, *type;
    } types[] = {{".txt", "text/plain; charset=utf-8"}, {".json", "application/json"}};
    const char *dot = strrchr(file, '.');
    for (size_t i = 0; dot != NULL && i < sizeof types / sizeof *types; i++)
        if (strcmp(dot, types[i].ending) == 0)
            return types[i].type;
    return NULL;
}

/* Reads @file whole, into the page's own memory. */
static weft_err read_file(const char *file, weft_http_error_page *page, weft_why *why)
{
    enum { ROOM = WEFT_HTTP_ERROR_PAGE_BYTES_MAX + 1 };
    FILE *from = fopen(file, "re");
    char *text = from != NULL ? malloc(ROOM) : NULL;
    size_t n = text != NULL ? fread(text, 1, ROOM, from) : 0;
    weft_err err = WEFT_OK;
    if (from == NULL || (text != NULL && ferror(from)))
        err = weft_because(why, weft_err_from_errno(errno), "--error-page %.100s: %s", file,
                           strerror(errno));
    else if (text == NULL)
        err = weft_because(why, WEFT_ENOMEM, "no memory for --error-page %.100s", file);
    else if (n == ROOM)
        err = weft_because(why, WEFT_ETOOBIG, "--error-page %.100s: larger than %u bytes", file,
                           WEFT_HTTP_ERROR_PAGE_BYTES_MAX);
    if (from != NULL)
        (void)fclose(from);
    if (err == WEFT_OK)
        page->page = (weft_http_text){text, (uint32_t)n};
    else
        free(text);
    return err;
}

/* The statuses in front of the '='; NULL: there are none. */
static const char *take_statuses(const char *text, weft_http_error_page *page)
{
    int end = 0;
    if (sscanf(text, "%3d-%3d=%n", &page->status, &page->last, &end) == 2 && end != 0)
        return text + end;
    end = 0;
    page->last = 0;
    return sscanf(text, "%3d=%n", &page->status, &end) == 1 && end != 0 ? text + end : NULL;
}

static weft_err add_page(const char *text, weft_http_error_page *page, weft_why *why)
{
    const char *file = take_statuses(text, page);
    int last = page->last != 0 ? page->last : page->status;
    if (file == NULL || *file == '\0' || page->status < 400 || last < page->status || last > 599)
        return weft_because(why, WEFT_EINVAL,
                            "--error-page %.100s, expected STATUS=FILE or STATUS-LAST=FILE such as "
                            "404=lost.html or 500-599=down.html",
                            text);
    page->content_type = type_of(file);
    return read_file(file, page, why);
}

weft_err web_pages_read(web_pages *p, weft_why *why)
{
    weft_err err = WEFT_OK;
    for (size_t i = 0; i < p->given.count && err == WEFT_OK; i++)
        err = add_page(p->given.at[i], &p->pages[i], why);
    return err;
}

void web_pages_done(web_pages *p)
{
    for (size_t i = 0; i < WEFT_OPTION_TEXTS_MAX; i++) {
        free((char *)(uintptr_t)p->pages[i].page.at);
        p->pages[i] = (weft_http_error_page){.status = 0};
    }
}

/* SPDX-License-Identifier: MIT */
/* Any bytes as the path of a request: what resolves stays below its root, is spelled in one way,
 * and resolves to itself. The first byte chooses the room. */
#include <stdlib.h>
#include <string.h>

#include "http_path.h"
#include "http_writer.h"

static void must(bool holds)
{
    if (!holds)
        abort();
}

/* No empty, "." or ".." segment, no '/' at either end, no control byte. */
static void check_form(const char *path, const wf_http_path *facts)
{
    unsigned segments = 0;
    bool hidden = false;

    must(strlen(path) == facts->n);
    for (size_t i = 0; i < facts->n; i++)
        must((unsigned char)path[i] >= 0x20 && path[i] != 0x7f);
    for (const char *at = path; facts->n > 0; at++, segments++) {
        size_t n = strcspn(at, "/");
        must(n > 0 && strncmp(at, ".", n) != 0 && strncmp(at, "..", n) != 0);
        if (*at == '.' && !(at == path && n == 11 && strncmp(at, ".well-known", n) == 0))
            hidden = true;
        at += n;
        if (*at == '\0') {
            segments++;
            break;
        }
    }
    must(segments == facts->segments && hidden == facts->hidden);
    must(facts->n > 0 || facts->directory);
}

/* What was resolved, encoded as a link and resolved again, is the same. */
static void check_idempotent(const char *path, const wf_http_path *facts, char *link,
                             size_t link_max)
{
    wf_http_writer w = wf_http_writer_over(link, link_max);
    wf_http_path again;
    char *out = NULL;

    wf_http_put_percent(&w, path, facts->n, true);
    if (facts->directory)
        wf_http_put_char(&w, '/');
    must(w.err == WEFT_OK && (out = malloc(w.n + 1)) != NULL);
    must(wf_http_path_resolve((weft_http_text){link, (uint32_t)w.n}, out, w.n + 1, &again, NULL) ==
         WEFT_OK);
    must(strcmp(out, path) == 0 && again.n == facts->n && again.segments == facts->segments);
    must(again.directory == facts->directory && again.hidden == facts->hidden);
    free(out);
}

static void check_values(weft_http_text text, char *out, size_t out_max)
{
    weft_http_text query;
    wf_http_pair pair;
    size_t n;

    weft_http_text path = wf_http_target_split(text, &query);
    must(path.bytes + (query.at != NULL) + query.bytes == text.bytes);
    while (wf_http_query_next(&query, &pair)) {
        must(pair.name.bytes + pair.value.bytes <= text.bytes);
        if (wf_http_percent_decode(pair.value, WF_HTTP_PLUS_IS_SPACE, out, out_max, &n) == WEFT_OK)
            must(n < out_max && strlen(out) == n && n <= pair.value.bytes);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    weft_http_text raw = {(const char *)data + 1, (uint32_t)(size - 1)};
    /* mostly as much as suffices, so that what is refused is refused for what it says */
    size_t room = data[0] < 64 ? data[0] : raw.bytes + (size_t)1;
    char *out = malloc(room + 1), *link = malloc((size_t)3 * size + 1);
    wf_http_path path;
    weft_why why = {""};

    must(out != NULL && link != NULL);
    weft_err err = wf_http_path_resolve(raw, out, room, &path, &why);
    must(err == WEFT_OK || err == WEFT_EINVAL || err == WEFT_EDENIED || err == WEFT_ENOTFOUND ||
         err == WEFT_ETOOBIG);
    must((err == WEFT_OK) == (why.text[0] == '\0'));
    must(err != WEFT_ETOOBIG || room <= raw.bytes);
    if (err == WEFT_OK) {
        must(path.n < room);
        check_form(out, &path);
        check_idempotent(out, &path, link, (size_t)3 * size + 1);
    }
    check_values(raw, link, (size_t)3 * size);
    free(out);
    free(link);
    return 0;
}

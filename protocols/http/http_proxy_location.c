/* SPDX-License-Identifier: MIT */
/* Where an upstream sends on, as who asked the proxy can go there: an URL of the upstream's own becomes the proxy's
 * path. What is somewhere else, and what is a path already, stays. */
#include <string.h>

#include "http_client_answer.h"

/* The path that this proxy puts in front of all that it asks of the upstream; "" or "/base". */
static weft_http_text base_path(const wf_http_job *job)
{
    const char *end = job->url + job->base_bytes;
    const char *host = strstr(job->url, "://");
    const char *path = host != NULL ? memchr(host + 3, '/', (size_t)(end - host - 3)) : NULL;
    return path != NULL ? (weft_http_text){path, (uint32_t)(end - path)} : (weft_http_text){end, 0};
}

static bool is_below(const char *path, weft_http_text base)
{
    return strncmp(path, base.at, base.bytes) == 0 && strchr("/?#", path[base.bytes]) != NULL;
}

/* What was taken off the front of the path, without a '/' at its end. */
static weft_http_text front_of(const char *strip)
{
    size_t n = strip != NULL ? strlen(strip) : 0;
    while (n > 0 && strip[n - 1] == '/')
        n--;
    return (weft_http_text){strip, (uint32_t)n};
}

/* @rest behind @front. One slash at the front and no more: two would name a host. errors: nothing. */
static weft_http_text put_together(weft_msg *msg, weft_http_text front, const char *rest)
{
    size_t n = strlen(rest), at = 0;
    char *path = weft_scratch(msg, front.bytes + n + 2);
    if (path == NULL)
        return (weft_http_text){NULL, 0};
    if (front.bytes != 0)
        memcpy(path, front.at, front.bytes);
    else if (*rest != '/')
        path[at++] = '/';
    memcpy(path + at + front.bytes, rest, n + 1);
    if (path[0] != '/' || path[1] == '/' || path[1] == '\\')
        return (weft_http_text){NULL, 0};
    return (weft_http_text){path, (uint32_t)(at + front.bytes + n)};
}

weft_http_text wf_http_location_of_ours(const weft_http_client_config *config, wf_http_job *job,
                                        weft_http_text location)
{
    wf_http_url url;
    weft_why why;
    char *text = location.bytes != 0 && location.at[0] != '/'
                     ? weft_scratch(job->msg, (size_t)location.bytes + 1)
                     : NULL;
    if (text == NULL)
        return location;
    memcpy(text, location.at, location.bytes);
    text[location.bytes] = '\0';
    if (wf_http_url_parse(text, &url, &why) != WEFT_OK ||
        !wf_http_url_same_origin(&url, &job->where))
        return location;
    const char *path = url.authority.at + url.authority.bytes;
    weft_http_text base = base_path(job);
    if (!is_below(path, base))
        return location;
    weft_http_text ours = put_together(job->msg, front_of(config->strip), path + base.bytes);
    return ours.at != NULL ? ours : location;
}

/* SPDX-License-Identifier: MIT */
/* What follows a redirect, and which fields go along: with it, and from one hop to the next. */
#include <string.h>

#include "http_client.h"
#include "http_fields.h"

weft_http_method wf_http_redirect_method(int status, weft_http_method method)
{
    /* RFC 9110 section 15.4.4: "perform a retrieval request targeting that URI (a GET or HEAD)" */
    if (status == 303)
        return method == WEFT_HTTP_HEAD ? WEFT_HTTP_HEAD : WEFT_HTTP_GET;
    /* sections 15.4.2 and 15.4.3: "For historical reasons, a user agent MAY change the request method
     * from POST to GET for the subsequent request" */
    if ((status == 301 || status == 302) && method == WEFT_HTTP_POST)
        return WEFT_HTTP_GET;
    return method;
}

static bool is_redirect(int status)
{
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

bool wf_http_redirect_follows(const wf_http_job *job, int status, weft_http_text location)
{
    if (!is_redirect(status) || location.at == NULL ||
        (job->flags & (WF_HTTP_JOB_FORWARDED | WF_HTTP_JOB_CANCELLED)) != 0 ||
        wf_http_job_call(job)->no_redirects)
        return false;
    /* a body that was streamed cannot be sent again: whoever asked must */
    bool same = wf_http_redirect_method(status, job->method) == job->method;
    return (job->flags & WF_HTTP_JOB_UPLOAD) == 0 || !same;
}

static weft_err next_url(wf_http_job *job, weft_why *why)
{
    char url[WF_HTTP_URL_BYTES_MAX + 1];
    weft_why inner = {""};
    weft_http_text location = wf_http_find(job->text->fields, job->text->fields_count, "location");
    wf_http_url from, to;
    weft_err err = wf_http_url_resolve(job->url, location, url, sizeof url, &inner);
    if (err == WEFT_OK)
        err = wf_http_url_parse(job->url, &from, &inner);
    if (err == WEFT_OK)
        err = wf_http_url_parse(url, &to, &inner);
    if (err != WEFT_OK)
        return weft_because(why, err, WF_HTTP_PARTIAL "a redirect that cannot be followed: %s",
                            inner.text);
    size_t n = strlen(url) + 1;
    char *next = weft_alloc(n);
    if (next == NULL)
        return weft_because(why, WEFT_ENOMEM, WF_HTTP_NOT_SENT "no memory for a redirect");
    if (!wf_http_url_same_origin(&from, &to)) {
        job->flags |= WF_HTTP_JOB_ELSEWHERE;
        job->to = NULL;
    }
    weft_alloc_free(job->url);
    job->url = memcpy(next, url, n);
    return WEFT_OK;
}

weft_err wf_http_redirect(const wf_http_client *c, wf_http_job *job, weft_why *why)
{
    if (job->redirects >= c->limits.redirects_max)
        return weft_because(why, WEFT_ELIMIT,
                            WF_HTTP_PARTIAL "more than %u redirects (redirects_max)",
                            c->limits.redirects_max);
    weft_err err = next_url(job, why);
    if (err != WEFT_OK)
        return err;
    weft_http_method method = wf_http_redirect_method(job->status, job->method);
    if (method != job->method) {
        job->method = method;
        job->flags |= WF_HTTP_JOB_REPEATED;
        job->flags &= ~(uint32_t)WF_HTTP_JOB_UPLOAD;
    }
    job->redirects++;
    job->flags &= ~(uint32_t)WF_HTTP_JOB_FRESH;
    wf_http_job_again(job);
    return WEFT_OK;
}

/* ---- fields */

bool wf_http_field_is_of_hop(const weft_http_field *field, weft_http_text connection)
{
    weft_http_text member, name = {field->name, field->name_bytes};
    switch (wf_http_name_of(field->name, field->name_bytes)) {
    case WF_HTTP_CONNECTION:
    case WF_HTTP_KEEP_ALIVE:
    case WF_HTTP_PROXY_CONNECTION:
    case WF_HTTP_PROXY_AUTHENTICATE:
    case WF_HTTP_PROXY_AUTHORIZATION:
    case WF_HTTP_TE:
    case WF_HTTP_TRAILER:
    case WF_HTTP_TRANSFER_ENCODING:
    case WF_HTTP_UPGRADE:
    case WF_HTTP_CONTENT_LENGTH:
        return true;
    default:
        break;
    }
    /* RFC 9110 section 7.6.1: "Intermediaries MUST parse a received Connection header field before a
     * message is forwarded and, for each connection-option in this field, remove any header or trailer
     * field(s) from the message with the same name as the connection-option" */
    while (connection.at != NULL && wf_http_list_next(&connection, &member)) {
        bool same = member.bytes == name.bytes;
        for (uint32_t i = 0; i < name.bytes && same; i++)
            same = (member.at[i] | 0x20) == (name.at[i] | 0x20);
        if (same)
            return true;
    }
    return false;
}

static bool is_of_body(wf_http_name name)
{
    return name == WF_HTTP_CONTENT_TYPE || name == WF_HTTP_CONTENT_ENCODING ||
           name == WF_HTTP_CONTENT_RANGE;
}

bool wf_http_field_goes(const wf_http_job *job, const weft_http_field *field)
{
    wf_http_name name = wf_http_name_of(field->name, field->name_bytes);
    if ((job->flags & WF_HTTP_JOB_REPEATED) != 0 && is_of_body(name))
        return false;
    return (job->flags & WF_HTTP_JOB_ELSEWHERE) == 0 ||
           (name != WF_HTTP_AUTHORIZATION && name != WF_HTTP_COOKIE &&
            name != WF_HTTP_PROXY_AUTHORIZATION);
}

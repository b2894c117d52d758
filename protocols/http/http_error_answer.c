/* SPDX-License-Identifier: MIT */
/* The answer that goes with an error's status: a page of the site's own, or the standard one. */
#include "http_error_page.h"
#include "http_server.h"

_Static_assert(WF_HTTP_ERROR_PAGE_BYTES_MAX + 6 * WF_HTTP_DETAIL_BYTES_MAX <= WF_HTTP_PAGE_ROOM,
               "a page has room for its detail, escaped");

/* ---- a site's own pages */

static weft_err check_page(const weft_http_error_page *p, weft_why *why)
{
    const char *type = p->content_type != NULL ? p->content_type : "";
    int last = p->last != 0 ? p->last : p->status;
    if (p->status < 400 || last < p->status || last > 599)
        return weft_because(why, WEFT_EINVAL, "an error page for %d to %d, expected 400 to 599",
                            p->status, last);
    if ((p->page.at != NULL) == (p->make != NULL))
        return weft_because(why, WEFT_EINVAL,
                            "the error page for %d must have exactly one of .page and .make",
                            p->status);
    if (p->page.bytes > WEFT_HTTP_ERROR_PAGE_BYTES_MAX)
        return weft_because(why, WEFT_ETOOBIG, "the error page for %d is larger than %u bytes",
                            p->status, (unsigned)WEFT_HTTP_ERROR_PAGE_BYTES_MAX);
    for (; *type != '\0'; type++)
        if (*type < ' ' || *type > '~')
            return weft_because(why, WEFT_EINVAL, "the error page for %d has a type that is none",
                                p->status);
    return WEFT_OK;
}

weft_err wf_http_error_pages_check(const weft_http_error_page *pages, weft_why *why)
{
    size_t n = 0;
    weft_err err = WEFT_OK;
    for (; pages != NULL && pages[n].status != 0 && err == WEFT_OK; n++)
        err = n < WEFT_HTTP_ERROR_PAGES_MAX
                  ? check_page(&pages[n], why)
                  : weft_because(why, WEFT_ELIMIT, "more than %u error pages",
                                 (unsigned)WEFT_HTTP_ERROR_PAGES_MAX);
    return err;
}

static const weft_http_error_page *own_page(const wf_http_exchange *x, int status)
{
    const weft_http_error_page *p = x != NULL ? x->error_pages : NULL;
    for (; p != NULL && p->status != 0; p++)
        if (status == p->status || (status > p->status && status <= p->last))
            return p;
    return NULL;
}

/* What @p makes; false: nothing that can be sent. */
static bool make(const weft_http_error_page *p, wf_http_exchange *x, int status, const char *detail,
                 wf_http_page_room *room)
{
    /* of a head that was not understood there is no request */
    const weft_http_request *request = x->head.target.at != NULL ? wf_http_request_of(x) : NULL;
    if (p->make(request, status, detail, &room->made) != WEFT_OK)
        return false;
    if (room->made.size <= WEFT_HTTP_ERROR_PAGE_BYTES_MAX)
        return true;
    weft_bytes_drop(&room->made);
    return false;
}

/* ---- answers */

static weft_http_answer standard(int status, const char *detail, wf_http_page_room *room)
{
    size_t n = detail != NULL ? strnlen(detail, WF_HTTP_DETAIL_BYTES_MAX) : 0;
    wf_http_writer w = wf_http_writer_over(room->text, sizeof room->text);
    wf_http_put_error_page(&w, WF_HTTP_PAGE_HTML, status, (weft_http_text){detail, (uint32_t)n});
    return (weft_http_answer){.status = status,
                              .content_type = wf_http_page_type(WF_HTTP_PAGE_HTML),
                              .body = weft_bytes_static(room->text, w.n)};
}

weft_http_answer wf_http_error_answer(wf_http_exchange *x, int status, const char *detail,
                                      wf_http_page_room *room)
{
    const weft_http_error_page *p = own_page(x, status);
    room->made = WEFT_NO_BYTES;
    if (p == NULL || (p->make != NULL && !make(p, x, status, detail, room)))
        return standard(status, detail, room);
    const char *type =
        p->content_type != NULL ? p->content_type : wf_http_page_type(WF_HTTP_PAGE_HTML);
    return (weft_http_answer){
        .status = status,
        .content_type = type,
        .body = p->make != NULL ? room->made : weft_bytes_static(p->page.at, p->page.bytes)};
}

bool wf_http_page_is_lent(const weft_http_answer *answer, const wf_http_page_room *room)
{
    return answer->body.at == (const uint8_t *)room->text;
}

void wf_http_answer_error(weft_actor *self, wf_http_exchange *x, int status, const char *detail,
                          const weft_http_field *field)
{
    wf_http_page_room room;
    weft_http_answer answer = wf_http_error_answer(x, status, detail, &room);
    answer.fields = field;
    answer.fields_count = field != NULL ? 1 : 0;
    wf_http_answered(self, x, &answer, wf_http_page_is_lent(&answer, &room));
    weft_bytes_drop(&room.made);
}

weft_err weft_http_error(weft_msg *msg, int status, const char *detail)
{
    return wf_http_error_with(msg, status, detail, NULL, 0);
}

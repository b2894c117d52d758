/* SPDX-License-Identifier: MIT */
/* Error pages: a status, in words. */
#include "http_error_page.h"

static const struct {
    int status;
    const char *sentence;
} sentences[] = {
    {400, "The request could not be understood."},
    {401, "This page asks who you are, and the answer was missing or not accepted."},
    {403, "This page is not open to you."},
    {404, "There is nothing at this address."},
    {405, "This address does not take requests of this kind."},
    {406, "There is no version of this page that your program accepts."},
    {408, "The request took too long to arrive."},
    {409, "The request does not fit what is there now."},
    {410, "What was at this address is gone for good."},
    {411, "The request did not say how long it is."},
    {412, "What is there is not what the request expected."},
    {413, "The request is larger than is accepted here."},
    {414, "The address is longer than is accepted here."},
    {415, "The request came in a form that is not accepted here."},
    {416, "The part that was asked for lies outside of what is there."},
    {417, "The request expects what is not offered here."},
    {421, "The request was meant for another server."},
    {426, "This address is only served over another protocol."},
    {429, "Too many requests came from you; please wait a moment."},
    {431, "The head of the request is larger than is accepted here."},
    {500, "Something went wrong here; it is not your fault."},
    {501, "This server cannot do what was asked."},
    {502, "The server behind this one gave no valid answer."},
    {503, "The server is too busy or being worked on; please try again later."},
    {504, "The server behind this one did not answer in time."},
    {505, "This version of HTTP is not spoken here."},
    {507, "There is no room left to store this."},
    {0, NULL},
};

static const char *sentence_for(int status)
{
    for (size_t i = 0; sentences[i].sentence != NULL; i++)
        if (sentences[i].status == status)
            return sentences[i].sentence;
    if (status >= 500)
        return "The server could not answer the request.";
    return status >= 400 ? "The request could not be answered." : NULL;
}

const char *wf_http_page_type(wf_http_page page)
{
    return page == WF_HTTP_PAGE_HTML ? "text/html; charset=utf-8" : "text/plain; charset=utf-8";
}

static void put_status(wf_http_writer *w, int status)
{
    const char *reason = weft_http_status_text(status);
    wf_http_put_u64(w, status > 0 ? (uint64_t)status : 0);
    if (reason[0] != '\0') {
        wf_http_put_char(w, ' ');
        wf_http_put_str(w, reason);
    }
}

static void put_html(wf_http_writer *w, int status, const char *sentence, weft_http_text detail)
{
    wf_http_put_str(w, "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                       "<meta name=\"viewport\" content=\"width=device-width\">\n<title>");
    put_status(w, status);
    wf_http_put_str(w, "</title>\n<style>\n"
                       ":root{color-scheme:light dark}\n"
                       "body{font:1rem/1.5 system-ui,sans-serif;max-width:34rem;"
                       "margin:15vh auto 0;padding:0 1.5rem;overflow-wrap:anywhere}\n"
                       "h1{font-size:1.6rem;font-weight:600;margin:0 0 .5rem}\n"
                       "p{margin:.5rem 0}\n"
                       "</style>\n</head>\n<body>\n<h1>");
    put_status(w, status);
    wf_http_put_str(w, "</h1>\n");
    if (sentence != NULL) {
        wf_http_put_str(w, "<p>");
        wf_http_put_str(w, sentence);
        wf_http_put_str(w, "</p>\n");
    }
    if (detail.at != NULL) {
        wf_http_put_str(w, "<p>");
        wf_http_put_html(w, detail.at, detail.bytes);
        wf_http_put_str(w, "</p>\n");
    }
    wf_http_put_str(w, "</body>\n</html>\n");
}

static void put_text(wf_http_writer *w, int status, const char *sentence, weft_http_text detail)
{
    put_status(w, status);
    wf_http_put_char(w, '\n');
    if (sentence != NULL) {
        wf_http_put_str(w, sentence);
        wf_http_put_char(w, '\n');
    }
    if (detail.at != NULL) {
        wf_http_put(w, detail.at, detail.bytes);
        wf_http_put_char(w, '\n');
    }
}

void wf_http_put_error_page(wf_http_writer *w, wf_http_page page, int status, weft_http_text detail)
{
    if (page == WF_HTTP_PAGE_HTML)
        put_html(w, status, sentence_for(status), detail);
    else
        put_text(w, status, sentence_for(status), detail);
}

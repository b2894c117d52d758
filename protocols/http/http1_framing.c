/* SPDX-License-Identifier: MIT */
/* What do the fields of a head mean together for the body and the connection? */
#include "http1_parts.h"

#define BIT(name) (UINT64_C(1) << (name))

_Static_assert(WF_HTTP_NAMES_COUNT_ <= 64, "a bit in `repeated` for each known name");

/* What must not stand there twice: the first and the last reader would disagree. */
#define ONCE (BIT(WF_HTTP_HOST) | BIT(WF_HTTP_CONTENT_LENGTH) | BIT(WF_HTTP_TRANSFER_ENCODING))

void wf_http1_connection_noted(wf_http1_reading *r, weft_http_text value)
{
    weft_http_text option;

    while (wf_http_list_next(&value, &option)) {
        if (wf_http_text_is(option, "close"))
            r->close = true;
        else if (wf_http_text_is(option, "keep-alive"))
            r->keep_alive = true;
        else if (wf_http_text_is(option, "upgrade"))
            r->upgrade = true;
    }
}

static weft_http_text value_of(const wf_http1_reading *r, wf_http_name name)
{
    return wf_http1_value(r->head, r->fields, name);
}

static weft_err none_repeated(wf_http1_reading *r)
{
    uint64_t twice = r->head->repeated & ONCE;

    if (twice == 0)
        return WEFT_OK;
    return wf_http1_refuse(r, WEFT_EPROTO, 400, "%s stands there more than once, expected one line",
                           twice & BIT(WF_HTTP_HOST)             ? "Host"
                           : twice & BIT(WF_HTTP_CONTENT_LENGTH) ? "Content-Length"
                                                                 : "Transfer-Encoding");
}

/* RFC 9112 section 6.1: one coding is known, chunked, and it must come last and once. */
static weft_err codings_read(wf_http1_reading *r)
{
    weft_http_text list = value_of(r, WF_HTTP_TRANSFER_ENCODING), all = list, coding;
    unsigned chunked = 0, others = 0;
    bool last = false;

    while (wf_http_list_next(&list, &coding)) {
        last = wf_http_text_is(coding, "chunked");
        chunked += last;
        others += !last;
    }
    /* Section 6.3: "the message body length cannot be determined reliably; the server MUST respond
     * with the 400 (Bad Request) status code and then close the connection." */
    if (!last || chunked > 1)
        return wf_http1_refuse(r, WEFT_EPROTO, 400,
                               "Transfer-Encoding is \"%s\", expected chunked once and last",
                               wf_http1_show(all).text);
    /* Section 6.1: "A server that receives a request message with a transfer coding it does not
     * understand SHOULD respond with 501 (Not Implemented)." */
    if (others > 0)
        return wf_http1_refuse(r, WEFT_EUNSUPPORTED, 501,
                               "Transfer-Encoding is \"%s\", expected chunked alone",
                               wf_http1_show(all).text);
    return WEFT_OK;
}

/* Reads Content-Length and Transfer-Encoding into head->framing, as if there were a body. */
static weft_err framing_read(wf_http1_reading *r)
{
    wf_http1_head *head = r->head;
    weft_http_text length = value_of(r, WF_HTTP_CONTENT_LENGTH);
    bool coded = head->known[WF_HTTP_TRANSFER_ENCODING] != 0;
    weft_err err = none_repeated(r);

    if (err == WEFT_OK && length.at != NULL) {
        head->has_content_length = true;
        if (!wf_http_number_read(length, &head->content_length))
            err = wf_http1_refuse(r, WEFT_EPROTO, 400,
                                  "Content-Length is \"%s\", expected a number of bytes",
                                  wf_http1_show(length).text);
        head->framing = head->content_length > 0 ? WF_HTTP1_LENGTH : WF_HTTP1_NO_BODY;
    }
    if (err != WEFT_OK || !coded)
        return err;

    /* RFC 9112 section 6.1: "A server MAY reject a request that contains both Content-Length and
     * Transfer-Encoding"; section 6.3: "ought to be handled as an error". */
    if (head->has_content_length)
        return wf_http1_refuse(r, WEFT_EPROTO, 400,
                               "Transfer-Encoding and Content-Length, expected one of them");
    /* Section 6.1: "A server or client that receives an HTTP/1.0 message containing a
     * Transfer-Encoding header field MUST treat the message as if the framing is faulty". */
    if (head->minor == 0)
        return wf_http1_refuse(r, WEFT_EPROTO, 400,
                               "Transfer-Encoding in HTTP/1.0, expected Content-Length");
    head->framing = WF_HTTP1_CHUNKED;
    return codings_read(r);
}

static weft_err within_limit(wf_http1_reading *r)
{
    if (r->head->framing != WF_HTTP1_LENGTH || r->head->content_length <= r->limits->body_bytes_max)
        return WEFT_OK;
    return wf_http1_refuse(
        r, WEFT_ETOOBIG, 413, "a body of %llu bytes, expected at most %llu (body_bytes_max)",
        (unsigned long long)r->head->content_length, (unsigned long long)r->limits->body_bytes_max);
}

static bool persists(const wf_http1_reading *r)
{
    /* RFC 9112 section 9.3: close ends it, 1.1 keeps it, 1.0 keeps it if asked to. */
    return !r->close && (r->head->minor > 0 || r->keep_alive);
}

static weft_err expectation_read(wf_http1_reading *r)
{
    weft_http_text value = value_of(r, WF_HTTP_EXPECT), member;

    while (value.at != NULL && wf_http_list_next(&value, &member)) {
        /* RFC 9110 section 10.1.1: "A server that receives an Expect field value containing a
         * member other than 100-continue MAY respond with a 417 (Expectation Failed) status code".
         */
        if (!wf_http_text_is(member, "100-continue"))
            return wf_http1_refuse(r, WEFT_EUNSUPPORTED, 417,
                                   "Expect is \"%s\", expected 100-continue",
                                   wf_http1_show(member).text);
        /* "A server that receives a 100-continue expectation in an HTTP/1.0 request MUST ignore
         * that expectation"; it "MAY omit sending a 100 (Continue) response [...] if the framing
         * indicates that there is no content". */
        r->head->expect_continue = r->head->minor > 0 && r->head->framing != WF_HTTP1_NO_BODY;
    }
    return WEFT_OK;
}

weft_err wf_http1_request_framed(wf_http1_reading *r)
{
    wf_http1_head *head = r->head;
    weft_http_text host = value_of(r, WF_HTTP_HOST);
    weft_err err = framing_read(r);

    if (err == WEFT_OK)
        err = within_limit(r);
    /* RFC 9110 section 9.3.6: what follows a CONNECT is the tunnel's, so it can have no body. */
    if (err == WEFT_OK && head->method == WEFT_HTTP_CONNECT && head->framing != WF_HTTP1_NO_BODY)
        err = wf_http1_refuse(r, WEFT_EPROTO, 400, "CONNECT with a body, expected none");
    /* RFC 9112 section 3.2: "A server MUST respond with a 400 (Bad Request) status code to any
     * HTTP/1.1 request message that lacks a Host header field and to any request message that
     * contains more than one Host header field line or a Host header field with an invalid field
     * value." */
    if (err == WEFT_OK && host.at == NULL && head->minor > 0)
        err = wf_http1_refuse(r, WEFT_EPROTO, 400, "HTTP/1.1 without Host, expected one");
    if (err == WEFT_OK && host.at != NULL)
        err = wf_http1_host_read(r, host, "Host");
    if (err == WEFT_OK && head->known[WF_HTTP_EXPECT] != 0)
        err = expectation_read(r);

    head->keep_alive = persists(r);
    /* RFC 9110 section 7.8: "A server MUST ignore an Upgrade header field that is received in an
     * HTTP/1.0 request." */
    head->upgrade = r->upgrade && head->known[WF_HTTP_UPGRADE] != 0 && head->minor > 0;
    return err;
}

/* RFC 9112 section 6.3, points 1 and 2: answers that end with their head, whatever they say. */
static bool never_has_body(const wf_http1_head *head)
{
    return head->method == WEFT_HTTP_HEAD || head->status < 200 || head->status == 204 ||
           head->status == 304 || (head->method == WEFT_HTTP_CONNECT && head->status < 300);
}

weft_err wf_http1_response_framed(wf_http1_reading *r)
{
    wf_http1_head *head = r->head;
    bool tunnel =
        head->status == 101 || (head->method == WEFT_HTTP_CONNECT && head->status / 100 == 2);
    weft_err err = framing_read(r);

    head->keep_alive = persists(r) && !tunnel;
    head->upgrade = head->status == 101 && r->upgrade && head->known[WF_HTTP_UPGRADE] != 0;
    if (err != WEFT_OK)
        return err;

    if (never_has_body(head)) {
        /* Section 6.3: 1xx and 204 MUST NOT frame a body. One that does may send it all the same.
         */
        if (head->framing != WF_HTTP1_NO_BODY && (head->status < 200 || head->status == 204))
            head->keep_alive = false;
        head->framing = WF_HTTP1_NO_BODY;
        return WEFT_OK;
    }
    if (head->framing == WF_HTTP1_NO_BODY && !head->has_content_length) {
        head->framing = WF_HTTP1_UNTIL_CLOSE;
        head->keep_alive = false;
    }
    return within_limit(r);
}

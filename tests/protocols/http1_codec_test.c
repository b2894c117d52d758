/* SPDX-License-Identifier: MIT */
/* Request heads: which are taken, which are refused and with what status, and what is read in them.
 */
#include "check.h"

#include <stdlib.h>

#include "protocols/http1_wire.h"

#define BYTES(text) (text), sizeof(text) - 1
#define HOST "Host: a\r\n"
#define END "\r\n"

/* What a request line or field line comes to: 0 is taken, otherwise the status to answer with. */
typedef struct row {
    unsigned status;
    const char *bytes;
    size_t n;
} row;

static unsigned status_of(const char *bytes, size_t n)
{
    static http1_wire w;
    unsigned status = 0;

    w.limits = wf_http1_limits_filled(NULL);
    wire_run(&w, (const uint8_t *)bytes, n, 0, 0);
    const char *failure = strstr(w.said, "\n! ");
    if (failure != NULL)
        status = (unsigned)strtoul(failure + 3, NULL, 10);
    return w.said_bytes > 0 ? status : 1; /* 1: nothing was found at all */
}

static void check_rows(const row *rows, const char *file, int line)
{
    for (; rows->bytes != NULL; rows++) {
        unsigned got = status_of(rows->bytes, rows->n);
        char what[256];
        (void)snprintf(what, sizeof what, "%s", rows->bytes);
        check_u64(got, rows->status, what, file, line);
    }
}

#define CHECK_ROWS(rows) check_rows((rows), __FILE__, __LINE__)

static void request_lines_have_one_spelling(void)
{
    static const row rows[] = {
        {0, BYTES("GET / HTTP/1.1\r\n" HOST END)},
        {0, BYTES("GET / HTTP/1.0\r\n" END)},
        {0, BYTES("GET /a%20b?c=d&e=/?f HTTP/1.1\r\n" HOST END)},
        {0, BYTES("PROPFIND /dav HTTP/1.1\r\n" HOST END)},
        {0, BYTES("\r\nGET / HTTP/1.1\r\n" HOST END)},
        {0, BYTES("\r\n\r\n\r\n\r\nGET / HTTP/1.1\r\n" HOST END)},
        {400, BYTES("\r\n\r\n\r\n\r\n\r\nGET / HTTP/1.1\r\n" HOST END)},
        {400, BYTES("\nGET / HTTP/1.1\r\n" HOST END)},
        {400, BYTES("\rGET / HTTP/1.1\r\n" HOST END)},
        {400, BYTES(" GET / HTTP/1.1\r\n" HOST END)},
        {400, BYTES("GET  / HTTP/1.1\r\n" HOST END)},
        {400, BYTES("GET\t/ HTTP/1.1\r\n" HOST END)},
        {400, BYTES("GET /  HTTP/1.1\r\n" HOST END)},
        {400, BYTES("GET / HTTP/1.1 \r\n" HOST END)},
        {400, BYTES("GET /\tHTTP/1.1\r\n" HOST END)},
        {400, BYTES("GET / HTTP/1.1\n" HOST END)},
        {400, BYTES("GET / HTTP/1.1\r" HOST END)},
        {400, BYTES("GET / HTTP/1.1\n\n")},
        {400, BYTES("GET / HTTP/1.1\r\nHost: a\n\n")},
        {400, BYTES("GET / HTTP/1.1\r\nHost: a\r\n\n")},
        {400, BYTES("GET / HTTP/1.1\r\nHost: a\n\r\n")},
        {400, BYTES("GET /\r\n\r\n")},
        {400, BYTES("GET / \r\n\r\n")},
        {400, BYTES("GET\r\n\r\n")},
        {400, BYTES("GET / http/1.1\r\n" HOST END)},
        {400, BYTES("GET / HTTP/1.10\r\n" HOST END)},
        {400, BYTES("GET / HTTP/11\r\n" HOST END)},
        {400, BYTES("GET / HTTP/1,1\r\n" HOST END)},
        {400, BYTES("GET / XTTP/1.1\r\n" HOST END)},
        {400, BYTES("GET / RTSP/1.1\r\n" HOST END)},
        {400, BYTES("SOURCE / ICE/1.1\r\n" HOST END)},
        {505, BYTES("GET / HTTP/1.2\r\n" HOST END)},
        {505, BYTES("GET / HTTP/0.9\r\n" HOST END)},
        {505, BYTES("GET / HTTP/2.0\r\n" HOST END)},
        {505, BYTES("GET / HTTP/3.0\r\n" HOST END)},
        {505, BYTES("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")},
        {501, BYTES("get / HTTP/1.1\r\n" HOST END)},
        {501, BYTES("BREW /pot HTTP/1.1\r\n" HOST END)},
        {501, BYTES("GETT / HTTP/1.1\r\n" HOST END)},
        {501, BYTES("DESCRIBE / HTTP/1.1\r\n" HOST END)},
        {400, BYTES("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")},
        {400, BYTES("G\x00T / HTTP/1.1\r\n" HOST END)},
        {0},
    };
    CHECK_ROWS(rows);
}

static void targets_have_the_form_of_their_method(void)
{
    static const row rows[] = {
        {0, BYTES("GET http://b/ HTTP/1.1\r\n" HOST END)},
        {0, BYTES("GET HTTPS://b:8443?q HTTP/1.1\r\n" HOST END)},
        {0, BYTES("GET http://[::1]:80/x HTTP/1.1\r\n" HOST END)},
        {0, BYTES("OPTIONS * HTTP/1.1\r\n" HOST END)},
        {0, BYTES("OPTIONS / HTTP/1.1\r\n" HOST END)},
        {0, BYTES("CONNECT b:443 HTTP/1.1\r\n" HOST END)},
        {0, BYTES("CONNECT [2001:db8::1]:443 HTTP/1.1\r\n" HOST END)},
        {400, BYTES("GET * HTTP/1.1\r\n" HOST END)},
        {400, BYTES("OPTIONS *x HTTP/1.1\r\n" HOST END)},
        {400, BYTES("OPTIONS ** HTTP/1.1\r\n" HOST END)},
        {400, BYTES("GET b:443 HTTP/1.1\r\n" HOST END)},
        {400, BYTES("GET x HTTP/1.1\r\n" HOST END)},
        {400, BYTES("GET /a#b HTTP/1.1\r\n" HOST END)},
        {400, BYTES("GET /a?b#c HTTP/1.1\r\n" HOST END)},
        {400, BYTES("GET http://b#c HTTP/1.1\r\n" HOST END)},
        {400, BYTES("GET http:/b/ HTTP/1.1\r\n" HOST END)},
        {400, BYTES("GET http:///x HTTP/1.1\r\n" HOST END)},
        {400,
         BYTES(
             "GET /aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa#b HTTP/1.1\r\n" HOST END)},
        {400, BYTES("GET http://:80/x HTTP/1.1\r\n" HOST END)},
        {400, BYTES("GET http://u@b/ HTTP/1.1\r\n" HOST END)},
        {400, BYTES("GET http://u:p@b/ HTTP/1.1\r\n" HOST END)},
        {400, BYTES("GET http://b:65536/ HTTP/1.1\r\n" HOST END)},
        {400, BYTES("GET ftp://b/ HTTP/1.1\r\n" HOST END)},
        {400, BYTES("CONNECT b HTTP/1.1\r\n" HOST END)},
        {400, BYTES("CONNECT b: HTTP/1.1\r\n" HOST END)},
        {400, BYTES("CONNECT b:0 HTTP/1.1\r\n" HOST END)},
        {400, BYTES("CONNECT :443 HTTP/1.1\r\n" HOST END)},
        {400, BYTES("CONNECT /x HTTP/1.1\r\n" HOST END)},
        {400, BYTES("CONNECT http://b:80/ HTTP/1.1\r\n" HOST END)},
        {400, BYTES("CONNECT b:443 HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nabc")},
        {400, BYTES("GET /\x7f HTTP/1.1\r\n" HOST END)},
        {400, BYTES("GET /\x01 HTTP/1.1\r\n" HOST END)},
        {400, BYTES("GET /\xc3\xa4 HTTP/1.1\r\n" HOST END)},
        {400, BYTES("GET /\x00 HTTP/1.1\r\n" HOST END)},
        {0},
    };
    CHECK_ROWS(rows);
}

#define GET "GET / HTTP/1.1\r\n"

static void hosts_stand_there_once_and_well_formed(void)
{
    static const row rows[] = {
        {0, BYTES(GET "Host: www.example.org\r\n" END)},
        {0, BYTES(GET "hOsT:127.0.0.1:8080\r\n" END)},
        {0, BYTES(GET "Host: [::1]\r\n" END)},
        {0, BYTES(GET "Host: [::ffff:1.2.3.4]:80\r\n" END)},
        {0, BYTES(GET "Host: a:\r\n" END)},
        {0, BYTES(GET "Host:\r\n" END)},
        {0, BYTES(GET "Host: a%2db_c~d!\r\n" END)},
        {400, BYTES(GET END)},
        {400, BYTES(GET "Accept: */*\r\n" END)},
        {400, BYTES(GET HOST HOST END)},
        {400, BYTES(GET HOST "host: b\r\n" END)},
        {400, BYTES("GET / HTTP/1.0\r\n" HOST HOST END)},
        {400, BYTES(GET "Host: a b\r\n" END)},
        {400, BYTES(GET "Host: a/b\r\n" END)},
        {400, BYTES(GET "Host: a@b\r\n" END)},
        {400, BYTES(GET "Host: a:b\r\n" END)},
        {400, BYTES(GET "Host: a:80:80\r\n" END)},
        {400, BYTES(GET "Host: a:99999\r\n" END)},
        {400, BYTES(GET "Host: a:-1\r\n" END)},
        {400, BYTES(GET "Host: a:000080\r\n" END)},
        {400, BYTES(GET "Host: [::1\r\n" END)},
        {400, BYTES(GET "Host: [::1]x\r\n" END)},
        {400, BYTES(GET "Host: [fe80::1%25eth0]\r\n" END)},
        {400, BYTES(GET "Host: []\r\n" END)},
        {400, BYTES(GET "Host: a%2\r\n" END)},
        {400, BYTES(GET "Host: a%zz\r\n" END)},
        {400, BYTES(GET "Host: \xc3\xa4\r\n" END)},
        {400, BYTES(GET "Host: a, b\r\n" END)},
        {400, BYTES("GET http://b/ HTTP/1.1\r\nHost: a b\r\n" END)},
        {400, BYTES("GET http://b/ HTTP/1.1\r\n" END)},
        {0},
    };
    CHECK_ROWS(rows);
}

static void field_lines_have_one_spelling(void)
{
    static const row rows[] = {
        {0, BYTES(GET HOST "X: \t a b\tc \t\r\n" END)},
        {0, BYTES(GET HOST "X:\r\n" END)},
        {0, BYTES(GET HOST "X: \t\r\nY: 1\r\n" END)},
        {0, BYTES(GET HOST "X: \xe4\xf6\r\n" END)},
        {0, BYTES(GET HOST "!#$%&'*+-.^_`|~09azAZ: x\r\n" END)},
        {400, BYTES(GET HOST "X : a\r\n" END)},
        {400, BYTES(GET HOST "X\t: a\r\n" END)},
        {400, BYTES(GET "Host : a\r\n" END)},
        {400, BYTES(GET HOST "Content-Length : 0\r\n" END)},
        {400, BYTES(GET HOST "Transfer-Encoding : chunked\r\n" END)},
        {400, BYTES(GET HOST " X: a\r\n" END)},
        {400, BYTES("GET / HTTP/1.1\r\n " HOST END)},
        {400, BYTES(GET HOST "X: a\r\n b\r\n" END)},
        {400, BYTES(GET HOST "X: a\r\n\tb\r\n" END)},
        {400, BYTES(GET HOST "X: a\r\n \r\n" END)},
        {400, BYTES(GET HOST "X:\r\n b\r\n" END)},
        {400, BYTES(GET HOST "X:\r\n \r\nY: b\r\n" END)},
        {400, BYTES(GET "Host:\r\n a\r\n" END)},
        {400, BYTES(GET HOST "Content-Length:\r\n 3\r\n" END "abc")},
        {400, BYTES(GET HOST "Transfer-Encoding:\r\n chunked\r\n" END "0\r\n\r\n")},
        {400, BYTES(GET HOST "X\r\n" END)},
        {400, BYTES(GET HOST ": a\r\n" END)},
        {400, BYTES(GET HOST "X Y: a\r\n" END)},
        {400, BYTES(GET HOST "X(: a\r\n" END)},
        {400, BYTES(GET HOST "X\xc3: a\r\n" END)},
        {400, BYTES(GET HOST "X\x00Y: a\r\n" END)},
        {400, BYTES(GET HOST "X: a\x00\r\n" END)},
        {400, BYTES(GET HOST "X: a\x01\r\n" END)},
        {400, BYTES(GET HOST "X: a\x7f\r\n" END)},
        {400, BYTES(GET HOST "X: a\x0b\r\n" END)},
        {400, BYTES(GET HOST "X: a\rY: b\r\n" END)},
        {400, BYTES(GET HOST "X: a\nY: b\r\n" END)},
        {400, BYTES(GET HOST "X: a\r\r\nY: b\r\n" END)},
        {400, BYTES(GET HOST "X: a\r\n\rY: b\r\n" END)},
        {400, BYTES(GET HOST "X:\rY: b\r\n" END)},
        {400, BYTES(GET HOST "X:\nY: b\r\n" END)},
        {400, BYTES(GET HOST "\r\r\n" END)},
        {0},
    };
    CHECK_ROWS(rows);
}

#define POST "POST / HTTP/1.1\r\n" HOST
#define CL "Content-Length: "
#define TE "Transfer-Encoding: "

static void a_body_is_framed_in_one_way(void)
{
    static const row rows[] = {
        {0, BYTES(POST CL "0\r\n" END)},
        {0, BYTES(POST CL "3\r\n" END "abc")},
        {0, BYTES(POST CL " 3 \r\n" END "abc")},
        {0, BYTES(POST CL "003\r\n" END "abc")},
        {0, BYTES(POST CL "9223372036854775807\r\n" END)},
        {0, BYTES(POST TE "chunked\r\n" END "0\r\n\r\n")},
        {0, BYTES(POST TE "Chunked\r\n" END "0\r\n\r\n")},
        {400, BYTES(POST CL "\r\n" END)},
        {400, BYTES(POST CL "+3\r\n" END "abc")},
        {400, BYTES(POST CL "-3\r\n" END "abc")},
        {400, BYTES(POST CL "0x3\r\n" END "abc")},
        {400, BYTES(POST CL "3.0\r\n" END "abc")},
        {400, BYTES(POST CL "3 3\r\n" END "abc")},
        {400, BYTES(POST CL "3,3\r\n" END "abc")},
        {400, BYTES(POST CL "3, 4\r\n" END "abc")},
        {400, BYTES(POST CL "3\r\n" CL "3\r\n" END "abc")},
        {400, BYTES(POST CL "3\r\n" CL "4\r\n" END "abc")},
        {400, BYTES(POST CL "9223372036854775808\r\n" END)},
        {400, BYTES(POST CL "18446744073709551616\r\n" END)},
        {400, BYTES(POST CL "99999999999999999999999\r\n" END)},
        {400, BYTES(POST CL "3\r\n" TE "chunked\r\n" END "0\r\n\r\n")},
        {400, BYTES(POST TE "chunked\r\n" CL "3\r\n" END "0\r\n\r\n")},
        {400, BYTES(POST TE "identity\r\n" CL "3\r\n" END "abc")},
        {400, BYTES("POST / HTTP/1.0\r\n" HOST TE "chunked\r\n" END "0\r\n\r\n")},
        {400, BYTES(POST TE "\r\n" END)},
        {400, BYTES(POST TE "gzip\r\n" END)},
        {400, BYTES(POST TE "identity\r\n" END)},
        {400, BYTES(POST TE "chunked, identity\r\n" END "0\r\n\r\n")},
        {400, BYTES(POST TE "chunked, chunked\r\n" END "0\r\n\r\n")},
        {400, BYTES(POST TE "chunked\r\n" TE "chunked\r\n" END "0\r\n\r\n")},
        {400, BYTES(POST TE "chunked\r\n" TE "identity\r\n" END "0\r\n\r\n")},
        {400, BYTES(POST TE "xchunked\r\n" END "0\r\n\r\n")},
        {400, BYTES(POST TE "chunked;a=b\r\n" END "0\r\n\r\n")},
        {400, BYTES(POST TE "\"chunked\"\r\n" END "0\r\n\r\n")},
        {400, BYTES(POST TE "\x0b"
                            "chunked\r\n" END "0\r\n\r\n")},
        {400, BYTES(POST TE "chun ked\r\n" END "0\r\n\r\n")},
        /* white space that we would take and others do not */
        {400, BYTES(POST TE "chunked\t\r\n" END "0\r\n\r\n")},
        {400, BYTES(POST CL "3\t\r\n" END "abc")},
        {501, BYTES(POST TE "gzip, chunked\r\n" END "0\r\n\r\n")},
        {501, BYTES(POST TE "gzip,br , chunked\r\n" END "0\r\n\r\n")},
        {0},
    };
    CHECK_ROWS(rows);
}

static void expectations_are_known_or_refused(void)
{
    static const row rows[] = {
        {0, BYTES(POST CL "3\r\nExpect: 100-continue\r\n" END "abc")},
        {0, BYTES(POST CL "3\r\nExpect: 100-Continue\r\n" END "abc")},
        {417, BYTES(POST CL "3\r\nExpect: 200-ok\r\n" END "abc")},
        {417, BYTES(POST CL "3\r\nExpect: 100-continue, x\r\n" END "abc")},
        {0},
    };
    CHECK_ROWS(rows);
}

/* "GET /aaa... HTTP/1.1" with a line of @line_bytes, and lines of fields up to @head_bytes. */
static unsigned status_of_size(size_t line_bytes, size_t head_bytes)
{
    static char head[65536];
    size_t n = (size_t)snprintf(head, sizeof head, "GET /");

    memset(head + n, 'a', line_bytes - n - 9);
    n = line_bytes - 9;
    n += (size_t)snprintf(head + n, sizeof head - n, " HTTP/1.1\r\n" HOST);
    if (head_bytes > n) {
        n += (size_t)snprintf(head + n, sizeof head - n, "X: ");
        memset(head + n, 'x', head_bytes - 4 - n);
        n = head_bytes - 4;
        n += (size_t)snprintf(head + n, sizeof head - n, "\r\n");
    }
    n += (size_t)snprintf(head + n, sizeof head - n, "\r\n");
    return status_of(head, n);
}

static void each_limit_of_a_head_has_its_status(void)
{
    CHECK_U64(status_of_size(WF_HTTP1_REQUEST_LINE_BYTES_MAX, 0), 0);
    CHECK_U64(status_of_size(WF_HTTP1_REQUEST_LINE_BYTES_MAX + 1, 0), 414);
    CHECK_U64(status_of_size(40000, 0), 414);
    CHECK_U64(status_of_size(100, WF_HTTP1_HEAD_BYTES_MAX), 0);
    CHECK_U64(status_of_size(100, WF_HTTP1_HEAD_BYTES_MAX + 1), 431);
}

static void more_lines_than_the_array_holds_are_refused(void)
{
    char head[4096];
    weft_http_field fields[WF_HTTP1_FIELDS_MAX];
    wf_http1_head out;
    wf_http1 p;
    size_t n = (size_t)snprintf(head, sizeof head, GET HOST);

    wf_http1_init(&p, NULL);
    for (unsigned i = 1; i < WF_HTTP1_FIELDS_MAX; i++)
        n += (size_t)snprintf(head + n, sizeof head - n, "X%u: %u\r\n", i, i);
    n += (size_t)snprintf(head + n, sizeof head - n, "\r\n");
    const uint8_t *at = (const uint8_t *)head;
    CHECK_OK(wf_http1_parse_request(&p, at, n, &out, fields, WF_HTTP1_FIELDS_MAX, NULL));
    CHECK_U64(out.fields_count, WF_HTTP1_FIELDS_MAX);
    CHECK_ERR(wf_http1_parse_request(&p, at, n, &out, fields, WF_HTTP1_FIELDS_MAX - 1, NULL),
              WEFT_ETOOBIG);
    CHECK_U64(out.status, 431);
}

static void a_content_length_beyond_the_limit_is_413(void)
{
    static const char head[] = POST CL "11\r\n" END;
    wf_http1_limits limits = wf_http1_limits_filled(&(wf_http1_limits){.body_bytes_max = 10});
    weft_http_field fields[4];
    wf_http1_head out;
    wf_http1 p;

    wf_http1_init(&p, &limits);
    CHECK_ERR(
        wf_http1_parse_request(&p, (const uint8_t *)head, sizeof head - 1, &out, fields, 4, NULL),
        WEFT_ETOOBIG);
    CHECK_U64(out.status, 413);
}

static void no_prefix_of_a_head_is_a_head(void)
{
    static const char head[] = "\r\n\r\nGET /x HTTP/1.1\r\nHost: a\r\nX:\r\nY: \r\n\r\nGET /";
    const size_t end = sizeof head - 1 - 5;
    size_t scanned = 0;

    for (size_t n = 0; n < end; n++) {
        uint8_t *copy = malloc(n > 0 ? n : 1);
        REQUIRE(copy != NULL);
        memcpy(copy, head, n);
        CHECK_U64(wf_http1_head_end(copy, n, &scanned), 0);
        CHECK(scanned <= n && (n < 6 || scanned + 2 >= n)); /* but for the empty lines */
        free(copy);
    }
    CHECK_U64(wf_http1_head_end((const uint8_t *)head, end, &scanned), end);
    scanned = 0;
    CHECK_U64(wf_http1_head_end((const uint8_t *)head, sizeof head - 1, &scanned), end);
}

static void what_cannot_become_a_head_is_refused_early(void)
{
    static char line[WF_HTTP1_HEAD_BYTES_MAX];
    wf_http1_limits limits = wf_http1_limits_filled(NULL);
    uint16_t status = 0;
    weft_why why;

    memset(line, 'a', sizeof line);
    const uint8_t *at = (const uint8_t *)line;
    CHECK_OK(wf_http1_head_unfinished(&limits, at, 0, &status, &why));
    CHECK_OK(
        wf_http1_head_unfinished(&limits, at, WF_HTTP1_REQUEST_LINE_BYTES_MAX + 1, &status, &why));
    CHECK_ERR(
        wf_http1_head_unfinished(&limits, at, WF_HTTP1_REQUEST_LINE_BYTES_MAX + 2, &status, &why),
        WEFT_ETOOBIG);
    CHECK_U64(status, 414);
    line[10] = '\n';
    CHECK_OK(wf_http1_head_unfinished(&limits, at, sizeof line - 1, &status, &why));
    CHECK_ERR(wf_http1_head_unfinished(&limits, at, sizeof line, &status, &why), WEFT_ETOOBIG);
    CHECK_U64(status, 431);
    line[0] = 0x16;
    CHECK_ERR(wf_http1_head_unfinished(&limits, at, 1, &status, &why), WEFT_EPROTO);
    CHECK_U64(status, 400);
    CHECK(strstr(why.text, "TLS") != NULL);
}

static const test_case cases[] = {
    TEST(request_lines_have_one_spelling),
    TEST(targets_have_the_form_of_their_method),
    TEST(hosts_stand_there_once_and_well_formed),
    TEST(field_lines_have_one_spelling),
    TEST(a_body_is_framed_in_one_way),
    TEST(expectations_are_known_or_refused),
    TEST(each_limit_of_a_head_has_its_status),
    TEST(more_lines_than_the_array_holds_are_refused),
    TEST(a_content_length_beyond_the_limit_is_413),
    TEST(no_prefix_of_a_head_is_a_head),
    TEST(what_cannot_become_a_head_is_refused_early),
    {0},
};

const test_suite http1_codec_suite = {.name = "protocols/http1_codec", .cases = cases};

/* SPDX-License-Identifier: MIT */
/* Bodies, and whole connections: chunks, trailers, pipelining, every way to cut the bytes. */
#include "check.h"

#include <stdlib.h>

#include "protocols/http1_wire.h"

#define POST "POST / HTTP/1.1\r\nHost: a\r\n"
#define CHUNKED POST "Transfer-Encoding: chunked\r\n\r\n"
#define CHUNKED_SAID "= POST / [a] chunked 0 keep\nHost: a\nTransfer-Encoding: chunked\n< "

/* What a connection sends, and what is understood. */
typedef struct script {
    const char *sent, *said;
} script;

static const script requests[] = {
    {"GET /1 HTTP/1.1\r\nHost: a\r\n\r\n"
     "POST /2 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"
     "\r\nGET /3 HTTP/1.0\r\n\r\n",
     "= GET /1 [a] none 0 keep\nHost: a\n< \n.\n"
     "= POST /2 [a] length 3 keep\nHost: a\nContent-Length: 3\n< abc\n.\n"
     "= GET /3 [] none 0 close\n< \n.\n"},
    {CHUNKED "3\r\nabc\r\nA\r\n0123456789\r\n0\r\n\r\nGET /n HTTP/1.1\r\nHost: b\r\n\r\n",
     CHUNKED_SAID "abc0123456789\n.\n= GET /n [b] none 0 keep\nHost: b\n< \n.\n"},
    {CHUNKED "003;a;b=c;d=\"e;\"\r\nabc\r\n000;x\r\nDigest: x=\r\nB:\r\n\r\nGET / HTTP/1.0\r\n\r\n",
     CHUNKED_SAID "abc\nDigest: x=\nB: \n.\n= GET / [] none 0 close\n< \n.\n"},
    {POST
     "Transfer-Encoding: chunked\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n1\r\na\r\n0\r\n\r\n"
     "GET / HTTP/1.0\r\n\r\n",
     "= POST / [a] chunked 0 keep upgrade\nHost: a\nTransfer-Encoding: chunked\nConnection: "
     "upgrade\n"
     "Upgrade: x\n< a\n.\n= GET / [] none 0 close\n< \n.\n"},
    /* the body holds what a careless reader takes for the next request */
    {POST "Content-Length: 26\r\n\r\nGET /x HTTP/1.1\r\nHost: a\r\n",
     "= POST / [a] length 26 keep\nHost: a\nContent-Length: 26\n< GET /x HTTP/1.1\r\nHost: "
     "a\r\n\n.\n"},
    /* smuggling: each is refused before its second reading */
    {POST "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /x HTTP/1.1\r\n\r\n",
     "\n! 400 EPROTO\n"},
    {POST "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\nGET /x HTTP/1.1\r\n\r\n",
     "\n! 400 EPROTO\n"},
    {POST "Transfer-Encoding: chunked\r\nTransfer-encoding: x\r\n\r\n0\r\n\r\n",
     "\n! 400 EPROTO\n"},
    {"GET / HTTP/1.1\r\nHost: a\r\n\r\nXYZ / HTTP/1.1\r\nHost: a\r\n\r\n",
     "= GET / [a] none 0 keep\nHost: a\n< \n.\n\n! 501 EUNSUPPORTED\n"},
    /* chunks that are not */
    {CHUNKED "3\r\nabcd\r\n0\r\n\r\n", CHUNKED_SAID "abc\n! 400 EPROTO\n"},
    {CHUNKED "3\r\nabcX\n0\r\n\r\n", CHUNKED_SAID "abc\n! 400 EPROTO\n"},
    {CHUNKED "3\r\nabc\n0\r\n\r\n", CHUNKED_SAID "abc\n! 400 EPROTO\n"},
    {CHUNKED "3\nabc\r\n0\r\n\r\n", CHUNKED_SAID "\n! 400 EPROTO\n"},
    {CHUNKED "3\rabc\r\n0\r\n\r\n", CHUNKED_SAID "\n! 400 EPROTO\n"},
    {CHUNKED "3 \r\nabc\r\n0\r\n\r\n", CHUNKED_SAID "\n! 400 EPROTO\n"},
    {CHUNKED " 3\r\nabc\r\n0\r\n\r\n", CHUNKED_SAID "\n! 400 EPROTO\n"},
    {CHUNKED "0x3\r\nabc\r\n0\r\n\r\n", CHUNKED_SAID "\n! 400 EPROTO\n"},
    {CHUNKED "+3\r\nabc\r\n0\r\n\r\n", CHUNKED_SAID "\n! 400 EPROTO\n"},
    {CHUNKED "-3\r\nabc\r\n0\r\n\r\n", CHUNKED_SAID "\n! 400 EPROTO\n"},
    {CHUNKED "\r\nabc\r\n0\r\n\r\n", CHUNKED_SAID "\n! 400 EPROTO\n"},
    {CHUNKED "g\r\nabc\r\n0\r\n\r\n", CHUNKED_SAID "\n! 400 EPROTO\n"},
    {CHUNKED "3 \t;a = \"\\\"\" ; b;\r\nabc\r\n0 ;\r\n\r\n", CHUNKED_SAID "abc\n.\n"},
    {CHUNKED "3 a\r\nabc\r\n0\r\n\r\n", CHUNKED_SAID "\n! 400 EPROTO\n"},
    {CHUNKED "3;a\x01\r\nabc\r\n0\r\n\r\n", CHUNKED_SAID "\n! 400 EPROTO\n"},
    {CHUNKED "3;a\nb\r\nabc\r\n0\r\n\r\n", CHUNKED_SAID "\n! 400 EPROTO\n"},
    {CHUNKED "3;a=\"b\nc\"\r\nabc\r\n0\r\n\r\n", CHUNKED_SAID "\n! 400 EPROTO\n"},
    {CHUNKED "10000000000000003\r\nabc\r\n0\r\n\r\n", CHUNKED_SAID "\n! 400 EPROTO\n"},
    {CHUNKED "fffffffffffffffff\r\nabc\r\n0\r\n\r\n", CHUNKED_SAID "\n! 400 EPROTO\n"},
    {CHUNKED "ffffffffffffffff\r\nabc\r\n0\r\n\r\n", CHUNKED_SAID "\n! 413 ETOOBIG\n"},
    /* trailers that are not */
    {CHUNKED "0\r\nA: b\r\n c\r\n\r\n", CHUNKED_SAID "\n! 400 EPROTO\n"},
    {CHUNKED "0\r\nA : b\r\n\r\n", CHUNKED_SAID "\n! 400 EPROTO\n"},
    {CHUNKED "0\r\nA: b\n\r\n", CHUNKED_SAID "\n! 400 EPROTO\n"},
    {CHUNKED "0\r\nA: b\r\n\n", CHUNKED_SAID "\n! 400 EPROTO\n"},
    {CHUNKED "0\r\n\n", CHUNKED_SAID "\n! 400 EPROTO\n"},
    {CHUNKED "0\r\n\rX\r\n\r\n", CHUNKED_SAID "\n! 400 EPROTO\n"},
    {CHUNKED "0\r\nContent-Length: 3\r\n\r\nabc", CHUNKED_SAID "\n! 400 EPROTO\n"},
    {CHUNKED "0\r\nTransfer-Encoding: chunked\r\n\r\n", CHUNKED_SAID "\n! 400 EPROTO\n"},
    {CHUNKED "0\r\nHost: b\r\n\r\n", CHUNKED_SAID "\n! 400 EPROTO\n"},
    /* not there yet */
    {CHUNKED "3\r\nab", CHUNKED_SAID "ab"},
    {CHUNKED "3\r\nabc\r\n0\r\nA: b\r\n", CHUNKED_SAID "abc"},
};

static void check_script(const script *s)
{
    static http1_wire w;
    const uint8_t *at = (const uint8_t *)s->sent;
    size_t n = strlen(s->sent);

    w.limits = wf_http1_limits_filled(NULL);
    wire_run(&w, at, n, 0, 0);
    check_str(w.said, s->said, s->sent, __FILE__, __LINE__);
    wire_run(&w, at, n, 1, 0);
    check_str(w.said, s->said, s->sent, __FILE__, __LINE__);
    bool same = strcmp(w.said, s->said) == 0;
    for (uint32_t seed = 0; same && seed < 40; seed++) {
        wire_run(&w, at, n, 2 + seed % 20, seed);
        check_str(w.said, s->said, s->sent, __FILE__, __LINE__);
        same = strcmp(w.said, s->said) == 0;
    }
}

static void however_it_is_cut_a_connection_says_the_same(void)
{
    for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++)
        check_script(&requests[i]);
}

static wf_http1 p;
static wf_http1_head head;
static weft_http_field fields[8];

static size_t begin(const char *text, const wf_http1_limits *limits)
{
    size_t scanned = 0, n = wf_http1_head_end((const uint8_t *)text, strlen(text), &scanned);

    wf_http1_init(&p, limits);
    REQUIRE(n > 0);
    CHECK_OK(wf_http1_parse_request(&p, (const uint8_t *)text, n, &head, fields, 8, NULL));
    return n;
}

static void a_piece_ends_where_the_body_ends(void)
{
    static const char text[] = POST "Content-Length: 3\r\n\r\nabcGET /";
    const uint8_t *body = (const uint8_t *)text + begin(text, NULL);
    wf_http1_piece piece = {0};

    CHECK_OK(wf_http1_body(&p, body, 8, &piece, NULL));
    CHECK(piece.complete);
    CHECK_U64(piece.consumed, 3);
    CHECK(piece.data == body);
    CHECK_U64(piece.data_bytes, 3);
    CHECK_OK(wf_http1_body(&p, body + 3, 5, &piece, NULL));
    CHECK(piece.complete);
    CHECK_U64(piece.consumed, 0);
}

static void an_empty_piece_is_no_piece(void)
{
    static const char text[] = POST "Transfer-Encoding: chunked\r\n\r\n";
    wf_http1_piece piece = {0};

    (void)begin(text, NULL);
    CHECK_OK(wf_http1_body(&p, NULL, 0, &piece, NULL));
    CHECK(!piece.complete && piece.consumed == 0 && piece.data_bytes == 0);
}

static void chunk_data_is_handed_out_where_it_lies(void)
{
    static const char text[] = CHUNKED "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
    const uint8_t *at = (const uint8_t *)text + begin(text, NULL);
    size_t n = strlen((const char *)at);
    wf_http1_piece piece = {0};

    CHECK_OK(wf_http1_body(&p, at, n, &piece, NULL));
    CHECK(piece.data == at + 3);
    CHECK_U64(piece.data_bytes, 3);
    CHECK_U64(piece.consumed, 6);
    at += piece.consumed;
    n -= piece.consumed;
    CHECK_OK(wf_http1_body(&p, at, n, &piece, NULL));
    CHECK_MEM(piece.data, piece.data_bytes, "de", 2);
    at += piece.consumed;
    n -= piece.consumed;
    CHECK_OK(wf_http1_body(&p, at, n, &piece, NULL));
    CHECK(piece.complete);
    CHECK_U64(piece.consumed, n);
}

static void trailers_wait_until_they_are_whole(void)
{
    static const char text[] = CHUNKED "0\r\nA: b\r\nC: d\r\n\r\nGET";
    const uint8_t *at = (const uint8_t *)text + begin(text, NULL);
    weft_http_field trailers[2];
    wf_http1_piece piece = {.trailers = trailers, .trailers_max = 2};

    CHECK_OK(wf_http1_body(&p, at, 10, &piece, NULL));
    CHECK_U64(piece.consumed, 3);
    at += 3;
    CHECK_OK(wf_http1_body(&p, at, 13, &piece, NULL));
    CHECK_U64(piece.consumed, 0);
    CHECK(!piece.complete);
    CHECK_OK(wf_http1_body(&p, at, 17, &piece, NULL));
    CHECK(piece.complete);
    CHECK_U64(piece.consumed, 14);
    CHECK_U64(piece.trailers_count, 2);
    CHECK_MEM(trailers[1].value, trailers[1].value_bytes, "d", 1);
}

/* The status that a body comes to; 0 if it is taken. */
static unsigned status_of_body(const char *text, const wf_http1_limits *limits,
                               uint32_t trailers_max)
{
    const uint8_t *at = (const uint8_t *)text + begin(text, limits);
    size_t n = strlen((const char *)at);
    weft_http_field trailers[4];
    wf_http1_piece piece = {.trailers = trailers, .trailers_max = trailers_max};

    do {
        if (wf_http1_body(&p, at, n, &piece, NULL) != WEFT_OK)
            return piece.status;
        at += piece.consumed;
        n -= piece.consumed;
    } while (!piece.complete && piece.consumed > 0);
    return 0;
}

static void each_limit_of_a_body_has_its_status(void)
{
    wf_http1_limits limits = wf_http1_limits_filled(&(wf_http1_limits){
        .chunk_excess_bytes_max = 10,
        .trailer_bytes_max = 20,
        .trailer_fields_max = 3,
        .body_bytes_max = 4,
    });
    CHECK_U64(status_of_body(CHUNKED "4\r\nabcd\r\n0\r\n\r\n", &limits, 4), 0);
    CHECK_U64(status_of_body(CHUNKED "5\r\nabcde\r\n0\r\n\r\n", &limits, 4), 413);
    CHECK_U64(status_of_body(CHUNKED "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", &limits, 4), 413);
    CHECK_U64(status_of_body(CHUNKED "0\r\nABCDEFG: 12345678\r\n\r\n", &limits, 4), 431);
    CHECK_U64(status_of_body(CHUNKED "0\r\nABCDEFG: 1234567\r\n\r\n", &limits, 4), 0);
    CHECK_U64(status_of_body(CHUNKED "0\r\nA:\r\nB:\r\nC:\r\n\r\n", &limits, 4), 0);
    CHECK_U64(status_of_body(CHUNKED "0\r\nA:\r\nB:\r\nC:\r\n\r\n", &limits, 2), 431);
    CHECK_U64(status_of_body(CHUNKED "0\r\nA:\r\nB:\r\nC:\r\nD:\r\n\r\n", &limits, 4), 431);
    /* 30 bytes in one line, and 12 bytes beyond the free 20 in two chunks */
    CHECK_U64(status_of_body(CHUNKED "1;aaaaaaaaaaaaaaaaaaaaaaaaaa\r\nx\r\n0\r\n\r\n", &limits, 4),
              0);
    CHECK_U64(status_of_body(CHUNKED "1;aaaaaaaaaaaaaaaaaaaaaaaaaaa\r\nx\r\n0\r\n\r\n", &limits, 4),
              400);
    CHECK_U64(status_of_body(CHUNKED "000000000000000000000000000000000001\r\nx\r\n", &limits, 4),
              400);
    CHECK_U64(status_of_body(CHUNKED "1;aaaaaaaaaaaaaaaaaaaaaaaaaa\r\nx\r\n1;aaaaaaaaaaaaaaaaaaa"
                                     "\r\nx\r\n0\r\n\r\n",
                             &limits, 4),
              400);
}

static void a_route_may_lower_the_limit_of_a_body(void)
{
    wf_http1_piece piece = {0};
    const char *text = POST "Content-Length: 5\r\n\r\nabcde";

    (void)begin(text, NULL);
    CHECK_OK(wf_http1_body_limit(&p, 5, NULL));
    CHECK_ERR(wf_http1_body_limit(&p, 4, NULL), WEFT_ETOOBIG);

    text = CHUNKED "5\r\nabcde\r\n0\r\n\r\n";
    size_t n = begin(text, NULL);
    CHECK_OK(wf_http1_body_limit(&p, 4, NULL));
    CHECK_ERR(wf_http1_body(&p, (const uint8_t *)text + n, 3, &piece, NULL), WEFT_ETOOBIG);
    CHECK_U64(piece.status, 413);
    CHECK_ERR(wf_http1_body(&p, (const uint8_t *)text + n + 3, 5, &piece, NULL), WEFT_EPROTO);
}

static void a_close_in_the_middle_is_told_from_one_at_the_end(void)
{
    wf_http1_piece piece = {0};
    const char *text = POST "Content-Length: 2\r\n\r\nab";
    size_t n = begin(text, NULL);

    CHECK_ERR(wf_http1_body_ended(&p, NULL), WEFT_ETRUNCATED);
    CHECK_OK(wf_http1_body(&p, (const uint8_t *)text + n, 2, &piece, NULL));
    CHECK_OK(wf_http1_body_ended(&p, NULL));

    text = CHUNKED "1\r\na\r\n0\r\n\r\n";
    n = begin(text, NULL);
    CHECK_OK(wf_http1_body(&p, (const uint8_t *)text + n, 4, &piece, NULL));
    CHECK_ERR(wf_http1_body_ended(&p, NULL), WEFT_ETRUNCATED);
}

static const test_case cases[] = {
    TEST(however_it_is_cut_a_connection_says_the_same),
    TEST(a_piece_ends_where_the_body_ends),
    TEST(an_empty_piece_is_no_piece),
    TEST(chunk_data_is_handed_out_where_it_lies),
    TEST(trailers_wait_until_they_are_whole),
    TEST(each_limit_of_a_body_has_its_status),
    TEST(a_route_may_lower_the_limit_of_a_body),
    TEST(a_close_in_the_middle_is_told_from_one_at_the_end),
    {0},
};

const test_suite http1_body_suite = {.name = "protocols/http1_body", .cases = cases};

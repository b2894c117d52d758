/* SPDX-License-Identifier: MIT */
/* SP's bytes, as the standards show them; its URLs. */
#include "check.h"

#include "protocols/sp/sp_codec.h"

static const weft_sp_kind all[] = {WEFT_SP_PAIR,     WEFT_SP_PAIR1,      WEFT_SP_PUB,  WEFT_SP_SUB,
                                   WEFT_SP_REQ,      WEFT_SP_REP,        WEFT_SP_PUSH, WEFT_SP_PULL,
                                   WEFT_SP_SURVEYOR, WEFT_SP_RESPONDENT, WEFT_SP_BUS};
enum { ALL = sizeof all / sizeof all[0] };

/* sp-tcp-mapping-01 section 3: 0x00 'S' 'P', the version, the type of the endpoint, two reserved bytes. */
static void a_greeting_is_the_eight_bytes_of_the_standard(void)
{
    uint8_t hello[WF_SP_HELLO_BYTES];
    wf_sp_write_hello(WEFT_SP_REQ, hello);
    CHECK_MEM(hello, sizeof hello, "\0SP\0\0\x30\0\0", 8);
    wf_sp_write_hello(WEFT_SP_BUS, hello);
    CHECK_MEM(hello, sizeof hello, "\0SP\0\0\x70\0\0", 8);
}

static void each_kind_talks_to_its_peer_alone(void)
{
    for (size_t i = 0; i < ALL; i++)
        for (size_t j = 0; j < ALL; j++) {
            const wf_sp_kind_row *own = wf_sp_kind_of(all[i]);
            uint8_t hello[WF_SP_HELLO_BYTES];
            bool whole;
            weft_why why = {""};
            wf_sp_write_hello(all[j], hello);
            weft_err err = wf_sp_read_hello(own, hello, sizeof hello, &whole, &why);
            CHECK_ERR(err, own->peer == all[j] ? WEFT_OK : WEFT_EPROTO);
            CHECK((err != WEFT_OK) == (why.text[0] != '\0'));
        }
    CHECK(wf_sp_kind_of((weft_sp_kind)18) == NULL);
    CHECK(weft_sp_kind_name((weft_sp_kind)1) == NULL);
}

static void a_greeting_is_judged_as_it_comes(void)
{
    const wf_sp_kind_row *rep = wf_sp_kind_of(WEFT_SP_REP);
    const uint8_t good[] = {0, 'S', 'P', 0, 0, 0x30, 0, 0};
    bool whole;
    weft_why why = {""};
    for (size_t n = 0; n <= sizeof good; n++) {
        CHECK_OK(wf_sp_read_hello(rep, good, n, &whole, NULL));
        CHECK(whole == (n == sizeof good));
    }
    for (size_t i = 0; i < sizeof good; i++) {
        uint8_t bad[sizeof good];
        memcpy(bad, good, sizeof good);
        bad[i] ^= 0x81;
        CHECK_OK(wf_sp_read_hello(rep, bad, i, &whole, NULL));
        CHECK_ERR(wf_sp_read_hello(rep, bad, i + 1, &whole, &why), WEFT_EPROTO);
    }
    const uint8_t pull[] = {0, 'S', 'P', 0, 0, 0x51, 0, 0};
    CHECK_ERR(wf_sp_read_hello(rep, pull, sizeof pull, &whole, &why), WEFT_EPROTO);
    CHECK_STR(why.text, "SP: the peer is a pull, expected a req");
    CHECK_ERR(wf_sp_read_hello(rep, (const uint8_t *)"GET / HT", 8, &whole, &why), WEFT_EPROTO);
}

/* sp-tcp-mapping-01 section 4: the size as 64 bits; IPC puts a byte of 1 before it. */
static void a_message_has_its_size_before_it(void)
{
    uint8_t frame[WF_SP_FRAME_BYTES_MAX];
    uint64_t size = 0;
    size_t used = 0;
    CHECK_U64(wf_sp_write_frame(false, 5, frame), 8);
    CHECK_MEM(frame, 8, "\0\0\0\0\0\0\0\5", 8);
    CHECK_U64(wf_sp_write_frame(true, 0x0102030405060708, frame), 9);
    CHECK_MEM(frame, 9, "\1\1\2\3\4\5\6\7\x8", 9);
    for (size_t n = 0; n < 9; n++) {
        CHECK_OK(wf_sp_read_frame(true, UINT64_MAX, frame, n, &used, &size, NULL));
        CHECK_U64(used, 0);
    }
    CHECK_OK(wf_sp_read_frame(true, UINT64_MAX, frame, 9, &used, &size, NULL));
    CHECK_U64(used, 9);
    CHECK_U64(size, 0x0102030405060708);
    frame[0] = 0;
    CHECK_ERR(wf_sp_read_frame(true, UINT64_MAX, frame, 1, &used, &size, NULL), WEFT_EPROTO);
}

static void a_message_beyond_the_limit_is_refused_by_its_size(void)
{
    uint8_t frame[WF_SP_FRAME_BYTES_MAX];
    uint64_t size = 0;
    size_t used = 0;
    weft_why why = {""};
    (void)wf_sp_write_frame(false, 1000, frame);
    CHECK_OK(wf_sp_read_frame(false, 1000, frame, 8, &used, &size, NULL));
    CHECK_U64(size, 1000);
    CHECK_ERR(wf_sp_read_frame(false, 999, frame, 8, &used, &size, &why), WEFT_ETOOBIG);
    CHECK_STR(why.text, "SP: a message of 1000 bytes, at most 999 (message_bytes_max)");
    memset(frame, 0xff, sizeof frame);
    CHECK_ERR(wf_sp_read_frame(false, 1 << 20, frame, 8, &used, &size, &why), WEFT_ETOOBIG);
}

/* sp-request-reply-01: words without the highest bit are of devices, the first with it is the id. */
static void a_request_has_a_stack_that_ends_with_its_id(void)
{
    static const uint8_t request[] = {0, 0, 0, 7, 0x7f, 0xff, 0xff, 0xff, 0x80, 0, 0, 1, 'h', 'i'};
    size_t used = 99;
    CHECK_OK(wf_sp_read_stack(request, sizeof request, 8, &used, NULL));
    CHECK_U64(used, 12);
    CHECK_OK(wf_sp_read_stack(request, sizeof request, 3, &used, NULL));
    CHECK_U64(used, 12);
    CHECK_OK(wf_sp_read_stack(request, sizeof request, 2, &used, NULL));
    CHECK_U64(used, 0);
    CHECK_OK(wf_sp_read_stack(request + 8, 4, 8, &used, NULL));
    CHECK_U64(used, 4);
    for (size_t n = 0; n < 12; n++)
        CHECK_ERR(wf_sp_read_stack(request, n, 8, &used, NULL), WEFT_EPROTO);
}

static void a_stack_of_more_than_eight_words_has_gone_too_far(void)
{
    uint8_t deep[4 * 9] = {0};
    size_t used = 99;
    deep[4 * 8] = 0x80;
    CHECK_OK(wf_sp_read_stack(deep, sizeof deep, WF_SP_HOPS_MAX, &used, NULL));
    CHECK_U64(used, 0);
    deep[4 * 7] = 0x80;
    CHECK_OK(wf_sp_read_stack(deep, sizeof deep, WF_SP_HOPS_MAX, &used, NULL));
    CHECK_U64(used, WF_SP_TRACE_BYTES_MAX);
}

static void an_answer_has_one_id(void)
{
    uint32_t id = 0;
    uint8_t word[4];
    wf_sp_write_word(0x80010203, word);
    CHECK_MEM(word, 4, "\x80\1\2\3", 4);
    CHECK_OK(wf_sp_read_id(word, 4, &id, NULL));
    CHECK_U64(id, 0x80010203);
    CHECK_ERR(wf_sp_read_id(word, 3, &id, NULL), WEFT_EPROTO);
    word[0] = 0x7f;
    CHECK_ERR(wf_sp_read_id(word, 4, &id, NULL), WEFT_EPROTO);
}

static void hops_are_counted_by_pair1(void)
{
    size_t used = 0;
    CHECK_OK(wf_sp_read_hops((const uint8_t *)"\0\0\0\1x", 5, 8, &used, NULL));
    CHECK_U64(used, 4);
    CHECK_OK(wf_sp_read_hops((const uint8_t *)"\0\0\0\x9x", 5, 8, &used, NULL));
    CHECK_U64(used, 0);
    CHECK_ERR(wf_sp_read_hops((const uint8_t *)"\0\0\1\1x", 5, 8, &used, NULL), WEFT_EPROTO);
    CHECK_ERR(wf_sp_read_hops((const uint8_t *)"\0\0\1", 3, 8, &used, NULL), WEFT_EPROTO);
}

/* ---- URLs */

typedef struct url_row {
    const char *text;
    weft_sp_kind kind;
    const char *listens, *dials, *path;
    bool ipc, web;
} url_row;

static void urls_say_a_kind_and_a_stream(void)
{
    static const url_row urls[] = {
        {"nng+req://127.0.0.1:5555", WEFT_SP_REQ, "tcp://127.0.0.1:5555", "tcp://127.0.0.1:5555",
         "", false, false},
        {"nng+rep+tcp://[::1]:1?nodelay=off", WEFT_SP_REP, "tcp://[::1]:1?nodelay=off",
         "tcp://[::1]:1?nodelay=off", "", false, false},
        {"nng+pair1+ipc:///run/a.sp", WEFT_SP_PAIR1, "unix:/run/a.sp", "unix:/run/a.sp", "", true,
         false},
        {"nng+sub+ws://[::1]:80/a/b", WEFT_SP_SUB, "http://[::1]:80", "tcp://[::1]:80", "/a/b",
         false, true},
        {"nng+bus+ws://[::1]:80", WEFT_SP_BUS, "http://[::1]:80", "tcp://[::1]:80", "/", false,
         true},
        {"nng+pull+sim://x:9", WEFT_SP_PULL, "sim://x:9", "sim://x:9", "", false, false},
        {"nng+pub+ws+sim://x/p?latency=5ms", WEFT_SP_PUB, "sim://x?latency=5ms",
         "sim://x?latency=5ms", "/p", false, true},
    };
    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
        weft_sp_url got;
        weft_why why = {""};
        CHECK_OK(weft_sp_url_parse(urls[i].text, false, &got, &why));
        CHECK_STR(why.text, "");
        CHECK_U64(got.kind, urls[i].kind);
        CHECK_STR(got.stream, urls[i].dials);
        CHECK_STR(got.path, urls[i].path);
        CHECK(got.ipc == urls[i].ipc);
        CHECK(got.web == urls[i].web);
        if (weft_sp_url_parse(urls[i].text, true, &got, &why) == WEFT_OK)
            CHECK_STR(got.stream, urls[i].listens);
        else
            CHECK(strstr(why.text, "latency") != NULL); /* an option of who connects */
    }
}

static void what_is_no_url_is_refused_with_a_sentence(void)
{
    static const char *const bad[] = {
        "",
        "nng",
        "nng+",
        "nng+req",
        "nng+req:",
        "nng+req:/x",
        "tcp://h:1",
        "nng+://h:1",
        "nng+quux://h:1",
        "nng+req+://h:1",
        "nng+req+udp://h:1",
        "nng+req://",
        "nng+req://h",
        "nng+req://h:1?what=1",
        "nng+reqq://h:1",
        "nng+REQ://h:1",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        weft_sp_url got;
        weft_why why = {""};
        CHECK_ERR(weft_sp_url_parse(bad[i], false, &got, &why), WEFT_EINVAL);
        CHECK(why.text[0] != '\0');
    }
    char text[3000];
    weft_sp_url got;
    memset(text, 'a', sizeof text);
    memcpy(text, "nng+req+ws://h:1/", 17);
    text[sizeof text - 1] = '\0';
    CHECK_ERR(weft_sp_url_parse(text, false, &got, NULL), WEFT_ETOOBIG);
    memcpy(text, "nng+req://h:1?aaa", 17);
    CHECK_ERR(weft_sp_url_parse(text, false, &got, NULL), WEFT_ETOOBIG);
}

static void forms_are_listed(void)
{
    size_t n = 0;
    while (weft_sp_form_at(n) != NULL)
        n++;
    CHECK(n >= 6);
    CHECK_STR(weft_sp_form_at(0)->form, "nng+KIND://HOST:PORT");
}

static const test_case cases[] = {
    TEST(a_greeting_is_the_eight_bytes_of_the_standard),
    TEST(each_kind_talks_to_its_peer_alone),
    TEST(a_greeting_is_judged_as_it_comes),
    TEST(a_message_has_its_size_before_it),
    TEST(a_message_beyond_the_limit_is_refused_by_its_size),
    TEST(a_request_has_a_stack_that_ends_with_its_id),
    TEST(a_stack_of_more_than_eight_words_has_gone_too_far),
    TEST(an_answer_has_one_id),
    TEST(hops_are_counted_by_pair1),
    TEST(urls_say_a_kind_and_a_stream),
    TEST(what_is_no_url_is_refused_with_a_sentence),
    TEST(forms_are_listed),
    {0},
};
const test_suite sp_codec_suite = {.name = "protocols/sp_codec", .cases = cases};

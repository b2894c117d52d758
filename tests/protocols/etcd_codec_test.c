/* SPDX-License-Identifier: MIT */
/* What etcd is sent, and what its answers say: as recorded from etcd 3.4.23. */
#include "etcd_codec.h"

#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "runtime/alloc.h"

static etcd_answer a;
static weft_why why;

static weft_err read_text(const char *text)
{
    wf_etcd_answer_done(&a);
    why.text[0] = '\0';
    return wf_etcd_read(text, strlen(text), &a, &why);
}

static void done(void)
{
    wf_etcd_answer_done(&a);
}

/* ---- requests */

static void requests_are_what_the_gateway_takes(void)
{
    char out[ETCD_REQUEST_BYTES];
    wf_etcd_write_grant(out, 5);
    CHECK_STR(out, "{\"TTL\":\"5\"}");
    wf_etcd_write_lease(out, 7587888888888888888U);
    CHECK_STR(out, "{\"ID\":\"7587888888888888888\"}");
    wf_etcd_write_put(out, "a", "b", 7);
    CHECK_STR(out, "{\"key\":\"YQ==\",\"value\":\"Yg==\",\"lease\":\"7\"}");
    wf_etcd_write_range(out, "/weft/c/");
    CHECK_STR(out, "{\"key\":\"L3dlZnQvYy8=\",\"range_end\":\"L3dlZnQvYzA=\"}");
    wf_etcd_write_take(out, "a", "b", 7);
    CHECK_STR(out,
              "{\"compare\":[{\"key\":\"YQ==\",\"target\":\"CREATE\",\"create_revision\":\"0\"}],"
              "\"success\":[{\"request_put\":{\"key\":\"YQ==\",\"value\":\"Yg==\",\"lease\":"
              "\"7\"}}],\"failure\":[{\"request_range\":{\"key\":\"YQ==\"}}]}");
    wf_etcd_write_give(out, "a", "b");
    CHECK_STR(out, "{\"compare\":[{\"key\":\"YQ==\",\"target\":\"VALUE\",\"value\":\"Yg==\"}],"
                   "\"success\":[{\"request_delete_range\":{\"key\":\"YQ==\"}}]}");
    wf_etcd_write_watch(out, "a", 12);
    CHECK_STR(out, "{\"create_request\":{\"key\":\"YQ==\",\"range_end\":\"Yg==\","
                   "\"start_revision\":\"12\",\"prev_kv\":true}}");
}

static void the_longest_key_and_value_fit_a_request(void)
{
    char out[ETCD_REQUEST_BYTES], key[ETCD_KEY_BYTES], value[ETCD_VALUE_BYTES];
    memset(key, 'k', sizeof key - 1);
    key[sizeof key - 1] = '\0';
    memset(value, 'v', sizeof value - 1);
    value[sizeof value - 1] = '\0';
    wf_etcd_write_take(out, key, value, UINT64_MAX);
    CHECK_STR(out + strlen(out) - 5, "\"}}]}");
    CHECK(strlen(out) < ETCD_REQUEST_BYTES - 1);
}

/* ---- answers */

static void a_granted_lease_is_read(void)
{
    CHECK_OK(read_text("{\"header\":{\"cluster_id\":\"9021034555541423752\",\"revision\":\"1\"},"
                       "\"ID\":\"1085827253096958981\",\"TTL\":\"5\"}"));
    CHECK_U64(a.revision, 1);
    CHECK_U64(a.lease, 1085827253096958981U);
    CHECK_U64(a.ttl_s, 5);
}

static void a_lease_that_is_not_there_has_no_time(void)
{
    CHECK_OK(read_text("{\"result\":{\"header\":{\"revision\":\"1\"},\"ID\":\"12\"}}\n"));
    CHECK_U64(a.lease, 12);
    CHECK_U64(a.ttl_s, 0);
    CHECK(!a.failed);
}

static void keys_of_a_range_are_read(void)
{
    CHECK_OK(read_text("{\"header\":{\"revision\":\"9\"},\"kvs\":[{\"key\":\"YQ==\","
                       "\"create_revision\":\"2\",\"mod_revision\":\"3\",\"version\":\"2\","
                       "\"value\":\"Yg==\",\"lease\":\"77\"},{\"key\":\"Yg==\","
                       "\"create_revision\":\"4\",\"mod_revision\":\"4\"}],\"count\":\"2\"}"));
    CHECK_U64(a.n, 2);
    CHECK_STR(a.events[0].key, "a");
    CHECK_STR(a.events[0].value, "b");
    CHECK_U64(a.events[0].created, 2);
    CHECK_U64(a.events[0].modified, 3);
    CHECK_U64(a.events[0].lease, 77);
    CHECK_STR(a.events[1].value, "");
}

static void a_transaction_says_which_branch_it_took(void)
{
    CHECK_OK(read_text("{\"header\":{\"revision\":\"3\"},\"succeeded\":true,\"responses\":"
                       "[{\"response_put\":{\"header\":{\"revision\":\"3\"}}}]}"));
    CHECK(a.succeeded && a.n == 0);
    CHECK_OK(read_text("{\"header\":{\"revision\":\"3\"},\"responses\":[{\"response_range\":"
                       "{\"kvs\":[{\"key\":\"YQ==\",\"create_revision\":\"3\",\"value\":\"Yg==\"}],"
                       "\"count\":\"1\"}}]}"));
    CHECK(!a.succeeded);
    CHECK_U64(a.n, 1);
    CHECK_STR(a.events[0].value, "b");
}

static void events_of_a_watch_are_read(void)
{
    CHECK_OK(read_text("{\"result\":{\"header\":{\"revision\":\"7\"},\"created\":true}}"));
    CHECK(a.created && a.n == 0);
    CHECK_OK(read_text(
        "{\"result\":{\"header\":{\"revision\":\"8\"},\"events\":[{\"kv\":{\"key\":\"YQ==\","
        "\"create_revision\":\"8\",\"mod_revision\":\"8\",\"value\":\"Yg==\"}},"
        "{\"type\":\"DELETE\",\"kv\":{\"key\":\"Yg==\",\"mod_revision\":\"8\"},"
        "\"prev_kv\":{\"key\":\"Yg==\",\"create_revision\":\"5\",\"mod_revision\":\"5\"}}]}}"));
    CHECK_U64(a.n, 2);
    CHECK(!a.events[0].deleted && a.events[1].deleted);
    CHECK_U64(a.events[1].created, 5);
    CHECK_U64(a.events[1].modified, 8);
    CHECK_OK(read_text("{\"result\":{\"header\":{\"revision\":\"9\"},\"canceled\":true,"
                       "\"compact_revision\":\"6\"}}"));
    CHECK(a.cancelled);
    CHECK_U64(a.compacted, 6);
}

static void errors_are_read_of_calls_and_of_streams(void)
{
    CHECK_OK(read_text("{\"error\":\"etcdserver: requested lease not found\",\"message\":"
                       "\"etcdserver: requested lease not found\",\"code\":5}"));
    CHECK(a.failed);
    CHECK_U64(a.code, 5);
    CHECK_STR(a.why, "etcdserver: requested lease not found");
    CHECK_OK(read_text("{\"error\":{\"grpc_code\":14,\"http_code\":503,\"message\":"
                       "\"transport is closing\",\"http_status\":\"Service Unavailable\"}}"));
    CHECK(a.failed);
    CHECK_U64(a.code, 14);
    CHECK_STR(a.why, "transport is closing");
}

static void what_is_too_long_or_no_text_is_left_out(void)
{
    static char text[4096];
    static char long_key[4 * ETCD_KEY_BYTES / 3 / 4 * 4 + 9];
    memset(long_key, 'a', sizeof long_key - 1 - (sizeof long_key - 1) % 4);
    (void)snprintf(text, sizeof text,
                   "{\"kvs\":[{\"key\":\"%s\"},{\"key\":\"YQBi\"},{\"key\":\"YQ==\"}]}", long_key);
    CHECK_OK(read_text(text));
    CHECK_U64(a.n, 1);
    CHECK_U64(a.left_out, 2);
}

static void what_is_not_of_that_form_is_refused_with_the_reason(void)
{
    static const char *const wrong[] = {
        "",
        "Not Found\n",
        "[]",
        "{\"result\":7}",
        "{\"header\":{\"revision\":\"x\"}}",
        "{\"header\":{\"revision\":\"-1\"}}",
        "{\"header\":{\"revision\":\"99999999999999999999\"}}",
        "{\"header\":{\"revision\":-1}}",
        "{\"kvs\":[7]}",
        "{\"kvs\":[{\"key\":7}]}",
        "{\"kvs\":[{\"key\":\"Y\"}]}",
        "{\"events\":[{\"type\":\"DELETE\"}]}",
        "{\"ID\":\"1\",\"ID\":\"2\"}",
        "{\"ID\":\"1\"} and more",
        "{\"ID\":\"\xff\"}",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        CHECK_ERR(read_text(wrong[i]), WEFT_EPROTO);
        CHECK(why.text[0] != '\0');
        CHECK(a.events == NULL && a.n == 0);
    }
}

static void limits_of_an_answer_are_met(void)
{
    size_t n = ETCD_ANSWER_BYTES_MAX + 1;
    char *text = malloc(n);
    REQUIRE(text != NULL);
    memset(text, ' ', n);
    wf_etcd_answer_done(&a);
    CHECK_ERR(wf_etcd_read(text, n, &a, &why), WEFT_ETOOBIG);
    size_t at = (size_t)sprintf(text, "{\"kvs\":[");
    for (unsigned i = 0; i <= ETCD_EVENTS_MAX; i++)
        at += (size_t)sprintf(text + at, "%s{\"key\":\"YQ==\"}", i != 0 ? "," : "");
    at += (size_t)sprintf(text + at, "]}");
    CHECK_ERR(wf_etcd_read(text, at, &a, &why), WEFT_ETOOBIG);
    free(text);
}

static void no_memory_for_keys_is_said_so(void)
{
    wf_alloc_fail_after(0);
    weft_err err = read_text("{\"kvs\":[{\"key\":\"YQ==\"}]}");
    wf_alloc_fail_after(-1);
    CHECK_ERR(err, WEFT_ENOMEM);
}

static const test_case cases[] = {
    TEST(requests_are_what_the_gateway_takes),
    TEST(the_longest_key_and_value_fit_a_request),
    TEST(a_granted_lease_is_read),
    TEST(a_lease_that_is_not_there_has_no_time),
    TEST(keys_of_a_range_are_read),
    TEST(a_transaction_says_which_branch_it_took),
    TEST(events_of_a_watch_are_read),
    TEST(errors_are_read_of_calls_and_of_streams),
    TEST(what_is_too_long_or_no_text_is_left_out),
    TEST(what_is_not_of_that_form_is_refused_with_the_reason),
    TEST(limits_of_an_answer_are_met),
    TEST(no_memory_for_keys_is_said_so),
    {0},
};
const test_suite etcd_codec_suite = {.name = "protocols/etcd_codec", .after = done, .cases = cases};

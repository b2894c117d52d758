/* SPDX-License-Identifier: MIT */
/* Requests to etcd. Base64 and numbers need no quoting, so they are printed. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <weft/hash.h>

#include "etcd_codec.h"

enum { BASE64_BYTES = WEFT_BASE64_BYTES(ETCD_VALUE_BYTES) + 1 };
_Static_assert(4 * BASE64_BYTES < ETCD_REQUEST_BYTES, "a request with two keys and a value fits");

static const char *coded(char out[BASE64_BYTES], const char *text)
{
    size_t n = strlen(text);
    (void)weft_base64(text, n < ETCD_VALUE_BYTES ? n : ETCD_VALUE_BYTES, out);
    return out;
}

void wf_etcd_write_grant(char out[ETCD_REQUEST_BYTES], uint32_t ttl_s)
{
    (void)snprintf(out, ETCD_REQUEST_BYTES, "{\"TTL\":\"%" PRIu32 "\"}", ttl_s);
}

void wf_etcd_write_lease(char out[ETCD_REQUEST_BYTES], uint64_t lease)
{
    (void)snprintf(out, ETCD_REQUEST_BYTES, "{\"ID\":\"%" PRIu64 "\"}", lease);
}

void wf_etcd_write_put(char out[ETCD_REQUEST_BYTES], const char *key, const char *value,
                       uint64_t lease)
{
    char k[BASE64_BYTES], v[BASE64_BYTES];
    (void)snprintf(out, ETCD_REQUEST_BYTES,
                   "{\"key\":\"%s\",\"value\":\"%s\",\"lease\":\"%" PRIu64 "\"}", coded(k, key),
                   coded(v, value), lease);
}

/* The key behind all that begin with @prefix. */
static const char *end_of(char out[BASE64_BYTES], const char *prefix)
{
    char end[ETCD_KEY_BYTES];
    size_t n = (size_t)snprintf(end, sizeof end, "%s", prefix);
    if (n != 0 && n < sizeof end)
        end[n - 1] = (char)((unsigned char)end[n - 1] + 1);
    return coded(out, end);
}

void wf_etcd_write_range(char out[ETCD_REQUEST_BYTES], const char *prefix)
{
    char k[BASE64_BYTES], e[BASE64_BYTES];
    (void)snprintf(out, ETCD_REQUEST_BYTES, "{\"key\":\"%s\",\"range_end\":\"%s\"}",
                   coded(k, prefix), end_of(e, prefix));
}

void wf_etcd_write_take(char out[ETCD_REQUEST_BYTES], const char *key, const char *value,
                        uint64_t lease)
{
    char k[BASE64_BYTES], v[BASE64_BYTES];
    (void)coded(k, key);
    (void)snprintf(
        out, ETCD_REQUEST_BYTES,
        "{\"compare\":[{\"key\":\"%s\",\"target\":\"CREATE\",\"create_revision\":\"0\"}],"
        "\"success\":[{\"request_put\":{\"key\":\"%s\",\"value\":\"%s\",\"lease\":"
        "\"%" PRIu64 "\"}}],"
        "\"failure\":[{\"request_range\":{\"key\":\"%s\"}}]}",
        k, k, coded(v, value), lease, k);
}

void wf_etcd_write_give(char out[ETCD_REQUEST_BYTES], const char *key, const char *value)
{
    char k[BASE64_BYTES], v[BASE64_BYTES];
    (void)coded(k, key);
    (void)snprintf(out, ETCD_REQUEST_BYTES,
                   "{\"compare\":[{\"key\":\"%s\",\"target\":\"VALUE\",\"value\":\"%s\"}],"
                   "\"success\":[{\"request_delete_range\":{\"key\":\"%s\"}}]}",
                   k, coded(v, value), k);
}

void wf_etcd_write_watch(char out[ETCD_REQUEST_BYTES], const char *prefix, uint64_t from)
{
    char k[BASE64_BYTES], e[BASE64_BYTES];
    (void)snprintf(out, ETCD_REQUEST_BYTES,
                   "{\"create_request\":{\"key\":\"%s\",\"range_end\":\"%s\",\"start_revision\":"
                   "\"%" PRIu64 "\",\"prev_kv\":true}}",
                   coded(k, prefix), end_of(e, prefix), from);
}

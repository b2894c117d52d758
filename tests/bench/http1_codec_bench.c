/* SPDX-License-Identifier: MIT */
/* What one HTTP/1.1 exchange costs in the codec: a request's head found and read, and its answer's
 * head written. The requests have 40, 87 and 499 bytes. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "protocols/http/http1_codec.h"
#include "protocols/http/http1_write.h"

#define ROUNDS 5
#define EXCHANGES 200000u

static const struct {
    const char *name, *head;
} requests[] = {
    {"http1_bare", "GET / HTTP/1.1\r\nHost: 127.0.0.1:8880\r\n\r\n"},
    {"http1_curl", "GET /hello/you HTTP/1.1\r\nHost: 127.0.0.1:8880\r\nUser-Agent: curl/7.88.1\r\n"
                   "Accept: */*\r\n\r\n"},
    {"http1_browser",
     "GET /articles/2024/11/actors-in-c.html?from=feed HTTP/1.1\r\nHost: www.example.org\r\n"
     "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\r\n"
     "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8\r\n"
     "Accept-Language: en-US,en;q=0.5\r\nAccept-Encoding: gzip, deflate, br\r\n"
     "Referer: http://www.example.org/\r\nConnection: keep-alive\r\n"
     "Cookie: session=0123456789abcdef0123456789abcdef; theme=dark\r\n"
     "Upgrade-Insecure-Requests: 1\r\nIf-None-Match: \"5f3c-62a1\"\r\n\r\n"},
};

static uint64_t now_ns(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* One exchange; returns the bytes of the answer's head so that nothing of it can be left out. */
static size_t exchange(wf_http1 *p, const uint8_t *at, size_t n)
{
    static const wf_http1_answer answer = {
        .status = 200,
        .minor = 1,
        .framing = WF_HTTP1_LENGTH,
        .content_length = 12,
        .date = "Sun, 06 Nov 1994 08:49:37 GMT",
        .server = {"weft", 4},
        .content_type = {"text/plain; charset=utf-8", 25},
    };
    weft_http_field fields[WF_HTTP1_FIELDS_MAX];
    wf_http1_head head;
    uint8_t out[512];
    size_t scanned = 0, written = 0;
    size_t head_bytes = wf_http1_head_end(at, n, &scanned);

    if (wf_http1_parse_request(p, at, head_bytes, &head, fields, WF_HTTP1_FIELDS_MAX, NULL) !=
            WEFT_OK ||
        wf_http1_write_head(out, sizeof out, &answer, &written, NULL) != WEFT_OK)
        abort();
    __asm__ volatile("" ::"r"(out), "r"(&head), "r"(fields) : "memory");
    return written;
}

int main(void)
{
    wf_http1 p;
    size_t sum = 0;

    wf_http1_init(&p, NULL);
    for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++) {
        size_t n = strlen(requests[i].head);
        uint64_t best = UINT64_MAX;

        for (unsigned round = 0; round < ROUNDS; round++) {
            uint64_t from = now_ns();
            for (unsigned k = 0; k < EXCHANGES; k++)
                sum += exchange(&p, (const uint8_t *)requests[i].head, n);
            uint64_t took = now_ns() - from;
            best = took < best ? took : best;
        }
        (void)printf("%s %.1f ns\n", requests[i].name, (double)best / EXCHANGES);
    }
    return sum > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

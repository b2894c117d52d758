/* SPDX-License-Identifier: MIT */
/* Any bytes as a Range field: what is obeyed lies within the representation, apart from each other,
 * within the number allowed, and its answer is as long as was said. The first byte is the number,
 * the next two the size, or its distance from the largest. */
#include <stdlib.h>
#include <string.h>

#include "http_range.h"

#define RANGES_MAX 32

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void check_ranges(const wf_http_range *ranges, unsigned n, uint64_t size)
{
    for (unsigned i = 0; i < n; i++) {
        must(ranges[i].first <= ranges[i].last && ranges[i].last < size);
        for (unsigned j = 0; j < i; j++)
            must(ranges[i].first > ranges[j].last + 1 || ranges[j].first > ranges[i].last + 1);
    }
}

static void check_answer(const wf_http_range *ranges, unsigned n, uint64_t size)
{
    static const char type[] = "text/html; charset=utf-8";
    static char out[8192];
    wf_http_byteranges parts =
        wf_http_byteranges_new(size, (weft_http_text){type, sizeof type - 1}, size);
    wf_http_writer w = wf_http_writer_over(out, sizeof out);
    uint64_t bytes = 0;

    for (unsigned i = 0; i < n; i++) {
        wf_http_put_byteranges_head(&w, &parts, i == 0, ranges[i]);
        bytes += wf_http_range_length(ranges[i]);
    }
    wf_http_put_byteranges_end(&w, &parts);
    must(w.err == WEFT_OK && bytes <= size);
    if (bytes < UINT64_MAX - w.n)
        must(wf_http_byteranges_total(&parts, ranges, n) == w.n + bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 3)
        return 0;
    unsigned ranges_max = data[0] % (RANGES_MAX + 1), n = 0;
    uint64_t total = (uint64_t)(data[1] & 0x7f) << 8 | data[2];
    if ((data[1] & 0x80) != 0)
        total = UINT64_MAX - total;
    /* In memory of its own, so that a read beyond the field's end is found. */
    char *field = malloc(size - 3 + 1);
    must(field != NULL);
    memcpy(field, data + 3, size - 3);
    wf_http_range *ranges = calloc(ranges_max + 1u, sizeof *ranges);
    must(ranges != NULL);

    wf_http_range_kind kind = wf_http_range_parse((weft_http_text){field, (uint32_t)(size - 3)},
                                                  total, ranges, ranges_max, &n);
    must((n > 0) == (kind == WF_HTTP_RANGE_PARTIAL) && n <= ranges_max);
    must(total > 0 || kind == WF_HTTP_RANGE_WHOLE);
    if (kind == WF_HTTP_RANGE_PARTIAL) {
        check_ranges(ranges, n, total);
        check_answer(ranges, n, total);
    }
    free(ranges);
    free(field);
    return 0;
}

/* SPDX-License-Identifier: MIT */
/* Any bytes as a PROXY header: it is one, may become one, or says why not; each beginning of one may still
 * become it; what it says is written and read back. The first byte chooses the versions. */
#include <stdlib.h>
#include <string.h>

#include "actors/proxy_header.h"

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void check_written(const wf_proxy_header *h)
{
    uint8_t out[WF_PROXY_OUT_BYTES_MAX];
    wf_proxy_header again;
    weft_why why;
    for (unsigned v = WF_PROXY_V1; v <= WF_PROXY_V2; v++) {
        size_t n = wf_proxy_header_write((wf_proxy_version)v, &h->source, &h->destination, out);
        must(n <= sizeof out);
        must(wf_proxy_header_read(out, n, v, &again, &why) == WEFT_OK && again.bytes == n);
        if (!again.known)
            continue;
        must(memcmp(&again.source, &h->source, sizeof h->source) == 0);
        must(memcmp(&again.destination, &h->destination, sizeof h->destination) == 0);
    }
}

/* Reads the first @n bytes out of memory that ends with them. */
static weft_err read_first(const uint8_t *data, size_t n, unsigned versions, wf_proxy_header *out)
{
    uint8_t *copy = malloc(n > 0 ? n : 1);
    weft_why why = {""};
    must(copy != NULL);
    if (n > 0)
        memcpy(copy, data, n);
    weft_err err = wf_proxy_header_read(copy, n, versions, out, &why);
    must(err == WEFT_OK || err == WEFT_EFULL || why.text[0] != '\0');
    free(copy);
    return err;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    wf_proxy_header header = {.bytes = 0}, part;
    if (size == 0)
        return 0;
    unsigned versions = 1 + data[0] % 3;
    data++;
    size--;
    weft_err err = read_first(data, size, versions, &header);
    size_t step = 1 + size / 32;
    if (err == WEFT_OK) {
        must(header.bytes > 0 && header.bytes <= size && header.bytes <= WF_PROXY_V2_BYTES_MAX);
        must(read_first(data, header.bytes, versions, &part) == WEFT_OK);
        for (size_t n = 0; n < header.bytes; n += step)
            must(read_first(data, n, versions, &part) == WEFT_EFULL);
        if (header.known)
            check_written(&header);
    } else if (err == WEFT_EFULL)
        for (size_t n = 0; n < size; n += step)
            must(read_first(data, n, versions, &part) == WEFT_EFULL);
    return 0;
}

/* SPDX-License-Identifier: MIT */
/* A chunk: small data is copied between its head and its tail, large data stands between them as it is. */
#include <string.h>

#include "http1_write.h"
#include "http_chunk.h"

enum { SMALL_BYTES = 2048 /* copied, so that many of them leave in one */ };

weft_err wf_http_chunk_write(weft_actor *self, weft_ref stream, weft_bytes bytes)
{
    uint8_t chunk[WF_HTTP1_CHUNK_HEAD_BYTES_MAX + SMALL_BYTES + sizeof WF_HTTP1_CHUNK_TAIL], *to;
    weft_bytes part[3] = {WEFT_NO_BYTES, bytes, WEFT_BYTES_LITERAL(WF_HTTP1_CHUNK_TAIL)};
    size_t n = wf_http1_chunk_head(chunk, bytes.size);
    if (bytes.size <= SMALL_BYTES) {
        memcpy(chunk + n, bytes.at, bytes.size);
        memcpy(chunk + n + bytes.size, part[2].at, part[2].size);
        return weft_write_copy(self, stream, chunk, n + bytes.size + part[2].size);
    }
    weft_err err = weft_bytes_new(n, &to, &part[0]);
    if (err != WEFT_OK)
        return err;
    memcpy(to, chunk, n);
    err = weft_write_parts(self, stream, part, 3);
    weft_bytes_drop(&part[0]);
    return err;
}

/* SPDX-License-Identifier: MIT */
/* A piece of a chunked body, of a request or a response, on its stream. */
#ifndef WF_HTTP_CHUNK_H
#define WF_HTTP_CHUNK_H

#include <weft/stream.h>

/* Writes @bytes as one chunk: head, data and tail, all of them or nothing. errors: as weft_write_parts. */
weft_err wf_http_chunk_write(weft_actor *self, weft_ref stream, weft_bytes bytes);

#endif

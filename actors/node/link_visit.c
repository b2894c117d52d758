/* SPDX-License-Identifier: MIT */
/* What is said between a node and a visitor. */
#include "link_visit.h"

#include <inttypes.h>
#include <string.h>

weft_err wf_visit_read(link_visit *v, const uint8_t **at, size_t *n, link_frame *out, weft_why *why)
{
    v->reader.bytes_max = LINK_HELLO_BYTES_MAX;
    weft_err err = wf_link_read(&v->reader, at, n, out, why);
    if (err != WEFT_OK)
        return err;
    if (out->seq != v->seq_in + 1)
        return weft_because(why, WEFT_EPROTO, "frame %" PRIu64 " came; expected %" PRIu64, out->seq,
                            v->seq_in + 1);
    v->seq_in++;
    return WEFT_OK;
}

void wf_visit_done(link_visit *v)
{
    wf_link_reader_done(&v->reader);
}

static size_t head(link_visit *v, uint8_t *to, link_kind kind, size_t bytes)
{
    wf_link_write_head(to, kind, ++v->seq_out, (uint32_t)bytes);
    return LINK_HEAD_BYTES + bytes;
}

size_t wf_visit_hello(link_visit *v, uint8_t *to, const link_hello *hello)
{
    return head(v, to, LINK_HELLO, wf_link_write_hello(to + LINK_HEAD_BYTES, hello));
}

size_t wf_visit_pair(link_visit *v, uint8_t *to, link_kind kind, uint64_t value)
{
    wf_link_write_pair(to + LINK_HEAD_BYTES, (link_pair){value, v->seq_in});
    return head(v, to, kind, LINK_PAIR_BYTES);
}

size_t wf_visit_bye(link_visit *v, uint8_t *to, link_bye reason, const char *why)
{
    link_goodbye g = {.reason = reason, .consumed = v->seq_in};
    strncpy(g.why, why, sizeof g.why - 1);
    return head(v, to, LINK_BYE, wf_link_write_goodbye(to + LINK_HEAD_BYTES, &g));
}

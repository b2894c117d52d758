/* SPDX-License-Identifier: MIT */
/* Which packer a coding has, and wholes. */
#include "http_packer.h"

const wf_http_packer *wf_http_packer_of(wf_http_coding coding)
{
    static const wf_http_packer *const packers[WF_HTTP_CODINGS_COUNT_] = {
        [WF_HTTP_GZIP] = &wf_http_pack_gzip,
        [WF_HTTP_BROTLI] = &wf_http_pack_brotli,
    };
    return packers[coding];
}

/* The smallest window that holds all of it. */
static unsigned window_of(size_t n)
{
    unsigned window = WF_HTTP_PACK_WINDOW_STREAM;

    while (window < WF_HTTP_PACK_WINDOW_MAX && (size_t)1 << window < n)
        window++;
    return window;
}

weft_err wf_http_pack_whole(wf_http_coding coding, const void *from, size_t n, uint8_t *to,
                            size_t to_max, size_t *packed_n)
{
    const wf_http_packer *packer = wf_http_packer_of(coding);
    const uint8_t *in = from;
    size_t room = to_max;
    bool done = false;
    void *state = packer->open(window_of(n));

    if (state == NULL)
        return WEFT_ENOMEM;
    weft_err err = packer->run(state, WF_HTTP_PACK_END, &in, &n, &to, &room, &done);
    packer->close(state);
    if (err == WEFT_OK && !done)
        err = WEFT_ETOOBIG;
    if (err == WEFT_OK)
        *packed_n = to_max - room;
    return err;
}

/* SPDX-License-Identifier: MIT */
/* The wrapper of brotli: unpacking. */
#include "http_unpack.h"

#include <brotli/decode.h>

static void *brotli_open(void)
{
    return BrotliDecoderCreateInstance(NULL, NULL, NULL);
}

static weft_err brotli_run(void *state, const uint8_t **in, size_t *in_n, uint8_t **out,
                           size_t *out_n, bool *done)
{
    BrotliDecoderResult got = BrotliDecoderDecompressStream(state, in_n, in, out_n, out, NULL);
    *done = got == BROTLI_DECODER_RESULT_SUCCESS;
    if (got != BROTLI_DECODER_RESULT_ERROR)
        return WEFT_OK;
    BrotliDecoderErrorCode code = BrotliDecoderGetErrorCode(state);
    return code <= BROTLI_DECODER_ERROR_ALLOC_CONTEXT_MODES &&
                   code >= BROTLI_DECODER_ERROR_ALLOC_BLOCK_TYPE_TREES
               ? WEFT_ENOMEM
               : WEFT_EPROTO;
}

static void brotli_close(void *state)
{
    BrotliDecoderDestroyInstance(state);
}

const wf_http_unpack_ops wf_http_unpack_brotli = {
    .names = {"br"}, .open = brotli_open, .run = brotli_run, .close = brotli_close};

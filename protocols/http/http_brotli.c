/* SPDX-License-Identifier: MIT */
/* The wrapper of brotli. */
#include <brotli/decode.h>
#include <brotli/encode.h>
#include <setjmp.h>
#include <stddef.h>

#include <weft/edge.h>

#include "http_packer.h"
#include "http_unpack.h"

/* As gzip's level: a MiB of source text is 12 % smaller than gzip's in one and a half times its time (28 ms). */
enum { QUALITY = 5 };

/* ---- unpacking */

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

/* ---- packing */

/* As it is built for Debian the encoder ends the process when memory is out. So it is left by a jump in the midst of
 * whatever it does, is not used again, and all it has taken, which includes its state, is given back from a list. */

typedef struct taken {
    _Alignas(max_align_t) struct taken *next;
    struct taken *before;
} taken;

typedef struct packer {
    BrotliEncoderState *encoder;
    taken list; /* in a ring with all that was taken */
    jmp_buf without_memory;
} packer;

static void *take_memory(void *at, size_t n)
{
    packer *p = at;
    taken *t = weft_alloc(sizeof *t + n);

    if (t == NULL)
        longjmp(p->without_memory, 1);
    t->before = &p->list;
    t->next = p->list.next;
    t->next->before = t;
    p->list.next = t;
    return t + 1;
}

static void give_memory(void *at, void *memory)
{
    (void)at;
    if (memory == NULL)
        return;
    taken *t = (taken *)memory - 1;
    t->before->next = t->next;
    t->next->before = t->before;
    weft_alloc_free(t);
}

static void pack_close(void *state)
{
    packer *p = state;

    if (p == NULL)
        return;
    while (p->list.next != &p->list)
        give_memory(p, p->list.next + 1);
    weft_alloc_free(p);
}

static void *pack_open(unsigned window)
{
    packer *p = weft_alloc_zero(sizeof *p);

    if (p == NULL)
        return NULL;
    p->list.next = p->list.before = &p->list;
    if (setjmp(p->without_memory) == 0)
        p->encoder = BrotliEncoderCreateInstance(take_memory, give_memory, p);
    if (p->encoder != NULL &&
        BrotliEncoderSetParameter(p->encoder, BROTLI_PARAM_QUALITY, QUALITY) &&
        BrotliEncoderSetParameter(p->encoder, BROTLI_PARAM_LGWIN, window))
        return p;
    pack_close(p);
    return NULL;
}

static weft_err pack_run(void *state, wf_http_pack_how how, const uint8_t **in, size_t *in_n,
                         uint8_t **out, size_t *out_n, bool *done)
{
    static const BrotliEncoderOperation operations[] = {
        BROTLI_OPERATION_PROCESS, BROTLI_OPERATION_FLUSH, BROTLI_OPERATION_FINISH};
    packer *p = state;

    if (setjmp(p->without_memory) != 0)
        return WEFT_ENOMEM;
    if (!BrotliEncoderCompressStream(p->encoder, operations[how], in_n, in, out_n, out, NULL))
        return WEFT_ENOMEM;
    *done = *in_n == 0 && (how == WF_HTTP_PACK_END ? BrotliEncoderIsFinished(p->encoder)
                                                   : !BrotliEncoderHasMoreOutput(p->encoder));
    return WEFT_OK;
}

const wf_http_packer wf_http_pack_brotli = {
    .open = pack_open, .run = pack_run, .close = pack_close};

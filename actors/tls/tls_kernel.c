/* SPDX-License-Identifier: MIT */
/* When the kernel seals what a server sends (kTLS, leaf_sealed.c).
 *
 * A connection begins with records of our own and changes over, once, at the first file that is long enough to
 * be worth two calls and a cipher in the kernel: most never do (docs/decisions/0058). What was sealed here must
 * have left before that, since the kernel would seal it again. */
#include "tls_parts.h"

weft_err wf_tls_kernel_may(weft_tls *tls, weft_why *why)
{
    weft_tls_kernel asked = tls->own.config.kernel;
    weft_why reason = {""};
    if (!tls->server || asked == WEFT_TLS_KERNEL_OFF)
        return WEFT_OK;
    weft_err err = wf_seal_offered(&reason);
    tls->kernel = err == WEFT_OK;
    if (err == WEFT_OK || asked == WEFT_TLS_KERNEL_AUTO)
        return WEFT_OK;
    return weft_because(why, err, "TLS: %s, or ktls=auto", reason.text);
}

static bool is_worth_it(const tls_state *s, bool file, uint64_t bytes)
{
    return s->tls->own.config.kernel == WEFT_TLS_KERNEL_ON ||
           (file && bytes >= WEFT_TLS_KERNEL_BYTES_MIN);
}

/* errors: EUNSUPPORTED, now, since @bytes are too many for one key; or for ever. */
static weft_err change_over(tls_state *s, uint64_t bytes)
{
    wf_seal_key key;
    weft_err err = WEFT_EUNSUPPORTED;
    if (!wf_tls_records_out(s->records, &key))
        s->kernel = TLS_KERNEL_NOT;
    else if (wf_seal_has_room(&key, bytes)) {
        err = wf_seal_begin(s->stage->owner, &key);
        s->kernel = err == WEFT_OK ? TLS_KERNEL_SEALS : TLS_KERNEL_NOT;
    }
    OPENSSL_cleanse(&key, sizeof key);
    if (err == WEFT_OK)
        wf_tls_records_out_drop(s->records);
    return err;
}

weft_err wf_tls_kernel_lets_by(weft_stage *stage, bool file, uint64_t bytes)
{
    tls_state *s = weft_stage_state(stage);
    if (s->kernel != TLS_KERNEL_MAY || !s->up || s->failed != WEFT_OK ||
        !is_worth_it(s, file, bytes))
        return WEFT_EUNSUPPORTED;
    if (s->ssl != NULL || !wf_seal_can(stage->owner)) {
        s->kernel = TLS_KERNEL_NOT;
        return WEFT_EUNSUPPORTED;
    }
    if (wf_tls_records_renews(s))
        return WEFT_EUNSUPPORTED; /* the next piece, which new keys go before, is ours still */
    return conn_has_output(stage->owner) ? WEFT_EFULL : change_over(s, bytes);
}

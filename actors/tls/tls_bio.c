/* SPDX-License-Identifier: MIT */
/* The BIO between OpenSSL and what stands below a stage: it reads bytes where they stand, a record at a
 * time, and sends what it is given at once, so that OpenSSL holds no more than the record at hand. */
#include "tls_parts.h"

#include <string.h>

static int bio_read(BIO *bio, char *to, int size)
{
    tls_state *s = BIO_get_data(bio);
    size_t left = s->in.size - s->used, n = left < (size_t)size ? left : (size_t)size;
    BIO_clear_retry_flags(bio);
    if (n == 0) {
        BIO_set_retry_read(bio);
        return -1;
    }
    memcpy(to, s->in.at + s->used, n);
    s->used += n;
    return (int)n;
}

static int bio_write(BIO *bio, const char *from, int size)
{
    tls_state *s = BIO_get_data(bio);
    weft_bytes bytes;
    uint8_t *to;
    BIO_clear_retry_flags(bio);
    s->sending = weft_bytes_new((size_t)size, &to, &bytes);
    if (s->sending != WEFT_OK)
        return -1;
    memcpy(to, from, (size_t)size);
    s->sending = weft_stage_send(s->stage, bytes);
    if (s->sending == WEFT_EGONE)
        s->sending = WEFT_OK; /* behind our close_notify nothing has to be said any more */
    weft_bytes_drop(&bytes);
    return s->sending == WEFT_OK ? size : -1;
}

static long bio_ctrl(BIO *bio, int cmd, long number, void *at)
{
    (void)bio, (void)number, (void)at;
    return cmd == BIO_CTRL_FLUSH;
}

BIO_METHOD *wf_tls_bio_method(void)
{
    BIO_METHOD *m = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "weft stage");
    if (m != NULL)
        (void)(BIO_meth_set_read(m, bio_read), BIO_meth_set_write(m, bio_write),
               BIO_meth_set_ctrl(m, bio_ctrl));
    return m;
}

BIO *wf_tls_bio_new(tls_state *s)
{
    BIO *bio = BIO_new(s->tls->bio);
    if (bio == NULL)
        return NULL;
    BIO_set_data(bio, s);
    BIO_set_init(bio, 1);
    return bio;
}

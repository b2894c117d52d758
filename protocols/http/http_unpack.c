/* SPDX-License-Identifier: MIT */
/* Which coding a body has, and its end. */
#include "http_unpack.h"

#include <string.h>

#include <weft/edge.h>

#include "http_fields.h"

struct wf_http_unpack {
    const wf_http_unpack_ops *ops;
    void *state;
    bool begun, done;
};

static const wf_http_unpack_ops *const codings[] = {
    &wf_http_unpack_gzip,
    &wf_http_unpack_deflate,
    &wf_http_unpack_brotli,
    NULL,
};

static const wf_http_unpack_ops *coding_of(weft_http_text encoding)
{
    for (const wf_http_unpack_ops *const *ops = codings; *ops != NULL; ops++)
        for (const char *const *name = (*ops)->names; *name != NULL; name++)
            if (wf_http_text_is(encoding, *name))
                return *ops;
    return NULL;
}

weft_err wf_http_unpack_new(weft_http_text encoding, wf_http_unpack **out)
{
    const wf_http_unpack_ops *ops = encoding.at != NULL ? coding_of(encoding) : NULL;
    *out = NULL;
    if (ops == NULL)
        return WEFT_OK;
    wf_http_unpack *u = weft_alloc_zero(sizeof *u);
    if (u == NULL)
        return WEFT_ENOMEM;
    u->ops = ops;
    u->state = ops->open();
    if (u->state == NULL) {
        weft_alloc_free(u);
        return WEFT_ENOMEM;
    }
    *out = u;
    return WEFT_OK;
}

weft_err wf_http_unpack_run(wf_http_unpack *u, const uint8_t *in, size_t n, size_t *used,
                            uint8_t *out, size_t room, size_t *made, weft_why *why)
{
    size_t left = n, room_left = room;
    *used = *made = 0;
    if (u->done && n != 0 && u->ops->again != NULL) {
        u->ops->again(u->state);
        u->done = false;
    }
    if (u->done)
        return n == 0 ? WEFT_OK
                      : weft_because(why, WEFT_EPROTO, "%zu bytes behind the packed body", n);
    u->begun |= n != 0;
    weft_err err = u->ops->run(u->state, &in, &left, &out, &room_left, &u->done);
    if (err != WEFT_OK)
        return weft_because(why, err, "the body is not what Content-Encoding says (%s)",
                            u->ops->names[0]);
    *used = n - left;
    *made = room - room_left;
    return WEFT_OK;
}

weft_err wf_http_unpack_end(const wf_http_unpack *u, weft_why *why)
{
    if (u->done || !u->begun)
        return WEFT_OK;
    return weft_because(why, WEFT_ETRUNCATED, "the packed body ends too early (%s)",
                        u->ops->names[0]);
}

void wf_http_unpack_free(wf_http_unpack *u)
{
    if (u == NULL)
        return;
    u->ops->close(u->state);
    weft_alloc_free(u);
}

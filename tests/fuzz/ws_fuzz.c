/* SPDX-License-Identifier: MIT */
/* WebSocket frames, and what is said of packing, as they come: any bytes are events or an error, however they
 * are cut, and what was agreed on can be agreed on. */
#include <stdlib.h>
#include <string.h>

#include "ws_codec.h"
#include "ws_extension.h"
#include "ws_handshake.h"

/* What came of the bytes: enough to tell two readings apart. */
typedef struct outcome {
    weft_err err;
    uint16_t code;
    uint64_t bytes, events;
} outcome;

static void note(outcome *o, const wf_ws_event *e)
{
    if (e->kind == WF_WS_PIECE) {
        for (size_t i = 0; i < e->n; i++)
            o->bytes = o->bytes * 31 + e->at[i];
        o->events += e->last ? 1 + e->text : 0;
    } else {
        o->events += 1000 * (uint64_t)e->kind + e->code + e->n;
    }
}

static outcome read_steps(bool client, bool packs, const uint8_t *at, size_t n, size_t step)
{
    const wf_ws_limits limits = {.message_bytes_max = 1 << 16};
    wf_ws_codec codec;
    weft_why why = {""};
    outcome o = {.err = wf_ws_init(&codec, client, packs, &limits)};
    for (size_t i = 0; i < n && o.err == WEFT_OK;) {
        size_t size = n - i < step ? n - i : step, used;
        wf_ws_event event;
        do {
            o.err = wf_ws_read(&codec, at + i, size, &used, &event, &o.code, &why);
            if (used > size)
                abort();
            i += used;
            size -= used;
            if (o.err == WEFT_OK)
                note(&o, &event);
        } while (o.err == WEFT_OK && event.kind != WF_WS_NOTHING);
        if (o.err == WEFT_OK && size != 0)
            abort();
    }
    if ((o.err != WEFT_OK) != (o.code != 0) || (o.err != WEFT_OK && why.text[0] == '\0'))
        abort();
    wf_ws_done(&codec);
    return o;
}

static void look_at_extensions(const uint8_t *at, size_t n)
{
    weft_http_text text = {(const char *)at, (uint32_t)n};
    char answer[WF_WS_EXTENSION_BYTES];
    wf_ws_deflate got = wf_ws_extension_accept(text, answer), again;
    if (got.agreed != (answer[0] != '\0'))
        abort();
    if (got.agreed && (got.window_bits < 9 || got.window_bits > 15))
        abort();
    weft_http_text said = {answer, (uint32_t)strlen(answer)};
    if (got.agreed && (!wf_ws_extension_agreed(said, &again) || !again.agreed))
        abort();
    (void)wf_ws_extension_agreed(text, &again);
    (void)wf_ws_key_is_valid(text);
    static const char *const ours[] = {"v2", "v1", NULL};
    (void)wf_ws_protocol_choose(ours, text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    bool client = (data[0] & 1) != 0, packs = (data[0] & 2) != 0;
    size_t step = 1 + data[1] % 64;
    outcome whole = read_steps(client, packs, data + 2, size - 2, size);
    outcome cut = read_steps(client, packs, data + 2, size - 2, step);
    if (whole.err != cut.err || whole.code != cut.code ||
        (whole.err == WEFT_OK && (whole.bytes != cut.bytes || whole.events != cut.events)))
        abort();
    look_at_extensions(data + 2, size - 2);
    return 0;
}

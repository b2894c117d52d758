/* SPDX-License-Identifier: MIT */
/* Telnet as it comes: the same text, commands and options however it is cut; what was read is written and
 * read back. */
#include <stdlib.h>
#include <string.h>

#include "telnet_codec.h"
#include "telnet_options.h"

typedef struct outcome {
    weft_err err;
    uint64_t hash, said;
    uint8_t *text;
    size_t n;
} outcome;

static void add(outcome *o, const uint8_t *at, size_t n)
{
    for (size_t i = 0; i < n; i++)
        o->hash = o->hash * 31 + at[i];
    o->hash = o->hash * 31 + n;
}

/* Runs of text are cut as what comes is: only their bytes count. */
static void on_event(outcome *o, wf_telnet_options *options, const wf_telnet_event *event)
{
    switch (event->kind) {
    case WF_TELNET_TEXT:
        memcpy(o->text + o->n, event->at, event->n);
        o->n += event->n;
        for (size_t i = 0; i < event->n; i++)
            o->hash = o->hash * 31 + event->at[i];
        break;
    case WF_TELNET_COMMAND:
        add(o, &event->verb, 1);
        break;
    case WF_TELNET_SAYS: {
        wf_telnet_turn turn = wf_telnet_heard(options, event->verb, event->option);
        o->said = o->said * 31 + turn.say + event->option;
        break;
    }
    case WF_TELNET_SUB:
        if (event->n > WF_TELNET_SUB_BYTES_MAX)
            abort();
        add(o, event->at, event->n);
        break;
    default:
        break;
    }
}

static outcome read_steps(const uint8_t *at, size_t n, size_t step, bool binary)
{
    wf_telnet_reader r = {.binary = binary};
    wf_telnet_options options = {0};
    outcome o = {.text = malloc(n + 1)};
    wf_telnet_welcome(&options, WF_TELNET_OURS, 1);
    wf_telnet_welcome(&options, WF_TELNET_PEERS, 31);
    (void)wf_telnet_want(&options, WF_TELNET_OURS, 3, true);
    for (size_t i = 0; i < n && o.err == WEFT_OK;) {
        size_t size = n - i < step ? n - i : step, used = 0;
        wf_telnet_event event;
        weft_why why;
        o.err = wf_telnet_read(&r, at + i, size, &used, &event, &why);
        if (used == 0 || used > size)
            abort();
        i += used;
        if (o.err == WEFT_OK)
            on_event(&o, &options, &event);
    }
    return o;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    bool binary = data[0] % 2 != 0;
    outcome whole = read_steps(data + 1, size - 1, size, binary);
    outcome cut = read_steps(data + 1, size - 1, 1 + data[0] % 16, binary);
    if (whole.err != cut.err || whole.hash != cut.hash || whole.said != cut.said)
        abort();

    uint8_t *written = malloc(WF_TELNET_WRITTEN_BYTES(whole.n));
    wf_telnet_writer w = {.binary = true};
    size_t n = wf_telnet_write(&w, whole.text, whole.n, written);
    outcome back = read_steps(written, n, size, true);
    if (n > WF_TELNET_WRITTEN_BYTES(whole.n) || back.n != whole.n ||
        memcmp(back.text, whole.text, back.n) != 0)
        abort();
    free(written);
    free(whole.text);
    free(cut.text);
    free(back.text);
    return 0;
}

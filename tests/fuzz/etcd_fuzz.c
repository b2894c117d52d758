/* SPDX-License-Identifier: MIT */
/* Any bytes as an answer of etcd: it is read, and every text of it is whole, or it says why. */
#include <stdlib.h>
#include <string.h>

#include "etcd_codec.h"

static void must(bool holds)
{
    if (!holds)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t size)
{
    etcd_answer a;
    weft_why why = {""};
    if (wf_etcd_read(at, size, &a, &why) != WEFT_OK) {
        must(a.events == NULL && a.n == 0 && why.text[0] != '\0');
        return 0;
    }
    must(a.n <= a.room && a.n <= ETCD_EVENTS_MAX);
    for (size_t i = 0; i < a.n; i++) {
        char out[ETCD_REQUEST_BYTES];
        const etcd_event *e = &a.events[i];
        must(strlen(e->key) < sizeof e->key && strlen(e->value) < sizeof e->value);
        wf_etcd_write_take(out, e->key, e->value, e->lease);
        must(strlen(out) > 3 && strcmp(out + strlen(out) - 3, "}]}") == 0);
        wf_etcd_write_range(out, e->key);
        must(out[strlen(out) - 1] == '}');
    }
    must(!a.failed || strlen(a.why) < sizeof a.why);
    wf_etcd_answer_done(&a);
    return 0;
}

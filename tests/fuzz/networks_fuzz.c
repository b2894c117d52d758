/* SPDX-License-Identifier: MIT */
/* Any text as a network: it is one or says why not; its own address is in it, with all its bits. */
#include <stdlib.h>
#include <string.h>

#include "actors/networks.h"

static void must(bool holds)
{
    if (!holds)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    wf_networks list = {.n = 1};
    weft_why why = {""};
    char *text = malloc(size > 0 ? size : 1);
    if (text == NULL)
        return 0;
    if (size > 0)
        memcpy(text, data, size);
    if (wf_network_read(text, size, &list.at[0], &why) == WEFT_OK) {
        const wf_network *n = &list.at[0];
        weft_address inside = {.family = n->family};
        memcpy(inside.ip, n->ip, sizeof inside.ip);
        must(n->family == WEFT_FAMILY_V4 || n->family == WEFT_FAMILY_V6);
        must(n->bits <= (n->family == WEFT_FAMILY_V4 ? 32 : 128));
        must(wf_networks_match(&list, &inside) == n->bits);
        if (n->bits > 0) {
            inside.ip[(n->bits - 1) / 8] ^= (uint8_t)(0x80 >> (n->bits - 1) % 8);
            must(wf_networks_match(&list, &inside) == -1);
        }
    } else
        must(why.text[0] != '\0');
    free(text);
    return 0;
}

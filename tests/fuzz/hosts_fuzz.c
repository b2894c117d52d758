/* SPDX-License-Identifier: MIT */
/* Any text as a hosts file, whose first bytes are also a name that is looked for in it. */
#include <stdlib.h>
#include <string.h>

#include "resolver.h"

enum { NAME = 16 };

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void find(const wf_hosts *hosts, const char *name, uint16_t type)
{
    wf_answer *answer = NULL;
    must(wf_hosts_find(hosts, name, type, &answer) == WEFT_OK);
    for (uint32_t i = 0; answer != NULL && i < answer->n; i++)
        must(answer->record[i].type == type);
    wf_answer_drop(&answer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char name[NAME + 1] = "", normal[WEFT_DNS_NAME_BYTES];
    size_t n = size < NAME ? size : NAME;
    char *text = malloc(size + 1); /* so that a read behind its end is seen */
    if (text == NULL)
        return 0;
    if (size != 0) {
        memcpy(text, data, size);
        memcpy(name, data, n);
    }
    wf_hosts *hosts = wf_hosts_read(text, size);
    must(hosts != NULL);
    if (weft_dns_name_normal(name, normal, NULL) == WEFT_OK) {
        find(hosts, normal, WEFT_DNS_A);
        find(hosts, normal, WEFT_DNS_AAAA);
        find(hosts, normal, WEFT_DNS_PTR);
        find(hosts, normal, WEFT_DNS_MX);
    }
    find(hosts, "1.0.0.127.in-addr.arpa", WEFT_DNS_PTR);
    wf_hosts_free(&hosts);
    free(text);
    return 0;
}

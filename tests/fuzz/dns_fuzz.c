/* SPDX-License-Identifier: MIT */
/* Any bytes as a message of DNS: it is read or says why; a name or record that was read is written and read
 * again the same; what the resolver makes of it is whole. */
#include <stdlib.h>
#include <string.h>

#include "resolver.h"

enum { ROOM = 65535 };

static volatile uint8_t seen; /* every byte of an answer is looked at */

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void check_again(const weft_dns_record *record)
{
    static uint8_t room[ROOM];
    weft_dns_writer w;
    weft_dns_reader r;
    weft_dns_header header;
    static weft_dns_record again;
    weft_why why;
    must(weft_dns_write_begin(&w, room, sizeof room, &(weft_dns_header){.id = 1}) == WEFT_OK);
    if (weft_dns_write_record(&w, WEFT_DNS_ANSWER, record, &why) != WEFT_OK)
        return; /* a large one beside a long name */
    must(weft_dns_read_begin(&r, room, w.size, &header, &why) == WEFT_OK && header.answers == 1);
    must(weft_dns_read_record(&r, &again, &why) == WEFT_OK && r.next == w.size);
    must(strcmp(again.name, record->name) == 0 && again.type == record->type);
    must(again.type == WEFT_DNS_OPT || again.ttl_s == record->ttl_s);
    if (record->type == WEFT_DNS_SRV)
        must(strcmp(again.of.srv.host, record->of.srv.host) == 0);
    if (record->type == WEFT_DNS_TXT)
        must(again.data_bytes == record->data_bytes &&
             memcmp(again.data, record->data, record->data_bytes) == 0);
}

static void check_answer(const uint8_t *at, size_t size, const weft_dns_question *question)
{
    const wf_answer_limits limits = {1, 86400, 900};
    char name[WEFT_DNS_NAME_BYTES];
    wf_answer *answer = NULL;
    weft_why why = {""};
    must(weft_dns_name_normal(question->name, name, NULL) == WEFT_OK);
    if (wf_answer_read(at, size, name, question->type, &limits, &answer, &why) != WEFT_OK) {
        must(answer == NULL && why.text[0] != '\0');
        return;
    }
    must(answer->none == (answer->n == 0));
    for (uint32_t i = 0; i < answer->n; i++) {
        const weft_resolver_record *r = &answer->record[i];
        must(r->type == question->type);
        must(r->host == NULL || strlen(r->host) < WEFT_DNS_NAME_BYTES);
        for (size_t k = 0; k < r->data_bytes; k++)
            seen ^= r->data[k];
    }
    wf_answer_drop(&answer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static weft_dns_question question;
    static weft_dns_record record;
    weft_dns_header header = {.id = 0};
    weft_dns_reader r = {.size = size};
    weft_why why = {""};
    weft_err err = weft_dns_read_begin(&r, data, size, &header, &why);
    for (unsigned i = 0; err == WEFT_OK && i < header.questions; i++)
        if ((err = weft_dns_read_question(&r, &question, &why)) == WEFT_OK && i == 0)
            check_answer(data, size, &question);
    unsigned records = 0U + header.answers + header.authorities + header.additional;
    for (unsigned i = 0; err == WEFT_OK && i < records; i++)
        if ((err = weft_dns_read_record(&r, &record, &why)) == WEFT_OK)
            check_again(&record);
    must(r.next <= size);
    must(err == WEFT_OK || why.text[0] != '\0');
    return 0;
}

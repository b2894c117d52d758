/* SPDX-License-Identifier: MIT */
/* Mail addresses and hosts, given one by one or as files of them, to be found among any number of others.
 *
 * Compared without regard to case, on both sides of the @: RFC 5321 (section 2.4) leaves what stands before it to its
 * host, and there is none where "Ann" and "ann" get each other's letters. "ann"@host is ann@host (section 4.1.2). */
#ifndef WEFTD_ADDRESS_LIST_H
#define WEFTD_ADDRESS_LIST_H

#include <stdbool.h>
#include <stddef.h>

#include <weft/options.h>

enum { ADDRESSES_MAX = 1 << 22 };

typedef struct address_words {
    char **at; /* sorted once they are all there */
    size_t count, room;
} address_words;

typedef struct address_list {
    address_words words; /* "ann@example.org", "@example.org" */
    address_words hosts; /* "@example.org" of all of them, in an order of its own */
} address_list;

/* Fills a zeroed list from the words of --@option and the files of --@option-file, whose lines are addresses, empty,
 * or begin with a #. errors: EINVAL naming the word, or the file and its line; those of reading; ETOOBIG
 * (ADDRESSES_MAX); ENOMEM. */
WEFT_MUST_USE weft_err address_list_fill(address_list *list, const char *option,
                                         const weft_option_texts *words,
                                         const weft_option_texts *files, weft_why *why);
/* Whether @address is among them, or all of its host are. */
bool address_list_has(const address_list *list, const char *address);
/* Whether anybody of its host is. */
bool address_list_has_host(const address_list *list, const char *address);
void address_list_done(address_list *list);

#endif

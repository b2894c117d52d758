/* SPDX-License-Identifier: MIT */
/* The envelope that a message's header says. */
#include "envelope.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ---- recipients */

/* Capitals make no difference, as in lists of addresses (address_list.h). */
static bool has(const envelope *e, const char *address)
{
    for (uint32_t i = 0; i < e->to_n; i++)
        if (strcasecmp(e->to[i], address) == 0)
            return true;
    return false;
}

weft_err envelope_add(envelope *e, const char *address, weft_why *why)
{
    if (has(e, address))
        return WEFT_OK;
    if (e->to_n == ENVELOPE_RECIPIENTS_MAX)
        return weft_because(why, WEFT_ETOOBIG, "there are more recipients, expected at most %d",
                            ENVELOPE_RECIPIENTS_MAX);
    if (e->to == NULL)
        e->to = calloc(ENVELOPE_RECIPIENTS_MAX, sizeof *e->to);
    char *copy = e->to != NULL ? strdup(address) : NULL;
    if (copy == NULL)
        return weft_because(why, WEFT_ENOMEM, "no memory for recipients");
    e->to[e->to_n++] = copy;
    return WEFT_OK;
}

/* ---- gathering */

static weft_err make_room(envelope *e, size_t n, weft_why *why)
{
    size_t room = e->room != 0 ? e->room : 4096;
    if (n > ENVELOPE_HEADER_BYTES_MAX - e->n)
        return weft_because(why, WEFT_ETOOBIG, "the header is longer, expected at most %d bytes",
                            ENVELOPE_HEADER_BYTES_MAX);
    while (room < e->n + n)
        room *= 2;
    char *header = room != e->room ? realloc(e->header, room) : e->header;
    if (header == NULL)
        return weft_because(why, WEFT_ENOMEM, "no memory for the header");
    e->header = header;
    e->room = room;
    return WEFT_OK;
}

/* Whether the line before the line feed at the end is empty. */
static bool ends_with_empty_line(const envelope *e)
{
    size_t n = e->n - 1;
    if (n != 0 && e->header[n - 1] == '\r')
        n--;
    return n == 0 || e->header[n - 1] == '\n';
}

weft_err envelope_gather(envelope *e, const uint8_t *at, size_t n, size_t *used, bool *whole,
                         weft_why *why)
{
    *used = 0;
    *whole = false;
    while (*used < n && !*whole) {
        const uint8_t *from = at + *used, *feed = memchr(from, '\n', n - *used);
        size_t size = feed != NULL ? (size_t)(feed - from) + 1 : n - *used;
        weft_err err = make_room(e, size, why);
        if (err != WEFT_OK)
            return err;
        memcpy(e->header + e->n, from, size);
        e->n += size;
        *used += size;
        *whole = feed != NULL && ends_with_empty_line(e);
    }
    return WEFT_OK;
}

/* ---- reading */

static bool is_one_of(const weft_mail_field *f, const char *const *names)
{
    for (; *names != NULL; names++)
        if (weft_mail_field_is(f, *names))
            return true;
    return false;
}

static const char *const recipients[] = {"To", "Cc", "Bcc", NULL};
static const char *const resent_recipients[] = {"Resent-To", "Resent-Cc", "Resent-Bcc", NULL};
static const char *const blind[] = {"Bcc", "Resent-Bcc", NULL};

/* Where the fields begin. */
static weft_mail_header begin(const envelope *e)
{
    static const char mailbox[] = "From ";
    weft_mail_header h = {.line = 1};
    if (e->n == 0)
        return h;
    h.at = e->header;
    h.end = e->header + e->n;
    const char *feed = memchr(h.at, '\n', e->n);
    if (feed != NULL && strncmp(e->header, mailbox, sizeof mailbox - 1) == 0) {
        h.at = feed + 1;
        h.line++;
    }
    return h;
}

static bool is_resent(const envelope *e)
{
    weft_mail_header h = begin(e);
    weft_mail_field f;
    weft_why ignored;
    while (weft_mail_field_next(&h, &f, &ignored) == WEFT_OK)
        if (is_one_of(&f, resent_recipients))
            return true;
    return false;
}

static weft_err add_all(envelope *e, const weft_mail_field *f, const char *host, weft_why *why)
{
    weft_mail_addresses list = weft_mail_addresses_of(f, host);
    char address[WEFT_SMTP_ADDRESS_BYTES];
    weft_err err;
    while ((err = weft_mail_address_next(&list, address, why)) == WEFT_OK)
        if ((err = envelope_add(e, address, why)) != WEFT_OK)
            return err;
    return err == WEFT_EDONE ? WEFT_OK : err;
}

/* Of several authors the first. */
static weft_err read_sender(envelope *e, const weft_mail_field *f, const char *host, weft_why *why)
{
    weft_mail_addresses list = weft_mail_addresses_of(f, host);
    weft_err err = e->from[0] == '\0' ? weft_mail_address_next(&list, e->from, why) : WEFT_OK;
    return err == WEFT_EDONE ? WEFT_OK : err;
}

/* What is sent moves down to where that ends. */
static void keep(envelope *e, const char *at, size_t n)
{
    if (at != NULL)
        memmove(e->header + e->n, at, n);
    e->n += n;
}

weft_err envelope_read(envelope *e, const char *host, weft_why *why)
{
    bool resent = is_resent(e);
    weft_mail_header h = begin(e);
    weft_mail_field f;
    weft_err err;
    const char *last = h.at;
    e->n = 0;
    while ((err = weft_mail_field_next(&h, &f, why)) == WEFT_OK) {
        if (is_one_of(&f, resent ? resent_recipients : recipients))
            err = add_all(e, &f, host, why);
        else if (weft_mail_field_is(&f, resent ? "Resent-From" : "From"))
            err = read_sender(e, &f, host, why);
        if (err != WEFT_OK)
            return err;
        if (!is_one_of(&f, blind))
            keep(e, f.whole, f.whole_n);
        last = h.at;
    }
    if (err != WEFT_EDONE)
        return err;
    keep(e, last, (size_t)(h.at - last)); /* the empty line */
    if (e->to_n == 0)
        return weft_because(why, WEFT_EINVAL,
                            "there are no recipients, expected a To, Cc or Bcc field, or an "
                            "address on the command line");
    return WEFT_OK;
}

void envelope_done(envelope *e)
{
    for (uint32_t i = 0; i < e->to_n; i++)
        free(e->to[i]);
    free((void *)e->to);
    free(e->header);
    *e = (envelope){.n = 0};
}

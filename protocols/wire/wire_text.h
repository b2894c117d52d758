/* SPDX-License-Identifier: MIT */
/* What the wire services say, as pure functions of the time and of a text. */
#ifndef WF_WIRE_TEXT_H
#define WF_WIRE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weft/address.h>

enum {
    WF_DAYTIME_BYTES = 64,
    WF_CHARGEN_LINE_BYTES = 74, /* 72 characters, "\r\n" */
    WF_CHARGEN_LINES = 95,      /* then they repeat */
    WF_CHARGEN_DATAGRAM_BYTES_MAX = 512,
};

/* Writes the time of RFC 867 with its line end; returns its bytes. @wall_ns: since 1970. */
size_t wf_daytime_text(uint64_t wall_ns, char out[WF_DAYTIME_BYTES]);

/* Writes the time of RFC 868. */
void wf_time_bytes(uint64_t wall_ns, uint8_t out[4]);

/* The lines of RFC 864, a whole number of repetitions, so that it may be sent again and again. */
const uint8_t *wf_chargen_block(size_t *bytes);

/* Whether a datagram from there is answered: not one from the port of a service that would answer in its turn,
 * or from nobody. */
bool wf_wire_answers(const weft_address *from);

/* A quote in a text of quotes, without the line end before its "%". */
typedef struct wf_quote_place {
    const char *at;
    size_t bytes;
    unsigned line; /* of the text, from 1 */
} wf_quote_place;

/* Finds the next quote at or behind *@at and moves *@at and *@line (of *@at) past it. Empty ones
 * are left out. false: there is none. */
bool wf_quote_next(const char **at, unsigned *line, wf_quote_place *out);

/* Writes it with "\r\n" ends, also at its own; of what needs more than @max bytes, as much as fits.
 * Returns the bytes the whole needs. */
size_t wf_quote_text(const wf_quote_place *quote, char *out, size_t max);

/* The quote of the day in @text; false: it has none. */
bool wf_quote_of_day(const char *text, uint64_t wall_ns, wf_quote_place *out);

/* The quotes that come with weft. */
extern const char wf_quotes_builtin[];

#endif

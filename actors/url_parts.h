/* SPDX-License-Identifier: MIT */
/* What the files of the URL parser share: pieces of text, and the parsers of a URL's parts. */
#ifndef WF_URL_PARTS_H
#define WF_URL_PARTS_H

#include <weft/url.h>

/* A piece of the URL's text, not terminated. */
typedef struct wf_piece {
    const char *at;
    size_t n;
} wf_piece;

/* A quotation for a sentence: untrusted text made printable and short. */
#define WF_QUOTE_BYTES 48

typedef struct wf_quote {
    char text[WF_QUOTE_BYTES];
} wf_quote;

/* ---- url_text.c ---- */

wf_quote wf_quote_of(wf_piece text);

/* Cuts @text at the first @c: what stands before it is returned, what follows goes to @rest, whose
 * `at` is NULL if there is no @c. */
wf_piece wf_piece_until(wf_piece text, char c, wf_piece *rest);

bool wf_piece_is(wf_piece text, const char *word);

/* Reads digits of @base (up to 10), nothing else and at least one; false if that is not what @text
 * is. A number beyond UINT64_MAX is read as UINT64_MAX. */
bool wf_number_read(wf_piece text, unsigned base, uint64_t *out);

/* Decodes %XX into @out, terminated, of at most @max bytes without the zero. @what names the part
 * in sentences. NUL bytes are refused. */
weft_err wf_percent_decode(wf_piece text, const char *what, char *out, size_t max, weft_why *why);

/* RFC 3986 section 2.3 and 3.3. */
bool wf_is_unreserved(char c);
bool wf_is_pchar(char c);

/* How many insertions, deletions, replacements and swaps of neighbours lead from @text to @word,
 * case aside; @most if it is more than that. Text beyond 32 bytes is not compared but counts. */
size_t wf_edit_distance(wf_piece text, const char *word, size_t most);

/* ---- url_host.c ---- */

/* How a host is read. */
typedef struct wf_host_rules {
    const char *what;     /* "the host of a tcp URL", for sentences */
    bool encoded;         /* %XX is decoded; otherwise it was decoded before */
    bool names_only;      /* sim: no addresses, and no meaning in names that look like one */
    int32_t port_default; /* -1: a port must be given */
    bool port_may_be_empty;
} wf_host_rules;

/* Reads HOST[:PORT] in its forms; @out is written only on success. */
weft_err wf_host_read(wf_piece text, const wf_host_rules *rules, weft_url_host *out, weft_why *why);

/* ---- url.c ---- */

/* The scheme's row; NULL if it is none. */
const weft_url_scheme *wf_scheme_row(weft_scheme scheme);

/* Whether it stands for something this machine or process has, and no address. */
static inline bool wf_scheme_is_local(weft_scheme scheme)
{
    return scheme == WEFT_SCHEME_EXEC || scheme == WEFT_SCHEME_STDIO || scheme == WEFT_SCHEME_FD ||
           scheme == WEFT_SCHEME_SYSTEMD || scheme == WEFT_SCHEME_SERIAL;
}

/* ---- url_options.c ---- */

/* Sets the defaults of what @url's scheme has, then reads @query, the text behind `?` (`at` NULL:
 * there is none). */
weft_err wf_options_read(wf_piece query, weft_url *url, weft_why *why);

/* The value of an option that is not an address, as a number, and the address of one that is. */
uint64_t wf_option_value(const weft_url_option *option, const weft_url_options *options);
const weft_url_host *wf_option_host(const weft_url_option *option, const weft_url_options *options);
bool wf_option_is_text(const weft_url_option *option);

/* Writes a value of any kind but ADDRESS with the largest unit that loses nothing; returns as
 * snprintf does. */
size_t wf_value_print(weft_url_kind kind, uint64_t value, char *buf, size_t n);

#endif

/* SPDX-License-Identifier: MIT */
/* Characters of Unicode ("runes") as a terminal shows them. */
#ifndef WF_TERMINAL_WIDTH_H
#define WF_TERMINAL_WIDTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The columns @rune takes: 0 (it stands on the one before it), 1, or 2. */
unsigned wf_rune_width(uint32_t rune);

/* Whether it may be shown: no control, no surrogate, nothing that turns the direction of text. */
bool wf_rune_prints(uint32_t rune);

/* Writes it as UTF-8; gives how many bytes. */
unsigned wf_rune_write(uint32_t rune, char to[4]);

/* Reads the first of @n bytes (at least 1) of well-formed UTF-8; gives its bytes. */
unsigned wf_rune_read(const char *at, size_t n, uint32_t *rune);

/* Whether a text is UTF-8, all of which may be shown. */
bool wf_text_prints(const char *text);

#endif

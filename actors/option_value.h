/* SPDX-License-Identifier: MIT */
/* Reading the value of one option. */
#ifndef WF_OPTION_VALUE_H
#define WF_OPTION_VALUE_H

#include <weft/options.h>

/* Reads @text into the field @to. errors: EINVAL naming the option and what was expected; ENOMEM. */
WEFT_MUST_USE weft_err wf_option_value_read(const weft_option *row, const char *text, void *to,
                                            weft_why *why);

#endif

/* SPDX-License-Identifier: MIT */
/* The messages between a keeper and the top of its process, as types. */
#ifndef WF_ISOLATED_WORDS_H
#define WF_ISOLATED_WORDS_H

#include <weft/type.h>

#include "weft_isolated.pb-c.h"

typedef Weft__Isolated__Begin wf_isolated_begin;
typedef Weft__Isolated__Begun wf_isolated_begun;
typedef Weft__Isolated__Await wf_isolated_await;
typedef Weft__Isolated__Over wf_isolated_over;
typedef Weft__Isolated__Halt wf_isolated_halt;

extern const weft_type wf_isolated_begin_type, wf_isolated_begun_type, wf_isolated_await_type,
    wf_isolated_over_type, wf_isolated_halt_type;

#endif

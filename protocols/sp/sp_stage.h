/* SPDX-License-Identifier: MIT */
/* SP as the top stage of a stream: greetings and messages above, bytes below. */
#ifndef WF_SP_STAGE_H
#define WF_SP_STAGE_H

#include <weft/stage.h>

#include "sp_codec.h"

/* Borrowed while it is pushed. */
typedef struct wf_sp_setup {
    const wf_sp_kind_row *kind;
    bool ipc;
    uint64_t message_bytes_max;
} wf_sp_setup;

/* Says its greeting when it is pushed. */
extern const weft_stage_ops wf_sp_stage;

/* What the owner is told: the peer has greeted, and is of the right kind; a message. */
extern const weft_type wf_sp_hello_type, wf_sp_frame_type;

#endif

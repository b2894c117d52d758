/* SPDX-License-Identifier: MIT */
/* Streams whose owner is of another node. */
#ifndef WF_STREAM_RELAY_H
#define WF_STREAM_RELAY_H

#include <weft/actor.h>

extern const weft_behaviour wf_relay_behaviour;

/* Told to a relay first: which stream it is to own, and for whom. */
typedef struct wf_relay_begin {
    weft_ref stream, there;
} wf_relay_begin;
extern const weft_type wf_relay_begin_type;

/* A relay on this reactor, to own @stream for @there, of another node. errors: nobody when memory is out. */
WEFT_MUST_USE weft_ref wf_relay_to(weft_actor *self, weft_ref stream, weft_ref there);

#endif

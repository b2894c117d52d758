/* SPDX-License-Identifier: MIT */
/* Whom a listener lets in: by lists of networks, and by how many connections a peer has already. */
#ifndef WF_ADMISSION_H
#define WF_ADMISSION_H

#include <weft/address.h>
#include <weft/url.h>

#include "peers.h"

typedef struct wf_admission wf_admission;

/* Where who it is becomes known. */
typedef enum wf_admission_point {
    WF_AT_ACCEPT, /* from the socket; with proxy= this is the proxy, which has to be trusted */
    WF_AT_HEADER, /* from the PROXY header */
} wf_admission_point;

/* What the options of @url, which is listened at, ask for at @point; *@out is left NULL if that is nothing.
 * errors: EINVAL, ENOMEM. */
WEFT_MUST_USE weft_err wf_admission_open(const weft_url *url, wf_admission_point point,
                                         wf_admission **out, weft_why *why);
/* NULL is taken. thread: any; nobody uses it any more. */
void wf_admission_drop(wf_admission *admission);

/* Lets @peer in: it is counted into *@counted, which wf_peers_leave gives back when its connection is over.
 * What is no IP address (unix, a pair) always is, and is never counted. @admission NULL lets everybody in.
 * errors: EDENIED (the lists), ELIMIT (it has as many as it may), ENOMEM. thread: any. */
WEFT_MUST_USE weft_err wf_admission_enter(wf_admission *admission, const weft_address *peer,
                                          wf_peer **counted);

#endif

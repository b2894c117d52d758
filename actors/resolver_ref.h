/* SPDX-License-Identifier: MIT */
/* Where the resolver is. */
#ifndef WF_RESOLVER_REF_H
#define WF_RESOLVER_REF_H

#include <weft/resolver.h>

/* The resolver of the system, started if there is none. errors: nobody, with @why. thread: in a handler. */
weft_ref wf_resolver_ref(weft_actor *self, weft_why *why);

#endif

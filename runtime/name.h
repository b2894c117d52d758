/* SPDX-License-Identifier: MIT */
/* Names and groups of a node: one table for all reactors, read without a lock. */
#ifndef WF_NAME_H
#define WF_NAME_H

#include "core.h"

/* Who has the name @ref now; nobody if none. thread: any reactor's. */
weft_ref wf_name_resolve(const weft_system *sys, weft_ref ref);
/* The member of the group @ref on @r, or the first one. */
weft_ref wf_group_resolve(const wf_reactor *r, weft_ref ref);
/* Gives back the names that hang together from index @first. */
void wf_names_release(weft_system *sys, uint32_t first);
/* The group of @members[n], one for each reactor. errors: nobody. */
weft_ref wf_group_new(weft_system *sys, const weft_ref *members, unsigned n);
/* Whether @text may be the name of an actor, or of a node. */
bool wf_name_valid(const char *text);
/* The text of the name @slot of a reference. */
const char *wf_name_text(const weft_system *sys, uint32_t slot);
void wf_names_free(weft_system *sys);

#endif

/* SPDX-License-Identifier: MIT */
/* Addresses of a tree that are opened before it starts, while the process still may. */
#ifndef WF_SOCKETS_H
#define WF_SOCKETS_H

#include <weft/address.h>
#include <weft/supervisor.h>
#include <weft/system.h>

/* Opens what the tables of @tree listen at. In a simulation nothing needs privileges: nothing is opened.
 * errors: those of the URLs, and @why. thread: before start. */
weft_err wf_sockets_open(weft_system *sys, const weft_supervisor *tree, weft_why *why);

/* Whether each can listen as its URL says, as far as files go: certificates and keys are read, and let go of again.
 * errors: those of TLS, with @why, which names the URL. thread: before start. */
weft_err wf_sockets_check(const weft_supervisor *tree, weft_why *why);

/* A descriptor of its own for the row @child; -1: it was not opened. thread: in a handler. */
int wf_sockets_of(const weft_child *child, weft_address *out);

/* Who listens there now: @n @members, of whom @first, which accepts, stands for the first.
 * thread: in a handler. */
void wf_sockets_serve(const weft_child *child, weft_ref first, const weft_ref *members, unsigned n);

/* Closes all, once who listens there has taken whom the kernel has accepted already. The tree need not have
 * come to stop them. thread: in a handler of reactor 0. */
void wf_sockets_close(weft_actor *self);

/* Has the connections of all finish their work, side by side. thread: the same. */
void wf_sockets_drain(weft_actor *self, uint32_t grace_ms);

#endif

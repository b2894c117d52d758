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

/* A descriptor of its own for the row @child; -1: it was not opened. thread: in a handler. */
int wf_sockets_of(const weft_child *child, weft_address *out);

/* Closes all: who had them listens no more when the descriptors of its own are closed.
 * thread: in a handler of reactor 0. */
void wf_sockets_close(void);

#endif

/* SPDX-License-Identifier: MIT */
/* What others must know of the line protocol: the behaviour to serve it with. */
#ifndef EXAMPLE_STARTTLS_H
#define EXAMPLE_STARTTLS_H

#include <weft/weft.h>

/** One session; its config is the weft_tls it goes over to. */
extern const weft_behaviour starttls_behaviour;

#endif

/* SPDX-License-Identifier: MIT */
/* Terminals: pairs of them, their sizes, and modes that are given back whatever ends the program. */
#ifndef WF_TERMINAL_H
#define WF_TERMINAL_H

#include <stdbool.h>
#include <termios.h>

#include <weft/process.h>

/* A terminal of @window: @ours is read and written by us (and does not wait), @theirs is the child's.
 * errors: ELIMIT, EDENIED, ... */
weft_err wf_terminal_pair(weft_window window, int *ours, int *theirs, weft_why *why);
/* Its path, as programs find it: "/dev/pts/3". @ours is that of the pair. errors: of the system. */
enum { WF_TERMINAL_PATH_BYTES = sizeof "/dev/pts/4294967295" };
weft_err wf_terminal_path(int ours, char path[WF_TERMINAL_PATH_BYTES]);
/* Another size; who runs there is told. errors: of the system. */
weft_err wf_terminal_resize(int fd, weft_window window);
/* The character that ends what is typed there; false: there is none, bytes go through as they are. */
bool wf_terminal_eot(int fd, char *out);

/* Modes as they were before they were changed. */
typedef struct wf_terminal_modes {
    struct termios modes;
    int fd; /* its own; -1: not in use */
} wf_terminal_modes;

/* Notes the modes of @fd, so that they are given back by wf_terminal_give_back, at the end of the program,
 * and by a signal that ends it. errors: NULL: @fd is no terminal, or WF_TERMINALS_MAX are changed. */
enum { WF_TERMINALS_MAX = 16 };
wf_terminal_modes *wf_terminal_keep(int fd);
void wf_terminal_give_back(wf_terminal_modes *was);

#endif

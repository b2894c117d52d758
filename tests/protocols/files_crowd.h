/* SPDX-License-Identifier: MIT */
/* Many clients of the simulated server of files at once, each with a connection of its own. */
#ifndef WEFT_TESTS_FILES_CROWD_H
#define WEFT_TESTS_FILES_CROWD_H

#include "files_world.h"

enum { FILES_CROWD = 12 };

typedef struct files_visitor {
    const char *request;
    bool leaves; /* resets its connection as soon as it has asked */
    int status;
    size_t bytes;
    bool packed, over;
} files_visitor;

extern files_visitor files_crowd[FILES_CROWD];

/* The request for @target, with lines of @fields that end in \r\n. */
#define FILES_GET(target, fields) \
    "GET " target " HTTP/1.1\r\nHost: files\r\nConnection: close\r\n" fields "\r\n"

/* The first @n ask for the same, with NULL each for what its `request` is; whether each leaves is left as it is. */
void files_come(unsigned n, const char *request);
/* And all are waited for. */
void files_come_and_wait(unsigned n, const char *request);
void files_crowd_forget(void);

#endif

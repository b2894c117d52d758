/* SPDX-License-Identifier: MIT */
/* A program that joins its standard input and output with the UNIX socket at @path. */
#ifndef WEFT_TESTS_RELAY_H
#define WEFT_TESTS_RELAY_H

int relay_main(const char *path);

#endif

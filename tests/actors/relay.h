/* SPDX-License-Identifier: MIT */
/* Programs that join their standard input and output with the UNIX socket at @path. */
#ifndef WEFT_TESTS_RELAY_H
#define WEFT_TESTS_RELAY_H

int relay_main(const char *path);
/* The same by weft: its input and output are a stream of `stdio:`, forwarded to one of `unix:`. */
int relay_stdio_main(const char *path);

#endif

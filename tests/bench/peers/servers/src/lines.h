/* SPDX-License-Identifier: MIT */
/* Reads what comes in lines, for load generators of protocols that have them. */
#ifndef LINES_H
#define LINES_H

#include "common.h"

enum { LINES_IN = 16384 };

/* What came of a line that is not whole. All zero: nothing. */
struct lines {
    size_t n;
    char in[LINES_IN];
};

/* What is done with a line, its end cut off, that came at @t. */
static void on_line(void *owner, char *line, uint64_t t);

/* When what comes is counted from; "mark" is printed once by the first read behind that. */
static uint64_t lines_counted_from = UINT64_MAX;

static void lines_mark(uint64_t t)
{
    static int marked;
    if (marked || t < lines_counted_from)
        return;
    marked = 1;
    puts("mark");
    fflush(stdout);
}

/* Reads once from @fd. Returns the time of the read; 0: there was nothing. */
static uint64_t lines_read(struct lines *l, int fd, void *owner)
{
    ssize_t r = read(fd, l->in + l->n, LINES_IN - l->n);
    if (r < 0 && errno == EAGAIN)
        return 0;
    if (r <= 0)
        die("connection lost");
    uint64_t t = now_ns();
    lines_mark(t);
    l->n += (size_t)r;
    char *at = l->in, *end;
    while ((end = memchr(at, '\n', (size_t)(l->in + l->n - at)))) {
        *end = 0;
        if (end > at && end[-1] == '\r')
            end[-1] = 0;
        on_line(owner, at, t);
        at = end + 1;
    }
    l->n -= (size_t)(at - l->in);
    memmove(l->in, at, l->n);
    if (l->n == LINES_IN)
        die("a line without an end");
    return t;
}

#endif

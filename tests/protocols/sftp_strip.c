/* SPDX-License-Identifier: MIT */
/* What is different each time in replies of SFTP, taken out: whose files they are, when they were made, in which order
 * a folder has them. Every byte stays where it is, so that what came is still compared as it came. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sftp_script.h"

enum { NAME = 104, ATTRS = 105, ENTRIES_MAX = 64, LINE_HEAD = 55 };

typedef struct cursor {
    char *at, *end;
    bool is_short;
} cursor;

static char *take(cursor *c, size_t n)
{
    char *at = c->at;
    if ((size_t)(c->end - c->at) < n)
        c->is_short = true;
    else
        c->at += n;
    return c->is_short ? NULL : at;
}

static uint32_t get32(const char *from)
{
    const uint8_t *at = (const uint8_t *)from;
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static uint32_t take32(cursor *c)
{
    const char *at = take(c, 4);
    return at != NULL ? get32(at) : 0;
}

typedef struct entry {
    char *at; /* all of it */
    size_t n;
    const char *name;
    size_t name_n;
} entry;

/* ---- attributes */

static void zero_if(char *at, bool is)
{
    if (at != NULL && is)
        memset(at, 0, 4);
}

/* What became of them, for the line. */
typedef struct calmed {
    bool uid, gid, time, folder;
} calmed;

static calmed strip_attrs(cursor *c)
{
    calmed is = {.folder = false};
    uint32_t has = take32(c);
    char *size = (has & 1) != 0 ? take(c, 8) : NULL;
    char *uid = (has & 2) != 0 ? take(c, 4) : NULL, *gid = (has & 2) != 0 ? take(c, 4) : NULL;
    const char *mode = (has & 4) != 0 ? take(c, 4) : NULL;
    char *accessed = (has & 8) != 0 ? take(c, 4) : NULL,
         *changed = (has & 8) != 0 ? take(c, 4) : NULL;
    is.uid = uid != NULL && get32(uid) == getuid();
    is.gid = gid != NULL && get32(gid) == getgid();
    is.time = changed != NULL && get32(changed) > SFTP_SCRIPT_TIMES_MAX;
    is.folder = mode != NULL && S_ISDIR(get32(mode));
    zero_if(uid, is.uid);
    zero_if(gid, is.gid);
    zero_if(accessed, accessed != NULL && get32(accessed) > SFTP_SCRIPT_TIMES_MAX);
    zero_if(changed, is.time);
    if (size != NULL && is.folder)
        memset(size, 0, 8);
    return is;
}

/* ---- lines: section 7 says which columns have what */

static void put_column(char *line, size_t at, const char *text)
{
    while (*text != '\0')
        line[at++] = *text++;
}

static void strip_line(char *line, size_t n, calmed is)
{
    if (line == NULL || n < LINE_HEAD)
        return;
    if (is.folder) {
        put_column(line, 11, "  1");
        put_column(line, 33, "       0");
    }
    if (is.uid)
        put_column(line, 15, "0       ");
    if (is.gid)
        put_column(line, 24, "0       ");
    if (is.time)
        put_column(line, 42, "Jan  1  1970");
}

static int by_name(const void *a, const void *b)
{
    const entry *x = a, *y = b;
    size_t n = x->name_n < y->name_n ? x->name_n : y->name_n;
    int order = memcmp(x->name, y->name, n);
    return order != 0 ? order : (x->name_n > y->name_n) - (x->name_n < y->name_n);
}

static void sort(entry *entries, size_t n, char *at)
{
    char *copy = NULL;
    size_t size = 0;
    FILE *to = open_memstream(&copy, &size);
    if (to == NULL)
        abort();
    qsort(entries, n, sizeof *entries, by_name);
    for (size_t i = 0; i < n; i++)
        (void)fwrite(entries[i].at, 1, entries[i].n, to);
    if (fclose(to) != 0)
        abort();
    memcpy(at, copy, size);
    free(copy);
}

static void strip_names(cursor *c)
{
    entry entries[ENTRIES_MAX];
    uint32_t count = take32(c);
    char *first = c->at;
    if (count > ENTRIES_MAX)
        return;
    for (uint32_t i = 0; i < count; i++) {
        entry *e = &entries[i];
        *e = (entry){.at = c->at};
        e->name_n = take32(c);
        e->name = take(c, e->name_n);
        size_t line_n = take32(c);
        char *line = take(c, line_n);
        calmed is = strip_attrs(c);
        if (c->is_short)
            return;
        strip_line(line, line_n, is);
        e->n = (size_t)(c->at - e->at);
    }
    sort(entries, count, first);
}

size_t sftp_script_strip(char *came, size_t n)
{
    cursor c = {came, came + n, false};
    for (;;) {
        cursor packet = {.is_short = false};
        uint32_t size = take32(&c);
        packet.at = take(&c, size);
        if (c.is_short || size < 5)
            return n;
        packet.end = packet.at + size;
        uint8_t type = (uint8_t)*packet.at;
        (void)take(&packet, 5); /* the type, the id */
        if (type == NAME)
            strip_names(&packet);
        else if (type == ATTRS)
            (void)strip_attrs(&packet);
    }
}

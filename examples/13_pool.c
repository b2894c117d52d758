/* SPDX-License-Identifier: MIT */
/* The pool: files are counted where reading may block. usage: 13_pool FILE... */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weft/weft.h>

/* [function] */
/** How many lines has the file @path, which outlives the request? The reply is line_count. */
typedef struct count_lines {
    const char *path;
} count_lines;
typedef struct line_count {
    uint64_t lines;
} line_count;

static const weft_type line_count_type = WEFT_TYPE("line_count", line_count, NULL);
static const weft_type count_lines_type = WEFT_TYPE("count_lines", count_lines, &line_count_type);

/* Runs on a thread of the pool: it may wait for the disk. */
static weft_err count_there(weft_actor *self, weft_msg *msg)
{
    const count_lines *wanted = weft_body(msg);
    FILE *file = fopen(wanted->path, "re");
    uint64_t lines = 0;
    int c;
    (void)self;

    if (file == NULL)
        return weft_fail(msg, weft_err_from_errno(errno), "%s: %s", wanted->path, strerror(errno));
    while ((c = getc(file)) != EOF)
        lines += c == '\n';
    (void)fclose(file);
    return weft_reply(msg, line_count, .lines = lines);
}
/* [/function] */

typedef struct arguments {
    char **path;
    int count;
} arguments;

typedef struct counter {
    int open; /* files that are not counted yet */
} counter;

/* [asking] */
static weft_err on_counted(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    counter *c = weft_state(self);
    const line_count *count = got->body;
    (void)msg;

    if (got->err == WEFT_OK)
        (void)printf("%" PRIu64 "\n", count->lines);
    else
        (void)printf("%s\n", got->why);
    if (--c->open == 0)
        weft_system_stop(self, WEFT_OK);
    return WEFT_OK;
}

static weft_err on_started(weft_actor *self, weft_msg *msg)
{
    const arguments *a = weft_config(self);
    counter *c = weft_state(self);

    c->open = a->count;
    for (int i = 0; i < a->count; i++) {
        weft_err err = weft_when(
            msg, weft_ask_pool(self, count_there, count_lines, .path = a->path[i]), on_counted);
        if (err != WEFT_OK)
            return weft_stop(self, err);
    }
    return WEFT_OK;
}
/* [/asking] */

static const weft_handler handlers[] = {{.type = &weft_started_type, .fn = on_started}, {0}};
static const weft_behaviour counting = {
    .name = "counting", .handlers = handlers, .state_bytes = sizeof(counter)};

int main(int argc, char **argv)
{
    arguments a = {argv + 1, argc - 1};
    weft_system *sys = a.count > 0 ? weft_system_new(NULL) : NULL;

    if (sys == NULL || weft_ref_is_nobody(weft_system_spawn(sys, 0, &counting, &a)))
        return EXIT_FAILURE;
    return weft_run(&sys);
}

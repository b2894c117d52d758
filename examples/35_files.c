/* SPDX-License-Identifier: MIT */
/* A file of another node: one has it, the other reads it as a stream.
 *
 *     35_files edge-1 unix:/tmp/edge-1 /etc/services       in one terminal
 *     35_files edge-2 unix:/tmp/edge-1 | wc                in another */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <weft/weft.h>

typedef struct shared_file {
    weft_file *file;
    uint64_t size;
} shared_file;

/* ---- edge-1 has the file */

static weft_err keeper_started(weft_actor *self, weft_msg *msg)
{
    (void)msg;
    return weft_register(self, "file");
}

/* [keeper] */
static weft_err keeper_opened(weft_actor *self, weft_msg *msg)
{
    const weft_opened *opened = weft_body(msg);
    const shared_file *f = weft_config(self);
    weft_err err = weft_write_file(self, opened->stream, f->file, 0, f->size);
    return err == WEFT_OK ? weft_close(self, opened->stream) : err;
}
/* [/keeper] */

static weft_err keeper_closed(weft_actor *self, weft_msg *msg)
{
    (void)self, (void)msg; /* else the keeper would end with its first stream */
    return WEFT_OK;
}

static const weft_handler keeper_rows[] = {
    {.type = &weft_started_type, .fn = keeper_started},
    {.type = &weft_opened_type, .fn = keeper_opened},
    {.type = &weft_closed_type, .fn = keeper_closed},
    {0},
};
static const weft_behaviour keeper = {.name = "keeper", .handlers = keeper_rows};

/* ---- edge-2 reads it */

static weft_err fail(weft_actor *self, weft_err err, const char *why)
{
    (void)fprintf(stderr, "unable to read it: %s\n", why);
    weft_system_stop(self, err);
    return WEFT_OK;
}

/* [reader] */
static weft_err on_asked(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    (void)msg; /* what comes of it is told as of any stream */
    return got->err == WEFT_OK ? WEFT_OK : fail(self, got->err, got->why);
}

static weft_err reader_started(weft_actor *self, weft_msg *msg)
{
    return weft_when(msg, weft_node_stream(self, weft_named(self, "file@edge-1")), on_asked);
}

static weft_err reader_data(weft_actor *self, weft_msg *msg)
{
    const weft_data *data = weft_body(msg);
    (void)self;
    return fwrite(data->bytes.at, 1, data->bytes.size, stdout) == data->bytes.size ? WEFT_OK
                                                                                   : WEFT_EIO;
}

static weft_err reader_closed(weft_actor *self, weft_msg *msg)
{
    const weft_closed *closed = weft_body(msg);
    if (closed->reason != WEFT_EDONE)
        return fail(self, closed->reason, closed->why);
    weft_system_stop(self, WEFT_OK);
    return WEFT_OK;
}
/* [/reader] */

static const weft_handler reader_rows[] = {
    {.type = &weft_started_type, .fn = reader_started},
    {.type = &weft_data_type, .fn = reader_data},
    {.type = &weft_closed_type, .fn = reader_closed},
    {0},
};
static const weft_behaviour reader = {.name = "reader", .handlers = reader_rows};

/* ---- both */

static int run(const char *name, const char *url, shared_file *f)
{
    bool reads = f->file == NULL;
    const weft_node_member edge_1[] = {{.name = "edge-1", .url = url}, {0}};
    const weft_node_member edge_2[] = {{.name = "edge-2"}, {0}};
    /* [allow] */
    static const weft_node_allow allow[] = {
        {.node = "*", .actor = "file", .type = &weft_opened_type}, {0}};
    /* [/allow] */
    const weft_node node = {.name = name,
                            .listen = reads ? NULL : url,
                            .join = reads ? edge_1 : edge_2,
                            .allow = allow};
    weft_why why;
    weft_system *sys = weft_system_new(NULL);
    if (sys == NULL || weft_node_begin(sys, &node, &why) != WEFT_OK) {
        (void)fprintf(stderr, "%s\n", sys != NULL ? why.text : "memory is out");
        weft_system_free(&sys);
        return 69;
    }
    if (weft_ref_is_nobody(weft_system_spawn(sys, 0, reads ? &reader : &keeper, f)))
        return 71;
    return weft_run(&sys);
}

int main(int argc, char **argv)
{
    shared_file f = {.size = 0};
    struct stat st;
    int fd = argc > 3 ? open(argv[3], O_RDONLY | O_CLOEXEC) : -1;
    if (argc < 3 || (argc > 3 && (fd < 0 || fstat(fd, &st) != 0))) {
        (void)fprintf(stderr, "usage: %s edge-1 URL FILE | edge-2 URL\n", argv[0]);
        return 64;
    }
    if (fd >= 0) {
        f.size = (uint64_t)st.st_size;
        f.file = weft_file_new(fd);
        if (f.file == NULL)
            return 71;
    }
    int code = run(argv[1], argv[2], &f);
    weft_file_drop(&f.file);
    return code;
}

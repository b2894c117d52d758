/* SPDX-License-Identifier: MIT */
/* Processes: words are sorted by a program that is written to and read. usage: 17_process [WORD...] */
#include <stdio.h>
#include <stdlib.h>
#include <weft/weft.h>

/* [process] */
static weft_err on_started(weft_actor *self, weft_msg *msg)
{
    static const char *const sort[] = {"sort", "-u", NULL};
    const char *const *words = weft_config(self);
    weft_process_options options = {.argv = sort, .dir = "/"};
    weft_ref child = weft_process_start(self, &options, weft_self(self));
    weft_ref to = weft_process_stream(self, child, 0);

    (void)msg;
    for (; *words != NULL; words++)
        (void)weft_write_text(self, to, "%s\n", *words);
    return weft_end(self, to);
}

static weft_err on_data(weft_actor *self, weft_msg *msg)
{
    const weft_data *data = weft_body(msg);
    (void)self;
    (void)fwrite(data->bytes.at, 1, data->bytes.size, stdout);
    return WEFT_OK;
}

static weft_err on_ended(weft_actor *self, weft_msg *msg)
{
    const weft_process_ended *ended = weft_body(msg);
    (void)printf("sort %s\n", ended->why);
    weft_system_stop(self, ended->err);
    return WEFT_OK;
}
/* [/process] */

/* Of one of its streams: the others go on. */
static weft_err on_closed(weft_actor *self, weft_msg *msg)
{
    (void)self, (void)msg;
    return WEFT_OK;
}

static const weft_handler handlers[] = {{.type = &weft_started_type, .fn = on_started},
                                        {.type = &weft_data_type, .fn = on_data},
                                        {.type = &weft_closed_type, .fn = on_closed},
                                        {.type = &weft_process_ended_type, .fn = on_ended},
                                        {0}};
static const weft_behaviour sorter = {.name = "sorter", .handlers = handlers};

int main(int argc, char **argv)
{
    weft_system *sys = weft_system_new(NULL);
    if (argc < 1 || sys == NULL || weft_ref_is_nobody(weft_system_spawn(sys, 0, &sorter, argv + 1)))
        return EXIT_FAILURE;
    return weft_run(&sys);
}

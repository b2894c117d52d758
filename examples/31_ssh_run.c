/* SPDX-License-Identifier: MIT */
/* Runs a command on another host, and shows what came of it.
 *
 *     31_ssh_run tcp://127.0.0.1:2222 ann ~/.ssh/id_ed25519 'uname -a' */
#include <stdio.h>

#include <weft/weft.h>

static weft_ssh_client_config there;
static const char *command;
static int code = 69;

/* [run] */
static weft_err on_ran(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    const weft_ssh_result *result = got->body;
    (void)msg;
    if (got->err != WEFT_OK) {
        (void)fprintf(stderr, "it was not run: %s (%s)\n", got->why, weft_err_name(got->err));
    } else {
        (void)fwrite(result->output.at, 1, result->output.size, stdout);
        (void)fwrite(result->errors.at, 1, result->errors.size, stderr);
        code = result->code;
    }
    weft_system_stop(self, WEFT_OK);
    return WEFT_OK;
}

static weft_err on_started(weft_actor *self, weft_msg *msg)
{
    weft_ref host = weft_spawn(self, &weft_ssh_client, &there);
    return weft_when(msg, weft_ssh_run(self, host, &(weft_ssh_call){.command = command}), on_ran);
}
/* [/run] */

static const weft_handler rows[] = {{.type = &weft_started_type, .fn = on_started}, {0}};
static const weft_behaviour asker = {.name = "asker", .handlers = rows};

int main(int argc, char **argv)
{
    if (argc != 5) {
        (void)fprintf(stderr, "usage: 31_ssh_run URL USER KEY COMMAND\n");
        return 64; /* EX_USAGE */
    }
    there = (weft_ssh_client_config){.url = argv[1], .user = argv[2], .key_file = argv[3]};
    command = argv[4];
    weft_system *sys = weft_system_new(NULL);
    if (sys == NULL)
        return 71;
    if (weft_ref_is_nobody(weft_system_spawn(sys, 0, &asker, NULL)))
        return 71;
    int ran = weft_run(&sys);
    return ran != 0 ? ran : code;
}

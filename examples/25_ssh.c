/* SPDX-License-Identifier: MIT */
/* SSH: an echo behind a command, the files of a folder behind sftp.
 *
 *     25_ssh tcp://127.0.0.1:2222 keys files
 *     ssh -p 2222 ann@127.0.0.1 echo        (the password is "secret")
 */
#include <stdio.h>

#include <weft/weft.h>

/* [services] */
static weft_ssh_sftp_config files = {.read_only = true};
static const weft_ssh_service services[] = {
    {.kind = WEFT_SSH_EXEC, .behaviour = &weft_wire_echo},
    {.kind = WEFT_SSH_SUBSYSTEM,
     .subsystem = "sftp",
     .behaviour = &weft_ssh_sftp,
     .config = &files},
    {0},
};
/* [/services] */

/* [main] */
int main(int argc, char **argv)
{
    static weft_auth_source source;
    static const weft_auth_config auth = {.sources = &source, .count = 1};
    static weft_ssh_config config = {.services = services, .password = true};
    weft_ssh_keys *keys = NULL;
    weft_why why;
    if (argc != 4) {
        (void)fprintf(stderr, "usage: 25_ssh URL KEYS FOLDER\n");
        return 64; /* EX_USAGE */
    }
    files.root = argv[3];
    if (weft_ssh_keys_open(argv[2], false, &keys, &why) != WEFT_OK ||
        weft_auth_source_parse("memory:ann:secret", &source, &why) != WEFT_OK) {
        (void)fprintf(stderr, "%s\n", why.text);
        return 78;
    }
    weft_system *sys = weft_system_new(NULL);
    if (sys == NULL)
        return 71;
    config.keys = keys;
    config.auth = weft_system_spawn(sys, 0, &weft_auth, &auth);
    if (weft_listen(sys, argv[1], &weft_ssh_server, &config) != WEFT_OK)
        (void)fprintf(stderr, "it does not listen\n");
    int code = weft_run(&sys);
    weft_ssh_keys_close(&keys);
    return code;
}
/* [/main] */

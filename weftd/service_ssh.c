/* SPDX-License-Identifier: MIT */
/* A server of shells, commands and files over SSH. */
#include <weft/ssh.h>

#include "service_auth.h"
#include "services.h"
#include "ssh_console.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define AUTH_NAME "ssh/auth"

typedef struct ssh_settings {
    weft_option_urls listen;
    weft_option_texts auth;
    const char *keys, *root;
    weft_ssh_shell_config shell;
    ssh_console_config console;
    weft_ssh_sftp_config sftp;
    weft_ssh_config config;
    bool ecdsa, no_shell;
    /* what check and open make of them */
    weft_ssh_keys *host_keys;
    service_auth who;
    weft_ssh_service services[4];
} ssh_settings;

static ssh_settings settings;

static const weft_option ssh_options[] = {
    OPTION_ROW_LISTEN(ssh_settings, "tcp://127.0.0.1:2222"),
    {.name = "keys",
     .kind = WEFT_OPTION_TEXT,
     .value = "FOLDER",
     .unset = "weftd-ssh-keys",
     .at = offsetof(ssh_settings, keys),
     .help = "where the host keys are; they are made when they are not there"},
    {.name = "auth",
     .kind = WEFT_OPTION_TEXTS,
     .value = "TYPE:ARG",
     .at = offsetof(ssh_settings, auth),
     .help = "who is let in: sshkey:FILE (%u is the user), file:FILE, memory:USER:PASSWORD, unix, "
             "anonymous; may be given 16 times"},
    {.name = "root",
     .kind = WEFT_OPTION_TEXT,
     .value = "FOLDER",
     .at = offsetof(ssh_settings, root),
     .help = "the folder that sftp and scp see as /; without it there is no sftp"},
    {.name = "read-only",
     .kind = WEFT_OPTION_FLAG,
     .at = offsetof(ssh_settings, sftp.read_only),
     .help = "sftp changes nothing"},
    {.name = "shell",
     .kind = WEFT_OPTION_TEXT,
     .value = "PATH",
     .unset = "/bin/sh",
     .at = offsetof(ssh_settings, shell.shell),
     .help = "what runs shells, and commands with -c"},
    {.name = "no-shell",
     .kind = WEFT_OPTION_FLAG,
     .at = offsetof(ssh_settings, no_shell),
     .help = "neither shells nor commands: files alone"},
    {.name = "console",
     .kind = WEFT_OPTION_CONNECT,
     .value = "URL",
     .at = offsetof(ssh_settings, console.to),
     .help = "instead of a shell, the console of a service that was given --admin URL"},
    {.name = "forward",
     .kind = WEFT_OPTION_FLAG,
     .at = offsetof(ssh_settings, config.forward),
     .help = "peers may have connections made from here (ssh -L)"},
    {.name = "ecdsa",
     .kind = WEFT_OPTION_FLAG,
     .at = offsetof(ssh_settings, ecdsa),
     .help = "show the ECDSA host key too, for clients that do not know Ed25519"},
    {.name = "auth-time",
     .kind = WEFT_OPTION_MS,
     .value = "TIME",
     .unset = "30s",
     .at = offsetof(ssh_settings, config.auth_ms),
     .min = 100,
     .max = 3600000,
     .help = "how long a peer may take to say who it is"},
    {.name = "tries",
     .kind = WEFT_OPTION_COUNT,
     .value = "N",
     .unset = "6",
     .at = offsetof(ssh_settings, config.tries_max),
     .min = 1,
     .max = 100,
     .help = "how often it may try"},
    {.name = "unknown",
     .kind = WEFT_OPTION_COUNT,
     .value = "N",
     .unset = "100",
     .at = offsetof(ssh_settings, config.unknown_max),
     .min = 1,
     .max = 100000,
     .help = "how many connections there may be of whom is not known who they are"},
    {.name = "channels",
     .kind = WEFT_OPTION_COUNT,
     .value = "N",
     .unset = "10",
     .at = offsetof(ssh_settings, config.channels_max),
     .min = 1,
     .max = WEFT_SSH_CHANNELS_MAX,
     .help = "how many sessions and forwards a connection may have open"},
    {.name = "keepalive",
     .kind = WEFT_OPTION_MS,
     .value = "TIME",
     .unset = "60s",
     .at = offsetof(ssh_settings, config.keepalive_ms),
     .min = 1000,
     .max = 86400000,
     .help = "a peer that says nothing for so long is asked, three times"},
    {0},
};

static weft_err check_auth(ssh_settings *s, weft_why *why)
{
    if (s->auth.count == 0)
        return weft_because(why, WEFT_EINVAL,
                            "nobody could be let in, expected --auth (such as sshkey:FILE)");
    weft_err err = service_auth_read(&s->auth, &s->who, why);
    for (size_t i = 0; err == WEFT_OK && i < s->auth.count; i++) {
        weft_auth_source_kind kind = s->who.sources[i].kind;
        s->config.public_key |= kind == WEFT_AUTH_FROM_SSHKEY;
        s->config.anonymous |= kind == WEFT_AUTH_FROM_ANONYMOUS;
        s->config.password |= kind != WEFT_AUTH_FROM_SSHKEY && kind != WEFT_AUTH_FROM_ANONYMOUS;
    }
    return err;
}

static weft_err check_root(const ssh_settings *s, weft_why *why)
{
    struct stat st;
    if (s->root != NULL && (stat(s->root, &st) != 0 || !S_ISDIR(st.st_mode)))
        return weft_because(why, WEFT_EINVAL, "--root %.100s is no folder", s->root);
    if (s->console.to != NULL && s->no_shell)
        return weft_because(why, WEFT_EINVAL,
                            "--console is what a shell is, expected no --no-shell");
    if (s->root == NULL && s->no_shell && !s->config.forward)
        return weft_because(why, WEFT_EINVAL,
                            "nothing is left to be served, expected --root with --no-shell");
    return WEFT_OK;
}

static weft_err ssh_check(void *at, weft_why *why)
{
    ssh_settings *s = at;
    size_t n = 0;
    weft_err err = check_auth(s, why);
    if (err == WEFT_OK)
        err = check_root(s, why);
    if (err != WEFT_OK)
        return err;
    const weft_behaviour *shell = s->console.to != NULL ? &ssh_console : &weft_ssh_shell;
    const void *config = s->console.to != NULL ? (const void *)&s->console : &s->shell;
    if (!s->no_shell) {
        s->services[n++] = (weft_ssh_service){WEFT_SSH_SHELL, NULL, shell, config};
        s->services[n++] = (weft_ssh_service){WEFT_SSH_EXEC, NULL, shell, config};
    }
    s->sftp.root = s->root;
    if (s->root != NULL)
        s->services[n++] = (weft_ssh_service){.kind = WEFT_SSH_SUBSYSTEM,
                                              .subsystem = "sftp",
                                              .behaviour = &weft_ssh_sftp,
                                              .config = &s->sftp};
    s->config.services = s->services;
    s->config.auth_name = AUTH_NAME;
    return WEFT_OK;
}

static weft_err ssh_open(void *at, weft_why *why)
{
    ssh_settings *s = at;
    weft_err err = weft_ssh_keys_open(s->keys, s->ecdsa, &s->host_keys, why);
    s->config.keys = s->host_keys;
    return err;
}

static weft_err ssh_children(void *at, weft_children *to, weft_why *why)
{
    ssh_settings *s = at;
    const weft_child auth = {.name = "auth", .behaviour = &weft_auth, .config = &s->who.config};
    weft_err err = weft_children_add(to, &auth, why);
    return err == WEFT_OK ? weft_children_listen(to, &s->listen, &weft_ssh_server, &s->config, why)
                          : err;
}

static void ssh_done(void *at)
{
    weft_ssh_keys_close(&((ssh_settings *)at)->host_keys);
}

const weft_service service_ssh = {
    .name = "ssh",
    .summary = "serve shells, commands and files over SSH",
    .about =
        "Programs run as the user that weftd runs as, whoever the peer is. sftp and scp reach the\n"
        "files below --root and nothing else; a shell reaches what the user does. The host keys\n"
        "are made on the first run (ssh-keygen -lf FOLDER/ssh_host_ed25519_key.pub says which).\n"
        "With --console whoever is let in is an operator, and nothing runs that the console does "
        "not.",
    .example = "weftd ssh --listen tcp://0.0.0.0:2222 --keys keys --root /srv "
               "--auth sshkey:/etc/weftd/authorized_keys",
    .options = ssh_options,
    .settings = &settings,
    .check = ssh_check,
    .children = ssh_children,
    .open = ssh_open,
    .done = ssh_done,
};

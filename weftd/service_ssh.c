/* SPDX-License-Identifier: MIT */
/* A server of shells, commands and files over SSH. */
#include <weft/ssh.h>

#include "operator.h"
#include "service_auth.h"
#include "services.h"
#include "ssh_console.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <weft/log.h>

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
    char rights[128]; /* whose they are, in a sentence */
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
             "anonymous (anybody, without proof); may be given 16 times"},
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
     .at = offsetof(ssh_settings, shell.shell),
     .help = "what runs shells, and commands with -c; unset: as root each user's own, else "
             "/bin/sh"},
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

/* ---- what is wrong with the options */

static weft_err check_auth(ssh_settings *s, weft_why *why)
{
    if (s->auth.count == 0)
        return weft_because(why, WEFT_EINVAL,
                            "nobody could be let in, expected --auth (such as sshkey:FILE)");
    weft_err err = service_auth_read(
        &s->auth, SERVICE_AUTH_ANONYMOUS | SERVICE_AUTH_PASSWORDS | SERVICE_AUTH_KEYS, &s->who,
        why);
    for (size_t i = 0; err == WEFT_OK && i < s->auth.count; i++) {
        weft_auth_source_kind kind = s->who.sources[i].kind;
        s->config.public_key |= kind == WEFT_AUTH_FROM_SSHKEY;
        s->config.anonymous |= kind == WEFT_AUTH_FROM_ANONYMOUS;
        s->config.password |= kind != WEFT_AUTH_FROM_SSHKEY && kind != WEFT_AUTH_FROM_ANONYMOUS;
    }
    return err;
}

static weft_err check_shell(const char *path, weft_why *why)
{
    struct stat st;
    if (path == NULL)
        return WEFT_OK;
    if (path[0] != '/')
        return weft_because(why, WEFT_EINVAL, "--shell %.100s: expected a path that begins with /",
                            path);
    if (stat(path, &st) != 0 || access(path, X_OK) != 0)
        return weft_because(why, weft_err_from_errno(errno),
                            "--shell %.100s: %s, expected a program", path, strerror(errno));
    return S_ISREG(st.st_mode)
               ? WEFT_OK
               : weft_because(why, WEFT_EINVAL, "--shell %.100s is no program", path);
}

/* The other daemon may begin later than this one, but not where there is no folder. */
static weft_err check_console(const char *url, weft_why *why)
{
    char folder[512];
    struct stat st;
    const char *path = url != NULL && strncmp(url, "unix:", 5) == 0 ? url + 5 : "@";
    const char *slash = strrchr(path, '/');
    if (path[0] == '@' || slash == NULL || slash == path)
        return WEFT_OK;
    (void)snprintf(folder, sizeof folder, "%.*s", (int)(slash - path), path);
    if (stat(folder, &st) == 0 && S_ISDIR(st.st_mode))
        return WEFT_OK;
    return weft_because(why, WEFT_ENOTFOUND, "--console %.100s: there is no such folder", url);
}

static weft_err check_root(const ssh_settings *s, weft_why *why)
{
    struct stat st;
    if (s->root != NULL && (stat(s->root, &st) != 0 || !S_ISDIR(st.st_mode)))
        return weft_because(why, WEFT_EINVAL, "--root %.100s is no folder", s->root);
    if (s->console.to != NULL && s->no_shell)
        return weft_because(why, WEFT_EINVAL,
                            "--console is what a shell is, expected no --no-shell");
    if (s->console.to != NULL && s->shell.shell != NULL)
        return weft_because(why, WEFT_EINVAL, "--console is what a shell is, expected no --shell");
    if (s->root == NULL && s->sftp.read_only)
        return weft_because(why, WEFT_EINVAL, "--read-only is about --root, which is not there");
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
    if (err == WEFT_OK)
        err = check_shell(s->shell.shell, why);
    if (err == WEFT_OK)
        err = check_console(s->console.to, why);
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

/* ---- whose rights sessions have: root's are nobody's but those of the user root */

static bool has_programs(const ssh_settings *s)
{
    return !s->no_shell && s->console.to == NULL;
}

/* Whoever is let in by it may have said any name, root's among them. */
static weft_err check_names(const ssh_settings *s, weft_why *why)
{
    for (uint32_t i = 0; i < s->who.config.count; i++) {
        const weft_auth_source *source = &s->who.sources[i];
        bool shared = source->kind == WEFT_AUTH_FROM_SSHKEY && strstr(source->path, "%u") == NULL;
        if (source->kind == WEFT_AUTH_FROM_ANONYMOUS || shared)
            return weft_because(why, WEFT_EINVAL,
                                "started by root, --auth %s does not prove who a peer is: expected "
                                "%s--user NAME, as whom all run then",
                                shared ? "sshkey" : "anonymous",
                                shared ? "%u in its FILE, or " : "");
    }
    return WEFT_OK;
}

static weft_err as_users(ssh_settings *s, weft_why *why)
{
    s->shell.as_user = s->sftp.as_user = true;
    (void)snprintf(s->rights, sizeof s->rights,
                   "programs and files of a peer have the rights of the user it is let in as");
    return check_names(s, why);
}

/* Who may read the hashes of all users must not run what any of them says. */
static weft_err as_one(ssh_settings *s, weft_why *why)
{
    const struct passwd *own = getpwuid(geteuid());
    (void)snprintf(s->rights, sizeof s->rights,
                   "programs and files of every peer have the rights of %.60s (uid %u)",
                   own != NULL ? own->pw_name : "a user without a name", (unsigned)geteuid());
    if (has_programs(s) && service_auth_has(&s->who, WEFT_AUTH_FROM_UNIX))
        return weft_because(
            why, WEFT_EDENIED,
            "--auth unix with shells is for root, who gives each user its own rights; "
            "expected --no-shell or --console");
    return WEFT_OK;
}

static weft_err ssh_settled(void *at, weft_why *why)
{
    ssh_settings *s = at;
    weft_err err = service_auth_settled(&s->who, why);
    if (err != WEFT_OK)
        return err;
    if (!has_programs(s) && s->root == NULL)
        return WEFT_OK;
    return geteuid() == 0 ? as_users(s, why) : as_one(s, why);
}

/* ---- what people ask at the start */

static weft_err on_started(weft_actor *self, weft_msg *msg)
{
    const ssh_settings *s = weft_config(self);
    (void)msg;
    weft_log(self, WEFT_NOTICE, "the host key is %s", weft_ssh_keys_fingerprint(s->host_keys));
    if (s->rights[0] != '\0')
        weft_log(self, WEFT_NOTICE, "%s", s->rights);
    if (s->config.anonymous && s->console.to != NULL)
        weft_log(self, WEFT_WARNING, "%s", OPERATOR_ANYBODY);
    return WEFT_OK;
}

static const weft_handler facts_rows[] = {{.type = &weft_started_type, .fn = on_started}, {0}};
static const weft_behaviour facts = {.name = "ssh facts", .handlers = facts_rows};

static weft_err ssh_children(void *at, weft_children *to, weft_why *why)
{
    ssh_settings *s = at;
    const weft_child auth = {.name = "auth", .behaviour = &weft_auth, .config = &s->who.config};
    const weft_child says = {.name = "facts", .behaviour = &facts, .config = s};
    weft_err err = weft_children_add(to, &auth, why);
    if (err == WEFT_OK)
        err = weft_children_listen(to, &s->listen, &weft_ssh_server, &s->config, why);
    return err == WEFT_OK ? weft_children_add(to, &says, why) : err;
}

static void ssh_done(void *at)
{
    weft_ssh_keys_close(&((ssh_settings *)at)->host_keys);
}

const weft_service service_ssh = {
    .name = "ssh",
    .summary = "serve shells, commands and files over SSH",
    .about =
        "Started by root, and without --user, programs and sftp have the rights of the system's\n"
        "user that a peer is let in as, and none if there is no such user; else those of the user\n"
        "that weftd runs as, whoever the peer is. sftp, and scp as OpenSSH speaks it since 9.0,\n"
        "reach the files below --root and nothing else; a shell reaches what its user does, and "
        "so\n"
        "does scp -O, which is a command. The host keys are made on the first run, and which it "
        "is\n"
        "is said at the start (ssh-keygen -lf FOLDER/ssh_host_ed25519_key.pub says it too).\n"
        "With --console whoever is let in is an operator, and runs nothing but the console.",
    .example = "weftd ssh --listen tcp://0.0.0.0:2222 --keys keys --root /srv "
               "--auth sshkey:/etc/weftd/keys/%u",
    .options = ssh_options,
    .settings = &settings,
    .check = ssh_check,
    .children = ssh_children,
    .open = ssh_open,
    .settled = ssh_settled,
    .done = ssh_done,
};

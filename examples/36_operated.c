/* SPDX-License-Identifier: MIT */
/* A program that operators look into over SSH: its counter is theirs to ask, to tap, to kill.
 *
 *     36_operated tcp://127.0.0.1:2222 keys ~/.ssh/id_ed25519.pub
 *     ssh -p 2222 ops@127.0.0.1 ask counter add amount=5
 *     ssh -p 2222 ops@127.0.0.1            (Tab completes, "help" lists the commands)
 */
#include <stdio.h>

#include <weft/weft.h>

/* [counter] */
typedef struct total {
    uint64_t total;
} total;
typedef struct add {
    uint32_t amount;
} add;
/* [types] */
static const weft_field total_fields[] = {WEFT_FIELD(total, total, WEFT_FIELD_UNSIGNED), {0}};
static const weft_field add_fields[] = {WEFT_FIELD(add, amount, WEFT_FIELD_UNSIGNED), {0}};
static const weft_type total_type = WEFT_TYPE_FIELDS("total", total, total_fields, NULL);
static const weft_type add_type = WEFT_TYPE_FIELDS("add", add, add_fields, &total_type);
/* [/types] */

static weft_err on_started(weft_actor *self, weft_msg *msg)
{
    (void)msg;
    return weft_register(self, "counter");
}

static weft_err on_add(weft_actor *self, weft_msg *msg)
{
    total *t = weft_state(self);
    t->total += ((const add *)weft_body(msg))->amount;
    return weft_reply_body(msg, &total_type, t);
}

static const weft_handler rows[] = {
    {.type = &weft_started_type, .fn = on_started}, {.type = &add_type, .fn = on_add}, {0}};
static const weft_behaviour counter = {
    .name = "counter", .handlers = rows, .state_bytes = sizeof(total)};
/* [/counter] */

/* [console] */
static const weft_console_config console = {.prompt = "counter> "};
static const weft_ssh_service services[] = {
    {.kind = WEFT_SSH_SHELL, .behaviour = &weft_console, .config = &console},
    {.kind = WEFT_SSH_EXEC, .behaviour = &weft_console, .config = &console},
    {0},
};
/* [/console] */

int main(int argc, char **argv)
{
    static weft_auth_source source;
    static const weft_auth_config auth = {.sources = &source, .count = 1};
    static weft_ssh_config config = {.services = services, .public_key = true};
    char word[512];
    weft_ssh_keys *keys = NULL;
    weft_why why;
    if (argc != 4) {
        (void)fprintf(stderr, "usage: 36_operated URL KEYS AUTHORIZED-KEYS\n");
        return 64; /* EX_USAGE */
    }
    (void)snprintf(word, sizeof word, "sshkey:%s", argv[3]);
    if (weft_ssh_keys_open(argv[2], false, &keys, &why) != WEFT_OK ||
        weft_auth_source_parse(word, &source, &why) != WEFT_OK) {
        (void)fprintf(stderr, "%s\n", why.text);
        return 78;
    }
    weft_system *sys = weft_system_new(NULL);
    if (sys == NULL)
        return 71;
    config.keys = keys;
    config.auth = weft_system_spawn(sys, 0, &weft_auth, &auth);
    if (weft_ref_is_nobody(weft_system_spawn(sys, 0, &counter, NULL)) ||
        weft_listen(sys, argv[1], &weft_ssh_server, &config) != WEFT_OK)
        (void)fprintf(stderr, "it does not listen\n");
    int code = weft_run(&sys);
    weft_ssh_keys_close(&keys);
    return code;
}

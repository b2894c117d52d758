/* SPDX-License-Identifier: MIT */
/* Who is asked: packs what is wanted, has a connection made when there is none, and sends it on. */
#include <string.h>

#include <weft/edge.h>
#include <weft/log.h>

#include "ssh_client.h"

enum { TEXT_BYTES_MAX = 64 << 20 };

const weft_type weft_ssh_channel_type = WEFT_TYPE("weft.ssh_channel", weft_ssh_channel, NULL);
const weft_type weft_ssh_copied_type = WEFT_TYPE("weft.ssh_copied", weft_ssh_copied, NULL);
const weft_type wf_ssh_lost_type = WEFT_TYPE("weft.ssh_lost", wf_ssh_lost, NULL);
const weft_type wf_ssh_open_type =
    WEFT_TYPE_BYTES("weft.ssh_open", wf_ssh_wish, text, &weft_ssh_channel_type);
const weft_type wf_ssh_run_type =
    WEFT_TYPE_BYTES("weft.ssh_run", wf_ssh_wish, text, &weft_ssh_result_type);
const weft_type wf_ssh_copy_type =
    WEFT_TYPE_BYTES("weft.ssh_copy", wf_ssh_wish, text, &weft_ssh_copied_type);

/* ---- what is asked */

const char *wf_ssh_wish_text(const wf_ssh_wish *wish, uint32_t i)
{
    const char *at = (const char *)wish->text.at;
    for (; i != 0; i--)
        at += strlen(at) + 1;
    return at;
}

static weft_deferred ask(weft_actor *self, weft_ref client, const weft_type *type,
                         wf_ssh_wish *wish, const char *const *texts, weft_bytes input)
{
    size_t size = input.size;
    uint8_t *to;
    for (uint32_t i = 0; texts[i] != NULL; i++) {
        size_t n = strlen(texts[i]) + 1;
        if (n > WEFT_SSH_COMMAND_BYTES_MAX)
            return weft_failed(self, WEFT_ETOOBIG, "a text is longer than %u bytes",
                               WEFT_SSH_COMMAND_BYTES_MAX);
        size += n;
    }
    if (size > TEXT_BYTES_MAX)
        return weft_failed(self, WEFT_ETOOBIG, "what is to be read is longer than %d bytes",
                           TEXT_BYTES_MAX);
    weft_err err = weft_bytes_new(size, &to, &wish->text);
    if (err != WEFT_OK)
        return weft_failed(self, err, NULL);
    for (uint32_t i = 0; texts[i] != NULL; i++)
        to = (uint8_t *)stpcpy((char *)to, texts[i]) + 1;
    wish->input_at = (uint32_t)(size - input.size);
    if (input.size != 0)
        memcpy(to, input.at, input.size);
    weft_deferred asked = weft_ask_body(self, client, type, wish, WEFT_INHERIT);
    weft_bytes_drop(&wish->text);
    return asked;
}

enum { ENV_MAX = 64 };

static weft_deferred call(weft_actor *self, weft_ref client, const weft_type *type,
                          const weft_ssh_call *c, wf_ssh_wish *wish)
{
    const char *texts[ENV_MAX + 3] = {wish->kind == WEFT_SSH_FORWARD ? c->host : c->command,
                                      c->term != NULL ? c->term : "xterm"};
    bool needs_text = wish->kind != WEFT_SSH_SHELL;
    if (texts[0] == NULL)
        texts[0] = "";
    if (needs_text && texts[0][0] == '\0')
        return weft_failed(self, WEFT_EINVAL, "there is nothing to be run or reached");
    for (; c->env != NULL && c->env[wish->env_count] != NULL; wish->env_count++) {
        if (wish->env_count == ENV_MAX)
            return weft_failed(self, WEFT_ETOOBIG, "there are more than %d variables", ENV_MAX);
        texts[2 + wish->env_count] = c->env[wish->env_count];
    }
    wish->terminal = c->terminal;
    wish->window = c->window;
    wish->port = c->port;
    return ask(self, client, type, wish, texts, c->input);
}

weft_deferred weft_ssh_open(weft_actor *self, weft_ref client, const weft_ssh_call *c)
{
    wf_ssh_wish wish = {.kind = c->kind != 0 ? c->kind : WEFT_SSH_EXEC, .errors = c->errors};
    return call(self, client, &wf_ssh_open_type, c, &wish);
}

weft_deferred weft_ssh_run(weft_actor *self, weft_ref client, const weft_ssh_call *c)
{
    wf_ssh_wish wish = {.kind = WEFT_SSH_EXEC, .errors = true};
    return call(self, client, &wf_ssh_run_type, c, &wish);
}

weft_deferred weft_ssh_copy(weft_actor *self, weft_ref client, const weft_ssh_transfer *t)
{
    wf_ssh_wish wish = {.to_host = t->to_host, .tree = t->tree};
    const char *texts[] = {t->local, t->remote, NULL};
    if (t->local == NULL || t->local[0] == '\0' || t->remote == NULL || t->remote[0] == '\0')
        return weft_failed(self, WEFT_EINVAL, "a copy has a local and a remote path");
    return ask(self, client, &wf_ssh_copy_type, &wish, texts, (weft_bytes){.size = 0});
}

/* ---- the actor */

typedef struct client {
    weft_ref conn; /* nobody: none, or it is of no use any more */
} client;

static weft_err on_open(weft_actor *self, weft_msg *msg)
{
    client *c = weft_state(self);
    if (weft_ref_is_nobody(c->conn))
        c->conn = weft_spawn(self, &wf_ssh_client_conn, weft_config(self));
    if (weft_ref_is_nobody(c->conn))
        return weft_fail(msg, WEFT_ENOMEM, "no memory for a connection");
    return weft_forward(msg, c->conn);
}

/* What takes more than a channel is done by an actor that lives as long as it takes. */
static weft_err give_to(weft_actor *self, weft_msg *msg, const weft_behaviour *behaviour)
{
    weft_ref made = weft_spawn(self, behaviour, weft_config(self));
    if (weft_ref_is_nobody(made))
        return weft_fail(msg, WEFT_ENOMEM, "no memory for %s", behaviour->name);
    weft_err err = weft_forward(msg, made);
    if (err != WEFT_OK)
        (void)weft_stop_ref(self, made, err);
    return err;
}

static weft_err on_run(weft_actor *self, weft_msg *msg)
{
    return give_to(self, msg, &wf_ssh_client_run);
}

static weft_err on_copy(weft_actor *self, weft_msg *msg)
{
    return give_to(self, msg, &wf_ssh_client_copy);
}

static void forget(client *c, weft_ref conn)
{
    if (weft_ref_same(c->conn, conn))
        c->conn = WEFT_NOBODY;
}

static weft_err on_lost(weft_actor *self, weft_msg *msg)
{
    forget(weft_state(self), ((const wf_ssh_lost *)weft_body(msg))->conn);
    return WEFT_OK;
}

static void child_ended(weft_actor *self, weft_ref child, weft_err reason)
{
    (void)reason;
    forget(weft_state(self), child);
}

static const weft_handler handlers[] = {
    {.type = &wf_ssh_open_type, .fn = on_open},
    {.type = &wf_ssh_run_type, .fn = on_run},
    {.type = &wf_ssh_copy_type, .fn = on_copy},
    {.type = &wf_ssh_lost_type, .fn = on_lost},
    {0},
};

const weft_behaviour weft_ssh_client = {
    .name = "ssh.client",
    .handlers = handlers,
    .state_bytes = sizeof(client),
    .child_ended = child_ended,
};

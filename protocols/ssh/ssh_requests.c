/* SPDX-License-Identifier: MIT */
/* Channels opened, and what is asked of them until a service has them. */
#include <stdio.h>
#include <string.h>

#include "ssh_server.h"

enum { ENV_MAX = 32 };

static char *copy(const char *text)
{
    size_t n = strlen(text) + 1;
    char *made = n <= WEFT_SSH_COMMAND_BYTES_MAX ? weft_alloc(n) : NULL;
    if (made != NULL)
        memcpy(made, text, n);
    return made;
}

/* ---- services */

static bool serve(weft_actor *self, wf_ssh_slot *slot, const weft_behaviour *behaviour,
                  const void *config)
{
    slot->service = weft_spawn(self, behaviour, config);
    if (weft_ref_is_nobody(slot->service))
        return false;
    slot->served = true;
    slot->leaf = weft_leaf_new(self, &wf_ssh_leaf, slot, slot->service, &slot->stream);
    if (slot->leaf == NULL) {
        (void)weft_stop_ref(self, slot->service, WEFT_ENOMEM);
        return false;
    }
    weft_leaf_begin(slot->leaf);
    return true;
}

static const weft_ssh_service *find(const weft_ssh_config *config, weft_ssh_kind kind,
                                    const char *name)
{
    const weft_ssh_service *row = config->services;
    for (; row != NULL && row->behaviour != NULL; row++)
        if (row->kind == kind && (kind != WEFT_SSH_SUBSYSTEM ||
                                  (row->subsystem != NULL && strcmp(row->subsystem, name) == 0)))
            return row;
    return NULL;
}

static bool start(weft_actor *self, wf_ssh_slot *slot, weft_ssh_kind kind, const char *name)
{
    const weft_ssh_service *row = find(weft_config(self), kind, name);
    if (row == NULL || slot->served || slot->session.kind != 0)
        return false;
    slot->command = copy(name);
    if (slot->command == NULL)
        return false;
    slot->session.kind = kind;
    slot->session.command = slot->command;
    return serve(self, slot, row->behaviour, row->config);
}

/* ---- requests */

static bool set_env(const weft_ssh_config *config, wf_ssh_slot *slot, const char *name,
                    const char *value)
{
    size_t n = strlen(name), bytes = n + strlen(value) + 2;
    if (n == 0 || strchr(name, '=') != NULL || bytes > WEFT_SSH_VARIABLE_BYTES_MAX ||
        slot->env_count >= or_default(config->env_max, ENV_MAX) || slot->session.kind != 0)
        return false;
    char **more = weft_alloc_again(slot->env, (slot->env_count + 2) * sizeof *more);
    if (more == NULL)
        return false;
    slot->env = more;
    slot->env[slot->env_count] = weft_alloc(bytes);
    if (slot->env[slot->env_count] == NULL)
        return false;
    (void)snprintf(slot->env[slot->env_count], bytes, "%s=%s", name, value);
    slot->env[++slot->env_count] = NULL;
    slot->session.env = (const char *const *)slot->env;
    return true;
}

static bool set_terminal(wf_ssh_slot *slot, const wf_ssh_event *event)
{
    if (slot->session.kind != 0 || slot->session.terminal)
        return false;
    slot->term = copy(event->name);
    if (slot->term == NULL)
        return false;
    slot->session.term = slot->term;
    slot->session.terminal = true;
    slot->session.window = event->window;
    return true;
}

static bool set_window(weft_actor *self, wf_ssh_slot *slot, weft_window window)
{
    slot->session.window = window;
    if (slot->served && slot->leaf != NULL)
        wf_ssh_tell(self, slot, &weft_ssh_window_type,
                    &(weft_ssh_window){.stream = slot->stream, .window = window});
    return true;
}

void wf_ssh_on_request(weft_actor *self, const wf_ssh_event *event)
{
    wf_ssh_conn *c = weft_state(self);
    wf_ssh_slot *slot = wf_ssh_channel_user(event->channel);
    bool yes = false;
    if (slot == NULL || slot->forward.to != NULL) {
        wf_ssh_answer(c->ssh, false);
        return;
    }
    switch (event->request) {
    case WF_SSH_PTY:
        yes = set_terminal(slot, event);
        break;
    case WF_SSH_WINDOW:
        yes = set_window(self, slot, event->window);
        break;
    case WF_SSH_ENV:
        yes = set_env(weft_config(self), slot, event->name, event->value);
        break;
    case WF_SSH_SHELL:
        yes = start(self, slot, WEFT_SSH_SHELL, "");
        break;
    case WF_SSH_EXEC:
        yes = start(self, slot, WEFT_SSH_EXEC, event->name);
        break;
    case WF_SSH_SUBSYSTEM:
        yes = start(self, slot, WEFT_SSH_SUBSYSTEM, event->name);
        break;
    }
    wf_ssh_answer(c->ssh, yes);
}

/* ---- opening */

/* RFC 4254 section 7.2. A name with what URLs give a meaning is no name. */
static bool url_of(const wf_ssh_event *event, char *to, size_t bytes)
{
    size_t n = strlen(event->host);
    bool v6 = strchr(event->host, ':') != NULL;
    if (n == 0 || n > 255 || event->port == 0 || event->port > UINT16_MAX ||
        strspn(event->host, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-_:") !=
            n)
        return false;
    (void)snprintf(to, bytes, v6 ? "tcp://[%s]:%u" : "tcp://%s:%u", event->host,
                   (unsigned)event->port);
    return true;
}

void wf_ssh_on_open(weft_actor *self, const wf_ssh_event *event)
{
    const weft_ssh_config *config = weft_config(self);
    wf_ssh_conn *c = weft_state(self);
    char url[sizeof((wf_ssh_slot *)NULL)->url];
    bool yes = !event->forward || (config->forward && url_of(event, url, sizeof url));
    wf_ssh_channel *channel = wf_ssh_answer_open(c->ssh, yes);
    if (channel == NULL)
        return;
    wf_ssh_slot *slot = wf_ssh_slot_new(c, channel);
    if (slot == NULL) {
        wf_ssh_channel_free(channel);
        return;
    }
    if (!event->forward)
        return;
    memcpy(slot->url, url, sizeof url);
    slot->forward.to = slot->url;
    if (!serve(self, slot, &weft_forward_service, &slot->forward)) {
        wf_ssh_channel_free(channel);
        slot->channel = NULL;
        wf_ssh_slot_done(slot);
    }
}

/* SPDX-License-Identifier: MIT */
/* One SSH session: the pair that libssh reads and writes, its messages as events, and their answers.
 *
 * libssh has callbacks for what peers want, which must answer at once; who the peer is takes the auth actor
 * a while. So the older way is used, that of messages, which wait in libssh until they are answered. */
#include "ssh_session.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <weft/edge.h>

#include "ssh_lib.h"

#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

enum { PAIR_BYTES = 1 << 20 };

/* ---- beginning and end */

static weft_err begin(wf_ssh *s, const weft_ssh_keys *keys, unsigned methods, weft_why *why)
{
    int methods_of = 0;
    /* what comes packed costs a server more than it saves */
    if (ssh_options_set(s->session, SSH_OPTIONS_COMPRESSION_C_S, "none") != SSH_OK ||
        ssh_options_set(s->session, SSH_OPTIONS_COMPRESSION_S_C, "none") != SSH_OK)
        return weft_because(why, WEFT_EINTERNAL, "libssh does not take an option: %s",
                            ssh_get_error(s->session));
    if (ssh_bind_accept_fd(wf_ssh_keys_bind(keys), s->session, s->theirs) != SSH_OK)
        return weft_because(why, WEFT_EINTERNAL, "libssh does not begin: %s",
                            ssh_get_error(wf_ssh_keys_bind(keys)));
    if ((methods & WF_SSH_PASSWORD) != 0)
        methods_of |= (int)SSH_AUTH_METHOD_PASSWORD;
    if ((methods & WF_SSH_KEY) != 0)
        methods_of |= (int)SSH_AUTH_METHOD_PUBLICKEY;
    if ((methods & WF_SSH_NONE) != 0)
        methods_of |= (int)SSH_AUTH_METHOD_NONE;
    ssh_set_auth_methods(s->session, methods_of);
    ssh_set_blocking(s->session, 0);
    if (ssh_handle_key_exchange(s->session) == SSH_ERROR)
        return weft_because(why, WEFT_EINTERNAL, "libssh does not begin: %s",
                            ssh_get_error(s->session));
    return WEFT_OK;
}

weft_err wf_ssh_make(uint32_t channels_max, wf_ssh **out, weft_why *why)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) != 0)
        return weft_because(why, weft_err_from_errno(errno), "unable to make a socket pair: %s",
                            strerror(errno));
    wf_ssh *s = weft_alloc_zero(sizeof *s + channels_max * sizeof s->channel[0]);
    if (s == NULL || (s->session = ssh_new()) == NULL) {
        (void)close(pair[0]);
        (void)close(pair[1]);
        weft_alloc_free(s);
        return weft_because(why, WEFT_ENOMEM, "no memory for an SSH session");
    }
    s->ours = pair[0];
    s->theirs = pair[1];
    s->held = -1;
    /* channels write at most WF_SSH_WRITTEN_MAX before it is emptied: libssh takes a descriptor that has no
     * room, after it was told of some, for one that is broken */
    (void)setsockopt(pair[1], SOL_SOCKET, SO_SNDBUF, &(int){PAIR_BYTES}, sizeof(int));
    s->channels_max = channels_max;
    ssh_set_counters(s->session, &s->counts, NULL);
    *out = s;
    return WEFT_OK;
}

weft_err wf_ssh_new(const weft_ssh_keys *keys, unsigned methods, uint32_t channels_max,
                    wf_ssh **out, weft_why *why)
{
    wf_ssh *s = NULL;
    weft_err err = wf_ssh_make(channels_max, &s, why);
    if (err != WEFT_OK || s == NULL)
        return err;
    err = begin(s, keys, methods, why);
    if (err != WEFT_OK)
        wf_ssh_free(&s);
    else
        *out = s;
    return err;
}

/* libssh frees its channels with the session, behind our back. */
static void forget_channels(wf_ssh *s)
{
    for (uint32_t i = 0; i < s->channels_max; i++)
        if (s->channel[i].channel != NULL) {
            (void)ssh_remove_channel_callbacks(s->channel[i].channel, &s->channel[i].callbacks);
            s->channel[i].channel = NULL;
        }
}

void wf_ssh_finish(wf_ssh *s)
{
    if (s->message != NULL)
        ssh_message_free(s->message);
    s->message = NULL;
    s->finished = true;
    forget_channels(s);
}

/* libssh closes its end with the session, but not that of a client, unless something broke: ours knows. */
static void close_theirs(const wf_ssh *s)
{
    struct pollfd ours = {.fd = s->ours};
    if (poll(&ours, 1, 0) == 0 || (ours.revents & POLLHUP) == 0)
        (void)close(s->theirs);
}

void wf_ssh_free(wf_ssh **at)
{
    wf_ssh *s = *at;
    if (s == NULL)
        return;
    wf_ssh_finish(s);
    ssh_free(s->session);
    if (s->held >= 0)
        (void)close(s->held);
    close_theirs(s);
    (void)close(s->ours);
    if (s->host_key != NULL)
        ssh_string_free_char(s->host_key);
    weft_alloc_free(s);
    *at = NULL;
}

void wf_ssh_goodbye(wf_ssh *s)
{
    if (s->finished)
        return;
    wf_ssh_finish(s);
    ssh_disconnect(s->session);
}

void wf_ssh_keep_alive(wf_ssh *s)
{
    if (!s->finished)
        (void)ssh_send_keepalive(s->session);
}

/* ---- bytes */

/* libssh counts what it reads and writes, so that the pair need not be asked what is in it. */

size_t wf_ssh_feed(wf_ssh *s, const uint8_t *at, size_t size)
{
    if (size == 0 || s->finished)
        return s->finished ? size : 0;
    ssize_t n = send(s->ours, at, size, MSG_NOSIGNAL);
    s->fed += n > 0 ? (uint64_t)n : 0;
    return n > 0 ? (size_t)n : 0;
}

size_t wf_ssh_output(const wf_ssh *s)
{
    return s->counts.out_bytes - s->taken;
}

size_t wf_ssh_take(wf_ssh *s, uint8_t *to, size_t size)
{
    ssize_t n = recv(s->ours, to, size, 0);
    s->taken += n > 0 ? (uint64_t)n : 0;
    return n > 0 ? (size_t)n : 0;
}

bool wf_ssh_is_busy(const wf_ssh *s)
{
    if (s->finished)
        return wf_ssh_output(s) > 0;
    return s->more || s->fed != s->counts.in_bytes ||
           (ssh_get_status(s->session) & SSH_WRITE_PENDING) != 0;
}

bool wf_ssh_waits(const wf_ssh *s)
{
    return s->message != NULL;
}

/* ---- what the peer wants */

/* What ssh_pki_export_pubkey_base64 wrote, so without white space. */
static uint32_t decode(const char *text, uint8_t *to, uint32_t max)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    uint32_t n = 0, bits = 0, held = 0;
    for (; *text != '\0' && *text != '='; text++) {
        const char *digit = strchr(digits, *text);
        if (digit == NULL)
            return 0;
        held = held << 6 | (uint32_t)(digit - digits);
        bits += 6;
        if (bits < 8)
            continue;
        bits -= 8;
        if (n == max)
            return 0;
        to[n++] = (uint8_t)(held >> bits);
    }
    return n;
}

static bool look_at_key(wf_ssh *s, wf_ssh_event *out)
{
    enum ssh_publickey_state_e state = ssh_message_auth_publickey_state(s->message);
    char *text = NULL;
    if (state != SSH_PUBLICKEY_STATE_NONE && state != SSH_PUBLICKEY_STATE_VALID)
        return false;
    out->is_signed = state == SSH_PUBLICKEY_STATE_VALID;
    if (ssh_pki_export_pubkey_base64(ssh_message_auth_pubkey(s->message), &text) != SSH_OK)
        return false;
    out->key_bytes = decode(text, out->key, sizeof out->key);
    ssh_string_free_char(text);
    return out->key_bytes != 0;
}

static bool look_at_auth(wf_ssh *s, wf_ssh_event *out)
{
    out->want = WF_SSH_AUTH;
    out->user = ssh_message_auth_user(s->message);
    if (out->user == NULL)
        return false;
    switch ((unsigned)ssh_message_subtype(s->message)) {
    case SSH_AUTH_METHOD_NONE:
        out->method = WF_SSH_NONE;
        return true;
    case SSH_AUTH_METHOD_PASSWORD:
        out->method = WF_SSH_PASSWORD;
        out->password = ssh_message_auth_password(s->message);
        return out->password != NULL;
    case SSH_AUTH_METHOD_PUBLICKEY:
        out->method = WF_SSH_KEY;
        /* a signature that is wrong is a try, and is answered as one */
        if (!look_at_key(s, out))
            out->key_bytes = 0;
        return true;
    default:
        return false;
    }
}

static bool look_at_open(wf_ssh *s, wf_ssh_event *out)
{
    int type = ssh_message_subtype(s->message);
    out->want = WF_SSH_OPEN;
    if (type == SSH_CHANNEL_SESSION)
        return true;
    if (type != SSH_CHANNEL_DIRECT_TCPIP)
        return false;
    out->forward = true;
    out->host = ssh_message_channel_request_open_destination(s->message);
    out->port = (uint32_t)ssh_message_channel_request_open_destination_port(s->message);
    return out->host != NULL;
}

static uint16_t characters(int n)
{
    return n < 0 ? 0 : n > UINT16_MAX ? UINT16_MAX : (uint16_t)n;
}

static bool look_at_request(wf_ssh *s, wf_ssh_event *out)
{
    static const struct {
        int subtype;
        wf_ssh_request request;
    } rows[] = {
        {SSH_CHANNEL_REQUEST_PTY, WF_SSH_PTY},   {SSH_CHANNEL_REQUEST_WINDOW_CHANGE, WF_SSH_WINDOW},
        {SSH_CHANNEL_REQUEST_ENV, WF_SSH_ENV},   {SSH_CHANNEL_REQUEST_SHELL, WF_SSH_SHELL},
        {SSH_CHANNEL_REQUEST_EXEC, WF_SSH_EXEC}, {SSH_CHANNEL_REQUEST_SUBSYSTEM, WF_SSH_SUBSYSTEM},
    };
    ssh_message m = s->message;
    int subtype = ssh_message_subtype(m);
    size_t i = 0;
    for (; i < sizeof rows / sizeof *rows && rows[i].subtype != subtype;)
        i++;
    if (i == sizeof rows / sizeof *rows)
        return false;
    out->want = WF_SSH_REQUEST;
    out->request = rows[i].request;
    out->channel = wf_ssh_channel_find(s, ssh_message_channel_request_channel(m));
    out->name = "";
    if (out->request == WF_SSH_PTY)
        out->name = ssh_message_channel_request_pty_term(m);
    if (out->request == WF_SSH_PTY || out->request == WF_SSH_WINDOW)
        out->window =
            (weft_window){.rows = characters(ssh_message_channel_request_pty_height(m)),
                          .columns = characters(ssh_message_channel_request_pty_width(m))};
    if (out->request == WF_SSH_ENV) {
        out->name = ssh_message_channel_request_env_name(m);
        out->value = ssh_message_channel_request_env_value(m);
    }
    if (out->request == WF_SSH_EXEC)
        out->name = ssh_message_channel_request_command(m);
    if (out->request == WF_SSH_SUBSYSTEM)
        out->name = ssh_message_channel_request_subsystem(m);
    return out->channel != NULL && out->name != NULL &&
           (out->request != WF_SSH_ENV || out->value != NULL);
}

/* false: it is nothing for others, and answered. */
static bool look_at(wf_ssh *s, wf_ssh_event *out)
{
    if (s->is_client)
        return false; /* a server may ask for nothing here */
    switch (ssh_message_type(s->message)) {
    case SSH_REQUEST_AUTH:
        return look_at_auth(s, out);
    case SSH_REQUEST_CHANNEL_OPEN:
        return s->granted && look_at_open(s, out);
    case SSH_REQUEST_CHANNEL:
        return s->granted && look_at_request(s, out);
    case SSH_REQUEST_SERVICE:
        (void)ssh_message_service_reply_success(s->message);
        ssh_message_free(s->message);
        s->message = NULL;
        return false;
    default:
        return false;
    }
}

static void answered(wf_ssh *s)
{
    if (s->message != NULL)
        ssh_message_free(s->message);
    s->message = NULL;
}

static void refuse(wf_ssh *s)
{
    if (s->message != NULL)
        (void)ssh_message_reply_default(s->message);
    answered(s);
}

bool wf_ssh_is_dead(const wf_ssh *s)
{
    int status = ssh_get_status(s->session);
    return (status & (SSH_CLOSED | SSH_CLOSED_ERROR)) != 0 || !ssh_is_connected(s->session);
}

weft_err wf_ssh_is_over(wf_ssh *s, weft_why *why)
{
    /* libssh has its goodbye as an error like any other */
    const char *text = ssh_get_error(s->session);
    bool silent = !s->is_client && !s->lost && strstr(text, "Socket error") != NULL;
    weft_err err = silent || strstr(text, "SSH_MSG_DISCONNECT") != NULL ? WEFT_EDONE
                   : s->lost                                            ? WEFT_ELOST
                                                                        : WEFT_EPROTO;
    weft_explain(why, "%.150s", silent ? "the peer went without a word" : text);
    wf_ssh_finish(s);
    return err;
}

weft_err wf_ssh_next(wf_ssh *s, wf_ssh_event *out, weft_why *why)
{
    memset(out, 0, offsetof(wf_ssh_event, key));
    memset(&out->forward, 0, sizeof *out - offsetof(wf_ssh_event, forward));
    if (s->finished)
        return weft_because(why, WEFT_EDONE, "the session is over");
    if (s->message != NULL)
        return WEFT_OK;
    if (s->phase != WF_SSH_IS_READY)
        return wf_ssh_next_of_client(s, out, why);
    s->message = ssh_message_get(s->session);
    s->more = s->message != NULL;
    if (!s->more)
        wf_ssh_channels_reap(s);
    if (s->message != NULL) {
        if (!look_at(s, out)) {
            out->want = WF_SSH_NOTHING;
            refuse(s);
        }
        return WEFT_OK;
    }
    if (s->flooded) {
        wf_ssh_finish(s);
        return weft_because(why, WEFT_EPROTO, "the peer sends more than its window");
    }
    return wf_ssh_is_dead(s) ? wf_ssh_is_over(s, why) : WEFT_OK;
}

void wf_ssh_auth_fingerprint(const wf_ssh *s, char to[WEFT_SSH_FINGERPRINT_BYTES])
{
    to[0] = '\0';
    if (s->message != NULL && ssh_message_type(s->message) == SSH_REQUEST_AUTH)
        wf_ssh_fingerprint(ssh_message_auth_pubkey(s->message), to);
}

void wf_ssh_answer_auth(wf_ssh *s, bool is_signed, bool yes)
{
    if (s->message == NULL)
        return;
    if (!yes) {
        refuse(s);
        return;
    }
    if (ssh_message_subtype(s->message) == (int)SSH_AUTH_METHOD_PUBLICKEY && !is_signed) {
        (void)ssh_message_auth_reply_pk_ok_simple(s->message);
    } else {
        s->granted = true;
        (void)ssh_message_auth_reply_success(s->message, 0);
    }
    answered(s);
}

wf_ssh_channel *wf_ssh_answer_open(wf_ssh *s, bool yes)
{
    wf_ssh_channel *c = NULL;
    bool place = false;
    if (s->message == NULL)
        return NULL;
    for (uint32_t i = 0; i < s->channels_max; i++)
        place |= !s->channel[i].used;
    if (!yes || !place) {
        refuse(s);
        return NULL;
    }
    ssh_channel channel = ssh_message_channel_request_open_reply_accept(s->message);
    if (channel != NULL)
        c = wf_ssh_channel_add(s, channel);
    answered(s);
    return c;
}

void wf_ssh_answer(wf_ssh *s, bool yes)
{
    if (!yes) {
        refuse(s);
        return;
    }
    if (s->message != NULL)
        (void)ssh_message_channel_request_reply_success(s->message);
    answered(s);
}

/* SPDX-License-Identifier: MIT */
/* libssh's client over a peer of a simulation: a socket pair, whose other end is emptied into the peer. */
#include "ssh_peer.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "check.h"
#include "ssh_lib.h"

enum { ROUNDS_MAX = 4000, IDLE_MAX = 3, LIMIT = 1 << 30 };

struct ssh_peer {
    weft_sim *sim;
    weft_sim_peer *wire;
    weft_sim_cut cut;
    ssh_session session;
    ssh_channel channel;
    ssh_key key;
    char line[256];
    int ours, theirs;
    size_t given; /* of what the wire got */
    unsigned rounds, rounds_max;
};

ssh_peer *ssh_peer_new(weft_sim *sim, const char *url, weft_sim_cut cut)
{
    static const bool no_files = false;
    int pair[2];
    ssh_peer *p = calloc(1, sizeof *p);
    REQUIRE(p != NULL &&
            socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) == 0);
    p->sim = sim;
    p->cut = cut;
    p->rounds_max = LIMIT;
    p->wire = weft_sim_connect(sim, url);
    p->ours = pair[0];
    p->theirs = pair[1];
    p->session = ssh_new();
    REQUIRE(p->session != NULL);
    REQUIRE(ssh_options_set(p->session, SSH_OPTIONS_PROCESS_CONFIG, &no_files) == SSH_OK);
    REQUIRE(ssh_options_set(p->session, SSH_OPTIONS_HOST, "127.0.0.1") == SSH_OK);
    REQUIRE(ssh_options_set(p->session, SSH_OPTIONS_USER, "nobody") == SSH_OK);
    REQUIRE(ssh_options_set(p->session, SSH_OPTIONS_FD, &pair[1]) == SSH_OK);
    ssh_set_blocking(p->session, 0);
    return p;
}

void ssh_peer_free(ssh_peer **at)
{
    ssh_peer *p = *at;
    if (p == NULL)
        return;
    if (p->channel != NULL)
        ssh_channel_free(p->channel);
    ssh_free(p->session);
    ssh_key_free(p->key);
    (void)close(p->ours);
    free(p);
    *at = NULL;
}

weft_sim_peer *ssh_peer_wire(const ssh_peer *p)
{
    return p->wire;
}

/* Whether something moved. */
static bool move(ssh_peer *p)
{
    uint8_t block[65536];
    bool moved = false;
    int waiting = 0;
    /* a client of libssh has its descriptor wait again when it is connected */
    (void)fcntl(p->theirs, F_SETFL, O_RDWR | O_NONBLOCK);
    ssize_t n = recv(p->ours, block, sizeof block, 0);
    if (n > 0) {
        moved = true;
        if (p->rounds++ < p->rounds_max)
            weft_sim_peer_send_cut(p->wire, block, (size_t)n, n < 4096 ? p->cut : WEFT_SIM_WHOLE);
    }
    if (!weft_sim_settle(p->sim, 50))
        moved = true;
    while (p->given < p->wire->got_bytes) {
        n = send(p->ours, p->wire->got + p->given, p->wire->got_bytes - p->given, MSG_NOSIGNAL);
        if (n <= 0)
            break;
        moved = true;
        p->given += (size_t)n;
    }
    /* libssh reads 4 KiB at a time */
    moved |= ioctl(p->theirs, FIONREAD, &waiting) == 0 && waiting > 0;
    if (p->wire->closed && p->given == p->wire->got_bytes)
        (void)shutdown(p->ours, SHUT_WR);
    return moved;
}

/* One more round; false: nothing has moved for some of them. */
static bool goes_on(ssh_peer *p, int *idle, int *rounds)
{
    *idle = move(p) ? 0 : *idle + 1;
    return *idle < IDLE_MAX && ++*rounds < ROUNDS_MAX;
}

#define UNTIL(p, call, again)                                              \
    {                                                                      \
        int rc = 0, idle = 0, rounds = 0;                                  \
        while ((rc = (call)) == (again) && goes_on((p), &idle, &rounds)) { \
        }                                                                  \
        (void)move(p);                                                     \
        return rc == SSH_OK;                                               \
    }

bool ssh_peer_connect(ssh_peer *p)
{
    UNTIL(p, ssh_connect(p->session), SSH_AGAIN)
}

bool ssh_peer_password(ssh_peer *p, const char *user, const char *password)
{
    UNTIL(p, ssh_userauth_password(p->session, user, password), SSH_AUTH_AGAIN)
}

const char *ssh_peer_key(ssh_peer *p)
{
    char *text = NULL;
    REQUIRE(ssh_pki_generate(SSH_KEYTYPE_ED25519, 0, &p->key) == SSH_OK);
    REQUIRE(ssh_pki_export_pubkey_base64(p->key, &text) == SSH_OK);
    (void)snprintf(p->line, sizeof p->line, "ssh-ed25519 %s test\n", text);
    ssh_string_free_char(text);
    return p->line;
}

static bool try_key(ssh_peer *p, const char *user)
{
    UNTIL(p, ssh_userauth_try_publickey(p->session, user, p->key), SSH_AUTH_AGAIN)
}

bool ssh_peer_prove(ssh_peer *p, const char *user)
{
    if (!try_key(p, user))
        return false;
    UNTIL(p, ssh_userauth_publickey(p->session, user, p->key), SSH_AUTH_AGAIN)
}

static void channel_fresh(ssh_peer *p)
{
    if (p->channel != NULL)
        ssh_channel_free(p->channel);
    (void)move(p);
    p->channel = ssh_channel_new(p->session);
    REQUIRE(p->channel != NULL);
}

bool ssh_peer_open(ssh_peer *p)
{
    channel_fresh(p);
    UNTIL(p, ssh_channel_open_session(p->channel), SSH_AGAIN)
}

bool ssh_peer_open_more(ssh_peer *p)
{
    /* the session frees it */
    ssh_channel more = ssh_channel_new(p->session);
    REQUIRE(more != NULL);
    UNTIL(p, ssh_channel_open_session(more), SSH_AGAIN)
}

bool ssh_peer_open_forward(ssh_peer *p, const char *host, int port)
{
    channel_fresh(p);
    UNTIL(p, ssh_channel_open_forward(p->channel, host, port, "127.0.0.1", 1), SSH_AGAIN)
}

bool ssh_peer_env(ssh_peer *p, const char *name, const char *value)
{
    UNTIL(p, ssh_channel_request_env(p->channel, name, value), SSH_AGAIN)
}

bool ssh_peer_terminal(ssh_peer *p, int columns, int rows)
{
    UNTIL(p, ssh_channel_request_pty_size(p->channel, "xterm", columns, rows), SSH_AGAIN)
}

bool ssh_peer_window(ssh_peer *p, int columns, int rows)
{
    UNTIL(p, ssh_channel_change_pty_size(p->channel, columns, rows), SSH_AGAIN)
}

bool ssh_peer_signal(ssh_peer *p, const char *name)
{
    UNTIL(p, ssh_channel_request_send_signal(p->channel, name), SSH_AGAIN)
}

bool ssh_peer_shell(ssh_peer *p)
{
    UNTIL(p, ssh_channel_request_shell(p->channel), SSH_AGAIN)
}

bool ssh_peer_exec(ssh_peer *p, const char *command)
{
    UNTIL(p, ssh_channel_request_exec(p->channel, command), SSH_AGAIN)
}

bool ssh_peer_subsystem(ssh_peer *p, const char *name){
    UNTIL(p, ssh_channel_request_subsystem(p->channel, name), SSH_AGAIN)}

size_t ssh_peer_write(ssh_peer *p, const void *at, size_t size)
{
    size_t done = 0;
    int idle = 0, rounds = 0;
    while (done < size) {
        int n = ssh_channel_write(p->channel, (const uint8_t *)at + done, (uint32_t)(size - done));
        if (n < 0)
            break;
        done += (size_t)n;
        if (!goes_on(p, &idle, &rounds))
            break;
    }
    return done;
}

void ssh_peer_end(ssh_peer *p)
{
    (void)ssh_channel_send_eof(p->channel);
    (void)move(p);
}

void ssh_peer_ask_and_close(ssh_peer *p)
{
    (void)ssh_channel_request_pty_size(p->channel, "xterm", 80, 24);
    (void)ssh_channel_change_pty_size(p->channel, 80, 25);
    (void)ssh_channel_request_exec(p->channel, "echo");
    (void)ssh_channel_close(p->channel);
    ssh_peer_run(p);
}

size_t ssh_peer_read(ssh_peer *p, void *to, size_t size, bool error)
{
    size_t got = 0;
    int idle = 0, rounds = 0;
    while (got < size) {
        int n = ssh_channel_read_nonblocking(p->channel, (uint8_t *)to + got,
                                             (uint32_t)(size - got), error);
        if (n == SSH_ERROR || (n <= 0 && !goes_on(p, &idle, &rounds)))
            break;
        got += n > 0 ? (size_t)n : 0;
    }
    return got;
}

void ssh_peer_run(ssh_peer *p)
{
    int idle = 0, rounds = 0;
    do {
        (void)ssh_channel_poll(p->channel, 0);
    } while (goes_on(p, &idle, &rounds));
}

bool ssh_peer_is_closed(ssh_peer *p)
{
    ssh_peer_run(p);
    return ssh_channel_is_closed(p->channel);
}

int ssh_peer_exit(ssh_peer *p)
{
    ssh_peer_run(p);
    return ssh_channel_get_exit_status(p->channel);
}

unsigned ssh_peer_rounds(const ssh_peer *p)
{
    return p->rounds;
}

void ssh_peer_stall_after(ssh_peer *p, unsigned rounds)
{
    p->rounds_max = rounds;
}

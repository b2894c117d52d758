/* SPDX-License-Identifier: MIT */
/* A client of SSH and weft's own server of it in one simulation, and an actor that asks the client. */
#ifndef WEFT_TESTS_SSH_WORLD_H
#define WEFT_TESTS_SSH_WORLD_H

#include <weft/net.h>
#include <weft/ssh_client.h>
#include <weft/testing_stream.h>

#include "check.h"

#define SSH_URL "sim://ssh"

/* A folder of its own with keys of a server and of a user, and what is served and asked for. */
typedef struct ssh_world {
    char folder[64], known[96], key_file[96];
    weft_ssh_keys *keys;
    weft_sim *sim;
    weft_auth_source sources[2];
    weft_auth_config auth;
    weft_ssh_config server;
    weft_ssh_client_config client;
    weft_ref host; /* the client */
    weft_ref asker;
} ssh_world;

/* What became of the last thing that was asked. */
typedef struct ssh_heard {
    unsigned answers;
    weft_err err;
    char why[WEFT_WHY_BYTES];
    int code;
    char signal[16];
    size_t output_bytes, errors_bytes;
    char output[400000], errors[1000];
    weft_ssh_copied copied;
    /* of a channel */
    weft_ref stream;
    unsigned opened, ended, closed, exited;
    weft_err closed_for;
} ssh_heard;
extern ssh_world ssh;
extern ssh_heard ssh_heard_now;

/* Keys, a server that takes ann's password "secret" and her key, and a client that is to know it. Before a test, and
 * after it. */
void ssh_world_before(void);
void ssh_world_after(void);
/* The simulation: changes to ssh.server and ssh.client come before. */
void ssh_world_open(const weft_sim_options *options);
/* Ends it; nothing may be left. */
void ssh_world_close(void);
/* Writes the server's key to known_hosts under @name. */
void ssh_world_know(const char *name);
/* What the server's key is called there: "ssh-ed25519 AAAA...". */
const char *ssh_world_key(void);
/* A path in the world's folder; valid until the fourth call from now. */
const char *ssh_path(const char *name);
void ssh_write_file(const char *path, const void *at, size_t size);
size_t ssh_read_file(const char *path, void *to, size_t size);

/* Ask, and go on until nothing moves. */
void ssh_run(const weft_ssh_call *call);
void ssh_open(const weft_ssh_call *call);
void ssh_copy(const weft_ssh_transfer *transfer);
/* The same, without going on: what has to happen meanwhile is the test's. */
void ssh_ask_run(const weft_ssh_call *call);
void ssh_ask_copy(const weft_ssh_transfer *transfer);
/* Written to the channel that was opened; NULL: its end. */
void ssh_channel_say(const char *text);
void ssh_channel_resize(weft_window window);
void ssh_channel_signal(const char *name);

#endif

/* SPDX-License-Identifier: MIT */
/* A client of SSH for tests: libssh's own, over a peer of a simulation, one step at a time. */
#ifndef WEFT_TESTS_SSH_PEER_H
#define WEFT_TESTS_SSH_PEER_H

#include <weft/ssh.h>
#include <weft/testing_stream.h>

typedef struct ssh_peer ssh_peer;

/* Connects to @url; what it sends is cut as @cut says. */
ssh_peer *ssh_peer_new(weft_sim *sim, const char *url, weft_sim_cut cut);
void ssh_peer_free(ssh_peer **p);
/* The end of the connection, to look at. */
weft_sim_peer *ssh_peer_wire(const ssh_peer *p);

/* Each goes on until it has come to something; false: it was refused, or the connection is over. */
bool ssh_peer_connect(ssh_peer *p);
bool ssh_peer_password(ssh_peer *p, const char *user, const char *password);
/* A fresh Ed25519 key; its line for authorized_keys. */
const char *ssh_peer_key(ssh_peer *p);
bool ssh_peer_prove(ssh_peer *p, const char *user);
bool ssh_peer_open(ssh_peer *p);
/* One more channel, which the functions below do not speak of. */
bool ssh_peer_open_more(ssh_peer *p);
bool ssh_peer_open_forward(ssh_peer *p, const char *host, int port);
bool ssh_peer_env(ssh_peer *p, const char *name, const char *value);
bool ssh_peer_terminal(ssh_peer *p, int columns, int rows);
bool ssh_peer_window(ssh_peer *p, int columns, int rows);
bool ssh_peer_signal(ssh_peer *p, const char *name);
bool ssh_peer_shell(ssh_peer *p);
bool ssh_peer_exec(ssh_peer *p, const char *command);
bool ssh_peer_subsystem(ssh_peer *p, const char *name);

/* Writes all of it to the channel, or what goes in @rounds_max rounds; gives how much. */
size_t ssh_peer_write(ssh_peer *p, const void *at, size_t size);
void ssh_peer_end(ssh_peer *p);
/* Requests, whose answers nobody waits for, and the end of the channel, all at once. */
void ssh_peer_ask_and_close(ssh_peer *p);
/* Reads until @size bytes are there, or no more come; gives how many. */
size_t ssh_peer_read(ssh_peer *p, void *to, size_t size, bool error);
/* The channel was closed by the server. */
bool ssh_peer_is_closed(ssh_peer *p);
int ssh_peer_exit(ssh_peer *p);
/* Lets bytes go both ways until nothing moves. */
void ssh_peer_run(ssh_peer *p);

/* Steps of the protocol so far: how often bytes went to the server. */
unsigned ssh_peer_rounds(const ssh_peer *p);
/* From now on nothing is sent any more after @rounds rounds. */
void ssh_peer_stall_after(ssh_peer *p, unsigned rounds);

#endif

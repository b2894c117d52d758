/* SPDX-License-Identifier: MIT */
/* One SSH session as a machine that takes bytes and gives bytes and events; no actor, no clock.
 *
 *     bytes ──▶ wf_ssh_feed ──▶ libssh ──▶ wf_ssh_next: who the peer says it is, channels, requests
 *     bytes ◀── wf_ssh_take ◀──   │   ◀── wf_ssh_answer_*, wf_ssh_channel_write
 *
 * libssh 0.10 reads and writes a descriptor itself. It gets one end of a socket pair that never waits, and
 * the other end is fed and emptied here, so that a session runs over any stream, and in a simulation. No
 * function of this file waits for anything. A session belongs to one thread at a time. */
#ifndef WF_SSH_SESSION_H
#define WF_SSH_SESSION_H

#include <weft/ssh.h>

typedef struct wf_ssh wf_ssh;
typedef struct wf_ssh_channel wf_ssh_channel;

/* ---- host keys */

/* Whether one more peer may be let in before it is known who it is; counted until wf_ssh_keys_leave. */
bool wf_ssh_keys_enter(const weft_ssh_keys *keys, uint32_t max);
void wf_ssh_keys_leave(const weft_ssh_keys *keys);

/* ---- a session */

enum { WF_SSH_NONE = 1, WF_SSH_PASSWORD = 2, WF_SSH_KEY = 4 };

/* A server's session with at most @channels_max channels; @methods are those it offers. Its first bytes
 * wait to be taken. errors: ENOMEM, ELIMIT (descriptors), EINTERNAL. */
WEFT_MUST_USE weft_err wf_ssh_new(const weft_ssh_keys *keys, unsigned methods,
                                  uint32_t channels_max, wf_ssh **out, weft_why *why);
void wf_ssh_free(wf_ssh **s);

/* Takes bytes of the peer; gives how many, which may be fewer, or none until more steps were made. */
size_t wf_ssh_feed(wf_ssh *s, const uint8_t *at, size_t size);
/* How many bytes there are for the peer. */
size_t wf_ssh_output(const wf_ssh *s);
/* Bytes for the peer: how many were written to @to. */
size_t wf_ssh_take(wf_ssh *s, uint8_t *to, size_t size);
/* Whether bytes that were fed wait to be looked at, or bytes for the peer to be taken. */
bool wf_ssh_is_busy(const wf_ssh *s);
/* From here to wf_ssh_direct_end what channels write leaves by @socket at once, without being taken, and what the peer
 * has sent may be read from there; no other function of the session is called in between. The socket is the peer's
 * own, never waits, and all that came by it was fed. true: so it is. false: it does not take more now, or bytes stand
 * in the session that must go first; then nothing is changed. */
bool wf_ssh_direct_begin(wf_ssh *s, int socket);
/* What the socket did not take is there to be taken. true: something was read from it. */
bool wf_ssh_direct_end(wf_ssh *s);
/* Says goodbye: bytes may still be taken, and nothing else be done. */
void wf_ssh_goodbye(wf_ssh *s);
/* Asks whether the peer is still there; it answers with some bytes. */
void wf_ssh_keep_alive(wf_ssh *s);

/* ---- what the peer wants */

typedef enum wf_ssh_want {
    WF_SSH_NOTHING, /* now; feed it */
    WF_SSH_AUTH,    /* to be somebody: wf_ssh_answer_auth */
    WF_SSH_OPEN,    /* a channel: wf_ssh_answer_open */
    WF_SSH_REQUEST, /* something of a channel: wf_ssh_answer */
    /* of a server, to a client: */
    WF_SSH_HOST,  /* it has proved that it has a key: wf_ssh_host_known */
    WF_SSH_PROVE, /* who this is, or the next part of it: wf_ssh_prove */
} wf_ssh_want;

typedef enum wf_ssh_request {
    WF_SSH_PTY,
    WF_SSH_WINDOW,
    WF_SSH_ENV,
    WF_SSH_SHELL,
    WF_SSH_EXEC,
    WF_SSH_SUBSYSTEM,
} wf_ssh_request;

/* Texts are the session's until the event is answered. */
typedef struct wf_ssh_event {
    wf_ssh_want want;
    /* WF_SSH_AUTH */
    unsigned method; /* WF_SSH_NONE, ... */
    const char *user, *password;
    bool
        is_signed; /* the peer has proved that it has the key; else it asks whether that would do */
    uint32_t key_bytes;
    uint8_t key[WEFT_AUTH_KEY_BYTES];
    /* WF_SSH_OPEN */
    bool forward; /* to host and port; else a session */
    const char *host;
    uint32_t port;
    /* WF_SSH_REQUEST */
    wf_ssh_request request;
    wf_ssh_channel *channel;
    const char *name,
        *value; /* of the environment; else the name is the command, subsystem, terminal. Of
                           WF_SSH_HOST: the type of the key, and the key in base64 */
    weft_window window;
} wf_ssh_event;

/* Goes on by one step, at most one read of what was fed, and says in @out what came of it. Calm when there is
 * nothing to do. No step is made while an event waits for its answer.
 * errors: EPROTO (or whatever the peer did), EDONE (it said goodbye); the session is over then. */
WEFT_MUST_USE weft_err wf_ssh_next(wf_ssh *s, wf_ssh_event *out, weft_why *why);
/* Whether an event waits for its answer. */
bool wf_ssh_waits(const wf_ssh *s);

/* "SHA256:..." of the key of an event that waits for its answer; "" when there is none. */
void wf_ssh_auth_fingerprint(const wf_ssh *s, char to[WEFT_SSH_FINGERPRINT_BYTES]);
/* @yes: granted; of a key that is not signed: it would do. */
void wf_ssh_answer_auth(wf_ssh *s, bool is_signed, bool yes);
/* errors: NULL (@yes is false, or there is no place); the peer is told so. */
wf_ssh_channel *wf_ssh_answer_open(wf_ssh *s, bool yes);
void wf_ssh_answer(wf_ssh *s, bool yes);

/* ---- a client's session */

/* The types of host keys, as bits. */
enum {
    WF_SSH_ED25519 = 1,
    WF_SSH_ECDSA_256 = 2,
    WF_SSH_ECDSA_384 = 4,
    WF_SSH_ECDSA_521 = 8,
    WF_SSH_RSA = 16,
};

/* @key_types are those that are known of the host: it is asked for these, if there are any.
 * errors: ENOMEM, ELIMIT (descriptors), EINTERNAL. */
WEFT_MUST_USE weft_err wf_ssh_new_client(const char *user, unsigned key_types,
                                         uint32_t channels_max, wf_ssh **out, weft_why *why);
/* "SHA256:..." of its key. */
const char *wf_ssh_host_fingerprint(const wf_ssh *s);
/* The host is who it should be: the answer to WF_SSH_HOST. */
void wf_ssh_host_known(wf_ssh *s);

/* What a client proves with. Made and used by threads that may block. */
typedef struct wf_ssh_proof wf_ssh_proof;
/* Reads @key_file, with @passphrase if it needs one; NULL: none. @password as given, NULL: none. Both must live on.
 * errors: ENOTFOUND, EDENIED (others may read the file), EPROTO (no key, or another passphrase), ENOMEM. */
WEFT_MUST_USE weft_err wf_ssh_proof_new(const char *key_file, const char *passphrase, bool agent,
                                        const char *password, wf_ssh_proof **out, weft_why *why);
void wf_ssh_proof_free(wf_ssh_proof **proof);
/* Goes on with proving, which blocks: it signs, and may ask an agent. errors: EFULL (feed it), EDENIED (nothing is
 * left to be tried), EPROTO, ENOMEM (the session is over). */
WEFT_MUST_USE weft_err wf_ssh_prove(wf_ssh *s, wf_ssh_proof *proof, weft_why *why);
/* The session is ready for channels. */
void wf_ssh_granted_to_client(wf_ssh *s);

/* What a client asks for, one after the other. */
typedef enum wf_ssh_asked {
    WF_SSH_ASK_SESSION,
    WF_SSH_ASK_FORWARD, /* to @text and @port */
    WF_SSH_ASK_ENV,     /* "NAME=VALUE"; one that is refused is no failure */
    WF_SSH_ASK_PTY,     /* @text is the terminal's kind */
    WF_SSH_ASK_SHELL,
    WF_SSH_ASK_EXEC,
    WF_SSH_ASK_SUBSYSTEM,
} wf_ssh_asked;
typedef enum wf_ssh_progress { WF_SSH_YES, WF_SSH_LATER, WF_SSH_NO } wf_ssh_progress;

/* A place for a channel, which is to be asked for. errors: NULL (there is no place, or no memory). */
wf_ssh_channel *wf_ssh_channel_new(wf_ssh *s, bool errors);
/* Asks, or asks whether there is an answer. */
wf_ssh_progress wf_ssh_channel_ask(wf_ssh_channel *c, wf_ssh_asked what, const char *text,
                                   uint16_t port, weft_window window);
/* Whether the peer has said how it ended, which is told once: by @signal, or with @code if that is "". */
bool wf_ssh_channel_exited(wf_ssh_channel *c, int *code, char signal[16], bool *core);
void wf_ssh_channel_resize(wf_ssh_channel *c, weft_window window);
void wf_ssh_channel_send_signal(wf_ssh_channel *c, const char *name);
/* As those below, of what a server says on its standard error. */
size_t wf_ssh_channel_error_waiting(const wf_ssh_channel *c);
size_t wf_ssh_channel_error_read(wf_ssh_channel *c, uint8_t *to, size_t size);
bool wf_ssh_channel_error_ended(const wf_ssh_channel *c);

/* ---- channels; all are calm when the session is over */

void wf_ssh_channel_set_user(wf_ssh_channel *c, void *user);
void *wf_ssh_channel_user(const wf_ssh_channel *c);

/* Bytes that came and were not read; reading gives the peer room for more. */
size_t wf_ssh_channel_waiting(const wf_ssh_channel *c);
size_t wf_ssh_channel_read(wf_ssh_channel *c, uint8_t *to, size_t size);
/* The peer sends no more, and all was read. */
bool wf_ssh_channel_ended(const wf_ssh_channel *c);
/* The peer has closed it, or the session is over. */
bool wf_ssh_channel_closed(const wf_ssh_channel *c);
/* The name of a signal that was sent, once; NULL: none. Valid until the next step. */
const char *wf_ssh_channel_signal(wf_ssh_channel *c, char name[16]);

/* What channels write before it is taken, and by how much the last of it may go beyond: the pair has room for it,
 * whatever else is said. It is four packets as libssh fills them for OpenSSH; a little that is left of what is written
 * goes with them, so that it has no write to the peer of its own. */
enum { WF_SSH_WRITTEN_MAX = 4 * ((32 << 10) - 10), WF_SSH_WRITTEN_OVER = 1 << 10 };

/* How many bytes the peer has room for now. */
size_t wf_ssh_channel_room(const wf_ssh_channel *c);
/* Writes what goes of it, and gives how many bytes. */
size_t wf_ssh_channel_write(wf_ssh_channel *c, const uint8_t *at, size_t size, bool error);
void wf_ssh_channel_end(wf_ssh_channel *c);
void wf_ssh_channel_exit(wf_ssh_channel *c, int code);
void wf_ssh_channel_exit_signal(wf_ssh_channel *c, const char *name, bool core);
/* Closes it; its place is free again when the peer has closed it too. It must not be used any more. */
void wf_ssh_channel_free(wf_ssh_channel *c);

#endif

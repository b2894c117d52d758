/* SPDX-License-Identifier: MIT */
/** SSH: a server whose channels are streams, so that a program, sftp or any protocol may sit behind one.
 *
 *     static weft_ssh_keys *keys;
 *     err = weft_ssh_keys_open("/var/lib/shop/ssh", false, &keys, &why);
 *     static weft_ssh_config config = {.services = services};
 *     config.keys = keys;
 *     config.auth = weft_system_spawn(sys, 0, &weft_auth, &auth_config);
 *     weft_listen(sys, "tcp://0.0.0.0:22", &weft_ssh_server, &config);
 *
 * libssh speaks the protocol (RFC 4251 to 4254, 8308, 8731); who a peer is, the auth actor says. A channel
 * that was asked for a shell, a command or a subsystem becomes a stream (<weft/stream.h>), owned by an actor
 * that is spawned for it from the table of services. What is exchanged is modern only: curve25519,
 * ChaCha20-Poly1305 and AES in GCM or CTR, MACs over what is encrypted. */
#ifndef WEFT_SSH_H
#define WEFT_SSH_H

#include <weft/auth.h>
#include <weft/process.h>
#include <weft/stream.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- host keys */

/** The keys a server proves itself with. */
typedef struct weft_ssh_keys weft_ssh_keys;

#define WEFT_SSH_FINGERPRINT_BYTES 64U

/** Reads DIR/ssh_host_ed25519_key and DIR/ssh_host_ecdsa_key; makes the folder (mode 0700) and each key
 * (mode 0600) that is not there, and its public half (.pub) beside it, for ssh-keygen -l. The Ed25519 key is what peers see; with @ecdsa the other one too, for those
 * that know no better. Blocks: before start. errors: EDENIED (a key that others may read, no permission),
 * EPROTO (no key, or with a passphrase), ETOOBIG, EIO, ENOMEM. thread: any. */
WEFT_MUST_USE weft_err weft_ssh_keys_open(const char *dir, bool ecdsa, weft_ssh_keys **out,
                                          weft_why *why);
/** Closes them, when the system that used them has ended; *@keys becomes NULL. NULL is calm. */
void weft_ssh_keys_close(weft_ssh_keys **keys);
/** "SHA256:..." of the Ed25519 key, as `ssh-keygen -l` prints it. thread: any. */
const char *weft_ssh_keys_fingerprint(const weft_ssh_keys *keys);

/* ---- the server */

/** What may be asked for in a session. */
typedef enum weft_ssh_kind {
    WEFT_SSH_SHELL = 1, /**< a shell */
    WEFT_SSH_EXEC,      /**< a command */
    WEFT_SSH_SUBSYSTEM, /**< a subsystem by its name */
    WEFT_SSH_FORWARD,   /**< a connection made from there (direct-tcpip); of clients */
} weft_ssh_kind;

/** A row: sessions of @kind get an actor of @behaviour, spawned with @config, as the owner of their
 * stream. It lives with the connection. */
typedef struct weft_ssh_service {
    weft_ssh_kind kind;
    const char *subsystem; /**< of WEFT_SSH_SUBSYSTEM: its name */
    const weft_behaviour *behaviour;
    const void *config;
} weft_ssh_service;

/** The config of weft_ssh_server; borrowed for the life of its listeners. Zero means the default. */
typedef struct weft_ssh_config {
    const weft_ssh_keys *keys;
    weft_ref auth;                    /**< an actor of weft_auth, ... */
    const char *auth_name;            /**< ... or the name of one */
    const weft_ssh_service *services; /**< ends in {0}; what no row has is refused */
    bool password;                    /**< passwords are offered: an auth source takes them */
    bool public_key;                  /**< public keys are: sshkey does */
    bool anonymous;                   /**< everybody is let in as "anonymous" who asks for it */
    bool forward;         /**< peers may have connections made from here (`ssh -L`, direct-tcpip) */
    uint32_t auth_ms;     /**< from the connection until it is known who the peer is; 0: 30,000 */
    uint32_t tries_max;   /**< until then, refused ones; 0: 6 */
    uint32_t unknown_max; /**< connections of whom it is not known, with these keys; 0: 100 */
    uint32_t
        channels_max; /**< open at once in a connection; 0: 10; at most WEFT_SSH_CHANNELS_MAX */
    uint32_t env_max; /**< variables that a channel may set; 0: 32 */
    uint32_t
        keepalive_ms; /**< a peer that says nothing for so long is asked; 0: 60,000; WEFT_NO_LIMIT */
    uint32_t keepalive_max; /**< and is given up after so many answers that did not come; 0: 3 */
} weft_ssh_config;

/** Listen with it, and a weft_ssh_config. */
extern const weft_behaviour weft_ssh_server;

/* ---- what a service may know and do. @stream: its own, of this reactor; thread: in a handler */

/** What a channel was asked for; valid until its stream is closed. */
typedef struct weft_ssh_session {
    weft_ssh_kind kind;
    const char *user;    /**< as whom the peer was granted */
    const char *command; /**< of WEFT_SSH_EXEC; of WEFT_SSH_SUBSYSTEM: its name; else "" */
    const char *const
        *env;           /**< NAME=VALUE, as the peer set them; ends in NULL. Not to be trusted */
    bool terminal;      /**< it wants a terminal */
    const char *term;   /**< of which kind ("xterm"); "" */
    weft_window window; /**< of this size */
    weft_address peer;  /**< from where */
    weft_address local; /**< to where */
    weft_auth_source_kind by; /**< which kind of source let it in */
} weft_ssh_session;

/** NULL: @stream is no open channel of this reactor. */
const weft_ssh_session *weft_ssh_session_of(weft_ref stream);

/** The stream of what goes to the peer's standard error; nothing comes from it. Its owner is @self. It must be
 * closed before the channel is. errors: nobody (memory is out, @stream is no channel). */
WEFT_MUST_USE weft_ref weft_ssh_stderr(weft_actor *self, weft_ref stream);

/** How it ended, which the peer is told when the stream closes: with @code, or by @signal ("TERM", without SIG).
 * errors: EGONE (no open channel). */
weft_err weft_ssh_exit(weft_actor *self, weft_ref stream, int code);
weft_err weft_ssh_exit_signal(weft_actor *self, weft_ref stream, const char *signal, bool core);

/** Told to the service when the peer's window has another size. Unhandled: ignored. */
typedef struct weft_ssh_window {
    weft_ref stream;
    weft_window window;
} weft_ssh_window;
/** Told to it when the peer sends a signal. Unhandled: ignored. */
typedef struct weft_ssh_signal {
    weft_ref stream;
    char name[16]; /**< "INT", "TERM", ... */
} weft_ssh_signal;
extern const weft_type weft_ssh_window_type, weft_ssh_signal_type;

/* ---- services that are here */

/** The config of weft_ssh_shell; zero means the default. */
typedef struct weft_ssh_shell_config {
    /** Run with `-c COMMAND`, or alone, with a '-' before its name, for a shell; NULL: the user's own with
     * @as_user, else /bin/sh. */
    const char *shell;
    const char *dir; /**< where it runs; NULL: the home of the user it runs as, or / */
    /** It runs as the system's user whom the peer was let in as, and not at all if there is none: for programs that
     * root runs. Each of auth's sources must prove the name, then: sshkey without %u in its path does not. */
    bool as_user;
} weft_ssh_shell_config;

/** Runs shells and commands, with a terminal if the peer wants one; as this program's own user unless as_user
 * is set. The environment is what sshd sets and no more (USER, LOGNAME, HOME, PATH, SHELL, MAIL, TERM, TZ,
 * SSH_CLIENT, SSH_CONNECTION, SSH_TTY); of the peer's, LANG and LC_* are taken. NULL config: all defaults. For
 * WEFT_SSH_SHELL and WEFT_SSH_EXEC. */
extern const weft_behaviour weft_ssh_shell;

/** The config of weft_ssh_sftp. */
typedef struct weft_ssh_sftp_config {
    const char *root; /**< the folder that peers see as "/"; nothing outside of it is reached */
    bool read_only;
    uint32_t
        handles_max; /**< files and folders open at once; 0: 64; at most WEFT_SFTP_HANDLES_MAX */
    bool as_user; /**< files are touched with the rights of the system's user whom the peer was let
                        in as, not of this program; as in weft_ssh_shell_config. Such a peer may
                        set set-user-ID and set-group-ID, which others are refused */
} weft_ssh_sftp_config;

/** SFTP, version 3 (draft-ietf-secsh-filexfer-02), as `sftp` and `scp` of OpenSSH speak it; peers of version 2 and
 * before get that. For the subsystem "sftp", or any other stream where nobody need be a user of the system. What
 * touches the disk is done by the blocking pool. */
extern const weft_behaviour weft_ssh_sftp;

/* ---- limits, by name */

#define WEFT_SSH_CHANNELS_MAX 256U
#define WEFT_SSH_COMMAND_BYTES_MAX (128U << 10) /**< of a command; a longer one is refused */
#define WEFT_SSH_VARIABLE_BYTES_MAX 4096U       /**< of a variable, NAME=VALUE and its end */
#define WEFT_SFTP_HANDLES_MAX 1024U
#define WEFT_SFTP_PACKET_BYTES_MAX (256U << 10) /**< of a packet, in either direction */

#ifdef __cplusplus
}
#endif
#endif

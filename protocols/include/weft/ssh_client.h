/* SPDX-License-Identifier: MIT */
/** The SSH client: commands run elsewhere, files copied there and back, channels as streams.
 *
 *     static const weft_ssh_client_config there = {
 *         .url = "tcp://build.example:22", .user = "ann", .key_file = "id_ed25519"};
 *     weft_ref host = weft_spawn(self, &weft_ssh_client, &there);
 *     weft_when(msg, weft_ssh_run(self, host, &(weft_ssh_call){.command = "make"}), on_made);
 *
 * A client is an actor. It connects when it is first asked for something, keeps the connection, and connects again
 * when that was lost and it is asked again. A host proves who it is by known_hosts, as OpenSSH keeps it: one that
 * is not there is refused, unless it is told to trust new ones, and one whose key has changed always is. */
#ifndef WEFT_SSH_CLIENT_H
#define WEFT_SSH_CLIENT_H

#include <weft/deferred.h>
#include <weft/ssh.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- clients */

/** Who is taken for the host that was meant. */
typedef enum weft_ssh_trust {
    WEFT_SSH_TRUST_KNOWN, /**< who has a key of it that is in known_hosts */
    WEFT_SSH_TRUST_NEW,   /**< and if nothing is there about it, anybody, once: the key is added */
} weft_ssh_trust;

/** The config of weft_ssh_client. Borrowed for its life; zero means the default. */
typedef struct weft_ssh_client_config {
    const char *url;         /**< of a stream: "tcp://HOST:22", as <weft/url.h> has it */
    const char *host;        /**< who that is in known_hosts; NULL: the host of @url */
    const char *user;        /**< as whom */
    const char *key_file;    /**< a private key, which its owner alone may read; NULL: none */
    const char *passphrase;  /**< that opens it */
    bool agent;              /**< keys of the agent at SSH_AUTH_SOCK are tried, after that one */
    const char *password;    /**< is tried last; NULL: none */
    const char *known_hosts; /**< the file; NULL: ~/.ssh/known_hosts */
    weft_ssh_trust trust;
    uint32_t connect_ms;   /**< until it is ready, from when it begins to connect; 0: 30,000 */
    uint32_t waiting_max;  /**< that may wait for it; 0: 64; then EFULL */
    uint32_t channels_max; /**< open at once; 0: 10; at most WEFT_SSH_CHANNELS_MAX; then EFULL */
    uint32_t output_bytes_max; /**< of a gathered command, of either kind; 0: 8 MiB; then ETOOBIG */
    uint32_t keepalive_ms;     /**< a host that says nothing for so long is asked; 0: 60,000;
                                    WEFT_NO_LIMIT */
    uint32_t keepalive_max;    /**< and is given up after so many answers that did not come; 0: 3 */
    uint32_t copy_depth_max;   /**< folders within each other that are copied; 0: 64; then ELIMIT */
} weft_ssh_client_config;

/** A client. One that ends fails what it has not answered (EGONE). errors of what it is asked, besides those named
 * there: EDENIED (the host is not the one that is known: the sentence begins with "host key unknown", "host key changed"
 * or "host key revoked"; or it does not let the user in), those of connecting (ENONAME, EREFUSED, ...), EPROTO,
 * ETIMEDOUT, ELOST (the connection), EFULL, and of files: ENOTFOUND, EDENIED, EPROTO (no key, or a passphrase that
 * does not open it). */
extern const weft_behaviour weft_ssh_client;

/* ---- commands */

/** What is asked for. All of it is copied. */
typedef struct weft_ssh_call {
    weft_ssh_kind kind;  /**< weft_ssh_open: 0: EXEC */
    const char *command; /**< of EXEC; of SUBSYSTEM: its name */
    const char *const
        *env;           /**< NAME=VALUE, up to a NULL; what the host does not take is left out */
    bool terminal;      /**< it gets a terminal, */
    const char *term;   /**< of this kind; NULL: "xterm"; */
    weft_window window; /**< of this size */
    weft_bytes input;   /**< weft_ssh_run: what it reads */
    bool errors;        /**< weft_ssh_open: its standard error comes as a stream, too; else it
                                 is thrown away */
    const char *host;   /**< of FORWARD: where the host connects to */
    uint16_t port;
} weft_ssh_call;

/** How a command ended, and what it said. Borrowed like every outcome; weft_bytes_keep keeps the bytes. */
typedef struct weft_ssh_result {
    weft_bytes output, errors;
    int code;        /**< that it exited with; -1: it did not say */
    char signal[16]; /**< that ended it ("TERM"); "": none */
    bool core;
} weft_ssh_result;
extern const weft_type weft_ssh_result_type;

/** Runs call->command and gathers what it says: the Deferred gives a weft_ssh_result, whatever it exited with. The
 * time limit is inherited; when it is over, or the Deferred is cancelled, the channel is closed, which ends
 * most commands. errors of the Deferred: those of weft_ssh_client, EINVAL (no command), ETOOBIG (the call, the
 * output), EDENIED (the host does not run it). thread: in a handler, of any actor. */
WEFT_MUST_USE weft_deferred weft_ssh_run(weft_actor *self, weft_ref client,
                                         const weft_ssh_call *call);

/** A channel that is up. The asker is the owner of its streams. */
typedef struct weft_ssh_channel {
    weft_ref stream; /**< what is written there it reads, and what it says is its data */
    weft_ref errors; /**< its standard error, if that was asked for; nothing can be written there */
} weft_ssh_channel;
extern const weft_type weft_ssh_channel_type;

/** Asks for a channel: the Deferred gives weft_ssh_channel. Closing the stream ends it; the peer closing it
 * is `ended`, and what is written then is thrown away. `closed` with ELOST: the connection is lost.
 * errors of the Deferred: as weft_ssh_run. thread: in a handler, of any actor. */
WEFT_MUST_USE weft_deferred weft_ssh_open(weft_actor *self, weft_ref client,
                                          const weft_ssh_call *call);

/** Told to the owner of a channel's stream, once, when the peer says how it ended, or closes it without; `ended`
 * follows, when all that was said has come. Not of a forwarded connection. Unhandled: ignored. */
typedef struct weft_ssh_exited {
    weft_ref stream;
    int code;        /**< -1: it did not say */
    char signal[16]; /**< "": none */
    bool core;
} weft_ssh_exited;
extern const weft_type weft_ssh_exited_type;

/** The terminal behind @stream has another size; @signal ("INT") is to be sent to what runs there, which
 * not every server does. errors: EGONE (no open channel of a client on this reactor). thread: in a handler. */
weft_err weft_ssh_resize(weft_actor *self, weft_ref stream, weft_window window);
weft_err weft_ssh_send_signal(weft_actor *self, weft_ref stream, const char *signal);

/* ---- files */

/** What is copied. */
typedef struct weft_ssh_transfer {
    const char *local,
        *remote;  /**< paths; @remote from the user's home on if it does not begin with / */
    bool to_host; /**< from @local to @remote; else the other way */
    bool tree;    /**< a folder and all that is in it; links are left out */
} weft_ssh_transfer;

/** What was. */
typedef struct weft_ssh_copied {
    uint64_t bytes;
    uint32_t files, folders, left_out;
} weft_ssh_copied;
extern const weft_type weft_ssh_copied_type;

/** Copies a file, or a tree, over sftp. The target is the name of the copy, not a folder it comes into; what is there
 * is replaced, and a folder that is there is filled. Modes are kept, but for set-user-ID and the like. A copy
 * that failed may be there in part. What touches this machine's disk is done by the blocking pool.
 * errors of the Deferred: those of weft_ssh_client, EINVAL, ENOTFOUND, EDENIED, EIO (of either side, with what it said),
 * EUNSUPPORTED (what is no file, or a folder without .tree; the host has no sftp), ELIMIT (copy_depth_max).
 * thread: in a handler, of any actor. */
WEFT_MUST_USE weft_deferred weft_ssh_copy(weft_actor *self, weft_ref client,
                                          const weft_ssh_transfer *transfer);

#ifdef __cplusplus
}
#endif
#endif

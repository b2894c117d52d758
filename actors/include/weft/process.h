/* SPDX-License-Identifier: MIT */
/** Processes: children whose pipes and terminals are streams, and whose end is a message.
 *
 * A process is an actor. Its owner is told weft_process_started and, once and last, weft_process_ended; what
 * it writes comes by the streams of <weft/stream.h>, with their back-pressure: an owner that does not read
 * lets the child wait in its write. It ends when its program has, politely and then by force when whoever
 * spawned it, its owner or the system ends; nothing of it stays behind, neither a zombie nor a descriptor.
 * A child has the descriptors named here and no others, whatever the program has open.
 *
 *     weft_ref child = weft_process_start(self, &(weft_process_options){.argv = argv}, weft_self(self));
 *     weft_write(self, weft_process_stream(self, child, 0), WEFT_BYTES_LITERAL("question\n"));
 *
 * Linux 5.11 or later. In a simulation there are no processes: they end with EUNSUPPORTED. */
#ifndef WEFT_PROCESS_H
#define WEFT_PROCESS_H

#include <weft/stream.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- what a process is started with */

/** What a descriptor of the child is. */
typedef enum weft_process_kind {
    WEFT_PROCESS_NULL, /**< /dev/null: what 0, 1 and 2 are when rows are given, and none for them */
    WEFT_PROCESS_TO,   /**< a pipe to the child: a stream that is written */
    WEFT_PROCESS_FROM, /**< a pipe from the child: a stream that is read */
    WEFT_PROCESS_BOTH, /**< a socket: a stream that is written and read */
    WEFT_PROCESS_INHERIT, /**< what this program has by that number */
    WEFT_PROCESS_GIVEN,   /**< a descriptor of this program, which stays the caller's */
} weft_process_kind;

/** One descriptor of the child. */
typedef struct weft_process_fd {
    int child; /**< its number there */
    weft_process_kind kind;
    int given;      /**< WEFT_PROCESS_GIVEN: which */
    weft_ref owner; /**< of its stream; nobody: the process's */
} weft_process_fd;

/** Which process group the child is in. */
typedef enum weft_process_group {
    WEFT_PROCESS_NEW_GROUP,   /**< one of its own, so that what it starts is stopped with it */
    WEFT_PROCESS_NEW_SESSION, /**< a session of its own; one with a terminal always is */
    WEFT_PROCESS_OUR_GROUP,   /**< this program's: ^C reaches it too; it alone is signalled */
} weft_process_group;

/** Whom the child is run as. Needs the right to change. */
typedef struct weft_process_ids {
    uint32_t uid, gid;
    const uint32_t *groups; /**< the other groups: these and no others */
    unsigned n_groups;      /**< at most WEFT_PROCESS_GROUPS_MAX */
} weft_process_ids;

/** The size of a terminal, in characters; 0 and 0: 24 and 80. */
typedef struct weft_window {
    uint16_t rows, columns;
} weft_window;

/** How to start a process; zero means the default. Borrowed for the call. */
typedef struct weft_process_options {
    const char *const *argv; /**< ends in NULL; the first names the program */
    const char
        *program; /**< the file to run; NULL: argv[0]. Without a slash: along the child's PATH */
    const char *const *env;      /**< NAME=VALUE sets, NAME alone removes; ends in NULL */
    bool env_empty;              /**< begins with nothing, not with this program's environment */
    const char *dir;             /**< where it runs; NULL: here. Entered as the user it runs as */
    const weft_process_ids *ids; /**< NULL: ours */
    weft_process_group group;
    const weft_process_fd *fds; /**< NULL: streams to 0 and from 1 and 2 */
    unsigned n_fds;             /**< at most WEFT_PROCESS_FDS_MAX */
    const weft_window
        *terminal;            /**< 0, 1 and 2 are a terminal of this size, one stream; rows of @fds
                                      are others then. With @ids it belongs to that user */
    const char *terminal_env; /**< the variable that says its path there ("SSH_TTY"); NULL: none */
    bool joined;       /**< the pipes to 0 and from 1 are one stream; 2 is ours, unless a row of
                                      @fds says else */
    int stop_signal;   /**< what it is asked to stop with; 0: SIGTERM, with a terminal SIGHUP */
    uint32_t grace_ms; /**< how long that may take before SIGKILL; 0: WEFT_PROCESS_GRACE_MS */
    uint32_t
        leave_ms; /**< how long it may take to end by itself before it is asked to; 0: not at all */
    uint32_t linger_ms; /**< see WEFT_PROCESS_LINGER_MS; 0: that; WEFT_NO_LIMIT */
} weft_process_options;

/* ---- what its owner is told */

/** The program runs (the exec has succeeded). Unhandled: ignored. */
typedef struct weft_process_started {
    weft_ref process;
    int pid;
} weft_process_started;
extern const weft_type weft_process_started_type;

/** Where starting a process failed. */
typedef enum weft_process_step {
    WEFT_PROCESS_STEP_NONE,        /**< it did not */
    WEFT_PROCESS_STEP_OPTIONS,     /**< they are not what this header says */
    WEFT_PROCESS_STEP_DESCRIPTORS, /**< pipes, sockets, terminals; in the child their numbers */
    WEFT_PROCESS_STEP_FORK,
    WEFT_PROCESS_STEP_SESSION, /**< or the group */
    WEFT_PROCESS_STEP_TERMINAL,
    WEFT_PROCESS_STEP_IDS,
    WEFT_PROCESS_STEP_DIRECTORY,
    WEFT_PROCESS_STEP_EXEC,
} weft_process_step;

/** It is over, and so are its streams: the last of a process, exactly once. Unhandled: ignored. */
typedef struct weft_process_ended {
    weft_ref process;
    int pid; /**< 0: it never ran */
    weft_err
        err;  /**< WEFT_OK: it ran, and @code or @signal says how it ended; else why it did not, or
                       ELOST when somebody else took its status (SIGCHLD is ignored) */
    int code; /**< what it exited with */
    int signal;             /**< what ended it; 0: it exited */
    bool core;              /**< which left a core */
    bool forced;            /**< it did not stop when asked to, and was killed */
    weft_process_step step; /**< where @err came from */
    int sys_errno;          /**< and the error of the system there */
    char why[96]; /**< a sentence: "exited with 3", "unable to enter /none: No such file ..." */
} weft_process_ended;
extern const weft_type weft_process_ended_type;

/* ---- what may be done with it */

/** Starts a process for @owner. Its streams are there at once and may be written; they open when it
 * runs, and are closed with the reason when it cannot. Starting takes no time of this reactor: it is done
 * by the blocking pool. @self's end stops the process.
 * errors: nobody when memory is out; all others by weft_process_ended. thread: in a handler. */
WEFT_MUST_USE weft_ref weft_process_start(weft_actor *self, const weft_process_options *options,
                                          weft_ref owner);

/** The stream that is the child's descriptor @child; nobody: none, or not of this reactor. With a
 * terminal, or joined: 0. thread: in a handler. */
weft_ref weft_process_stream(weft_actor *self, weft_ref process, int child);

/** Asks it to stop, and forces it after grace_ms; what it wrote is still read, and ended follows.
 * (weft_stop_ref does the same without reading on, within 4 s at most.) errors: as weft_tell.
 * thread: in a handler. */
weft_err weft_process_stop(weft_actor *self, weft_ref process);

/** Sends @signal to it, or to its whole group. One that is not there yet, or over, gets nothing.
 * errors: as weft_tell. thread: in a handler. */
weft_err weft_process_signal(weft_actor *self, weft_ref process, int signal, bool group);

/** Says that its terminal has another size, of which it hears by SIGWINCH. errors: as weft_tell.
 * thread: in a handler. */
weft_err weft_process_resize(weft_actor *self, weft_ref process, weft_window window);

/* ---- the output of a program */

/** What a program wrote, and how it ended. */
typedef struct weft_output {
    weft_bytes bytes; /**< what it wrote to 1, and behind that what it wrote to 2 */
    size_t out_bytes; /**< how many of them were for 1 */
    int code, signal;
} weft_output;
extern const weft_type weft_output_type;

/** The two parts of it, as borrowed as @output is. thread: any. */
static inline weft_bytes weft_output_out(const weft_output *output)
{
    return weft_bytes_slice(output->bytes, 0, output->out_bytes);
}
static inline weft_bytes weft_output_err(const weft_output *output)
{
    return weft_bytes_slice(output->bytes, output->out_bytes, output->bytes.size);
}

/** Runs @argv with nothing to read, and gives weft_output when it has ended. A code other than 0 is no
 * failure. One that is cancelled, takes longer than @limit_ms (as weft_ask_body) or writes more than
 * WEFT_OUTPUT_BYTES_MAX is stopped.
 * errors of the Deferred: those of weft_process_ended, with its sentence; ETOOBIG, ETIMEDOUT, ECANCELLED,
 * ENOMEM. thread: in a handler. */
WEFT_MUST_USE weft_deferred weft_process_output(weft_actor *self, const char *const *argv,
                                                uint32_t limit_ms);

/** What weft_process_output_of reads and writes; zero means the default. */
typedef struct weft_output_options {
    weft_process_options process; /**< fds, terminal and joined are not used */
    weft_bytes input;             /**< what it may read; shared */
    size_t bytes_max;             /**< of all it writes; 0: WEFT_OUTPUT_BYTES_MAX */
    bool cut;                     /**< what is beyond is thrown away, and no failure */
} weft_output_options;

/** The same with everything that may be said. thread: in a handler. */
WEFT_MUST_USE weft_deferred weft_process_output_of(weft_actor *self,
                                                   const weft_output_options *options,
                                                   uint32_t limit_ms);

/* ---- limits, by name */

#define WEFT_PROCESS_FDS_MAX 64U         /**< rows of descriptors */
#define WEFT_PROCESS_GROUPS_MAX 1024U    /**< supplementary groups */
#define WEFT_PROCESS_TEXT_MAX (2U << 20) /**< bytes of arguments and environment together */
#define WEFT_PROCESS_GRACE_MS 3000U      /**< from being asked to stop to SIGKILL, by default */
/** When the program has ended and something it started still holds its pipes, they are read as long as
 * bytes come; when none came for so long, they are taken as ended. By default. */
#define WEFT_PROCESS_LINGER_MS 1000U
#define WEFT_OUTPUT_BYTES_MAX (16U << 20) /**< what weft_process_output gathers, by default */

#ifdef __cplusplus
}
#endif
#endif

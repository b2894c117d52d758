/* SPDX-License-Identifier: MIT */
/** The operator's console: a way into a running system, over any stream.
 *
 *     static const weft_console_config config = {.prompt = "shop> "};
 *     weft_listen(sys, "unix:shop.admin?mode=0600", &weft_console, &config);
 *
 * A connection sends lines; each is a command ("tree", "ps", "top", ... "help" lists them), whose answer is
 * text, or a line that begins with "error: ". The command "console" makes it one for people: from then on it
 * speaks telnet, with a line editor, history, and completion of commands, names, actors and nodes. `weftd console`
 * and `weftd tree` and its like are such clients; `socat` and `telnet` will do.
 *
 * It is a service of SSH too (<weft/ssh.h>), for shells and for commands:
 *
 *     static const weft_ssh_service services[] = {
 *         {.kind = WEFT_SSH_SHELL, .behaviour = &weft_console, .config = &config},
 *         {.kind = WEFT_SSH_EXEC, .behaviour = &weft_console, .config = &config}, {0}};
 *
 * A channel with a terminal is for people, without one it takes lines. A command is run, whatever comes beside it. The
 * channel of a command, or of lines, ends with 0, or with 65 if an answer was an error. Who the peer is, the SSH server has asked.
 *
 * "tell" and "ask" send a message in its text form (<weft/form.h>), of a type that the actor serves. "tap" shows what
 * an actor is told: of a connection that sends lines it is the last command, the connection is closed when the tap is
 * over, and its end of file ends it.
 *
 * Who reaches a console may stop what runs, and read what actors are told as far as types have a text form. It belongs
 * on a UNIX socket that only its user may open, behind SSH, or behind a login (@auth), on an address of this machine
 * alone or within TLS. */
#ifndef WEFT_CONSOLE_H
#define WEFT_CONSOLE_H

#include <weft/auth.h>
#include <weft/stream.h>

#ifdef __cplusplus
extern "C" {
#endif

/** The config of weft_console; zero is the default, and so is NULL. Borrowed by each connection. */
typedef struct weft_console_config {
    const char *prompt; /**< NULL: "weft> " */
    bool telnet; /**< people connect, by telnet: as if they had said "console"; not over SSH */
    /** The name of an auth actor (<weft/auth.h>) that is asked for a user and a password before anything
     * else; implies telnet. NULL, or over SSH: nobody is asked. */
    const char *auth;
    /** The URL of another console, such as that of a daemon's --admin: who comes here, and says who it is if @auth is
     * there to ask, is joined with that one; implies telnet. NULL: the console of this system. Not over SSH. */
    const char *to;
} weft_console_config;

/** The owner of each connection. */
extern const weft_behaviour weft_console;

/* ---- from other nodes */

/** The name of the actor that answers the consoles of other nodes: the command "at NODE ps" there, or weftd ps --node
 * NODE. Of all commands those are run that change nothing: tree, ps, top, names, reactors. Who may ask is what the
 * allow-list says (<weft/node.h>): {.node = "ops", .actor = WEFT_CONSOLE_NAME, .type = &weft_console_look_type}. */
#define WEFT_CONSOLE_NAME "weft.console"
extern const weft_behaviour weft_console_looker;
extern const weft_type weft_console_look_type;

/* ---- clients: who answers, and where an answer ends */

/** What a client says first, to be sure of whom it talks to: a console answers WEFT_CONSOLE_GREETING. From then on each
 * answer ends with a line of its own, which begins with the byte WEFT_CONSOLE_MARK: "ok", or "error: " and a sentence,
 * which stands nowhere else. That of a tap comes when it is over. The command "console" is not for such a connection. */
#define WEFT_CONSOLE_HELLO "hello\n"
/** The same, of a client that shows a terminal: behind the greeting the connection is for people, as by "console". */
#define WEFT_CONSOLE_HELLO_PEOPLE "hello people\n"
#define WEFT_CONSOLE_GREETING "weft console 1\n"
#define WEFT_CONSOLE_MARK 0x1e

/** Reads what such a client hears; zero is one at its beginning. Knows no stream, keeps nothing outside itself. */
typedef struct weft_console_reader {
    bool greeted;
    bool marking; /* what comes is of a mark */
    uint16_t n;
    char text[WEFT_WHY_BYTES +
              16]; /**< with FAILED the sentence, with STRANGER what was said instead */
} weft_console_reader;

typedef enum weft_console_event {
    WEFT_CONSOLE_MORE, /**< nothing yet: all of it is used */
    WEFT_CONSOLE_GREETED, /**< it is a console; for people, what follows is none of a reader's business */
    WEFT_CONSOLE_TEXT,     /**< what is used is text of an answer */
    WEFT_CONSOLE_DONE,     /**< the answer was whole */
    WEFT_CONSOLE_FAILED,   /**< it was, and is an error */
    WEFT_CONSOLE_STRANGER, /**< no console says such a thing */
} weft_console_event;

/** Takes some of the @n bytes at @at, *@used of them, until there is something to say. */
weft_console_event weft_console_read(weft_console_reader *r, const void *at, size_t n,
                                     size_t *used);

/* ---- limits, by name */

#define WEFT_CONSOLE_LINE_BYTES_MAX 4096U /**< of a command; a longer one loses the connection */
#define WEFT_CONSOLE_ANSWER_BYTES_MAX (512U << 10) /**< of an answer; it says that it was cut */
#define WEFT_CONSOLE_ACTORS_MAX 16384U /**< looked at on each reactor for one answer; it says so */
#define WEFT_CONSOLE_LOGIN_MS 60000U   /**< what a login may take */
#define WEFT_CONSOLE_JOIN_MS 10000U    /**< until another console has said that it is one */
#define WEFT_CONSOLE_LOGINS_MAX 3U     /**< that fail, before the connection is closed */
#define WEFT_CONSOLE_AHEAD_BYTES_MAX \
    4096U                                /**< typed while a command is under way; the bell rings */
#define WEFT_CONSOLE_ASK_MS_MAX 3600000U /**< what "ask --limit" may say */
#define WEFT_CONSOLE_ASK_MS \
    5000U /**< what an answer may take, unless "ask --limit" says otherwise */

#ifdef __cplusplus
}
#endif
#endif

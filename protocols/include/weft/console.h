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
 * A channel with a terminal is for people, without one it takes lines. A command is run, whatever comes beside it, and
 * the channel ends with 0, or with 65 if the answer is an error. Who the peer is, the SSH server has asked.
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

/* ---- limits, by name */

#define WEFT_CONSOLE_LINE_BYTES_MAX 4096U /**< of a command; a longer one loses the connection */
#define WEFT_CONSOLE_ANSWER_BYTES_MAX (512U << 10) /**< of an answer; it says that it was cut */
#define WEFT_CONSOLE_ACTORS_MAX 16384U /**< looked at on each reactor for one answer; it says so */
#define WEFT_CONSOLE_LOGIN_MS 60000U   /**< what a login may take */
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

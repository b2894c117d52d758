/* SPDX-License-Identifier: MIT */
/** IRC: the codec, a server, and a client. RFC 1459, RFC 2812, modern.ircdocs.horse, IRCv3.
 *
 *     static const weft_irc_config config = {.server = "irc.example.org"};
 *     weft_ref network = weft_system_spawn(sys, 0, &weft_irc_network, &config);
 *     err = weft_listen(sys, "tcp://127.0.0.1:6667", &weft_irc_server, &config);
 *
 * A network is an actor that knows who is there; each channel is an actor of its own; each connection is
 * one that hands its lines over, one at a time. A line to many is formatted once and shared by all. The same
 * behaviour serves any stream, and WebSockets (a message is a line, as text.ircv3.net has it) by a
 * weft_websocket_config. */
#ifndef WEFT_IRC_H
#define WEFT_IRC_H

#include <weft/reconnect.h>
#include <weft/system.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- limits of the protocol */

#define WEFT_IRC_LINE_BYTES_MAX 510U /**< of a message without its tags and its line end */
#define WEFT_IRC_TAGS_BYTES_MAX \
    4094U /**< of what a client may send as tags, "@" and " " not counted */
#define WEFT_IRC_TAGS_READ_MAX \
    8189U /**< of all tags of a message; message-tags has 8191 with both */
#define WEFT_IRC_PARAMETERS_MAX 15U

/* ---- messages; thread: any, nothing allocates */

/** A part of a line, borrowed from it. */
typedef struct weft_irc_text {
    const char *at;
    uint32_t bytes;
} weft_irc_text;

/** One message. What is not there has no bytes. */
typedef struct weft_irc_message {
    weft_irc_text tags;    /**< as they came, without "@" */
    weft_irc_text prefix;  /**< without ":" */
    weft_irc_text command; /**< letters in any case, or three digits; none: the line was empty */
    weft_irc_text parameter[WEFT_IRC_PARAMETERS_MAX];
    uint32_t parameters;
} weft_irc_message;

/** Takes apart a line without its end. @out is written only on success, and borrows from @at.
 * errors: EPROTO (a zero byte, CR or LF inside; no command where one must be), ETOOBIG. */
WEFT_MUST_USE weft_err weft_irc_parse(const void *at, size_t bytes, weft_irc_message *out,
                                      weft_why *why);

/** The value of the tag @name, its escapes undone, cut at @room - 1 bytes, with a zero behind it; the
 * last of several counts. false: there is none, and @to is "". */
bool weft_irc_tag(const weft_irc_message *message, const char *name, char *to, size_t room);

/** Writes @value as a tag's value is written. Returns as snprintf does. */
size_t weft_irc_tag_escape(const char *value, size_t bytes, char *to, size_t room);

/* ---- names */

/** What is the same letter in names. */
typedef enum weft_irc_casemapping {
    WEFT_IRC_ASCII,          /**< a to z */
    WEFT_IRC_RFC1459,        /**< and {}|~ are the small ones of []\^ */
    WEFT_IRC_STRICT_RFC1459, /**< and {}| are those of []\ */
} weft_irc_casemapping;

/** The small letter of @c. */
char weft_irc_fold(weft_irc_casemapping map, char c);
/** Whether both are the same name. */
bool weft_irc_same(weft_irc_casemapping map, weft_irc_text a, weft_irc_text b);
/** Whether @text is one of those @mask stands for: "*" is any run of characters, "?" any one. Takes at most
 * the product of both lengths. */
bool weft_irc_mask_matches(weft_irc_casemapping map, weft_irc_text mask, weft_irc_text text);
/** Whether it can be a nickname: letters, digits and []\`_^{|}-, not beginning with a digit or "-". */
bool weft_irc_is_nick(weft_irc_text text);
/** Whether it can be a channel: "#", then anything but blanks, commas, colons and control characters. */
bool weft_irc_is_channel(weft_irc_text text);
/** A C string as a text. */
weft_irc_text weft_irc_text_of(const char *text);

/* ---- mode strings */

/** Modes as a server's ISUPPORT names them: which letters there are, and which take a parameter. */
typedef struct weft_irc_mode_kinds {
    const char *list;    /**< A: with a parameter; without one the list is asked for */
    const char *always;  /**< B: with a parameter, set or unset; prefixes too */
    const char *setting; /**< C: with a parameter when set */
    const char *flag;    /**< D: without one */
} weft_irc_mode_kinds;

/** One change of a mode string. */
typedef struct weft_irc_mode {
    char letter;
    bool on;
    bool known;              /**< it is one of the kinds */
    bool wants;              /**< it takes a parameter, which may be missing */
    weft_irc_text parameter; /**< no bytes (at is NULL): there was none */
} weft_irc_mode;

/** How far a mode string has been read. Begins as {.message = m, .at = the parameter with the string}. */
typedef struct weft_irc_mode_reader {
    const weft_irc_message *message;
    uint32_t at;     /**< the parameter that is the mode string */
    uint32_t letter; /**< state */
    uint32_t taken;  /**< state: parameters behind it that were taken */
    bool off;        /**< state */
} weft_irc_mode_reader;

/** The next change; false: there is none. */
bool weft_irc_mode_next(weft_irc_mode_reader *reader, const weft_irc_mode_kinds *kinds,
                        weft_irc_mode *out);

/* ---- a server */

/** Somebody who may OPER. */
typedef struct weft_irc_oper {
    const char *name, *password;
} weft_irc_oper;

/** No such limit: of ping_ms and flood_line_ms. */
#define WEFT_IRC_NEVER UINT32_MAX

/** A network. Borrowed until the system ends. Zero means the default. */
typedef struct weft_irc_config {
    const char *actor;    /**< the name of the network's actor; NULL: "irc" */
    const char *server;   /**< NULL: "irc.weft" */
    const char *network;  /**< NULL: "weft" */
    const char *password; /**< what PASS must say; NULL: nothing */
    const char *auth;     /**< the name of a weft_auth for SASL PLAIN; NULL: none */
    bool auth_required;   /**< nobody comes in without SASL */
    const char *motd;     /**< lines; NULL: there is none */
    const weft_irc_oper *opers;
    uint32_t opers_count;
    uint32_t clients_max;       /**< 0: 100,000 */
    uint32_t channels_max;      /**< of the network; 0: 100,000 */
    uint32_t user_channels_max; /**< of one client; 0: 50 */
    uint32_t bans_max;          /**< of one channel; 0: 64 */
    uint32_t invites_max;       /**< of one client, the oldest goes; 0: 16 */
    uint32_t whowas_max;        /**< nicknames remembered; 0: 256 */
    uint32_t registration_ms;   /**< who is not in after this is closed; 0: 30,000 */
    uint32_t ping_ms; /**< a silent client is pinged, and closed after as long again; 0: 120,000 */
    uint32_t flood_lines;   /**< lines that a client may send at once; 0: 20 */
    uint32_t flood_line_ms; /**< then it is read one line each such time; 0: 500 */
} weft_irc_config;

/** Whether a config makes sense. errors: EINVAL. thread: any. */
WEFT_MUST_USE weft_err weft_irc_check(const weft_irc_config *config, weft_why *why);

/** The network: spawn it with a weft_irc_config on the reactor it is to live on, or as a supervised child. It
 * takes the config's name, and ends with EINVAL when that makes no sense. */
extern const weft_behaviour weft_irc_network;

/** The behaviour of each connection; its config is the network's weft_irc_config. A client that reads
 * too slowly is closed when its stream's write queue (?write_queue=) is full. */
extern const weft_behaviour weft_irc_server;

/* ---- a client */

/** The config of weft_irc_client. Borrowed as long as the actor. */
typedef struct weft_irc_client_config {
    const char *url;                 /**< as in <weft/url.h> */
    const char *nick;                /**< "_" is put behind it while it is taken */
    const char *user, *real;         /**< NULL: the nick */
    const char *password;            /**< of PASS; NULL: none */
    const char *account, *secret;    /**< of SASL PLAIN; NULL: none */
    const char *const *channels;     /**< joined at once, ended by NULL; NULL: none */
    const char *version;             /**< what CTCP VERSION is answered; NULL: "weft" */
    weft_reconnect_config reconnect; /**< its pauses; url and owner are the client's own */
    uint32_t ping_ms; /**< a silent server is pinged, and left after as long again; 0: 120,000 */
    uint32_t channels_max; /**< that it keeps the state of; 0: 64 */
    uint32_t members_max;  /**< of one of those; 0: 10,000 */
} weft_irc_client_config;

/** A client: connects, comes in, joins its channels, answers PING and CTCP (VERSION and PING, at most five in
 * ten seconds), keeps its channels' state by the modes and letters the server names (ISUPPORT), and does it all again when the connection is lost. Spawn it with a
 * weft_irc_client_config; its parent is told weft_irc_state, and asked each weft_irc_heard: the next line is
 * read when that was let go of. It ends with EINVAL (a config that makes no sense), EDENIED (the server
 * takes neither its account nor its password), and what weft_reconnect gives up for. */
extern const weft_behaviour weft_irc_client;

/** A line that came, all but what the client answers itself; for weft_irc_parse. */
typedef struct weft_irc_heard {
    weft_bytes line;
    weft_ref client;
} weft_irc_heard;

/** It is in (@nick is its name), or no longer. Unhandled: ignored. */
typedef struct weft_irc_state {
    weft_ref client;
    bool in;
    weft_err reason; /**< why not */
    char nick[64], why[96];
} weft_irc_state;

/** Sends a line, without its end. The reply is weft_irc_answer. errors: EGONE (it is not in), EINVAL (a zero
 * byte, CR or LF inside, or no command), ETOOBIG, EFULL as weft_write. */
typedef struct weft_irc_send {
    weft_bytes line;
} weft_irc_send;
typedef struct weft_irc_answer {
    char nothing;
} weft_irc_answer;

/** How is a channel? The reply is weft_irc_view. errors: ENOTFOUND (it is not in that). */
typedef struct weft_irc_look {
    char channel[64];
} weft_irc_look;
typedef struct weft_irc_view {
    weft_bytes names; /**< "@alice +bob carol" */
    uint32_t members;
    char topic[512];
} weft_irc_view;

extern const weft_type weft_irc_heard_type, weft_irc_state_type, weft_irc_send_type,
    weft_irc_answer_type, weft_irc_look_type, weft_irc_view_type;

/** Tells @client to send a line, as printf makes it; what is longer than a line may be is cut. errors: as
 * weft_tell_body, ENOMEM, EINVAL (a CR or LF inside). thread: in a handler, of any actor. */
weft_err weft_irc_say(weft_actor *self, weft_ref client, const char *format, ...) WEFT_PRINTF(3, 4);

/** The command and the arguments of a CTCP request (the last parameter of a PRIVMSG) or answer (of a NOTICE).
 * false: it is none. thread: any. */
bool weft_irc_ctcp(weft_irc_text text, weft_irc_text *command, weft_irc_text *arguments);

#ifdef __cplusplus
}
#endif
#endif

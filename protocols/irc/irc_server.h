/* SPDX-License-Identifier: MIT */
/* What the parts of an IRC server share.
 *
 *   connection ── line, asked ──▶ network ── forwarded ──▶ channel
 *       ▲                           │  of one reactor         │
 *       │ the next line when        └──────────┬──────────────┘
 *       │ this one was answered                ▼ one formatted line, shared
 *       └── streams of that reactor ◀── written, or told once to the relay of each other reactor
 *
 * Users and channels are plain structures of that reactor, which the network and its channels, being there,
 * use in turn. A connection asks its lines one at a time, so that what a client says happens in its order,
 * whoever serves it. */
#ifndef WF_IRC_SERVER_H
#define WF_IRC_SERVER_H

#include <weft/address.h>
#include <weft/edge.h>
#include <weft/irc.h>
#include <weft/stream.h>

enum {
    IRC_NICK_BYTES = 31, /* the final zero included, as in all of these */
    IRC_USER_BYTES = 12,
    IRC_HOST_BYTES = 64,
    IRC_REAL_BYTES = 129,
    IRC_CHANNEL_BYTES = 65,
    IRC_KEY_BYTES = 24,
    IRC_TOPIC_BYTES = 391,
    IRC_AWAY_BYTES = 256,
    IRC_KICK_BYTES = 256,
    IRC_MASK_BYTES = 128,
    IRC_MODES_MAX = 12,  /* with a parameter, in one MODE */
    IRC_TARGETS_MAX = 8, /* of one PRIVMSG, JOIN, PART, ... */
    IRC_SASL_BYTES = 800 /* of a SASL answer in base64, from all its pieces */
};

/* Capabilities, as bits of a user. */
enum {
    IRC_SERVER_TIME = 1 << 0, /* the first three change what a line to many looks like */
    IRC_ACCOUNT_TAG = 1 << 1,
    IRC_MESSAGE_TAGS = 1 << 2,
    IRC_TAGGED = IRC_SERVER_TIME | IRC_ACCOUNT_TAG | IRC_MESSAGE_TAGS,
    IRC_EXTENDED_JOIN = 1 << 3,
    IRC_AWAY_NOTIFY = 1 << 4,
    IRC_MULTI_PREFIX = 1 << 5,
    IRC_ECHO_MESSAGE = 1 << 6,
    IRC_SASL = 1 << 7,
    IRC_CAP_NOTIFY = 1 << 8,
};

/* Of a user. */
enum {
    IRC_IN = 1 << 0,        /* registered */
    IRC_CAP_BEGUN = 1 << 1, /* registration waits for CAP END */
    IRC_PASS_RIGHT = 1 << 2,
    IRC_PINGED = 1 << 3,
    IRC_OVER = 1 << 4, /* gone from everywhere; only its connection is still known */
    IRC_WEBSOCKET = 1 << 5,
    IRC_INVISIBLE = 1 << 6,
    IRC_OPERATOR = 1 << 7,
    IRC_AUTHENTICATING = 1 << 8, /* AUTHENTICATE PLAIN was said */
    IRC_CAP_302 = 1 << 9,
    IRC_DOOMED = 1 << 10, /* something to it was lost: it is to be closed */
    IRC_BUSY = 1 << 11,   /* SASL is under way: its next line waits */
    IRC_BINARY = 1 << 12, /* its WebSocket's messages are binary */
    IRC_SECURE = 1 << 13, /* it is connected by TLS */
};

/* Of a member. */
enum { IRC_MEMBER_OP = 1 << 0, IRC_MEMBER_VOICE = 1 << 1 };

/* Of a channel. */
enum {
    IRC_CHANNEL_INVITE = 1 << 0,
    IRC_CHANNEL_MODERATED = 1 << 1,
    IRC_CHANNEL_INSIDE = 1 << 2, /* +n */
    IRC_CHANNEL_SECRET = 1 << 3,
    IRC_CHANNEL_TOPIC = 1 << 4, /* +t */
};

/* What a line is on a stream. */
typedef enum wf_irc_wire {
    WF_IRC_LINES,
    WF_IRC_TEXT, /* a message of a WebSocket, in UTF-8 */
    WF_IRC_BINARY,
} wf_irc_wire;

typedef struct wf_irc_channel wf_irc_channel;
typedef struct wf_irc_net wf_irc_net;

/* A user's side of a membership. */
typedef struct wf_irc_place {
    wf_irc_channel *channel;
    uint32_t at; /* its place among the channel's members */
} wf_irc_place;

/* What few users need. */
typedef struct wf_irc_rare {
    char away[IRC_AWAY_BYTES];
    char sasl[IRC_SASL_BYTES];
    uint32_t sasl_bytes;
    char (*invited)[IRC_CHANNEL_BYTES];
    uint32_t invites;
} wf_irc_rare;

typedef struct wf_irc_user {
    struct wf_irc_user *next; /* of the same hash */
    weft_ref stream, connection;
    wf_irc_place *place;
    wf_irc_rare *rare;
    char *account; /* NULL: none */
    char *real;
    weft_msg *held; /* a line that is to wait for its turn */
    uint32_t id, gen, places, place_room, reactor;
    uint32_t since_ms, active_ms, said_ms, tokens_ms;
    uint64_t since_s; /* when it came in */
    uint16_t flags, caps;
    weft_address address;
    char nick[IRC_NICK_BYTES], name[IRC_USER_BYTES], host[IRC_HOST_BYTES];
} wf_irc_user;

typedef struct wf_irc_member {
    wf_irc_user *user;
    uint32_t flags;
} wf_irc_member;

/* Streams of another reactor whose users have the same capabilities; shared by messages. */
typedef struct wf_irc_list {
    _Atomic uint32_t holders;
    uint32_t reactor, caps, n;
    weft_ref stream[];
} wf_irc_list;

typedef struct wf_irc_ban {
    uint64_t set_s;
    char mask[IRC_MASK_BYTES], by[IRC_NICK_BYTES];
} wf_irc_ban;

struct wf_irc_channel {
    wf_irc_channel *next;
    wf_irc_net *net;
    weft_ref actor;
    wf_irc_member *member;
    uint32_t members, room, flags, limit, bans;
    uint64_t made_s, topic_s;
    wf_irc_list **list; /* of members elsewhere; NULL: to be made again */
    uint32_t lists;
    bool off_table;
    wf_irc_ban *ban;
    char name[IRC_CHANNEL_BYTES], key[IRC_KEY_BYTES], topic[IRC_TOPIC_BYTES];
    char topic_by[IRC_NICK_BYTES];
};

typedef struct wf_irc_was {
    char nick[IRC_NICK_BYTES], name[IRC_USER_BYTES], host[IRC_HOST_BYTES], real[IRC_REAL_BYTES];
} wf_irc_was;

struct wf_irc_net {
    weft_irc_config config; /* with its defaults */
    weft_actor *self;
    wf_irc_user **user; /* by id */
    uint32_t *gen;      /* of each id */
    uint32_t user_room, users, in, opers, invisible, users_most;
    uint32_t *idle; /* ids that are free */
    uint32_t idles;
    wf_irc_user **nick; /* hash table */
    wf_irc_channel **table;
    uint32_t nicks_size, table_size, channels;
    wf_irc_was *was;
    uint32_t was_at, was_n;
    weft_ref relay[WEFT_REACTORS_MAX];
    uint32_t home;   /* its reactor */
    uint32_t relays; /* how many reactors have been seen to */
    uint64_t began_s;
    weft_timer sweep;
    bool reaping;
};

/* What a command is served with: @self is the network or the channel. */
typedef struct wf_irc_turn {
    weft_actor *self;
    wf_irc_net *net;
    wf_irc_user *user;
    const weft_irc_message *message;
    weft_msg *msg; /* the request with the line */
    weft_msg
        *served; /* what is being served: the same, or what says that the line's turn has come */
} wf_irc_turn;

/* ---- messages between the parts */

typedef struct wf_irc_hello { /* a connection is open; the reply is wf_irc_known */
    weft_ref stream;
    uint32_t reactor;
    wf_irc_wire wire;
    bool secure;
    weft_address peer;
} wf_irc_hello;
typedef struct wf_irc_known {
    uint32_t id, gen;
} wf_irc_known;
typedef struct wf_irc_line { /* the reply is wf_irc_known */
    weft_bytes bytes;
    uint32_t id, gen;
} wf_irc_line;
typedef struct wf_irc_gone { /* a connection is over */
    uint32_t id, gen;
    char why[96];
} wf_irc_gone;
extern const weft_type wf_irc_hello_type, wf_irc_known_type, wf_irc_line_type, wf_irc_gone_type;
extern const weft_behaviour wf_irc_relay, wf_irc_channel_behaviour;

static inline weft_irc_text wf_irc_parameter(const wf_irc_turn *t, uint32_t i)
{
    return i < t->message->parameters ? t->message->parameter[i] : (weft_irc_text){"", 0};
}

/* ---- irc_users.c: who is there */

weft_err wf_irc_tables_init(wf_irc_net *net);
void wf_irc_tables_done(wf_irc_net *net);
/* errors: ELIMIT, ENOMEM. */
weft_err wf_irc_user_new(wf_irc_net *net, wf_irc_user **out);
void wf_irc_user_free(wf_irc_net *net, wf_irc_user *user);
/* NULL: it is gone. */
wf_irc_user *wf_irc_user_at(const wf_irc_net *net, uint32_t id, uint32_t gen);
wf_irc_user *wf_irc_find(const wf_irc_net *net, weft_irc_text nick);
/* Takes it out of the table under its nick, gives it another, and puts it in. */
void wf_irc_rename(wf_irc_net *net, wf_irc_user *user, weft_irc_text nick);
wf_irc_channel *wf_irc_find_channel(const wf_irc_net *net, weft_irc_text name);
void wf_irc_channel_put(wf_irc_net *net, wf_irc_channel *channel);
void wf_irc_channel_take(wf_irc_net *net, wf_irc_channel *channel);
void wf_irc_remember(wf_irc_net *net, const wf_irc_user *user);
/* NULL: memory is out. */
wf_irc_rare *wf_irc_rare_of(wf_irc_user *user);
/* Copies @text, cut at @room - 1 bytes and not within a character of UTF-8. */
void wf_irc_copy(char *to, size_t room, weft_irc_text text);

/* ---- irc_fan.c: what is sent */

/* A line to be sent to many: formatted once, with tags once for each kind of reader. */
typedef struct wf_irc_fan {
    weft_actor *self;
    wf_irc_net *net;
    const wf_irc_user *from;
    weft_irc_text tags; /* of the client, as they came; only those with "+" go on */
    char text[WEFT_IRC_LINE_BYTES_MAX + 3];
    uint32_t bytes;
    weft_bytes made[8];
} wf_irc_fan;

/* Begins ":nick!user@host ..." of @from, or of the server (NULL). What is too long is cut. */
void wf_irc_fan_init(wf_irc_fan *fan, weft_actor *self, wf_irc_net *net, const wf_irc_user *from,
                     const char *format, ...) WEFT_PRINTF(5, 6);
void wf_irc_fan_to(wf_irc_fan *fan, wf_irc_user *to);
/* To members that have all of the capabilities @need and none of @without, but not @except. */
void wf_irc_fan_channel(wf_irc_fan *fan, wf_irc_channel *channel, uint32_t need, uint32_t without,
                        const wf_irc_user *except);
/* To everybody who shares a channel with @about, once, in the same way. */
void wf_irc_fan_neighbours(wf_irc_fan *fan, const wf_irc_user *about, uint32_t need,
                           uint32_t without);
void wf_irc_fan_done(wf_irc_fan *fan);
/* ":server NUMBER nick ...". */
void wf_irc_number(const wf_irc_turn *t, unsigned number, const char *format, ...)
    WEFT_PRINTF(3, 4);
/* From the server, without a number. */
void wf_irc_say(weft_actor *self, wf_irc_net *net, wf_irc_user *to, const char *format, ...)
    WEFT_PRINTF(4, 5);
/* In the same way, but without ":server": as PING, ERROR and AUTHENTICATE are where RFC 2812 (3.7.2, 3.7.4) and IRCv3
 * show them. Simple clients look for a line that begins so. */
void wf_irc_say_bare(weft_actor *self, wf_irc_net *net, wf_irc_user *to, const char *format, ...)
    WEFT_PRINTF(4, 5);
/* Closes its stream behind what was sent. */
void wf_irc_close(weft_actor *self, wf_irc_net *net, wf_irc_user *user);
/* The lists of members elsewhere are to be made again. */
void wf_irc_lists_drop(wf_irc_channel *channel);

/* ---- irc_wire.c: to one stream, of this reactor */

wf_irc_wire wf_irc_wire_of(weft_actor *self, weft_ref stream);
/* Writes @line, which ends in CRLF. errors: as weft_write, weft_ws_send. */
WEFT_MUST_USE weft_err wf_irc_write(weft_actor *self, weft_ref stream, wf_irc_wire wire,
                                    weft_bytes line);

/* ---- irc_log.c: what an operator reads */

/* A line that begins with who @user is. */
void wf_irc_log(weft_actor *self, weft_level level, const wf_irc_user *user, const char *format,
                ...) WEFT_PRINTF(4, 5);

/* ---- irc_network.c: beginning and ending */

/* Takes @user out of everything, telling its neighbours, and closes it. @user stays known until its connection
 * is gone. */
void wf_irc_quit(weft_actor *self, wf_irc_net *net, wf_irc_user *user, const char *why);
/* It cannot be served any more: it is closed when this turn is over. */
void wf_irc_doom(weft_actor *self, wf_irc_net *net, wf_irc_user *user);

/* The line of @user that is held, if there is one, has its turn. thread: a handler of the network. */
void wf_irc_go_on(weft_actor *self, wf_irc_net *net, wf_irc_user *user);

/* ---- irc_command.c: which command is which */

/* Serves one line. false: it is a channel's to serve, which is in @channel. */
bool wf_irc_serve(wf_irc_turn *t, wf_irc_channel **channel);

/* Takes as long whatever is wrong with it. */
bool wf_irc_same_secret(weft_irc_text given, const char *secret);

/* ---- commands, by file */

void wf_irc_cap(wf_irc_turn *t), wf_irc_authenticate(wf_irc_turn *t), wf_irc_pass(wf_irc_turn *t),
    wf_irc_nick(wf_irc_turn *t), wf_irc_user_command(wf_irc_turn *t);
void wf_irc_join(wf_irc_turn *t), wf_irc_part(wf_irc_turn *t), wf_irc_topic(wf_irc_turn *t),
    wf_irc_kick(wf_irc_turn *t), wf_irc_invite(wf_irc_turn *t), wf_irc_mode(wf_irc_turn *t);
void wf_irc_message_command(wf_irc_turn *t);
void wf_irc_names(wf_irc_turn *t), wf_irc_list_command(wf_irc_turn *t), wf_irc_who(wf_irc_turn *t),
    wf_irc_whois(wf_irc_turn *t), wf_irc_whowas(wf_irc_turn *t), wf_irc_motd(wf_irc_turn *t),
    wf_irc_lusers(wf_irc_turn *t), wf_irc_version(wf_irc_turn *t), wf_irc_ison(wf_irc_turn *t),
    wf_irc_time(wf_irc_turn *t), wf_irc_admin(wf_irc_turn *t), wf_irc_info(wf_irc_turn *t),
    wf_irc_userhost(wf_irc_turn *t);

/* Whether the parameter @i is this server: not there, its name, a mask of that, or a nick on it; else says that there
 * is no such server. */
bool wf_irc_is_here(wf_irc_turn *t, uint32_t i);
/* Whether @user may come in now; if so, does what follows. */
void wf_irc_register_if_ready(wf_irc_turn *t);
void wf_irc_isupport(const wf_irc_turn *t);
void wf_irc_channel_modes(wf_irc_turn *t, wf_irc_channel *channel);

/* ---- irc_channel.c */

/* The first of a list with commas, which is taken off it. */
weft_irc_text wf_irc_next_of(weft_irc_text *list);
wf_irc_member *wf_irc_member_of(const wf_irc_channel *channel, const wf_irc_user *user);
bool wf_irc_is_banned(const wf_irc_channel *channel, const wf_irc_user *user);
/* Takes a member out, saying nothing; the last one ends the channel. */
void wf_irc_leave(weft_actor *self, wf_irc_channel *channel, wf_irc_user *user);
void wf_irc_channel_names(wf_irc_turn *t, const wf_irc_channel *channel);
void wf_irc_channel_topic(wf_irc_turn *t, const wf_irc_channel *channel);

#endif

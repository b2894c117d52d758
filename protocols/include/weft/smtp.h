/* SPDX-License-Identifier: MIT */
/** Mail: SMTP and LMTP, servers and clients, over any stream. RFC 5321, 2033; with 1870 (SIZE), 2920 (PIPELINING),
 * 3030 (CHUNKING), 3207 (STARTTLS), 3463 and 2034 (enhanced status codes), 4954 (AUTH), 6152 (8BITMIME), 6531
 * (SMTPUTF8).
 *
 *     static const weft_handler letter_rows[] = {
 *         {.type = &weft_smtp_message_type, .fn = on_message}, // kept, and answered when the letter is safe
 *         {.type = &weft_data_type, .fn = on_data},
 *         {.type = &weft_ended_type, .fn = on_ended},
 *         {0},
 *     };
 *     static const weft_behaviour letter = {.name = "letter", .handlers = letter_rows};
 *     static const weft_smtp_config mail = {.host = "mail.example", .message = &letter};
 *     weft_listen(sys, "tcp://127.0.0.1:2525", &weft_smtp_server, &mail);
 *
 * Each message gets an actor of its own, which is asked weft_smtp_message and whose stream brings the
 * message: the client hears 250 only when that was answered. Whether a sender or a recipient is welcome
 * is asked of another actor, the judge.
 *
 * Line ends are CRLF and nothing else (RFC 5321, 2.3.8): a CR or LF alone, in a command or in a message,
 * ends the session with 521, so that no one can have a second message read out of the first. */
#ifndef WEFT_SMTP_H
#define WEFT_SMTP_H

#include <weft/deferred.h>
#include <weft/stream.h>

#ifdef __cplusplus
extern "C" {
#endif

struct weft_tls;

/* ---- limits, by name; the final zero included */

#define WEFT_SMTP_ADDRESS_BYTES 256U /**< a mailbox (RFC 5321, 4.5.3.1.3) */
#define WEFT_SMTP_DOMAIN_BYTES 256U  /**< a domain, or what a client calls itself */
#define WEFT_SMTP_LOCAL_BYTES 65U    /**< what stands before the @ (RFC 5321, 4.5.3.1.1) */
#define WEFT_SMTP_USER_BYTES 256U    /**< who is authenticated */
#define WEFT_SMTP_ID_BYTES 17U       /**< what a message is called here */
#define WEFT_SMTP_TEXT_BYTES 160U    /**< the text of an answer */

/* ---- answers */

/** What is answered to a client, or was answered by a server: 250 2.1.5 "Ok". */
typedef struct weft_smtp_status {
    uint16_t code; /**< 200 to 599; 0 in the answer of a judge or a message: all is well */
    uint8_t subject,
        detail; /**< of the enhanced code, whose class is the code's first digit: 5.1.1 */
    char text[WEFT_SMTP_TEXT_BYTES]; /**< printable, one line; "": a text of weft's */
} weft_smtp_status;
extern const weft_type weft_smtp_status_type;

/** The answer for a failure of the program: EDENIED is 550 5.7.1, ENOTFOUND 550 5.1.1, ETOOBIG 552 5.3.4, EFULL
 * and ELIMIT 452 4.3.1, EPROTO 554 5.6.0, anything else 451 4.3.0, with @why if it is not "" and is the answerer's
 * own. thread: any. */
weft_smtp_status weft_smtp_status_of(weft_err err, const char *why);

/** The error for an answer: 2xx OK, 552 and 523 ETOOBIG, 535, 550 and 5.7.x EDENIED, 550 5.1.x ENOTFOUND, other 5xx
 * EDENIED, 4xx EFULL. thread: any. */
weft_err weft_smtp_error_of(const weft_smtp_status *status);

/* ---- what is asked about a message */

/** Who is at the other end. */
typedef struct weft_smtp_peer {
    weft_address address;
    char helo[WEFT_SMTP_DOMAIN_BYTES]; /**< what it calls itself; anybody can say anything */
    char user[WEFT_SMTP_USER_BYTES];   /**< whom it has proved to be; "": nobody */
    bool secure;                       /**< TLS */
} weft_smtp_peer;

/** Asked of the judge: may @from send? (MAIL.) The reply is a weft_smtp_status; a failure refuses, as
 * weft_smtp_status_of says. A judge without a row for it takes every sender. */
typedef struct weft_smtp_sender {
    weft_smtp_peer peer;
    char from[WEFT_SMTP_ADDRESS_BYTES]; /**< "": the null sender of reports (RFC 5321, 4.5.5) */
    uint64_t size;                      /**< that was announced; 0: none was */
    bool utf8;                          /**< SMTPUTF8 */
} weft_smtp_sender;

/** Asked of the judge: is there such a recipient, for this sender? (RCPT, and VRFY with an empty @from.) As
 * weft_smtp_sender. */
typedef struct weft_smtp_recipient {
    weft_smtp_peer peer;
    char from[WEFT_SMTP_ADDRESS_BYTES];
    char to[WEFT_SMTP_ADDRESS_BYTES]; /**< "postmaster" may come without a domain */
} weft_smtp_recipient;

/** Asked of the actor of a message: take it. Its data comes as that of @stream, with CRLF at each line's
 * end, a Received line first; `ended` says that it is whole, `closed` before that that it never will be
 * (ELOST the client has gone, ETOOBIG, ETIMEDOUT, EPROTO).
 * The reply, a weft_smtp_status or a failure, is what the client is answered: 250 with code 0. The actor is
 * stopped once it has replied. It may reply before the message is whole; the rest is then thrown away.
 * When memory was out for this very request, an actor may see data without it: nothing is to be answered then,
 * the client has been told to try again. */
typedef struct weft_smtp_message {
    weft_ref stream, session;
    weft_smtp_peer peer;
    char id[WEFT_SMTP_ID_BYTES];
    char from[WEFT_SMTP_ADDRESS_BYTES];
    bool eight_bit, utf8;  /**< BODY=8BITMIME, SMTPUTF8 */
    uint32_t recipients_n; /**< at least 1 */
    weft_bytes recipients; /**< one behind the other, each ended by a zero */
} weft_smtp_message;

extern const weft_type weft_smtp_sender_type, weft_smtp_recipient_type, weft_smtp_message_type;

/** Recipient @i of @message; NULL: there are not so many. Borrowed like the message. thread: any. */
const char *weft_smtp_message_to(const weft_smtp_message *message, uint32_t i);

/** Told to a message's @session before the reply, over LMTP, whose clients are answered for each recipient (RFC
 * 2033, 4.2): what became of recipient @i. One that nothing was told of gets the reply. Elsewhere: ignored. */
typedef struct weft_smtp_delivered {
    uint32_t i;
    weft_smtp_status status;
} weft_smtp_delivered;
extern const weft_type weft_smtp_delivered_type;

/* ---- the server */

/** Limits of a session; zero is the default. */
typedef struct weft_smtp_limits {
    uint64_t message_bytes_max;  /**< 32 MiB; beyond: 552 */
    uint32_t line_bytes_max;     /**< of a command, CRLF included: 2,048; beyond: 500 */
    uint32_t text_bytes_max;     /**< of a line of a message, CRLF included: 64 KiB; beyond: 554 */
    uint32_t recipients_max;     /**< of a message: 1,000; beyond: 452 */
    uint32_t messages_max;       /**< of a session: 10,000; beyond: 421 */
    uint32_t errors_max;         /**< commands answered with 5xx: 20; beyond: 421 */
    uint32_t command_timeout_ms; /**< for a command to come whole: 5 min; then 421 */
    uint32_t data_timeout_ms;    /**< between two pieces of a message: 3 min; then 421 */
    uint32_t
        answer_timeout_ms; /**< for the judge, the auth actor, or for the actor of a message that is
                                      whole: 5 min; then 451 */
} weft_smtp_limits;

/** The config of weft_smtp_server. Borrowed as long as it listens; zero means the default. */
typedef struct weft_smtp_config {
    const char *host;              /**< what it calls itself; NULL: "localhost" */
    const weft_behaviour *message; /**< an actor of it takes each message */
    const void *message_config;    /**< its config */
    const char *judge_name,
        *auth_name;       /**< instead of @judge and @auth, for a tree: who has the name */
    weft_ref judge;       /**< nobody: all senders and recipients are welcome */
    weft_ref auth;        /**< a weft_auth (<weft/auth.h>); nobody: AUTH is not offered */
    struct weft_tls *tls; /**< a server's, for STARTTLS; NULL: not offered */
    bool auth_in_clear;   /**< AUTH is offered without TLS too */
    bool auth_required;   /**< no MAIL without AUTH (530) */
    bool tls_required;    /**< nothing but EHLO, NOOP and QUIT without TLS (530) */
    bool lmtp;            /**< LHLO, and an answer for each recipient */
    bool no_blanks;   /**< addresses with white space, which quotes allow, are refused (553), for
                             whoever hands addresses on as words */
    bool no_received; /**< messages come as they were sent, without a Received line */
    bool quiet; /**< what it says in the log of each message, of each that is refused and of each
                     login is info, not notice */
    weft_smtp_limits limits;
} weft_smtp_config;

/** Owns a connection and speaks SMTP, or LMTP, on it. */
extern const weft_behaviour weft_smtp_server;

/* ---- a message's actor that is ready */

/** The config of weft_smtp_maildir. */
typedef struct weft_smtp_maildir_config {
    const char *path; /**< a folder with tmp, new and cur in it, which are made when missing */
} weft_smtp_maildir_config;

/** A message's actor that puts it into a maildir, whole and synced to the disk, before it answers: written to
 * tmp on the blocking pool, fsync, renamed into new, fsync of the folder; a Return-Path line stands first. A
 * full disk is 452 4.3.1, anything else that fails 451 4.3.0. What is not delivered leaves nothing behind. */
extern const weft_behaviour weft_smtp_maildir;

/** The config of weft_smtp_exec. */
typedef struct weft_smtp_exec_config {
    const char *const *argv; /**< ends in NULL; the first is looked for along PATH */
} weft_smtp_exec_config;

/** A message's actor that runs a program for it: the message is its input; its environment has SENDER, RECIPIENTS
 * (a line each) and MESSAGE_ID. An address with white space in it is refused (553; .no_blanks does so earlier), and
 * so are recipients of more than 128 KiB (452; a limits.recipients_max of 500 never comes to that). What it exits
 * with (sysexits.h) is the answer: 0 is 250, EX_NOUSER
 * 550, EX_TEMPFAIL and faults of this machine 451, others 554. */
extern const weft_behaviour weft_smtp_exec;

/** The config of weft_smtp_post. */
typedef struct weft_smtp_post_config {
    const char *url; /**< http://HOST[:PORT][/PATH] */
} weft_smtp_post_config;

/** A message's actor that POSTs it as message/rfc822, with X-Mail-From and, for each of at most 64 recipients,
 * X-Rcpt-To (of more: 452; limits.recipients_max says it earlier). 2xx is 250, 404 550, 413 552, 507 452, another
 * 4xx 554, anything else 451. */
extern const weft_behaviour weft_smtp_post;

/* ---- sending */

/** A message to send: `weft_ask(self, client, weft_smtp_letter, ...)`, or weft_smtp_send. Its lines end with CRLF;
 * dots are the client's business. The reply is weft_smtp_report once the server has taken it for at least one
 * recipient. errors of the Deferred: EDENIED, ENOTFOUND, ETOOBIG, EFULL (later) as weft_smtp_error_of says, with
 * what the server said; ENONAME, EREFUSED, ETIMEDOUT, ELOST, ETLS, EPROTO of the connection (EUNSUPPORTED: the
 * server cannot do what is wanted); EINVAL (an address, a line end); EFULL (waiting_max). */
typedef struct weft_smtp_letter {
    char from[WEFT_SMTP_ADDRESS_BYTES]; /**< "": the null sender */
    uint32_t recipients_n;
    bool eight_bit;        /**< it may have bytes beyond ASCII: with one of them a server without
                              8BITMIME is not sent it (EUNSUPPORTED) */
    weft_ref stream;       /**< weft_smtp_send's */
    weft_bytes recipients; /**< as in weft_smtp_message */
} weft_smtp_letter;

/** What a server made of a message. */
typedef struct weft_smtp_report {
    weft_smtp_status status; /**< to the message; if nobody gets it, to the first recipient who may
                                be tried again, or else to the first */
    uint32_t accepted, recipients_n;
    weft_bytes each; /**< weft's: see weft_smtp_report_to */
} weft_smtp_report;
extern const weft_type weft_smtp_letter_type, weft_smtp_report_type;

/** What was answered for recipient @i; code 0: there are not so many. thread: any. */
weft_smtp_status weft_smtp_report_to(const weft_smtp_report *report, uint32_t i);

/** Sends a message from @from to the @n recipients @to by @client, a weft_smtp_client of this reactor. The message
 * is what is written to *@stream, up to weft_end; `drained` and weft_produce tell when there is room. *@stream is
 * of no use any more when the Deferred has fired (`closed` follows). The time limit is inherited.
 * errors of the Deferred: as weft_smtp_letter, EGONE (no client here), ENOMEM. *@stream is nobody then.
 * thread: in a handler. */
WEFT_MUST_USE weft_deferred weft_smtp_send(weft_actor *self, weft_ref client, const char *from,
                                           const char *const *to, uint32_t n, bool eight_bit,
                                           weft_ref *stream);

/** Whether a connection is secured by STARTTLS. */
typedef enum weft_smtp_tls {
    WEFT_SMTP_TLS_MAY,  /**< if it is offered, whoever the server is, and in the clear if that
                           fails; the default, as between all servers */
    WEFT_SMTP_TLS_MUST, /**< or nothing is sent; the certificate must be for the host */
    WEFT_SMTP_TLS_NEVER,
} weft_smtp_tls;

/** The config of weft_smtp_client. Borrowed for its life; zero means the default. */
typedef struct weft_smtp_client_config {
    const char *url;    /**< the server, "tcp://mail.example:587"; NULL: those of @domain */
    const char *domain; /**< its mail exchangers are tried in order (RFC 5321, 5.1), at port 25: the
                           next if one cannot be had, does not greet, or refuses for now */
    const char *scheme; /**< of connections to those; NULL: "tcp" */
    const char *host;   /**< what the client calls itself; NULL: "localhost" */
    weft_smtp_tls tls_policy;
    struct weft_tls
        *tls; /**< a client's; NULL: one that trusts the system's roots, or with MAY anybody */
    const char
        *tls_host; /**< whom its certificate must be for; NULL: the host of the URL, or exchanger */
    const char *user, *password; /**< for AUTH, once the connection is secure; NULL: none */
    bool auth_in_clear;          /**< or before that */
    bool lmtp;
    bool report_refusals; /**< if all recipients are refused there is a report, .accepted being 0 */
    uint32_t waiting_max; /**< letters that wait; 0: 256; beyond: EFULL */
    uint32_t
        answer_timeout_ms; /**< for an answer to a command, and for the peer to take what is sent; 0: 5 min */
    uint32_t final_timeout_ms; /**< for that to a whole message; 0: 10 min */
    uint32_t idle_timeout_ms;  /**< a connection nobody uses is kept; 0: 30 s */
} weft_smtp_client_config;

/** A client: sends one letter after the other over one connection, which it keeps (several at once: several
 * clients). Commands are pipelined where that is offered. One that ends fails what it has not sent (EGONE). */
extern const weft_behaviour weft_smtp_client;

/* ---- addresses */

/** Whether @text is a mailbox as RFC 5321 4.1.2 writes it, or RFC 6531 3.3 with @utf8: a dotted or quoted local
 * part, and a domain or an address in brackets. errors: EINVAL with what is wrong, ETOOBIG. thread: any. */
WEFT_MUST_USE weft_err weft_smtp_address_check(const char *text, bool utf8, weft_why *why);

#ifdef __cplusplus
}
#endif
#endif

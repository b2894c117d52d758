/* SPDX-License-Identifier: MIT */
/* A session of a server, shared by the files that serve it.
 *
 *   COMMAND ── AUTH ──▶ PROOF ── a line ──▶ WAIT ──▶ COMMAND
 *      │ ── MAIL, RCPT ──▶ WAIT (the judge) ──▶ COMMAND
 *      │ ── DATA ──▶ TEXT ── dot ──▶ WAIT (the message's actor) ──▶ COMMAND
 *      │ ── BDAT ──▶ CHUNK ── its end ──▶ COMMAND, or WAIT behind the last
 *      └── QUIT, a limit, a fault ──▶ OVER
 *
 * What comes is read until something has to be waited for; the message it came in is kept meanwhile, so that
 * nothing more comes. */
#ifndef WF_SMTP_SERVER_H
#define WF_SMTP_SERVER_H

#include <weft/smtp.h>
#include <weft/timer.h>

#include "smtp_commands.h"
#include "smtp_lines.h"

typedef struct wf_smtp_body wf_smtp_body;

typedef enum wf_smtp_phase {
    WF_SMTP_COMMAND,
    WF_SMTP_PROOF, /* a line of a client that authenticates */
    WF_SMTP_IN_TEXT,
    WF_SMTP_IN_CHUNK,
    WF_SMTP_WAIT,
    WF_SMTP_OVER, /* what comes is not looked at any more */
} wf_smtp_phase;

/* A message that is under way, from MAIL on. */
typedef struct wf_smtp_mail {
    weft_smtp_message message; /* without its recipients until it is asked */
    uint64_t size;             /* announced, then counted */
    char *to;                  /* recipients, each ended by a zero */
    uint32_t to_bytes, to_room;
    weft_smtp_status *each; /* LMTP: what was told of each; NULL: nothing yet */
    /* from DATA or the first BDAT on */
    weft_ref actor;
    wf_smtp_body *body; /* NULL: nobody takes it any more */
    weft_smtp_status verdict;
    bool begun, whole, answered; /* @answered: @verdict stands */
    bool spoilt;                 /* a chunk of it was thrown away */
    bool refused;                /* @verdict is of this server, whatever the actor says */
} wf_smtp_mail;

typedef enum wf_smtp_mechanism {
    WF_SMTP_NO_MECHANISM,
    WF_SMTP_PLAIN,
    WF_SMTP_LOGIN_USER,
    WF_SMTP_LOGIN_PASSWORD,
    WF_SMTP_CRAM,
} wf_smtp_mechanism;

typedef struct wf_smtp_session {
    const weft_smtp_config *config;
    weft_smtp_limits limits;
    weft_ref stream, judge, auth;
    weft_smtp_peer peer;
    wf_smtp_phase phase;
    wf_smtp_lines lines;
    wf_smtp_text text;
    uint64_t chunk_left;
    bool chunk_last;
    /* what came and is not read yet */
    weft_msg *kept;
    weft_bytes in;
    size_t at;
    bool full; /* it takes none of its answers */
    /* who it is */
    bool hello, extended;
    uint32_t auth_kinds; /* offered: 1 << a weft_auth_kind */
    wf_smtp_mechanism mechanism;
    char *challenge, *user; /* while it authenticates */
    wf_smtp_mail *mail;
    uint32_t errors, messages;
    uint32_t asked; /* actors of messages that have not replied */
    bool stopping, closed;
    weft_timer timer;
    uint32_t since_ms; /* when what is waited for began */
} wf_smtp_session;

/* ---- smtp_server.c */

/* Reads on, in a handler that is not one of the stream's data. */
void wf_smtp_resume(weft_actor *self, wf_smtp_session *s, wf_smtp_phase phase);
/* Something else is waited for from now on. */
void wf_smtp_phase_set(weft_actor *self, wf_smtp_session *s, wf_smtp_phase phase);
/* The last that is said; then it is closed. */
void wf_smtp_over(weft_actor *self, wf_smtp_session *s, uint16_t code, const char *enhanced,
                  const char *text);
/* Has @step told what @deferred comes to. */
void wf_smtp_then(weft_actor *self, wf_smtp_session *s, weft_deferred deferred, weft_step_fn *step);

/* ---- smtp_answer.c */

/* Writes an answer of one line; a 5xx counts as an error. */
void wf_smtp_answer(weft_actor *self, wf_smtp_session *s, const weft_smtp_status *status);
void wf_smtp_say(weft_actor *self, wf_smtp_session *s, uint16_t code, uint8_t subject,
                 uint8_t detail, const char *text);
/* What a judge or a message's actor came to, with @fine as the text of a success without one. */
weft_smtp_status wf_smtp_verdict(const weft_outcome *got, weft_smtp_status fine);

/* ---- smtp_log.c: what an operator reads */

/* A line that begins with who the client is. */
void wf_smtp_log(weft_actor *self, const wf_smtp_session *s, const char *format, ...)
    WEFT_PRINTF(3, 4);
/* What became of the message that is under way: it was answered, by @status; if only @taken of its recipients
 * have it, the status is what another was answered. Or it never became whole. */
void wf_smtp_log_answered(weft_actor *self, const wf_smtp_session *s,
                          const weft_smtp_status *status, uint32_t taken);
void wf_smtp_log_broken(weft_actor *self, const wf_smtp_session *s, const char *why);
/* Nothing from @from, or nothing from there to @to, is taken. @to NULL: to anybody. */
void wf_smtp_log_refused(weft_actor *self, const wf_smtp_session *s, const char *from,
                         const char *to, const weft_smtp_status *status);

/* ---- smtp_session.c, smtp_login.c: commands */

void wf_smtp_command_serve(weft_actor *self, wf_smtp_session *s, const char *line, size_t n);
void wf_smtp_greet(weft_actor *self, wf_smtp_session *s);
void wf_smtp_auth(weft_actor *self, wf_smtp_session *s, const wf_smtp_command *command);
void wf_smtp_auth_line(weft_actor *self, wf_smtp_session *s, const char *line, size_t n);
void wf_smtp_auth_forget(wf_smtp_session *s);
/* The names of the mechanisms that are offered, with a blank before each. */
const char *wf_smtp_mechanisms(const wf_smtp_session *s);

/* ---- smtp_mail.c: messages */

void wf_smtp_mail_from(weft_actor *self, wf_smtp_session *s, const wf_smtp_command *command);
void wf_smtp_mail_to(weft_actor *self, wf_smtp_session *s, const wf_smtp_command *command);
void wf_smtp_mail_data(weft_actor *self, wf_smtp_session *s);
void wf_smtp_mail_chunk(weft_actor *self, wf_smtp_session *s, const wf_smtp_command *command);
/* A part of the message. errors: EFULL (nothing was taken; wf_smtp_resume follows), ENOMEM. */
WEFT_MUST_USE weft_err wf_smtp_mail_take(weft_actor *self, wf_smtp_session *s, weft_bytes bytes);
/* The chunk is over. */
void wf_smtp_mail_chunk_over(weft_actor *self, wf_smtp_session *s);
/* It is whole: the verdict is waited for. */
void wf_smtp_mail_whole(weft_actor *self, wf_smtp_session *s);
/* The actor's verdict is late, or what it takes of the text is. */
void wf_smtp_mail_late(weft_actor *self, wf_smtp_session *s);
void wf_smtp_mail_delivered(wf_smtp_session *s, const weft_smtp_delivered *delivered);
/* Forgets it; its actor, if there is one, is told @reason and @why, and so is the log unless it was answered
 * (EDONE). */
void wf_smtp_mail_drop(weft_actor *self, wf_smtp_session *s, weft_err reason, const char *why);

/* ---- smtp_body.c: a message as a stream */

/* errors: NULL when memory is out. */
WEFT_MUST_USE wf_smtp_body *wf_smtp_body_new(weft_actor *self, wf_smtp_session *s, weft_ref owner,
                                             weft_ref *stream);
void wf_smtp_body_begin(wf_smtp_body *b);
/* errors: EFULL (room is told by wf_smtp_resume), ENOMEM. What nobody reads is taken, and thrown away. */
WEFT_MUST_USE weft_err wf_smtp_body_take(weft_actor *self, wf_smtp_body *b, weft_bytes bytes);
/* Whether the owner has not read all that was taken. NULL: no. */
bool wf_smtp_body_is_behind(const wf_smtp_body *b);
void wf_smtp_body_whole(wf_smtp_body *b);
/* The session's side is over: of what is not whole the owner is told @reason. *@b becomes NULL. */
void wf_smtp_body_end(wf_smtp_body **b, weft_err reason, const char *why);

/* ---- smtp_received.c */

enum { WF_SMTP_RECEIVED_BYTES = 1100, WF_SMTP_DATE_BYTES = 40 };

/* "Sat, 28 Nov 2026 11:00:00 +0000" (RFC 5322, section 3.3). */
void wf_smtp_date(uint64_t wall_ns, char out[WF_SMTP_DATE_BYTES]);
/* The Received line of a message, its line ends included (RFC 5321, 4.4; RFC 3848 and 6531 name the
 * protocols). Gives its bytes. */
size_t wf_smtp_received(const wf_smtp_session *s, uint64_t wall_ns,
                        char out[WF_SMTP_RECEIVED_BYTES]);

#endif

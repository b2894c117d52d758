/* SPDX-License-Identifier: MIT */
/* A client: letters that wait, and one connection.
 *
 *   NONE ── a letter ──▶ (MX) ──▶ CONNECTING ──▶ GREETING ──▶ HELLO ──▶ (STARTTLS ──▶ HELLO) ──▶ (AUTH) ──▶ READY
 *   READY ── a letter ──▶ ENVELOPE ── 354 ──▶ TEXT ── its end ──▶ FINAL ── answers ──▶ READY
 *   READY ── idle_timeout_ms ──▶ QUIT ──▶ NONE */
#ifndef WF_SMTP_CLIENT_H
#define WF_SMTP_CLIENT_H

#include <weft/smtp.h>
#include <weft/timer.h>

#include "smtp_lines.h"
#include "smtp_reply.h"

typedef enum wf_smtp_client_phase {
    WF_SMTP_C_NONE,
    WF_SMTP_C_LOOKING, /* for mail exchangers */
    WF_SMTP_C_CONNECTING,
    WF_SMTP_C_GREETING,
    WF_SMTP_C_HELLO,
    WF_SMTP_C_STARTTLS,
    WF_SMTP_C_AUTH,
    WF_SMTP_C_READY,
    WF_SMTP_C_ENVELOPE,
    WF_SMTP_C_TEXT,
    WF_SMTP_C_FINAL,
    WF_SMTP_C_RESET, /* after a message nobody wanted */
    WF_SMTP_C_QUIT,  /* nothing is begun on it any more */
} wf_smtp_client_phase;

/* A letter that waits, or is being sent. */
typedef struct wf_smtp_job {
    struct wf_smtp_job *next;
    weft_msg *request;
    weft_ref stream; /* its text */
    weft_msg *data;  /* a part of the text that waits; kept */
    size_t at;       /* of it: what was written */
    bool ended, utf8, retried;
    weft_err failed;                   /* the text will never be whole */
    weft_smtp_status *each;            /* recipients_n of them */
    uint32_t sent, answered, accepted; /* of the envelope */
    uint32_t finals, final_at, delivered;
    weft_smtp_status status;
    wf_smtp_stuffing stuffing;
} wf_smtp_job;

enum { WF_SMTP_EXCHANGERS_MAX = 16 };

typedef struct wf_smtp_client {
    const weft_smtp_client_config *config;
    struct weft_tls *tls;
    wf_smtp_job *first, *last; /* the first is being sent */
    uint32_t waiting;
    wf_smtp_client_phase phase;
    weft_ref stream;
    wf_smtp_lines lines;
    wf_smtp_reply reply;
    unsigned can;
    uint64_t size_max;
    bool secure, used; /* @used: a letter was sent over it already */
    bool handshake;    /* TLS was begun, and nothing has come within */
    bool tls_failed;   /* with this server: it is tried without */
    unsigned auth_step;
    char exchangers[WF_SMTP_EXCHANGERS_MAX][WEFT_SMTP_DOMAIN_BYTES]; /* the preferred first */
    unsigned exchangers_n, exchanger;
    weft_timer timer;
} wf_smtp_client;

/* ---- smtp_client.c */

/* Goes on with the first letter, as far as that goes. */
void wf_smtp_client_go(weft_actor *self, wf_smtp_client *c);
/* Ends the first letter: its reply is what was gathered, or a failure. */
void wf_smtp_job_done(weft_actor *self, wf_smtp_client *c);
void wf_smtp_job_failed(weft_actor *self, wf_smtp_client *c, weft_err err, const char *why);
void wf_smtp_job_refused(weft_actor *self, wf_smtp_client *c, const weft_smtp_status *status);
/* Recipient @i of a letter. */
const char *wf_smtp_job_to(const wf_smtp_job *job, uint32_t i);

/* ---- smtp_client_conn.c */

void wf_smtp_client_connect(weft_actor *self, wf_smtp_client *c);
void wf_smtp_client_phase_set(weft_actor *self, wf_smtp_client *c, wf_smtp_client_phase phase);
/* The connection is of no use any more. */
void wf_smtp_client_drop(weft_actor *self, wf_smtp_client *c, weft_err reason);
void wf_smtp_client_data(weft_actor *self, wf_smtp_client *c, weft_bytes bytes);
void wf_smtp_client_opened(weft_actor *self, wf_smtp_client *c);
void wf_smtp_client_closed(weft_actor *self, wf_smtp_client *c, weft_err reason, const char *why);
void wf_smtp_client_late(weft_actor *self, wf_smtp_client *c);

/* ---- smtp_client_login.c */

/* Whether there is a mechanism both know; begins it. */
bool wf_smtp_client_auth(weft_actor *self, wf_smtp_client *c);
/* A 334. false: nothing can be said to that. */
bool wf_smtp_client_auth_more(weft_actor *self, wf_smtp_client *c, const char *text);

/* ---- smtp_client_send.c */

void wf_smtp_client_envelope(weft_actor *self, wf_smtp_client *c);
void wf_smtp_client_answer(weft_actor *self, wf_smtp_client *c, const weft_smtp_status *status);
/* More of the text, if there is some and room for it. */
void wf_smtp_client_text(weft_actor *self, wf_smtp_client *c);

#endif

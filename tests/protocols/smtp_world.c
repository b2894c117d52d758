/* SPDX-License-Identifier: MIT */
#include "smtp_world.h"

#include <weft/auth.h>
#include <weft/net.h>

smtp_seen smtp_saw;
smtp_manner smtp_does;
bool smtp_knows_nobody;
weft_smtp_config smtp_config;

/* ---- the actor of a message */

typedef struct letter {
    weft_msg *request, *held;
    weft_ref session;
    uint32_t recipients;
} letter;

static weft_err on_message(weft_actor *self, weft_msg *msg)
{
    letter *l = weft_state(self);
    const weft_smtp_message *m = weft_body(msg);
    smtp_saw.letters++;
    smtp_saw.workers++;
    smtp_saw.n = 0;
    (void)snprintf(smtp_saw.from, sizeof smtp_saw.from, "%s", m->from);
    (void)snprintf(smtp_saw.user, sizeof smtp_saw.user, "%s", m->peer.user);
    (void)snprintf(smtp_saw.helo, sizeof smtp_saw.helo, "%s", m->peer.helo);
    for (uint32_t i = 0; i < 4 && i < m->recipients_n; i++)
        (void)snprintf(smtp_saw.to[i], sizeof smtp_saw.to[i], "%s", weft_smtp_message_to(m, i));
    CHECK(weft_smtp_message_to(m, m->recipients_n) == NULL);
    smtp_saw.recipients = l->recipients = m->recipients_n;
    smtp_saw.eight_bit = m->eight_bit;
    smtp_saw.utf8 = m->utf8;
    smtp_saw.secure = m->peer.secure;
    l->session = m->session;
    l->request = weft_keep(msg);
    if (smtp_does == SMTP_AT_ONCE)
        return weft_reply(msg, weft_smtp_status, .code = 554, .subject = 7, .detail = 1,
                          .text = "not by its looks");
    return WEFT_OK;
}

static weft_err on_data(weft_actor *self, weft_msg *msg)
{
    letter *l = weft_state(self);
    weft_bytes bytes = ((const weft_data *)weft_body(msg))->bytes;
    size_t n =
        bytes.size < SMTP_TEXT_MAX - 1 - smtp_saw.n ? bytes.size : SMTP_TEXT_MAX - 1 - smtp_saw.n;
    memcpy(smtp_saw.text + smtp_saw.n, bytes.at, n);
    smtp_saw.n += n;
    smtp_saw.text[smtp_saw.n] = '\0';
    smtp_saw.bytes += bytes.size;
    if (smtp_does == SMTP_DEAF && l->held == NULL)
        l->held = weft_keep(msg);
    return smtp_does == SMTP_GIVES_UP ? weft_stop(self, WEFT_EIO) : WEFT_OK;
}

static weft_err on_ended(weft_actor *self, weft_msg *msg)
{
    letter *l = weft_state(self);
    (void)msg;
    if (smtp_does == SMTP_NEVER || l->request == NULL)
        return WEFT_OK;
    for (uint32_t i = 0; smtp_does == SMTP_BY_EACH && i < l->recipients; i++)
        CHECK_OK(weft_tell(self, l->session, weft_smtp_delivered, .i = i,
                           .status = i == 1 ? weft_smtp_status_of(WEFT_ENOTFOUND, "")
                                            : (weft_smtp_status){.code = 250, .text = "OK"}));
    smtp_saw.replied++;
    return weft_reply(l->request, weft_smtp_status, .code = 0);
}

static weft_err on_closed(weft_actor *self, weft_msg *msg)
{
    smtp_saw.closed = ((const weft_closed *)weft_body(msg))->reason;
    return weft_stop(self, WEFT_OK);
}

static void on_over(weft_actor *self, weft_err reason)
{
    letter *l = weft_state(self);
    (void)reason;
    smtp_saw.workers -= weft_ref_is_nobody(l->session) ? 0 : 1; /* it may end before it began */
    weft_drop(&l->held);
    weft_drop(&l->request);
}

static const weft_handler letter_rows[] = {
    {.type = &weft_smtp_message_type, .fn = on_message},
    {.type = &weft_data_type, .fn = on_data},
    {.type = &weft_ended_type, .fn = on_ended},
    {.type = &weft_closed_type, .fn = on_closed},
    {0},
};
static const weft_behaviour letters = {
    .name = "letter", .handlers = letter_rows, .state_bytes = sizeof(letter), .ended = on_over};

/* ---- the judge */

static bool is(const char *address, const char *local)
{
    return strncmp(address, local, strlen(local)) == 0 && address[strlen(local)] == '@';
}

static weft_err on_sender(weft_actor *self, weft_msg *msg)
{
    const weft_smtp_sender *asked = weft_body(msg);
    (void)self;
    smtp_saw.judged++;
    if (is(asked->from, "bad"))
        return weft_reply(msg, weft_smtp_status, .code = 550, .subject = 7, .detail = 27,
                          .text = "you\r\nagain");
    return weft_reply(msg, weft_smtp_status, .code = 0);
}

static weft_err on_recipient(weft_actor *self, weft_msg *msg)
{
    const weft_smtp_recipient *asked = weft_body(msg);
    weft_msg **held = weft_state(self);
    smtp_saw.judged++;
    if (is(asked->to, "nobody"))
        return weft_fail(msg, WEFT_ENOTFOUND, "nobody of that name");
    if (is(asked->to, "full"))
        return WEFT_EFULL;
    if (is(asked->to, "slow"))
        *held = weft_keep(msg);
    else
        return weft_reply(msg, weft_smtp_status, .code = 0);
    return WEFT_OK;
}

static weft_err on_cancelled(weft_actor *self, weft_msg *msg)
{
    (void)msg;
    weft_drop(weft_state(self));
    return WEFT_OK;
}

static void judge_over(weft_actor *self, weft_err reason)
{
    (void)reason;
    weft_drop(weft_state(self));
}

static const weft_handler judge_rows[] = {
    {.type = &weft_smtp_sender_type, .fn = on_sender},
    {.type = &weft_smtp_recipient_type, .fn = on_recipient},
    {.type = &weft_cancelled_type, .fn = on_cancelled},
    {0},
};
static const weft_behaviour judges = {.name = "judge",
                                      .handlers = judge_rows,
                                      .state_bytes = sizeof(weft_msg *),
                                      .ended = judge_over};

/* ---- the world */

static const weft_auth_source sources[] = {
    {.kind = WEFT_AUTH_FROM_MEMORY, .user = "tim", .password = "tanstaaftanstaaf"}};
static const weft_auth_config auth = {.sources = sources, .count = 1, .realm = "mail.example"};

void smtp_reset(void)
{
    smtp_saw = (smtp_seen){0};
    smtp_does = SMTP_TAKES;
    smtp_knows_nobody = false;
    smtp_config = (weft_smtp_config){
        .host = "mail.example", .message = &letters, .auth_in_clear = true, .no_received = true};
}

weft_sim *smtp_open(const weft_sim_options *options)
{
    weft_sim_options o = {.seed = 1};
    weft_listening at;
    weft_why why = {""};
    if (options != NULL)
        o = *options;
    weft_sim *sim = weft_sim_new(&o);
    REQUIRE(sim != NULL);
    weft_system *sys = weft_sim_system(sim);
    smtp_config.judge = weft_system_spawn(sys, 0, &judges, NULL);
    if (!smtp_knows_nobody) /* costly: its passwords are hashed first */
        smtp_config.auth = weft_system_spawn(sys, 0, &weft_auth, &auth);
    CHECK_OK(weft_listen_at(sys, "sim://mail", &weft_smtp_server, &smtp_config, &at, &why));
    (void)weft_sim_run(sim);
    return sim;
}

size_t smtp_strip(char *came, size_t n)
{
    enum { ID = sizeof " id " - 1 + WEFT_SMTP_ID_BYTES - 1 };
    size_t made = 0;
    for (size_t i = 0; i < n;) {
        if (n - i >= ID && memcmp(came + i, " id ", 4) == 0) {
            i += ID;
            continue;
        }
        came[made++] = came[i++];
    }
    return made;
}

/* SPDX-License-Identifier: MIT */
/* A connection that goes on as something else: 101, and its stream handed to another owner.
 *
 * RFC 9110 section 7.8: the new protocol begins right behind the 101; RFC 9112 has nothing behind it any more.
 * It happens within the reading of the request, since the bytes behind that are then at hand. */
#include <string.h>

#include "http_date.h"
#include "http_server.h"

enum { HEAD_BYTES_MAX = 2048 };

static weft_err write_head(weft_actor *self, wf_http_exchange *x, const wf_http_upgrade *to)
{
    uint8_t room[HEAD_BYTES_MAX];
    weft_why why = {""};
    size_t n;
    const wf_http1_answer head = {
        .status = 101,
        .minor = x->head.minor,
        .method = x->head.method,
        .framing = WF_HTTP1_NO_BODY,
        .server = x->site->server,
        .upgrade = {to->protocol, (uint32_t)strlen(to->protocol)},
        .fields = to->fields,
        .fields_count = to->fields_count,
    };
    if (wf_http1_answer_bound(&head) > sizeof room)
        return WEFT_EINVAL;
    weft_err err = wf_http1_write_head(room, sizeof room, &head, &n, &why);
    if (err != WEFT_OK) {
        weft_log(self, WEFT_ERROR, "an upgrade cannot be answered: %s", why.text);
        return err;
    }
    return weft_write_copy(self, x->conn->stream, room, n);
}

/* In its turn, with nothing behind it, while it is being read. */
static bool may_upgrade(const weft_actor *self, const wf_http_exchange *x)
{
    const wf_http_conn *c = x->conn;
    return (x->flags & (WF_HTTP_X_LOST | WF_HTTP_X_ANSWERED | WF_HTTP_X_GIVEN_UP)) == 0 &&
           (x->flags & WF_HTTP_X_BODY_DONE) != 0 && x->site_actor == self && c->first == x &&
           c->last == x && (c->flags & (WF_HTTP_RUNNING | WF_HTTP_GONE)) == WF_HTTP_RUNNING;
}

weft_err wf_http_upgrade_to(weft_actor *self, weft_msg *msg, const wf_http_upgrade *to)
{
    wf_http_exchange *x = wf_http_exchange_of(msg);
    weft_why why = {""};
    if (x == NULL || !may_upgrade(self, x))
        return WEFT_EINVAL;
    wf_http_conn *c = x->conn;
    weft_ref owner = weft_spawn_apart(to->behaviour, to->config, &why);
    if (weft_ref_is_nobody(owner))
        return WEFT_ENOMEM;
    weft_err err = to->protocol != NULL ? write_head(self, x, to) : WEFT_OK;
    if (err != WEFT_OK) {
        (void)weft_stop_ref(self, owner, err);
        return err;
    }
    x->status = 101;
    x->flags |= WF_HTTP_X_ANSWERED | WF_HTTP_X_HEAD_SENT | WF_HTTP_X_OVER;
    c->flags |= WF_HTTP_UPGRADED | WF_HTTP_CLOSING | WF_HTTP_GONE;
    err = weft_hand_over(self, c->stream, owner, wf_http_reactor_here()->rest);
    if (err == WEFT_OK && to->stage != NULL)
        err = weft_push(self, c->stream, to->stage, to->stage_config, WEFT_STAGE_TOP, &why);
    if (err == WEFT_OK)
        return WEFT_OK;
    weft_log(self, WEFT_ERROR, "an upgrade failed: %s",
             why.text[0] != '\0' ? why.text : weft_err_text(err));
    (void)weft_abort(self, c->stream, err);
    (void)weft_stop_ref(self, owner, err);
    return WEFT_OK;
}

void wf_http_upgraded(weft_actor *self, wf_http_conn *c)
{
    wf_http_lost(self, c, false);
    (void)weft_stop(self, WEFT_OK);
}

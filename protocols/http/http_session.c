/* SPDX-License-Identifier: MIT */
/* Sessions of a site: from the cookie of a request to the store, and back. */
#include <string.h>

#include <weft/http_session.h>

#define WITH_BYTES(text, T, answer)                                                  \
    {                                                                                \
        .name = (text), .size = sizeof(T), .bytes = 1 + (uint32_t)offsetof(T, data), \
        .reply = answer                                                              \
    }

const weft_type weft_session_type = WITH_BYTES("weft.session", weft_session, NULL);
const weft_type weft_session_look_type =
    WEFT_TYPE("weft.session_look", weft_session_look, &weft_session_type);
const weft_type weft_session_begin_type =
    WITH_BYTES("weft.session_begin", weft_session_begin, &weft_session_type);
const weft_type weft_session_save_type =
    WITH_BYTES("weft.session_save", weft_session_save, &weft_session_type);
const weft_type weft_session_ended_type = WEFT_TYPE("weft.session_ended", weft_session_ended, NULL);
const weft_type weft_session_end_type =
    WEFT_TYPE("weft.session_end", weft_session_end, &weft_session_ended_type);

static const char *cookie_of(const weft_http_sessions *s)
{
    return s->cookie != NULL ? s->cookie : "session";
}

static weft_ref store_of(weft_actor *self, const weft_http_sessions *s)
{
    return s->store_name != NULL ? weft_named(self, s->store_name) : s->store;
}

/* What the browser says, if it can be the name of a session; else "". */
static void read_id(weft_msg *msg, const weft_http_sessions *s, char id[WEFT_SESSION_ID_BYTES + 1])
{
    const char *value = weft_http_cookie(msg, cookie_of(s));
    memset(id, 0, WEFT_SESSION_ID_BYTES + 1);
    if (value != NULL && strlen(value) == WEFT_SESSION_ID_BYTES)
        memcpy(id, value, WEFT_SESSION_ID_BYTES);
}

weft_deferred weft_http_session(weft_actor *self, weft_msg *msg, const weft_http_sessions *s)
{
    weft_session_look look;
    read_id(msg, s, look.id);
    if (look.id[0] == '\0')
        return weft_failed(self, WEFT_ENOTFOUND, "the browser has no session");
    return weft_ask_body(self, store_of(self, s), &weft_session_look_type, &look, WEFT_INHERIT);
}

weft_deferred weft_http_session_begin(weft_actor *self, weft_msg *msg, const weft_http_sessions *s,
                                      weft_bytes data)
{
    weft_session_begin begin = {.data = data};
    read_id(msg, s, begin.old);
    return weft_ask_body(self, store_of(self, s), &weft_session_begin_type, &begin, WEFT_INHERIT);
}

weft_deferred weft_http_session_save(weft_actor *self, weft_msg *msg, const weft_http_sessions *s,
                                     weft_bytes data)
{
    weft_session_save save = {.data = data};
    read_id(msg, s, save.id);
    if (save.id[0] == '\0')
        return weft_failed(self, WEFT_ENOTFOUND, "the browser has no session");
    return weft_ask_body(self, store_of(self, s), &weft_session_save_type, &save, WEFT_INHERIT);
}

weft_deferred weft_http_session_end(weft_actor *self, weft_msg *msg, const weft_http_sessions *s)
{
    weft_session_end end;
    read_id(msg, s, end.id);
    if (end.id[0] == '\0')
        return weft_succeed_body(self, NULL, NULL);
    return weft_ask_body(self, store_of(self, s), &weft_session_end_type, &end, WEFT_INHERIT);
}

weft_err weft_http_session_field(weft_msg *msg, const weft_http_sessions *s,
                                 const weft_session *session, weft_http_field *out)
{
    return weft_http_cookie_field(
        msg,
        &(weft_http_set_cookie){.name = cookie_of(s),
                                .value = session != NULL ? session->id : "",
                                .path = s->path,
                                .max_age_s = session != NULL ? 0 : -1,
                                .same_site = s->same_site,
                                .secure = s->secure || weft_http_is_secure(msg)},
        out);
}

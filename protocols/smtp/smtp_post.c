/* SPDX-License-Identifier: MIT */
/* A message to a web server: the body of a POST, with the envelope in its fields; the status is the verdict. */
#include <string.h>

#include <weft/http_client.h>
#include <weft/smtp.h>

enum { FIELDS_MAX = 1 + 64 };

typedef struct post {
    weft_ref message, upload;
    bool whole;
} post;

static weft_smtp_status status_of(int status)
{
    if (status < 300)
        return (weft_smtp_status){.code = 0};
    if (status == 413)
        return weft_smtp_status_of(WEFT_ETOOBIG, "");
    if (status == 507)
        return weft_smtp_status_of(WEFT_EFULL, "");
    if (status == 404 || status == 410)
        return weft_smtp_status_of(WEFT_ENOTFOUND, "");
    return status >= 400 && status < 500 && status != 408 && status != 429
               ? (weft_smtp_status){554, 3, 0, "the message was not taken"}
               : (weft_smtp_status){451, 3, 0, "something failed here; try again later"};
}

static weft_err on_answer(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    if (got->err != WEFT_OK) {
        weft_log(self, WEFT_WARNING, "the server that takes messages: %s", got->why);
        return weft_fail(msg, WEFT_EUNREACHABLE, NULL);
    }
    int answered = ((const weft_http_page *)got->body)->status;
    weft_smtp_status status = status_of(answered);
    if (status.code != 0)
        weft_log(self, WEFT_WARNING, "the server that takes messages: answered %d", answered);
    return weft_reply_body(msg, &weft_smtp_status_type, &status);
}

static weft_http_field field(const char *name, const char *value)
{
    return (weft_http_field){.name = name,
                             .name_bytes = (uint32_t)strlen(name),
                             .value = value,
                             .value_bytes = (uint32_t)strlen(value)};
}

static weft_err on_message(weft_actor *self, weft_msg *msg)
{
    post *p = weft_state(self);
    const weft_smtp_message *message = weft_body(msg);
    const weft_smtp_post_config *config = weft_config(self);
    weft_http_field fields[FIELDS_MAX];
    uint32_t n = 0;
    if (message->recipients_n >= FIELDS_MAX)
        return weft_fail(msg, WEFT_EFULL, "too many recipients for one request");
    fields[n++] = field("X-Mail-From", message->from);
    for (uint32_t i = 0; i < message->recipients_n; i++)
        fields[n++] = field("X-Rcpt-To", weft_smtp_message_to(message, i));
    p->message = message->stream;
    const weft_http_call call = {.method = WEFT_HTTP_POST,
                                 .url = config->url,
                                 .fields = fields,
                                 .fields_count = n,
                                 .content_type = "message/rfc822",
                                 .no_redirects = true,
                                 .limit_ms = WEFT_NO_LIMIT};
    return weft_when(msg, weft_http_open(self, (weft_ref){0}, &call, &p->upload), on_answer);
}

/* A server that is slow holds the client back. */
static weft_err on_data(weft_actor *self, weft_msg *msg)
{
    const post *p = weft_state(self);
    const weft_data *data = weft_body(msg);
    if (weft_ref_same(data->stream, p->message))
        (void)weft_write(self, p->upload, data->bytes); /* what fails is the answer's to say */
    return WEFT_OK;
}

static weft_err on_ended(weft_actor *self, weft_msg *msg)
{
    post *p = weft_state(self);
    if (!weft_ref_same(((const weft_ended *)weft_body(msg))->stream, p->message))
        return WEFT_OK;
    p->whole = true;
    (void)weft_end(self, p->upload);
    return WEFT_OK;
}

/* A message that is not whole must not be taken for one: the request is aborted. */
static weft_err on_closed(weft_actor *self, weft_msg *msg)
{
    const post *p = weft_state(self);
    if (!weft_ref_same(((const weft_closed *)weft_body(msg))->stream, p->message) || p->whole)
        return WEFT_OK;
    (void)weft_abort(self, p->upload, WEFT_EABORTED);
    return weft_stop(self, WEFT_OK);
}

static const weft_handler handlers[] = {
    {.type = &weft_smtp_message_type, .fn = on_message},
    {.type = &weft_data_type, .fn = on_data},
    {.type = &weft_ended_type, .fn = on_ended},
    {.type = &weft_closed_type, .fn = on_closed},
    {0},
};

const weft_behaviour weft_smtp_post = {
    .name = "smtp post", .handlers = handlers, .state_bytes = sizeof(post)};

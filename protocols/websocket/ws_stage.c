/* SPDX-License-Identifier: MIT */
/* The stage: what comes up, how it is kept alive, and how it ends. */
#include "ws_stage.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <weft/timer.h>

enum {
    MESSAGE_BYTES_MAX = 1 << 20,
    PING_MS = 30000,
    DEFLATE_BYTES_MIN = 256,
    NORMAL = 1000,
};

const weft_type weft_ws_text_type = WEFT_DATA_TYPE("weft.ws_text");
const weft_type weft_ws_binary_type = WEFT_DATA_TYPE("weft.ws_binary");

/* ---- keeping it alive */

static void on_alarm(weft_alarm *alarm);

static void watch(wf_ws *s, uint32_t ms)
{
    if (s->options.ping_ms != UINT32_MAX)
        weft_alarm_set(&s->alarm, ms != 0 ? ms : 1, on_alarm);
}

static void on_alarm(weft_alarm *alarm)
{
    wf_ws *s = (wf_ws *)(void *)((char *)alarm - offsetof(wf_ws, alarm));
    uint32_t silent = weft_now_ms(NULL) - s->heard, ping_ms = s->options.ping_ms;
    if (silent < ping_ms) {
        watch(s, ping_ms - silent);
        return;
    }
    if (s->pinged) {
        weft_stage_fail(s->stage, WEFT_ETIMEDOUT, "the peer answered no ping");
        return;
    }
    s->pinged = true;
    weft_err err =
        s->client == NULL && !s->close_sent ? wf_ws_control(s, WEFT_WS_PING, NULL, 0) : WEFT_OK;
    if (err != WEFT_OK) {
        weft_stage_fail(s->stage, err, "no ping could be sent");
        return;
    }
    watch(s, ping_ms);
}

/* ---- up */

static void copy_text(char *to, size_t max, const uint8_t *at, size_t n)
{
    n = n < max ? n : max;
    if (n != 0)
        memcpy(to, at, n);
    to[n] = '\0';
}

static weft_err on_close(wf_ws *s, const wf_ws_event *event, weft_piece *out)
{
    s->close_code = event->code;
    copy_text(s->close_reason, WF_WS_REASON_BYTES_MAX, event->at, event->n);
    out->kind = WEFT_PIECE_END;
    /* RFC 6455 section 5.5.1: "an endpoint typically echos the status code it received" */
    return wf_ws_say_close(s, event->code, "");
}

/* What has gathered goes on: all of a message, or of a stream whatever there is. */
static void tell(wf_ws *s, const wf_ws_event *event, weft_piece *out)
{
    if (s->options.stream ? s->message.size == 0 : !event->last)
        return;
    out->kind = s->options.stream ? WEFT_PIECE_BYTES : WEFT_PIECE_FRAME;
    out->type = s->options.stream ? NULL : event->text ? &weft_ws_text_type : &weft_ws_binary_type;
    out->bytes = s->message;
    s->message = WEFT_NO_BYTES;
}

/* A message of one piece needs no gathering: it is charged to the window as it comes. */
static weft_err tell_whole(wf_ws *s, const wf_ws_event *event, weft_piece *out)
{
    uint8_t *to;
    weft_err err = weft_stage_bytes(s->stage, event->n, &to, &s->message);
    if (err != WEFT_OK)
        return err;
    memcpy(to, event->at, event->n);
    tell(s, event, out);
    return WEFT_OK;
}

static weft_err on_event(wf_ws *s, const wf_ws_event *event, weft_piece *out, uint16_t *code,
                         weft_why *why)
{
    weft_err err;
    switch (event->kind) {
    case WF_WS_PIECE:
        if (event->last && event->n != 0 && !event->packed && s->message.size == 0)
            return tell_whole(s, event, out);
        err = wf_ws_gather(s, event, code, why);
        if (err == WEFT_OK)
            tell(s, event, out);
        return err;
    case WF_WS_PING:
        return s->close_sent ? WEFT_OK : wf_ws_control(s, WEFT_WS_PONG, event->at, event->n);
    case WF_WS_PONG:
        s->pings++;
        return WEFT_OK;
    default:
        return on_close(s, event, out);
    }
}

static weft_err read_frames(wf_ws *s, weft_bytes *in, weft_piece *out, weft_why *why)
{
    weft_err err = WEFT_OK;
    uint16_t code = 0;
    while (err == WEFT_OK && out->kind == WEFT_PIECE_NONE) {
        wf_ws_event event;
        size_t used;
        err = wf_ws_read(&s->codec, in->at, in->size, &used, &event, &code, why);
        *in = weft_bytes_slice(*in, used, SIZE_MAX);
        if (err == WEFT_OK && event.kind == WF_WS_NOTHING)
            break;
        if (err == WEFT_OK)
            err = on_event(s, &event, out, &code, why);
    }
    /* the peer is told what was wrong, if that goes at once */
    if (err != WEFT_OK && code != 0)
        (void)!wf_ws_say_close(s, code, why != NULL ? why->text : "");
    return err;
}

static weft_err ws_up(weft_stage *stage, weft_bytes in, weft_piece *out, weft_why *why)
{
    wf_ws *s = weft_stage_state(stage);
    weft_bytes left = in;
    weft_err err = WEFT_OK;
    bool opens = false;
    if (in.size != 0) {
        s->heard = weft_now_ms(NULL);
        s->pinged = false; /* @heard does not tell: an answer may come in the tick of its ping */
    }
    if (s->client != NULL) {
        err = wf_ws_client_read(s, &left, why);
        opens = err == WEFT_OK && s->client == NULL;
        if (opens)
            weft_stage_ready(stage);
    }
    /* what came with the answer is asked for again when the owner knows that the socket is open */
    opens = opens && weft_stage_is_last(stage);
    if (err == WEFT_OK && s->client == NULL && !opens)
        err = read_frames(s, &left, out, why);
    weft_stage_take(stage, in.size - left.size);
    return err;
}

static weft_err ws_up_end(weft_stage *stage, weft_bytes in, weft_piece *out, weft_why *why)
{
    const wf_ws *s = weft_stage_state(stage);
    (void)in, (void)out;
    if (s->close_code != 0 || s->close_sent)
        return WEFT_OK;
    return weft_because(why, WEFT_ETRUNCATED, "WebSocket: the peer ended %s",
                        s->client != NULL ? "in the handshake" : "without a close frame");
}

/* ---- down */

static weft_err ws_down(weft_stage *stage, weft_bytes bytes, weft_why *why)
{
    const wf_ws *s = weft_stage_state(stage);
    weft_bytes frame;
    if (s->client != NULL)
        return WEFT_EFULL;
    weft_err err = wf_ws_frame(s, WEFT_WS_BINARY, bytes, &frame);
    if (err == WEFT_OK) {
        err = weft_stage_send(stage, frame);
        weft_bytes_drop(&frame);
    }
    return err == WEFT_OK ? err : weft_because(why, err, "WebSocket: a frame cannot be sent");
}

static weft_err ws_down_end(weft_stage *stage, weft_why *why)
{
    wf_ws *s = weft_stage_state(stage);
    if (s->client != NULL)
        return WEFT_OK; /* nothing was agreed on: the connection ends as it is */
    weft_err err = wf_ws_say_close(s, s->own_code != 0 ? s->own_code : NORMAL, s->own_reason);
    return err == WEFT_OK ? err : weft_because(why, err, "WebSocket: close cannot be sent");
}

/* ---- its life */

static void set_options(wf_ws *s, const weft_ws_options *o)
{
    s->options = *o;
    if (o->message_bytes_max == 0)
        s->options.message_bytes_max = MESSAGE_BYTES_MAX;
    if (o->ping_ms == 0)
        s->options.ping_ms = PING_MS;
    if (o->deflate_bytes_min == 0)
        s->options.deflate_bytes_min = DEFLATE_BYTES_MIN;
}

/* Few have one, and it may be long. */
static bool keep_principal(wf_ws *s, const char *principal)
{
    size_t n = principal != NULL ? strlen(principal) + 1 : 0;
    if (n == 0)
        return true;
    s->principal = weft_alloc(n);
    if (s->principal != NULL)
        memcpy(s->principal, principal, n);
    return s->principal != NULL;
}

static weft_err ws_open(weft_stage *stage, const void *config, weft_why *why)
{
    wf_ws *s = weft_stage_state(stage);
    const wf_ws_setup *setup = config;
    s->stage = stage;
    set_options(s, setup->options);
    s->deflate = setup->deflate;
    s->heard = weft_now_ms(NULL);
    copy_text(s->target, WF_WS_TARGET_BYTES_MAX, (const uint8_t *)setup->target.at,
              setup->target.bytes);
    if (setup->protocol != NULL)
        (void)snprintf(s->protocol, sizeof s->protocol, "%s", setup->protocol);
    const wf_ws_limits limits = {.message_bytes_max = s->options.message_bytes_max};
    if (!keep_principal(s, setup->principal))
        return weft_because(why, WEFT_ENOMEM, "no memory for a WebSocket");
    weft_err err = wf_ws_init(&s->codec, setup->asking != NULL, setup->deflate.agreed, &limits);
    if (err == WEFT_OK && setup->asking != NULL)
        err = wf_ws_client_open(s, setup->asking, why);
    if (err != WEFT_OK)
        return err == WEFT_ENOMEM ? weft_because(why, err, "no memory for a WebSocket") : err;
    watch(s, s->options.ping_ms);
    return WEFT_OK;
}

static void ws_close(weft_stage *stage)
{
    wf_ws *s = weft_stage_state(stage);
    weft_alarm_clear(&s->alarm);
    wf_ws_gather_done(s);
    wf_ws_client_free(s->client);
    weft_alloc_free(s->principal);
    if (s->codec.frames != NULL)
        wf_ws_done(&s->codec);
}

const weft_stage_ops wf_ws_messages = {
    .name = "WebSocket",
    .state_bytes = sizeof(wf_ws),
    .open = ws_open,
    .up = ws_up,
    .up_end = ws_up_end,
    .down_end = ws_down_end,
    .close = ws_close,
    .holds = true, /* a client's, until the server has agreed; a server's comes when it is open */
};

const weft_stage_ops wf_ws_bytes = {
    .name = "WebSocket",
    .state_bytes = sizeof(wf_ws),
    .open = ws_open,
    .up = ws_up,
    .up_end = ws_up_end,
    .down = ws_down,
    .down_end = ws_down_end,
    .close = ws_close,
    .down_bytes_max = 64 << 10,
    .holds = true,
};

/* ---- what may be asked */

static wf_ws *socket_of(weft_actor *self, weft_ref socket)
{
    weft_stage *stage = weft_stage_of(self, socket, &wf_ws_messages);
    if (stage == NULL)
        stage = weft_stage_of(self, socket, &wf_ws_bytes);
    return stage != NULL ? weft_stage_state(stage) : NULL;
}

weft_err weft_ws_send(weft_actor *self, weft_ref socket, weft_ws_opcode opcode, weft_bytes bytes)
{
    const wf_ws *s = socket_of(self, socket);
    wf_ws_utf8 utf8 = {0};
    weft_bytes frame;
    if (s == NULL || s->close_sent || s->client != NULL || s->own_code != 0)
        return WEFT_EGONE;
    switch (opcode) {
    case WEFT_WS_TEXT:
        if (!wf_ws_utf8_add(&utf8, bytes.at, bytes.size) || !wf_ws_utf8_whole(&utf8))
            return WEFT_EINVAL;
        break;
    case WEFT_WS_BINARY:
        break;
    case WEFT_WS_PING:
        return bytes.size <= WF_WS_CONTROL_BYTES_MAX
                   ? wf_ws_control(s, WEFT_WS_PING, bytes.at, bytes.size)
                   : WEFT_EINVAL;
    default:
        return WEFT_EINVAL;
    }
    if (s->options.stream)
        return opcode == WEFT_WS_BINARY ? weft_write(self, socket, bytes) : WEFT_EINVAL;
    weft_err err = wf_ws_frame(s, opcode, bytes, &frame);
    if (err != WEFT_OK)
        return err;
    err = weft_write(self, socket, frame);
    weft_bytes_drop(&frame);
    return err;
}

weft_err weft_ws_send_text(weft_actor *self, weft_ref socket, const char *format, ...)
{
    char room[1024];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(room, sizeof room, format, args);
    va_end(args);
    if (n < 0)
        return WEFT_EINVAL;
    if ((size_t)n < sizeof room)
        return weft_ws_send(self, socket, WEFT_WS_TEXT, weft_bytes_static(room, (size_t)n));
    char *text = weft_alloc((size_t)n + 1);
    if (text == NULL)
        return WEFT_ENOMEM;
    va_start(args, format);
    (void)vsnprintf(text, (size_t)n + 1, format, args);
    va_end(args);
    weft_err err = weft_ws_send(self, socket, WEFT_WS_TEXT, weft_bytes_static(text, (size_t)n));
    weft_alloc_free(text);
    return err;
}

weft_err weft_ws_close(weft_actor *self, weft_ref socket, uint16_t code, const char *reason)
{
    wf_ws *s = socket_of(self, socket);
    if (s == NULL || s->own_code != 0)
        return WEFT_EGONE;
    if (!wf_ws_code_is_valid(code))
        return WEFT_EINVAL;
    s->own_code = code;
    (void)snprintf(s->own_reason, sizeof s->own_reason, "%s", reason != NULL ? reason : "");
    return weft_close(self, socket);
}

weft_err weft_ws_about(weft_actor *self, weft_ref socket, weft_ws_info *out)
{
    const wf_ws *s = socket_of(self, socket);
    weft_address local, peer;
    if (s == NULL)
        return weft_stream_addresses(self, socket, &local, &peer) == WEFT_OK ? WEFT_ENOTFOUND
                                                                             : WEFT_EGONE;
    *out = (weft_ws_info){.protocol = s->protocol,
                          .target = s->target,
                          .principal = s->principal,
                          .packs = s->deflate.agreed,
                          .close_code = s->close_code,
                          .pings = s->pings};
    memcpy(out->close_reason, s->close_reason, sizeof s->close_reason);
    return WEFT_OK;
}

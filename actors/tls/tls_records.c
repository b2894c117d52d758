/* SPDX-License-Identifier: MIT */
/* Records of TLS 1.3 (RFC 8446 section 5) behind a server's handshake, with keys and counters alone. What may still
 * come are data, alerts and KeyUpdate; nothing else is taken. */
#include "tls_records.h"

#include <string.h>

enum {
    ALERT = 21,
    HANDSHAKE = 22,
    DATA = 23, /* types of content */
    KEY_UPDATE = 24,
    TAG = 16,
    SEALED_MAX = TLS_PLAIN_MAX + 256, /* section 5.2 */
    /* Records in a row that bring no data: empty ones, new keys, user_canceled. Each is allowed, and costs its
     * peer less than it costs here. */
    USELESS_MAX = 32,
};

/* Section 5.5 allows 2^24.5 of AES-GCM. */
uint64_t wf_tls_records_max = UINT64_C(1) << 23;

/* What alerts say (section 6). */
enum {
    CLOSE_NOTIFY = 0,
    UNEXPECTED_MESSAGE = 10,
    BAD_RECORD_MAC = 20,
    RECORD_OVERFLOW = 22,
    ILLEGAL_PARAMETER = 47,
    DECODE_ERROR = 50,
    INTERNAL_ERROR = 80,
    USER_CANCELED = 90,
};

/* ---- one record */

/* Section 5.3: the number, padded to the left, exclusive-or the static one. */
static bool begin_record(tls_way *w, const uint8_t header[TLS_HEADER])
{
    unsigned char nonce[sizeof w->iv];
    int n = 0;
    if (!w->known)
        return false;
    memcpy(nonce, w->iv, sizeof nonce);
    for (unsigned i = 0; i < 8; i++)
        nonce[sizeof nonce - 1 - i] ^= (unsigned char)(w->number >> (8 * i));
    w->number++;
    return EVP_CipherInit_ex(w->cipher, NULL, NULL, NULL, nonce, -1) == 1 &&
           EVP_CipherUpdate(w->cipher, NULL, &n, header, TLS_HEADER) == 1;
}

/* Writes TLS_HEADER + @size + 1 + TAG bytes. */
static bool seal_one(tls_way *w, uint8_t type, const uint8_t *from, size_t size, uint8_t *to)
{
    size_t sealed = size + 1 + TAG;
    int n = 0;
    to[0] = DATA;
    to[1] = to[2] = 3;
    to[3] = (uint8_t)(sealed >> 8);
    to[4] = (uint8_t)sealed;
    return begin_record(w, to) &&
           EVP_CipherUpdate(w->cipher, to + TLS_HEADER, &n, from, (int)size) == 1 &&
           EVP_CipherUpdate(w->cipher, to + TLS_HEADER + size, &n, &type, 1) == 1 &&
           EVP_CipherFinal_ex(w->cipher, to + TLS_HEADER + size + 1, &n) == 1 &&
           EVP_CIPHER_CTX_ctrl(w->cipher, EVP_CTRL_AEAD_GET_TAG, TAG, to + TLS_HEADER + size + 1) ==
               1;
}

/* Into @to, which has room for @size bytes less the tag; @n: of the inner plaintext. false: it is forged. */
static bool open_one(tls_way *w, const uint8_t *record, size_t size, uint8_t *to, size_t *n)
{
    int got = 0, rest = 0;
    size_t text = size - TAG;
    uint8_t *tag = (uint8_t *)(uintptr_t)(record + TLS_HEADER + text);
    bool good = begin_record(w, record) &&
                EVP_CipherUpdate(w->cipher, to, &got, record + TLS_HEADER, (int)text) == 1 &&
                EVP_CIPHER_CTX_ctrl(w->cipher, EVP_CTRL_AEAD_SET_TAG, TAG, tag) == 1 &&
                EVP_CipherFinal_ex(w->cipher, to + got, &rest) == 1;
    *n = text;
    return good;
}

/* ---- out */

static weft_err seal(tls_records *r, uint8_t type, const uint8_t *from, size_t size,
                     weft_bytes *out)
{
    size_t pieces = (size + r->plain_max - 1) / r->plain_max;
    uint8_t *to;
    weft_err err = weft_bytes_new(size + pieces * (TLS_HEADER + 1 + TAG), &to, out);
    for (size_t at = 0, n; err == WEFT_OK && at < size; at += n) {
        n = size - at < r->plain_max ? size - at : r->plain_max;
        if (!seal_one(&r->out, type, from + at, n, to))
            err = WEFT_ENOMEM;
        to += n + TLS_HEADER + 1 + TAG;
    }
    if (err != WEFT_OK)
        weft_bytes_drop(out);
    return err;
}

/* For whoever seals it below. */
static weft_err copy(const uint8_t *from, size_t size, weft_bytes *out)
{
    uint8_t *to;
    weft_err err = weft_bytes_new(size, &to, out);
    if (err == WEFT_OK)
        memcpy(to, from, size);
    return err;
}

static weft_err send(tls_state *s, uint8_t type, const uint8_t *from, size_t size)
{
    weft_bytes bytes = WEFT_NO_BYTES;
    bool below = s->kernel == TLS_KERNEL_SEALS;
    weft_err err = below ? copy(from, size, &bytes) : seal(s->records, type, from, size, &bytes);
    if (err == WEFT_OK)
        err = below ? wf_conn_send_record(s->stage, type, bytes) : weft_stage_send(s->stage, bytes);
    weft_bytes_drop(&bytes);
    return err == WEFT_EGONE ? WEFT_OK : err; /* behind our close_notify nothing has to be said */
}

/* New keys for what is sent from now on; @asks: and of the peer for what it sends. */
static weft_err send_key_update(tls_state *s, bool asks)
{
    const uint8_t message[TLS_KEY_UPDATE_BYTES] = {KEY_UPDATE, 0, 0, 1, asks};
    tls_records *r = s->records;
    weft_err err = send(s, HANDSHAKE, message, sizeof message);
    if (err == WEFT_OK && !wf_tls_way_update(r, &r->out, true))
        err = WEFT_ENOMEM;
    r->owes = false;
    r->asked = r->asked || asks;
    return err;
}

/* The limit is the sender's to keep, but OpenSSL's clients, and others, do not: they are asked to. Whoever asks
 * renews its own keys by that, so nobody is asked where the kernel has these. */
static bool is_to_ask(const tls_state *s)
{
    const tls_records *r = s->records;
    return s->kernel != TLS_KERNEL_SEALS && r->in.number >= wf_tls_records_max && !r->asked;
}

bool wf_tls_records_renews(const tls_state *s)
{
    const tls_records *r = s->records;
    return is_to_ask(s) || r->owes || r->out.number >= wf_tls_records_max;
}

/* Where something waits to be sent this can wait too, and must not count as what floods the queue. */
static weft_err ask_for_new_keys(tls_state *s)
{
    bool now = is_to_ask(s) && !conn_has_output(s->stage->owner);
    return now ? send_key_update(s, true) : WEFT_OK;
}

weft_err wf_tls_records_send(tls_state *s, weft_bytes bytes)
{
    weft_err err = wf_tls_records_renews(s) ? send_key_update(s, is_to_ask(s)) : WEFT_OK;
    return err == WEFT_OK ? send(s, DATA, bytes.at, bytes.size) : err;
}

weft_err wf_tls_records_alert(tls_state *s, uint8_t what)
{
    const uint8_t alert[2] = {what == CLOSE_NOTIFY ? 1 : 2, what};
    return send(s, ALERT, alert, sizeof alert);
}

/* ---- in */

static weft_err refuse(tls_state *s, uint8_t alert, const char *text, weft_why *why)
{
    (void)!wf_tls_records_alert(s, alert); /* its last word */
    return weft_because(why, WEFT_ETLS, "TLS: %s", text);
}

/* A record that brought no data. */
static weft_err tolerate(tls_state *s, weft_why *why)
{
    if (++s->records->useless <= USELESS_MAX)
        return WEFT_OK;
    return refuse(s, UNEXPECTED_MESSAGE, "too many records without data", why);
}

static weft_err on_alert(tls_state *s, const uint8_t *at, size_t n, weft_why *why)
{
    if (n != 2)
        return refuse(s, n == 0 ? UNEXPECTED_MESSAGE : DECODE_ERROR,
                      "an alert of another length than two bytes", why);
    if (at[1] == CLOSE_NOTIFY)
        return WEFT_EDONE;
    if (at[1] == USER_CANCELED)
        return tolerate(s, why); /* section 6.1: followed by a close_notify */
    return weft_because(why, WEFT_ETLS, "TLS: the peer's alert: %s",
                        SSL_alert_desc_string_long(at[1]));
}

/* The peer's keys are new from its next record on. */
static weft_err on_key_update(tls_state *s, unsigned request, weft_why *why)
{
    tls_records *r = s->records;
    if (request > 1)
        return refuse(s, ILLEGAL_PARAMETER, "a KeyUpdate that asks for what is not known", why);
    if (request == 1 && s->kernel == TLS_KERNEL_SEALS) {
        /* it must be told of new keys before the next data, and the kernel can have none: there is no such */
        wf_conn_written_drop(s->stage->owner);
        return refuse(s, INTERNAL_ERROR, "the peer asks for new keys, which the kernel cannot have",
                      why);
    }
    if (!wf_tls_way_update(r, &r->in, false))
        return weft_because(why, WEFT_ENOMEM, "TLS: no memory for new keys");
    r->asked = false;
    /* one answer to all that come while nothing is said, and never more than is said */
    r->owes = r->owes || request == 1;
    return tolerate(s, why);
}

/* Section 4.6.3; behind it, in the same record, nothing may follow. */
static weft_err on_handshake(tls_state *s, const uint8_t *at, size_t n, weft_why *why)
{
    static const uint8_t begins[] = {KEY_UPDATE, 0, 0, 1};
    tls_records *r = s->records;
    uint8_t message[TLS_KEY_UPDATE_BYTES];
    size_t had = r->gathered_bytes, fits = sizeof message - had;
    memcpy(message, r->gathered, had);
    memcpy(message + had, at, n < fits ? n : fits);
    size_t all = had + n, known = all < sizeof begins ? all : sizeof begins;
    if (n == 0 || message[0] != KEY_UPDATE)
        return refuse(s, UNEXPECTED_MESSAGE, "a message of a handshake that is over", why);
    if (memcmp(message, begins, known) != 0)
        return refuse(s, DECODE_ERROR, "a KeyUpdate of another length than one byte", why);
    if (n > fits)
        return refuse(s, UNEXPECTED_MESSAGE, "a message behind a KeyUpdate", why);
    memcpy(r->gathered, message, all);
    r->gathered_bytes = (unsigned)all;
    if (all < sizeof message)
        return tolerate(s, why);
    r->gathered_bytes = 0;
    return on_key_update(s, message[4], why);
}

static weft_err on_data(tls_state *s, size_t n, size_t *size, weft_why *why)
{
    if (n == 0)
        return tolerate(s, why);
    s->records->useless = 0;
    *size += n;
    return WEFT_OK;
}

/* What the inner plaintext of @n bytes at @at is; data stays where it is: *@size more. */
static weft_err on_plain(tls_state *s, const uint8_t *at, size_t n, size_t *size, weft_why *why)
{
    bool is_long = n > TLS_PLAIN_MAX + 1; /* section 5.4: with its padding too */
    while (n != 0 && at[n - 1] == 0)
        n--; /* padding */
    if (is_long || (n != 0 && n - 1 > s->records->plain_max))
        return refuse(s, RECORD_OVERFLOW, "a record that is too long", why);
    if (n == 0)
        return refuse(s, UNEXPECTED_MESSAGE, "a record of padding alone", why);
    uint8_t type = at[--n];
    if (s->records->gathered_bytes != 0 && type != HANDSHAKE)
        return refuse(s, UNEXPECTED_MESSAGE, "a record within a message", why);
    switch (type) {
    case DATA:
        return on_data(s, n, size, why);
    case ALERT:
        return on_alert(s, at, n, why);
    case HANDSHAKE:
        return on_handshake(s, at, n, why);
    default:
        return refuse(s, UNEXPECTED_MESSAGE, "a record of a type that is none", why);
    }
}

/* What the header at @at promises: @n bytes behind it. */
static weft_err read_header(tls_state *s, const uint8_t *at, size_t *n, weft_why *why)
{
    *n = (size_t)at[3] << 8 | at[4];
    if (at[0] != DATA || at[1] != 3 || at[2] != 3)
        return refuse(s, UNEXPECTED_MESSAGE, "what came is no record", why);
    if (*n > SEALED_MAX)
        return refuse(s, RECORD_OVERFLOW, "a record that is too long", why);
    if (*n <= TAG)
        return refuse(s, BAD_RECORD_MAC, "a record that is too short", why);
    return WEFT_OK;
}

/* Moves what stands below to @to, where the part is gathered, until that has @size bytes. Whether it has. */
static bool take_part(tls_state *s, uint8_t *to, size_t size)
{
    tls_records *r = s->records;
    size_t left = s->in.size - s->used, n = size - r->part_bytes;
    if (r->part_bytes >= size)
        return true;
    n = n < left ? n : left;
    if (n != 0)
        memcpy(to + r->part_bytes, s->in.at + s->used, n);
    r->part_bytes += n;
    s->used += n;
    return r->part_bytes == size;
}

/* The next record, whole: @at its header, @n behind that. errors: EFULL: it is not; as the header's. */
static weft_err next_record(tls_state *s, const uint8_t **at, size_t *n, weft_why *why)
{
    tls_records *r = s->records;
    size_t left = s->in.size - s->used;
    weft_err err = WEFT_OK;
    if (r->part_bytes == 0 && left >= TLS_HEADER) {
        *at = s->in.at + s->used;
        err = read_header(s, *at, n, why);
        if (err != WEFT_OK || left >= TLS_HEADER + *n)
            return err;
    }
    if (!take_part(s, r->header, TLS_HEADER))
        return WEFT_EFULL;
    err = read_header(s, r->header, n, why);
    if (err != WEFT_OK)
        return err;
    if (r->part == NULL && (r->part = weft_alloc(TLS_HEADER + *n)) == NULL)
        return weft_because(why, WEFT_ENOMEM, "TLS: no memory for a record");
    memcpy(r->part, r->header, TLS_HEADER);
    *at = r->part;
    return take_part(s, r->part, TLS_HEADER + *n) ? WEFT_OK : WEFT_EFULL;
}

static void used_record(tls_state *s, size_t bytes)
{
    tls_records *r = s->records;
    if (r->part == NULL)
        s->used += bytes;
    weft_alloc_free(r->part);
    r->part = NULL;
    r->part_bytes = 0;
}

weft_err wf_tls_records_read(tls_state *s, uint8_t *to, size_t room, size_t *size, weft_why *why)
{
    const uint8_t *at = NULL;
    size_t n = 0, plain = 0;
    weft_err err = next_record(s, &at, &n, why);
    if (err == WEFT_OK && room - *size < n - TAG)
        err = WEFT_EFULL;
    if (err != WEFT_OK)
        return err;
    bool good = open_one(&s->records->in, at, n, to + *size, &plain);
    used_record(s, TLS_HEADER + n);
    if (!good) {
        ERR_clear_error();
        return refuse(s, BAD_RECORD_MAC, "a record that was changed on its way", why);
    }
    err = on_plain(s, to + *size, plain, size, why);
    return err == WEFT_OK ? ask_for_new_keys(s) : err;
}

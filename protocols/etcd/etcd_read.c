/* SPDX-License-Identifier: MIT */
/* Answers of etcd: the one file that knows jansson. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include <weft/edge.h>
#include <weft/hash.h>

#include "etcd_codec.h"

/* errors: EPROTO. */
static weft_err number(const json_t *object, const char *name, uint64_t *out, weft_why *why)
{
    const json_t *value = json_object_get(object, name);
    if (value == NULL)
        return WEFT_OK;
    if (json_is_integer(value) && json_integer_value(value) >= 0) {
        *out = (uint64_t)json_integer_value(value);
        return WEFT_OK;
    }
    const char *text = json_string_value(value);
    char *end = NULL;
    errno = 0;
    uint64_t n = text != NULL && *text >= '0' && *text <= '9' ? strtoull(text, &end, 10) : 0;
    if (end == NULL || *end != '\0' || errno != 0)
        return weft_because(why, WEFT_EPROTO, "etcd: \"%s\" is not a number", name);
    *out = n;
    return WEFT_OK;
}

static bool is_true(const json_t *object, const char *name)
{
    return json_is_true(json_object_get(object, name));
}

/* false: it is too long, or no text. errors: EPROTO. */
static weft_err text(const json_t *object, const char *name, char *out, size_t room, bool *fits,
                     weft_why *why)
{
    const json_t *value = json_object_get(object, name);
    size_t size = 0;
    *fits = true;
    out[0] = '\0';
    if (value == NULL)
        return WEFT_OK;
    if (!json_is_string(value))
        return weft_because(why, WEFT_EPROTO, "etcd: \"%s\" is no string", name);
    if (json_string_length(value) == 0)
        return WEFT_OK;
    weft_err err =
        weft_unbase64(json_string_value(value), json_string_length(value), out, room - 1, &size);
    if (err == WEFT_EPROTO)
        return weft_because(why, err, "etcd: \"%s\" is not in base64", name);
    *fits = err == WEFT_OK && memchr(out, 0, size) == NULL;
    out[*fits ? size : 0] = '\0';
    return WEFT_OK;
}

/* ---- keys */

/* errors: NULL. */
static etcd_event *event_new(etcd_answer *a)
{
    if (a->n == a->room) {
        size_t room = a->room != 0 ? 2 * a->room : 8;
        etcd_event *more = weft_alloc_again(a->events, room * sizeof *more);
        if (more == NULL)
            return NULL;
        a->events = more;
        a->room = room;
    }
    return memset(&a->events[a->n], 0, sizeof *a->events);
}

static weft_err read_key(etcd_answer *a, const json_t *kv, const json_t *before, bool deleted,
                         weft_why *why)
{
    bool key_fits, value_fits;
    if (!json_is_object(kv))
        return weft_because(why, WEFT_EPROTO, "etcd: a key is no object");
    if (a->n == ETCD_EVENTS_MAX)
        return weft_because(why, WEFT_ETOOBIG, "etcd: more than %d keys", ETCD_EVENTS_MAX);
    etcd_event *e = event_new(a);
    if (e == NULL)
        return weft_because(why, WEFT_ENOMEM, "no memory for the keys of etcd");
    e->deleted = deleted;
    weft_err err = text(kv, "key", e->key, sizeof e->key, &key_fits, why);
    if (err == WEFT_OK)
        err = text(kv, "value", e->value, sizeof e->value, &value_fits, why);
    if (err == WEFT_OK)
        err = number(before != NULL ? before : kv, "create_revision", &e->created, why);
    if (err == WEFT_OK)
        err = number(kv, "mod_revision", &e->modified, why);
    if (err == WEFT_OK)
        err = number(kv, "lease", &e->lease, why);
    if (err != WEFT_OK)
        return err;
    if (key_fits && value_fits)
        a->n++;
    else
        a->left_out++;
    return WEFT_OK;
}

static weft_err read_keys(etcd_answer *a, const json_t *range, weft_why *why)
{
    const json_t *kvs = json_object_get(range, "kvs");
    weft_err err = WEFT_OK;
    for (size_t i = 0; err == WEFT_OK && i < json_array_size(kvs); i++)
        err = read_key(a, json_array_get(kvs, i), NULL, false, why);
    return err;
}

static weft_err read_events(etcd_answer *a, const json_t *root, weft_why *why)
{
    const json_t *events = json_object_get(root, "events");
    weft_err err = WEFT_OK;
    for (size_t i = 0; err == WEFT_OK && i < json_array_size(events); i++) {
        const json_t *event = json_array_get(events, i);
        const char *type = json_string_value(json_object_get(event, "type"));
        err = read_key(a, json_object_get(event, "kv"), json_object_get(event, "prev_kv"),
                       type != NULL && strcmp(type, "DELETE") == 0, why);
    }
    return err;
}

static weft_err read_branches(etcd_answer *a, const json_t *root, weft_why *why)
{
    const json_t *responses = json_object_get(root, "responses");
    weft_err err = WEFT_OK;
    for (size_t i = 0; err == WEFT_OK && i < json_array_size(responses); i++)
        err = read_keys(a, json_object_get(json_array_get(responses, i), "response_range"), why);
    return err;
}

/* ---- whole answers */

/* {"error":"...","message":"...","code":5}; in a stream {"error":{"grpc_code":14,"message":"..."}} */
static weft_err read_error(etcd_answer *a, const json_t *root, const json_t *error, weft_why *why)
{
    bool nested = json_is_object(error);
    const char *said = json_string_value(json_object_get(nested ? error : root, "message"));
    uint64_t code = 0;
    weft_err err = number(nested ? error : root, nested ? "grpc_code" : "code", &code, why);
    if (err != WEFT_OK)
        return err;
    a->failed = true;
    a->code = code <= UINT32_MAX ? (uint32_t)code : UINT32_MAX;
    (void)snprintf(a->why, sizeof a->why, "%s",
                   said != NULL            ? said
                   : json_is_string(error) ? json_string_value(error)
                                           : "an error without a sentence");
    return WEFT_OK;
}

static weft_err read_fields(etcd_answer *a, const json_t *root, weft_why *why)
{
    weft_err err = number(json_object_get(root, "header"), "revision", &a->revision, why);
    if (err == WEFT_OK)
        err = number(root, "ID", &a->lease, why);
    if (err == WEFT_OK)
        err = number(root, "TTL", &a->ttl_s, why);
    if (err == WEFT_OK)
        err = number(root, "compact_revision", &a->compacted, why);
    a->succeeded = is_true(root, "succeeded");
    a->created = is_true(root, "created");
    a->cancelled = is_true(root, "canceled");
    if (err == WEFT_OK)
        err = read_keys(a, root, why);
    if (err == WEFT_OK)
        err = read_branches(a, root, why);
    return err == WEFT_OK ? read_events(a, root, why) : err;
}

static weft_err read_root(etcd_answer *a, const json_t *root, weft_why *why)
{
    const json_t *error = json_object_get(root, "error");
    const json_t *result = json_object_get(root, "result");
    if (!json_is_object(root) || (result != NULL && !json_is_object(result)))
        return weft_because(why, WEFT_EPROTO, "etcd: an answer is no object");
    return error != NULL ? read_error(a, root, error, why)
                         : read_fields(a, result != NULL ? result : root, why);
}

weft_err wf_etcd_read(const void *at, size_t n, etcd_answer *out, weft_why *why)
{
    json_error_t fault;
    *out = (etcd_answer){.revision = 0};
    if (n > ETCD_ANSWER_BYTES_MAX)
        return weft_because(why, WEFT_ETOOBIG, "etcd: an answer of more than %d bytes",
                            ETCD_ANSWER_BYTES_MAX);
    json_t *root = json_loadb(at, n, JSON_REJECT_DUPLICATES, &fault);
    if (root == NULL)
        return json_error_code(&fault) == json_error_out_of_memory
                   ? weft_because(why, WEFT_ENOMEM, "no memory for an answer of etcd")
                   : weft_because(why, WEFT_EPROTO, "etcd: no JSON: %.80s", fault.text);
    weft_err err = read_root(out, root, why);
    json_decref(root);
    if (err != WEFT_OK)
        wf_etcd_answer_done(out);
    return err;
}

void wf_etcd_answer_done(etcd_answer *answer)
{
    weft_alloc_free(answer->events);
    *answer = (etcd_answer){.revision = 0};
}

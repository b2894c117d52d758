/* SPDX-License-Identifier: MIT */
/** Types of messages: what a body is, how it is copied, and what answers it. */
#ifndef WEFT_TYPE_H
#define WEFT_TYPE_H

#include <stddef.h>
#include <stdint.h>

#include <weft/error.h>

#ifdef __cplusplus
extern "C" {
#endif

struct weft_actor;
struct weft_field;
struct weft_msg;

/** One type of message. A static const value of the program; its address is its identity.
 *
 * A body is a plain struct that is copied bit by bit, or a protobuf-c struct that is copied deeply in
 * one block, or a struct with hooks. It may hold one `weft_bytes` that travels beside it and is shared,
 * never copied. */
typedef struct weft_type {
    const char *name;              /**< for logs and for other nodes: "counter.add" */
    uint32_t size;                 /**< bytes of the body, at least 1 */
    uint32_t bytes;                /**< 1 + the offset of the body's weft_bytes; 0: it has none */
    const struct weft_type *reply; /**< the only type that may answer it; NULL: any, or none */
    /** @body was just copied bit by bit: take a share of what it points to. thread: the sender's. */
    void (*share)(void *body);
    /** @body is going away: give that share back. thread: where the message ends. */
    void (*release)(void *body);
    /** What an actor without a row for it does with it; NULL: a request fails with EUNHANDLED. */
    weft_err (*otherwise)(struct weft_actor *self, struct weft_msg *msg);
    const void
        *descriptor; /**< a ProtobufCMessageDescriptor when the struct comes from protobuf-c */
    const char
        *method; /**< what it is called between nodes, when not by its message: WEFT_TYPE_METHOD */
    /** Of a plain struct: the rows of its text form (<weft/form.h>); NULL: it has none. */
    const struct weft_field *fields;
} weft_type;

/** A plain struct @T answered by @reply_type (a `const weft_type *`, or NULL). */
#define WEFT_TYPE(type_name, T, reply_type)                           \
    {                                                                 \
        .name = (type_name), .size = sizeof(T), .reply = (reply_type) \
    }

/** The same with a weft_bytes in its field @field. */
#define WEFT_TYPE_BYTES(type_name, T, field, reply_type)                                   \
    {                                                                                      \
        .name = (type_name), .size = sizeof(T), .bytes = 1 + (uint32_t)offsetof(T, field), \
        .reply = (reply_type)                                                              \
    }

/** A struct that protoc-c made: its descriptor is @pb (`&shop__counter__add__descriptor`). */
#define WEFT_TYPE_PROTO(type_name, T, pb, reply_type)                                     \
    {                                                                                     \
        .name = (type_name), .size = sizeof(T), .reply = (reply_type), .descriptor = (pb) \
    }

/** A request to the method @method_name ("shop.Calculator/Add") of a protobuf service, answered by @reply_type, and
 * that answer. Several methods may take, or give, the same message. weft-services writes them of a .proto. */
#define WEFT_TYPE_METHOD(method_name, T, pb, reply_type)                                     \
    {                                                                                        \
        .name = (method_name), .size = sizeof(T), .reply = (reply_type), .descriptor = (pb), \
        .method = (method_name)                                                              \
    }
#define WEFT_TYPE_ANSWER(method_name, T, pb)                                  \
    {                                                                         \
        .name = method_name " answer", .size = sizeof(T), .descriptor = (pb), \
        .method = method_name ":answer"                                       \
    }

#ifdef __cplusplus
}
#endif
#endif

/* SPDX-License-Identifier: MIT */
/** Bytes: slices of shared buffers, and the accounts that say who pays for them.
 *
 * A weft_bytes is a value. What a handler was handed, or made with a function that takes the message,
 * is borrowed until the handler returns: pass it on, write it, slice it, free nothing. What outlives
 * the handler is taken with weft_bytes_keep and given back with weft_bytes_drop.
 *
 * Each buffer is charged to one account: a stream's window, or an account made for what is gathered
 * beyond it. The charge is the allocated size, and ends when the last holder lets go. */
#ifndef WEFT_BYTES_H
#define WEFT_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weft/error.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct weft_actor weft_actor;
typedef struct weft_msg weft_msg;
typedef struct wf_buffer wf_buffer;
typedef struct weft_account weft_account;

/** A slice of a shared buffer, or of memory that never goes away (@buffer is NULL then). */
typedef struct weft_bytes {
    const uint8_t *at;
    size_t size;
    wf_buffer *buffer;
} weft_bytes;

/** No bytes. */
#define WEFT_NO_BYTES ((weft_bytes){NULL, 0, NULL})

/** The bytes of a string literal: static, free to share. */
#define WEFT_BYTES_LITERAL(text) ((weft_bytes){(const uint8_t *)("" text), sizeof(text) - 1, NULL})

/** Bytes that outlive the program's use of them (static or mapped for good). thread: any. */
static inline weft_bytes weft_bytes_static(const void *at, size_t size)
{
    weft_bytes bytes = {(const uint8_t *)at, size, NULL};
    return bytes;
}

/** A part of @bytes, as borrowed as @bytes are. What lies beyond them is cut off. thread: any. */
static inline weft_bytes weft_bytes_slice(weft_bytes bytes, size_t from, size_t size)
{
    if (from > bytes.size)
        from = bytes.size;
    bytes.at += from;
    bytes.size = size < bytes.size - from ? size : bytes.size - from;
    return bytes;
}

/** Fresh bytes with a copy of @size bytes from @from; borrowed until @msg has been served.
 * errors: no bytes (size 0) when memory is out. thread: in a handler. */
weft_bytes weft_bytes_copy(weft_msg *msg, const void *from, size_t size);

/** Fresh bytes as printf writes them; otherwise as weft_bytes_copy. */
weft_bytes weft_bytes_printf(weft_msg *msg, const char *format, ...) WEFT_PRINTF(2, 3);

/** Fresh bytes to be filled by the caller: @to gets where. They are kept: the caller drops them.
 * errors: ENOMEM. thread: in a handler. */
WEFT_MUST_USE weft_err weft_bytes_new(size_t size, uint8_t **to, weft_bytes *out);

/** Takes a share of @bytes so that they outlive the handler. A slice much smaller than its buffer is
 * copied out instead, so that ten bytes never pin 64 KiB. The holder @self is recorded: a source that
 * stands still because of it is reported with that name.
 * owns: the result; weft_bytes_drop gives it back. errors: size 0 when memory is out.
 * thread: in a handler. */
WEFT_MUST_USE weft_bytes weft_bytes_keep(weft_actor *self, weft_bytes bytes);

/** Gives kept bytes back and sets @bytes to none. Takes no bytes calmly. thread: in a handler. */
void weft_bytes_drop(weft_bytes *bytes);

/** An account of @bytes_max bytes, named for logs. It lives until weft_account_close.
 * errors: NULL when memory is out. thread: in a handler; it belongs to that reactor. */
WEFT_MUST_USE weft_account *weft_account_new(const char *name, size_t bytes_max);

/** Closes *@account and sets it to NULL; bytes still charged to it stay valid. thread: its reactor. */
void weft_account_close(weft_account **account);

/** The bytes charged to it now. thread: its reactor. */
size_t weft_account_held(const weft_account *account);

/** Moves kept bytes to @account, so that their source's window is free of them: what a protocol gathers
 * beyond the window (a body, a long line) it moves here. The whole buffer moves when the slice is most
 * of it and nobody else holds it; otherwise the slice is copied.
 * errors: ELIMIT beyond the account's limit, ENOMEM; @bytes are unchanged then.
 * thread: in a handler, on the account's reactor. */
WEFT_MUST_USE weft_err weft_bytes_move(weft_bytes *bytes, weft_account *account);

#ifdef __cplusplus
}
#endif
#endif

/* SPDX-License-Identifier: MIT */
/** Descriptors passed over UNIX streams, beside bytes (SCM_RIGHTS, unix(7)).
 *
 * A descriptor travels with the first byte it was written with. The other side, if it wants any
 * (weft_receive_fds), finds it in the data message that has this byte, or at the latest there: it is taken
 * with weft_take_fd, in the order in which descriptors were written. What nobody takes is closed with the
 * stream; what comes to a stream that wants none is closed by the kernel.
 *
 * Everything here is for a stream of this reactor, over a UNIX stream socket without a stage that changes
 * what is written (TLS); for others it is EUNSUPPORTED. thread: in a handler. */
#ifndef WEFT_DESCRIPTORS_H
#define WEFT_DESCRIPTORS_H

#include <weft/stream.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Writes @bytes, of which there must be some, with a duplicate of @fd beside the first of them. @fd stays the
 * caller's. errors: as weft_write; EINVAL (no bytes, no descriptor), EFULL (WEFT_FDS_QUEUED_MAX wait),
 * ELIMIT (this process has no more), EUNSUPPORTED. */
weft_err weft_write_fd(weft_actor *self, weft_ref stream, weft_bytes bytes, int fd);

/** From now on descriptors are received: at most @max (0: WEFT_FDS_QUEUED_MAX, which is also the most) wait to
 * be taken; one more closes the stream with ELIMIT. errors: EGONE, ENOMEM, EUNSUPPORTED. */
weft_err weft_receive_fds(weft_actor *self, weft_ref stream, unsigned max);

/** The next descriptor that was received, which is the caller's from now on (it closes at an exec); -1: there
 * is none. */
int weft_take_fd(weft_actor *self, weft_ref stream);

/** Descriptors that wait, in either direction of a stream. */
#define WEFT_FDS_QUEUED_MAX 64U

#ifdef __cplusplus
}
#endif
#endif

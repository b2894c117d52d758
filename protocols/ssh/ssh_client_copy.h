/* SPDX-License-Identifier: MIT */
/* A copy between two ends that speak SFTP: the host, and this machine's own server of it (sftp_server.c), which has
 * what touches the disk done by the pool. So both ways are one.
 *
 *   from ── data ──▶ ┌──────┐ ── write ──▶ to        what is read comes in pieces, several at once, and
 *        ◀── read ── │ copy │ ◀── status ──          a piece has its place until it is written
 *                    └──────┘
 */
#ifndef WF_SSH_CLIENT_COPY_H
#define WF_SSH_CLIENT_COPY_H

#include "sftp_codec.h"
#include "ssh_client.h"

typedef struct wf_ssh_copy wf_ssh_copy;

/* What is to be copied, beneath both roots. */
typedef struct wf_ssh_item {
    struct wf_ssh_item *next;
    bool folder;
    uint32_t mode, depth;
    char path[]; /* "": the roots themselves; else it begins with / */
} wf_ssh_item;

enum { WF_SFTP_HANDLE_MAX = 256, WF_SSH_PIECES = 16, WF_SSH_PIECE_BYTES = 32 << 10 };

typedef struct wf_ssh_end {
    weft_ref stream;
    uint8_t *in; /* a packet that is not whole */
    size_t in_size;
    uint32_t next_id;
    uint8_t handle[WF_SFTP_HANDLE_MAX]; /* of the file or folder that is open */
    uint32_t handle_size;
    bool up;
    bool is_here;
    const char *where; /* for people: "here", "there" */
    const char *root;
} wf_ssh_end;

/* A part of the file: asked of the one end, or given to the other. */
typedef struct wf_ssh_part {
    enum { WF_SSH_UNUSED, WF_SSH_READING, WF_SSH_WRITING } is;
    uint32_t id, length;
    uint64_t offset;
} wf_ssh_part;

/* Goes on with a reply that is not of a part. */
typedef void wf_ssh_copy_fn(weft_actor *self, wf_ssh_copy *c, wf_sftp_reply *reply);

struct wf_ssh_copy {
    weft_msg *request;
    wf_ssh_end from, to;
    weft_ssh_sftp_config here; /* of this machine's end */
    char *root, *name;         /* of this end: the folder, and what is in it */
    wf_ssh_end *asked;         /* whose reply @then waits for; NULL: nobody's */
    uint32_t asked_id;
    wf_ssh_copy_fn *then;
    wf_ssh_item *items; /* to be done, the next one first */
    wf_ssh_item *item;  /* that is being done */
    uint32_t items_count;
    char *part_path; /* of the file, until it is whole; NULL: it is written in its place */
    wf_ssh_part part[WF_SSH_PIECES];
    uint64_t next_offset, end; /* of the file; UINT64_MAX: it is not known where it ends */
    weft_ssh_copied copied;
    bool done;
};

/* ---- ssh_client_copy.c: ends and packets */

/* Ends it, with what was copied or with a failure. */
void wf_ssh_copy_over(weft_actor *self, wf_ssh_copy *c, weft_err err, const char *why);
/* Ends it because of what @end said about the item. */
void wf_ssh_copy_refused(weft_actor *self, wf_ssh_copy *c, const wf_ssh_end *end,
                         const wf_sftp_reply *reply);

/* A packet for @end, in room that is the reactor's; sent by wf_ssh_copy_send, or as the question whose reply
 * @then waits for. */
wf_sftp_out wf_ssh_copy_begin(wf_ssh_end *end, uint8_t type, uint32_t *id);
void wf_ssh_copy_send(weft_actor *self, wf_ssh_copy *c, const wf_ssh_end *end, wf_sftp_out *out);
void wf_ssh_copy_ask(weft_actor *self, wf_ssh_copy *c, wf_ssh_end *end, wf_sftp_out *out,
                     wf_ssh_copy_fn *then);
/* The path of the item at @end. */
void wf_ssh_copy_put_path(wf_sftp_out *out, const wf_ssh_copy *c, const wf_ssh_end *end);

/* ---- ssh_client_tree.c: items */

/* Both ends are up. */
void wf_ssh_copy_items(weft_actor *self, wf_ssh_copy *c);
void wf_ssh_copy_next(weft_actor *self, wf_ssh_copy *c);
void wf_ssh_copy_items_free(wf_ssh_copy *c);

/* ---- ssh_client_file.c: one file */

void wf_ssh_copy_file(weft_actor *self, wf_ssh_copy *c);
/* A reply of @end that nothing else waits for. false: nothing of a file does either. */
bool wf_ssh_copy_part(weft_actor *self, wf_ssh_copy *c, const wf_ssh_end *end,
                      const wf_sftp_reply *reply);

/* ---- ssh_client_place.c: where a file is written */

/* Beside its place or, if what @there says is in that place is to stay what it is, in it. false: memory is out. */
WEFT_MUST_USE bool wf_ssh_copy_choose_part(weft_actor *self, wf_ssh_copy *c,
                                           const wf_sftp_reply *there);
/* It is whole: puts it in its place. */
void wf_ssh_copy_place(weft_actor *self, wf_ssh_copy *c, wf_ssh_copy_fn *then);
/* Takes away what never will be. */
void wf_ssh_copy_part_done(wf_ssh_copy *c);

#endif

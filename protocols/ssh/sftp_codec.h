/* SPDX-License-Identifier: MIT */
/* Packets of SFTP version 3 (draft-ietf-secsh-filexfer-02): read without copies, written within a limit. */
#ifndef WF_SFTP_CODEC_H
#define WF_SFTP_CODEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The types of packets; section 3. */
enum {
    SFTP_UNKNOWN, /* none that there is */
    SFTP_INIT = 1,
    SFTP_VERSION = 2,
    SFTP_OPEN = 3,
    SFTP_CLOSE = 4,
    SFTP_READ = 5,
    SFTP_WRITE = 6,
    SFTP_LSTAT = 7,
    SFTP_FSTAT = 8,
    SFTP_SETSTAT = 9,
    SFTP_FSETSTAT = 10,
    SFTP_OPENDIR = 11,
    SFTP_READDIR = 12,
    SFTP_REMOVE = 13,
    SFTP_MKDIR = 14,
    SFTP_RMDIR = 15,
    SFTP_REALPATH = 16,
    SFTP_STAT = 17,
    SFTP_RENAME = 18,
    SFTP_READLINK = 19,
    SFTP_SYMLINK = 20,
    SFTP_STATUS = 101,
    SFTP_HANDLE = 102,
    SFTP_DATA = 103,
    SFTP_NAME = 104,
    SFTP_ATTRS = 105,
    SFTP_EXTENDED = 200,
};

/* Section 7. */
typedef enum wf_sftp_status {
    SFTP_OK,
    SFTP_EOF,
    SFTP_NO_SUCH_FILE,
    SFTP_PERMISSION_DENIED,
    SFTP_FAILURE,
    SFTP_BAD_MESSAGE,
    SFTP_OP_UNSUPPORTED = 8,
} wf_sftp_status;

/* Of SFTP_OPEN; section 6.3. */
enum {
    SFTP_TO_READ = 1,
    SFTP_TO_WRITE = 2,
    SFTP_TO_APPEND = 4,
    SFTP_TO_CREATE = 8,
    SFTP_TO_TRUNCATE = 16,
    SFTP_EXCLUSIVE = 32,
};

/* Which attributes there are; section 5. */
enum { SFTP_HAS_SIZE = 1, SFTP_HAS_IDS = 2, SFTP_HAS_MODE = 4, SFTP_HAS_TIMES = 8 };

typedef struct wf_sftp_attrs {
    uint32_t has, uid, gid, mode, atime, mtime;
    uint64_t size;
} wf_sftp_attrs;

/* A text or a piece of data within a packet; without a zero behind it. */
typedef struct wf_sftp_text {
    const uint8_t *at;
    uint32_t size;
} wf_sftp_text;

/* A request, as far as its type has these; everything is the packet's memory. */
typedef struct wf_sftp_request {
    uint8_t type;
    uint32_t id;       /* of SFTP_INIT: the version */
    wf_sftp_text path; /* or the handle, or the name of an extension */
    wf_sftp_text
        path2; /* of RENAME and SYMLINK, and of extensions with two; or the data of WRITE */
    uint64_t offset;
    uint32_t length; /* of READ */
    uint32_t flags;  /* of OPEN */
    wf_sftp_attrs attrs;
} wf_sftp_request;

/* How many bytes the first packet at @at has, its length included; 0: more are needed to know.
 * false: it is none, or longer than @max. */
bool wf_sftp_packet(const uint8_t *at, size_t size, size_t max, size_t *bytes);

/* ---- what a client reads: a reply, as far as its type has these; everything is the packet's memory */

typedef struct wf_sftp_reply {
    uint8_t type;
    uint32_t id;           /* of SFTP_VERSION: the version */
    wf_sftp_status status; /* of STATUS */
    wf_sftp_text text;     /* the handle, the data, what was said with a status */
    wf_sftp_attrs attrs;
    uint32_t names;          /* of NAME: how many wf_sftp_next_name has not given yet */
    const uint8_t *at, *end; /* those */
} wf_sftp_reply;

/* Reads a whole packet of @size bytes as a reply. false: it is none, or not what its type says. */
bool wf_sftp_read_reply(const uint8_t *at, size_t size, wf_sftp_reply *out);
/* The next name of @reply. false: it is not there, although reply->names said so. */
bool wf_sftp_next_name(wf_sftp_reply *reply, wf_sftp_text *name, wf_sftp_attrs *attrs);

/* ---- what a server reads */

/* Reads a whole packet of @size bytes. false: it is not what its type says, or has attributes that are not known;
 * @out's type and id are right if the packet has them. Of a type that is not known nothing else is read. */
bool wf_sftp_read(const uint8_t *at, size_t size, wf_sftp_request *out);

/* ---- writing. A packet that has no room is taken back and remembered: @short */

typedef struct wf_sftp_out {
    uint8_t *at;
    size_t size, max;
    size_t begun; /* where the packet that is written begins */
    bool is_short;
    bool earlier; /* of version 2 and before: a status has no texts; section 10.1 */
} wf_sftp_out;

void wf_sftp_begin(wf_sftp_out *out, uint8_t type, uint32_t id);
void wf_sftp_put32(wf_sftp_out *out, uint32_t value);
void wf_sftp_put64(wf_sftp_out *out, uint64_t value);
void wf_sftp_put_text(wf_sftp_out *out, const void *at, size_t size);
void wf_sftp_put_attrs(wf_sftp_out *out, const wf_sftp_attrs *attrs);
/* Room for @size bytes of a text that the caller fills in, of which wf_sftp_cut then says how many there are.
 * errors: NULL. */
uint8_t *wf_sftp_reserve(wf_sftp_out *out, size_t size);
void wf_sftp_cut(wf_sftp_out *out, size_t reserved, size_t used);
/* false: there was no room, and the packet is not there. */
bool wf_sftp_end(wf_sftp_out *out);

/* A whole status packet. */
bool wf_sftp_put_status(wf_sftp_out *out, uint32_t id, wf_sftp_status status, const char *text);

#endif

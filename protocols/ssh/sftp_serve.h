/* SPDX-License-Identifier: MIT */
/* Serving requests of SFTP: a root, open handles, and packets in and out. It blocks, so it is for threads of the
 * pool; it knows no actor. One thread at a time. */
#ifndef WF_SFTP_SERVE_H
#define WF_SFTP_SERVE_H

#include <dirent.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "sftp_codec.h"

typedef struct wf_sftp_handle {
    int fd;   /* -1: unused */
    DIR *dir; /* of a folder; its descriptor is @fd */
    uint32_t gen;
    bool append;
    bool top; /* it is the root, which has nothing above it */
} wf_sftp_handle;

typedef struct wf_sftp {
    int root;
    bool read_only;
    bool own;     /* what it makes is the peer's: else the peer is not who runs the program */
    bool begun;   /* SFTP_INIT came */
    bool earlier; /* and said version 2, or one before */
    uint32_t handles_max;
    wf_sftp_handle *handles;
} wf_sftp;

/* A reply has so many bytes at most, and this much room is needed to begin one. */
enum { WF_SFTP_REPLY_MAX = 256 << 10, WF_SFTP_DATA_MAX = 255 << 10, WF_SFTP_LIST_MAX = 34 << 10 };

/* Serves one whole packet, and writes its reply. false: it breaks the protocol (nothing can follow), or its
 * reply has no room in @out (out->is_short; it was not served). */
bool wf_sftp_serve(wf_sftp *s, const uint8_t *packet, size_t size, wf_sftp_out *out);
/* Closes what is open. */
void wf_sftp_done(wf_sftp *s);

/* The mode of what @r makes, before the program's mask: without the bits that it may not set. */
mode_t wf_sftp_mode(const wf_sftp *s, const wf_sftp_request *r, mode_t otherwise);

/* sftp_files.c: what is done to files. Each writes a whole reply. */
void wf_sftp_files(wf_sftp *s, const wf_sftp_request *r, wf_sftp_out *out);
/* Sets what @attrs has, of an open file; all but the size also of one that is open by its path alone. Gives 0, or the
 * error of the system: EPERM for set-user-ID and set-group-ID of what would not be the peer's own. */
int wf_sftp_set_attrs(const wf_sftp *s, int fd, const wf_sftp_attrs *attrs);
/* The status of the error @e of the system. */
void wf_sftp_fail(wf_sftp_out *out, uint32_t id, int e);

/* sftp_list.c: what the peer sees of a file; and the next names of a folder, or its end, as a whole reply of at most
 * WF_SFTP_LIST_MAX bytes. */
void wf_sftp_attrs_of(const struct stat *st, wf_sftp_attrs *to);
void wf_sftp_list(const wf_sftp_handle *h, uint32_t id, wf_sftp_out *out);

#endif

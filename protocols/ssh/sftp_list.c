/* SPDX-License-Identifier: MIT */
/* What a peer sees of files: their attributes, and the names of a folder, as many at once as a reply has. */
#include "sftp_serve.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { NAME_ROOM = 2 << 10, NAMES_BYTES = WF_SFTP_LIST_MAX - NAME_ROOM };

void wf_sftp_attrs_of(const struct stat *st, wf_sftp_attrs *to)
{
    *to = (wf_sftp_attrs){
        .has = SFTP_HAS_SIZE | SFTP_HAS_IDS | SFTP_HAS_MODE | SFTP_HAS_TIMES,
        .uid = st->st_uid,
        .gid = st->st_gid,
        .mode = st->st_mode,
        .atime = (uint32_t)st->st_atim.tv_sec,
        .mtime = (uint32_t)st->st_mtim.tv_sec,
        .size = (uint64_t)st->st_size,
    };
}

/* A line as `ls -l` has it, which clients show as it is; section 7 has the widths. */
static int long_name(const struct stat *st, const char *name, char *to, size_t bytes)
{
    static const char letters[] = "rwxrwxrwx", kinds[] = "?pc?d?b?-?l?s???";
    char mode[11], when[32];
    struct tm tm;
    mode[0] = kinds[(st->st_mode & S_IFMT) >> 12];
    for (int i = 0; i < 9; i++)
        mode[i + 1] = (st->st_mode >> (8 - i) & 1) != 0 ? letters[i] : '-';
    mode[10] = '\0';
    if (gmtime_r(&st->st_mtim.tv_sec, &tm) == NULL ||
        strftime(when, sizeof when, "%b %e  %Y", &tm) == 0)
        when[0] = '\0';
    int n = snprintf(to, bytes, "%s %3lu %-8u %-8u %8lld %s %s", mode, (unsigned long)st->st_nlink,
                     st->st_uid, st->st_gid, (long long)st->st_size, when, name);
    return n < 0 ? 0 : n < (int)bytes ? n : (int)bytes - 1;
}

static void put_name(wf_sftp_out *out, const wf_sftp_handle *folder, const char *name)
{
    bool above = folder->top && strcmp(name, "..") == 0;
    struct stat st;
    wf_sftp_attrs attrs = {0};
    char line[NAME_MAX + 128];
    int n = 0;
    if (fstatat(folder->fd, above ? "." : name, &st, AT_SYMLINK_NOFOLLOW) == 0) {
        wf_sftp_attrs_of(&st, &attrs);
        n = long_name(&st, name, line, sizeof line);
    }
    wf_sftp_put_text(out, name, strlen(name));
    wf_sftp_put_text(out, line, (size_t)n);
    wf_sftp_put_attrs(out, &attrs);
}

void wf_sftp_list(const wf_sftp_handle *h, uint32_t id, wf_sftp_out *out)
{
    uint32_t count = 0;
    size_t at, first;
    const struct dirent *entry;
    wf_sftp_begin(out, SFTP_NAME, id);
    at = out->size;
    wf_sftp_put32(out, 0);
    first = out->size;
    errno = 0;
    /* less than there is room for, so that the last name fits */
    while (out->size - first < NAMES_BYTES && (entry = readdir(h->dir)) != NULL) {
        put_name(out, h, entry->d_name);
        count++;
    }
    int e = count == 0 ? errno : 0;
    if (count == 0) {
        out->size = out->begun;
        if (e != 0)
            wf_sftp_fail(out, id, e);
        else
            (void)wf_sftp_put_status(out, id, SFTP_EOF, "no more names");
        return;
    }
    size_t end = out->size;
    out->size = at;
    wf_sftp_put32(out, count);
    out->size = end;
    (void)wf_sftp_end(out);
}

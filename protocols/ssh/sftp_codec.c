/* SPDX-License-Identifier: MIT */
/* Packets of SFTP version 3. A cursor that ran short stays short, so that reading is straight lines. */
#include "sftp_codec.h"

#include <string.h>

enum { LENGTH_BYTES = 4, HEAD_BYTES = 5 };

#define HAS_MORE 0x80000000U /* section 5: SSH_FILEXFER_ATTR_EXTENDED */

typedef struct cursor {
    const uint8_t *at, *end;
    bool is_short;
} cursor;

static bool has(cursor *c, size_t n)
{
    if ((size_t)(c->end - c->at) < n)
        c->is_short = true;
    return !c->is_short;
}

static uint32_t get32(cursor *c)
{
    if (!has(c, 4))
        return 0;
    uint32_t v = (uint32_t)c->at[0] << 24 | (uint32_t)c->at[1] << 16 | (uint32_t)c->at[2] << 8 |
                 (uint32_t)c->at[3];
    c->at += 4;
    return v;
}

static uint64_t get64(cursor *c)
{
    uint64_t high = get32(c);
    return high << 32 | get32(c);
}

static wf_sftp_text get_text(cursor *c)
{
    uint32_t n = get32(c);
    if (!has(c, n))
        return (wf_sftp_text){NULL, 0};
    wf_sftp_text text = {c->at, n};
    c->at += n;
    return text;
}

static wf_sftp_attrs get_attrs(cursor *c)
{
    wf_sftp_attrs a = {.has = get32(c)};
    if ((a.has & SFTP_HAS_SIZE) != 0)
        a.size = get64(c);
    if ((a.has & SFTP_HAS_IDS) != 0) {
        a.uid = get32(c);
        a.gid = get32(c);
    }
    if ((a.has & SFTP_HAS_MODE) != 0)
        a.mode = get32(c);
    if ((a.has & SFTP_HAS_TIMES) != 0) {
        a.atime = get32(c);
        a.mtime = get32(c);
    }
    /* further ones, by pairs of texts, are not looked at */
    if ((a.has & HAS_MORE) != 0)
        for (uint32_t n = get32(c); n != 0 && !c->is_short; n--) {
            (void)get_text(c);
            (void)get_text(c);
        }
    return a;
}

/* Section 5: bits that are not known are an error of the protocol. What they say would stand before what follows. */
static wf_sftp_attrs get_known_attrs(cursor *c)
{
    wf_sftp_attrs a = get_attrs(c);
    if ((a.has & ~(HAS_MORE | SFTP_HAS_SIZE | SFTP_HAS_IDS | SFTP_HAS_MODE | SFTP_HAS_TIMES)) != 0)
        c->is_short = true;
    return a;
}

bool wf_sftp_packet(const uint8_t *at, size_t size, size_t max, size_t *bytes)
{
    cursor c = {at, at + size, false};
    *bytes = 0;
    uint32_t n = get32(&c);
    if (c.is_short)
        return true;
    if (n < HEAD_BYTES || n > max - LENGTH_BYTES)
        return false;
    *bytes = (size_t)n + LENGTH_BYTES;
    return true;
}

bool wf_sftp_read_reply(const uint8_t *at, size_t size, wf_sftp_reply *out)
{
    cursor c = {at + LENGTH_BYTES, at + size, false};
    memset(out, 0, sizeof *out);
    if (size < LENGTH_BYTES + HEAD_BYTES)
        return false;
    out->type = *c.at++;
    out->id = get32(&c);
    switch (out->type) {
    case SFTP_VERSION:
        break;
    case SFTP_STATUS:
        out->status = (wf_sftp_status)get32(&c);
        /* servers of version 2 and before say nothing with it */
        if (c.at < c.end)
            out->text = get_text(&c);
        break;
    case SFTP_HANDLE:
    case SFTP_DATA:
        out->text = get_text(&c);
        break;
    case SFTP_NAME:
        out->names = get32(&c);
        out->at = c.at;
        out->end = c.end;
        break;
    case SFTP_ATTRS:
        out->attrs = get_attrs(&c);
        break;
    default:
        return false;
    }
    return !c.is_short;
}

bool wf_sftp_next_name(wf_sftp_reply *reply, wf_sftp_text *name, wf_sftp_attrs *attrs)
{
    cursor c = {reply->at, reply->end, reply->names == 0};
    *name = get_text(&c);
    (void)get_text(&c); /* the line for people */
    *attrs = get_attrs(&c);
    if (c.is_short)
        return false;
    reply->at = c.at;
    reply->names--;
    return true;
}

static void read_extended(cursor *c, wf_sftp_request *out)
{
    static const char two[] = "posix-rename@openssh.com", link[] = "hardlink@openssh.com";
    out->path = get_text(c);
    bool is_rename =
        out->path.size == sizeof two - 1 && memcmp(out->path.at, two, sizeof two - 1) == 0;
    bool is_link =
        out->path.size == sizeof link - 1 && memcmp(out->path.at, link, sizeof link - 1) == 0;
    if (!is_rename && !is_link)
        return;
    out->type = is_rename ? SFTP_RENAME : SFTP_EXTENDED;
    out->flags = is_rename ? 1 : 2; /* what is there is replaced; a link */
    out->path = get_text(c);
    out->path2 = get_text(c);
}

bool wf_sftp_read(const uint8_t *at, size_t size, wf_sftp_request *out)
{
    cursor c = {at + LENGTH_BYTES, at + size, false};
    memset(out, 0, sizeof *out);
    if (size < LENGTH_BYTES + HEAD_BYTES)
        return false;
    out->type = *c.at++;
    out->id = get32(&c);
    switch (out->type) {
    case SFTP_INIT:
        break;
    case SFTP_OPEN:
        out->path = get_text(&c);
        out->flags = get32(&c);
        out->attrs = get_known_attrs(&c);
        break;
    case SFTP_READ:
        out->path = get_text(&c);
        out->offset = get64(&c);
        out->length = get32(&c);
        break;
    case SFTP_WRITE:
        out->path = get_text(&c);
        out->offset = get64(&c);
        out->path2 = get_text(&c);
        break;
    case SFTP_SETSTAT:
    case SFTP_FSETSTAT:
    case SFTP_MKDIR:
        out->path = get_text(&c);
        out->attrs = get_known_attrs(&c);
        break;
    case SFTP_RENAME:
    case SFTP_SYMLINK:
        out->path = get_text(&c);
        out->path2 = get_text(&c);
        break;
    case SFTP_EXTENDED:
        read_extended(&c, out);
        break;
    case SFTP_CLOSE:
    case SFTP_LSTAT:
    case SFTP_FSTAT:
    case SFTP_OPENDIR:
    case SFTP_READDIR:
    case SFTP_REMOVE:
    case SFTP_RMDIR:
    case SFTP_REALPATH:
    case SFTP_STAT:
    case SFTP_READLINK:
        out->path = get_text(&c);
        break;
    default: /* nobody knows what it has */
        break;
    }
    return !c.is_short;
}

/* ---- writing */

static bool room(wf_sftp_out *out, size_t n)
{
    if (out->max - out->size < n)
        out->is_short = true;
    return !out->is_short;
}

static void store32(uint8_t *to, uint32_t v)
{
    to[0] = (uint8_t)(v >> 24);
    to[1] = (uint8_t)(v >> 16);
    to[2] = (uint8_t)(v >> 8);
    to[3] = (uint8_t)v;
}

void wf_sftp_put32(wf_sftp_out *out, uint32_t value)
{
    if (!room(out, 4))
        return;
    store32(out->at + out->size, value);
    out->size += 4;
}

void wf_sftp_put64(wf_sftp_out *out, uint64_t value)
{
    wf_sftp_put32(out, (uint32_t)(value >> 32));
    wf_sftp_put32(out, (uint32_t)value);
}

void wf_sftp_begin(wf_sftp_out *out, uint8_t type, uint32_t id)
{
    out->begun = out->size;
    out->is_short = false;
    wf_sftp_put32(out, 0);
    if (!room(out, 1))
        return;
    out->at[out->size++] = type;
    wf_sftp_put32(out, id);
}

void wf_sftp_put_text(wf_sftp_out *out, const void *at, size_t size)
{
    wf_sftp_put32(out, (uint32_t)size);
    if (!room(out, size) || size == 0)
        return;
    memcpy(out->at + out->size, at, size);
    out->size += size;
}

void wf_sftp_put_attrs(wf_sftp_out *out, const wf_sftp_attrs *a)
{
    wf_sftp_put32(out, a->has);
    if ((a->has & SFTP_HAS_SIZE) != 0)
        wf_sftp_put64(out, a->size);
    if ((a->has & SFTP_HAS_IDS) != 0) {
        wf_sftp_put32(out, a->uid);
        wf_sftp_put32(out, a->gid);
    }
    if ((a->has & SFTP_HAS_MODE) != 0)
        wf_sftp_put32(out, a->mode);
    if ((a->has & SFTP_HAS_TIMES) != 0) {
        wf_sftp_put32(out, a->atime);
        wf_sftp_put32(out, a->mtime);
    }
}

uint8_t *wf_sftp_reserve(wf_sftp_out *out, size_t size)
{
    wf_sftp_put32(out, 0);
    if (!room(out, size))
        return NULL;
    out->size += size;
    return out->at + out->size - size;
}

void wf_sftp_cut(wf_sftp_out *out, size_t reserved, size_t used)
{
    store32(out->at + out->size - reserved - 4, (uint32_t)used);
    out->size -= reserved - used;
}

bool wf_sftp_end(wf_sftp_out *out)
{
    if (out->is_short) {
        out->size = out->begun;
        return false;
    }
    store32(out->at + out->begun, (uint32_t)(out->size - out->begun - 4));
    return true;
}

bool wf_sftp_put_status(wf_sftp_out *out, uint32_t id, wf_sftp_status status, const char *text)
{
    wf_sftp_begin(out, SFTP_STATUS, id);
    wf_sftp_put32(out, status);
    if (!out->earlier) {
        wf_sftp_put_text(out, text, strlen(text));
        wf_sftp_put_text(out, "", 0);
    }
    return wf_sftp_end(out);
}

/* SPDX-License-Identifier: MIT */
/* The leaf of simulated links: reads and writes as a descriptor's, out of and into chunks. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <weft/testing.h>

#include "wire.h"

enum { WRITE_BYTES_MAX = 64 << 10 };

/* Copies up to @max bytes that are here, which stay. */
static size_t peek(const wire_end *e, uint8_t *to, size_t max)
{
    size_t n = 0;
    for (const wire_chunk *chunk = e->here.first; chunk != NULL && n < max; chunk = chunk->next) {
        size_t part = chunk->size - chunk->at;
        part = part < max - n ? part : max - n;
        memcpy(to + n, chunk->data + chunk->at, part);
        n += part;
    }
    return n;
}

static weft_err sim_read(conn *c, weft_bytes *out, weft_why *why)
{
    wire_end *e = wf_wire_end_of(c), *peer = wire_peer(e);
    struct weft_sim *sim = e->link->sim;
    if (e->here.first == NULL) {
        if (e->lost)
            return weft_because(why, WEFT_ELOST, "the simulated link was lost");
        return e->ended ? WEFT_EDONE : WEFT_EFULL;
    }
    uint8_t *block = weft_read_block();
    if (block == NULL)
        return WEFT_ENOMEM;
    size_t n = peek(e, block, conn_read_max(c));
    if (n > 1 && weft_sim_chance(sim, weft_sim_faults_of(sim)->short_read)) {
        n = 1 + weft_sim_below(sim, (uint32_t)n - 1);
        wf_wire_note(e->link, "fault: a read gives %zu bytes", n);
    }
    weft_err err = weft_read_bytes(n, &c->window, out);
    if (err != WEFT_OK)
        return err;
    wf_wire_took(e, n);
    /* the peer sees the room as late as it would see an acknowledgement */
    wf_wire_look(peer, e->link->latency_ms);
    return WEFT_OK;
}

/* The bytes of @item from the beginning of @to on; at most @max. errors: as write. */
static weft_err copy_item(const conn_item *item, uint8_t *to, size_t max, weft_why *why)
{
    if (item->file == NULL) {
        memcpy(to, item->bytes.at, max);
        return WEFT_OK;
    }
    for (size_t done = 0; done < max;) {
        ssize_t n =
            pread(weft_file_fd(item->file), to + done, max - done, (off_t)(item->offset + done));
        if (n < 0 && errno != EINTR)
            return weft_because(why, weft_err_from_errno(errno), "pread: %s", strerror(errno));
        if (n == 0)
            return weft_because(why, WEFT_ETRUNCATED,
                                "the file being sent became %zu bytes shorter",
                                item->bytes.size - done);
        done += n > 0 ? (size_t)n : 0;
    }
    return WEFT_OK;
}

static weft_err fill(wire_chunk *chunk, const conn_item *items, unsigned n, weft_why *why)
{
    size_t at = 0;
    for (unsigned i = 0; i < n && at < chunk->size; i++) {
        size_t part =
            items[i].bytes.size < chunk->size - at ? items[i].bytes.size : chunk->size - at;
        weft_err err = copy_item(&items[i], chunk->data + at, part, why);
        if (err != WEFT_OK)
            return err;
        at += part;
    }
    return WEFT_OK;
}

static weft_err sim_write(conn *c, const conn_item *items, unsigned n, size_t *sent, weft_why *why)
{
    wire_end *e = wf_wire_end_of(c), *peer = wire_peer(e);
    struct weft_sim *sim = e->link->sim;
    size_t total = 0, size;
    *sent = 0;
    if (e->lost)
        return weft_because(why, WEFT_ELOST, "the simulated link was lost");
    for (unsigned i = 0; i < n; i++)
        total += items[i].bytes.size;
    size = wf_wire_room(peer);
    size = size < WRITE_BYTES_MAX ? size : WRITE_BYTES_MAX;
    size = size < total ? size : total;
    if (size != 0 && weft_sim_chance(sim, weft_sim_faults_of(sim)->short_write)) {
        size = weft_sim_below(sim, (uint32_t)size);
        wf_wire_note(e->link, "fault: a write takes %zu bytes", size);
    }
    if (size != 0) {
        wire_chunk *chunk = wf_wire_chunk_new(WIRE_BYTES, size);
        if (chunk == NULL)
            return weft_because(why, WEFT_ENOMEM, "no memory for simulated bytes");
        weft_err err = fill(chunk, items, n, why);
        if (err != WEFT_OK) {
            wf_wire_chunk_free(chunk);
            return err;
        }
        wf_wire_send(peer, chunk);
    }
    *sent = size;
    return size < total ? WEFT_EFULL : WEFT_OK;
}

static void sim_want(conn *c, unsigned events)
{
    wire_end *e = wf_wire_end_of(c);
    e->want = events;
    wf_wire_look(e, 0);
}

static void sim_end(conn *c)
{
    wf_wire_send_kind(wire_peer(wf_wire_end_of(c)), WIRE_END);
}

/* As the kernel does it: bytes that nobody read make the end a reset. */
static void sim_close(conn *c, bool abort)
{
    wire_end *e = wf_wire_end_of(c);
    if (!e->lost)
        wf_wire_send_kind(wire_peer(e), abort || e->here.first != NULL ? WIRE_RESET : WIRE_END);
    wf_wire_close(e);
}

static void sim_addresses(conn *c, weft_address *local, weft_address *peer)
{
    wire_end *e = wf_wire_end_of(c);
    *local = e->address;
    *peer = wire_peer(e)->address;
}

static weft_err sim_nodelay(conn *c, bool on)
{
    (void)c, (void)on;
    return WEFT_OK;
}

static bool sim_unread(conn *c)
{
    return wf_wire_end_of(c)->here.first != NULL;
}

const conn_leaf wf_conn_leaf_sim = {
    .name = "sim",
    .read = sim_read,
    .write = sim_write,
    .want = sim_want,
    .end = sim_end,
    .close = sim_close,
    .addresses = sim_addresses,
    .nodelay = sim_nodelay,
    .unread = sim_unread,
    .copies = true,
};

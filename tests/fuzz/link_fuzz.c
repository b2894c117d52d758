/* SPDX-License-Identifier: MIT */
/* Any bytes as what a peer sends over a link: whole and cut they give the same frames and the same end; what
 * is read of a frame lies within it, and is written back as it came; and a session that is given them behind a
 * hello calls for the same records, whole and cut. The first 8 bytes choose how it is cut. */
#include <stdlib.h>
#include <string.h>

#include "link_session.h"

enum { CHOICE_BYTES = 8, BYTES_MAX = 1 << 16 };

/* What was read: how many frames of how many bytes, and the end. */
typedef struct heard {
    size_t frames;
    uint64_t sum;
    weft_err err;
} heard;

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void check_records(const link_frame *f)
{
    const uint8_t *at = f->body;
    size_t n = f->bytes;
    link_record r;
    weft_why why;
    while (wf_link_read_record(&at, &n, &r, &why) == WEFT_OK) {
        size_t bytes = wf_link_record_bytes(&r);
        must(r.bytes == 0 || (r.payload >= f->body && r.payload + r.bytes <= f->body + f->bytes));
        uint8_t *again = malloc(bytes);
        link_record back;
        const uint8_t *from = again;
        if (again == NULL)
            return;
        wf_link_write_record(again, &r);
        must(wf_link_read_record(&from, &bytes, &back, &why) == WEFT_OK && bytes == 0);
        must(back.dst == r.dst && back.src == r.src && back.req == r.req && back.bytes == r.bytes);
        free(again);
    }
}

static void check_atoms(const link_frame *f)
{
    const uint8_t *at = f->body;
    size_t n = f->bytes;
    link_atom a;
    weft_why why;
    while (wf_link_read_atom(&at, &n, &a, &why) == WEFT_OK)
        must(a.id != 0 && a.bytes <= LINK_ATOM_BYTES_MAX && memchr(a.text, 0, a.bytes) == NULL);
}

/* A visitor's says nothing; any other names a node, and fits. */
static void check_hello(link_frame f)
{
    link_hello hello;
    weft_why why = {""};
    f.seq = 1;
    if (wf_link_read_hello(&f, &hello, &why) != WEFT_OK) {
        must(why.text[0] != '\0');
        return;
    }
    must(memchr(hello.node, 0, sizeof hello.node) != NULL);
    must(memchr(hello.cluster, 0, sizeof hello.cluster) != NULL);
    must(hello.life == 0 ? hello.node[0] == '\0' && hello.features == 0 : hello.node[0] != '\0');
}

static void check_frame(const link_frame *f)
{
    link_chunk chunk;
    link_pair pair;
    link_goodbye bye;
    weft_why why;
    switch (f->kind) {
    case LINK_HELLO:
        check_hello(*f);
        break;
    case LINK_MAIL:
        check_records(f);
        break;
    case LINK_ATOMS:
        check_atoms(f);
        break;
    case LINK_CHUNK:
        if (wf_link_read_chunk(f, &chunk, &why) == WEFT_OK)
            must(chunk.bytes <= chunk.total && chunk.offset <= chunk.total - chunk.bytes);
        break;
    case LINK_BYE:
        if (wf_link_read_goodbye(f, &bye, &why) == WEFT_OK)
            must(memchr(bye.why, 0, sizeof bye.why) != NULL);
        break;
    default:
        (void)!wf_link_read_pair(f, &pair, &why);
        break;
    }
}

/* One piece, in a block of exactly its size, so that reading too far is found. */
static weft_err feed_piece(link_reader *reader, const uint8_t *data, size_t n, heard *h)
{
    uint8_t *block = malloc(n != 0 ? n : 1);
    const uint8_t *at = block;
    weft_why why = {""};
    link_frame f;
    weft_err err;
    if (block == NULL)
        return WEFT_ENOMEM;
    if (n != 0)
        memcpy(block, data, n);
    while ((err = wf_link_read(reader, &at, &n, &f, &why)) == WEFT_OK) {
        h->frames++;
        h->sum = h->sum * 31 + f.seq + f.bytes + f.kind;
        check_frame(&f);
    }
    must(err == WEFT_EFULL ? n == 0 : why.text[0] != '\0');
    free(block);
    return err;
}

static heard feed(const uint8_t *data, size_t n, const uint8_t *cuts)
{
    heard h = {.err = WEFT_EFULL};
    link_reader reader = {.bytes_max = BYTES_MAX};
    for (size_t at = 0, step = 0; at < n && h.err == WEFT_EFULL; step++) {
        size_t piece = cuts != NULL ? 1 + (size_t)cuts[step % CHOICE_BYTES] : n;
        piece = piece < n - at ? piece : n - at;
        h.err = feed_piece(&reader, data + at, piece, &h);
        at += piece;
    }
    wf_link_reader_done(&reader);
    return h;
}

/* ---- as a session hears it */

static weft_err on_hello(link_session *s, const link_hello *hello, link_bye *bye, weft_why *why)
{
    (void)s, (void)hello, (void)bye, (void)why;
    return WEFT_OK;
}

static void on_up(link_session *s)
{
    ((heard *)s->context)->frames++;
}

static void on_record(link_session *s, const link_record *r)
{
    heard *h = s->context;
    h->sum =
        h->sum * 31 + r->dst + r->req + r->bytes + (r->bytes != 0 ? r->payload[r->bytes - 1] : 0);
}

static weft_err on_atom(link_session *s, const link_atom *atom, weft_why *why)
{
    heard *h = s->context;
    (void)why;
    h->sum = h->sum * 31 + atom->id + atom->bytes;
    return WEFT_OK;
}

static const link_session_ops ops = {
    .hello = on_hello, .up = on_up, .record = on_record, .atom = on_atom, .credit = on_up};

/* The frames are numbered here: few bytes of chance are, and a session looks at nothing else of them then. */
static heard converse(const uint8_t *data, size_t n, const uint8_t *cuts)
{
    heard h = {.err = WEFT_OK};
    link_session *s = malloc(sizeof *s);
    link_hello me = {.node = "a", .life = 1, .attempt = 1};
    link_hello peer = {.node = "b", .life = 1, .frame_bytes_max = 1 << 16, .credit_bytes = 1 << 16};
    if (s == NULL)
        return h;
    wf_session_init(s, &ops, &h, &(link_limits){.credit_bytes = 4096}, &me, false, 0);
    must(wf_session_accept(s, &peer) == WEFT_OK);
    for (size_t at = 0, step = 0; at < n && h.err == WEFT_OK; step++) {
        size_t piece = cuts != NULL ? 1 + (size_t)cuts[step % CHOICE_BYTES] : n;
        piece = piece < n - at ? piece : n - at;
        h.err = wf_session_data(s, data + at, piece, 5);
        at += piece;
    }
    must((h.err == WEFT_OK) == (s->state != LINK_OVER));
    wf_session_done(s);
    free(s);
    return h;
}

/* A copy of @data in which every frame has the number that a session expects. */
static uint8_t *numbered(const uint8_t *data, size_t n)
{
    uint8_t *copy = malloc(n + 1);
    if (copy == NULL)
        return NULL;
    memcpy(copy, data, n);
    uint64_t seq = 2;
    for (size_t at = 0; n - at >= LINK_HEAD_BYTES; seq++) {
        uint32_t bytes = (uint32_t)copy[at] | (uint32_t)copy[at + 1] << 8 |
                         (uint32_t)copy[at + 2] << 16 | (uint32_t)copy[at + 3] << 24;
        for (unsigned i = 0; i < 8; i++)
            copy[at + 8 + i] = (uint8_t)(seq >> (8 * i));
        if (bytes > n - at - LINK_HEAD_BYTES)
            break;
        at += LINK_HEAD_BYTES + bytes;
    }
    return copy;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < CHOICE_BYTES)
        return 0;
    heard whole = feed(data + CHOICE_BYTES, size - CHOICE_BYTES, NULL);
    heard cut = feed(data + CHOICE_BYTES, size - CHOICE_BYTES, data);
    must(whole.frames == cut.frames && whole.sum == cut.sum && whole.err == cut.err);
    uint8_t *copy = numbered(data + CHOICE_BYTES, size - CHOICE_BYTES);
    if (copy == NULL)
        return 0;
    whole = converse(copy, size - CHOICE_BYTES, NULL);
    cut = converse(copy, size - CHOICE_BYTES, data);
    must(whole.sum == cut.sum && whole.err == cut.err && whole.frames == cut.frames);
    free(copy);
    return 0;
}

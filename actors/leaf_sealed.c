/* SPDX-License-Identifier: MIT */
/* The leaf of sockets whose records of TLS the kernel seals: descriptors, to which a record that is no data is
 * given with its type beside it, and whose records are counted. */
#include "leaf_sealed.h"

#include <errno.h>
#include <linux/tls.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "meter.h"

enum { RECORD_BYTES = 1 << 14 };

int (*wf_seal_set)(int fd, int level, int name, const void *value, unsigned size) = setsockopt;

/* RFC 8446 section 5.5 allows 2^24.5 of AES-GCM. */
uint64_t wf_seal_records_max = UINT64_C(1) << 24;

/* ---- what the kernel has */

/* Relaxed: each is a fact by itself, and who sees it late finds out the same. */
static _Atomic int offered;           /* 0: was not asked; 1: yes; else the negative errno */
static _Atomic unsigned refused_bits; /* of wf_seal_cipher */

static int begin_tls(int fd)
{
    return wf_seal_set(fd, IPPROTO_TCP, TCP_ULP, "tls", sizeof "tls") == 0 ? 0 : errno;
}

/* A socket that is not connected cannot have it, which is said only where there is one. */
static int probe(void)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return errno;
    int err = begin_tls(fd);
    (void)close(fd);
    return err == ENOTCONN ? 0 : err;
}

weft_err wf_seal_offered(weft_why *why)
{
    int known = atomic_load_explicit(&offered, memory_order_relaxed);
    if (known == 0) {
        int err = probe();
        known = err == 0 ? 1 : -err;
        /* descriptors or memory that were out say nothing of the kernel */
        if (err == 0 || err == ENOENT || err == ENOPROTOOPT)
            atomic_store_explicit(&offered, known, memory_order_relaxed);
    }
    return known == 1 ? WEFT_OK
                      : weft_because(why, WEFT_EUNSUPPORTED,
                                     "the kernel seals no records of TLS (%s): expected its module "
                                     "\"tls\"",
                                     strerror(-known));
}

void wf_seal_forget(void)
{
    atomic_store_explicit(&offered, 0, memory_order_relaxed);
    atomic_store_explicit(&refused_bits, 0, memory_order_relaxed);
}

/* ---- beginning */

bool wf_seal_can(const conn *c)
{
    return wf_meter_inner(c) == &wf_conn_leaf_fd;
}

static uint64_t records_left(const wf_seal_key *key)
{
    if (key->cipher == WF_SEAL_CHACHA20_POLY1305)
        return UINT64_MAX; /* numbers are out before records are too many */
    return key->number < wf_seal_records_max ? wf_seal_records_max - key->number : 0;
}

bool wf_seal_has_room(const wf_seal_key *key, uint64_t bytes)
{
    /* half of it: what leaves in parts takes more records than it is long */
    return bytes / RECORD_BYTES < records_left(key) / 2;
}

static void write_number(uint64_t number, unsigned char to[8])
{
    for (int i = 0; i < 8; i++)
        to[i] = (unsigned char)(number >> (56 - 8 * i));
}

typedef union crypto_info {
    struct tls_crypto_info info;
    struct tls12_crypto_info_aes_gcm_128 aes128;
    struct tls12_crypto_info_aes_gcm_256 aes256;
    struct tls12_crypto_info_chacha20_poly1305 chacha;
} crypto_info;

/* What it takes @key as: in TLS 1.3 the salt is the front of the static nonce. */
static socklen_t describe(const wf_seal_key *key, crypto_info *out)
{
    *out = (crypto_info){.info = {.version = TLS_1_3_VERSION}};
    switch (key->cipher) {
    case WF_SEAL_AES_128_GCM:
        out->info.cipher_type = TLS_CIPHER_AES_GCM_128;
        memcpy(out->aes128.key, key->key, sizeof out->aes128.key);
        memcpy(out->aes128.salt, key->iv, sizeof out->aes128.salt);
        memcpy(out->aes128.iv, key->iv + sizeof out->aes128.salt, sizeof out->aes128.iv);
        write_number(key->number, out->aes128.rec_seq);
        return sizeof out->aes128;
    case WF_SEAL_AES_256_GCM:
        out->info.cipher_type = TLS_CIPHER_AES_GCM_256;
        memcpy(out->aes256.key, key->key, sizeof out->aes256.key);
        memcpy(out->aes256.salt, key->iv, sizeof out->aes256.salt);
        memcpy(out->aes256.iv, key->iv + sizeof out->aes256.salt, sizeof out->aes256.iv);
        write_number(key->number, out->aes256.rec_seq);
        return sizeof out->aes256;
    case WF_SEAL_CHACHA20_POLY1305:
        out->info.cipher_type = TLS_CIPHER_CHACHA20_POLY1305;
        memcpy(out->chacha.key, key->key, sizeof out->chacha.key);
        memcpy(out->chacha.iv, key->iv, sizeof out->chacha.iv);
        write_number(key->number, out->chacha.rec_seq);
        return sizeof out->chacha;
    default:
        return 0;
    }
}

static bool give_key(int fd, const wf_seal_key *key)
{
    crypto_info info;
    socklen_t size = describe(key, &info);
    bool good = size != 0 && wf_seal_set(fd, SOL_TLS, TLS_TX, &info, size) == 0;
    if (!good && errno != ENOMEM)
        atomic_fetch_or_explicit(&refused_bits, 1U << key->cipher, memory_order_relaxed);
    explicit_bzero(&info, sizeof info);
    return good;
}

static const conn_leaf leaf_sealed;

weft_err wf_seal_begin(conn *c, const wf_seal_key *key)
{
    int fd = weft_watch_fd(&c->watch);
    unsigned refused = atomic_load_explicit(&refused_bits, memory_order_relaxed);
    if ((refused >> key->cipher & 1) != 0 || wf_conn_rare_of(c) == NULL || begin_tls(fd) != 0 ||
        !give_key(fd, key))
        return WEFT_EUNSUPPORTED; /* with no key the socket is what it was */
    c->rare->seals_left = records_left(key);
    wf_meter_set_inner(c, &leaf_sealed);
    return WEFT_OK;
}

/* ---- writing */

/* What the kernel took: a record for each 16 KiB, and one that is not full. Never fewer than there are. */
static void count(conn *c, size_t sent)
{
    uint64_t records = sent / RECORD_BYTES + 1, *left = &c->rare->seals_left;
    if (sent != 0)
        *left = *left > records ? *left - records : 0;
}

/* The kernel keeps the rest of a record for which the socket had no room, and sends it when there is some; if
 * the socket is shut down or closed before that, the rest is lost. So the record that comes last, close_notify,
 * is given to it only when there is room for both. */
static bool has_room(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLOUT};
    return poll(&p, 1, 0) == 1;
}

static weft_err send_record(conn *c, const conn_item *item, size_t *sent, weft_why *why)
{
    int fd = weft_watch_fd(&c->watch);
    union {
        struct cmsghdr first;
        unsigned char room[CMSG_SPACE(sizeof(uint8_t))];
    } control = {.room = {0}};
    struct iovec v = {(void *)(uintptr_t)item->bytes.at, item->bytes.size};
    struct msghdr m = {.msg_iov = &v,
                       .msg_iovlen = 1,
                       .msg_control = control.room,
                       .msg_controllen = sizeof control.room};
    struct cmsghdr *h = CMSG_FIRSTHDR(&m);
    h->cmsg_level = SOL_TLS;
    h->cmsg_type = TLS_SET_RECORD_TYPE;
    h->cmsg_len = CMSG_LEN(sizeof(uint8_t));
    *CMSG_DATA(h) = conn_record_type(item);
    if (!has_room(fd))
        return WEFT_EFULL;
    ssize_t n = sendmsg(fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n < 0)
        return errno == EAGAIN || errno == EINTR
                   ? WEFT_EFULL
                   : weft_because(why, weft_err_from_errno(errno), "write of a record: %s",
                                  strerror(errno));
    *sent = (size_t)n;
    return WEFT_OK;
}

static weft_err sealed_write(conn *c, const conn_item *items, unsigned n, size_t *sent,
                             weft_why *why)
{
    unsigned k = 1;
    if (conn_record_type(&items[0]) != 0)
        return send_record(c, &items[0], sent, why);
    if (c->rare->seals_left == 0)
        return weft_because(why, WEFT_ELIMIT,
                            "the kernel has sealed as many records as one key may (RFC 8446)");
    while (k < n && conn_record_type(&items[k]) == 0)
        k++;
    weft_err err = wf_conn_leaf_fd.write(c, items, k, sent, why);
    count(c, *sent);
    return err;
}

/* ---- the rest is that of all descriptors */

static weft_err sealed_read(conn *c, weft_bytes *out, weft_why *why)
{
    return wf_conn_leaf_fd.read(c, out, why);
}

static void sealed_want(conn *c, unsigned events)
{
    wf_conn_leaf_fd.want(c, events);
}

static void sealed_end(conn *c)
{
    wf_conn_leaf_fd.end(c);
}

static void sealed_close(conn *c, bool abort)
{
    wf_conn_leaf_fd.close(c, abort);
}

static void sealed_addresses(conn *c, weft_address *local, weft_address *peer)
{
    wf_conn_leaf_fd.addresses(c, local, peer);
}

static weft_err sealed_nodelay(conn *c, bool on)
{
    return wf_conn_leaf_fd.nodelay(c, on);
}

static bool sealed_unread(conn *c)
{
    return wf_conn_leaf_fd.unread(c);
}

static const conn_leaf leaf_sealed = {
    .name = "sealed",
    .read = sealed_read,
    .write = sealed_write,
    .want = sealed_want,
    .end = sealed_end,
    .close = sealed_close,
    .addresses = sealed_addresses,
    .nodelay = sealed_nodelay,
    .unread = sealed_unread,
};

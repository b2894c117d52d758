/* SPDX-License-Identifier: MIT */
/* What the calls that move many datagrams work on. */
#ifndef WF_LEAF_DATAGRAM_H
#define WF_LEAF_DATAGRAM_H

#include <netinet/in.h>
#include <sys/socket.h>

#include "endpoint.h"

enum {
    DATAGRAM_BATCH = WEFT_ENDPOINT_BATCH,
    DATAGRAM_SMALL = 2048,
    DATAGRAM_LARGE = UINT16_MAX + 1 - DATAGRAM_SMALL,
    DATAGRAM_STAGGER = 64, /* the first lines of slots do not share one set of the cache */
    DATAGRAM_CONTROL = CMSG_SPACE(sizeof(uint32_t)) + CMSG_SPACE(sizeof(struct in6_pktinfo)) +
                       CMSG_SPACE(sizeof(int)),
};

/* What the calls of a reactor use, one after the other. */
typedef struct datagram_batch {
    struct mmsghdr head[DATAGRAM_BATCH];
    struct iovec vector[DATAGRAM_BATCH][2];
    struct sockaddr_storage name[DATAGRAM_BATCH];
    _Alignas(struct cmsghdr) uint8_t control[DATAGRAM_BATCH][DATAGRAM_CONTROL];
    uint16_t merged[DATAGRAM_BATCH];
    uint8_t (*large)[DATAGRAM_LARGE]; /* NULL until somebody wants datagrams that large */
    uint8_t small[DATAGRAM_BATCH][DATAGRAM_SMALL + DATAGRAM_STAGGER];
} datagram_batch;

static inline datagram_batch *datagram_batch_here(void)
{
    return *weft_kept(WEFT_KEPT_DATAGRAMS);
}

/* What an errno means of a datagram. */
weft_err wf_datagram_reason(int err);
/* Tells what reports of others there are; how many there were. */
unsigned wf_datagram_reports(wf_endpoint *e);

/* The leaf's functions of output. */
weft_err wf_datagram_send(wf_endpoint *e, unsigned *done);
weft_err wf_datagram_check(const wf_endpoint *e, const weft_address *to, size_t size);

#endif

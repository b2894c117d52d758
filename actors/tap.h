/* SPDX-License-Identifier: MIT */
/* Taps: what goes by on connections, written to a file as text for people or as packets for Wireshark.
 *
 *   tap_stage.c  sees it ──▶ tap_text.c, tap_pcap.c  make it bytes of the file ──▶ tap.c  gathers and writes */
#ifndef WF_TAP_H
#define WF_TAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weft/address.h>
#include <weft/system.h>
#include <weft/url.h>

enum {
    WF_TAP_PIECE_BYTES = 16 << 10,       /* of a connection, in one record */
    WF_TAP_PENDING_BYTES_MAX = 16 << 20, /* of records that wait for the disk */
};

typedef enum wf_tap_event { WF_TAP_OPENED, WF_TAP_BYTES, WF_TAP_ENDED, WF_TAP_CLOSED } wf_tap_event;

/* The ways: what comes from the peer, and what goes there. */
enum { WF_TAP_IN, WF_TAP_OUT };

/* One connection, as its records need it. */
typedef struct wf_tap_flow {
    weft_address local, peer;
    bool connected; /* this side made the connection, rather than the peer */
    uint32_t id;    /* of those of one file, from 1 */
    bool ended[2];
    uint64_t bytes[2]; /* that went each way before */
} wf_tap_flow;

/* A record as it stands in a file: for WF_TAP_BYTES the @n (at most WF_TAP_PIECE_BYTES) bytes @at, that went
 * @way; for WF_TAP_ENDED, which way. Both return the length of what they wrote, at most wf_tap_room. */
size_t wf_tap_text(const wf_tap_flow *flow, wf_tap_event event, int way, const uint8_t *at,
                   size_t n, uint64_t wall_ns, uint8_t *to);
size_t wf_tap_pcap(const wf_tap_flow *flow, wf_tap_event event, int way, const uint8_t *at,
                   size_t n, uint64_t wall_ns, uint8_t *to);
size_t wf_tap_room(weft_tap_format format, size_t n);
/* What a file of packets begins with. */
enum { WF_TAP_PCAP_HEAD_BYTES = 24 };
void wf_tap_pcap_head(uint8_t to[WF_TAP_PCAP_HEAD_BYTES]);

/* A file that is written to by connections on all reactors; counted. */
typedef struct wf_tap wf_tap;

/* @open: the file is opened now, rather than by the first that writes to it, on the pool.
 * errors: ENOMEM; with @open, what opening it comes to. */
WEFT_MUST_USE weft_err wf_tap_new(const char *path, weft_tap_format format, uint64_t bytes_max,
                                  bool open, wf_tap **out, weft_why *why);
wf_tap *wf_tap_share(wf_tap *tap);
/* The last writes what still waits, and closes the file. thread: any. */
void wf_tap_drop(wf_tap *tap);

/* The number of the next connection. thread: any. */
uint32_t wf_tap_next_id(wf_tap *tap);
/* Whether nothing more is written: the file is full, or failed. thread: any. */
bool wf_tap_is_over(const wf_tap *tap);
/* Adds a record to those that wait for the disk. What has no room there is left out, counted, and said in
 * the log. true: nobody writes at the moment; the caller sees to it. thread: any. */
WEFT_MUST_USE bool wf_tap_add(wf_tap *tap, weft_system *sys, const wf_tap_flow *flow,
                              wf_tap_event event, int way, const uint8_t *at, size_t n,
                              uint64_t wall_ns);
/* Writes what waits. May block. A disk that fails, or a file that is full, ends it: the log says so. */
void wf_tap_write(wf_tap *tap);
/* Whoever writes is done. false: something waits: it is to go on. */
WEFT_MUST_USE bool wf_tap_written(wf_tap *tap);
/* Whoever was to write cannot: what waits is written by the next, or at the end. */
void wf_tap_pass(wf_tap *tap);

#endif

/* SPDX-License-Identifier: MIT */
/* A name server on the loopback, over UDP and TCP, that answers as a test's function says. */
#ifndef WEFT_TESTS_FAKE_DNS_H
#define WEFT_TESTS_FAKE_DNS_H

#include <weft/dns.h>
#include <weft/system.h>

enum { FAKE_MESSAGE_BYTES = 8192 };

/* How one question is answered. */
typedef enum fake_dns_how {
    FAKE_ANSWER,
    FAKE_SILENCE,
    FAKE_TRUNCATED, /* over UDP; TCP answers */
    FAKE_WRONG_ID,  /* an answer with another id, then the right one */
    FAKE_OTHER_NAME /* an answer about another name, then the right one */,
    FAKE_GARBAGE, /* bytes that are no message, then the right one */
    FAKE_HANGUP /* over TCP: the connection is closed */,
} fake_dns_how;

typedef struct fake_dns {
    /* Writes the records that answer @q into @w, behind its question; sets the header's rcode in *@rcode. */
    fake_dns_how (*answer)(const weft_dns_question *q, bool tcp, weft_dns_writer *w,
                           uint8_t *rcode);
    uint16_t port;
    unsigned udp, tcp; /* questions that came */
    int udp_fd, tcp_fd;
} fake_dns;

/* Binds both sockets to one port of @n servers at 127.0.0.1, 127.0.0.2, ... Spawn fake_dns_server with it as the config. */
void fake_dns_open(fake_dns *dns, unsigned n);
extern const weft_behaviour fake_dns_server;

/* Adds an address, or a text of @bytes, for @name. */
void fake_dns_address(weft_dns_writer *w, const char *name, uint32_t ttl_s, const char *address);
void fake_dns_text(weft_dns_writer *w, const char *name, size_t bytes);

#endif

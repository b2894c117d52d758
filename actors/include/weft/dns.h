/* SPDX-License-Identifier: MIT */
/** Messages of the domain name system, read and written: RFC 1035 with SRV (RFC 2782), AAAA (RFC 3596) and
 * EDNS (RFC 6891). Pure: bytes in and out, nothing is looked up here (<weft/resolver.h> does that).
 *
 * Names are text: labels with dots between them, "." for the root, no dot at the end of others. In a label a
 * dot and a backslash have a backslash before them; a byte that is no visible ASCII is written \DDD.
 *
 * thread: any, for every function. */
#ifndef WEFT_DNS_H
#define WEFT_DNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weft/error.h>

#ifdef __cplusplus
extern "C" {
#endif

#define WEFT_DNS_LABEL_BYTES_MAX 63U      /**< of a label, RFC 1035 2.3.4 */
#define WEFT_DNS_WIRE_NAME_BYTES_MAX 255U /**< of a name in a message, lengths included */
#define WEFT_DNS_NAME_BYTES 1004U         /**< of a name as text, the final zero included */
#define WEFT_DNS_MESSAGE_BYTES_MAX 65535U /**< of a message over TCP */
#define WEFT_DNS_COMPRESSED_NAMES_MAX 64U /**< places that a writer remembers for compression */

/** Types of records. Others are read as their bytes. */
typedef enum weft_dns_type {
    WEFT_DNS_A = 1,
    WEFT_DNS_NS = 2,
    WEFT_DNS_CNAME = 5,
    WEFT_DNS_SOA = 6,
    WEFT_DNS_PTR = 12,
    WEFT_DNS_MX = 15,
    WEFT_DNS_TXT = 16,
    WEFT_DNS_AAAA = 28,
    WEFT_DNS_SRV = 33,
    WEFT_DNS_OPT = 41,
    WEFT_DNS_ANY = 255,
} weft_dns_type;

enum { WEFT_DNS_CLASS_IN = 1 };

/** What a message came to: RCODE. */
typedef enum weft_dns_rcode {
    WEFT_DNS_NOERROR = 0,
    WEFT_DNS_FORMERR = 1,
    WEFT_DNS_SERVFAIL = 2,
    WEFT_DNS_NXDOMAIN = 3,
    WEFT_DNS_NOTIMP = 4,
    WEFT_DNS_REFUSED = 5,
} weft_dns_rcode;

/** "A", "MX", ...; NULL for a type that is not in the enum. Static. */
const char *weft_dns_type_name(unsigned type);
/** The type by its name, in any case, or as "TYPE257" (RFC 3597). errors: EINVAL. */
WEFT_MUST_USE weft_err weft_dns_type_of(const char *name, uint16_t *out);
/** "NXDOMAIN", ...; "RCODE" for others. Static. */
const char *weft_dns_rcode_name(unsigned rcode);

/** The first twelve bytes. */
typedef struct weft_dns_header {
    uint16_t id;
    bool response;
    uint8_t opcode; /**< 0: a query */
    bool authoritative, truncated, recursion_desired, recursion_available, authentic, no_checking;
    uint8_t rcode;                                        /**< a weft_dns_rcode */
    uint16_t questions, answers, authorities, additional; /**< how many of each follow */
} weft_dns_header;

typedef struct weft_dns_question {
    char name[WEFT_DNS_NAME_BYTES];
    uint16_t type, class_code;
} weft_dns_question;

/** A record. What stands in the union is what @type says. */
typedef struct weft_dns_record {
    char name[WEFT_DNS_NAME_BYTES];
    uint16_t type, class_code;
    uint32_t ttl_s;      /**< at most 2^31 - 1 (RFC 2181 8) */
    const uint8_t *data; /**< TXT and unknown types: as in the message, which must outlive this */
    uint16_t data_bytes;
    union {
        uint8_t ip[16];                 /**< A: the first four; AAAA */
        char host[WEFT_DNS_NAME_BYTES]; /**< NS, CNAME, PTR */
        struct {
            uint16_t preference;
            char host[WEFT_DNS_NAME_BYTES];
        } mx;
        struct {
            uint16_t priority, weight, port;
            char host[WEFT_DNS_NAME_BYTES];
        } srv;
        struct {
            char primary[WEFT_DNS_NAME_BYTES], mailbox[WEFT_DNS_NAME_BYTES];
            uint32_t serial, refresh_s, retry_s, expire_s, minimum_s;
        } soa;
        struct {
            uint16_t udp_bytes_max;
            uint8_t rcode_high, version;
            bool dnssec;
        } opt; /**< its options are @data */
    } of;
} weft_dns_record;

/* ---- reading */

/** Where in a message reading stands. */
typedef struct weft_dns_reader {
    const uint8_t *at;
    size_t size, next;
} weft_dns_reader;

/** Begins to read the @size bytes @at, which are borrowed, and reads the header. errors: ETRUNCATED. */
WEFT_MUST_USE weft_err weft_dns_read_begin(weft_dns_reader *r, const uint8_t *at, size_t size,
                                           weft_dns_header *out, weft_why *why);
/** The next question, or record; as many of each as the header says, in its order. After an error nothing
 * more can be read. A pointer of a compressed name must point before the name, so that no loop is possible.
 * errors: ETRUNCATED, EPROTO (a name or a record that breaks its form). */
WEFT_MUST_USE weft_err weft_dns_read_question(weft_dns_reader *r, weft_dns_question *out,
                                              weft_why *why);
WEFT_MUST_USE weft_err weft_dns_read_record(weft_dns_reader *r, weft_dns_record *out,
                                            weft_why *why);
/** The strings of a TXT record that was read, one after the other; *@at is 0 at first. false: no more. */
bool weft_dns_text_next(const weft_dns_record *record, size_t *at, const uint8_t **text,
                        size_t *bytes);

/* ---- writing */

/** Where records go. In a message they stand in this order. */
typedef enum weft_dns_section {
    WEFT_DNS_ANSWER,
    WEFT_DNS_AUTHORITY,
    WEFT_DNS_ADDITIONAL
} weft_dns_section;

/** A message being written; @size bytes stand. The fields are weft's. */
typedef struct weft_dns_writer {
    uint8_t *at;
    size_t room, size;
    unsigned names;
    uint16_t name_at[WEFT_DNS_COMPRESSED_NAMES_MAX];
} weft_dns_writer;

/** Begins a message of @header, whose counts are not looked at, in the @room bytes @at.
 * errors: ETOOBIG (no room for a header). */
WEFT_MUST_USE weft_err weft_dns_write_begin(weft_dns_writer *w, uint8_t *at, size_t room,
                                            const weft_dns_header *header);
/** Adds a question, or a record; all or nothing. TXT (its strings with their lengths), unknown types and the
 * options of OPT are written from @data. errors: ETOOBIG (no room: send what stands, weft_dns_write_truncated),
 * EINVAL (a name that is none, or a section that was left). */
WEFT_MUST_USE weft_err weft_dns_write_question(weft_dns_writer *w, const char *name, uint16_t type,
                                               weft_why *why);
WEFT_MUST_USE weft_err weft_dns_write_record(weft_dns_writer *w, weft_dns_section section,
                                             const weft_dns_record *record, weft_why *why);
/** Says in the header that something was left out. */
void weft_dns_write_truncated(weft_dns_writer *w);

/* ---- names */

/** The form in which names are compared: lower case, escapes only where they are needed, no dot at the end.
 * errors: EINVAL (an empty or too long label or name, an escape that is none); @out is untouched. */
WEFT_MUST_USE weft_err weft_dns_name_normal(const char *name, char out[WEFT_DNS_NAME_BYTES],
                                            weft_why *why);
/** Whether two names that were read are the same, whatever their case. */
bool weft_dns_name_same(const char *a, const char *b);
/** The name that PTR records of an address stand at: of @n bytes (4 or 16) @ip. */
void weft_dns_name_of_address(const uint8_t *ip, size_t n, char out[WEFT_DNS_NAME_BYTES]);

#ifdef __cplusplus
}
#endif
#endif

/* SPDX-License-Identifier: MIT */
/* A simulated HTTP server whose routes do everything a route may do, right and wrong. */
#ifndef WEFT_TESTS_HTTP_WORLD_H
#define WEFT_TESTS_HTTP_WORLD_H

#include <weft/http.h>
#include <weft/testing.h>

/* What handlers have seen; set to zero by http_world_open. */
typedef struct http_seen {
    unsigned served;     /* handlers that began */
    unsigned used;       /* second answers that were EUSED */
    unsigned calm;       /* answers that came too late and were WEFT_OK */
    unsigned cancelled;  /* weft_cancelled that were told */
    unsigned pulls;      /* pieces a generator was asked for */
    unsigned pieces;     /* of bodies that came to a stream */
    unsigned workers;    /* made and not ended yet */
    uint64_t body_bytes; /* of bodies that came to a stream */
    weft_err ended;      /* what the last worker ended with */
} http_seen;
extern http_seen http_saw;

/* The server's config for the next world: set by http_world_reset, then changed freely. */
extern weft_http_site_config http_config;
extern const weft_http_route http_routes[];

/* Sets http_config to the routes below and nothing else. */
void http_world_reset(void);
/* Makes the world: the server at sim://web, with two reactors unless @options say otherwise. @options
 * may be NULL. */
weft_sim *http_world_open(const weft_sim_options *options);

/* What stands at byte @i of every body that a route makes. */
uint8_t http_pattern(uint64_t i);

/* One response off the front of what came. */
typedef struct http_reply {
    int status; /* 0: there is none */
    bool whole; /* all that its head promises is there */
    const char *head;
    size_t head_bytes;
    uint8_t *body; /* the caller's to free */
    size_t body_bytes;
} http_reply;

/* Takes the next response off *@at and *@n; @head_only: to a HEAD. Interim ones are passed over. */
http_reply http_take_reply(const uint8_t **at, size_t *n, bool head_only);
/* Whether the body is @bytes bytes of the pattern. */
bool http_is_pattern(const http_reply *reply, uint64_t bytes);

#endif

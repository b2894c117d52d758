/* SPDX-License-Identifier: MIT */
/* A folder of files, a simulated server of it, and a client that says what it got. */
#ifndef WEFT_TESTS_FILES_WORLD_H
#define WEFT_TESTS_FILES_WORLD_H

#include "check.h"

#include <weft/http.h>
#include <weft/testing.h>

/* What the server is configured with: set before the first request. After open, all but the root is
 * the default. It serves GET /files/..., any method at /any/..., and GET /one/NAME/raw. */
extern weft_http_files_config files_config;
extern weft_sim *files_sim;

/* Makes the world; close fails on what leaked: actors, messages, buffers, descriptors. */
void files_world_open(void);
void files_world_close(void);
/* The same with faults and a seed. */
void files_world_open_cold(void); /* nothing is ever in memory: the pool does it all */
void files_world_open_with(const weft_sim_options *options);

/* Below the root; folders on the way are made. Files are an hour old. */
void files_put(const char *name, const void *bytes, size_t n);
void files_put_text(const char *name, const char *text);
/* @n bytes that are the same for the same @n, and do not pack. */
void files_put_noise(const char *name, size_t n);
uint8_t files_noise_at(size_t i);
/* Lines of numbers: they pack. Returns the file's size. */
size_t files_put_numbers(const char *name, unsigned lines);
void files_set_age(const char *name, int seconds);
void files_link(const char *to, const char *name);
/* Its path, until the next call. */
const char *files_path(const char *name);
void files_remove(const char *name);

typedef struct files_reply {
    bool complete; /* the head is there, and as much of a body as it promises */
    int status;    /* 0: none */
    char head[4096];
    const uint8_t *body; /* valid until the next request */
    size_t body_n;
    weft_err reason; /* of the end of the connection */
} files_reply;

/* Asks on a connection of its own and waits for its end. @fields are lines that end in \r\n. */
files_reply files_ask(const char *method, const char *target, const char *fields);
files_reply files_get(const char *target, const char *fields);

/* The value of the field, until the next call; "" if it is not there. */
const char *files_field(const files_reply *reply, const char *name);

/* How many descriptors the process has open. */
unsigned files_descriptors(void);

#define CHECK_STATUS(target, fields, want) CHECK_U64(files_get(target, fields).status, want)
#define CHECK_BODY(reply, text) CHECK_MEM((reply).body, (reply).body_n, text, strlen(text))
#define CHECK_FIELD(reply, name, want) CHECK_STR(files_field(&(reply), name), want)

#endif

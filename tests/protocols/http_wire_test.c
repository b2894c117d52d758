/* SPDX-License-Identifier: MIT */
/* The HTTP server on the wire: scripts of what a client sends and what it must see. */
#include <stdlib.h>

#include "check.h"
#include "http_error_page.h"
#include "http_world.h"
#include "wire_player.h"

/* ---- what scripts about HTTP say */

static bool setup(const char *word, char *rest)
{
    weft_http_limits *l = &http_config.limits;
    const struct {
        const char *name;
        uint32_t *value;
    } limits[] = {
        {"request_line_bytes_max", &l->request_line_bytes_max},
        {"head_bytes_max", &l->head_bytes_max},
        {"fields_max", &l->fields_max},
        {"responses_pending_max", &l->responses_pending_max},
        {"requests_max", &l->requests_max},
        {"head_timeout_ms", &l->head_timeout_ms},
        {"body_timeout_ms", &l->body_timeout_ms},
        {"idle_timeout_ms", &l->idle_timeout_ms},
        {"answer_timeout_ms", &l->answer_timeout_ms},
        {"write_timeout_ms", &l->write_timeout_ms},
    };
    char *value = strchr(rest, ' ');
    if (strcmp(word, "limit") != 0 || value == NULL)
        return false;
    *value++ = '\0';
    if (strcmp(rest, "body_bytes_max") == 0) {
        l->body_bytes_max = strtoul(value, NULL, 10);
        return true;
    }
    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++)
        if (strcmp(rest, limits[i].name) == 0) {
            *limits[i].value = (uint32_t)strtoul(value, NULL, 10);
            return true;
        }
    return false;
}

static weft_sim *open_world(uint64_t seed)
{
    return http_world_open(&(weft_sim_options){.seed = seed});
}

static void put_text(wire_text *out, const char *text)
{
    wire_put(out, text, strlen(text));
}

/* <page STATUS [close] [[field]] [: detail] */
static bool expand(const char *word, char *rest, wire_text *out)
{
    char page[4096], line[256];
    if (strcmp(word, "page") != 0)
        return false;
    int status = (int)strtoul(rest, &rest, 10);
    bool close = strncmp(rest, " close", 6) == 0;
    rest += close ? 6 : 0;
    char *field = strncmp(rest, " [", 2) == 0 ? rest + 2 : NULL;
    if (field != NULL) {
        rest = strchr(field, ']');
        *rest++ = '\0';
    }
    const char *detail = strncmp(rest, " : ", 3) == 0 ? rest + 3 : NULL;
    wf_http_writer w = wf_http_writer_over(page, sizeof page);
    wf_http_put_error_page(&w, WF_HTTP_PAGE_HTML, status,
                           (weft_http_text){detail, detail != NULL ? (uint32_t)strlen(detail) : 0});
    (void)snprintf(line, sizeof line,
                   "HTTP/1.1 %d %s\r\nServer: weft\r\nContent-Type: text/html; charset=utf-8\r\n"
                   "Content-Length: %zu\r\n%s",
                   status, weft_http_status_text(status), w.n, close ? "Connection: close\r\n" : "");
    put_text(out, line);
    if (field != NULL) {
        put_text(out, field);
        put_text(out, "\r\n");
    }
    put_text(out, "\r\n");
    wire_put(out, page, w.n);
    return true;
}

static bool check(const char *word, const char *rest)
{
    const struct {
        const char *name;
        uint64_t value;
    } counts[] = {
        {"served", http_saw.served},       {"used", http_saw.used},
        {"calm", http_saw.calm},           {"cancelled", http_saw.cancelled},
        {"workers", http_saw.workers},     {"pieces", http_saw.pieces},
        {"body_bytes", http_saw.body_bytes},
    };
    if (strcmp(word, "stream") == 0) {
        CHECK_STR(weft_err_name(http_saw.closed), rest);
        return true;
    }
    if (strcmp(word, "worker") == 0) {
        CHECK_STR(weft_err_name(http_saw.ended), rest);
        return true;
    }
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++)
        if (strcmp(word, counts[i].name) == 0) {
            CHECK_U64(counts[i].value, strtoul(rest, NULL, 10));
            return true;
        }
    return false;
}

static size_t strip(char *came, size_t n)
{
    size_t to = 0;
    for (size_t at = 0; at < n;) {
        const char *end = memchr(came + at, '\n', n - at);
        size_t line = end != NULL ? (size_t)(end - came) - at + 1 : n - at;
        if (line != 37 || memcmp(came + at, "Date: ", 6) != 0) {
            memmove(came + to, came + at, line);
            to += line;
        }
        at += line;
    }
    return to;
}

static const wire_world world = {.url = "sim://web",
                                 .reset = http_world_reset,
                                 .setup = setup,
                                 .open = open_world,
                                 .expand = expand,
                                 .check = check,
                                 .strip = strip};

/* ---- the scripts */

#define SCRIPTS(X)                                          \
    X(a_connection_serves_one_request_after_the_other)

#define SCRIPT(name)                            \
    static void name(void)                      \
    {                                           \
        wire_play_all("http/" #name, &world);   \
    }
SCRIPTS(SCRIPT)

static const test_case cases[] = {
#define CASE(name) TEST(name),
    SCRIPTS(CASE)
#undef CASE
    {0},
};

const test_suite http_wire_suite = {"protocols/http_wire", NULL, NULL, cases, false};

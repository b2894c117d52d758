/* SPDX-License-Identifier: MIT */
/* Logs: a line is built in one buffer and leaves in one write, so that threads do not mix. */
#include "log.h"

#include <stdio.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include "alloc.h"
#include "sys.h"
#include "wf_utf8.h"

enum { TEXT_MAX = 1000 + 1, LINE_MAX_BYTES = 8192 };

static const char *const level_names[] = {"debug", "info", "notice", "warning", "error", "none"};

const char *weft_level_name(weft_level level)
{
    return (unsigned)level <= WEFT_NO_LOG ? level_names[level] : "?";
}

weft_err weft_level_parse(const char *text, weft_level *out, weft_why *why)
{
    for (int i = 0; i <= WEFT_NO_LOG; i++)
        if (strcasecmp(text, level_names[i]) == 0) {
            *out = (weft_level)i;
            return WEFT_OK;
        }
    return weft_because(why, WEFT_EINVAL,
                        "\"%s\" is no log level: debug, info, notice, warning, error or none",
                        text);
}

bool wf_log_init(weft_system *sys)
{
    const weft_system_options *o = &sys->options;
    sys->log = wf_alloc_zero(sizeof *sys->log);
    if (sys->log == NULL)
        return false;
    WF_STAT_SET(sys->log->level, o->log_level_set ? (int)o->log_level : WEFT_NOTICE);
    sys->log->hook = o->log_hook;
    sys->log->context = o->log_context;
    sys->log->json = o->log_format == WEFT_LOG_JSON ||
                     (o->log_format == WEFT_LOG_AUTO && !isatty(STDERR_FILENO));
    return true;
}

/* A bounded line under construction. */
typedef struct line {
    char text[LINE_MAX_BYTES];
    size_t n;
} line;

static void put(line *l, const char *text)
{
    for (; *text != '\0' && l->n < sizeof l->text - 8; text++)
        l->text[l->n++] = *text;
}

static void put_json_part(line *l, const char *text, size_t n)
{
    char escape[8];
    for (const char *end = text + n; text != end && l->n < sizeof l->text - 16; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == '"' || c == '\\') {
            l->text[l->n++] = '\\';
            l->text[l->n++] = (char)c;
        } else if (c < 0x20 || c == 0x7F) {
            (void)snprintf(escape, sizeof escape, "\\u%04x", c);
            put(l, escape);
        } else
            l->text[l->n++] = (char)c;
    }
}

/* JSON is UTF-8 (RFC 8259 section 8.1), whatever the text was. */
static void put_json(line *l, const char *text)
{
    size_t n = strlen(text), good;
    while ((good = wf_utf8_prefix(text, n)) < n) {
        put_json_part(l, text, good);
        put(l, "\\ufffd");
        text += good + 1;
        n -= good + 1;
    }
    put_json_part(l, text, n);
}

static void put_time(line *l, uint64_t wall_ns)
{
    char text[64];
    struct tm tm;
    time_t seconds = (time_t)(wall_ns / 1000000000U);
    (void)gmtime_r(&seconds, &tm);
    size_t n = strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &tm);
    (void)snprintf(text + n, sizeof text - n, ".%03uZ", (unsigned)(wall_ns / 1000000U % 1000U));
    put(l, text);
}

static void put_json_line(line *l, const weft_log_line *s)
{
    char trace[48];
    put(l, "{\"time\":\"");
    put_time(l, s->wall_ns);
    put(l, "\",\"level\":\"");
    put(l, weft_level_name(s->level));
    put(l, "\",\"name\":\"");
    put_json(l, s->name);
    if (s->who[0] != '\0') {
        put(l, "\",\"actor\":\"");
        put_json(l, s->who);
    }
    put(l, "\"");
    if (s->trace != 0) {
        (void)snprintf(trace, sizeof trace, ",\"trace\":\"%016llx\"", (unsigned long long)s->trace);
        put(l, trace);
    }
    put(l, ",\"text\":\"");
    put_json(l, s->text);
    put(l, "\"}\n");
}

/* On a terminal control characters of others' making must not act. */
static void put_plain(line *l, const char *text)
{
    for (; *text != '\0' && l->n < sizeof l->text - 8; text++) {
        unsigned char c = (unsigned char)*text, next = (unsigned char)text[1];
        bool c1 = c == 0xC2 && next >= 0x80 && next < 0xA0; /* U+0080 to U+009F */
        l->text[l->n++] = c < 0x20 || c == 0x7F || c1 ? '?' : *text;
        text += c1;
    }
}

static void put_text_line(line *l, const weft_log_line *s)
{
    char level[16];
    put_time(l, s->wall_ns);
    (void)snprintf(level, sizeof level, " %-7s ", weft_level_name(s->level));
    put(l, level);
    put(l, s->name);
    if (s->who[0] != '\0') {
        put(l, " ");
        put(l, s->who);
    }
    put(l, ": ");
    put_plain(l, s->text);
    put(l, "\n");
}

static void emit(const weft_system *sys, const weft_log_line *s)
{
    const struct wf_log *log = sys->log;
    if (log->hook != NULL) {
        log->hook(log->context, s);
        return;
    }
    line l;
    l.n = 0;
    if (log->json)
        put_json_line(&l, s);
    else
        put_text_line(&l, s);
    /* a log that cannot be written must not stop the work: what the disk refuses is lost */
    ssize_t n = write(STDERR_FILENO, l.text, l.n);
    (void)n;
}

static bool wanted(const weft_system *sys, weft_level level)
{
    return sys != NULL && sys->log != NULL && (int)level >= WF_STAT_GET(sys->log->level);
}

weft_level weft_system_log_level(const weft_system *sys)
{
    return (weft_level)WF_STAT_GET(sys->log->level);
}

void weft_system_set_log_level(weft_system *sys, weft_level level)
{
    WF_STAT_SET(sys->log->level, (int)level);
}

void weft_log(weft_actor *self, weft_level level, const char *format, ...)
{
    wf_reactor *r = WF_R;
    if (!wanted(r->sys, level))
        return;
    char text[TEXT_MAX], who[WEFT_REF_TEXT_BYTES];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    weft_log_line s = {.level = level,
                       .wall_ns = r->drv->wall_ns(r->driver),
                       .name = self != NULL ? WF_STAT_GET(self->program)->behaviour->name : "weft",
                       .who = self != NULL ? weft_ref_print(wf_ref_of(r, self), who) : "",
                       .trace = r->current->trace,
                       .text = text};
    emit(r->sys, &s);
}

void wf_log(weft_system *sys, weft_level level, const char *name, const char *format, ...)
{
    if (!wanted(sys, level))
        return;
    char text[TEXT_MAX];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    weft_log_line s = {.level = level,
                       .wall_ns = sys->drv->wall_ns(sys->driver),
                       .name = name,
                       .who = "",
                       .text = text};
    emit(sys, &s);
}

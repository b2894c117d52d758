/* SPDX-License-Identifier: MIT */
/* SMTP as bytes: the same lines and texts however they are cut; what is stuffed comes out again; commands and
 * addresses that are taken are within their limits. */
#include <stdlib.h>
#include <string.h>

#include "smtp_address.h"
#include "smtp_commands.h"
#include "smtp_lines.h"

enum { OUT_MAX = 1 << 16, LINE_BYTES_MAX = 100 };

typedef struct outcome {
    weft_err err;
    bool too_long;
    size_t n;
    char out[OUT_MAX];
} outcome;

static void add(outcome *o, const char *at, size_t n)
{
    if (o->n + n > OUT_MAX)
        abort();
    memcpy(o->out + o->n, at, n);
    o->n += n;
}

static void check_command(const char *line, size_t n)
{
    wf_smtp_command c;
    weft_smtp_status wrong = {0};
    if (wf_smtp_command_read(line, n, &c, &wrong)) {
        if (strlen(c.address) >= sizeof c.address || strpbrk(c.address, "\r\n") != NULL)
            abort();
        weft_why why;
        bool mailbox = c.verb == WF_SMTP_MAIL || c.verb == WF_SMTP_VRFY || c.verb == WF_SMTP_RCPT;
        if (mailbox && c.address[0] != '\0' && strchr(c.address, '@') != NULL &&
            weft_smtp_address_check(c.address, true, &why) != WEFT_OK)
            abort();
    } else if (wrong.code < 500 || wrong.code > 555 || wrong.text[0] == '\0')
        abort();
}

static void read_lines(outcome *o, const char *in, size_t n, size_t step)
{
    wf_smtp_lines l = {.bytes_max = LINE_BYTES_MAX};
    *o = (outcome){.err = WEFT_OK};
    for (size_t at = 0; at < n && o->err != WEFT_EPROTO;) {
        size_t size = n - at < step ? n - at : step, used = 0, line_n;
        const char *line;
        o->err = wf_smtp_line_next(&l, in + at, size, &used, &line, &line_n);
        if (used == 0 || used > size)
            abort();
        at += used;
        if (o->err == WEFT_OK) {
            if (line_n + 2 > LINE_BYTES_MAX || memchr(line, '\r', line_n) != NULL)
                abort();
            check_command(line, line_n);
            add(o, line, line_n);
            add(o, "\n", 1);
        }
    }
    wf_smtp_lines_done(&l);
}

static void read_text(outcome *o, const char *in, size_t n, size_t step, bool dots)
{
    wf_smtp_text t = {.line_bytes_max = LINE_BYTES_MAX, .dots = dots};
    *o = (outcome){.err = WEFT_OK};
    for (size_t at = 0; at < n && o->err == WEFT_OK;) {
        size_t size = n - at < step ? n - at : step, used = 0, run_n;
        const char *run;
        o->err = wf_smtp_text_next(&t, in + at, size, &used, &run, &run_n);
        if (used > size || (used == 0 && o->err == WEFT_OK))
            abort();
        at += used;
        if (o->err == WEFT_OK || o->err == WEFT_EDONE)
            add(o, run, run_n);
    }
    o->too_long = t.too_long;
}

static void stuff(const char *in, size_t n, size_t step)
{
    static outcome sent, back;
    wf_smtp_stuffing s = {0};
    sent = (outcome){.err = WEFT_OK};
    for (size_t at = 0; at < n;) {
        size_t size = n - at < step ? n - at : step, run = 0;
        bool dot = false;
        if (wf_smtp_stuff(&s, in + at, size, &dot, &run) != WEFT_OK)
            return;
        if (run == 0 || run > size)
            abort();
        if (dot)
            add(&sent, ".", 1);
        add(&sent, in + at, run);
        at += run;
    }
    const char *end = wf_smtp_stuffing_end(&s);
    if (end == NULL)
        return;
    add(&sent, end, strlen(end));
    read_text(&back, sent.out, sent.n, step, true);
    if (back.err != WEFT_EDONE || (back.n != n && back.n != n + 2) || memcmp(back.out, in, n) != 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static outcome whole, cut;
    if (size < 2 || size > OUT_MAX / 4)
        return 0;
    const char *in = (const char *)data + 1;
    size_t n = size - 1, step = 1 + data[0] % 16;
    read_lines(&whole, in, n, n);
    read_lines(&cut, in, n, step);
    if (whole.n != cut.n || memcmp(whole.out, cut.out, cut.n) != 0 ||
        (whole.err == WEFT_EPROTO) != (cut.err == WEFT_EPROTO))
        abort();
    for (int dots = 0; dots < 2; dots++) {
        read_text(&whole, in, n, n, dots != 0);
        read_text(&cut, in, n, step, dots != 0);
        if (whole.err != cut.err)
            abort();
        if (whole.err != WEFT_EPROTO && (whole.too_long != cut.too_long || whole.n != cut.n ||
                                         memcmp(whole.out, cut.out, cut.n) != 0))
            abort();
    }
    stuff(in, n, step);
    check_command(in, n);
    return 0;
}

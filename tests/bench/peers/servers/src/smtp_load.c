/* SPDX-License-Identifier: MIT */
/* smtp_load HOST PORT SESSIONS BYTES SECONDS
 * Each session sends one message of BYTES after the other, to one recipient, over one connection. MAIL, RCPT
 * and DATA leave in one write where the server offers PIPELINING (RFC 2920), as mail servers do it; else each
 * waits for its answer. Prints "mark" when the warm-up is over, then key=value pairs; latency is from MAIL to
 * the answer to the whole message. */
#include "lines.h"

enum { STEPS = 4, LINE = 78 };

struct session {
    int fd, greeted, pipelines;
    unsigned step; /* whose answer comes next */
    uint64_t sent;
    struct lines lines;
};

static const char *const commands[STEPS - 1] = {"MAIL FROM:<load@bench.invalid>\r\n",
                                                "RCPT TO:<all@bench.invalid>\r\n", "DATA\r\n"};
static const char expected[STEPS] = {'2', '2', '3', '2'};
static char all_commands[128], *body;
static size_t body_size;
static uint64_t messages;
static struct histogram latency;

/* Lines of 78 bytes, and the dot behind them. */
static void make_body(size_t bytes)
{
    static const char head[] = "Subject: a message\r\n\r\n";
    body = malloc(bytes + LINE + sizeof head + 8);
    size_t n = sizeof head - 1;
    memcpy(body, head, n);
    while (n < bytes) {
        memset(body + n, 'x', LINE - 2);
        memcpy(body + n + LINE - 2, "\r\n", 2);
        n += LINE;
    }
    memcpy(body + n, ".\r\n", 3);
    body_size = n + 3;
}

static void say(struct session *s, const char *text)
{
    write_all(s->fd, text, strlen(text));
}

static void begin(struct session *s, uint64_t t)
{
    s->step = 0;
    s->sent = t;
    say(s, s->pipelines ? all_commands : commands[0]);
}

/* The last line of an answer to a command of a message. */
static void on_answer(struct session *s, const char *line, uint64_t t)
{
    if (line[0] != expected[s->step])
        die("the answer to step %u is %s", s->step, line);
    if (++s->step < STEPS - 1) {
        if (!s->pipelines)
            say(s, commands[s->step]);
    } else if (s->step == STEPS - 1) {
        write_all(s->fd, body, body_size);
    } else {
        if (t >= lines_counted_from) {
            messages++;
            histogram_add(&latency, t - s->sent);
        }
        begin(s, now_ns());
    }
}

static void on_line(void *owner, char *line, uint64_t t)
{
    struct session *s = owner;
    int last = strlen(line) < 4 || line[3] == ' ';
    if (s->greeted == 2) {
        if (last)
            on_answer(s, line, t);
        return;
    }
    if (line[0] != '2')
        die("the server greets with %s", line);
    if (s->greeted == 1 && !strcmp(line + 4, "PIPELINING"))
        s->pipelines = 1;
    if (!last)
        return;
    if (++s->greeted == 1)
        say(s, "EHLO bench.invalid\r\n");
    else
        begin(s, t);
}

static uint64_t run(int poll, uint64_t end)
{
    struct epoll_event ev[256];
    uint64_t t = now_ns();
    while (t < end) {
        int k = epoll_wait(poll, ev, 256, 1000);
        if (k <= 0 && now_ns() - t > 10000000000ull)
            die("stalled");
        for (int i = 0; i < k; i++) {
            struct session *s = ev[i].data.ptr;
            uint64_t read_at = lines_read(&s->lines, s->fd, s);
            if (read_at)
                t = read_at;
        }
    }
    return t;
}

int main(int argc, char **argv)
{
    if (argc < 6)
        die("usage: smtp_load HOST PORT SESSIONS BYTES SECONDS");
    int n = atoi(argv[3]), poll = epoll_create1(0);
    signal(SIGPIPE, SIG_IGN);
    raise_nofile();
    make_body((size_t)atol(argv[4]));
    for (int i = 0; i < STEPS - 1; i++)
        strcat(all_commands, commands[i]);
    uint64_t start = now_ns() + 500000000ull;
    uint64_t end = start + (uint64_t)(atof(argv[5]) * 1e9);

    lines_counted_from = start;
    struct session *s = calloc((size_t)n, sizeof *s);
    for (int i = 0; i < n; i++) {
        s[i].fd = dial(argv[1], atoi(argv[2]));
        nonblock(s[i].fd);
        struct epoll_event e = {.events = EPOLLIN, .data.ptr = &s[i]};
        epoll_ctl(poll, EPOLL_CTL_ADD, s[i].fd, &e);
    }
    double took = (double)(run(poll, end) - start) / 1e9;
    printf("rate=%.0f p50_us=%.1f p99_us=%.1f ops=%llu\n", (double)messages / took,
           histogram_us(&latency, .5), histogram_us(&latency, .99), (unsigned long long)messages);
    return 0;
}

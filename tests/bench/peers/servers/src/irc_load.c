/* SPDX-License-Identifier: MIT */
/* irc_load HOST PORT N hold                          N users come in; then they do nothing
 * irc_load HOST PORT N talk TALKERS WINDOW SECONDS   N users in one channel, of which TALKERS talk, each with at
 *                                                    most WINDOW lines that have not come to all others
 * `hold` prints "ready N bad 0" and ends when its input does. `talk` prints "mark" when the warm-up is over,
 * then key=value pairs: an operation is a line that came to somebody, latency is from its write to that. */
#include "lines.h"

struct user {
    int fd, in, joined;
    uint64_t sent, delivered;
    struct lines lines;
};

static struct user *users;
static int users_n, talkers, poll_fd;
static uint64_t deliveries, heard;
static struct histogram latency;

static void say(const struct user *u, const char *text)
{
    write_all(u->fd, text, strlen(text));
}

/* "TIME TALKER xxx", as talk() writes it. */
static void on_talk(const char *text, uint64_t t)
{
    char *end;
    uint64_t sent = strtoull(text, &end, 16);
    long who = strtol(end, NULL, 16);
    if (who < 0 || who >= talkers)
        die("somebody says %s", text);
    users[who].delivered++;
    heard++;
    if (t < lines_counted_from)
        return;
    deliveries++;
    histogram_add(&latency, t - sent);
}

static void on_ping(const struct user *u, const char *parameter)
{
    char answer[600];
    snprintf(answer, sizeof answer, "PONG%s\r\n", parameter);
    say(u, answer);
}

static void on_line(void *owner, char *line, uint64_t t)
{
    struct user *u = owner;
    if (!strncmp(line, "PING", 4)) {
        on_ping(u, line + 4);
        return;
    }
    const char *command = strchr(line, ' ');
    if (!command)
        return;
    if (!strncmp(++command, "PRIVMSG ", 8)) {
        const char *text = strstr(command, " :");
        if (text)
            on_talk(text + 2, t);
    } else if (!strncmp(command, "376 ", 4) || !strncmp(command, "422 ", 4)) {
        u->in = 1; /* the last of what greets: the message of the day, or that there is none */
    } else if (!strncmp(command, "366 ", 4)) {
        u->joined = 1;
    } else if ((command[0] == '4' || command[0] == '5') && command[3] == ' ') {
        die("the server says %s", line);
    }
}

/* Serves what comes for at most a second. Returns the time. */
static uint64_t serve(void)
{
    struct epoll_event ev[256];
    int k = epoll_wait(poll_fd, ev, 256, 1000);
    for (int i = 0; i < k; i++) {
        struct user *u = ev[i].data.ptr;
        lines_read(&u->lines, u->fd, u);
    }
    return now_ns();
}

static void come_in(const char *host, int port)
{
    char text[128];
    poll_fd = epoll_create1(0);
    users = calloc((size_t)users_n, sizeof *users);
    for (int i = 0; i < users_n; i++) {
        struct user *u = &users[i];
        u->fd = dial(host, port);
        nonblock(u->fd);
        struct epoll_event e = {.events = EPOLLIN, .data.ptr = u};
        epoll_ctl(poll_fd, EPOLL_CTL_ADD, u->fd, &e);
        snprintf(text, sizeof text, "NICK b%d\r\nUSER b%d 0 * :bench\r\n", i, i);
        say(u, text);
        usleep(
            1000); /* a backlog may be as short as 10, and what it drops comes again in a second */
    }
    uint64_t end = now_ns() + 30000000000ull;
    for (int i = 0; i < users_n; i++)
        while (!users[i].in) /* one by one would not do: inspircd lets users in once a second */
            if (serve() > end)
                die("%d of %d users are in", i, users_n);
}

static void join(void)
{
    uint64_t end = now_ns() + 60000000000ull;
    for (int i = 0; i < users_n; i++) {
        say(&users[i], "JOIN #bench\r\n");
        while (!users[i].joined)
            if (serve() > end)
                die("%d of %d users have joined", i, users_n);
    }
}

static void talk(int who, uint64_t window)
{
    struct user *u = &users[who];
    char text[16384];
    size_t n = 0;
    uint64_t t = now_ns();
    while (u->sent - u->delivered / (uint64_t)(users_n - 1) < window && n < sizeof text - 200) {
        n += (size_t)snprintf(text + n, 200,
                              "PRIVMSG #bench :%016llx %04x "
                              "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\r\n",
                              (unsigned long long)t, (unsigned)who);
        u->sent++;
    }
    if (n)
        write_all(u->fd, text, n);
}

static void measure(uint64_t window, double seconds)
{
    uint64_t start = now_ns() + 500000000ull, end = start + (uint64_t)(seconds * 1e9);
    uint64_t t = now_ns(), last = 0, last_at = t;
    lines_counted_from = start;
    while (t < end) {
        for (int i = 0; i < talkers; i++)
            talk(i, window);
        t = serve();
        if (heard != last) {
            last = heard;
            last_at = t;
        } else if (t - last_at > 5000000000ull) {
            die("stalled");
        }
    }
    printf("rate=%.0f p50_us=%.1f p99_us=%.1f ops=%llu\n",
           (double)deliveries / ((double)(t - start) / 1e9), histogram_us(&latency, .5),
           histogram_us(&latency, .99), (unsigned long long)deliveries);
}

int main(int argc, char **argv)
{
    int hold = argc == 5 && !strcmp(argv[4], "hold");
    if (!hold && (argc != 8 || strcmp(argv[4], "talk")))
        die("usage: irc_load HOST PORT N hold | N talk TALKERS WINDOW SECONDS");
    users_n = atoi(argv[3]);
    signal(SIGPIPE, SIG_IGN);
    raise_nofile();
    if (!hold) {
        talkers = atoi(argv[5]);
        if (talkers < 1 || talkers > users_n || users_n < 2)
            die("expected two users or more, and no more talkers than those");
    }
    come_in(argv[1], atoi(argv[2]));
    if (hold) {
        char text[64];
        printf("ready %d bad 0\n", users_n);
        fflush(stdout);
        while (read(0, text, sizeof text) > 0) {
        }
        return 0;
    }
    join();
    measure((uint64_t)atoll(argv[6]), atof(argv[7]));
    return 0;
}

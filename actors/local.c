/* SPDX-License-Identifier: MIT */
/* Streams and listeners that are no addresses: which of them a URL means; programs and serial lines. */
#include "local.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "pipes.h"
#include "process.h"

enum { EXEC_LEAVE_MS = 1000 };

/* ---- programs */

/* The texts of an option, in a list that ends in NULL, behind @first. errors: NULL when memory is out. */
static const char **texts_of(const weft_url *url, weft_url_option_id id, const char *first)
{
    size_t n = 0, at = 0;
    while (weft_url_text(url, id, n) != NULL)
        n++;
    const char **list = weft_alloc((n + 2) * sizeof *list);
    if (list == NULL)
        return NULL;
    if (first != NULL)
        list[at++] = first;
    for (size_t i = 0; i < n; i++)
        list[at++] = weft_url_text(url, id, i);
    list[at] = NULL;
    return list;
}

static weft_err connect_exec(conn *c, const weft_url *url, weft_why *why)
{
    static const weft_window window = {.rows = 0, .columns = 0};
    if (url->options.pty && url->options.tls)
        return weft_because(why, WEFT_EINVAL,
                            "a terminal would change the records of TLS: expected only one of the "
                            "options \"pty\" and \"tls\"");
    const char **argv = texts_of(url, WEFT_URL_ARG, url->path);
    const char **env = texts_of(url, WEFT_URL_ENV, NULL);
    const weft_process_options options = {
        .argv = argv,
        .env = env,
        .dir = weft_url_text(url, WEFT_URL_DIR, 0),
        .terminal = url->options.pty ? &window : NULL,
        .joined = !url->options.pty,
        .leave_ms = EXEC_LEAVE_MS,
    };
    weft_err err = argv != NULL && env != NULL
                       ? wf_process_join(c, &options, why)
                       : weft_because(why, WEFT_ENOMEM, "no memory for a program");
    weft_alloc_free(argv);
    weft_alloc_free(env);
    return err;
}

/* ---- serial lines */

static const struct {
    uint32_t baud;
    speed_t speed;
} speeds[] = {{50, B50},
              {75, B75},
              {110, B110},
              {134, B134},
              {150, B150},
              {200, B200},
              {300, B300},
              {600, B600},
              {1200, B1200},
              {1800, B1800},
              {2400, B2400},
              {4800, B4800},
              {9600, B9600},
              {19200, B19200},
              {38400, B38400},
              {57600, B57600},
              {115200, B115200},
              {230400, B230400},
              {460800, B460800},
              {500000, B500000},
              {576000, B576000},
              {921600, B921600},
              {1000000, B1000000},
              {1152000, B1152000},
              {1500000, B1500000},
              {2000000, B2000000},
              {2500000, B2500000},
              {3000000, B3000000},
              {3500000, B3500000},
              {4000000, B4000000},
              {0, B0}};

static weft_err speed_of(uint32_t baud, speed_t *out, weft_why *why)
{
    for (size_t i = 0; speeds[i].baud != 0; i++)
        if (speeds[i].baud == baud) {
            *out = speeds[i].speed;
            return WEFT_OK;
        }
    return weft_because(why, WEFT_EINVAL, "terminals have no speed of %u baud; 9600 and 115200 are",
                        baud);
}

static void set_frame(struct termios *m, const weft_url_options *o)
{
    static const tcflag_t sizes[] = {CS5, CS6, CS7, CS8};
    cfmakeraw(m);
    m->c_cflag &= ~(tcflag_t)(CSIZE | PARENB | PARODD | CSTOPB | CRTSCTS);
    m->c_cflag |= sizes[o->data - 5] | CLOCAL | CREAD;
    if (o->parity != WEFT_PARITY_NONE)
        m->c_cflag |= PARENB | (o->parity == WEFT_PARITY_ODD ? (tcflag_t)PARODD : 0);
    if (o->stop == 2)
        m->c_cflag |= CSTOPB;
    if (o->flow == WEFT_FLOW_HARDWARE)
        m->c_cflag |= CRTSCTS;
    if (o->flow == WEFT_FLOW_SOFTWARE)
        m->c_iflag |= IXON | IXOFF;
    m->c_cc[VMIN] = 1;
    m->c_cc[VTIME] = 0;
}

static weft_err set_line(int fd, const weft_url *url, weft_why *why)
{
    struct termios modes;
    speed_t speed = B0;
    weft_err err = speed_of(url->options.baud, &speed, why);
    if (err != WEFT_OK)
        return err;
    if (tcgetattr(fd, &modes) != 0)
        return weft_because(why, WEFT_EINVAL, "%.100s is no serial line: %s", url->path,
                            strerror(errno));
    set_frame(&modes, &url->options);
    (void)cfsetispeed(&modes, speed);
    (void)cfsetospeed(&modes, speed);
    /* what came before is not for us */
    if (tcsetattr(fd, TCSANOW, &modes) != 0 || tcflush(fd, TCIFLUSH) != 0)
        return weft_because(why, weft_err_from_errno(errno),
                            "unable to set the modes of %.100s: %s", url->path, strerror(errno));
    return WEFT_OK;
}

static weft_err connect_serial(conn *c, const weft_url *url, weft_why *why)
{
    /* without O_NONBLOCK the open itself would wait for a carrier */
    int fd = open(url->path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return weft_because(why, weft_err_from_errno(errno), "unable to open %.100s: %s", url->path,
                            strerror(errno));
    wf_terminal_modes *was = wf_terminal_keep(fd);
    weft_err err = was != NULL || !isatty(fd)
                       ? set_line(fd, url, why)
                       : weft_because(why, WEFT_ELIMIT, "the modes of %d terminals are changed",
                                      WF_TERMINALS_MAX);
    if (err != WEFT_OK) {
        if (was != NULL)
            wf_terminal_give_back(was);
        (void)close(fd);
        return err;
    }
    if (wf_pipes_set(c, fd, fd, PIPES_NOTHING) != WEFT_OK) {
        wf_terminal_give_back(was);
        return weft_because(why, WEFT_ENOMEM, "no memory for a stream");
    }
    wf_pipes_restore(c, was);
    return WEFT_OK;
}

/* ---- all of them */

weft_err wf_local_connect(conn *c, const weft_url *url, weft_why *why)
{
    switch (url->scheme) {
    case WEFT_SCHEME_EXEC:
        return connect_exec(c, url, why);
    case WEFT_SCHEME_STDIO:
        return wf_stdio_connect(c, url, why);
    case WEFT_SCHEME_FD:
        return wf_given_connect(c, url, why);
    default:
        return connect_serial(c, url, why);
    }
}

int wf_local_listen(const weft_url *url, weft_address *local, weft_err *err, weft_why *why)
{
    return url->scheme == WEFT_SCHEME_STDIO ? wf_stdio_listen(err, why)
                                            : wf_given_listen(url, local, err, why);
}

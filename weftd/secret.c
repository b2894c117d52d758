/* SPDX-License-Identifier: MIT */
/* Finding out secrets. */
#include "secret.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

enum { CONTROL_C = 3 };

/* Reads a line of at most SECRET_BYTES_MAX bytes, without its end. */
static weft_err read_line(int fd, char text[SECRET_BYTES_MAX + 1])
{
    size_t n = 0;
    ssize_t got = 0;

    /* a byte at a time: what is behind the line is none of ours */
    while (n <= SECRET_BYTES_MAX) {
        got = read(fd, text + n, 1);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0 || text[n] == '\n' || text[n] == CONTROL_C)
            break;
        n++;
    }
    if (n > SECRET_BYTES_MAX)
        return WEFT_ETOOBIG;
    weft_err err = got < 0                            ? weft_err_from_errno(errno)
                   : got == 1 && text[n] == CONTROL_C ? WEFT_ECANCELLED
                                                      : WEFT_OK;
    n -= n > 0 && text[n - 1] == '\r';
    text[n] = '\0';
    return err != WEFT_OK ? err : n == 0 || strlen(text) != n ? WEFT_EINVAL : WEFT_OK;
}

static weft_err from_file(secret *s, const char *word, weft_why *why)
{
    int fd = open(s->file, O_RDONLY | O_CLOEXEC | O_NOCTTY);

    if (fd < 0)
        return weft_because(why, weft_err_from_errno(errno), "--%s-file %.100s: %s", word, s->file,
                            strerror(errno));
    weft_err err = read_line(fd, s->text);
    (void)close(fd);
    return err == WEFT_OK
               ? WEFT_OK
               : weft_because(why, err, "--%s-file %.100s: %s, expected a line of 1 to %u bytes",
                              word, s->file, weft_err_text(err), SECRET_BYTES_MAX);
}

/* Nothing is shown of what is typed. Control-C is read as a character, since a program ended by it would leave the
 * terminal so. */
static weft_err from_terminal(secret *s, const char *word, weft_why *why)
{
    int fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
    struct termios before, quiet;

    if (fd < 0 || tcgetattr(fd, &before) < 0) {
        if (fd >= 0)
            (void)close(fd);
        return weft_because(why, WEFT_EINVAL, "--ask-%s: there is no terminal to ask at", word);
    }
    quiet = before;
    quiet.c_lflag &= ~(tcflag_t)(ECHO | ISIG);
    quiet.c_cc[VEOL] = CONTROL_C;
    (void)tcsetattr(fd, TCSAFLUSH, &quiet);
    (void)dprintf(fd, "%s: ", word);
    weft_err err = read_line(fd, s->text);
    (void)dprintf(fd, "\n");
    (void)tcsetattr(fd, TCSAFLUSH, &before);
    (void)close(fd);
    return err == WEFT_OK ? WEFT_OK
                          : weft_because(why, err, "--ask-%s: %s", word, weft_err_text(err));
}

static weft_err from_environment(secret *s, const char *variable, weft_why *why)
{
    const char *value = getenv(variable);

    s->text[0] = '\0';
    if (value == NULL)
        return WEFT_OK;
    if (strlen(value) > SECRET_BYTES_MAX)
        return weft_because(why, WEFT_ETOOBIG, "$%s is longer than %u bytes", variable,
                            SECRET_BYTES_MAX);
    (void)snprintf(s->text, sizeof s->text, "%s", value);
    /* who is started is not told */
    (void)unsetenv(variable);
    return WEFT_OK;
}

weft_err secret_read(secret *s, const char *word, const char *variable, const char **out,
                     weft_why *why)
{
    weft_err err = WEFT_OK;

    if ((s->given != NULL) + (s->file != NULL) + s->ask > 1)
        return weft_because(why, WEFT_EINVAL, "expected one of --%s, --%s-file and --ask-%s", word,
                            word, word);
    if (s->given != NULL) {
        (void)fprintf(stderr,
                      "weftd: --%s is seen by others in the list of processes; --%s-file, --ask-%s "
                      "and $%s are not\n",
                      word, word, word, variable);
        *out = s->given;
        return WEFT_OK;
    }
    if (s->file != NULL)
        err = from_file(s, word, why);
    else if (s->ask)
        err = from_terminal(s, word, why);
    else
        err = from_environment(s, variable, why);
    if (err == WEFT_OK)
        *out = s->text[0] != '\0' ? s->text : NULL;
    return err;
}

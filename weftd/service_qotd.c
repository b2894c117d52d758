/* SPDX-License-Identifier: MIT */
/* The quote of the day, from a file or from those that come with weft. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <weft/wire.h>

#include "services.h"

enum { FILE_BYTES_MAX = 1 << 20 };

typedef struct qotd_settings {
    weft_option_urls listen;
    const char *file; /* NULL: the quotes that come with weft */
    char *text;       /* what stands in it */
    weft_wire_quotes quotes;
} qotd_settings;

static qotd_settings settings;

static const weft_option qotd_options[] = {
    OPTION_ROW_LISTEN(qotd_settings, "tcp://127.0.0.1:7017"),
    {.name = "file",
     .kind = WEFT_OPTION_TEXT,
     .value = "PATH",
     .at = offsetof(qotd_settings, file),
     .help = "quotes parted by lines of one %, as fortune has them; else those of weft"},
    {0},
};

static weft_err read_text(FILE *from, const char *path, char *text, weft_why *why)
{
    size_t n = fread(text, 1, FILE_BYTES_MAX, from);
    if (ferror(from) != 0)
        return weft_because(why, WEFT_EIO, "unable to read %.80s: %s", path, strerror(errno));
    if (n == FILE_BYTES_MAX)
        return weft_because(why, WEFT_ETOOBIG, "%.80s is too long, expected less than %d bytes",
                            path, FILE_BYTES_MAX);
    if (memchr(text, '\0', n) != NULL)
        return weft_because(why, WEFT_EINVAL, "%.80s has a zero byte, expected text", path);
    text[n] = '\0';
    weft_why wrong = {""};
    weft_err err = weft_wire_quotes_check(text, &wrong);
    return err == WEFT_OK ? WEFT_OK : weft_because(why, err, "%.80s: %s", path, wrong.text);
}

static weft_err load(qotd_settings *s, weft_why *why)
{
    FILE *from = fopen(s->file, "re");
    if (from == NULL)
        return weft_because(why, weft_err_from_errno(errno),
                            "--file %.80s: %s, expected a file of quotes", s->file,
                            strerror(errno));
    s->text = malloc(FILE_BYTES_MAX + 1);
    weft_err err = s->text != NULL ? read_text(from, s->file, s->text, why)
                                   : weft_because(why, WEFT_ENOMEM, "no memory for %.80s", s->file);
    (void)fclose(from);
    return err;
}

static weft_err qotd_check(void *at, weft_why *why)
{
    qotd_settings *s = at;
    weft_err err = s->file != NULL ? load(s, why) : WEFT_OK;
    s->quotes.text = s->text;
    return err;
}

static weft_err qotd_children(void *at, weft_children *to, weft_why *why)
{
    const qotd_settings *s = at;
    return weft_children_listen(to, &s->listen, &weft_wire_qotd, &s->quotes, why);
}

static void qotd_done(void *at)
{
    qotd_settings *s = at;
    free(s->text);
    s->text = NULL;
}

const weft_service service_qotd = {
    .name = "qotd",
    .summary = "say the quote of the day (RFC 865)",
    .about =
        "Each day (UTC) has its quote, the same for everybody. A quote is at most 512 bytes long,\n"
        "line ends as \"\\r\\n\" included. The file is read once, when weftd starts.",
    .example = "weftd qotd --file quotes.txt",
    .options = qotd_options,
    .settings = &settings,
    .check = qotd_check,
    .children = qotd_children,
    .done = qotd_done,
};

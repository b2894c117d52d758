/* SPDX-License-Identifier: MIT */
/* A plug-in: a service of one's own in a shared object, which weftd runs as it runs those it brings. It sends
 * back each line in capitals.
 * usage: weftd --plugin ./19_plugin.so shout --mark '!' */
#include <ctype.h>
#include <string.h>

#include <weft/plugin.h>
#include <weft/weft.h>

/* [options] */
typedef struct shout_settings {
    weft_option_urls listen;
    const char *mark;
} shout_settings;
static shout_settings settings;

static const weft_option options[] = {
    {.name = "listen",
     .kind = WEFT_OPTION_LISTEN,
     .value = "URL",
     .unset = "tcp://127.0.0.1:7015",
     .at = offsetof(shout_settings, listen),
     .help = "where to listen; may be given 16 times"},
    {.name = "mark",
     .kind = WEFT_OPTION_TEXT,
     .value = "TEXT",
     .unset = "!",
     .at = offsetof(shout_settings, mark),
     .help = "what stands behind each line"},
    {0},
};
/* [/options] */

/* [actor] */
static weft_err on_opened(weft_actor *self, weft_msg *msg)
{
    weft_why why;
    weft_err err = weft_frame_by(self, weft_sender(msg), &weft_lines, NULL, &why);
    return err == WEFT_OK ? WEFT_OK : weft_stop_because(self, err, "%s", why.text);
}

static weft_err on_line(weft_actor *self, weft_msg *msg)
{
    const weft_line *line = weft_body(msg);
    const shout_settings *s = weft_config(self);
    size_t n = line->bytes.size, mark = strlen(s->mark);
    char *loud = weft_scratch(msg, n + mark + 1);

    if (loud == NULL)
        return WEFT_ENOMEM;
    for (size_t i = 0; i < n; i++)
        loud[i] = (char)toupper(line->bytes.at[i]);
    memcpy(loud + n, s->mark, mark);
    loud[n + mark] = '\n';
    return weft_write_copy(self, weft_sender(msg), loud, n + mark + 1);
}

static const weft_handler handlers[] = {
    {.type = &weft_opened_type, .fn = on_opened},
    {.type = &weft_line_type, .fn = on_line},
    {0},
};
static const weft_behaviour shout = {.name = "shout", .handlers = handlers};
/* [/actor] */

/* [entry] */
static weft_err shout_check(void *at, weft_why *why)
{
    const shout_settings *s = at;
    if (strlen(s->mark) <= 8)
        return WEFT_OK;
    return weft_because(why, WEFT_EINVAL, "--mark is \"%.40s\", expected 8 bytes at most", s->mark);
}

static weft_err shout_children(void *at, weft_children *to, weft_why *why)
{
    const shout_settings *s = at;
    return weft_children_listen(to, &s->listen, &shout, s, why);
}

static const weft_service services[] = {
    {.name = "shout",
     .summary = "send back each line in capitals",
     .example = "weftd --plugin ./19_plugin.so shout --mark '!'",
     .options = options,
     .settings = &settings,
     .check = shout_check,
     .children = shout_children},
    {0},
};

const weft_plugin weft_plugin_entry = {
    .built = WEFT_PLUGIN_BUILT, .name = "shout", .services = services};
/* [/entry] */

/* SPDX-License-Identifier: MIT */
/* Telnet with a line editor: arrows, history, Tab, and a secret that is not shown.
 * usage: 39_telnet [URL], then: telnet 127.0.0.1 2323 */
#include <stdio.h>
#include <string.h>

#include <weft/weft.h>

typedef struct visit {
    weft_ref stream;
    weft_editor *editor;
    bool secret, leaving;
} visit;

/* [commands] */
static const char *const commands[] = {"hello", "terminal", "secret", "quit"};
enum { COMMANDS = sizeof commands / sizeof commands[0] };

/* Tab: the first word is a command. */
static void complete(void *context, const char *line, size_t at, weft_completion *to)
{
    (void)context;
    weft_completion_from(to, 0);
    for (int i = 0; i < COMMANDS && memchr(line, ' ', at) == NULL; i++)
        weft_completion_add(to, commands[i]);
}

static weft_err say(visit *v, const char *text)
{
    return weft_editor_print(v->editor, text, strlen(text));
}

/* Whether that is the first word; Tab has put a blank behind it. */
static bool is(const char *line, const char *command)
{
    size_t n = strlen(command);
    return strncmp(line, command, n) == 0 && (line[n] == '\0' || line[n] == ' ');
}

static weft_err on_line(weft_actor *self, visit *v)
{
    const char *line = weft_editor_line(v->editor);
    char text[128];
    weft_telnet_info info;
    if (v->secret) {
        v->secret = false;
        (void)snprintf(text, sizeof text, "%zu bytes, and nobody saw them\n", strlen(line));
    } else if (is(line, "hello")) {
        (void)snprintf(text, sizeof text, "hello%.100s\n", line + 5);
    } else if (is(line, "terminal") && weft_telnet_about(self, v->stream, &info) == WEFT_OK) {
        (void)snprintf(text, sizeof text, "%s, %u columns, %u rows\n", info.terminal, info.columns,
                       info.rows);
    } else if (is(line, "secret")) {
        v->secret = true;
        return WEFT_OK;
    } else if (is(line, "quit")) {
        v->leaving = true;
        return WEFT_OK;
    } else
        (void)snprintf(text, sizeof text, "expected hello, terminal, secret or quit\n");
    return say(v, text);
}
/* [/commands] */

/* [editor] */
static void prompt(visit *v)
{
    weft_editor_begin(v->editor, v->secret ? "secret: " : "> ", v->secret);
}

/* What the editor has to show goes to the terminal. */
static weft_err show(weft_actor *self, visit *v)
{
    size_t n;
    const char *out = weft_editor_output(v->editor, &n);
    return n != 0 ? weft_write_copy(self, v->stream, out, n) : WEFT_OK;
}

static weft_err on_opened(weft_actor *self, weft_msg *msg)
{
    static const weft_editor_options options = {.complete = complete};
    visit *v = weft_state(self);
    weft_why why;
    v->stream = weft_sender(msg);
    v->editor = weft_editor_new(&options);
    if (v->editor == NULL)
        return WEFT_ENOMEM;
    weft_err err = weft_telnet_speak(self, v->stream, NULL, &why);
    prompt(v);
    return err != WEFT_OK ? err : show(self, v);
}

static weft_err on_data(weft_actor *self, weft_msg *msg)
{
    visit *v = weft_state(self);
    weft_bytes in = ((const weft_data *)weft_body(msg))->bytes;
    weft_editor_event event;
    weft_err err = WEFT_OK;
    for (size_t at = 0, used; at < in.size && !v->leaving && err == WEFT_OK; at += used) {
        err = weft_editor_feed(v->editor, in.at + at, in.size - at, &used, &event);
        if (err == WEFT_OK && event == WEFT_EDITOR_LINE)
            err = on_line(self, v);
        v->leaving |= event == WEFT_EDITOR_END;
        if (event != WEFT_EDITOR_NOTHING && !v->leaving)
            prompt(v);
    }
    if (err == WEFT_OK)
        err = show(self, v); /* EFULL: nobody reads at the other end */
    return v->leaving ? weft_close(self, v->stream) : err;
}

/* The window has another size, or an option was agreed on. */
static weft_err on_event(weft_actor *self, weft_msg *msg)
{
    visit *v = weft_state(self);
    weft_telnet_info info;
    (void)msg;
    if (weft_telnet_about(self, v->stream, &info) != WEFT_OK)
        return WEFT_OK; /* lost meanwhile */
    weft_err err = weft_editor_resize(v->editor, info.columns, info.rows);
    return err != WEFT_OK ? err : show(self, v);
}

static void on_over(weft_actor *self, weft_err reason)
{
    (void)reason;
    weft_editor_free(&((visit *)weft_state(self))->editor);
}

static const weft_handler rows[] = {
    {.type = &weft_opened_type, .fn = on_opened},
    {.type = &weft_data_type, .fn = on_data},
    {.type = &weft_telnet_event_type, .fn = on_event},
    {0},
};
static const weft_behaviour visitor = {
    .name = "visitor", .handlers = rows, .state_bytes = sizeof(visit), .ended = on_over};
/* [/editor] */

int main(int argc, char **argv)
{
    return weft_serve(argc > 1 ? argv[1] : "tcp://127.0.0.1:2323", &visitor, NULL);
}

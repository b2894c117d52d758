/* SPDX-License-Identifier: MIT */
/* Keys of strangers: the same lines however they are cut, always UTF-8 within their limit, and nothing is sent
 * to the terminal but what a terminal may be sent. */
#include <stdlib.h>
#include <string.h>

#include <weft/editor.h>

#include "terminal_width.h"

enum { LINE_BYTES_MAX = 100 };

static void complete(void *context, const char *line, size_t at, weft_completion *to)
{
    size_t start = at;
    (void)context;
    while (start > 0 && line[start - 1] != ' ')
        start--;
    weft_completion_from(to, start);
    weft_completion_add(to, "tree");
    weft_completion_add(to, "top");
    weft_completion_add(to, "t\xc3\xa4");
}

static void check_output(weft_editor *e)
{
    size_t n;
    const char *out = weft_editor_output(e, &n);
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)out[i];
        if (c < 0x20 && c != '\r' && c != '\n' && c != '\a' && c != 0x1b)
            abort();
        if (c == 0x1b && (i + 2 >= n || out[i + 1] != '['))
            abort();
    }
}

static uint64_t type(const uint8_t *at, size_t n, size_t step, uint16_t columns)
{
    uint64_t hash = 0;
    weft_editor *e = weft_editor_new(&(weft_editor_options){.line_bytes_max = LINE_BYTES_MAX,
                                                            .history_max = 4,
                                                            .columns = columns,
                                                            .rows = 3,
                                                            .complete = complete});
    if (e == NULL)
        abort();
    weft_editor_begin(e, "> ", false);
    for (size_t i = 0; i < n;) {
        size_t size = n - i < step ? n - i : step, used;
        weft_editor_event event;
        if (weft_editor_feed(e, at + i, size, &used, &event) != WEFT_OK || used > size ||
            (used < size && event == WEFT_EDITOR_NOTHING))
            abort();
        i += used;
        check_output(e);
        const char *line = weft_editor_line(e);
        if (strlen(line) > LINE_BYTES_MAX || !wf_text_prints(line))
            abort();
        if (event == WEFT_EDITOR_NOTHING)
            continue;
        for (const char *c = line; *c != '\0'; c++)
            hash = hash * 31 + (uint8_t)*c;
        hash = hash * 31 + event;
        weft_editor_begin(e, "> ", false);
    }
    for (const char *c = weft_editor_line(e); *c != '\0'; c++)
        hash = hash * 31 + (uint8_t)*c;
    weft_editor_free(&e);
    return hash;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    uint16_t columns = (uint16_t)(8 + data[0] / 16);
    if (type(data + 1, size - 1, size, columns) !=
        type(data + 1, size - 1, 1 + data[0] % 16, columns))
        abort();
    return 0;
}

/* SPDX-License-Identifier: MIT */
/* A line to one stream: as it is, or as a message of a WebSocket of either kind (IRCv3, "WebSocket"). */
#include "irc_server.h"

#include <string.h>

#include <weft/websocket.h>

#include "http/http_writer.h"

#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD in UTF-8 */

enum {
    REPLACEMENT_BYTES = sizeof REPLACEMENT - 1,
    TEXT_BYTES_MAX = WEFT_IRC_TAGS_BYTES_MAX + 1024 + WEFT_IRC_LINE_BYTES_MAX,
};

/* What was agreed on; who says nothing gets text, as other servers have it, and browsers want it. */
wf_irc_wire wf_irc_wire_of(weft_actor *self, weft_ref stream)
{
    weft_ws_info info;
    if (weft_ws_about(self, stream, &info) != WEFT_OK)
        return WF_IRC_LINES;
    return strcmp(info.protocol, "binary.ircv3.net") == 0 ? WF_IRC_BINARY : WF_IRC_TEXT;
}

/* The bytes of a line before which its tags stand. */
static size_t tags_of(const char *at, size_t n)
{
    const char *blank = n > 0 && at[0] == '@' ? memchr(at, ' ', n) : NULL;
    return blank != NULL ? (size_t)(blank - at) + 1 : 0;
}

/* Well-formed UTF-8 of the line, as long as a line may be and cut at the end of a character. */
static size_t make_text(const char *at, size_t n, char *to)
{
    size_t tags = tags_of(at, n), room = tags * REPLACEMENT_BYTES, made = 0;
    for (size_t i = 0; i < n;) {
        size_t good = wf_http_utf8_length(at + i, n - i), put = good > 0 ? good : REPLACEMENT_BYTES;
        if (i == tags)
            room = made + WEFT_IRC_LINE_BYTES_MAX;
        if (made + put > room)
            break;
        memcpy(to + made, good > 0 ? at + i : REPLACEMENT, put);
        made += put;
        i += good > 0 ? good : 1;
    }
    return made;
}

/* "text.ircv3.net": what is no UTF-8 is replaced. */
static weft_err send_text(weft_actor *self, weft_ref stream, weft_bytes line)
{
    char text[TEXT_BYTES_MAX * REPLACEMENT_BYTES];
    weft_err err = weft_ws_send(self, stream, WEFT_WS_TEXT, line);
    if (err != WEFT_EINVAL || line.size > TEXT_BYTES_MAX)
        return err;
    size_t n = make_text((const char *)line.at, line.size, text);
    return weft_ws_send(self, stream, WEFT_WS_TEXT,
                        (weft_bytes){.at = (const uint8_t *)text, .size = n});
}

weft_err wf_irc_write(weft_actor *self, weft_ref stream, wf_irc_wire wire, weft_bytes line)
{
    if (wire == WF_IRC_LINES)
        return weft_write(self, stream, line);
    line.size -= 2; /* a message has no line end */
    return wire == WF_IRC_TEXT ? send_text(self, stream, line)
                               : weft_ws_send(self, stream, WEFT_WS_BINARY, line);
}

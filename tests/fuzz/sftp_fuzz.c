/* SPDX-License-Identifier: MIT */
/* Packets of SFTP from strangers: what is read of one lies within it, and paths stay below their root. */
#include <stdlib.h>
#include <string.h>

#include "sftp_codec.h"
#include "sftp_path.h"

enum { PACKET_MAX = 4096 };

static void is_within(wf_sftp_text text, const uint8_t *at, size_t size)
{
    if (text.size != 0 && (text.at < at || text.at + text.size > at + size))
        abort();
}

static void look_at_path(wf_sftp_text text)
{
    char path[PATH_MAX];
    if (!wf_sftp_path(text, path))
        return;
    if (path[0] == '/' || strcmp(path, "..") == 0 || strncmp(path, "../", 3) == 0 ||
        strstr(path, "/../") != NULL || strstr(path, "//") != NULL)
        abort();
}

/* The same bytes as what a server says. */
static void look_at_reply(const uint8_t *data, size_t bytes)
{
    wf_sftp_reply r;
    wf_sftp_text name;
    wf_sftp_attrs attrs;
    if (!wf_sftp_read_reply(data, bytes, &r))
        return;
    is_within(r.text, data, bytes);
    while (r.names != 0 && wf_sftp_next_name(&r, &name, &attrs))
        is_within(name, data, bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t bytes = 0;
    wf_sftp_request r;
    uint8_t reply[256];
    while (size > 0) {
        if (!wf_sftp_packet(data, size, PACKET_MAX, &bytes) || bytes == 0 || bytes > size)
            break;
        look_at_reply(data, bytes);
        bool good = wf_sftp_read(data, bytes, &r);
        if (good) {
            is_within(r.path, data, bytes);
            is_within(r.path2, data, bytes);
            look_at_path(r.path);
            wf_sftp_out out = {.at = reply, .max = sizeof reply};
            wf_sftp_begin(&out, SFTP_NAME, r.id);
            wf_sftp_put_text(&out, r.path.at, r.path.size);
            wf_sftp_put_attrs(&out, &r.attrs);
            if (!wf_sftp_end(&out) && out.size != 0)
                abort();
        }
        data += bytes;
        size -= bytes;
    }
    return 0;
}

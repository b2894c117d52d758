/* SPDX-License-Identifier: MIT */
/* Keys, what answers them, and the choice of a subprotocol. */
#include "ws_handshake.h"

#include <string.h>

#include <weft/hash.h>

#include "http/http_fields.h"

/* RFC 6455 section 1.3 */
#define GUID "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

static bool is_base64(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' ||
           c == '/';
}

bool wf_ws_key_is_valid(weft_http_text value)
{
    if (value.bytes != WF_WS_KEY_BYTES || memcmp(value.at + WF_WS_KEY_BYTES - 2, "==", 2) != 0)
        return false;
    for (size_t i = 0; i < WF_WS_KEY_BYTES - 2; i++)
        if (!is_base64(value.at[i]))
            return false;
    return true;
}

bool wf_ws_accept_of(weft_http_text key, char out[WF_WS_ACCEPT_BYTES + 1])
{
    char text[WF_WS_KEY_BYTES + sizeof GUID];
    uint8_t hash[WEFT_SHA1_BYTES];
    memcpy(text, key.at, WF_WS_KEY_BYTES);
    memcpy(text + WF_WS_KEY_BYTES, GUID, sizeof GUID);
    if (!weft_sha1(text, sizeof text - 1, hash))
        return false;
    (void)weft_base64(hash, sizeof hash, out);
    return true;
}

bool wf_ws_list_has(weft_http_text list, const char *word)
{
    weft_http_text member;
    while (wf_http_list_next(&list, &member))
        if (wf_http_text_is(member, word))
            return true;
    return false;
}

/* Subprotocols are told apart by case (RFC 6455 section 4.1 has them as they stand). */
static bool offers(weft_http_text list, const char *name)
{
    weft_http_text member;
    while (wf_http_list_next(&list, &member))
        if (member.bytes == strlen(name) && memcmp(member.at, name, member.bytes) == 0)
            return true;
    return false;
}

const char *wf_ws_protocol_choose(const char *const *ours, weft_http_text offered)
{
    for (; ours != NULL && *ours != NULL; ours++)
        if (offered.at != NULL && offers(offered, *ours))
            return *ours;
    return NULL;
}

/* SPDX-License-Identifier: MIT */
/* The pieces that the heads of requests and responses have in common. */
#include "http1_put.h"

#include "http1_parts.h"

#define NUMBER_BYTES_MAX 20u

#define CONTENT_LENGTH "Content-Length: "
#define CHUNKED "Transfer-Encoding: chunked\r\n"
#define CLOSE "Connection: close\r\n"
#define KEEP_ALIVE "Connection: keep-alive\r\n"
#define UPGRADE "Connection: upgrade\r\nUpgrade: "
#define UPGRADE_CLOSE "Connection: close, upgrade\r\nUpgrade: "

_Static_assert(LINE_BYTES(CONTENT_LENGTH) + NUMBER_BYTES_MAX + LINE_BYTES(UPGRADE_CLOSE) + 2 <=
                       WF_HTTP1_FIXED_BYTES_MAX &&
                   sizeof CHUNKED + LINE_BYTES(UPGRADE_CLOSE) + 2 <= WF_HTTP1_FIXED_BYTES_MAX,
               "room for the longest of each");

uint8_t *wf_http1_put_number(uint8_t *p, uint64_t n)
{
    static const char pairs[] = "0001020304050607080910111213141516171819"
                                "2021222324252627282930313233343536373839"
                                "4041424344454647484950515253545556575859"
                                "6061626364656667686970717273747576777879"
                                "8081828384858687888990919293949596979899";
    char digits[NUMBER_BYTES_MAX];
    size_t at = sizeof digits;

    while (n >= 100) {
        at -= 2;
        memcpy(&digits[at], &pairs[n % 100 * 2], 2);
        n /= 100;
    }
    if (n >= 10) {
        at -= 2;
        memcpy(&digits[at], &pairs[n * 2], 2);
    } else {
        digits[--at] = (char)('0' + n);
    }
    return put(p, &digits[at], sizeof digits - at);
}

/* ---- checks ---- */

/* Text that stands in a line of its own. */
weft_err wf_http1_check_text(weft_http_text text, const char *what, weft_why *why)
{
    size_t n = wf_http_value_span(text.at, text.bytes);

    if (n == text.bytes)
        return WEFT_OK;
    return weft_because(why, WEFT_EINVAL, "%s has byte 0x%02x, expected visible text", what,
                        (uint8_t)text.at[n]);
}

static weft_err check_field(const weft_http_field *field, weft_why *why)
{
    weft_http_text name = {field->name, field->name_bytes};
    size_t n = wf_http_value_span(field->value, field->value_bytes);

    if (!wf_http_is_token(name.at, name.bytes))
        return weft_because(why, WEFT_EINVAL, "\"%s\" is no field name, expected a token",
                            wf_http1_show(name).text);
    if (n == field->value_bytes)
        return WEFT_OK;
    return weft_because(why, WEFT_EINVAL, "the field %s has byte 0x%02x, expected visible text",
                        wf_http1_show(name).text, (uint8_t)field->value[n]);
}

/* Fields that are derived from something else here; a second spelling could contradict the first.
 */
static weft_err check_not_ours(const weft_http_field *field, bool request, weft_why *why)
{
    const char *instead;

    switch (wf_http_name_of(field->name, field->name_bytes)) {
    case WF_HTTP_CONTENT_LENGTH:
    case WF_HTTP_TRANSFER_ENCODING:
        instead = "framing";
        break;
    case WF_HTTP_CONNECTION:
        instead = "close";
        break;
    case WF_HTTP_UPGRADE:
        instead = "upgrade";
        break;
    case WF_HTTP_HOST:
        if (!request)
            return WEFT_OK;
        instead = "host";
        break;
    default:
        return WEFT_OK;
    }
    return weft_because(
        why, WEFT_EINVAL, "the field %s is not to be given, expected `%s` to say it",
        wf_http1_show((weft_http_text){field->name, field->name_bytes}).text, instead);
}

weft_err wf_http1_no_room(size_t room, size_t bound, weft_why *why)
{
    return weft_because(why, WEFT_ETOOBIG, "a head of up to %zu bytes, expected at most %zu", bound,
                        room);
}

size_t wf_http1_fields_bound(const weft_http_field *fields, uint32_t count)
{
    size_t n = 0;
    for (uint32_t i = 0; i < count; i++)
        n += (size_t)fields[i].name_bytes + fields[i].value_bytes + 4;
    return n;
}

/* ---- what both heads share ---- */

weft_err wf_http1_put_fields(uint8_t **p, const weft_http_field *fields, uint32_t count,
                             bool request, weft_why *why)
{
    for (uint32_t i = 0; i < count; i++) {
        const weft_http_field *field = &fields[i];
        weft_err err = check_field(field, why);
        if (err == WEFT_OK)
            err = check_not_ours(field, request, why);
        if (err != WEFT_OK)
            return err;
        *p = put(*p, field->name, field->name_bytes);
        *p = PUT(*p, ": ");
        if (field->value_bytes > 0)
            *p = put(*p, field->value, field->value_bytes);
        *p = PUT(*p, "\r\n");
    }
    return WEFT_OK;
}

uint8_t *wf_http1_put_framing(uint8_t *p, wf_http1_framing framing, uint64_t content_length)
{
    if (framing == WF_HTTP1_CHUNKED)
        return PUT(p, CHUNKED);
    if (framing == WF_HTTP1_LENGTH) {
        p = PUT(p, CONTENT_LENGTH);
        p = wf_http1_put_number(p, content_length);
        p = PUT(p, "\r\n");
    }
    return p;
}

uint8_t *wf_http1_put_connection(uint8_t *p, bool close, bool keep_alive, weft_http_text upgrade)
{
    if (upgrade.bytes > 0)
        return close ? PUT_LINE(p, UPGRADE_CLOSE, upgrade) : PUT_LINE(p, UPGRADE, upgrade);
    if (close)
        return PUT(p, CLOSE);
    return keep_alive ? PUT(p, KEEP_ALIVE) : p;
}

/* SPDX-License-Identifier: MIT */
/* The names of methods and the texts of statuses. */
#include <weft/http_types.h>

#include <string.h>

#include "http_statuses.h"

static const struct {
    const char *name;
    uint32_t bytes;
} methods[] = {
    [WEFT_HTTP_GET] = {"GET", 3},         [WEFT_HTTP_HEAD] = {"HEAD", 4},
    [WEFT_HTTP_POST] = {"POST", 4},       [WEFT_HTTP_PUT] = {"PUT", 3},
    [WEFT_HTTP_DELETE] = {"DELETE", 6},   [WEFT_HTTP_CONNECT] = {"CONNECT", 7},
    [WEFT_HTTP_OPTIONS] = {"OPTIONS", 7}, [WEFT_HTTP_TRACE] = {"TRACE", 5},
    [WEFT_HTTP_PATCH] = {"PATCH", 5},
};

const char *weft_http_method_name(weft_http_method method)
{
    return (unsigned)method < WEFT_HTTP_OTHER ? methods[method].name : "";
}

weft_http_method weft_http_method_of(const char *name, size_t name_bytes)
{
    for (unsigned m = 0; m < WEFT_HTTP_OTHER; m++)
        if (methods[m].bytes == name_bytes && memcmp(methods[m].name, name, name_bytes) == 0)
            return (weft_http_method)m;
    return WEFT_HTTP_OTHER;
}

const char *weft_http_status_text(int status)
{
    switch (status) {
#define ROW(code, text) \
    case code:          \
        return text;
        WF_HTTP_STATUSES(ROW)
#undef ROW
    default:
        return "";
    }
}

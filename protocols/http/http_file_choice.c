/* SPDX-License-Identifier: MIT */
/* From the fields of a request to what it is answered with. */
#include "http_file_choice.h"

#include "http_fields.h"

#define NAME_BIT(name) (UINT64_C(1) << (name))

/* Where the value of the field goes; NULL: it is not looked at. */
static weft_http_text *slot_of(wf_http_wish *wish, wf_http_name name)
{
    switch (name) {
    case WF_HTTP_IF_MATCH:
        return &wish->conditions.if_match;
    case WF_HTTP_IF_NONE_MATCH:
        return &wish->conditions.if_none_match;
    case WF_HTTP_IF_MODIFIED_SINCE:
        return &wish->conditions.if_modified_since;
    case WF_HTTP_IF_UNMODIFIED_SINCE:
        return &wish->conditions.if_unmodified_since;
    case WF_HTTP_RANGE:
        return &wish->range;
    case WF_HTTP_IF_RANGE:
        return &wish->if_range;
    default:
        return NULL;
    }
}

static void take_field(wf_http_wish *wish, const weft_http_field *field)
{
    wf_http_name name = wf_http_name_of(field->name, field->name_bytes);
    weft_http_text value = {field->value, field->value_bytes};

    if (name == WF_HTTP_ACCEPT_ENCODING) {
        wf_http_accept_add(&wish->accept, value);
        return;
    }
    weft_http_text *slot = slot_of(wish, name);
    if (slot == NULL)
        return;
    if (slot->at != NULL)
        wish->repeated |= NAME_BIT(name);
    else
        *slot = value;
    wish->conditional = true;
}

/* A field that is no list, on two lines, is none that could be obeyed. What cannot be judged asks
 * for the whole. */
static void drop_repeated(wf_http_wish *wish)
{
    const weft_http_text none = {NULL, 0};

    if ((wish->repeated & NAME_BIT(WF_HTTP_IF_MODIFIED_SINCE)) != 0)
        wish->conditions.if_modified_since = none;
    if ((wish->repeated & NAME_BIT(WF_HTTP_IF_UNMODIFIED_SINCE)) != 0)
        wish->conditions.if_unmodified_since = none;
    if ((wish->repeated & (NAME_BIT(WF_HTTP_RANGE) | NAME_BIT(WF_HTTP_IF_RANGE))) != 0)
        wish->range = none;
}

void wf_http_wish_read(wf_http_wish *wish, weft_http_method method, const weft_http_field *fields,
                       uint32_t fields_count)
{
    *wish = (wf_http_wish){.method = method};
    for (uint32_t i = 0; i < fields_count; i++)
        take_field(wish, &fields[i]);
    if (wish->repeated != 0)
        drop_repeated(wish);
    /* "A server MUST ignore a Range header field received with a request method that is
     * unrecognized or for which range handling is not defined. For this specification, GET is the
     * only method for which range handling is defined" (RFC 9110 14.2). */
    if (method != WEFT_HTTP_GET)
        wish->range = (weft_http_text){NULL, 0};
}

wf_http_coding wf_http_wish_coding(const wf_http_wish *wish, unsigned offered, unsigned on_the_fly)
{
    if (wish->range.at != NULL)
        offered &= ~on_the_fly;
    if (offered == WF_HTTP_CODING_BIT(WF_HTTP_IDENTITY))
        return WF_HTTP_IDENTITY;
    wf_http_coding coding = wf_http_accept_best(&wish->accept, offered);
    return coding != WF_HTTP_CODING_NONE ? coding : WF_HTTP_IDENTITY;
}

static wf_http_answer_kind choose_range(const wf_http_wish *wish, const wf_http_current *current,
                                        uint64_t size, int64_t now_s, wf_http_choice *choice)
{
    if (wish->range.at == NULL || !wf_http_if_range(wish->if_range, current, now_s))
        return WF_HTTP_ANSWER_WHOLE;
    switch (wf_http_range_parse(wish->range, size, choice->ranges, WF_HTTP_RANGES_MAX_DEFAULT,
                                &choice->ranges_n)) {
    case WF_HTTP_RANGE_WHOLE:
        return WF_HTTP_ANSWER_WHOLE;
    case WF_HTTP_RANGE_UNSATISFIABLE:
        return WF_HTTP_ANSWER_UNSATISFIABLE;
    case WF_HTTP_RANGE_PARTIAL:
        break;
    }
    return choice->ranges_n == 1 ? WF_HTTP_ANSWER_PART : WF_HTTP_ANSWER_PARTS;
}

void wf_http_choose(const wf_http_wish *wish, const wf_http_current *current, uint64_t size,
                    bool ranges, int64_t now_s, wf_http_choice *choice)
{
    switch (wf_http_judge(&wish->conditions, wish->method, current, now_s)) {
    case WF_HTTP_NOT_MODIFIED:
        choice->kind = WF_HTTP_ANSWER_NOT_MODIFIED;
        return;
    case WF_HTTP_PRECONDITION_FAILED:
        choice->kind = WF_HTTP_ANSWER_FAILED;
        return;
    case WF_HTTP_PROCEED:
        break;
    }
    choice->kind = ranges ? choose_range(wish, current, size, now_s, choice) : WF_HTTP_ANSWER_WHOLE;
}

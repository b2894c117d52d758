/* SPDX-License-Identifier: MIT */
/* What a Set-Cookie says (RFC 6265bis section 5.6), read as leniently as it says to. */
#include "http_cookie.h"

#include <string.h>

#include "http_fields.h"
#include "http_lex.h"

/* Takes what stands before the first @c; *@rest becomes what follows, `at` NULL if there is no @c. */
static weft_http_text cut(weft_http_text text, char c, weft_http_text *rest)
{
    const char *at = text.bytes != 0 ? memchr(text.at, c, text.bytes) : NULL;
    *rest = (weft_http_text){NULL, 0};
    if (at == NULL)
        return text;
    uint32_t n = (uint32_t)(at - text.at);
    *rest = (weft_http_text){at + 1, text.bytes - n - 1};
    return (weft_http_text){text.at, n};
}

/* ---- dates: section 5.1.1 */

static bool is_delimiter(char c)
{
    unsigned char u = (unsigned char)c;
    return u == 0x09 || (u >= 0x20 && u <= 0x2f) || (u >= 0x3b && u <= 0x40) ||
           (u >= 0x5b && u <= 0x60) || (u >= 0x7b && u <= 0x7e);
}

typedef struct moment {
    int hour, minute, second, day, month, year;
    bool time, has_day, has_month, has_year;
} moment;

/* @least to @most digits, then no digit more. -1: it is not that. */
static int digits(const char **at, const char *end, int least, int most)
{
    int n = 0, value = 0;
    for (; *at < end && wf_http_is_digit(**at); (*at)++, n++)
        value = n < most ? value * 10 + (**at - '0') : value;
    return n >= least && n <= most ? value : -1;
}

static bool read_time(weft_http_text token, moment *m)
{
    const char *at = token.at, *end = at + token.bytes;
    int part[3];
    for (int i = 0; i < 3; i++) {
        part[i] = digits(&at, end, 1, 2);
        if (part[i] < 0 || (i < 2 && (at == end || *at++ != ':')))
            return false;
    }
    m->hour = part[0];
    m->minute = part[1];
    m->second = part[2];
    return true;
}

static int month_of(weft_http_text token)
{
    static const char months[] = "janfebmaraprmayjunjulaugsepoctnovdec";
    for (int i = 0; token.bytes >= 3 && i < 12; i++)
        if (wf_http_lower(token.at[0]) == months[3 * i] &&
            wf_http_lower(token.at[1]) == months[3 * i + 1] &&
            wf_http_lower(token.at[2]) == months[3 * i + 2])
            return i + 1;
    return 0;
}

static void read_token(weft_http_text token, moment *m)
{
    const char *at = token.at, *end = at + token.bytes;
    int value;
    if (!m->time && (m->time = read_time(token, m)))
        return;
    if (!m->has_day && (value = digits(&at, end, 1, 2)) >= 0) {
        m->day = value;
        m->has_day = true;
        return;
    }
    if (!m->has_month && (value = month_of(token)) != 0) {
        m->month = value;
        m->has_month = true;
        return;
    }
    at = token.at;
    if (!m->has_year && (value = digits(&at, end, 2, 4)) >= 0) {
        m->year = value;
        m->has_year = true;
    }
}

/* Days from 1970-01-01, of a date that may be (H. Hinnant, "chrono-compatible date algorithms"). */
static int64_t days_of(int year, int month, int day)
{
    int64_t y = month <= 2 ? year - 1 : year;
    int64_t era = y / 400, of_era = y - era * 400;
    int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static bool read_date(weft_http_text text, int64_t *out)
{
    moment m = {.hour = 0};
    if (text.bytes == 0)
        return false;
    const char *at = text.at, *end = at + text.bytes;
    while (at < end) {
        while (at < end && is_delimiter(*at))
            at++;
        const char *from = at;
        while (at < end && !is_delimiter(*at))
            at++;
        if (at > from)
            read_token((weft_http_text){from, (uint32_t)(at - from)}, &m);
    }
    if (m.year >= 70 && m.year <= 99)
        m.year += 1900;
    else if (m.year <= 69)
        m.year += 2000;
    if (!m.time || !m.has_day || !m.has_month || !m.has_year || m.day < 1 || m.day > 31 ||
        m.year < 1601 || m.hour > 23 || m.minute > 59 || m.second > 59)
        return false;
    *out = days_of(m.year, m.month, m.day) * 86400 + m.hour * 3600 + m.minute * 60 + m.second;
    return true;
}

/* ---- attributes: sections 5.6.1 to 5.6.6 */

typedef struct reading {
    wf_http_cookie *cookie;
    int64_t now_s;
    bool max_age; /* which goes before Expires */
} reading;

static void set_expiry(reading *r, int64_t at)
{
    int64_t most = r->now_s + WF_HTTP_COOKIE_AGE_MAX_S;
    r->cookie->persistent = true;
    r->cookie->expires_s = at < most ? at : most;
}

static void read_max_age(reading *r, weft_http_text value)
{
    bool minus = value.bytes != 0 && value.at[0] == '-';
    uint32_t from = minus ? 1 : 0;
    int64_t age = 0;
    if (value.bytes == from)
        return;
    for (uint32_t i = from; i < value.bytes; i++) {
        if (!wf_http_is_digit(value.at[i]))
            return;
        age = age < WF_HTTP_COOKIE_AGE_MAX_S ? age * 10 + (value.at[i] - '0') : age;
    }
    r->max_age = true;
    if (minus || age == 0)
        set_expiry(r, INT64_MIN / 2);
    else
        set_expiry(r, r->now_s + (age < WF_HTTP_COOKIE_AGE_MAX_S ? age : WF_HTTP_COOKIE_AGE_MAX_S));
}

static void read_attribute(reading *r, weft_http_text name, weft_http_text value)
{
    wf_http_cookie *c = r->cookie;
    int64_t at;
    if (value.bytes > WF_HTTP_COOKIE_ATTRIBUTE_BYTES_MAX)
        return;
    if (wf_http_text_is(name, "expires")) {
        if (!r->max_age && read_date(value, &at))
            set_expiry(r, at);
    } else if (wf_http_text_is(name, "max-age"))
        read_max_age(r, value);
    else if (wf_http_text_is(name, "domain")) {
        c->domain = value;
        if (value.bytes != 0 && value.at[0] == '.')
            c->domain = (weft_http_text){value.at + 1, value.bytes - 1};
        if (c->domain.bytes == 0)
            c->domain.at = NULL;
    } else if (wf_http_text_is(name, "path"))
        c->path = value.bytes != 0 && value.at[0] == '/' ? value : (weft_http_text){NULL, 0};
    else if (wf_http_text_is(name, "secure"))
        c->secure = true;
    else if (wf_http_text_is(name, "httponly"))
        c->http_only = true;
}

static bool has_control(weft_http_text text)
{
    for (uint32_t i = 0; i < text.bytes; i++) {
        unsigned char c = (unsigned char)text.at[i];
        if ((c < 0x20 && c != '\t') || c == 0x7f)
            return true;
    }
    return false;
}

bool wf_http_cookie_parse(weft_http_text field, int64_t now_s, wf_http_cookie *out)
{
    wf_http_cookie cookie = {.secure = false};
    reading r = {&cookie, now_s, false};
    weft_http_text rest, value;
    if (field.at == NULL || has_control(field))
        return false;
    weft_http_text name = cut(cut(field, ';', &rest), '=', &value);
    if (value.at == NULL) { /* without '=' all of it is the value */
        value = name;
        name.bytes = 0;
    }
    cookie.name = wf_http_trimmed(name);
    cookie.value = wf_http_trimmed(value);
    if (cookie.name.bytes + cookie.value.bytes == 0 ||
        cookie.name.bytes + cookie.value.bytes > WF_HTTP_COOKIE_BYTES_MAX)
        return false;
    while (rest.at != NULL) {
        name = cut(cut(rest, ';', &rest), '=', &value);
        read_attribute(&r, wf_http_trimmed(name), wf_http_trimmed(value));
    }
    *out = cookie;
    return true;
}

/* ---- matching */

bool wf_http_cookie_domain_matches(const char *host, weft_http_text domain)
{
    size_t n = strlen(host);
    if (domain.bytes == 0 || n < domain.bytes)
        return false;
    for (uint32_t i = 0; i < domain.bytes; i++)
        if (wf_http_lower(domain.at[i]) != host[n - domain.bytes + i])
            return false;
    if (n == domain.bytes)
        return true;
    bool address = strchr(host, ':') != NULL || strspn(host, "0123456789.") == n;
    return host[n - domain.bytes - 1] == '.' && !address;
}

bool wf_http_cookie_path_matches(weft_http_text request_path, weft_http_text cookie_path)
{
    if (request_path.bytes == 0)
        request_path = (weft_http_text){"/", 1};
    if (request_path.bytes < cookie_path.bytes ||
        (cookie_path.bytes != 0 && memcmp(request_path.at, cookie_path.at, cookie_path.bytes) != 0))
        return false;
    return request_path.bytes == cookie_path.bytes ||
           (cookie_path.bytes != 0 && cookie_path.at[cookie_path.bytes - 1] == '/') ||
           request_path.at[cookie_path.bytes] == '/';
}

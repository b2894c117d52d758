/* SPDX-License-Identifier: MIT */
/* Commands: words, then what each takes, one row a verb. */
#include "smtp_commands.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "smtp_address.h"

/* What is left of a line. */
typedef struct rest {
    const char *at;
    size_t n;
} rest;

static bool refuse(weft_smtp_status *wrong, uint16_t code, uint8_t detail, const char *format, ...)
    WEFT_PRINTF(4, 5);

static bool refuse(weft_smtp_status *wrong, uint16_t code, uint8_t detail, const char *format, ...)
{
    va_list args;
    *wrong = (weft_smtp_status){.code = code, .subject = 5, .detail = detail};
    va_start(args, format);
    (void)vsnprintf(wrong->text, sizeof wrong->text, format, args);
    va_end(args);
    return false;
}

static bool is_word(rest word, const char *what)
{
    return word.n == strlen(what) && strncasecmp(word.at, what, word.n) == 0;
}

/* Takes what stands before the next blank, and that. */
static rest take_word(rest *from)
{
    const char *blank = from->n != 0 ? memchr(from->at, ' ', from->n) : NULL;
    rest word = {from->at, blank != NULL ? (size_t)(blank - from->at) : from->n};
    size_t used = word.n;
    while (used < from->n && from->at[used] == ' ')
        used++;
    *from = (rest){from->at + used, from->n - used};
    return word;
}

/* Blanks before the end of a command are let through (RFC 5321, section 4.1.1: "SHOULD tolerate trailing white
 * space"). */
static rest without_blanks(rest r)
{
    while (r.n != 0 && (r.at[r.n - 1] == ' ' || r.at[r.n - 1] == '\t'))
        r.n--;
    return r;
}

static bool take_number(rest word, uint64_t *out)
{
    uint64_t value = 0;
    if (word.n == 0 || word.n > 20)
        return false;
    for (size_t i = 0; i < word.n; i++) {
        unsigned digit = (unsigned)(word.at[i] - '0');
        if (digit > 9 || value > (UINT64_MAX - digit) / 10)
            return false;
        value = value * 10 + digit;
    }
    *out = value;
    return true;
}

/* ---- each command */

/* What a client calls itself is written into messages: what would say something else there is refused, and
 * not more, for many call themselves what is no domain. */
static bool read_hello(rest r, wf_smtp_command *out, weft_smtp_status *wrong)
{
    if (r.n == 0)
        return refuse(wrong, 501, 4, "expected a domain");
    if (r.n >= sizeof out->address)
        return refuse(wrong, 501, 4, "the domain is too long");
    for (size_t i = 0; i < r.n; i++)
        if (r.at[i] <= ' ' || r.at[i] > '~' || strchr("()<>\"\\,;@", r.at[i]) != NULL)
            return refuse(wrong, 501, 4, "expected a domain, or an address in brackets");
    memcpy(out->address, r.at, r.n);
    out->address[r.n] = '\0';
    return true;
}

static bool read_nothing(rest r, wf_smtp_command *out, weft_smtp_status *wrong)
{
    (void)out;
    return r.n == 0 || refuse(wrong, 501, 4, "expected nothing behind the command");
}

static bool read_anything(rest r, wf_smtp_command *out, weft_smtp_status *wrong)
{
    (void)r, (void)out, (void)wrong;
    return true;
}

static bool mail_parameter(rest name, rest value, wf_smtp_command *out, weft_smtp_status *wrong)
{
    if (is_word(name, "SIZE"))
        return take_number(value, &out->size) || refuse(wrong, 501, 4, "expected SIZE=NUMBER");
    if (is_word(name, "BODY")) {
        out->eight_bit = is_word(value, "8BITMIME");
        return out->eight_bit || is_word(value, "7BIT") ||
               refuse(wrong, 555, 4, "expected BODY=7BIT or BODY=8BITMIME");
    }
    if (is_word(name, "SMTPUTF8")) {
        out->utf8 = true;
        return value.at == NULL || refuse(wrong, 501, 4, "SMTPUTF8 takes no value");
    }
    /* RFC 4954, section 5: from whom we do not trust it means nothing */
    if (is_word(name, "AUTH"))
        return value.n != 0 || refuse(wrong, 501, 4, "expected AUTH=MAILBOX or AUTH=<>");
    return refuse(wrong, 555, 4, "there is no parameter %.*s here", name.n > 40 ? 40 : (int)name.n,
                  name.at);
}

static bool rcpt_parameter(rest name, rest value, wf_smtp_command *out, weft_smtp_status *wrong)
{
    (void)value, (void)out;
    return refuse(wrong, 555, 4, "there is no parameter %.*s here", name.n > 40 ? 40 : (int)name.n,
                  name.at);
}

/* "esmtp-keyword = (ALPHA / DIGIT) *(ALPHA / DIGIT / "-")" */
static bool is_keyword(rest word)
{
    if (word.n == 0 || word.at[0] == '-')
        return false;
    for (size_t i = 0; i < word.n; i++)
        if (isalnum((unsigned char)word.at[i]) == 0 && word.at[i] != '-')
            return false;
    return true;
}

/* Parameters may be given once. */
static bool read_parameters(rest r, wf_smtp_command *out, weft_smtp_status *wrong,
                            bool (*one)(rest, rest, wf_smtp_command *, weft_smtp_status *))
{
    rest seen[8];
    size_t seen_n = 0;
    while (r.n != 0) {
        rest word = take_word(&r);
        const char *equals = memchr(word.at, '=', word.n);
        rest name = {word.at, equals != NULL ? (size_t)(equals - word.at) : word.n}, value = {0};
        if (equals != NULL)
            value = (rest){equals + 1, (size_t)(word.at + word.n - equals - 1)};
        if (!is_keyword(name) || (equals != NULL && value.n == 0))
            return refuse(wrong, 501, 4, "expected parameters, NAME or NAME=VALUE");
        for (size_t i = 0; i < seen_n; i++)
            if (seen[i].n == name.n && strncasecmp(seen[i].at, name.at, name.n) == 0)
                return refuse(wrong, 501, 4, "a parameter is given twice");
        if (!one(name, value, out, wrong))
            return false;
        seen[seen_n++] = name; /* no more than there are names that are known */
    }
    return true;
}

/* A word and a path: "FROM:<...>". A blank behind the colon is let through, as everywhere. */
static bool read_path(rest *r, const char *word, bool from, wf_smtp_command *out,
                      weft_smtp_status *wrong)
{
    const char *why;
    size_t n = strlen(word);
    if (r->n < n || strncasecmp(r->at, word, n) != 0)
        return refuse(wrong, 501, 4, "expected %s<ADDRESS>", word);
    *r = (rest){r->at + n, r->n - n};
    while (r->n != 0 && r->at[0] == ' ')
        *r = (rest){r->at + 1, r->n - 1};
    size_t size = wf_smtp_path(r->at, r->n, from, !from, out->address, &out->utf8_address, &why);
    if (size == 0) {
        (void)refuse(wrong, 501, from ? 7 : 3, "%s", why);
        wrong->subject = 1;
        return false;
    }
    if (size < r->n && r->at[size] != ' ')
        return refuse(wrong, 501, 4, "expected a blank behind the address");
    *r = (rest){r->at + size, r->n - size};
    (void)take_word(r); /* the blanks */
    return true;
}

static bool read_mail(rest r, wf_smtp_command *out, weft_smtp_status *wrong)
{
    if (!read_path(&r, "FROM:", true, out, wrong) ||
        !read_parameters(r, out, wrong, mail_parameter))
        return false;
    if (!out->utf8_address || out->utf8)
        return true;
    (void)refuse(wrong, 553, 7, "the address needs SMTPUTF8");
    wrong->subject = 6;
    return false;
}

static bool read_rcpt(rest r, wf_smtp_command *out, weft_smtp_status *wrong)
{
    return read_path(&r, "TO:", false, out, wrong) &&
           read_parameters(r, out, wrong, rcpt_parameter);
}

/* RFC 3030: "bdat-cmd = "BDAT" SP chunk-size [ SP end-marker ] CR LF" */
static bool read_bdat(rest r, wf_smtp_command *out, weft_smtp_status *wrong)
{
    rest size = take_word(&r);
    out->last = is_word(r, "LAST");
    return (take_number(size, &out->size) && (r.n == 0 || out->last)) ||
           refuse(wrong, 501, 4, "expected BDAT NUMBER or BDAT NUMBER LAST");
}

static bool read_vrfy(rest r, wf_smtp_command *out, weft_smtp_status *wrong)
{
    const char *why;
    rest last = r;
    /* RFC 6531, section 3.7.4.2 */
    for (rest word = take_word(&last); word.n != 0; word = take_word(&last))
        if (last.n == 0 && is_word(word, "SMTPUTF8") && word.at != r.at) {
            out->utf8 = true;
            r = without_blanks((rest){r.at, (size_t)(word.at - r.at)});
        }
    if (r.n == 0)
        return refuse(wrong, 501, 4, "expected an address");
    size_t size = r.at[0] == '<'
                      ? wf_smtp_path(r.at, r.n, false, true, out->address, &out->utf8_address, &why)
                      : wf_smtp_mailbox(r.at, r.n, &out->utf8_address, &why);
    if (size != r.n) /* "VRFY SP String": the name of a user will do */
        size = 0;
    if (size == 0 || r.at[0] != '<') {
        memcpy(out->address, r.at, size);
        out->address[size] = '\0';
    }
    return true;
}

static bool read_auth(rest r, wf_smtp_command *out, weft_smtp_status *wrong)
{
    rest mechanism = take_word(&r);
    if (mechanism.n == 0 || memchr(r.at, ' ', r.n) != NULL)
        return refuse(wrong, 501, 4, "expected AUTH MECHANISM or AUTH MECHANISM BASE64");
    out->text = mechanism.at;
    out->text_n = mechanism.n;
    out->more = r.n != 0 ? r.at : NULL;
    out->more_n = r.n;
    return true;
}

static const struct {
    const char *name;
    bool (*read)(rest, wf_smtp_command *, weft_smtp_status *);
} verbs[WF_SMTP_VERBS_] = {
    [WF_SMTP_EHLO] = {"EHLO", read_hello},    [WF_SMTP_HELO] = {"HELO", read_hello},
    [WF_SMTP_LHLO] = {"LHLO", read_hello},    [WF_SMTP_MAIL] = {"MAIL", read_mail},
    [WF_SMTP_RCPT] = {"RCPT", read_rcpt},     [WF_SMTP_DATA] = {"DATA", read_nothing},
    [WF_SMTP_BDAT] = {"BDAT", read_bdat},     [WF_SMTP_RSET] = {"RSET", read_nothing},
    [WF_SMTP_NOOP] = {"NOOP", read_anything}, [WF_SMTP_VRFY] = {"VRFY", read_vrfy},
    [WF_SMTP_EXPN] = {"EXPN", read_anything}, [WF_SMTP_HELP] = {"HELP", read_anything},
    [WF_SMTP_QUIT] = {"QUIT", read_nothing},  [WF_SMTP_STARTTLS] = {"STARTTLS", read_nothing},
    [WF_SMTP_AUTH] = {"AUTH", read_auth},
};

wf_smtp_verb wf_smtp_verb_of(const char *line, size_t n)
{
    rest r = without_blanks((rest){line, n});
    rest word = take_word(&r);
    for (int verb = WF_SMTP_UNKNOWN + 1; verb < WF_SMTP_VERBS_; verb++)
        if (is_word(word, verbs[verb].name))
            return (wf_smtp_verb)verb;
    return WF_SMTP_UNKNOWN;
}

bool wf_smtp_is_foreign(const char *line, size_t n)
{
    static const char *const methods[] = {"CONNECT", "DELETE", "GET",   "HEAD", "OPTIONS",
                                          "PATCH",   "POST",   "TRACE", "PUT",  NULL};
    rest r = {line, n}, word = take_word(&r);
    for (size_t i = 0; methods[i] != NULL; i++)
        if (is_word(word, methods[i]))
            return true;
    return word.n > 1 && memchr(word.at, ':', word.n) != NULL &&
           wf_smtp_verb_of(line, n) == WF_SMTP_UNKNOWN;
}

bool wf_smtp_command_read(const char *line, size_t n, wf_smtp_command *out, weft_smtp_status *wrong)
{
    rest r = without_blanks((rest){line, n});
    *out = (wf_smtp_command){.verb = wf_smtp_verb_of(line, n)};
    if (out->verb == WF_SMTP_UNKNOWN)
        return refuse(wrong, 500, 2, "there is no such command");
    (void)take_word(&r);
    return verbs[out->verb].read(r, out, wrong);
}

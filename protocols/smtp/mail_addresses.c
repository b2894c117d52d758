/* SPDX-License-Identifier: MIT */
/* Lists of addresses in the fields of a message, as those that an envelope has. */
#include <string.h>

#include "mail_header.h"
#include "smtp_address.h"

static const char no_address[] = "expected an address such as user@example.org";

/* What words and dots in a row come to, if they are what stands before an @. */
typedef struct words {
    char text[WEFT_SMTP_LOCAL_BYTES];
    size_t n;
    uint32_t count;
    bool apart; /* there are two without a dot between them: somebody's name, and no address */
    bool too_long;
} words;

typedef struct domain {
    char text[WEFT_SMTP_DOMAIN_BYTES];
    size_t n;
    bool too_long;
} domain;

/* All of these read at list->at and go on, and return what is wrong there; NULL: nothing is. */
typedef const char *wrong;

static const char *end_of(const weft_mail_addresses *list)
{
    return list->field->body + list->field->body_n;
}

/* The next character; -1: there is none. */
static int next(const weft_mail_addresses *list)
{
    return list->at < end_of(list) ? (unsigned char)*list->at : -1;
}

static bool is_blank(int c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* RFC 6532, section 3.2: atext is what is beyond ASCII, too. Whether that is UTF-8 matters in an address alone. */
static bool is_atom(int c)
{
    return c >= 0x80 || (c > 0 && wf_smtp_is_atext((unsigned char)c));
}

/* ---- blanks, comments, words */

/* "CFWS": comments may have comments within. */
static wrong skip_blanks(weft_mail_addresses *list)
{
    const char *begin = list->at, *end = end_of(list);
    uint32_t depth = 0;
    for (; list->at < end && (depth != 0 || *list->at == '(' || is_blank(*list->at)); list->at++) {
        begin = depth == 0 ? list->at : begin;
        if (depth != 0 && *list->at == '\\' && end - list->at > 1)
            list->at++;
        else if (*list->at == '(')
            depth++;
        else if (depth != 0 && *list->at == ')')
            depth--;
    }
    if (depth == 0)
        return NULL;
    list->at = begin;
    return "expected a ) that ends the comment";
}

static void add_to_words(words *w, char c)
{
    if (w->n < sizeof w->text)
        w->text[w->n++] = c;
    else
        w->too_long = true;
}

/* "CRLF in any FWS is semantically invisible", here too (RFC 5322, 3.2.4). */
static wrong read_quoted(weft_mail_addresses *list, words *w)
{
    const char *begin = list->at++;
    for (int c; (c = next(list)) >= 0; list->at++) {
        if (c == '"') {
            list->at++;
            return NULL;
        }
        if (c == '\r' || c == '\n')
            continue;
        if (c == '\\' && end_of(list) - list->at > 1)
            list->at++;
        add_to_words(w, *list->at);
    }
    list->at = begin;
    return "expected a \" that ends the quoted text";
}

static wrong read_words(weft_mail_addresses *list, words *w)
{
    bool joined = true;
    for (;;) {
        wrong bad = skip_blanks(list);
        int c = next(list);
        if (bad != NULL || (c != '.' && c != '"' && !is_atom(c)))
            return bad;
        if (c == '.') {
            joined = true;
            add_to_words(w, *list->at++);
            continue;
        }
        w->apart |= !joined;
        joined = false;
        w->count++;
        bad = c == '"' ? read_quoted(list, w) : NULL;
        if (bad != NULL)
            return bad;
        while (c != '"' && is_atom(next(list)))
            add_to_words(w, *list->at++);
    }
}

/* ---- domains */

static void add_to_domain(domain *d, char c)
{
    if (d->n < sizeof d->text)
        d->text[d->n++] = c;
    else
        d->too_long = true;
}

/* "domain-literal = [CFWS] "[" *([FWS] dtext) [FWS] "]" [CFWS]" */
static wrong read_literal(weft_mail_addresses *list, domain *d)
{
    for (int c; (c = next(list)) >= 0; list->at++) {
        if (!is_blank(c))
            add_to_domain(d, (char)c);
        if (c == ']') {
            list->at++;
            return NULL;
        }
    }
    return "expected a ] behind the address";
}

/* "obs-domain = atom *("." atom)", with blanks anywhere. */
static wrong read_domain(weft_mail_addresses *list, domain *d)
{
    wrong bad = skip_blanks(list);
    if (bad == NULL && next(list) == '[')
        return read_literal(list, d);
    while (bad == NULL && is_atom(next(list))) {
        while (is_atom(next(list)))
            add_to_domain(d, *list->at++);
        bad = skip_blanks(list);
        if (bad != NULL || next(list) != '.')
            return bad;
        add_to_domain(d, *list->at++);
        bad = skip_blanks(list);
    }
    return bad;
}

/* ---- what an envelope has */

/* "Dot-string = Atom *("." Atom)" (RFC 5321, 4.1.2). */
static bool needs_quotes(const words *w)
{
    bool atom = false;
    for (size_t i = 0; i < w->n; i++) {
        bool dot = w->text[i] == '.';
        if (dot ? !atom : !is_atom((unsigned char)w->text[i]))
            return true;
        atom = !dot;
    }
    return !atom;
}

/* errors: what is wrong with it. */
static wrong make(const words *w, const domain *d, char out[WEFT_SMTP_ADDRESS_BYTES])
{
    char made[2 * WEFT_SMTP_LOCAL_BYTES + WEFT_SMTP_DOMAIN_BYTES + 4];
    bool quotes = needs_quotes(w), utf8 = false;
    wrong bad = NULL;
    size_t n = 0;
    if (w->too_long)
        return "the part before the @ is too long";
    if (d->too_long)
        return "the domain is too long";
    if (quotes)
        made[n++] = '"';
    for (size_t i = 0; i < w->n; i++) {
        if (quotes && (w->text[i] == '"' || w->text[i] == '\\'))
            made[n++] = '\\';
        made[n++] = w->text[i];
    }
    if (quotes)
        made[n++] = '"';
    made[n++] = '@';
    memcpy(made + n, d->text, d->n);
    n += d->n;
    size_t size = wf_smtp_mailbox(made, n, &utf8, &bad);
    if (size != n)
        return size != 0 ? "expected a domain behind the @" : bad;
    memcpy(out, made, n);
    out[n] = '\0';
    return NULL;
}

/* A name alone is a mailbox of the host, if there is one. */
static wrong make_of_host(const weft_mail_addresses *list, const words *w,
                          char out[WEFT_SMTP_ADDRESS_BYTES])
{
    domain d = {.n = 0};
    if (list->host == NULL || w->count == 0 || w->apart)
        return no_address;
    for (const char *at = list->host; *at != '\0'; at++)
        add_to_domain(&d, *at);
    return make(w, &d, out);
}

/* ---- one of the list */

/* Behind an address: a comma, or the end of the group or of it all, which are left there. */
static wrong end_address(weft_mail_addresses *list)
{
    wrong bad = skip_blanks(list);
    int c = next(list);
    if (bad != NULL || c < 0 || (c == ';' && list->group))
        return bad;
    if (c != ',')
        return "expected a comma between addresses";
    list->at++;
    return NULL;
}

/* At an @: what stands behind it, if @w may stand before it. */
static wrong read_rest(weft_mail_addresses *list, const words *w, domain *d)
{
    if (w->count == 0)
        return no_address;
    if (w->apart)
        return "expected one word before the @, or < and > around the address";
    list->at++;
    return read_domain(list, d);
}

/* "A-d-l" of older days: "<@a,@b:user@c>". */
static wrong skip_route(weft_mail_addresses *list)
{
    int c = next(list);
    if (c != '@')
        return NULL;
    while (c >= 0 && c != ':' && c != '>') {
        list->at++;
        c = next(list);
    }
    if (c != ':')
        return "expected a : behind the route";
    list->at++;
    return NULL;
}

/* What is wrong with an address is shown from its beginning on. */
static wrong wrong_from(weft_mail_addresses *list, const char *begin, wrong bad)
{
    if (bad != NULL)
        list->at = begin;
    return bad;
}

/* What stands between < and >. */
static wrong read_within(weft_mail_addresses *list, char out[WEFT_SMTP_ADDRESS_BYTES])
{
    words w = {.n = 0};
    domain d = {.n = 0};
    const char *begin = list->at;
    wrong bad = read_words(list, &w);
    bool has_host = next(list) == '@';
    if (bad != NULL)
        return bad;
    if (has_host && (bad = read_rest(list, &w, &d)) != NULL)
        return wrong_from(list, begin, bad);
    return wrong_from(list, begin, has_host ? make(&w, &d, out) : make_of_host(list, &w, out));
}

static wrong read_angle(weft_mail_addresses *list, char out[WEFT_SMTP_ADDRESS_BYTES])
{
    list->at++;
    wrong bad = skip_blanks(list);
    if (bad == NULL)
        bad = skip_route(list);
    if (bad == NULL)
        bad = read_within(list, out);
    if (bad == NULL)
        bad = skip_blanks(list);
    if (bad != NULL)
        return bad;
    if (next(list) != '>')
        return "expected a > behind the address";
    list->at++;
    return end_address(list);
}

/* @w, which begins at @begin, and what stands behind the @; or both are the name of what stands in < and >. */
static wrong read_bare(weft_mail_addresses *list, const words *w, const char *begin,
                       char out[WEFT_SMTP_ADDRESS_BYTES])
{
    domain d = {.n = 0};
    wrong bad = wrong_from(list, begin, read_rest(list, w, &d));
    if (bad == NULL)
        bad = skip_blanks(list);
    if (bad != NULL)
        return bad;
    if (next(list) == '<')
        return read_angle(list, out);
    bad = wrong_from(list, begin, make(w, &d, out));
    return bad == NULL ? end_address(list) : bad;
}

static wrong begin_group(weft_mail_addresses *list, const words *w)
{
    if (list->group)
        return "expected no group within a group";
    if (w->count == 0)
        return no_address;
    list->group = true;
    list->at++;
    return NULL;
}

static wrong end_group(weft_mail_addresses *list)
{
    if (!list->group)
        return "expected a comma between addresses";
    list->group = false;
    list->at++;
    return end_address(list);
}

/* What words end with says what they were. *@made: there is an address. */
static wrong read_one(weft_mail_addresses *list, char out[WEFT_SMTP_ADDRESS_BYTES], bool *made)
{
    words w = {.n = 0};
    wrong bad = skip_blanks(list);
    const char *begin = list->at;
    if (bad == NULL)
        bad = read_words(list, &w);
    int c = next(list);
    if (bad != NULL)
        return bad;
    if (c == ':')
        return begin_group(list, &w);
    if (c == ';' && w.n == 0 && w.count == 0)
        return end_group(list);
    if (c == ',' && w.n == 0 && w.count == 0) {
        list->at++;
        return NULL;
    }
    *made = true;
    if (c == '<')
        return read_angle(list, out);
    if (c == '@')
        return read_bare(list, &w, begin, out);
    if (c != ',' && c != ';' && c >= 0)
        return w.count == 0 ? no_address : "expected a comma between addresses";
    bad = wrong_from(list, begin, make_of_host(list, &w, out));
    return bad == NULL ? end_address(list) : bad;
}

/* ---- lists */

weft_mail_addresses weft_mail_addresses_of(const weft_mail_field *field, const char *host)
{
    return (weft_mail_addresses){.field = field, .at = field->body, .host = host};
}

static weft_err refuse(const weft_mail_addresses *list, wrong bad, weft_why *why)
{
    const weft_mail_field *f = list->field;
    char name[WF_MAIL_EXCERPT_BYTES], text[WF_MAIL_EXCERPT_BYTES];
    uint32_t line = f->line;
    for (const char *at = f->body; at < list->at; at++)
        line += *at == '\n';
    (void)wf_mail_excerpt(f->name, f->name + f->name_n, name);
    (void)wf_mail_excerpt(list->at, end_of(list), text);
    return text[0] != '\0'
               ? weft_because(why, WEFT_EINVAL, "line %u: %s: \"%s\": %s", line, name, text, bad)
               : weft_because(why, WEFT_EINVAL, "line %u: %s: at the end: %s", line, name, bad);
}

weft_err weft_mail_address_next(weft_mail_addresses *list, char out[WEFT_SMTP_ADDRESS_BYTES],
                                weft_why *why)
{
    char address[WEFT_SMTP_ADDRESS_BYTES];
    for (bool made = false;;) {
        wrong bad = skip_blanks(list);
        if (bad == NULL && next(list) < 0) {
            if (!list->group)
                return WEFT_EDONE;
            bad = "expected a ; that ends the group";
        }
        if (bad == NULL)
            bad = read_one(list, address, &made);
        if (bad != NULL)
            return refuse(list, bad, why);
        if (!made)
            continue;
        memcpy(out, address, sizeof address);
        return WEFT_OK;
    }
}

/* SPDX-License-Identifier: MIT */
/* Looks a name up as everything else here does, and prints what it stands for as `dig +short` would. */
#include <arpa/inet.h>
#include <ctype.h>
#include <string.h>
#include <sysexits.h>

#include <weft/resolver.h>

#include "services.h"

typedef struct resolve_settings {
    const char *name, *type, *server, *resolv_conf, *hosts;
    uint16_t code; /* of the type; 0: addresses, or the names of an address */
    weft_err err;
} resolve_settings;

static resolve_settings settings;

static const weft_option resolve_options[] = {
    {.name = "NAME",
     .kind = WEFT_OPTION_TEXT,
     .at = offsetof(resolve_settings, name),
     .positional = true,
     .help = "what to look up: a name, or an address whose name is wanted"},
    {.name = "type",
     .kind = WEFT_OPTION_TEXT,
     .value = "TYPE",
     .at = offsetof(resolve_settings, type),
     .help = "A, MX, SRV, TXT, PTR, ..., TYPE257; else all addresses, in the order to try them"},
    {.name = "server",
     .kind = WEFT_OPTION_TEXT,
     .value = "ADDRESS",
     .at = offsetof(resolve_settings, server),
     .help = "ask there, 192.0.2.1 or [2001:db8::1]:5353, instead of the system's name servers"},
    {.name = "resolv-conf",
     .kind = WEFT_OPTION_TEXT,
     .value = "FILE",
     .at = offsetof(resolve_settings, resolv_conf),
     .help = "instead of /etc/resolv.conf"},
    {.name = "hosts",
     .kind = WEFT_OPTION_TEXT,
     .value = "FILE",
     .at = offsetof(resolve_settings, hosts),
     .help = "instead of /etc/hosts"},
    {0},
};

static resolve_settings *settings_of(const weft_actor *self)
{
    return (resolve_settings *)(uintptr_t)weft_config(self);
}

/* A string as a zone file has it. */
static void print_data(const weft_resolver_record *r)
{
    (void)putchar('"');
    for (size_t i = 0; i < r->data_bytes; i++) {
        unsigned char c = r->data[i];
        if (c == '"' || c == '\\')
            (void)printf("\\%c", c);
        else if (isprint(c))
            (void)putchar(c);
        else
            (void)printf("\\%03u", c);
    }
    (void)puts("\"");
}

/* Names end with a dot, so that they can be asked for again as they are. */
static void print_record(const weft_resolver_record *r)
{
    char text[WEFT_ADDRESS_TEXT_BYTES];
    const char *dot = r->host != NULL && strcmp(r->host, ".") != 0 ? "." : "";
    switch (r->type) {
    case WEFT_DNS_A:
    case WEFT_DNS_AAAA:
        (void)puts(weft_address_host(&r->address, text));
        return;
    case WEFT_DNS_MX:
        (void)printf("%u %s%s\n", r->priority, r->host, dot);
        return;
    case WEFT_DNS_SRV:
        (void)printf("%u %u %u %s%s\n", r->priority, r->weight, r->port, r->host, dot);
        return;
    default:
        if (r->host != NULL)
            (void)printf("%s%s\n", r->host, dot);
        else
            print_data(r);
    }
}

static weft_err on_answered(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    resolve_settings *s = settings_of(self);
    const weft_resolver_answer *answer = got->body;
    (void)msg;
    s->err = got->err;
    if (got->err != WEFT_OK)
        (void)fprintf(stderr, "weftd resolve: %s (%s)\n", got->why, weft_err_name(got->err));
    for (uint32_t i = 0; got->err == WEFT_OK && i < answer->n; i++)
        print_record(&answer->records[i]);
    if (fflush(stdout) != 0)
        s->err = WEFT_EIO;
    weft_system_stop(self, WEFT_OK);
    return WEFT_OK;
}

static bool is_address(const char *text, weft_address *out)
{
    *out = (weft_address){.family = WEFT_FAMILY_V4};
    if (inet_pton(AF_INET, text, out->ip) == 1)
        return true;
    out->family = WEFT_FAMILY_V6;
    return inet_pton(AF_INET6, text, out->ip) == 1;
}

/* Says that the service is up, which must not take longer than a start may, and begins. */
typedef struct resolve_begin {
    char nothing;
} resolve_begin;
static const weft_type resolve_begin_type = WEFT_TYPE("weft.resolve_begin", resolve_begin, NULL);

static weft_err on_started(weft_actor *self, weft_msg *msg)
{
    const resolve_settings *s = settings_of(self);
    (void)msg;
    weft_err err = weft_resolver_begin(self, &(weft_resolver_options){.servers = s->server,
                                                                      .resolv_conf = s->resolv_conf,
                                                                      .hosts = s->hosts});
    return err == WEFT_OK ? weft_tell(self, weft_self(self), resolve_begin, .nothing = 0) : err;
}

static weft_err on_begin(weft_actor *self, weft_msg *msg)
{
    const resolve_settings *s = settings_of(self);
    weft_address address;
    if (s->code != 0)
        return weft_when(msg, weft_resolver_ask(self, s->name, s->code), on_answered);
    if (is_address(s->name, &address))
        return weft_when(msg, weft_resolver_names(self, &address), on_answered);
    return weft_when(msg, weft_resolver_addresses(self, s->name), on_answered);
}

static const weft_handler handlers[] = {
    {.type = &weft_started_type, .fn = on_started},
    {.type = &resolve_begin_type, .fn = on_begin},
    {0},
};
static const weft_behaviour resolve_behaviour = {.name = "resolve", .handlers = handlers};

static weft_err resolve_check(void *at, weft_why *why)
{
    resolve_settings *s = at;
    if (s->type != NULL && weft_dns_type_of(s->type, &s->code) != WEFT_OK)
        return weft_because(why, WEFT_EINVAL,
                            "--type %.40s: expected a type of records such as A, MX or TYPE257",
                            s->type);
    return WEFT_OK;
}

static weft_err resolve_children(void *at, weft_children *to, weft_why *why)
{
    const weft_child name = {.name = "name",
                             .behaviour = &resolve_behaviour,
                             .config = at,
                             .restart = WEFT_RESTART_NEVER};
    return weft_children_add(to, &name, why);
}

static int resolve_code(const void *at)
{
    const resolve_settings *s = at;
    switch (s->err) {
    case WEFT_OK:
        return EX_OK;
    case WEFT_EINVAL:
    case WEFT_EUNSUPPORTED:
        return EX_USAGE;
    case WEFT_ENONAME:
        return EX_NOHOST;
    case WEFT_EPROTO:
    case WEFT_ETRUNCATED:
        return EX_PROTOCOL;
    case WEFT_EIO:
        return EX_IOERR;
    default:
        return EX_UNAVAILABLE;
    }
}

const weft_service service_resolve = {
    .name = "resolve",
    .summary = "look up a name, and print what it stands for",
    .about =
        "A record a line. The exit code is 68 for a name without such a record, 69 when no name\n"
        "server answers, 76 for an answer that cannot be understood.",
    .example = "weftd resolve localhost",
    .options = resolve_options,
    .settings = &settings,
    .check = resolve_check,
    .children = resolve_children,
    .code = resolve_code,
};

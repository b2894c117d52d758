/* SPDX-License-Identifier: MIT */
/* Members by DNS: looked up, compared with what was told before, looked up again. */
#include <stdio.h>
#include <string.h>

#include <weft/edge.h>
#include <weft/members.h>
#include <weft/node.h>
#include <weft/remote.h>
#include <weft/resolver.h>
#include <weft/timer.h>

enum { AGAIN_MS_MIN = 1000, AGAIN_MS_MAX = 30000 };

typedef struct members_again {
    char nothing;
} members_again;
static const weft_type members_again_type = WEFT_TYPE("weft.members_again", members_again, NULL);
const weft_type weft_members_counts_type =
    WEFT_TYPE("weft.members_counts", weft_members_counts, NULL);
const weft_type weft_members_look_type =
    WEFT_TYPE("weft.members_look", weft_members_look, &weft_members_counts_type);

typedef struct member {
    struct member *next;
    char name[WEFT_NODE_NAME_BYTES], url[WEFT_NODE_URL_BYTES];
    bool found; /* in the answer that is being read */
} member;

typedef struct members {
    const weft_members_dns_config *config;
    member *first;
    weft_members_counts counts;
} members;

/* ---- telling the node */

static member *member_of(const members *s, const char *name)
{
    member *m = s->first;
    while (m != NULL && strcmp(m->name, name) != 0)
        m = m->next;
    return m;
}

/* It is told again behind the next lookup. */
static weft_err on_refused(weft_actor *self, weft_deferred *next, const weft_outcome *got)
{
    (void)next;
    if (got->err != WEFT_ENOTFOUND) /* it has parted already */
        weft_log(self, WEFT_WARNING, "the node does not take what DNS says of its members: %s",
                 got->why);
    return WEFT_OK;
}

static void tell_node(weft_actor *self, weft_deferred told)
{
    if (weft_ignore(self, weft_catch(self, told, on_refused)) != WEFT_OK)
        weft_log(self, WEFT_WARNING, "no memory to tell the node of a member");
}

static void found(weft_actor *self, const char *name, const char *url)
{
    members *s = weft_state(self);
    member *m = member_of(s, name);
    if (strcmp(name, weft_remote_self(weft_system_of(self))) == 0)
        return;
    if (m == NULL) {
        if (s->counts.members == WEFT_MEMBERS_DNS_MAX || (m = weft_alloc_zero(sizeof *m)) == NULL) {
            weft_log(self, WEFT_WARNING, "no room for the member %s", name);
            return;
        }
        m->next = s->first;
        s->first = m;
        s->counts.members++;
        (void)snprintf(m->name, sizeof m->name, "%.63s", name);
    }
    m->found = true;
    (void)snprintf(m->url, sizeof m->url, "%s", url);
    tell_node(self, weft_node_join(self, m->name, m->url));
}

static void part_others(weft_actor *self)
{
    members *s = weft_state(self);
    for (member **at = &s->first; *at != NULL;) {
        member *m = *at;
        if (m->found) {
            m->found = false;
            at = &m->next;
            continue;
        }
        *at = m->next;
        s->counts.members--;
        tell_node(self, weft_node_part(self, m->name));
        weft_alloc_free(m);
    }
}

/* ---- reading answers */

static void read_record(weft_actor *self, const weft_resolver_record *r)
{
    const members *s = weft_state(self);
    const char *scheme = s->config->scheme != NULL      ? s->config->scheme
                         : weft_node_is_certified(self) ? "nng+tls+tcp"
                                                        : "tcp";
    char name[WEFT_ADDRESS_TEXT_BYTES], url[WEFT_NODE_URL_BYTES], port[8] = "";
    char host[WEFT_RESOLVER_NAME_BYTES];
    bool six = false;
    uint16_t number = s->config->service != NULL ? r->port : s->config->port;
    if (s->config->service != NULL) {
        (void)snprintf(host, sizeof host, "%s", r->host);
        (void)snprintf(name, sizeof name, "%.*s", (int)strcspn(host, "."), host);
    } else {
        (void)snprintf(host, sizeof host, "%s", weft_address_host(&r->address, name));
        for (char *c = name; *c != '\0'; c++)
            if (*c == '.' || *c == ':')
                *c = '-';
        six = strchr(host, ':') != NULL;
    }
    if (number != 0)
        (void)snprintf(port, sizeof port, ":%u", number);
    int n = snprintf(url, sizeof url, six ? "%s://[%s]%s" : "%s://%s%s", scheme, host, port);
    if (n < 0 || n >= (int)sizeof url || strlen(name) >= WEFT_NODE_NAME_BYTES)
        weft_log(self, WEFT_WARNING, "leaves out the member %.64s: its name is too long", name);
    else
        found(self, name, url);
}

static void again(weft_actor *self, uint64_t ms)
{
    const members *s = weft_state(self);
    uint32_t least = s->config->again_ms_min != 0 ? s->config->again_ms_min : AGAIN_MS_MIN;
    uint32_t most = s->config->again_ms_max != 0 ? s->config->again_ms_max : AGAIN_MS_MAX;
    uint32_t next = ms < least ? least : ms < most ? (uint32_t)ms : most;
    weft_timer timer = weft_after(self, next, members_again, 0);
    if (timer.slot == 0 && timer.gen == 0)
        (void)weft_stop_because(self, WEFT_ENOMEM, "no memory to look members up again");
}

static weft_err on_answer(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    members *s = weft_state(self);
    const weft_resolver_answer *answer = got->body;
    (void)msg;
    s->counts.lookups++;
    if (got->err != WEFT_OK) {
        s->counts.failed++;
        weft_log(self, WEFT_INFO, "does not know who the members are: %s", got->why);
        again(self, 0);
        return WEFT_OK;
    }
    for (uint32_t i = 0; i < answer->n; i++)
        read_record(self, &answer->records[i]);
    part_others(self);
    again(self, (uint64_t)answer->ttl_s * 1000);
    return WEFT_OK;
}

static weft_err look_up(weft_actor *self, weft_msg *msg)
{
    const members *s = weft_state(self);
    const weft_members_dns_config *c = s->config;
    return weft_when(msg,
                     c->service != NULL ? weft_resolver_ask(self, c->service, WEFT_DNS_SRV)
                                        : weft_resolver_addresses(self, c->host),
                     on_answer);
}

/* ---- its life */

static weft_err on_started(weft_actor *self, weft_msg *msg)
{
    members *s = weft_state(self);
    s->config = ((const weft_started *)weft_body(msg))->config;
    if ((s->config->service != NULL) == (s->config->host != NULL))
        return weft_stop_because(self, WEFT_EINVAL, "members by DNS need a service or a host");
    if (weft_remote_self(weft_system_of(self)) == NULL)
        return weft_stop_because(self, WEFT_EINVAL, "only a node has members");
    return look_up(self, msg);
}

static weft_err on_look(weft_actor *self, weft_msg *msg)
{
    return weft_reply_body(msg, &weft_members_counts_type,
                           &((const members *)weft_state(self))->counts);
}

static void on_end(weft_actor *self, weft_err reason)
{
    members *s = weft_state(self);
    (void)reason;
    for (member *m = s->first, *next; m != NULL; m = next) {
        next = m->next;
        weft_alloc_free(m);
    }
}

static const weft_handler handlers[] = {
    {.type = &weft_started_type, .fn = on_started},
    {.type = &members_again_type, .fn = look_up},
    {.type = &weft_members_look_type, .fn = on_look},
    {0},
};

const weft_behaviour weft_members_dns = {.name = "weft.members_dns",
                                         .handlers = handlers,
                                         .state_bytes = sizeof(members),
                                         .ended = on_end};

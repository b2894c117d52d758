/* SPDX-License-Identifier: MIT */
/* A node: links to others, and what a console says of them. */
#include <stdlib.h>
#include <string.h>

#include <weft/console.h>
#include <weft/etcd.h>
#include <weft/members.h>
#include <weft/node.h>
#include <weft/remote.h>
#include <weft/tls.h>

#include "services.h"

typedef struct node_settings {
    const char *name, *listen, *cluster, *cert, *key, *ca, *dns, *advertise;
    weft_option_texts join, operators, etcd;
    bool plaintext;
    char *names; /* what stands before the = of each, one after the other */
} node_settings;

static node_settings settings;
static weft_node_member members[WEFT_OPTION_TEXTS_MAX + 1];
static weft_node_allow allow[WEFT_OPTION_TEXTS_MAX + 1];
static weft_node node;
static weft_members_dns_config dns;
static const char *endpoints[WEFT_OPTION_TEXTS_MAX + 1];
static weft_tls_config etcd_tls;
static weft_etcd etcd;

static const weft_option node_options[] = {
    {.name = "name",
     .kind = WEFT_OPTION_TEXT,
     .value = "NAME",
     .at = offsetof(node_settings, name),
     .help = "of this node, unique in its cluster"},
    {.name = "listen",
     .kind = WEFT_OPTION_URL,
     .value = "URL",
     .at = offsetof(node_settings, listen),
     .help = "where other nodes connect, such as nng+tls+tcp://0.0.0.0:7000; else none do"},
    {.name = "join",
     .kind = WEFT_OPTION_TEXTS,
     .value = "NAME[=URL]",
     .at = offsetof(node_settings, join),
     .help = "a member, and where it listens; without URL it connects. May be given 16 times"},
    {.name = "dns",
     .kind = WEFT_OPTION_TEXT,
     .value = "SERVICE",
     .at = offsetof(node_settings, dns),
     .help =
         "an SRV name like _weft._tcp.weft: its targets are members, named by their first labels"},
    {.name = "etcd",
     .kind = WEFT_OPTION_TEXTS,
     .value = "URL",
     .at = offsetof(node_settings, etcd),
     .help = "a server of etcd that knows the members; https shows --cert. May be given 16 times"},
    {.name = "advertise",
     .kind = WEFT_OPTION_CONNECT,
     .value = "URL",
     .at = offsetof(node_settings, advertise),
     .help = "where members found by --etcd connect to this node; else it connects to them"},
    {.name = "operator",
     .kind = WEFT_OPTION_TEXTS,
     .value = "NAME",
     .at = offsetof(node_settings, operators),
     .help = "a member whose console may look at this node (weftd ps --node), or * for any. May be "
             "given 16 times"},
    {.name = "cluster",
     .kind = WEFT_OPTION_TEXT,
     .value = "NAME",
     .at = offsetof(node_settings, cluster),
     .help = "nodes of other clusters are refused"},
    {.name = "cert",
     .kind = WEFT_OPTION_TEXT,
     .value = "FILE",
     .at = offsetof(node_settings, cert),
     .help = "with this node's certificate (PEM), which is for its name"},
    {.name = "key",
     .kind = WEFT_OPTION_TEXT,
     .value = "FILE",
     .at = offsetof(node_settings, key),
     .help = "with the key of that; without it, it stands in the same file"},
    {.name = "ca",
     .kind = WEFT_OPTION_TEXT,
     .value = "FILE",
     .at = offsetof(node_settings, ca),
     .help = "with the authority that the certificates of all nodes are of"},
    {.name = "plaintext",
     .kind = WEFT_OPTION_FLAG,
     .at = offsetof(node_settings, plaintext),
     .help = "allow TCP without TLS beyond this machine: anybody who can connect can say any name"},
    {0},
};

/* NAME or NAME=URL. */
static weft_err read_member(const char *text, weft_node_member *out, char **room, weft_why *why)
{
    size_t n = strcspn(text, "=");
    if (n == 0 || n >= WEFT_NODE_NAME_BYTES || (text[n] == '=' && text[n + 1] == '\0'))
        return weft_because(why, WEFT_EINVAL, "--join \"%.80s\": expected NAME or NAME=URL", text);
    memcpy(*room, text, n);
    (*room)[n] = '\0';
    *out = (weft_node_member){.name = *room, .url = text[n] == '=' ? text + n + 1 : NULL};
    *room += n + 1;
    return WEFT_OK;
}

static weft_err read_members(node_settings *s, weft_why *why)
{
    s->names = malloc(WEFT_OPTION_TEXTS_MAX * WEFT_NODE_NAME_BYTES);
    if (s->names == NULL)
        return weft_because(why, WEFT_ENOMEM, "no memory for members");
    char *room = s->names;
    weft_err err = WEFT_OK;
    for (size_t i = 0; err == WEFT_OK && i < s->join.count; i++)
        err = read_member(s->join.at[i], &members[i], &room, why);
    return err;
}

/* Whoever finds members finds them where links go over TLS, if there are certificates for it. */
static weft_err read_finders(const node_settings *s, weft_why *why)
{
    if (s->advertise != NULL && s->etcd.count == 0)
        return weft_because(why, WEFT_EINVAL, "--advertise says it to etcd: expected --etcd URL");
    dns = (weft_members_dns_config){.service = s->dns,
                                    .scheme = s->cert != NULL ? "nng+tls+tcp" : "nng+tcp"};
    for (size_t i = 0; i < s->etcd.count; i++)
        endpoints[i] = s->etcd.at[i];
    etcd_tls =
        (weft_tls_config){.certificate_file = s->cert, .key_file = s->key, .trust_file = s->ca};
    etcd = (weft_etcd){.endpoints = endpoints, .url = s->advertise, .tls = &etcd_tls};
    return WEFT_OK;
}

static weft_err node_check(void *at, weft_why *why)
{
    node_settings *s = at;
    if (s->name == NULL)
        return weft_because(why, WEFT_EINVAL, "a node has a name: expected --name NAME");
    weft_err err = read_members(s, why);
    if (err == WEFT_OK)
        err = read_finders(s, why);
    for (size_t i = 0; i < s->operators.count; i++)
        allow[i] = (weft_node_allow){.node = s->operators.at[i],
                                     .actor = WEFT_CONSOLE_NAME,
                                     .type = &weft_console_look_type};
    node = (weft_node){.name = s->name,
                       .listen = s->listen,
                       .cluster = s->cluster,
                       .join = members,
                       .allow = allow,
                       .cert = s->cert,
                       .key = s->key,
                       .ca = s->ca,
                       .plaintext = s->plaintext};
    return err;
}

static weft_err node_children(void *at, weft_children *to, weft_why *why)
{
    static const weft_child looker = {.name = "looker", .behaviour = &weft_console_looker};
    static const weft_child finder = {
        .name = "members", .behaviour = &weft_members_dns, .config = &dns};
    const node_settings *s = at;
    weft_err err = s->dns != NULL ? weft_children_add(to, &finder, why) : WEFT_OK;
    if (err == WEFT_OK && s->operators.count != 0)
        err = weft_children_add(to, &looker, why);
    return err;
}

static weft_err node_begin(void *at, weft_system *sys, weft_why *why)
{
    const node_settings *s = at;
    return s->etcd.count != 0 ? weft_etcd_begin(sys, &etcd, why) : WEFT_OK;
}

static void node_done(void *at)
{
    node_settings *s = at;
    free(s->names);
    s->names = NULL;
}

const weft_service service_node = {
    .name = "node",
    .summary = "be linked to other nodes",
    .about =
        "Links between machines go by NNG and TLS: nng+tls+tcp://HOST:PORT. Each node shows a\n"
        "certificate for its name and verifies those of the others. With --admin, weftd cluster\n"
        "and weftd ping show how the links do.",
    .example = "weftd node --name edge-1 --listen nng+tcp://127.0.0.1:7000 --join edge-2",
    .options = node_options,
    .settings = &settings,
    .check = node_check,
    .children = node_children,
    .begin = node_begin,
    .node = &node,
    .done = node_done,
};

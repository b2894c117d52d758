/* SPDX-License-Identifier: MIT */
/* A client's session until it is ready: keys are exchanged, the host is looked at, and who this is is proved.
 *
 *   CONNECTING ── the exchange is over ──▶ HOST ── wf_ssh_host_known ──▶ PROVING ── wf_ssh_prove ──▶ READY
 *
 * Nothing waits: what libssh has no answer for yet it is asked again when bytes have come. Proving signs, and may
 * ask an agent over a socket of its own, so it is for threads that may block; nobody else has the session then. */
#include "ssh_session.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include <weft/edge.h>

#include "ssh_lib.h"

/* Where the processor has AES, and it has, this is the fastest first; servers leave the choice to clients. */
static const char ciphers[] = "aes128-gcm@openssh.com,aes256-gcm@openssh.com,"
                              "chacha20-poly1305@openssh.com,aes256-ctr,aes128-ctr";

/* In the order of preference. */
static const struct key_name {
    unsigned bit;
    const char *names;
} key_names[] = {
    {WF_SSH_ED25519, "ssh-ed25519"},           {WF_SSH_ECDSA_256, "ecdsa-sha2-nistp256"},
    {WF_SSH_ECDSA_384, "ecdsa-sha2-nistp384"}, {WF_SSH_ECDSA_521, "ecdsa-sha2-nistp521"},
    {WF_SSH_RSA, "rsa-sha2-512,rsa-sha2-256"},
};
enum { KEY_NAMES = sizeof key_names / sizeof *key_names, RSA_BITS_MIN = 2048 };

/* ---- beginning */

static weft_err set(wf_ssh *s, enum ssh_options_e option, const void *value, weft_why *why)
{
    if (ssh_options_set(s->session, option, value) == SSH_OK)
        return WEFT_OK;
    return weft_because(why, WEFT_EINTERNAL, "libssh does not take an option: %s",
                        ssh_get_error(s->session));
}

/* Those of @types, or all: a host of which a key is known must show that one, not another. */
static void host_keys(unsigned types, char *to, size_t bytes)
{
    size_t n = 0;
    to[0] = '\0';
    for (int i = 0; i < KEY_NAMES; i++)
        if (types == 0 || (types & key_names[i].bit) != 0)
            n += (size_t)snprintf(to + n, bytes - n, "%s%s", n != 0 ? "," : "", key_names[i].names);
}

static weft_err set_all(wf_ssh *s, const char *user, unsigned key_types, weft_why *why)
{
    static const bool no_files = false;
    static const int rsa_bits = RSA_BITS_MIN;
    char types[256];
    host_keys(key_types, types, sizeof types);
    const struct {
        enum ssh_options_e option;
        const void *value;
    } rows[] = {
        {SSH_OPTIONS_PROCESS_CONFIG, &no_files},
        {SSH_OPTIONS_SSH_DIR, "/nonexistent"},
        {SSH_OPTIONS_KNOWNHOSTS, "/dev/null"}, /* known_hosts.h is who knows */
        {SSH_OPTIONS_GLOBAL_KNOWNHOSTS, "/dev/null"},
        {SSH_OPTIONS_HOST, "weft"}, /* is not used, but must be there */
        {SSH_OPTIONS_USER, user},
        {SSH_OPTIONS_KEY_EXCHANGE, wf_ssh_exchanges},
        {SSH_OPTIONS_CIPHERS_C_S, ciphers},
        {SSH_OPTIONS_CIPHERS_S_C, ciphers},
        {SSH_OPTIONS_HMAC_C_S, wf_ssh_macs},
        {SSH_OPTIONS_HMAC_S_C, wf_ssh_macs},
        {SSH_OPTIONS_COMPRESSION_C_S, "none"},
        {SSH_OPTIONS_COMPRESSION_S_C, "none"},
        {SSH_OPTIONS_HOSTKEYS, types},
        {SSH_OPTIONS_PUBLICKEY_ACCEPTED_TYPES, wf_ssh_key_types},
        {SSH_OPTIONS_RSA_MIN_SIZE, &rsa_bits},
        {SSH_OPTIONS_FD, &s->theirs},
    };
    weft_err err = WEFT_OK;
    for (size_t i = 0; i < sizeof rows / sizeof *rows && err == WEFT_OK; i++)
        err = set(s, rows[i].option, rows[i].value, why);
    return err;
}

weft_err wf_ssh_new_client(const char *user, unsigned key_types, uint32_t channels_max,
                           wf_ssh **out, weft_why *why)
{
    wf_ssh *s = NULL;
    weft_err err = wf_ssh_make(channels_max, &s, why);
    if (err != WEFT_OK)
        return err;
    s->is_client = true;
    s->phase = WF_SSH_IS_CONNECTING;
    s->more = true;
    ssh_set_blocking(s->session, 0);
    err = set_all(s, user, key_types, why);
    if (err != WEFT_OK)
        wf_ssh_free(&s);
    else
        *out = s;
    return err;
}

/* ---- the exchange */

static weft_err look_at_host(wf_ssh *s, wf_ssh_event *out, weft_why *why)
{
    ssh_key key = NULL;
    if (ssh_get_server_publickey(s->session, &key) != SSH_OK)
        return weft_because(why, WEFT_EPROTO, "the host has shown no key");
    const char *type = ssh_key_type_to_char(ssh_key_type(key)); /* lives as long as libssh */
    int rc = ssh_pki_export_pubkey_base64(key, &s->host_key);
    wf_ssh_fingerprint(key, s->fingerprint);
    ssh_key_free(key);
    if (rc != SSH_OK || type == NULL)
        return weft_because(why, WEFT_ENOMEM, "no memory for the key of the host");
    out->want = WF_SSH_HOST;
    out->name = type;
    out->value = s->host_key;
    return WEFT_OK;
}

static weft_err connect_step(wf_ssh *s, wf_ssh_event *out, weft_why *why)
{
    int rc = ssh_connect(s->session);
    /* it has the descriptor wait when it is connected */
    (void)fcntl(s->theirs, F_SETFL, O_RDWR | O_NONBLOCK);
    if (rc == SSH_AGAIN)
        return WEFT_OK;
    if (rc != SSH_OK)
        return wf_ssh_is_over(s, why);
    s->phase = WF_SSH_IS_HOST;
    return look_at_host(s, out, why);
}

weft_err wf_ssh_next_of_client(wf_ssh *s, wf_ssh_event *out, weft_why *why)
{
    s->more = false;
    switch (s->phase) {
    case WF_SSH_IS_CONNECTING:
        return connect_step(s, out, why);
    case WF_SSH_IS_PROVING:
        if (wf_ssh_is_dead(s))
            return wf_ssh_is_over(s, why);
        out->want = WF_SSH_PROVE;
        return WEFT_OK;
    default:
        return WEFT_OK;
    }
}

const char *wf_ssh_host_fingerprint(const wf_ssh *s)
{
    return s->fingerprint;
}

void wf_ssh_host_known(wf_ssh *s)
{
    if (s->phase != WF_SSH_IS_HOST)
        return;
    s->phase = WF_SSH_IS_PROVING;
    s->more = true;
}

void wf_ssh_granted_to_client(wf_ssh *s)
{
    s->phase = WF_SSH_IS_READY;
    s->granted = true;
    s->more = true;
}

/* ---- proving */

enum { BY_NONE, BY_KEY, BY_AGENT, BY_PASSWORD, BY_NOTHING_MORE };

struct wf_ssh_proof {
    ssh_key key; /* NULL: none */
    bool agent;
    const char *password;
    int by;
};

weft_err wf_ssh_proof_new(const char *key_file, const char *passphrase, bool agent,
                          const char *password, wf_ssh_proof **out, weft_why *why)
{
    weft_err err = WEFT_OK;
    wf_ssh_proof *p = weft_alloc_zero(sizeof *p);
    if (p == NULL)
        return weft_because(why, WEFT_ENOMEM, "no memory for a key");
    p->agent = agent;
    p->password = password;
    if (key_file != NULL)
        err = wf_ssh_key_look(key_file, why);
    if (key_file != NULL && err == WEFT_OK &&
        ssh_pki_import_privkey_file(key_file, passphrase != NULL ? passphrase : "", NULL, NULL,
                                    &p->key) != SSH_OK)
        err = weft_because(why, WEFT_EPROTO, "%.150s: no private key%s", key_file,
                           passphrase != NULL ? " that this passphrase opens"
                                              : ", or one with a passphrase");
    if (err != WEFT_OK)
        wf_ssh_proof_free(&p);
    else
        *out = p;
    return err;
}

void wf_ssh_proof_free(wf_ssh_proof **proof)
{
    if (*proof == NULL)
        return;
    ssh_key_free((*proof)->key);
    weft_alloc_free(*proof);
    *proof = NULL;
}

static int try_one(wf_ssh *s, const wf_ssh_proof *p)
{
    switch (p->by) {
    case BY_NONE:
        return ssh_userauth_none(s->session, NULL);
    case BY_KEY:
        return p->key != NULL ? ssh_userauth_publickey(s->session, NULL, p->key) : SSH_AUTH_DENIED;
    case BY_AGENT:
        return p->agent ? ssh_userauth_agent(s->session, NULL) : SSH_AUTH_DENIED;
    default:
        return p->password != NULL ? ssh_userauth_password(s->session, NULL, p->password)
                                   : SSH_AUTH_DENIED;
    }
}

/* "None" first (RFC 4252 section 5.2): a server that lets anybody in says so then. */
weft_err wf_ssh_prove(wf_ssh *s, wf_ssh_proof *p, weft_why *why)
{
    while (p->by != BY_NOTHING_MORE) {
        int rc = try_one(s, p);
        if (rc == SSH_AUTH_AGAIN)
            return WEFT_EFULL;
        if (rc == SSH_AUTH_SUCCESS)
            return WEFT_OK;
        if (wf_ssh_is_dead(s)) {
            /* a server that has heard enough says goodbye */
            weft_err err = wf_ssh_is_over(s, why);
            return err == WEFT_EDONE ? WEFT_EDENIED : err;
        }
        p->by++;
    }
    return weft_because(why, WEFT_EDENIED,
                        "the host takes none of what there is to prove who this is");
}

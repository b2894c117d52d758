/* SPDX-License-Identifier: MIT */
/* Host keys: made on the first run, kept, and what is agreed on with peers. */
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <weft/edge.h>

#include "ssh_lib.h"

struct weft_ssh_keys {
    ssh_bind bind;
    char fingerprint[WEFT_SSH_FINGERPRINT_BYTES];
    _Atomic uint32_t unknown; /* peers of whom it is not known who they are */
};

enum { PATH_BYTES = 512, ECDSA_BITS = 256, RSA_BITS_MIN = 2048 };

/* What is offered to peers. Nothing that ssh-audit (or a look at RFC 9142) warns of: no SHA-1, no NIST
 * curves for the exchange, no CBC, no MAC over plain text. */
const char wf_ssh_exchanges[] = "curve25519-sha256,curve25519-sha256@libssh.org";
static const char ciphers[] = "chacha20-poly1305@openssh.com,aes256-gcm@openssh.com,"
                              "aes128-gcm@openssh.com,aes256-ctr,aes128-ctr";
const char wf_ssh_macs[] = "hmac-sha2-256-etm@openssh.com,hmac-sha2-512-etm@openssh.com";
const char wf_ssh_key_types[] = "ssh-ed25519,sk-ssh-ed25519@openssh.com,ecdsa-sha2-nistp256,"
                                "ecdsa-sha2-nistp384,ecdsa-sha2-nistp521,"
                                "sk-ecdsa-sha2-nistp256@openssh.com,rsa-sha2-512,rsa-sha2-256";

static const struct key_file {
    const char *name;
    enum ssh_keytypes_e type;
    int bits;
} files[] = {
    {"ssh_host_ed25519_key", SSH_KEYTYPE_ED25519, 0},
    {"ssh_host_ecdsa_key", SSH_KEYTYPE_ECDSA_P256, ECDSA_BITS},
};
enum { FILES = sizeof files / sizeof *files };

ssh_bind wf_ssh_keys_bind(const weft_ssh_keys *keys)
{
    return keys->bind;
}

/* Under another name first, and linked rather than renamed: of two that begin at once one wins, and both
 * use what the winner wrote. libssh's own umask is not relied on. */
static weft_err key_make(const struct key_file *f, const char *path, weft_why *why)
{
    char draft[PATH_BYTES + 32];
    ssh_key key = NULL;
    (void)snprintf(draft, sizeof draft, "%s.new.%ld", path, (long)getpid());
    int fd = open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return weft_because(why, weft_err_from_errno(errno), "unable to make %s: %s", draft,
                            strerror(errno));
    (void)close(fd);
    weft_err err = WEFT_OK;
    if (ssh_pki_generate(f->type, f->bits, &key) != SSH_OK ||
        ssh_pki_export_privkey_file(key, NULL, NULL, NULL, draft) != SSH_OK)
        err = weft_because(why, WEFT_EIO, "unable to make a key in %s", draft);
    else if (chmod(draft, 0600) != 0 || (link(draft, path) != 0 && errno != EEXIST))
        err = weft_because(why, weft_err_from_errno(errno), "unable to keep %s: %s", path,
                           strerror(errno));
    ssh_key_free(key);
    (void)unlink(draft);
    return err;
}

/* Its public half, for people: nothing reads it here. As with the key itself, whoever is first wins. */
static weft_err public_make(ssh_key key, const char *path, weft_why *why)
{
    char name[PATH_BYTES + 8], draft[PATH_BYTES + 32], *text = NULL;
    (void)snprintf(name, sizeof name, "%s.pub", path);
    (void)snprintf(draft, sizeof draft, "%s.new.%ld", name, (long)getpid());
    int fd = open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (fd < 0)
        return weft_because(why, weft_err_from_errno(errno), "unable to make %s: %s", draft,
                            strerror(errno));
    weft_err err = WEFT_OK;
    if (ssh_pki_export_pubkey_base64(key, &text) != SSH_OK)
        err = weft_because(why, WEFT_ENOMEM, "no memory for %s", name);
    else if (dprintf(fd, "%s %s\n", ssh_key_type_to_char(ssh_key_type(key)), text) < 0 ||
             fchmod(fd, 0644) != 0 || (link(draft, name) != 0 && errno != EEXIST))
        err = weft_because(why, weft_err_from_errno(errno), "unable to write %s: %s", name,
                           strerror(errno));
    (void)close(fd);
    (void)unlink(draft);
    ssh_string_free_char(text);
    return err;
}

/* A folder that is not this program's may have keys and nothing beside them. */
static weft_err public_keep(ssh_key key, const char *path, weft_why *why)
{
    char name[PATH_BYTES + 8];
    struct stat st;
    (void)snprintf(name, sizeof name, "%s.pub", path);
    if (lstat(name, &st) == 0)
        return WEFT_OK;
    weft_err err = public_make(key, path, why);
    return err == WEFT_EDENIED ? WEFT_OK : err;
}

/* A private key that others may read is none. */
weft_err wf_ssh_key_look(const char *path, weft_why *why)
{
    struct stat st;
    if (stat(path, &st) != 0)
        return weft_because(why, weft_err_from_errno(errno), "unable to read %s: %s", path,
                            strerror(errno));
    if (!S_ISREG(st.st_mode) || (st.st_mode & 077) != 0)
        return weft_because(why, WEFT_EDENIED,
                            "%s: expected a file that its owner alone may use (chmod 600)", path);
    return WEFT_OK;
}

static weft_err key_load(const struct key_file *f, const char *dir, ssh_key *out, weft_why *why)
{
    char path[PATH_BYTES];
    struct stat st;
    int n = snprintf(path, sizeof path, "%s/%s", dir, f->name);
    weft_err err = WEFT_OK;
    if (n < 0 || n >= PATH_BYTES)
        return weft_because(why, WEFT_ETOOBIG, "the path of the keys is longer than %d bytes",
                            PATH_BYTES);
    if (lstat(path, &st) != 0 && errno == ENOENT)
        err = key_make(f, path, why);
    if (err == WEFT_OK)
        err = wf_ssh_key_look(path, why);
    if (err != WEFT_OK)
        return err;
    if (ssh_pki_import_privkey_file(path, NULL, NULL, NULL, out) != SSH_OK)
        return weft_because(why, WEFT_EPROTO, "%s: expected a private key without a passphrase",
                            path);
    if (ssh_key_type(*out) != f->type) {
        ssh_key_free(*out);
        return weft_because(why, WEFT_EPROTO, "%s: expected a key of another type", path);
    }
    err = public_keep(*out, path, why);
    if (err != WEFT_OK)
        ssh_key_free(*out);
    return err;
}

static weft_err set(ssh_bind bind, enum ssh_bind_options_e option, const void *value, weft_why *why)
{
    if (ssh_bind_options_set(bind, option, value) == SSH_OK)
        return WEFT_OK;
    return weft_because(why, WEFT_EINTERNAL, "libssh does not take an option: %s",
                        ssh_get_error(bind));
}

static weft_err set_all(ssh_bind bind, bool ecdsa, weft_why *why)
{
    static const bool no_files = false;
    static const int rsa_bits = RSA_BITS_MIN;
    const struct {
        enum ssh_bind_options_e option;
        const void *value;
    } rows[] = {
        {SSH_BIND_OPTIONS_PROCESS_CONFIG, &no_files},
        {SSH_BIND_OPTIONS_BANNER, "weft"},
        {SSH_BIND_OPTIONS_KEY_EXCHANGE, wf_ssh_exchanges},
        {SSH_BIND_OPTIONS_CIPHERS_C_S, ciphers},
        {SSH_BIND_OPTIONS_CIPHERS_S_C, ciphers},
        {SSH_BIND_OPTIONS_HMAC_C_S, wf_ssh_macs},
        {SSH_BIND_OPTIONS_HMAC_S_C, wf_ssh_macs},
        {SSH_BIND_OPTIONS_PUBKEY_ACCEPTED_KEY_TYPES, wf_ssh_key_types},
        {SSH_BIND_OPTIONS_HOSTKEY_ALGORITHMS,
         ecdsa ? "ssh-ed25519,ecdsa-sha2-nistp256" : "ssh-ed25519"},
        {SSH_BIND_OPTIONS_RSA_MIN_SIZE, &rsa_bits},
    };
    weft_err err = WEFT_OK;
    for (size_t i = 0; i < sizeof rows / sizeof *rows && err == WEFT_OK; i++)
        err = set(bind, rows[i].option, rows[i].value, why);
    return err;
}

void wf_ssh_fingerprint(ssh_key key, char to[WEFT_SSH_FINGERPRINT_BYTES])
{
    unsigned char *hash = NULL;
    size_t size = 0;
    if (ssh_get_publickey_hash(key, SSH_PUBLICKEY_HASH_SHA256, &hash, &size) != SSH_OK)
        return;
    char *text = ssh_get_fingerprint_hash(SSH_PUBLICKEY_HASH_SHA256, hash, size);
    if (text != NULL)
        (void)snprintf(to, WEFT_SSH_FINGERPRINT_BYTES, "%s", text);
    ssh_string_free_char(text);
    ssh_clean_pubkey_hash(&hash);
}

static weft_err fill(weft_ssh_keys *keys, const char *dir, bool ecdsa, weft_why *why)
{
    weft_err err = set_all(keys->bind, ecdsa, why);
    if (err == WEFT_OK && mkdir(dir, 0700) != 0 && errno != EEXIST)
        err = weft_because(why, weft_err_from_errno(errno), "unable to make %.120s: %s", dir,
                           strerror(errno));
    for (int i = 0; i < FILES && err == WEFT_OK; i++) {
        ssh_key key = NULL;
        err = key_load(&files[i], dir, &key, why);
        if (err != WEFT_OK)
            break;
        if (i == 0)
            wf_ssh_fingerprint(key, keys->fingerprint);
        bool shown = i == 0 || ecdsa;
        if (shown)
            err = set(keys->bind, SSH_BIND_OPTIONS_IMPORT_KEY, key, why);
        if (!shown || err != WEFT_OK)
            ssh_key_free(key);
    }
    return err;
}

weft_err weft_ssh_keys_open(const char *dir, bool ecdsa, weft_ssh_keys **out, weft_why *why)
{
    weft_ssh_keys *keys = weft_alloc_zero(sizeof *keys);
    if (keys == NULL || (keys->bind = ssh_bind_new()) == NULL) {
        weft_alloc_free(keys);
        return weft_because(why, WEFT_ENOMEM, "no memory for host keys");
    }
    weft_err err = fill(keys, dir, ecdsa, why);
    if (err != WEFT_OK) {
        weft_ssh_keys_close(&keys);
        return err;
    }
    *out = keys;
    return WEFT_OK;
}

void weft_ssh_keys_close(weft_ssh_keys **keys)
{
    if (*keys == NULL)
        return;
    ssh_bind_free((*keys)->bind);
    weft_alloc_free(*keys);
    *keys = NULL;
}

const char *weft_ssh_keys_fingerprint(const weft_ssh_keys *keys)
{
    return keys->fingerprint;
}

bool wf_ssh_keys_enter(const weft_ssh_keys *keys, uint32_t max)
{
    /* relaxed: it counts, and nothing is read because of it */
    weft_ssh_keys *k = (weft_ssh_keys *)(uintptr_t)keys;
    if (atomic_fetch_add_explicit(&k->unknown, 1, memory_order_relaxed) < max)
        return true;
    wf_ssh_keys_leave(keys);
    return false;
}

void wf_ssh_keys_leave(const weft_ssh_keys *keys)
{
    weft_ssh_keys *k = (weft_ssh_keys *)(uintptr_t)keys;
    (void)atomic_fetch_sub_explicit(&k->unknown, 1, memory_order_relaxed);
}

/* SPDX-License-Identifier: MIT */
/* Reading certificates and keys, with a sentence that says where they are broken. */
#include "tls_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

const char *wf_tls_last_reason(void)
{
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());
    return reason != NULL ? reason : "no reason was given";
}

bool wf_tls_memory_was_out(void)
{
    bool out = false;
    for (unsigned long e; (e = ERR_get_error()) != 0;)
        out = out || ERR_GET_REASON(e) == ERR_R_MALLOC_FAILURE;
    return out;
}

weft_err wf_tls_refuse(weft_why *why, weft_err err, const char *name, const char *text)
{
    if (wf_tls_memory_was_out())
        return weft_because(why, WEFT_ENOMEM, "TLS: no memory");
    return weft_because(why, err, "TLS: %.80s: %s", name, text);
}

/* ---- texts */

static weft_err unreadable(const char *file, const char *what, weft_why *why)
{
    return weft_because(why, weft_err_from_errno(errno), "TLS: %.90s: %s, expected %s", file,
                        strerror(errno), what);
}

static weft_err read_all(int fd, const char *file, const char *what, tls_text *out, weft_why *why)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return unreadable(file, what, why);
    if (!S_ISREG(st.st_mode))
        return weft_because(why, WEFT_EINVAL, "TLS: %.90s is no file, expected %s", file, what);
    if (st.st_size > (off_t)WEFT_TLS_PEM_BYTES_MAX)
        return weft_because(why, WEFT_ETOOBIG, "TLS: %.90s is longer than %u bytes", file,
                            WEFT_TLS_PEM_BYTES_MAX);
    size_t size = (size_t)st.st_size, got = 0;
    out->own = weft_alloc(size + 1);
    if (out->own == NULL)
        return weft_because(why, WEFT_ENOMEM, "TLS: no memory to read %.90s", file);
    while (got < size) {
        ssize_t n = read(fd, out->own + got, size - got);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return unreadable(file, what, why);
        if (n == 0)
            break; /* it became shorter: what is missing will tell */
        got += (size_t)n;
    }
    out->own[got] = '\0';
    out->at = out->own;
    out->size = got;
    return WEFT_OK;
}

weft_err wf_tls_text_open(const char *file, const char *pem, const char *what, tls_text *out,
                          weft_why *why)
{
    if (file == NULL) {
        *out = (tls_text){.name = what, .at = pem, .size = strlen(pem)};
        return WEFT_OK;
    }
    *out = (tls_text){.name = file};
    int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return unreadable(file, what, why);
    weft_err err = read_all(fd, file, what, out, why);
    (void)close(fd);
    if (err != WEFT_OK)
        wf_tls_text_close(out);
    return err;
}

void wf_tls_text_close(tls_text *text)
{
    if (text->own != NULL)
        OPENSSL_cleanse(text->own, text->size); /* it may be a key */
    weft_alloc_free(text->own);
    *text = (tls_text){.own = NULL};
}

/* ---- PEM */

/* The line at which reading stopped. */
static unsigned line_of(BIO *bio, const tls_text *text)
{
    size_t left = BIO_ctrl_pending(bio), done = left < text->size ? text->size - left : 0;
    unsigned line = 1;
    for (size_t i = 0; i + 1 < done; i++)
        line += text->at[i] == '\n';
    return line;
}

static weft_err broken(BIO *bio, const tls_text *text, const char *what, weft_why *why)
{
    char sentence[120];
    (void)snprintf(sentence, sizeof sentence, "what ends at line %u is no %s: %s",
                   line_of(bio, text), what, wf_tls_last_reason());
    return wf_tls_refuse(why, WEFT_EINVAL, text->name, sentence);
}

/* Nobody is asked for the passphrase of a key: the program has no terminal to ask at. */
static int no_passphrase(char *to, int size, int writing, void *context)
{
    (void)to, (void)size, (void)writing, (void)context;
    return -1;
}

static bool at_end(void)
{
    unsigned long e = ERR_peek_last_error();
    return ERR_GET_LIB(e) == ERR_LIB_PEM && ERR_GET_REASON(e) == PEM_R_NO_START_LINE;
}

static weft_err take_certificates(BIO *bio, const tls_text *text, STACK_OF(X509) * all,
                                  weft_why *why)
{
    X509 *x;
    while ((x = PEM_read_bio_X509(bio, NULL, no_passphrase, NULL)) != NULL)
        if (sk_X509_push(all, x) <= 0) {
            X509_free(x);
            return weft_because(why, WEFT_ENOMEM, "TLS: no memory");
        }
    /* the end of the text is how it ends */
    if (!at_end())
        return broken(bio, text, "certificate", why);
    ERR_clear_error();
    if (sk_X509_num(all) == 0)
        return wf_tls_refuse(why, WEFT_EINVAL, text->name,
                             "no certificate in it, expected \"-----BEGIN CERTIFICATE-----\"");
    return WEFT_OK;
}

weft_err wf_tls_certificates(const tls_text *text, STACK_OF(X509) * *out, weft_why *why)
{
    BIO *bio = BIO_new_mem_buf(text->at, (int)text->size);
    STACK_OF(X509) *all = sk_X509_new_null();
    weft_err err = bio != NULL && all != NULL ? take_certificates(bio, text, all, why)
                                              : weft_because(why, WEFT_ENOMEM, "TLS: no memory");
    BIO_free(bio);
    if (err == WEFT_OK)
        *out = all;
    else
        sk_X509_pop_free(all, X509_free);
    ERR_clear_error();
    return err;
}

/* A text without a key: none at all, or one that nobody can open here. */
static weft_err no_key(BIO *bio, const tls_text *text, weft_why *why)
{
    if (strstr(text->at, "ENCRYPTED") != NULL)
        return wf_tls_refuse(why, WEFT_EINVAL, text->name,
                             "the key has a passphrase, expected one without");
    if (strstr(text->at, "PRIVATE KEY-----") == NULL)
        return wf_tls_refuse(why, WEFT_EINVAL, text->name,
                             "no key in it, expected \"-----BEGIN PRIVATE KEY-----\"");
    return broken(bio, text, "key", why);
}

weft_err wf_tls_key(const tls_text *text, EVP_PKEY **out, weft_why *why)
{
    BIO *bio = BIO_new_mem_buf(text->at, (int)text->size);
    if (bio == NULL)
        return weft_because(why, WEFT_ENOMEM, "TLS: no memory");
    EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL);
    weft_err err = key != NULL ? WEFT_OK : no_key(bio, text, why);
    BIO_free(bio);
    ERR_clear_error();
    if (err == WEFT_OK)
        *out = key;
    return err;
}

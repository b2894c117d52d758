/* SPDX-License-Identifier: MIT */
/* Records that the kernel seals, with a kernel of the test's: what it is asked, when, and how often; and that it
 * could go on with what it is given. (With a real one: tests/ktls.)
 *
 * After it has been given a key, what is written to the socket comes plain. The test seals it as the kernel would
 * have, with what that was given, and OpenSSL's client has to take it for the server's. */
#include "actors/tls_client.h"

#include <errno.h>
#include <linux/tls.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <weft/tls.h>

#include "alloc.h"
#include "test_certificate.h"

enum { HEADER = 5, TAG = 16, ALERT = 21, DATA = 23, RECORD = 1 << 14 };
enum { FILE_BYTES = 600000, SMALL = 1000, HEAD = 7, TAIL = 100 };
_Static_assert(FILE_BYTES > WEFT_TLS_KERNEL_BYTES_MIN, "worth it");
_Static_assert(SMALL < WEFT_TLS_KERNEL_BYTES_MIN, "not");

static const kit_transport tcp = {.name = "tcp", .url = "tcp://127.0.0.1:0"};

/* ---- the kernel */

static struct kernel {
    int none;             /* what it says instead of having TLS; 0: it has */
    int no_key;           /* what it says to keys */
    long fails;           /* behind a key memory is out once, after so many takings, if not 0 */
    unsigned asked, keys; /* so often */
    union {
        struct tls_crypto_info info;
        struct tls12_crypto_info_aes_gcm_128 aes128;
        struct tls12_crypto_info_aes_gcm_256 aes256;
        struct tls12_crypto_info_chacha20_poly1305 chacha;
    } given;
    uint64_t number; /* of the next record that it seals */
    bool plain;      /* what is sealed by the server itself has all come */
    uint8_t kept[RECORD + 1024];
    size_t n_kept;
} kernel;

static int answer(int err)
{
    errno = err;
    return err == 0 ? 0 : -1;
}

static int kernel_set(int fd, int level, int name, const void *value, unsigned size)
{
    struct sockaddr_storage peer;
    socklen_t n = sizeof peer;
    if (level == IPPROTO_TCP) {
        CHECK(name == TCP_ULP && size == sizeof "tls" && memcmp(value, "tls", size) == 0);
        kernel.asked++;
        if (kernel.none != 0)
            return answer(kernel.none);
        return answer(getpeername(fd, (struct sockaddr *)&peer, &n) == 0 ? 0 : ENOTCONN);
    }
    CHECK(level == SOL_TLS && name == TLS_TX && size <= sizeof kernel.given);
    kernel.keys++;
    if (kernel.no_key != 0)
        return answer(kernel.no_key);
    memcpy(&kernel.given, value, size);
    CHECK(kernel.given.info.version == TLS_1_3_VERSION);
    if (kernel.fails != 0)
        wf_alloc_fail_after(kernel.fails - 1);
    return answer(0);
}

static const EVP_CIPHER *given_key(const uint8_t **key, uint8_t iv[12], const uint8_t **number)
{
    switch (kernel.given.info.cipher_type) {
    case TLS_CIPHER_AES_GCM_128:
        *key = kernel.given.aes128.key;
        *number = kernel.given.aes128.rec_seq;
        memcpy(iv, kernel.given.aes128.salt, 4);
        memcpy(iv + 4, kernel.given.aes128.iv, 8);
        return EVP_aes_128_gcm();
    case TLS_CIPHER_AES_GCM_256:
        *key = kernel.given.aes256.key;
        *number = kernel.given.aes256.rec_seq;
        memcpy(iv, kernel.given.aes256.salt, 4);
        memcpy(iv + 4, kernel.given.aes256.iv, 8);
        return EVP_aes_256_gcm();
    default:
        CHECK(kernel.given.info.cipher_type == TLS_CIPHER_CHACHA20_POLY1305);
        *key = kernel.given.chacha.key;
        *number = kernel.given.chacha.rec_seq;
        memcpy(iv, kernel.given.chacha.iv, 12);
        return EVP_chacha20_poly1305();
    }
}

/* One record, as RFC 8446 section 5.2 has it, to the client. */
static void seal(tls_client *c, uint8_t type, const uint8_t *from, size_t size)
{
    uint8_t record[HEADER + RECORD + 1 + TAG], iv[12];
    const uint8_t *key, *number;
    int n = 0;
    const EVP_CIPHER *cipher = given_key(&key, iv, &number);
    uint64_t first = 0;
    for (int i = 0; i < 8; i++)
        first = first << 8 | number[i];
    for (int i = 0; i < 8; i++)
        iv[11 - i] ^= (uint8_t)((first + kernel.number) >> (8 * i));
    kernel.number++;
    size_t sealed = size + 1 + TAG;
    memcpy(record, (const uint8_t[]){DATA, 3, 3, (uint8_t)(sealed >> 8), (uint8_t)sealed}, HEADER);
    EVP_CIPHER_CTX *x = EVP_CIPHER_CTX_new();
    REQUIRE(x != NULL && EVP_EncryptInit_ex(x, cipher, NULL, key, iv) == 1);
    CHECK(EVP_EncryptUpdate(x, NULL, &n, record, HEADER) == 1);
    CHECK(EVP_EncryptUpdate(x, record + HEADER, &n, from, (int)size) == 1);
    CHECK(EVP_EncryptUpdate(x, record + HEADER + size, &n, &type, 1) == 1);
    CHECK(EVP_EncryptFinal_ex(x, record + HEADER + size + 1, &n) == 1);
    CHECK(EVP_CIPHER_CTX_ctrl(x, EVP_CTRL_AEAD_GET_TAG, TAG, record + HEADER + size + 1) == 1);
    EVP_CIPHER_CTX_free(x);
    tls_client_give(c, record, HEADER + sealed);
}

static bool is_record(const uint8_t *at)
{
    return at[0] >= 20 && at[0] <= 23 && at[1] == 3 && at[2] == 3;
}

/* What may be said of what was kept now: so many bytes; 0: more has to come. Two stay: the last alert, perhaps. */
static size_t ready(void)
{
    if (!kernel.plain && kernel.n_kept >= HEADER && !is_record(kernel.kept))
        kernel.plain = true;
    if (kernel.plain)
        return kernel.n_kept <= 2 ? 0 : kernel.n_kept - 2 < RECORD ? kernel.n_kept - 2 : RECORD;
    if (kernel.n_kept < HEADER)
        return 0;
    size_t n = HEADER + ((size_t)kernel.kept[3] << 8 | kernel.kept[4]);
    return kernel.n_kept >= n ? n : 0;
}

static void take(tls_client *c, weft_bytes wire)
{
    if (kernel.keys != 0)
        wf_alloc_fail_after(-1);
    while (wire.size != 0) {
        size_t room = sizeof kernel.kept - kernel.n_kept, n = wire.size < room ? wire.size : room;
        memcpy(kernel.kept + kernel.n_kept, wire.at, n);
        kernel.n_kept += n;
        wire = weft_bytes_slice(wire, n, SIZE_MAX);
        for (size_t of; (of = ready()) != 0;) {
            if (kernel.plain)
                seal(c, DATA, kernel.kept, of);
            else
                tls_client_give(c, kernel.kept, of);
            kernel.n_kept -= of;
            memmove(kernel.kept, kernel.kept + of, kernel.n_kept);
        }
    }
}

static void finish(tls_client *c)
{
    if (kernel.plain && kernel.n_kept != 0)
        seal(c, ALERT, kernel.kept, kernel.n_kept);
}

static void begin_kernel(struct kernel how)
{
    kernel = how;
    wf_seal_forget();
    wf_seal_set = kernel_set;
}

static void end_kernel(void)
{
    wf_alloc_fail_after(-1);
    wf_seal_set = setsockopt;
    wf_seal_forget();
}

/* ---- the server */

static test_certificate certificate;

static weft_tls *server(weft_tls_kernel how)
{
    weft_tls *tls = NULL;
    weft_why why = {""};
    if (certificate.certificate[0] == '\0')
        test_certificate_make("localhost", &certificate);
    weft_err err = weft_tls_server(&(weft_tls_config){.certificate_pem = certificate.certificate,
                                                      .key_pem = certificate.key,
                                                      .kernel = how},
                                   &tls, &why);
    if (err != WEFT_OK)
        CHECK_STR(why.text, "");
    REQUIRE(err == WEFT_OK);
    return tls;
}

static struct server {
    weft_tls *tls;
    size_t file_bytes;
    bool no_head, no_tail, stays;
} own;

static weft_file *file_new(size_t from, size_t size)
{
    int fd = memfd_create("pattern", MFD_CLOEXEC);
    uint8_t piece[4096];
    REQUIRE(fd >= 0);
    for (size_t at = 0, n; at < size; at += n) {
        n = size - at < sizeof piece ? size - at : sizeof piece;
        for (size_t i = 0; i < n; i++)
            piece[i] = kit_byte(from + at + i);
        REQUIRE(write(fd, piece, n) == (ssize_t)n);
    }
    return weft_file_new(fd);
}

static void write_pattern(weft_actor *self, kit_side *s, size_t from, size_t size)
{
    uint8_t bytes[TAIL];
    for (size_t i = 0; i < size; i++)
        bytes[i] = kit_byte(from + i);
    CHECK_OK(weft_write_copy(self, s->stream, bytes, size));
}

static size_t head(void)
{
    return own.no_head ? 0 : HEAD;
}

static size_t all(void)
{
    return head() + own.file_bytes + (own.no_tail ? 0 : TAIL);
}

static void push_alone(weft_actor *self, kit_side *s, weft_msg *msg)
{
    weft_why why = {""};
    (void)msg;
    CHECK_OK(weft_tls_push(self, s->stream, own.tls, NULL, &why));
}

/* A head, a file, a tail; then it ends its side. */
static void serve_now(weft_actor *self, kit_side *s, weft_msg *msg)
{
    (void)msg;
    if (!own.no_head)
        write_pattern(self, s, 0, HEAD);
    if (own.file_bytes != 0) {
        weft_file *file = file_new(head(), own.file_bytes);
        CHECK_OK(weft_write_file(self, s->stream, file, 0, own.file_bytes));
        weft_file_drop(&file);
    }
    if (!own.no_tail)
        write_pattern(self, s, head() + own.file_bytes, TAIL);
    if (!own.stays)
        CHECK_OK(weft_end(self, s->stream));
}

static void serve(weft_actor *self, kit_side *s, weft_msg *msg)
{
    push_alone(self, s, msg);
    serve_now(self, s, msg);
}

static bool kernel_had_it;

static void look(weft_actor *self, kit_side *s, weft_msg *msg)
{
    weft_tls_info info;
    (void)msg;
    CHECK_OK(weft_tls_about(self, s->stream, &info));
    CHECK_STR(info.version, "TLSv1.3");
    kernel_had_it = info.kernel;
    CHECK_OK(weft_close(self, s->stream));
}

static void end_too(tls_client *c, size_t bytes)
{
    (void)bytes;
    if (c->ended && (SSL_get_shutdown(c->ssl) & SSL_SENT_SHUTDOWN) == 0)
        CHECK(SSL_shutdown(c->ssl) >= 0);
}

/* All comes, in order, and with a close_notify. */
static void run_and_check(const kit_transport *by, const char *suite, struct server what)
{
    kit_side b = {.plain = true, .opened = serve, .ended = look};
    tls_client c = {.suite = suite, .take = take, .finish = finish, .heard = end_too};
    own = what;
    kernel_had_it = false;
    kernel.number = kernel.n_kept = 0;
    kernel.plain = false;
    tls_client_run(&c, by, &b);
    CHECK_U64(c.got, all());
    CHECK(c.ended);
    CHECK_U64(c.reason, 0);
    CHECK_STR(b.log, "oec");
    CHECK_ERR(b.reason, WEFT_EDONE);
}

/* ---- what it is asked */

static void a_kernel_without_tls_is_asked_once_a_process(void)
{
    static const int words[] = {ENOENT, ENOPROTOOPT};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        begin_kernel((struct kernel){.none = words[i]});
        weft_tls *tls = server(WEFT_TLS_KERNEL_AUTO);
        run_and_check(&tcp, NULL, (struct server){.tls = tls, .file_bytes = FILE_BYTES});
        weft_tls_drop(&tls);
        tls = server(WEFT_TLS_KERNEL_AUTO);
        run_and_check(&tcp, NULL, (struct server){.tls = tls, .file_bytes = FILE_BYTES});
        weft_tls_drop(&tls);
        CHECK_U64(kernel.asked, 1);
        CHECK_U64(kernel.keys, 0);
        CHECK(!kernel_had_it);
        end_kernel();
    }
}

static void who_asks_for_a_kernel_without_tls_is_told_so(void)
{
    weft_tls *tls = NULL;
    weft_why why = {""};
    weft_tls_drop(&(weft_tls *){server(WEFT_TLS_KERNEL_OFF)});
    begin_kernel((struct kernel){.none = ENOENT});
    weft_tls_config config = {.certificate_pem = certificate.certificate,
                              .key_pem = certificate.key,
                              .kernel = WEFT_TLS_KERNEL_ON};
    CHECK_ERR(weft_tls_server(&config, &tls, &why), WEFT_EUNSUPPORTED);
    CHECK(tls == NULL);
    CHECK(strstr(why.text, "No such file or directory") != NULL);
    CHECK(strstr(why.text, "module \"tls\"") != NULL);
    CHECK(strstr(why.text, "ktls=auto") != NULL);
    end_kernel();
}

static void descriptors_that_are_out_are_not_taken_for_what_the_kernel_is(void)
{
    weft_why why = {""};
    begin_kernel((struct kernel){.none = ENOMEM});
    CHECK_ERR(wf_seal_offered(&why), WEFT_EUNSUPPORTED);
    kernel.none = 0;
    CHECK_OK(wf_seal_offered(&why));
    CHECK_OK(wf_seal_offered(&why));
    CHECK_U64(kernel.asked, 2);
    end_kernel();
}

static void it_is_not_asked_where_it_is_not_wanted(void)
{
    begin_kernel((struct kernel){.none = 0});
    weft_tls *tls = server(WEFT_TLS_KERNEL_OFF);
    run_and_check(&tcp, NULL, (struct server){.tls = tls, .file_bytes = FILE_BYTES});
    weft_tls_drop(&tls);
    CHECK_U64(kernel.asked, 0);
    end_kernel();
}

/* ---- what it does */

static void a_large_file_is_the_kernels_by_every_cipher(void)
{
    static const char *const suites[] = {"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384",
                                         "TLS_CHACHA20_POLY1305_SHA256"};
    begin_kernel((struct kernel){.none = 0});
    weft_tls *tls = server(WEFT_TLS_KERNEL_AUTO);
    for (unsigned i = 0; i < sizeof suites / sizeof *suites; i++) {
        run_and_check(&tcp, suites[i], (struct server){.tls = tls, .file_bytes = FILE_BYTES});
        CHECK(kernel_had_it);
        CHECK_U64(kernel.keys, i + 1);
        CHECK(kernel.plain && kernel.number > FILE_BYTES / RECORD);
    }
    weft_tls_drop(&tls);
    end_kernel();
}

static void what_is_not_worth_it_stays_here(void)
{
    begin_kernel((struct kernel){.none = 0});
    weft_tls *tls = server(WEFT_TLS_KERNEL_AUTO);
    run_and_check(&tcp, NULL, (struct server){.tls = tls, .file_bytes = SMALL});
    run_and_check(&tcp, NULL,
                  (struct server){.tls = tls, .file_bytes = WEFT_TLS_KERNEL_BYTES_MIN - 1});
    run_and_check(&tcp, NULL, (struct server){.tls = tls});
    CHECK_U64(kernel.keys, 0);
    run_and_check(&tcp, NULL, (struct server){.tls = tls, .file_bytes = WEFT_TLS_KERNEL_BYTES_MIN});
    CHECK_U64(kernel.keys, 1);
    weft_tls_drop(&tls);
    end_kernel();
}

static void everything_is_the_kernels_where_that_is_asked_for(void)
{
    begin_kernel((struct kernel){.none = 0});
    weft_tls *tls = server(WEFT_TLS_KERNEL_ON);
    run_and_check(&tcp, NULL, (struct server){.tls = tls});
    CHECK(kernel_had_it && kernel.plain);
    run_and_check(&tcp, NULL, (struct server){.tls = tls, .file_bytes = SMALL});
    CHECK(kernel_had_it && kernel.plain);
    /* nothing but the end: there is nothing to have it for */
    run_and_check(&tcp, NULL, (struct server){.tls = tls, .no_head = true, .no_tail = true});
    CHECK(!kernel_had_it);
    CHECK_U64(kernel.keys, 2);
    weft_tls_drop(&tls);
    end_kernel();
}

static void limits_around_the_leaf_go_on(void)
{
    static const kit_transport limited = {
        .name = "tcp with limits",
        .url = "tcp://127.0.0.1:0",
        .listen_policies = "idle=1h&lifetime=2h&write_rate=900M&rate_burst=100k"};
    begin_kernel((struct kernel){.none = 0});
    weft_tls *tls = server(WEFT_TLS_KERNEL_AUTO);
    run_and_check(&limited, NULL, (struct server){.tls = tls, .file_bytes = FILE_BYTES});
    CHECK(kernel_had_it);
    weft_tls_drop(&tls);
    end_kernel();
}

static void what_is_no_socket_of_its_own_stays_here(void)
{
    static const kit_transport others[] = {
        {.name = "pair"},
        {.name = "pipes", .pipes = true},
        {.name = "simulated wire", .url = "sim://kit:1", .sim = true},
    };
    begin_kernel((struct kernel){.none = 0});
    weft_tls *tls = server(WEFT_TLS_KERNEL_ON);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        run_and_check(&others[i], NULL, (struct server){.tls = tls, .file_bytes = FILE_BYTES});
    CHECK_U64(kernel.keys, 0);
    CHECK_U64(kernel.asked, 1); /* when the side was made */
    weft_tls_drop(&tls);
    end_kernel();
}

static void a_cipher_that_the_kernel_has_not_is_asked_for_once(void)
{
    begin_kernel((struct kernel){.no_key = EINVAL});
    weft_tls *tls = server(WEFT_TLS_KERNEL_AUTO);
    for (unsigned i = 0; i < 2; i++) {
        run_and_check(&tcp, "TLS_AES_128_GCM_SHA256",
                      (struct server){.tls = tls, .file_bytes = FILE_BYTES});
        CHECK(!kernel_had_it && !kernel.plain);
        CHECK_U64(kernel.keys, 1);
    }
    kernel.no_key = ENOMEM; /* which says nothing of the cipher */
    for (unsigned i = 0; i < 2; i++) {
        run_and_check(&tcp, "TLS_AES_256_GCM_SHA384",
                      (struct server){.tls = tls, .file_bytes = FILE_BYTES});
        CHECK(!kernel_had_it);
        CHECK_U64(kernel.keys, 2 + i);
    }
    weft_tls_drop(&tls);
    end_kernel();
}

/* ---- keys */

static void ask_for_new_keys(tls_client *c, size_t bytes)
{
    if (bytes != 0 && c->updates++ == 0)
        tls_client_renew(c, SSL_KEY_UPDATE_REQUESTED);
}

static void run_asking(size_t file_bytes, kit_side *b, tls_client *c)
{
    begin_kernel((struct kernel){.none = 0});
    weft_tls *tls = server(WEFT_TLS_KERNEL_AUTO);
    *b = (kit_side){.plain = true, .opened = serve};
    *c = (tls_client){.take = take, .finish = finish, .heard = ask_for_new_keys};
    own = (struct server){.tls = tls, .file_bytes = file_bytes, .stays = true};
    tls_client_run(c, &tcp, b);
    CHECK_ERR(b->reason, WEFT_ETLS);
    CHECK(strstr(b->why, "new keys") != NULL);
    weft_tls_drop(&tls);
    end_kernel();
}

static void whoever_asks_for_new_keys_of_the_kernel_gets_an_alert(void)
{
    kit_side b;
    tls_client c;
    run_asking(WEFT_TLS_KERNEL_BYTES_MIN, &b, &c);
    CHECK_U64(c.got, all());
    CHECK_U64(c.reason, SSL_R_TLSV1_ALERT_INTERNAL_ERROR);
}

static void and_no_data_behind_that(void)
{
    enum { MUCH = 64 << 20 }; /* more than sockets take */
    kit_side b;
    tls_client c;
    run_asking(MUCH, &b, &c);
    CHECK(c.got != 0 && c.got < MUCH / 2);
    CHECK(!c.ended);
}

static void renew(tls_client *c)
{
    tls_client_renew(c, SSL_KEY_UPDATE_NOT_REQUESTED);
    tls_client_say(c, 0, 10);
}

static void a_peer_may_renew_its_own(void)
{
    begin_kernel((struct kernel){.none = 0});
    weft_tls *tls = server(WEFT_TLS_KERNEL_ON);
    kit_side b = {.plain = true, .opened = serve, .ended = look};
    tls_client c = {.take = take, .finish = finish, .up = renew, .heard = end_too};
    own = (struct server){.tls = tls, .file_bytes = FILE_BYTES};
    tls_client_run(&c, &tcp, &b);
    CHECK_U64(b.got, 10);
    CHECK_U64(c.got, all());
    CHECK_ERR(b.reason, WEFT_EDONE);
    CHECK(kernel_had_it);
    weft_tls_drop(&tls);
    end_kernel();
}

static void a_file_that_could_use_up_a_key_stays_here(void)
{
    uint64_t max = wf_seal_records_max;
    begin_kernel((struct kernel){.none = 0});
    weft_tls *tls = server(WEFT_TLS_KERNEL_AUTO);
    wf_seal_records_max = 20;
    run_and_check(&tcp, "TLS_AES_128_GCM_SHA256",
                  (struct server){.tls = tls, .file_bytes = FILE_BYTES});
    CHECK(!kernel_had_it);
    /* no limit of the cipher's is met before its records have no numbers left */
    run_and_check(&tcp, "TLS_CHACHA20_POLY1305_SHA256",
                  (struct server){.tls = tls, .file_bytes = FILE_BYTES});
    CHECK(kernel_had_it);
    wf_seal_records_max = max;
    weft_tls_drop(&tls);
    end_kernel();
}

static void a_connection_ends_before_a_key_has_sealed_too_much(void)
{
    uint64_t max = wf_seal_records_max;
    begin_kernel((struct kernel){.none = 0});
    weft_tls *tls = server(WEFT_TLS_KERNEL_ON);
    kit_side b = {.plain = true, .opened = serve};
    tls_client c = {.suite = "TLS_AES_128_GCM_SHA256", .take = take};
    own = (struct server){.tls = tls, .file_bytes = FILE_BYTES};
    wf_seal_records_max = 20;
    tls_client_run(&c, &tcp, &b);
    wf_seal_records_max = max;
    CHECK_ERR(b.reason, WEFT_ELIMIT);
    CHECK(!c.ended);
    weft_tls_drop(&tls);
    end_kernel();
}

/* ---- what is said of keys before, and what is not said afterwards */

static void ask_and_say(tls_client *c)
{
    tls_client_renew(c, SSL_KEY_UPDATE_REQUESTED);
    tls_client_say(c, 0, 10);
}

static void new_keys_that_are_owed_go_before_it_takes_over(void)
{
    begin_kernel((struct kernel){.none = 0});
    weft_tls *tls = server(WEFT_TLS_KERNEL_ON);
    kit_side b = {.plain = true, .opened = push_alone, .data = serve_now, .ended = look};
    tls_client c = {.take = take, .finish = finish, .up = ask_and_say, .heard = end_too};
    own = (struct server){.tls = tls, .file_bytes = FILE_BYTES, .no_head = true};
    tls_client_run(&c, &tcp, &b);
    CHECK_U64(b.got, 10);
    CHECK_U64(c.got, all());
    CHECK_U64(c.updates, 1);
    CHECK_U64(c.asked, 0);
    CHECK_ERR(b.reason, WEFT_EDONE);
    CHECK(kernel_had_it && kernel.plain);
    weft_tls_drop(&tls);
    end_kernel();
}

static void short_records_stay_here(void)
{
    begin_kernel((struct kernel){.none = 0});
    weft_tls *tls = server(WEFT_TLS_KERNEL_ON);
    kit_side b = {.plain = true, .opened = serve, .ended = look};
    tls_client c = {.fragment = TLSEXT_max_fragment_length_1024, .heard = end_too};
    own = (struct server){.tls = tls, .file_bytes = FILE_BYTES};
    tls_client_run(&c, &tcp, &b);
    CHECK_U64(c.got, all());
    CHECK_ERR(b.reason, WEFT_EDONE);
    CHECK(!kernel_had_it);
    CHECK_U64(kernel.keys, 0);
    weft_tls_drop(&tls);
    end_kernel();
}

static void say_many_records(tls_client *c, size_t bytes)
{
    if (bytes != HEAD - 2) /* two are kept back */
        return;
    for (size_t i = 0; i < 10; i++)
        tls_client_say(c, i, i + 1);
    c->heard = end_too;
}

static void end_when_ten_came(weft_actor *self, kit_side *s, weft_msg *msg)
{
    (void)msg;
    if (s->got == 10)
        CHECK_OK(weft_end(self, s->stream));
}

static void a_peer_that_should_renew_its_keys_is_not_asked_for_that(void)
{
    uint64_t max = wf_tls_records_max;
    begin_kernel((struct kernel){.none = 0});
    weft_tls *tls = server(WEFT_TLS_KERNEL_ON);
    kit_side b = {.plain = true, .opened = serve, .data = end_when_ten_came, .ended = look};
    tls_client c = {.take = take, .finish = finish, .heard = say_many_records};
    own = (struct server){.tls = tls, .no_tail = true, .stays = true};
    wf_tls_records_max = 5; /* more than the tickets, which SSL sends */
    tls_client_run(&c, &tcp, &b);
    wf_tls_records_max = max;
    CHECK_U64(b.got, 10);
    CHECK_U64(c.got, all());
    CHECK_U64(c.updates, 0);
    CHECK_ERR(b.reason, WEFT_EDONE);
    CHECK(kernel_had_it && kernel.plain);
    weft_tls_drop(&tls);
    end_kernel();
}

static void change_the_last(uint8_t *records, size_t bytes)
{
    records[bytes - 1] ^= 1;
}

static void say_good_and_bad(tls_client *c)
{
    tls_client_say(c, 0, 10);
    tls_client_say(c, 10, 20);
    c->change = change_the_last;
}

static void say_it_behind_the_head(tls_client *c, size_t bytes)
{
    if (bytes != HEAD - 2)
        return;
    say_good_and_bad(c);
    c->heard = NULL;
}

static void say_what_is_too_late(weft_actor *self, kit_side *s, weft_msg *msg)
{
    (void)msg;
    write_pattern(self, s, HEAD, TAIL);
}

static void check_silence(tls_client *c)
{
    begin_kernel((struct kernel){.none = 0});
    weft_tls *tls = server(WEFT_TLS_KERNEL_ON);
    kit_side b = {.plain = true, .opened = serve, .data = say_what_is_too_late};
    own = (struct server){.tls = tls, .no_head = c->up != NULL, .no_tail = true, .stays = true};
    tls_client_run(c, &tcp, &b);
    CHECK_U64(b.got, 10);
    CHECK_U64(c->got, head());
    CHECK_U64(c->reason, SSL_R_SSLV3_ALERT_BAD_RECORD_MAC);
    CHECK_ERR(b.reason, WEFT_ETLS);
    weft_tls_drop(&tls);
}

static void nothing_is_said_behind_an_alert_there_either(void)
{
    check_silence(&(tls_client){.take = take, .finish = finish, .heard = say_it_behind_the_head});
    CHECK(kernel.plain);
    end_kernel();
}

static void nor_does_it_take_over_behind_one(void)
{
    check_silence(&(tls_client){.up = say_good_and_bad});
    CHECK_U64(kernel.keys, 0);
    end_kernel();
}

/* ---- what cannot be any more */

static weft_err below_it;

static void push_below(weft_actor *self, kit_side *s, weft_msg *msg)
{
    weft_why why = {""};
    below_it = weft_tls_push(self, s->stream, own.tls, NULL, &why);
    CHECK(strstr(why.text, "the kernel seals") != NULL);
    look(self, s, msg);
}

static void speak_back(tls_client *c, size_t bytes)
{
    if (bytes == HEAD + TAIL - 2 && c->updates++ == 0) /* two of them are kept back */
        tls_client_say(c, 0, 10);
    end_too(c, bytes);
}

static void no_stage_stands_below_what_the_kernel_does(void)
{
    begin_kernel((struct kernel){.none = 0});
    weft_tls *tls = server(WEFT_TLS_KERNEL_ON);
    kit_side b = {.plain = true, .raw = true, .opened = serve, .data = push_below};
    tls_client c = {.take = take, .finish = finish, .heard = speak_back};
    own = (struct server){.tls = tls, .stays = true};
    below_it = WEFT_OK;
    tls_client_run(&c, &tcp, &b);
    CHECK_ERR(below_it, WEFT_EUNSUPPORTED);
    CHECK(kernel_had_it);
    weft_tls_drop(&tls);
    end_kernel();
}

static void memory_that_is_out_loses_the_connection_and_nothing_else(void)
{
    unsigned lost = 0, whole = 0;
    for (long n = 1; n < 12; n++) {
        begin_kernel((struct kernel){.fails = n});
        weft_tls *tls = server(WEFT_TLS_KERNEL_AUTO);
        kit_side b = {.plain = true, .opened = serve, .ended = look};
        tls_client c = {.take = take, .finish = finish, .heard = end_too};
        own = (struct server){.tls = tls, .file_bytes = FILE_BYTES};
        tls_client_run(&c, &tcp, &b);
        whole += c.ended && c.got == all();
        lost += b.reason != WEFT_EDONE;
        CHECK(!c.ended || c.got == all());
        weft_tls_drop(&tls);
        end_kernel();
    }
    CHECK(lost != 0);
    CHECK(whole != 0);
}

static const test_case cases[] = {
    TEST(a_kernel_without_tls_is_asked_once_a_process),
    TEST(who_asks_for_a_kernel_without_tls_is_told_so),
    TEST(descriptors_that_are_out_are_not_taken_for_what_the_kernel_is),
    TEST(it_is_not_asked_where_it_is_not_wanted),
    TEST(a_large_file_is_the_kernels_by_every_cipher),
    TEST(what_is_not_worth_it_stays_here),
    TEST(everything_is_the_kernels_where_that_is_asked_for),
    TEST(limits_around_the_leaf_go_on),
    TEST(what_is_no_socket_of_its_own_stays_here),
    TEST(a_cipher_that_the_kernel_has_not_is_asked_for_once),
    TEST(whoever_asks_for_new_keys_of_the_kernel_gets_an_alert),
    TEST(and_no_data_behind_that),
    TEST(a_peer_may_renew_its_own),
    TEST(a_file_that_could_use_up_a_key_stays_here),
    TEST(a_connection_ends_before_a_key_has_sealed_too_much),
    TEST(new_keys_that_are_owed_go_before_it_takes_over),
    TEST(short_records_stay_here),
    TEST(a_peer_that_should_renew_its_keys_is_not_asked_for_that),
    TEST(nothing_is_said_behind_an_alert_there_either),
    TEST(nor_does_it_take_over_behind_one),
    TEST(no_stage_stands_below_what_the_kernel_does),
    TEST(memory_that_is_out_loses_the_connection_and_nothing_else),
    {0},
};

const test_suite tls_kernel_suite = {.name = "actors/tls kernel", .cases = cases};

/* SPDX-License-Identifier: MIT */
/* What auth reads and hashes: words, lines of files, digests, passwords; against published vectors. */
#include <grp.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "auth_digest.h"
#include "auth_files.h"
#include "auth_shadow.h"
#include "auth_text.h"
#include "check.h"
#include "hashes.h"
#include "passphrase.h"

static wf_piece piece(const char *text)
{
    return (wf_piece){text, strlen(text)};
}

/* ---- words */

static void each_source_has_a_word(void)
{
    weft_auth_source s;
    weft_why why;
    CHECK_OK(weft_auth_source_parse("anonymous", &s, &why));
    CHECK_U64(s.kind, WEFT_AUTH_FROM_ANONYMOUS);
    CHECK_OK(weft_auth_source_parse("memory:alice:open:sesame", &s, &why));
    CHECK_U64(s.kind, WEFT_AUTH_FROM_MEMORY);
    CHECK_STR(s.user, "alice");
    CHECK_STR(s.password, "open:sesame");
    CHECK_OK(weft_auth_source_parse("file:/etc/shop/passwords", &s, &why));
    CHECK_U64(s.kind, WEFT_AUTH_FROM_FILE);
    CHECK_STR(s.path, "/etc/shop/passwords");
    CHECK_STR(s.user, "");
    CHECK_OK(weft_auth_source_parse("UNIX", &s, &why));
    CHECK_U64(s.kind, WEFT_AUTH_FROM_UNIX);
    CHECK_OK(weft_auth_source_parse("sshkey:keys/%u", &s, &why));
    CHECK_U64(s.kind, WEFT_AUTH_FROM_SSHKEY);
    CHECK_STR(s.path, "keys/%u");
}

static void a_word_that_is_none_names_the_nearest(void)
{
    static const struct {
        const char *word, *why;
    } rows[] = {
        {"fiel:/x", "there is no auth \"fiel\"; the nearest is file:PATH"},
        {"mem:a:b", "there is no auth \"mem\"; the nearest is memory:USER:PASSWORD"},
        {"sshkeys:/x", "there is no auth \"sshkeys\"; the nearest is sshkey:PATH"},
        {"anonimous", "there is no auth \"anonimous\"; the nearest is anonymous"},
        {"file", "the auth file needs more, expected file:PATH"},
        {"file:", "the auth file needs more, expected file:PATH"},
        {"unix:x", "the auth unix takes nothing behind a colon"},
        {"memory:alice",
         "the auth memory needs a user and a password, expected memory:USER:PASSWORD"},
        {"memory::x", "the auth memory needs a user and a password, expected memory:USER:PASSWORD"},
        {"memory:a:", "the auth memory needs a user and a password, expected memory:USER:PASSWORD"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        weft_auth_source s = {.kind = WEFT_AUTH_FROM_UNIX};
        weft_why why = {""};
        CHECK_ERR(weft_auth_source_parse(rows[i].word, &s, &why), WEFT_EINVAL);
        CHECK_STR(why.text, rows[i].why);
        CHECK_U64(s.kind, WEFT_AUTH_FROM_UNIX); /* untouched */
    }
}

static void words_have_limits(void)
{
    static const struct {
        const char *before;
        size_t max;
    } rows[] = {{"file:", WEFT_AUTH_PATH_BYTES - 1}, {"memory:a:", WEFT_AUTH_PASSWORD_BYTES - 1}};
    for (size_t i = 0; i < 2; i++) {
        char word[1024];
        weft_auth_source s;
        weft_why why;
        size_t n = strlen(rows[i].before);
        memcpy(word, rows[i].before, n);
        memset(word + n, 'x', rows[i].max + 1);
        word[n + rows[i].max] = '\0';
        CHECK_OK(weft_auth_source_parse(word, &s, &why));
        word[n + rows[i].max] = 'x';
        word[n + rows[i].max + 1] = '\0';
        CHECK_ERR(weft_auth_source_parse(word, &s, &why), WEFT_ETOOBIG);
    }
}

/* ---- lines of passwords */

static void a_password_line_is_a_user_and_a_hash(void)
{
    wf_piece user, hash;
    CHECK_OK(wf_password_line(piece("alice:$y$hash:more:of it"), &user, &hash, NULL));
    CHECK(wf_piece_is(user, "alice") && wf_piece_is(hash, "$y$hash"));
    static const char *const nothing[] = {"", "   ", "# alice:x", "\t# x"};
    for (size_t i = 0; i < 4; i++)
        CHECK_ERR(wf_password_line(piece(nothing[i]), &user, &hash, NULL), WEFT_ENOTFOUND);
    static const char *const wrong[] = {"alice", ":hash", "alice:", "alice::more"};
    for (size_t i = 0; i < 4; i++)
        CHECK_ERR(wf_password_line(piece(wrong[i]), &user, &hash, NULL), WEFT_EPROTO);
    CHECK_ERR(wf_password_line((wf_piece){"al\0ce:x", 7}, &user, &hash, NULL), WEFT_EPROTO);
    char line[1024];
    memset(line, 'x', sizeof line);
    line[255] = ':';
    CHECK_OK(wf_password_line((wf_piece){line, 256 + 383}, &user, &hash, NULL));
    CHECK_ERR(wf_password_line((wf_piece){line, 256 + 384}, &user, &hash, NULL), WEFT_EPROTO);
    line[255] = 'x';
    line[256] = ':';
    CHECK_ERR(wf_password_line((wf_piece){line, 300}, &user, &hash, NULL), WEFT_EPROTO);
}

static void lines_end_as_they_do_on_any_system(void)
{
    wf_piece text = piece("one\r\n\ntwo"), line;
    CHECK(wf_text_line(&text, &line) && wf_piece_is(line, "one"));
    CHECK(wf_text_line(&text, &line) && line.n == 0);
    CHECK(wf_text_line(&text, &line) && wf_piece_is(line, "two"));
    CHECK(!wf_text_line(&text, &line));
    text = piece("end\n");
    CHECK(wf_text_line(&text, &line) && !wf_text_line(&text, &line));
}

/* ---- lines of keys */

#define KEY "AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"

static void a_key_line_is_options_a_type_a_key_and_a_comment(void)
{
    wf_key_line line;
    uint8_t blob[WEFT_AUTH_KEY_BYTES];
    size_t n = 0;
    weft_why why;
    CHECK_OK(wf_key_line_read(piece("ssh-ed25519 " KEY " alice at the shop "), &line, &why));
    CHECK_U64(line.options.n, 0);
    CHECK(wf_piece_is(line.comment, "alice at the shop"));
    CHECK_OK(wf_key_blob(&line, blob, &n, &why));
    CHECK_U64(n, 51);
    CHECK_MEM(blob + 4, 11, "ssh-ed25519", 11);
    CHECK_OK(wf_key_line_read(piece("  command=\"say \\\"hi there\\\"\",no-pty\tssh-ed25519\t" KEY),
                              &line, &why));
    CHECK(wf_piece_is(line.options, "command=\"say \\\"hi there\\\"\",no-pty"));
    CHECK(wf_piece_is(line.base64, KEY));
    CHECK_U64(line.comment.n, 0);
}

static void a_key_line_that_is_none_is_refused(void)
{
    wf_key_line line;
    uint8_t blob[WEFT_AUTH_KEY_BYTES];
    size_t n;
    weft_why why;
    CHECK_ERR(wf_key_line_read(piece(" # x"), &line, &why), WEFT_ENOTFOUND);
    CHECK_ERR(wf_key_line_read(piece("ssh-dss AAAA"), &line, &why), WEFT_EPROTO);
    CHECK_ERR(wf_key_line_read(piece("ssh-ed25519"), &line, &why), WEFT_EPROTO);
    CHECK_ERR(wf_key_line_read(piece("no-pty"), &line, &why), WEFT_EPROTO);
    CHECK_ERR(wf_key_line_read(piece("from=\"x ssh-ed25519 " KEY), &line, &why), WEFT_EPROTO);
    CHECK_ERR(wf_key_line_read(piece("from=\"x\\"), &line, &why), WEFT_EPROTO);
    CHECK_OK(wf_key_line_read(piece("ssh-rsa " KEY), &line, &why));
    CHECK_ERR(wf_key_blob(&line, blob, &n, &why), WEFT_EPROTO); /* another type within */
    CHECK_OK(wf_key_line_read(piece("ssh-ed25519 AAAA"), &line, &why));
    CHECK_ERR(wf_key_blob(&line, blob, &n, &why), WEFT_EPROTO);
    CHECK_OK(wf_key_line_read(piece("ssh-ed25519 AA?A"), &line, &why));
    CHECK_ERR(wf_key_blob(&line, blob, &n, &why), WEFT_EPROTO);
    char big[4000] = "ssh-rsa ";
    memset(big + 8, 'A', 2732 + 4);
    CHECK_OK(wf_key_line_read(piece(big), &line, &why));
    CHECK_ERR(wf_key_blob(&line, blob, &n, &why), WEFT_ETOOBIG);
}

static void base64_has_one_spelling(void)
{
    static const struct {
        const char *text, *bytes;
    } rows[] = {{"Zg==", "f"},         {"Zm8=", "fo"},        {"Zm9v", "foo"}, {"Zm9vYg==", "foob"},
                {"Zm9vYmE=", "fooba"}, {"Zm9vYmFy", "foobar"}}; /* RFC 4648 section 10 */
    uint8_t out[16];
    size_t n = 0;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        CHECK_OK(wf_base64_decode(piece(rows[i].text), out, sizeof out, &n));
        CHECK_MEM(out, n, rows[i].bytes, strlen(rows[i].bytes));
    }
    static const char *const wrong[] = {"",       "Zg",   "Zg=",     "Zh==", "Zm9=",
                                        "Z===",   "====", "Zm9v=",   "Zm=v", "Zm 9v",
                                        "Zm9v\n", "Zm9-", "Zg==Zg=="};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        CHECK_ERR(wf_base64_decode(piece(wrong[i]), out, sizeof out, &n), WEFT_EPROTO);
    CHECK_OK(wf_base64_decode(piece("Zm9v"), out, 3, &n));
    CHECK_ERR(wf_base64_decode(piece("Zm9vYg=="), out, 3, &n), WEFT_ETOOBIG);
}

static void a_users_name_leads_nowhere_else(void)
{
    char out[2 * WEFT_AUTH_PATH_BYTES];
    CHECK_OK(wf_key_path("/keys/%u.pub", "alice", out));
    CHECK_STR(out, "/keys/alice.pub");
    CHECK_OK(wf_key_path("/keys", "../x", out));
    CHECK_STR(out, "/keys");
    static const char *const wrong[] = {"", ".", "..", "../x", "a/b", ".ssh", "a\nb", "a b", "%u"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        CHECK_ERR(wf_key_path("/keys/%u", wrong[i], out), WEFT_EDENIED);
    char path[WEFT_AUTH_PATH_BYTES], user[WEFT_AUTH_USER_BYTES];
    memset(path, 'p', sizeof path);
    memcpy(path, "%u", 2);
    path[sizeof path - 1] = '\0';
    memset(user, 'u', sizeof user);
    user[sizeof user - 1] = '\0';
    CHECK_OK(wf_key_path(path, user, out));
    CHECK_U64(strlen(out), 255 + 253);
}

/* ---- hashes */

static void hashes_are_the_published_ones(void)
{
    uint8_t hash[WF_HASH_BYTES_MAX];
    char hex[WF_HASH_HEX_BYTES];
    CHECK(wf_hash_of(WF_MD5, "message digest", 14, hash)); /* RFC 1321 */
    wf_hex(hash, wf_hash_bytes(WF_MD5), hex);
    CHECK_STR(hex, "f96b697d7cb7938d525a2f31aaf161d0");
    CHECK(wf_hash_of(WF_SHA256, "abc", 3, hash)); /* FIPS 180 */
    wf_hex(hash, wf_hash_bytes(WF_SHA256), hex);
    CHECK_STR(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    CHECK(
        wf_hmac_of(WF_SHA256, "Jefe", 4, "what do ya want for nothing?", 28, hash)); /* RFC 4231 */
    wf_hex(hash, wf_hash_bytes(WF_SHA256), hex);
    CHECK_STR(hex, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    uint8_t key[131];
    memset(key, 0xaa, sizeof key);
    CHECK(wf_hmac_of(WF_SHA256, key, sizeof key,
                     "Test Using Larger Than Block-Size Key - Hash Key First", 54, hash));
    wf_hex(hash, wf_hash_bytes(WF_SHA256), hex);
    CHECK_STR(hex, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

static void what_is_the_same_is_the_same_in_every_byte(void)
{
    uint8_t a[40], b[40];
    memset(a, 7, sizeof a);
    for (size_t i = 0; i < sizeof a; i++) {
        memcpy(b, a, sizeof a);
        CHECK(wf_same(a, b, sizeof a));
        b[i] ^= 0x80;
        CHECK(!wf_same(a, b, sizeof a));
        CHECK(wf_same(a, b, i));
    }
}

/* What htpasswd -B, mkpasswd and the authors of the methods make. */
static const struct {
    const char *phrase, *hash;
} known[] = {
    {"U*U", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"},
    {"sesame", "$2y$05$H/B/itAu4/0OJqQEfNAt2uovVQ5pYP2SJl1oLKMN7KcveyxFeNfcy"},
    {"sesame", "$2b$04$abcdefghijklmnopqrstuuinwY/tkBVrn3xrxQI/TgnMHhkvl85RW"},
    {"sesame", "$y$j9T$saltsaltsaltsalt$bGdytNtf4qUMtxR9.y7asB2aD6UBopIUVC5hUyvkr.D"},
    {"Hello world!", "$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/"
                     "O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1"},
};

static void passwords_are_known_by_their_hashes(void)
{
    wf_passphrase *room = wf_passphrase_new();
    REQUIRE(room != NULL);
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        CHECK(wf_passphrase_is_hash(known[i].hash));
        CHECK(wf_passphrase_matches(room, known[i].phrase, known[i].hash));
        CHECK(!wf_passphrase_matches(room, "sesam", known[i].hash));
        CHECK(!wf_passphrase_matches(room, "", known[i].hash));
    }
    wf_passphrase_waste(room, "anything", NULL);
    wf_passphrase_free(room);
    wf_passphrase_free(NULL);
}

/* By their own parameters: the rounds of crypt(5), doubled, take twice as long. */
static void hashes_are_compared_by_what_a_check_of_them_costs(void)
{
    static const char *const dearer[][2] = {
        {"$2b$04$abcdefghijklmnopqrstuuinwY", "$2y$05$abcdefghijklmnopqrstuuinwY"},
        {"$2b$10$", "$2b$12$"},
        {"$6$saltstring$svn8", "$6$rounds=6000$saltstring$svn8"},
        {"$6$rounds=1000$a$b", "$6$a$b"},
        {"$y$j8T$saltsaltsaltsalt$", "$y$j9T$saltsaltsaltsalt$"},
        {"$y$j9S$saltsaltsaltsalt$", "$gy$j9T$saltsaltsaltsalt$"},
        {"$7$B6..../....", "$7$C6..../...."},
        {"$7$C5..../....", "$7$C6..../...."},
        {"$2b$04$abcdefghijklmnopqrstuuinwY", "$y$j9T$saltsaltsaltsalt$"},
        {"$6$saltstring$svn8", "$2b$12$abcdefghijklmnopqrstuuinwY"},
    };
    for (size_t i = 0; i < sizeof dearer / sizeof *dearer; i++)
        CHECK(wf_passphrase_cost(dearer[i][0]) < wf_passphrase_cost(dearer[i][1]));
    CHECK_U64(wf_passphrase_cost("$2b$05$a"), wf_passphrase_cost("$2a$05$b"));
    CHECK_U64(wf_passphrase_cost("$6$a$b"), wf_passphrase_cost("$6$rounds=5000$a$b"));
    CHECK_U64(wf_passphrase_cost("$y$"), 0);
    CHECK_U64(wf_passphrase_cost("$7$C6"), 0);
    CHECK_U64(wf_passphrase_cost("$"), 0);
}

static void an_unknown_user_is_checked_against_the_costliest_hash_of_a_file(void)
{
    char all[1024], hash[WF_PASSPHRASE_HASH_BYTES], like[WF_PASSPHRASE_HASH_BYTES];
    int n = snprintf(all, sizeof all, "a:%s\nb:%s\nc:%s\nweak:$1$abc$def\n", known[2].hash,
                     known[3].hash, known[1].hash);
    REQUIRE(n > 0 && (size_t)n < sizeof all);
    wf_text file = {all, (size_t)n};
    wf_text_hash(&file, "nobody", hash, like);
    CHECK_STR(hash, "");
    CHECK_STR(like, known[3].hash);
    wf_text_hash(&file, "a", hash, like);
    CHECK_STR(hash, known[2].hash);
    wf_text_hash(&file, "weak", hash, like);
    CHECK_STR(hash, "");
    CHECK_STR(like, known[3].hash);
}

static void weak_and_broken_hashes_are_none(void)
{
    static const char *const wrong[] = {
        "",
        "*",
        "!",
        "!$y$j9T$saltsaltsaltsalt$bGdytNtf4qUMtxR9.y7asB2aD6UBopIUVC5hUyvkr.D",
        "x",
        "abJnggxhB/yWI", /* DES */
        "$1$salt$qJH7.N4xYta3aEG/dfqo/0",
        "$apr1$x$y",
        "{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=",
        "sesame",
        "$y$",
        "$2y$05$H/B/itAu4",
        "$6$saltstring$short",
        "$5$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        CHECK(!wf_passphrase_is_hash(wrong[i]));
    char longer[512];
    memset(longer, 'x', sizeof longer);
    memcpy(longer, "$y$j9T$", 7);
    longer[sizeof longer - 1] = '\0';
    CHECK(!wf_passphrase_is_hash(longer));
}

static void a_shadow_entry_may_be_locked_or_over(void)
{
    char hash[] = "$y$j9T$saltsaltsaltsalt$bGdytNtf4qUMtxR9.y7asB2aD6UBopIUVC5hUyvkr.D";
    char locked[] = "!", none[] = "";
    const struct spwd good = {
        .sp_pwdp = hash, .sp_lstchg = 100, .sp_max = 50, .sp_expire = 200, .sp_inact = -1};
    struct spwd e = good;
    CHECK(wf_shadow_lets_in(&e, 150));
    CHECK(!wf_shadow_lets_in(&e, 151)); /* the password is too old */
    e.sp_max = -1;
    CHECK(wf_shadow_lets_in(&e, 199));
    CHECK(!wf_shadow_lets_in(&e, 200)); /* the account is over */
    e.sp_expire = -1;
    CHECK(wf_shadow_lets_in(&e, 100000));
    e.sp_lstchg = 0;
    CHECK(!wf_shadow_lets_in(&e, 120)); /* it must be changed first */
    e = good;
    e.sp_pwdp = locked;
    CHECK(!wf_shadow_lets_in(&e, 120));
    e.sp_pwdp = none;
    CHECK(!wf_shadow_lets_in(&e, 120));
}

static void a_shadow_file_that_cannot_be_read_is_refused_with_its_name(void)
{
    weft_why why = {""};
    CHECK_ERR(wf_shadow_check("/nowhere/shadow", &why), WEFT_ENOTFOUND);
    CHECK(strstr(why.text, "/nowhere/shadow") != NULL);
}

/* The C library says of a file it may not read that nobody is in it, which is no answer. */
static void who_may_not_read_the_shadow_file_is_told_so(void)
{
    char hash[WF_PASSPHRASE_HASH_BYTES];
    int status = 0;
    pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        if (geteuid() == 0 && (setgroups(0, NULL) != 0 || setgid(65534) != 0 || setuid(65534) != 0))
            _exit(2);
        _exit(access("/etc/shadow", R_OK) == 0 ? 0 : wf_shadow_hash("root", hash) != WEFT_EIO);
    }
    CHECK(waitpid(child, &status, 0) == child);
    CHECK_I64(status, 0);
}

/* ---- digests */

/* RFC 7616 section 3.9.1. */
#define MUFASA(algorithm, response)                                                     \
    "username=\"Mufasa\", realm=\"http-auth@example.org\", uri=\"/dir/index.html\", "   \
    "algorithm=" algorithm ", nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", " \
    "nc=00000001, cnonce=\"f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ\", qop=auth, "  \
    "response=\"" response "\", opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\""

static void digests_are_those_of_the_standard(void)
{
    static const char *const headers[] = {
        MUFASA("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        MUFASA("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    };
    for (size_t i = 0; i < 2; i++) {
        weft_digest d;
        weft_why why;
        char right[WF_HASH_HEX_BYTES];
        REQUIRE(weft_digest_parse(headers[i], strlen(headers[i]), &d, &why) == WEFT_OK);
        CHECK_U64(d.algorithm, i);
        CHECK_STR(d.user, "Mufasa");
        CHECK_STR(d.uri, "/dir/index.html");
        CHECK_STR(d.nc, "00000001");
        memcpy(d.method, "GET", 4);
        CHECK(wf_digest_response(&d, "http-auth@example.org", "Circle of Life", right));
        CHECK(wf_hex_same(d.response, right));
        CHECK(wf_digest_response(&d, "http-auth@example.org", "Circle of Lif", right));
        CHECK(!wf_hex_same(d.response, right));
    }
}

static weft_err parse(const char *text, weft_digest *d)
{
    weft_why why = {""};
    weft_err err = weft_digest_parse(text, strlen(text), d, &why);
    CHECK(err == WEFT_OK || why.text[0] != '\0');
    return err;
}

#define REST \
    "nonce=n,uri=\"/\",cnonce=c,nc=00000001,qop=auth,response=8ca523f5e9506fed4657c9700eebdbec"

static void a_digest_is_written_in_many_ways(void)
{
    weft_digest d;
    CHECK_OK(parse(" ,, USERNAME = \"a\\\"b\\\\\" ,Realm=\"\" , x=y," REST " , ", &d));
    CHECK_STR(d.user, "a\"b\\");
    CHECK_STR(d.realm, "");
    CHECK_U64(d.algorithm, WEFT_DIGEST_MD5);
    CHECK_OK(parse(
        "username=a,realm=b,userhash=false,qop=\"AUTH\",nonce=n,uri=\"/\",cnonce=c,nc=ABCDEF01,"
        "response=8CA523f5e9506fed4657c9700eebdbec",
        &d));
    CHECK_STR(d.nc, "ABCDEF01");
}

static void a_digest_that_is_none_or_another_is_refused(void)
{
    static const struct {
        const char *text;
        weft_err err;
    } rows[] = {
        {"", WEFT_EPROTO},
        {"username", WEFT_EPROTO},
        {"username=", WEFT_EPROTO},
        {"username=\"a", WEFT_EPROTO},
        {"username=\"a\\", WEFT_EPROTO},
        {"=a", WEFT_EPROTO},
        {"username=a realm=b," REST, WEFT_EPROTO},
        {"username=a,realm=b,username=a," REST, WEFT_EPROTO},
        {"username=\"a\nb\",realm=b," REST, WEFT_EPROTO},
        {"realm=b," REST, WEFT_EPROTO},
        {"username=a,realm=b,algorithm=MD5-sess," REST, WEFT_EUNSUPPORTED},
        {"username=a,realm=b,algorithm=SHA-512-256," REST, WEFT_EUNSUPPORTED},
        {"username=a,realm=b,algorithm=SHA-256," REST, WEFT_EPROTO}, /* too short for it */
        {"username=a,realm=b,userhash=true," REST, WEFT_EUNSUPPORTED},
        {"username*=UTF-8''a,realm=b," REST, WEFT_EUNSUPPORTED},
        {"username=a,realm=b,nonce=n,uri=\"/\",cnonce=c,nc=00000001,qop=auth-int,"
         "response=8ca523f5e9506fed4657c9700eebdbec",
         WEFT_EUNSUPPORTED},
        {"username=a,realm=b,nonce=n,uri=\"/\",cnonce=c,nc=1,qop=auth,"
         "response=8ca523f5e9506fed4657c9700eebdbec",
         WEFT_EPROTO},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        weft_digest d;
        unsigned char before[sizeof d];
        memset(&d, 0x5a, sizeof d);
        memcpy(before, &d, sizeof d);
        CHECK_ERR(parse(rows[i].text, &d), rows[i].err);
        CHECK_MEM(&d, sizeof d, before, sizeof before); /* untouched */
    }
}

static void a_digest_has_limits(void)
{
    char text[2048], user[WEFT_AUTH_USER_BYTES + 1];
    weft_digest d;
    memset(user, 'u', sizeof user);
    for (size_t n = WEFT_AUTH_USER_BYTES - 1; n <= WEFT_AUTH_USER_BYTES; n++) {
        (void)snprintf(text, sizeof text, "username=%.*s,realm=b," REST, (int)n, user);
        CHECK_ERR(parse(text, &d), n < WEFT_AUTH_USER_BYTES ? WEFT_OK : WEFT_ETOOBIG);
    }
}

static void a_challenge_is_what_clients_read(void)
{
    char text[256];
    size_t n = weft_digest_challenge("shop", "abc", WEFT_DIGEST_SHA256, true, text, sizeof text);
    CHECK_STR(text, "Digest realm=\"shop\", qop=\"auth\", algorithm=SHA-256, nonce=\"abc\", "
                    "stale=true, charset=UTF-8");
    CHECK_U64(n, strlen(text));
    weft_digest_challenge("shop", "abc", WEFT_DIGEST_MD5, false, text, sizeof text);
    CHECK_STR(text,
              "Digest realm=\"shop\", qop=\"auth\", algorithm=MD5, nonce=\"abc\", charset=UTF-8");
}

static const test_case cases[] = {
    TEST(each_source_has_a_word),
    TEST(a_word_that_is_none_names_the_nearest),
    TEST(words_have_limits),
    TEST(a_password_line_is_a_user_and_a_hash),
    TEST(lines_end_as_they_do_on_any_system),
    TEST(a_key_line_is_options_a_type_a_key_and_a_comment),
    TEST(a_key_line_that_is_none_is_refused),
    TEST(base64_has_one_spelling),
    TEST(a_users_name_leads_nowhere_else),
    TEST(hashes_are_the_published_ones),
    TEST(what_is_the_same_is_the_same_in_every_byte),
    TEST(passwords_are_known_by_their_hashes),
    TEST(hashes_are_compared_by_what_a_check_of_them_costs),
    TEST(an_unknown_user_is_checked_against_the_costliest_hash_of_a_file),
    TEST(weak_and_broken_hashes_are_none),
    TEST(a_shadow_entry_may_be_locked_or_over),
    TEST(a_shadow_file_that_cannot_be_read_is_refused_with_its_name),
    TEST(who_may_not_read_the_shadow_file_is_told_so),
    TEST(digests_are_those_of_the_standard),
    TEST(a_digest_is_written_in_many_ways),
    TEST(a_digest_that_is_none_or_another_is_refused),
    TEST(a_digest_has_limits),
    TEST(a_challenge_is_what_clients_read),
    {0},
};

const test_suite auth_text_suite = {.name = "actors/auth-text", .cases = cases};

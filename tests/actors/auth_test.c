/* SPDX-License-Identifier: MIT */
/* Auth as its askers see it: every source, every kind of proof, throttling in virtual time, ends. */
#include "runtime/kit.h"

#include <stdlib.h>
#include <unistd.h>
#include <weft/auth.h>

#include "auth_digest.h"
#include "hashes.h"
#include "passphrase.h"

#define DENIED "these credentials are not accepted"
#define BCRYPT "$2b$04$abcdefghijklmnopqrstuuinwY/tkBVrn3xrxQI/TgnMHhkvl85RW"  /* sesame */
#define YESCRYPT "$y$j75$saltsalt$BT/eINL.qJ28Ek8xmIKTrnDwZkROSVFFX9HKxdqaWAD" /* the empty one */
#define KEY "AAAAC3NzaC1lZDI1NTE5AAAAIO8V+TRSFlyiS7i7HMtH0VYPzDG7Pm81b4TXxXGqwH4W"
#define KEY2 "AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"

/* ---- a folder of files */

static char folder[64];

static const char *path_of(const char *name)
{
    static char path[128];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static void put_file(const char *name, const char *text)
{
    FILE *f = fopen(path_of(name), "w");
    REQUIRE(f != NULL);
    CHECK(fputs(text, f) >= 0);
    CHECK(fclose(f) == 0);
}

static void begin_folder(void)
{
    (void)snprintf(folder, sizeof folder, "/tmp/weft-auth-XXXXXX");
    REQUIRE(mkdtemp(folder) != NULL);
    put_file("passwords",
             "# users\n\nalice:" BCRYPT "\nempty:" YESCRYPT ":more\nweak:abJnggxhB/yWI\n");
    put_file("keys", "# keys\nssh-ed25519 " KEY " alice\nno-pty ssh-ed25519 " KEY2 "\n");
    put_file("bob", "ssh-ed25519 " KEY2 "\n");
}

static void end_folder(void)
{
    static const char *const names[] = {"passwords", "keys", "bob", "good"};
    sim_done();
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        (void)unlink(path_of(names[i]));
    (void)rmdir(folder);
}

/* ---- the actor of a test */

enum { SOURCES = 4 };
static weft_auth_source sources[SOURCES];
static weft_auth_config config;
static weft_ref auth;

static weft_auth_source source(const char *word)
{
    weft_auth_source s = {.kind = WEFT_AUTH_FROM_ANONYMOUS};
    weft_why why;
    CHECK_OK(weft_auth_source_parse(word, &s, &why));
    return s;
}

static weft_auth_source file_source(const char *type, const char *name)
{
    char word[160];
    (void)snprintf(word, sizeof word, "%s:%s", type, path_of(name));
    return source(word);
}

static void begin_more(weft_auth_config with)
{
    weft_why why = {""};
    sim_of(1);
    config = with;
    config.sources = sources;
    CHECK_OK(weft_auth_check(&config, &why));
    CHECK_STR(why.text, "");
    auth = weft_sim_spawn(sim, &weft_auth, &config);
    REQUIRE(!weft_ref_is_nobody(auth));
}

static void begin_with(uint32_t count)
{
    begin_more((weft_auth_config){.count = count});
}

static weft_auth_request password_request(const char *user, const char *password)
{
    weft_auth_request r = {.kind = WEFT_AUTH_PASSWORD};
    (void)snprintf(r.user, sizeof r.user, "%s", user);
    (void)snprintf(r.password, sizeof r.password, "%s", password);
    return r;
}

static const weft_outcome *ask(weft_auth_request r)
{
    return weft_sim_ask_body(sim, auth, &weft_auth_request_type, &r, WEFT_INHERIT);
}

static weft_err try_password(const char *user, const char *password)
{
    return ask(password_request(user, password))->err;
}

static void check_granted(const weft_outcome *got, const char *principal, weft_auth_source_kind by)
{
    CHECK_ERR(got->err, WEFT_OK);
    if (got->err != WEFT_OK)
        return;
    const weft_auth_granted *granted = got->body;
    CHECK_STR(granted->principal, principal);
    CHECK_U64(granted->by, by);
}

static void check_denied(const weft_outcome *got)
{
    CHECK_ERR(got->err, WEFT_EDENIED);
    CHECK_STR(got->why, DENIED);
}

static uint32_t offered(void)
{
    const weft_outcome *got = weft_sim_ask(sim, auth, weft_auth_offer_request, .nothing = 0);
    CHECK_OK(got->err);
    return got->err == WEFT_OK ? ((const weft_auth_offer *)got->body)->kinds : 0;
}

static weft_auth_challenge challenge(weft_auth_kind kind)
{
    const weft_outcome *got = weft_sim_ask(sim, auth, weft_auth_challenge_request, .kind = kind);
    CHECK_OK(got->err);
    return got->err == WEFT_OK ? *(const weft_auth_challenge *)got->body
                               : (weft_auth_challenge){.text = ""};
}

/* ---- passwords */

static void anybody_is_anonymous_if_that_is_wanted(void)
{
    sources[0] = source("anonymous");
    begin_with(1);
    CHECK_U64(offered(), 1U << WEFT_AUTH_ANONYMOUS);
    check_granted(ask((weft_auth_request){.kind = WEFT_AUTH_ANONYMOUS, .user = "root"}),
                  "anonymous", WEFT_AUTH_FROM_ANONYMOUS);
    CHECK_ERR(try_password("a", "b"), WEFT_EUNSUPPORTED);
}

static void a_password_in_memory_is_known_or_not_and_no_more_is_said(void)
{
    sources[0] = source("memory:alice:sesame");
    sources[1] = source("memory:bob:open");
    begin_with(2);
    check_granted(ask(password_request("alice", "sesame")), "alice", WEFT_AUTH_FROM_MEMORY);
    check_granted(ask(password_request("bob", "open")), "bob", WEFT_AUTH_FROM_MEMORY);
    check_denied(ask(password_request("alice", "open")));
    check_denied(ask(password_request("alice", "sesam")));
    check_denied(ask(password_request("alice", "sesame ")));
    check_denied(ask(password_request("alice", "")));
    check_denied(ask(password_request("alic", "sesame")));
    check_denied(ask(password_request("", "sesame")));
    check_denied(ask(password_request("carol", "sesame")));
}

static void a_password_in_a_file_is_known_by_its_hash(void)
{
    put_file("good", "alice:" BCRYPT "\nempty:" YESCRYPT "\n");
    sources[0] = file_source("file", "good");
    begin_with(1);
    CHECK_U64(offered(), 1U << WEFT_AUTH_PASSWORD);
    check_granted(ask(password_request("alice", "sesame")), "alice", WEFT_AUTH_FROM_FILE);
    check_granted(ask(password_request("empty", "")), "empty", WEFT_AUTH_FROM_FILE);
    check_denied(ask(password_request("alice", "sesam")));
    check_denied(ask(password_request("bob", "sesame")));
    put_file("good", "bob:" BCRYPT "\n"); /* seen without a restart */
    check_granted(ask(password_request("bob", "sesame")), "bob", WEFT_AUTH_FROM_FILE);
    check_denied(ask(password_request("alice", "sesame")));
}

static void an_unknown_user_costs_what_a_wrong_password_costs(void)
{
    put_file("good", "alice:" BCRYPT "\n");
    sources[0] = file_source("file", "good");
    begin_with(1);
    unsigned long before = wf_passphrase_count();
    check_denied(ask(password_request("alice", "wrong")));
    CHECK_U64(wf_passphrase_count() - before, 1);
    check_denied(ask(password_request("nobody", "wrong")));
    CHECK_U64(wf_passphrase_count() - before, 2);
    put_file("good", "");
    check_denied(ask(password_request("nobody", "wrong")));
    CHECK_U64(wf_passphrase_count() - before, 3);
}

static void sources_are_asked_in_order_until_one_says_yes(void)
{
    put_file("good", "alice:" BCRYPT "\n");
    sources[0] = source("memory:alice:one");
    sources[1] = file_source("file", "good");
    begin_with(2);
    check_granted(ask(password_request("alice", "one")), "alice", WEFT_AUTH_FROM_MEMORY);
    check_granted(ask(password_request("alice", "sesame")), "alice", WEFT_AUTH_FROM_FILE);
    check_denied(ask(password_request("alice", "two")));
}

static void a_file_that_went_away_is_a_failure_of_its_own(void)
{
    put_file("good", "alice:" BCRYPT "\n");
    sources[0] = file_source("file", "good");
    begin_more((weft_auth_config){.count = 1, .failures_user_max = 2});
    CHECK(unlink(path_of("good")) == 0);
    for (unsigned i = 0; i < 5; i++) /* not counted as a failure of alice */
        CHECK_ERR(try_password("alice", "sesame"), WEFT_EIO);
    CHECK_U64(weft_sim_logged(sim, WEFT_ERROR, "unable to open"), 5);
    put_file("good", "alice:" BCRYPT "\n");
    CHECK_OK(try_password("alice", "sesame"));
}

/* ---- keys */

static weft_auth_request key_request(const char *user, const char *base64)
{
    weft_auth_request r = {.kind = WEFT_AUTH_SSH_KEY};
    (void)snprintf(r.user, sizeof r.user, "%s", user);
    int n = 0;
    uint32_t bits = 0;
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (const char *at = base64; *at != '\0'; at++) {
        bits = bits << 6 | (uint32_t)(strchr(digits, *at) - digits);
        if (++n % 4 == 0)
            for (int shift = 16; shift >= 0; shift -= 8)
                r.key.blob[r.key.size++] = (uint8_t)(bits >> shift);
    }
    return r;
}

static void a_key_is_the_users_if_its_file_has_it(void)
{
    put_file("good", "ssh-ed25519 " KEY " alice\n");
    sources[0] = file_source("sshkey", "good");
    begin_with(1);
    CHECK_U64(offered(), 1U << WEFT_AUTH_SSH_KEY);
    check_granted(ask(key_request("alice", KEY)), "alice", WEFT_AUTH_FROM_SSHKEY);
    check_denied(ask(key_request("alice", KEY2)));
    weft_auth_request shorter = key_request("alice", KEY);
    shorter.key.size--;
    check_denied(ask(shorter));
    shorter.key.size = sizeof shorter.key.blob + 1;
    CHECK_ERR(ask(shorter)->err, WEFT_EINVAL);
}

static void each_user_may_have_a_file_of_keys(void)
{
    sources[0] = file_source("sshkey", "%u");
    begin_with(1);
    check_granted(ask(key_request("bob", KEY2)), "bob", WEFT_AUTH_FROM_SSHKEY);
    check_denied(ask(key_request("bob", KEY)));
    check_denied(ask(key_request("carol", KEY)));
    check_denied(ask(key_request("../bob", KEY2)));
    check_granted(ask(key_request("keys", KEY)), "keys", WEFT_AUTH_FROM_SSHKEY);
    check_denied(ask(key_request("keys", KEY2))); /* its options would not be obeyed */
}

/* ---- digests */

static weft_auth_request digest_request(const char *user, const char *password, const char *nonce,
                                        unsigned count, weft_digest_algorithm algorithm)
{
    weft_auth_request r = {.kind = WEFT_AUTH_DIGEST};
    (void)snprintf(r.user, sizeof r.user, "%s", user);
    r.digest.algorithm = algorithm;
    memcpy(r.digest.user, r.user, sizeof r.user);
    (void)snprintf(r.digest.realm, sizeof r.digest.realm, "weft");
    (void)snprintf(r.digest.nonce, sizeof r.digest.nonce, "%s", nonce);
    (void)snprintf(r.digest.cnonce, sizeof r.digest.cnonce, "c%u", count);
    (void)snprintf(r.digest.uri, sizeof r.digest.uri, "/x?y");
    (void)snprintf(r.digest.nc, sizeof r.digest.nc, "%08x", count);
    (void)snprintf(r.digest.method, sizeof r.digest.method, "GET");
    CHECK(wf_digest_response(&r.digest, "weft", password, r.digest.response));
    return r;
}

static void a_digest_is_right_once_for_each_number(void)
{
    sources[0] = source("memory:alice:sesame");
    begin_with(1);
    weft_auth_challenge c = challenge(WEFT_AUTH_DIGEST);
    CHECK_STR(c.realm, "weft");
    for (unsigned i = 0; i < 2; i++) {
        weft_digest_algorithm by = (weft_digest_algorithm)i;
        weft_auth_request r = digest_request("alice", "sesame", c.text, 1 + i, by);
        check_granted(ask(r), "alice", WEFT_AUTH_FROM_MEMORY);
        const weft_outcome *again = ask(r);
        CHECK_ERR(again->err, WEFT_ETIMEDOUT);
        CHECK_STR(again->why, "the challenge is over");
        check_denied(ask(digest_request("alice", "sesam", c.text, 10 + i, by)));
        check_denied(ask(digest_request("carol", "sesame", c.text, 10 + i, by)));
        r = digest_request("alice", "sesame", c.text, 20 + i, by);
        r.digest.uri[1] = 'z';
        check_denied(ask(r));
        r = digest_request("alice", "sesame", c.text, 20 + i, by);
        r.digest.realm[0] = 'W';
        check_denied(ask(r));
        r = digest_request("alice", "sesame", c.text, 20 + i, by);
        (void)snprintf(r.user, sizeof r.user, "root");
        check_denied(ask(r));
    }
}

static void a_challenge_is_over_after_its_time_and_one_that_is_not_ours_at_once(void)
{
    sources[0] = source("memory:alice:sesame");
    begin_more((weft_auth_config){.count = 1, .challenge_ms = 1000, .failures_user_max = 1});
    weft_auth_challenge c = challenge(WEFT_AUTH_DIGEST);
    weft_sim_advance(sim, 900);
    CHECK_OK(ask(digest_request("alice", "sesame", c.text, 1, WEFT_DIGEST_MD5))->err);
    weft_sim_advance(sim, 200);
    /* right but too late is no failure of alice */
    for (unsigned i = 2; i < 5; i++)
        CHECK_ERR(ask(digest_request("alice", "sesame", c.text, i, WEFT_DIGEST_MD5))->err,
                  WEFT_ETIMEDOUT);
    CHECK_ERR(ask(digest_request("alice", "sesame", "0123", 1, WEFT_DIGEST_MD5))->err,
              WEFT_ETIMEDOUT);
}

static weft_auth_request cram_request(const char *user, const char *password, const char *text)
{
    uint8_t hash[WF_HASH_BYTES_MAX];
    char hex[WF_HASH_HEX_BYTES];
    weft_auth_request r = {.kind = WEFT_AUTH_CRAM_MD5};
    (void)snprintf(r.user, sizeof r.user, "%s", user);
    (void)snprintf(r.cram.challenge, sizeof r.cram.challenge, "%s", text);
    CHECK(wf_hmac_of(WF_MD5, password, strlen(password), text, strlen(text), hash));
    wf_hex(hash, 16, hex);
    memcpy(r.cram.response, hex, sizeof r.cram.response);
    return r;
}

static void cram_md5_is_that_of_the_standard(void)
{
    weft_auth_request r =
        cram_request("tim", "tanstaaftanstaaf", "<1896.697170952@postoffice.reston.mci.net>");
    CHECK_STR(r.cram.response, "b913a602c7eda7a495b4e6e7334d3890"); /* RFC 2195 section 2 */
    sources[0] = source("memory:tim:tanstaaftanstaaf");
    begin_more((weft_auth_config){.count = 1, .realm = "shop.example"});
    CHECK_ERR(ask(r)->err, WEFT_ETIMEDOUT); /* right, for a challenge that is not ours */
    weft_auth_challenge c = challenge(WEFT_AUTH_CRAM_MD5);
    CHECK(c.text[0] == '<' && strstr(c.text, "@shop.example>") != NULL);
    check_denied(ask(cram_request("tim", "tanstaaf", c.text)));
    check_denied(ask(cram_request("jim", "tanstaaftanstaaf", c.text)));
    check_granted(ask(cram_request("tim", "tanstaaftanstaaf", c.text)), "tim",
                  WEFT_AUTH_FROM_MEMORY);
    CHECK_ERR(ask(cram_request("tim", "tanstaaftanstaaf", c.text))->err, WEFT_ETIMEDOUT);
    CHECK_U64(offered(),
              1U << WEFT_AUTH_PASSWORD | 1U << WEFT_AUTH_DIGEST | 1U << WEFT_AUTH_CRAM_MD5);
}

static void who_has_no_use_for_challenges_gives_none(void)
{
    put_file("good", "alice:" BCRYPT "\n");
    sources[0] = file_source("file", "good");
    begin_with(1);
    CHECK_ERR(weft_sim_ask(sim, auth, weft_auth_challenge_request, .kind = WEFT_AUTH_DIGEST)->err,
              WEFT_EUNSUPPORTED);
    CHECK_ERR(weft_sim_ask(sim, auth, weft_auth_challenge_request, .kind = WEFT_AUTH_PASSWORD)->err,
              WEFT_EUNSUPPORTED);
    CHECK_ERR(ask((weft_auth_request){.kind = WEFT_AUTH_KINDS_})->err, WEFT_EUNSUPPORTED);
    CHECK_ERR(ask((weft_auth_request){.kind = (weft_auth_kind)99})->err, WEFT_EUNSUPPORTED);
}

/* ---- limits */

static void too_many_failures_of_a_user_are_waited_out(void)
{
    sources[0] = source("memory:alice:sesame");
    sources[1] = source("memory:bob:open");
    begin_with(2);
    for (unsigned i = 0; i < 10; i++)
        CHECK_ERR(try_password("alice", "guess"), WEFT_EDENIED);
    const weft_outcome *got = ask(password_request("alice", "sesame"));
    CHECK_ERR(got->err, WEFT_ELIMIT); /* the right one too: a guess is not told by this */
    CHECK(strstr(got->why, "too many failures: try again in ") != NULL);
    CHECK_OK(try_password("bob", "open"));
    weft_sim_advance(sim, 59000);
    CHECK_ERR(try_password("alice", "sesame"), WEFT_ELIMIT);
    weft_sim_advance(sim, 1100);
    CHECK_OK(try_password("alice", "sesame"));
}

static void too_many_failures_of_a_peer_are_waited_out(void)
{
    sources[0] = source("memory:alice:sesame");
    begin_more((weft_auth_config){.count = 1, .failures_peer_max = 5, .failures_window_ms = 2000});
    weft_auth_request r = password_request("x0", "guess");
    r.peer = (weft_address){.family = WEFT_FAMILY_V4, .ip = {10, 0, 0, 1}};
    for (unsigned i = 0; i < 5; i++) {
        r.user[1] = (char)('0' + i);
        r.peer.port++;
        CHECK_ERR(ask(r)->err, WEFT_EDENIED);
    }
    weft_auth_request good = password_request("alice", "sesame");
    good.peer = r.peer;
    CHECK_ERR(ask(good)->err, WEFT_ELIMIT);
    good.peer.ip[3] = 2;
    CHECK_OK(ask(good)->err);
    good.peer = r.peer;
    weft_sim_advance(sim, 2000);
    CHECK_OK(ask(good)->err);
}

static void who_is_right_is_never_throttled(void)
{
    sources[0] = source("memory:alice:sesame");
    begin_more((weft_auth_config){.count = 1, .failures_user_max = 1, .failures_peer_max = 1});
    weft_auth_request r = password_request("alice", "sesame");
    r.peer.family = WEFT_FAMILY_V4;
    for (unsigned i = 0; i < 50; i++)
        CHECK_OK(ask(r)->err);
}

/* Many requests at once; what became of them. */
typedef struct rush {
    weft_auth_request request;
    unsigned times, by[WEFT_ERR_COUNT_];
} rush;
static rush *rushing;

static weft_err on_rushed(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    (void)self, (void)msg;
    rushing->by[got->err]++;
    return WEFT_OK;
}

static weft_err do_rush(weft_actor *self, weft_msg *msg, void *with)
{
    rushing = with;
    for (unsigned i = 0; i < rushing->times; i++)
        CHECK_OK(weft_when(
            msg,
            weft_ask_body(self, auth, &weft_auth_request_type, &rushing->request, WEFT_INHERIT),
            on_rushed));
    return WEFT_OK;
}

static void guesses_at_the_same_time_are_counted_before_they_are_looked_at(void)
{
    put_file("good", "alice:" BCRYPT "\n");
    sources[0] = file_source("file", "good");
    begin_with(1);
    unsigned long before = wf_passphrase_count();
    rush r = {.request = password_request("alice", "guess"), .times = 200};
    sim_do(sim_puppet(NULL), do_rush, &r);
    CHECK_U64(r.by[WEFT_EDENIED], 10);
    CHECK_U64(r.by[WEFT_ELIMIT], 190);
    CHECK_U64(wf_passphrase_count() - before, 10);
}

static void only_so_many_checks_wait(void)
{
    put_file("good", "alice:" BCRYPT "\n");
    sources[0] = file_source("file", "good");
    begin_more((weft_auth_config){.count = 1, .checks_max = 5, .failures_user_max = 1000});
    rush r = {.request = password_request("alice", "sesame"), .times = 20};
    sim_do(sim_puppet(NULL), do_rush, &r);
    CHECK_U64(r.by[WEFT_OK] + r.by[WEFT_EFULL], 20);
    CHECK(r.by[WEFT_OK] >= 5);
    CHECK(r.by[WEFT_EFULL] > 0);
    CHECK_OK(try_password("alice", "sesame"));
}

static void texts_must_end(void)
{
    sources[0] = source("memory:alice:sesame");
    begin_with(1);
    weft_auth_request r = password_request("alice", "");
    memset(r.password, 'x', sizeof r.password);
    CHECK_ERR(ask(r)->err, WEFT_EINVAL);
    r = password_request("", "x");
    memset(r.user, 'x', sizeof r.user);
    CHECK_ERR(ask(r)->err, WEFT_EINVAL);
    r = digest_request("alice", "sesame", "n", 1, WEFT_DIGEST_MD5);
    memset(r.digest.method, 'x', sizeof r.digest.method);
    CHECK_ERR(ask(r)->err, WEFT_EINVAL);
    r = cram_request("alice", "sesame", "<>");
    memset(r.cram.response, 'x', sizeof r.cram.response);
    CHECK_ERR(ask(r)->err, WEFT_EINVAL);
}

static bool is_zero(const void *at, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (((const uint8_t *)at)[i] != 0)
            return false;
    return true;
}

static void secrets_are_wiped_when_a_message_goes_away(void)
{
    weft_auth_request r = password_request("alice", "sesame");
    weft_auth_request_type.release(&r);
    CHECK(is_zero(&r, sizeof r));
    r = password_request("alice", "sesame");
    weft_auth_wipe(&r);
    CHECK(is_zero(&r, sizeof r));
}

/* ---- before start */

static void check_refused(weft_auth_config with, const char *part)
{
    weft_why why = {""};
    CHECK(weft_auth_check(&with, &why) != WEFT_OK);
    if (strstr(why.text, part) == NULL)
        CHECK_STR(why.text, part);
}

static void what_cannot_work_is_refused_before_start(void)
{
    check_refused((weft_auth_config){.count = 0}, "needs a source");
    sources[0] = source("anonymous");
    check_refused((weft_auth_config){.sources = sources, .count = 1, .realm = "a\"b"}, "realm");
    check_refused((weft_auth_config){.sources = sources, .count = 1, .realm = ""}, "realm");
    sources[0] = file_source("file", "missing");
    check_refused((weft_auth_config){.sources = sources, .count = 1}, "unable to open");
    sources[0] = file_source("file", "passwords");
    check_refused((weft_auth_config){.sources = sources, .count = 1},
                  "passwords:5: the hash of weak is of no strong method");
    sources[0] = file_source("sshkey", "keys");
    check_refused((weft_auth_config){.sources = sources, .count = 1},
                  "keys:3: its options (no-pty) would not be obeyed");
    put_file("good", "alice\n");
    sources[0] = file_source("file", "good");
    check_refused((weft_auth_config){.sources = sources, .count = 1}, "good:1: there is no colon");
}

static void one_that_was_not_checked_ends_at_its_first_request(void)
{
    static const weft_auth_config nothing = {.count = 0};
    weft_actor_stats gone;
    sim_of(1);
    auth = weft_sim_spawn(sim, &weft_auth, &nothing);
    CHECK_ERR(try_password("a", "b"), WEFT_EINVAL);
    CHECK(!weft_stats_actor(weft_sim_system(sim), auth, &gone));
}

static void a_file_has_a_limit(void)
{
    FILE *f = fopen(path_of("good"), "w");
    REQUIRE(f != NULL);
    for (size_t i = 0; i < WEFT_AUTH_FILE_BYTES_MAX; i++)
        (void)fputc('\n', f);
    (void)fclose(f);
    weft_why why = {""};
    weft_auth_source s = file_source("file", "good");
    CHECK_OK(weft_auth_source_check(&s, &why));
    f = fopen(path_of("good"), "a");
    REQUIRE(f != NULL);
    (void)fputc('\n', f);
    (void)fclose(f);
    CHECK_ERR(weft_auth_source_check(&s, &why), WEFT_ETOOBIG);
    (void)snprintf(s.path, sizeof s.path, "%s", folder); /* a folder is no file */
    CHECK_ERR(weft_auth_source_check(&s, &why), WEFT_EIO);
}

static void the_systems_users_need_a_shadow_file_that_can_be_read(void)
{
    sources[0] = source("unix");
    weft_why why = {""};
    weft_err err = weft_auth_source_check(&sources[0], &why);
    if (err != WEFT_OK) {
        CHECK(err == WEFT_EDENIED || err == WEFT_ENOTFOUND);
        CHECK(strstr(why.text, "/etc/shadow") != NULL);
        return;
    }
    begin_with(1);
    unsigned long before = wf_passphrase_count();
    check_denied(ask(password_request("no-such-user-here", "x")));
    CHECK_U64(wf_passphrase_count() - before, 1);
}

/* ---- ends and memory */

static weft_err stop_auth(weft_actor *self, weft_msg *msg, void *with)
{
    (void)msg, (void)with;
    return weft_stop_ref(self, auth, WEFT_OK);
}

static void what_is_under_way_when_it_ends_fails(void)
{
    put_file("good", "alice:" BCRYPT "\n");
    sources[0] = file_source("file", "good");
    for (unsigned steps = 0; steps < 12; steps++) {
        begin_with(1);
        rush r = {.request = password_request("alice", "sesame"), .times = 4};
        weft_ref a = sim_puppet(NULL), b = sim_puppet(NULL);
        CHECK(weft_sim_run(sim));
        act rush_act = {do_rush, &r}, stop_act = {stop_auth, NULL};
        CHECK_OK(weft_system_tell(weft_sim_system(sim), a, &act_type, &rush_act));
        for (unsigned i = 0; i < steps; i++)
            (void)weft_sim_step(sim);
        CHECK_OK(weft_system_tell(weft_sim_system(sim), b, &act_type, &stop_act));
        CHECK(weft_sim_run(sim));
        CHECK_U64(r.by[WEFT_OK] + r.by[WEFT_EGONE], 4);
    }
}

static void use_auth(void)
{
    weft_why why;
    sim = weft_sim_new(&(weft_sim_options){.seed = 3});
    if (sim == NULL)
        return;
    config =
        (weft_auth_config){.sources = sources, .count = 3, .throttled_max = 8, .challenges_max = 8};
    weft_err checked = weft_auth_check(&config, &why);
    CHECK(checked == WEFT_OK || checked == WEFT_ENOMEM);
    auth = weft_sim_spawn(sim, &weft_auth, &config);
    if (!weft_ref_is_nobody(auth)) {
        weft_auth_request bad = password_request("alice", "no"), good = password_request("a", "b"),
                          slow = password_request("alice", "sesame");
        weft_err err = ask(bad)->err; /* whatever fails, nobody is let in */
        CHECK(err != WEFT_OK);
        (void)ask(good);
        (void)ask(slow);
        err = ask(key_request("alice", KEY2))->err;
        CHECK(err != WEFT_OK);
        (void)weft_sim_ask(sim, auth, weft_auth_challenge_request, .kind = WEFT_AUTH_DIGEST);
    }
    CHECK_U64(weft_sim_free(&sim), 0);
}

static void memory_that_is_out_lets_nobody_in(void)
{
    put_file("good", "alice:" BCRYPT "\n");
    sources[0] = source("memory:a:b");
    sources[1] = file_source("file", "good");
    sources[2] = file_source("sshkey", "bob");
    put_file("bob", "ssh-ed25519 " KEY "\n");
    use_auth();
    each_allocation_fails(use_auth);
}

static const test_case cases[] = {
    TEST(anybody_is_anonymous_if_that_is_wanted),
    TEST(a_password_in_memory_is_known_or_not_and_no_more_is_said),
    TEST(a_password_in_a_file_is_known_by_its_hash),
    TEST(an_unknown_user_costs_what_a_wrong_password_costs),
    TEST(sources_are_asked_in_order_until_one_says_yes),
    TEST(a_file_that_went_away_is_a_failure_of_its_own),
    TEST(a_key_is_the_users_if_its_file_has_it),
    TEST(each_user_may_have_a_file_of_keys),
    TEST(a_digest_is_right_once_for_each_number),
    TEST(a_challenge_is_over_after_its_time_and_one_that_is_not_ours_at_once),
    TEST(cram_md5_is_that_of_the_standard),
    TEST(who_has_no_use_for_challenges_gives_none),
    TEST(too_many_failures_of_a_user_are_waited_out),
    TEST(too_many_failures_of_a_peer_are_waited_out),
    TEST(who_is_right_is_never_throttled),
    TEST(guesses_at_the_same_time_are_counted_before_they_are_looked_at),
    TEST(only_so_many_checks_wait),
    TEST(texts_must_end),
    TEST(secrets_are_wiped_when_a_message_goes_away),
    TEST(what_cannot_work_is_refused_before_start),
    TEST(one_that_was_not_checked_ends_at_its_first_request),
    TEST(a_file_has_a_limit),
    TEST(the_systems_users_need_a_shadow_file_that_can_be_read),
    TEST(what_is_under_way_when_it_ends_fails),
    TEST(memory_that_is_out_lets_nobody_in),
    {0},
};

const test_suite auth_suite = {
    .name = "actors/auth", .before = begin_folder, .after = end_folder, .cases = cases};

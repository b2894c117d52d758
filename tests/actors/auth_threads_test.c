/* SPDX-License-Identifier: MIT */
/* Auth in threads: reactors that ask at once, hashes on the blocking pool. */
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>
#include <weft/auth.h>

#include "check.h"

enum { REACTORS = 2, ASKS = 40 };

static weft_ref auth;
static _Atomic unsigned granted, denied, other, done;

static weft_err on_answer(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    (void)msg;
    _Atomic unsigned *count = got->err == WEFT_OK        ? &granted
                              : got->err == WEFT_EDENIED ? &denied
                                                         : &other;
    atomic_fetch_add(count, 1);
    if (atomic_fetch_add(&done, 1) + 1 == REACTORS * ASKS)
        weft_system_stop(self, WEFT_OK);
    return WEFT_OK;
}

static weft_err on_started(weft_actor *self, weft_msg *msg)
{
    for (unsigned i = 0; i < ASKS; i++) {
        weft_auth_request r = {.kind = WEFT_AUTH_PASSWORD, .user = "alice"};
        (void)snprintf(r.password, sizeof r.password, "%s", i % 4 == 0 ? "guess" : "sesame");
        weft_err err = weft_when(
            msg, weft_ask_body(self, auth, &weft_auth_request_type, &r, WEFT_INHERIT), on_answer);
        if (err != WEFT_OK)
            return err;
    }
    return WEFT_OK;
}

static const weft_handler rows[] = {{.type = &weft_started_type, .fn = on_started}, {0}};
static const weft_behaviour asker = {.name = "asker", .handlers = rows};

static void everybody_who_asks_at_once_is_answered(void)
{
    char path[] = "/tmp/weft-auth-XXXXXX";
    int fd = mkstemp(path);
    REQUIRE(fd >= 0);
    static const char line[] =
        "alice:$2b$04$abcdefghijklmnopqrstuuinwY/tkBVrn3xrxQI/TgnMHhkvl85RW\n";
    CHECK(write(fd, line, sizeof line - 1) == (ssize_t)(sizeof line - 1));
    (void)close(fd);

    weft_auth_source source = {.kind = WEFT_AUTH_FROM_FILE};
    (void)snprintf(source.path, sizeof source.path, "%s", path);
    weft_auth_config config = {.sources = &source, .count = 1, .failures_user_max = 1000};
    weft_why why = {""};
    weft_system *sys = weft_system_new(&(weft_system_options){.reactors = REACTORS,
                                                              .pool = 3,
                                                              .no_signals = true,
                                                              .log_level = WEFT_NO_LOG,
                                                              .log_level_set = true});
    REQUIRE(sys != NULL);
    granted = denied = other = done = 0;
    CHECK_OK(weft_auth_check(&config, &why));
    auth = weft_system_spawn(sys, 0, &weft_auth, &config);
    for (unsigned i = 0; i < REACTORS; i++)
        CHECK(!weft_ref_is_nobody(weft_system_spawn(sys, i, &asker, NULL)));
    CHECK_I64(weft_run(&sys), 0);
    CHECK_U64(granted, REACTORS * ASKS * 3 / 4);
    CHECK_U64(denied, REACTORS * ASKS / 4);
    CHECK_U64(other, 0);
    (void)unlink(path);
}

static const test_case cases[] = {
    TEST(everybody_who_asks_at_once_is_answered),
    {0},
};

const test_suite auth_threads_suite = {
    .name = "actors/auth-threads", .cases = cases, .threads = true};

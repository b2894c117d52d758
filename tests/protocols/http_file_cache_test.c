/* SPDX-License-Identifier: MIT */
/* What a server keeps of files, for how long, and within which limits. */
#include "files_world.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "http_file_cache.h"

enum { LARGE = 300000, STALE_MS = 1001, SEEDS = 20, FILLERS = 16 };

/* ---- looking into the cache of files_config */

static wf_http_file_cache seen;
static size_t bytes_max_wanted;

static weft_err on_started(weft_actor *self, weft_msg *msg)
{
    wf_http_file_cache *cache = wf_http_file_cache_here(self, &files_config);
    (void)msg;
    REQUIRE(cache != NULL);
    if (bytes_max_wanted != 0)
        cache->bytes_max = bytes_max_wanted;
    seen = *cache;
    return weft_stop(self, WEFT_OK);
}

static const weft_handler rows[] = {{.type = &weft_started_type, .fn = on_started}, {0}};
static const weft_behaviour looker = {.name = "looker", .handlers = rows};

static void look(void)
{
    CHECK(!weft_ref_is_nobody(weft_sim_spawn(files_sim, &looker, NULL)));
    CHECK(weft_sim_run(files_sim));
}

static void limit_bytes(size_t bytes_max)
{
    bytes_max_wanted = bytes_max;
    look();
    bytes_max_wanted = 0;
}

/* ---- time */

static void a_deleted_file_is_served_until_it_is_stale(void)
{
    files_put_text("small.txt", "small");
    files_put_noise("large.bin", LARGE);
    CHECK_STATUS("/files/small.txt", NULL, 200);
    CHECK_STATUS("/files/large.bin", NULL, 200);
    files_remove("small.txt");
    files_remove("large.bin");
    files_reply r = files_get("/files/small.txt", NULL);
    CHECK_BODY(r, "small");
    r = files_get("/files/large.bin", NULL);
    CHECK_U64(r.body_n, LARGE);
    weft_sim_advance(files_sim, STALE_MS);
    CHECK_STATUS("/files/small.txt", NULL, 404);
    CHECK_STATUS("/files/large.bin", NULL, 404);
}

static void a_file_that_appears_is_served_when_its_absence_is_stale(void)
{
    CHECK_STATUS("/files/a.txt", NULL, 404);
    files_put_text("a.txt", "a");
    CHECK_STATUS("/files/a.txt", NULL, 404);
    weft_sim_advance(files_sim, STALE_MS);
    CHECK_STATUS("/files/a.txt", NULL, 200);
}

static void a_changed_file_is_served_as_it_is_when_it_is_stale(void)
{
    char tag[64];
    files_put_text("a.txt", "old");
    files_reply r = files_get("/files/a.txt", NULL);
    (void)snprintf(tag, sizeof tag, "%s", files_field(&r, "ETag"));
    files_put_text("a.txt", "new");
    weft_sim_advance(files_sim, STALE_MS);
    r = files_get("/files/a.txt", NULL);
    CHECK_BODY(r, "new");

    weft_sim_advance(files_sim, STALE_MS);
    r = files_get("/files/a.txt", NULL);
    CHECK_BODY(r, "new");
}

static void staleness_is_the_config_s(void)
{
    files_config.cache_ms = 60000;
    files_put_text("a.txt", "a");
    CHECK_STATUS("/files/a.txt", NULL, 200);
    files_remove("a.txt");
    for (int i = 0; i < 9; i++) {
        weft_sim_advance(files_sim, 6000);
        CHECK_STATUS("/files/a.txt", NULL, 200);
    }
    weft_sim_advance(files_sim, 6001);
    CHECK_STATUS("/files/a.txt", NULL, 404);
}

static void a_tag_is_weak_while_the_file_is_young(void)
{
    files_put_text("a.txt", "a");
    files_set_age("a.txt", 0);
    files_reply r = files_get("/files/a.txt", NULL);
    CHECK(strncmp(files_field(&r, "ETag"), "W/\"", 3) == 0);
    weft_sim_advance(files_sim, 3000);
    r = files_get("/files/a.txt", NULL);
    CHECK(files_field(&r, "ETag")[0] == '"');
}

static void a_file_from_the_future_is_not_dated_so(void)
{
    files_put_text("a.txt", "a");
    files_set_age("a.txt", -86400);
    files_reply r = files_get("/files/a.txt", NULL);
    CHECK_FIELD(r, "Last-Modified", "Tue, 14 Nov 2023 22:13:20 GMT");
}

static void an_index_that_appears_replaces_the_listing(void)
{
    files_put_text("a/x", "x");
    files_reply r = files_get("/files/a/", NULL);
    CHECK(files_field(&r, "ETag")[0] == '\0');
    files_put_text("a/index.html", "<p>");
    weft_sim_advance(files_sim, STALE_MS);
    r = files_get("/files/a/", NULL);
    CHECK_BODY(r, "<p>");
}

static void a_packed_file_that_appears_is_taken(void)
{
    files_put_text("a.css", "a{}");
    files_reply r = files_get("/files/a.css", "Accept-Encoding: gzip\r\n");
    CHECK_FIELD(r, "Vary", "");
    files_put_text("a.css.gz", "(gzip)");
    weft_sim_advance(files_sim, STALE_MS);
    r = files_get("/files/a.css", NULL);
    CHECK_FIELD(r, "Vary", "Accept-Encoding");
    r = files_get("/files/a.css", "Accept-Encoding: gzip\r\n");
    CHECK_BODY(r, "(gzip)");
}

static void a_root_that_was_switched_is_followed(void)
{
    char link[512];
    files_put_text("one/a.txt", "one");
    files_put_text("two/a.txt", "two");
    files_link("one", "current");
    (void)snprintf(link, sizeof link, "%s", files_path("current"));
    files_config.root = link;
    files_reply r = files_get("/files/a.txt", NULL);
    CHECK_BODY(r, "one");
    files_remove("current");
    files_link("two", "current");
    weft_sim_advance(files_sim, STALE_MS);
    r = files_get("/files/a.txt", NULL);
    CHECK_BODY(r, "two");
    files_config.root = NULL;
}

static void a_relative_root_stays_where_it_was(void)
{
    char before[512];
    REQUIRE(getcwd(before, sizeof before) != NULL);
    files_put_text("site/a.txt", "a");
    REQUIRE(chdir(files_path("")) == 0);
    files_config.root = "site";
    CHECK_STATUS("/files/a.txt", NULL, 200);
    REQUIRE(chdir(before) == 0);
    weft_sim_advance(files_sim, STALE_MS);
    CHECK_STATUS("/files/a.txt", NULL, 200);
}

/* ---- limits */

static void put_and_get_large(unsigned n)
{
    char name[32], target[48];
    for (unsigned i = 0; i < n; i++) {
        (void)snprintf(name, sizeof name, "%u.bin", i);
        (void)snprintf(target, sizeof target, "/files/%s", name);
        files_put_noise(name, 20000 + i);
        files_reply r = files_get(target, NULL);
        CHECK_U64(r.status, 200);
        CHECK_U64(r.body_n, 20000 + i);
    }
}

static void no_more_files_are_kept_than_the_config_allows(void)
{
    files_config.cache_files_max = 4;
    put_and_get_large(12);
    look();
    CHECK_U64(seen.served.n, 4);
    CHECK_U64(seen.descriptors, 4);
    CHECK_STATUS("/files/0.bin", NULL, 200);
}

static void what_was_asked_for_lately_is_kept(void)
{
    unsigned before;
    files_config.cache_files_max = 4;
    put_and_get_large(4);
    weft_sim_advance(files_sim, 1);
    CHECK_STATUS("/files/0.bin", NULL, 200);
    files_put_text("more.txt", "m");
    CHECK_STATUS("/files/more.txt", NULL, 200);
    before = files_descriptors();
    files_remove("0.bin");
    CHECK_STATUS("/files/0.bin", NULL, 200);
    CHECK_U64(files_descriptors(), before);
    files_remove("1.bin");
    CHECK_STATUS("/files/1.bin", NULL, 404);
}

static void guessed_names_do_not_drive_files_out(void)
{
    char target[48];
    files_config.cache_ms = 60000;
    files_put_text("a.txt", "a");
    CHECK_STATUS("/files/a.txt", NULL, 200);
    files_remove("a.txt");
    for (unsigned i = 0; i < WF_HTTP_FILE_CACHE_REFUSED_MAX + 50; i++) {
        (void)snprintf(target, sizeof target, "/files/none-%u", i);
        CHECK_STATUS(target, NULL, 404);
    }
    look();
    CHECK_U64(seen.refused.n, WF_HTTP_FILE_CACHE_REFUSED_MAX);
    CHECK_STATUS("/files/a.txt", NULL, 200);
}

static void memory_is_bounded(void)
{
    char name[32], target[48];
    limit_bytes(100000);
    for (unsigned i = 0; i < 40; i++) {
        (void)snprintf(name, sizeof name, "%u.txt", i);
        (void)snprintf(target, sizeof target, "/files/%s", name);
        files_put_numbers(name, 2000);
        CHECK_STATUS(target, "Accept-Encoding: gzip\r\n", 200);
        look();
        CHECK(seen.bytes <= 100000);
        CHECK(seen.served.n > 0);
    }
}

static void what_nobody_asks_for_is_let_go_of(void)
{
    unsigned before;
    files_put_text("a.txt", "a");
    CHECK_STATUS("/files/a.txt", NULL, 200);
    before = files_descriptors();
    put_and_get_large(3);
    CHECK_STATUS("/files/none", NULL, 404);
    CHECK_U64(files_descriptors(), before + 3);
    weft_sim_advance(files_sim, 2 * WF_HTTP_FILE_CACHE_IDLE_MS);
    look();
    CHECK_U64(files_descriptors(), before);
    CHECK_U64(seen.served.n + seen.refused.n, 0);
    CHECK_U64(seen.bytes, 0);
    CHECK(!seen.alarmed);
}

static void without_descriptors_it_is_503_and_what_is_kept_gives_way(void)
{
    struct rlimit old, none;
    put_and_get_large(3);
    files_put_noise("more.bin", LARGE);
    REQUIRE(getrlimit(RLIMIT_NOFILE, &old) == 0);
    none = old;
    /* no number below the limit is free, whatever was closed before */
    int filler[FILLERS];
    for (int i = 0; i < FILLERS; i++)
        filler[i] = open("/dev/null", O_RDONLY | O_CLOEXEC);
    none.rlim_cur = (rlim_t)filler[FILLERS - 1] + 1;
    REQUIRE(setrlimit(RLIMIT_NOFILE, &none) == 0);
    files_reply kept = files_get("/files/more.bin", NULL);
    files_reply again = files_get("/files/0.bin", NULL);
    for (unsigned i = 0; i < 4; i++)
        (void)files_get("/files/2.bin", NULL);
    REQUIRE(setrlimit(RLIMIT_NOFILE, &old) == 0);
    for (int i = 0; i < FILLERS; i++)
        (void)close(filler[i]);
    CHECK_U64(kept.status, 200);
    CHECK_U64(again.status, 200);
    weft_sim_advance(files_sim, 2 * WF_HTTP_FILE_CACHE_IDLE_MS);
    none.rlim_cur = 3;
    REQUIRE(setrlimit(RLIMIT_NOFILE, &none) == 0);
    files_reply refused = files_get("/files/more.bin", NULL);
    REQUIRE(setrlimit(RLIMIT_NOFILE, &old) == 0);
    CHECK_U64(refused.status, 503);
    CHECK_STATUS("/files/more.bin", NULL, 200);
}

/* ---- files that change under way */

static void a_file_that_shrinks_ends_the_connection_with_a_reason(void)
{
    files_put_noise("large.bin", LARGE);
    CHECK_STATUS("/files/large.bin", NULL, 200);
    REQUIRE(truncate(files_path("large.bin"), 1000) == 0);
    files_reply r = files_get("/files/large.bin", NULL);
    CHECK(!r.complete);
    CHECK(r.body_n <= 1000);
    weft_sim_advance(files_sim, STALE_MS);
    r = files_get("/files/large.bin", NULL);
    CHECK(r.complete);
    CHECK_U64(r.body_n, 1000);
}

static void a_file_that_grows_is_cut_where_it_was_measured(void)
{
    files_put_noise("large.bin", LARGE);
    CHECK_STATUS("/files/large.bin", NULL, 200);
    REQUIRE(truncate(files_path("large.bin"), 2 * LARGE) == 0);
    files_reply r = files_get("/files/large.bin", NULL);
    CHECK(r.complete);
    CHECK_U64(r.body_n, LARGE);
}

/* ---- without memory */

static void when_memory_is_out_answers_are_whole_or_say_so(void)
{
    unsigned whole = 0;
    files_world_close();
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        files_world_open_with(&(weft_sim_options){.seed = seed, .faults = {.allocation = 20000}});
        files_put_text("a/small.txt", "small");
        files_put_noise("large.bin", LARGE);
        size_t n = files_put_numbers("numbers.txt", 3000);
        static const char *const targets[] = {"/files/a/small.txt", "/files/large.bin", "/files/a/",
                                              "/files/numbers.txt", "/files/none"};
        for (unsigned i = 0; i < 10; i++) {
            files_reply r = files_get(targets[i % 5], i % 2 ? "Accept-Encoding: gzip\r\n" : NULL);
            CHECK(r.status != 200 || !r.complete || r.body_n <= LARGE + n);
            whole += r.complete;
            if (i % 3 == 2)
                weft_sim_advance(files_sim, STALE_MS);
        }
        files_world_close();
    }
    CHECK(whole > SEEDS);
    files_world_open();
}

static const test_case cases[] = {
    TEST(a_deleted_file_is_served_until_it_is_stale),
    TEST(a_file_that_appears_is_served_when_its_absence_is_stale),
    TEST(a_changed_file_is_served_as_it_is_when_it_is_stale),
    TEST(staleness_is_the_config_s),
    TEST(a_tag_is_weak_while_the_file_is_young),
    TEST(a_file_from_the_future_is_not_dated_so),
    TEST(an_index_that_appears_replaces_the_listing),
    TEST(a_packed_file_that_appears_is_taken),
    TEST(a_root_that_was_switched_is_followed),
    TEST(a_relative_root_stays_where_it_was),
    TEST(no_more_files_are_kept_than_the_config_allows),
    TEST(what_was_asked_for_lately_is_kept),
    TEST(guessed_names_do_not_drive_files_out),
    TEST(memory_is_bounded),
    TEST(what_nobody_asks_for_is_let_go_of),
    TEST(without_descriptors_it_is_503_and_what_is_kept_gives_way),
    TEST(a_file_that_shrinks_ends_the_connection_with_a_reason),
    TEST(a_file_that_grows_is_cut_where_it_was_measured),
    TEST(when_memory_is_out_answers_are_whole_or_say_so),
    {0},
};

const test_suite http_file_cache_suite = {.name = "protocols/http_file_cache",
                                          .before = files_world_open,
                                          .after = files_world_close,
                                          .cases = cases};

/* The same through the blocking pool. */
const test_suite http_file_cache_cold_suite = {.name = "protocols/http_file_cache_cold",
                                               .before = files_world_open_cold,
                                               .after = files_world_close,
                                               .cases = cases};

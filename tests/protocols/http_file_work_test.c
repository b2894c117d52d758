/* SPDX-License-Identifier: MIT */
/* What would hold a reactor is done by the pool: once for all who ask, whoever leaves meanwhile. */
#include "files_crowd.h"

#include <fcntl.h>
#include <unistd.h>

#include <weft/edge.h>
#include <weft/net.h>

#include "http_file_work.h"

enum { LARGE = 300000, SEEDS = 60, LINES = 20000, COLD = 1000000, HALF = 500000 };

/* How many jobs the pool was given so far. */
static unsigned jobs(void)
{
    unsigned n = 0;
    const char *at = weft_sim_event_log(files_sim, NULL);
    while ((at = strstr(at, "weft.pool: weft.job request")) != NULL) {
        n++;
        at++;
    }
    return n;
}

static void open_cold(uint64_t seed, uint32_t cold)
{
    files_world_close();
    files_world_open_with(&(weft_sim_options){.seed = seed, .faults.cold = cold});
}

static void before(void)
{
    files_crowd_forget();
    files_world_open_cold();
}

/* ---- lookups */

static void what_is_cold_is_looked_up_once_for_all_who_ask(void)
{
    files_put_noise("large.bin", LARGE);
    files_come_and_wait(FILES_CROWD, FILES_GET("/files/large.bin", ""));
    for (unsigned i = 0; i < FILES_CROWD; i++) {
        CHECK(files_crowd[i].over);
        CHECK_U64(files_crowd[i].status, 200);
        CHECK(files_crowd[i].bytes > LARGE);
    }
    CHECK_U64(jobs(), 1);
}

static void what_was_looked_up_is_a_hit_from_then_on(void)
{
    files_put_text("a.txt", "a");
    CHECK_STATUS("/files/a.txt", NULL, 200);
    CHECK_STATUS("/files/none", NULL, 404);
    unsigned n = jobs();
    CHECK_U64(n, 2);
    for (unsigned i = 0; i < 5; i++) {
        CHECK_STATUS("/files/a.txt", NULL, 200);
        CHECK_STATUS("/files/none", NULL, 404);
    }
    CHECK_U64(jobs(), n);
}

static void what_is_in_memory_needs_no_pool(void)
{
    open_cold(1, 0);
    files_put_text("a.txt", "a");
    files_put_noise("large.bin", LARGE);
    CHECK_STATUS("/files/a.txt", NULL, 200);
    CHECK_STATUS("/files/large.bin", NULL, 200);
    CHECK_STATUS("/files/none", NULL, 404);
    CHECK_STATUS("/files/large.bin", "Range: bytes=0-99,200-299\r\n", 206);
    CHECK_U64(jobs(), 0);
    CHECK_STATUS("/files/", NULL, 200); /* but for the page of a folder */
    CHECK_U64(jobs(), 1);
}

static void a_failed_lookup_is_told_to_all_who_ask(void)
{
    files_config.root = "/none/at/all";
    files_come_and_wait(FILES_CROWD, FILES_GET("/files/a.txt", ""));
    for (unsigned i = 0; i < FILES_CROWD; i++)
        CHECK_U64(files_crowd[i].status, 500);
    CHECK(jobs() < FILES_CROWD); /* what failed is not kept: who came later tried again */
}

static void chance_decides_where_and_the_answer_is_the_same(void)
{
    unsigned n = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        open_cold(seed, HALF / 2);
        files_put_text("a.css", "a{}");
        files_put_noise("large.bin", LARGE);
        for (unsigned i = 0; i < 4; i++) {
            files_reply r = files_get("/files/a.css", "Accept-Encoding: gzip\r\n");
            CHECK_BODY(r, "a{}");
            r = files_get("/files/large.bin", "Range: bytes=7-8,100000-100001\r\n");
            CHECK_U64(r.status, 206);
            CHECK(r.complete);
            uint8_t want[2] = {files_noise_at(100000), files_noise_at(100001)};
            CHECK(memmem(r.body, r.body_n, want, 2) != NULL);
            weft_sim_advance(files_sim, 1001);
        }
        n += jobs();
    }
    CHECK(n > SEEDS && n < 16 * SEEDS);
}

/* ---- those who leave */

static void who_leaves_while_the_pool_works_is_not_waited_for(void)
{
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        open_cold(seed, COLD);
        files_put_noise("large.bin", LARGE);
        for (unsigned i = 0; i < FILES_CROWD; i++)
            files_crowd[i].leaves = i % 3 == 0 || seed % 4 == 0;
        files_come(FILES_CROWD, FILES_GET("/files/large.bin", ""));
        /* the clock stands still until some have asked, and the pool is slow to come to it */
        for (unsigned steps = (unsigned)seed * 5; steps != 0; steps--)
            (void)weft_sim_step(files_sim);
        weft_sim_advance(files_sim, 1);
        CHECK(weft_sim_settle(files_sim, 20000));
        weft_sim_advance(files_sim, 1000);
        for (unsigned i = 0; i < FILES_CROWD; i++) {
            CHECK(files_crowd[i].over);
            CHECK(files_crowd[i].leaves ||
                  (files_crowd[i].status == 200 && files_crowd[i].bytes > LARGE));
        }
        CHECK(jobs() <= 1);
        files_crowd_forget();
        CHECK_STATUS("/files/large.bin", NULL, 200);
    }
}

static void a_stop_in_the_middle_leaves_nothing_behind(void)
{
    for (uint64_t seed = 1; seed <= 2 * SEEDS; seed++) {
        open_cold(seed, COLD);
        files_put_numbers("large.txt", LINES);
        files_come(FILES_CROWD, FILES_GET("/files/large.txt", "Accept-Encoding: gzip\r\n"));
        for (unsigned steps = (unsigned)seed * 4; steps != 0; steps--)
            (void)weft_sim_step(files_sim);
        weft_system_shutdown(weft_sim_system(files_sim), WEFT_OK);
        CHECK(weft_sim_run(files_sim));
    } /* the next open closes the world, which looks for what has leaked */
}

/* ---- packing */

static void what_is_large_is_packed_by_the_pool_once(void)
{
    size_t n = files_put_numbers("large.txt", LINES);
    REQUIRE(n > WF_HTTP_PACK_HERE_BYTES_MAX);
    CHECK_STATUS("/files/large.txt", NULL, 200);
    unsigned before_packing = jobs();
    files_come_and_wait(FILES_CROWD, FILES_GET("/files/large.txt", "Accept-Encoding: gzip\r\n"));
    for (unsigned i = 0; i < FILES_CROWD; i++) {
        CHECK_U64(files_crowd[i].status, 200);
        CHECK(files_crowd[i].packed);
        CHECK(files_crowd[i].bytes > 100 && files_crowd[i].bytes < n / 2);
    }
    CHECK(jobs() - before_packing <= 2); /* the file, if it was stale by then, and the packing */
}

static void what_is_small_is_packed_at_once(void)
{
    open_cold(1, 0);
    size_t n = files_put_numbers("small.txt", 2000);
    REQUIRE(n <= WF_HTTP_PACK_HERE_BYTES_MAX);
    files_reply r = files_get("/files/small.txt", "Accept-Encoding: gzip\r\n");
    CHECK_FIELD(r, "Content-Encoding", "gzip");
    CHECK_U64(jobs(), 0);
}

static void what_does_not_pack_is_tried_once_and_served_as_it_is(void)
{
    files_put_noise("noise.txt", LARGE);
    for (unsigned i = 0; i < 3; i++) {
        files_reply r = files_get("/files/noise.txt", "Accept-Encoding: gzip\r\n");
        CHECK_U64(r.status, 200);
        CHECK_FIELD(r, "Content-Encoding", "");
        CHECK_U64(r.body_n, LARGE);
    }
    CHECK_U64(jobs(), 2); /* the lookup, the try */
    weft_sim_advance(files_sim, 1001);
    CHECK_STATUS("/files/noise.txt", "Accept-Encoding: gzip\r\n", 200);
    CHECK_U64(jobs(), 3); /* looked up anew, and known not to pack */
}

static void what_was_packed_outlives_a_lookup_that_finds_the_file_unchanged(void)
{
    files_put_numbers("large.txt", LINES);
    CHECK_STATUS("/files/large.txt", "Accept-Encoding: gzip\r\n", 200);
    CHECK_U64(jobs(), 2);
    weft_sim_advance(files_sim, 1001);
    files_reply r = files_get("/files/large.txt", "Accept-Encoding: gzip\r\n");
    CHECK_FIELD(r, "Content-Encoding", "gzip");
    CHECK_U64(jobs(), 3);
}

/* ---- from within: workers asked by an actor of the test */

typedef struct inside {
    unsigned asks, served, full, failed;
    bool change; /* the file becomes another one while it is packed */
    bool unmade;
} inside;
static inside in;

static weft_err on_counted(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    (void)self, (void)msg;
    ++*(got->err == WEFT_OK ? &in.served : got->err == WEFT_EFULL ? &in.full : &in.failed);
    return WEFT_OK;
}

static weft_err ask_many(weft_actor *self, weft_msg *msg)
{
    wf_http_file_cache *cache = wf_http_file_cache_here(self, &files_config);
    wf_http_file_ask ask = {.path = "a.txt", .path_n = 5};
    wf_http_file_entry *e;
    REQUIRE(cache != NULL);
    CHECK_ERR(wf_http_file_cache_get(cache, self, &ask, &e, NULL), WF_HTTP_FILE_COLD);
    for (unsigned i = 0; i < in.asks; i++)
        CHECK_OK(
            weft_when(msg, weft_ask(self, e->looking, wf_http_work_wait, .tries = i), on_counted));
    return WEFT_OK;
}
static const weft_handler asker_rows[] = {{.type = &weft_started_type, .fn = ask_many}, {0}};
static const weft_behaviour asker = {.name = "asker", .handlers = asker_rows};

static void those_who_wait_for_a_file_have_a_limit(void)
{
    in = (inside){.asks = WF_HTTP_FILE_WAITERS_MAX + 7};
    files_put_text("a.txt", "a");
    CHECK(!weft_ref_is_nobody(weft_sim_spawn(files_sim, &asker, NULL)));
    CHECK(weft_sim_run(files_sim));
    CHECK_U64(in.served, WF_HTTP_FILE_WAITERS_MAX);
    CHECK_U64(in.full, 7);
    CHECK_U64(in.failed, 0);
    CHECK_U64(jobs(), 1);
}

static weft_err on_packed(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    (void)self, (void)msg;
    CHECK_OK(got->err);
    const wf_http_file *file = &((const wf_http_work_done *)got->body)->entry->file;
    in.unmade = file->forms[WF_HTTP_GZIP] != NULL && file->forms[WF_HTTP_GZIP]->unmade;
    in.served++;
    return WEFT_OK;
}
static weft_err pack_and_change(weft_actor *self, weft_msg *msg)
{
    wf_http_file_cache *cache = wf_http_file_cache_here(self, &files_config);
    wf_http_file_ask ask = {.path = "large.txt", .path_n = 9};
    wf_http_file_entry *e;
    REQUIRE(cache != NULL);
    CHECK_OK(wf_http_file_cache_get(cache, self, &ask, &e, NULL));
    CHECK_OK(wf_http_work_pack(e, WF_HTTP_GZIP, NULL));
    if (in.change)
        e->file.forms[WF_HTTP_GZIP]->stamp.inode++;
    return weft_when(msg, weft_ask(self, e->packing[WF_HTTP_GZIP], wf_http_work_wait, .tries = 1),
                     on_packed);
}
static const weft_handler packer_rows[] = {{.type = &weft_started_type, .fn = pack_and_change},
                                           {0}};
static const weft_behaviour packer = {.name = "packer", .handlers = packer_rows};

static void what_was_packed_of_another_version_is_thrown_away(void)
{
    files_put_numbers("large.txt", LINES);
    for (unsigned change = 0; change < 2; change++) {
        in = (inside){.change = change != 0};
        CHECK_STATUS("/files/large.txt", NULL, 200);
        CHECK(!weft_ref_is_nobody(weft_sim_spawn(files_sim, &packer, NULL)));
        CHECK(weft_sim_run(files_sim));
        CHECK_U64(in.served, 1);
        CHECK_U64(in.unmade, change);
        weft_sim_advance(files_sim, 30000); /* out of the cache */
    }
}

/* ---- without memory */

static void when_memory_is_out_nobody_waits_for_ever(void)
{
    unsigned whole = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        files_world_close();
        files_world_open_with(
            &(weft_sim_options){.seed = seed, .faults = {.allocation = 30000, .cold = HALF}});
        size_t n = files_put_numbers("large.txt", LINES);
        const char *const fields[] = {
            NULL, seed % 2 == 0 ? "Accept-Encoding: gzip\r\n" : "Accept-Encoding: br\r\n",
            "Range: bytes=0-9,20-29\r\n"};
        for (unsigned i = 0; i < 9; i++) {
            files_reply r = files_get(i % 4 == 3 ? "/files/" : "/files/large.txt", fields[i % 3]);
            CHECK(!r.complete || r.body_n <= n + 4096);
            whole += r.complete && (r.status == 200 || r.status == 206);
            if (i % 3 == 2)
                weft_sim_advance(files_sim, 1001);
        }
    }
    CHECK(whole > 3 * SEEDS);
}

/* ---- the kernel's own word */

static void what_the_kernel_has_in_memory_is_read_without_waiting(void)
{
    char bytes[8] = "";
    size_t got;
    wf_http_found found;
    wf_http_file_root patient = {.cwd = -1, .fd = -1, .path = files_config.root};
    wf_http_file_root hasty = {.cwd = -1, .fd = -1, .path = files_config.root, .hasty = true};
    files_put_text("a/b.txt", "1234567");
    CHECK_OK(wf_http_file_root_refresh(&patient, NULL));
    REQUIRE(wf_http_file_open(&patient, "a/b.txt", &found, NULL) == WEFT_OK);
    (void)close(found.fd);
    wf_http_file_root_adopt(&hasty, &patient);
    CHECK(hasty.fd >= 0 && patient.fd < 0);
    /* it has just been opened, and written: a file system that can say so says so */
    weft_err err = wf_http_file_open(&hasty, "a/b.txt", &found, NULL);
    CHECK(err == WEFT_OK || err == WF_HTTP_FILE_COLD);
    if (err == WEFT_OK) {
        err = wf_http_file_read(&hasty, found.fd, 0, bytes, sizeof bytes, &got);
        CHECK(err == WEFT_OK || err == WF_HTTP_FILE_COLD);
        CHECK(err != WEFT_OK || (got == 7 && memcmp(bytes, "1234567", 7) == 0));
        (void)close(found.fd);
    }
    err = wf_http_file_open(&hasty, "a/none", &found, NULL);
    CHECK(err == WEFT_ENOTFOUND || err == WF_HTTP_FILE_COLD);
    hasty.walk = true;
    CHECK_ERR(wf_http_file_open(&hasty, "a/b.txt", &found, NULL), WF_HTTP_FILE_COLD);
    wf_http_file_root_done(&hasty);
    wf_http_file_root_done(&patient);
}

/* ---- reactors and a pool that are threads */

enum { REACTORS = 3, ROUNDS = 150, FILES = 6 };

static struct {
    _Atomic unsigned wrong, left, from_pool;
} threaded;

typedef struct reader {
    unsigned rounds;
    char path[32];
} reader;

static weft_err read_next(weft_actor *self, weft_msg *msg);

static weft_err go_on(weft_actor *self)
{
    reader *r = weft_state(self);
    if (++r->rounds < ROUNDS)
        return weft_tell(self, weft_self(self), weft_pull, .room = 1);
    if (--threaded.left == 0)
        weft_system_stop(self, WEFT_OK);
    return WEFT_OK;
}

static void look_at(const wf_http_file_entry *e)
{
    const wf_http_form *form = e->file.forms[WF_HTTP_IDENTITY];
    if (form == NULL || (form->file == NULL && form->content.size == 0))
        threaded.wrong++;
}

static weft_err on_read(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    (void)msg;
    threaded.from_pool++;
    if (got->err != WEFT_OK)
        threaded.wrong++;
    else
        look_at(((const wf_http_work_done *)got->body)->entry);
    return go_on(self);
}

/* Files, of which the kernel knows most, and the folder, which only the pool may read. */
static weft_err read_next(weft_actor *self, weft_msg *msg)
{
    reader *r = weft_state(self);
    unsigned i = r->rounds % (FILES + 1);
    wf_http_file_cache *cache = wf_http_file_cache_here(self, &files_config);
    wf_http_file_ask ask = {.path = r->path, .folder = i == FILES};
    wf_http_file_entry *e;
    weft_ref worker = WEFT_NOBODY;
    if (cache == NULL)
        return WEFT_ENOMEM;
    cache->cache_ms = 1;
    ask.path_n = i == FILES ? 0 : (size_t)snprintf(r->path, sizeof r->path, "%u.txt", i);
    r->path[ask.path_n] = '\0';
    weft_err err = wf_http_file_cache_get(cache, self, &ask, &e, NULL);
    if (err == WF_HTTP_FILE_COLD)
        worker = e->looking;
    else if (err != WEFT_OK)
        threaded.wrong++;
    else {
        look_at(e);
        const wf_http_form *gzip = e->file.forms[WF_HTTP_GZIP];
        if (gzip != NULL && gzip->unmade && e->file.forms[WF_HTTP_IDENTITY]->file != NULL &&
            wf_http_work_pack(e, WF_HTTP_GZIP, NULL) == WEFT_OK)
            worker = e->packing[WF_HTTP_GZIP];
    }
    if (weft_ref_is_nobody(worker))
        return go_on(self);
    return weft_when(msg, weft_ask(self, worker, wf_http_work_wait, .tries = 1), on_read);
}
static const weft_handler reader_rows[] = {
    {.type = &weft_started_type, .fn = read_next}, {.type = &weft_pull_type, .fn = read_next}, {0}};
static const weft_behaviour reading = {
    .name = "reading", .handlers = reader_rows, .state_bytes = sizeof(reader)};

static void reactors_and_the_pool_share_files_without_a_race(void)
{
    char name[32];
    for (unsigned i = 0; i < FILES; i++) {
        (void)snprintf(name, sizeof name, "%u.txt", i);
        files_put_numbers(name, 1000 + 1000 * i);
    }
    weft_system *sys = weft_system_new(&(weft_system_options){.reactors = REACTORS,
                                                              .pool = 3,
                                                              .no_signals = true,
                                                              .log_level = WEFT_NO_LOG,
                                                              .log_level_set = true});
    REQUIRE(sys != NULL);
    threaded.wrong = threaded.from_pool = 0;
    threaded.left = 2 * REACTORS;
    for (unsigned i = 0; i < 2 * REACTORS; i++)
        CHECK(!weft_ref_is_nobody(weft_system_spawn(sys, i % REACTORS, &reading, NULL)));
    CHECK_I64(weft_run(&sys), 0);
    CHECK_U64(threaded.wrong, 0);
    CHECK(threaded.from_pool >= REACTORS);
}

static const test_case thread_cases[] = {
    TEST(reactors_and_the_pool_share_files_without_a_race),
    {0},
};

static const test_case cases[] = {
    TEST(what_is_cold_is_looked_up_once_for_all_who_ask),
    TEST(what_was_looked_up_is_a_hit_from_then_on),
    TEST(what_is_in_memory_needs_no_pool),
    TEST(a_failed_lookup_is_told_to_all_who_ask),
    TEST(chance_decides_where_and_the_answer_is_the_same),
    TEST(who_leaves_while_the_pool_works_is_not_waited_for),
    TEST(a_stop_in_the_middle_leaves_nothing_behind),
    TEST(what_is_large_is_packed_by_the_pool_once),
    TEST(what_is_small_is_packed_at_once),
    TEST(what_does_not_pack_is_tried_once_and_served_as_it_is),
    TEST(what_was_packed_outlives_a_lookup_that_finds_the_file_unchanged),
    TEST(those_who_wait_for_a_file_have_a_limit),
    TEST(what_was_packed_of_another_version_is_thrown_away),
    TEST(when_memory_is_out_nobody_waits_for_ever),
    TEST(what_the_kernel_has_in_memory_is_read_without_waiting),
    {0},
};

const test_suite http_file_work_suite = {.name = "protocols/http_file_work",
                                         .before = before,
                                         .after = files_world_close,
                                         .cases = cases};

const test_suite http_file_threads_suite = {.name = "protocols/http_file_threads",
                                            .before = files_world_open,
                                            .after = files_world_close,
                                            .cases = thread_cases,
                                            .threads = true};

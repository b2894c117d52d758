/* SPDX-License-Identifier: MIT */
/* Forms gathered: fields in memory, files in a folder, and nothing left behind. */
#include "alloc.h"
#include "check.h"

#include <dirent.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <weft/http_form.h>
#include <weft/net.h>
#include <weft/testing.h>
#include <weft/testing_stream.h>

static char folder[64], kept_path[96];
static weft_sim *sim;
static weft_sim_peer *client;
static weft_http_form_config config;

/* ---- handlers */

/* Says all of it: "name=value;" for a field, "name(file,type)=bytes;" for a file. */
static weft_err tell(weft_actor *self, weft_msg *msg)
{
    char text[2048] = "";
    size_t n = 0;
    const weft_http_form_part *part;
    for (uint32_t i = 0; (part = weft_http_form_at(self, i)) != NULL; i++) {
        struct stat st;
        if (part->value != NULL) {
            CHECK_U64(strlen(part->value), part->bytes);
            n += (size_t)snprintf(text + n, sizeof text - n, "%s=%s;", part->name, part->value);
            continue;
        }
        CHECK(strncmp(part->path, folder, strlen(folder)) == 0);
        CHECK(stat(part->path, &st) == 0 && (uint64_t)st.st_size == part->bytes);
        CHECK_U64(st.st_mode & 0777, 0600);
        n += (size_t)snprintf(text + n, sizeof text - n, "%s(%s,%s)=%" PRIu64 ";", part->name,
                              part->file_name,
                              part->content_type != NULL ? part->content_type : "-", part->bytes);
    }
    CHECK(weft_http_form_value(self, "nothing") == NULL);
    CHECK_STR((const char *)weft_http_form_context(self), "context");
    return weft_http_text(msg, 200, "%s", text);
}

static weft_err on_kept(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    const weft_http_form_part *part = weft_http_form_find(self, "f");
    if (got->err != WEFT_OK)
        return weft_fail(msg, got->err, "%s", got->why);
    CHECK(access(part->path, F_OK) != 0);
    return weft_http_text(msg, 201, "kept");
}

static weft_err on_again(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    (void)self;
    CHECK_ERR(got->err, WEFT_EUSED);
    return weft_http_text(msg, 201, "kept once");
}

static weft_err keep(weft_actor *self, weft_msg *msg)
{
    const weft_http_form_part *part = weft_http_form_find(self, "f");
    if (part == NULL)
        return weft_http_error(msg, 400, "no f");
    return weft_when(msg, weft_http_form_keep(self, part, kept_path), on_kept);
}

static weft_err keep_twice(weft_actor *self, weft_msg *msg)
{
    const weft_http_form_part *part = weft_http_form_find(self, "f");
    (void)weft_ignore(self, weft_http_form_keep(self, part, kept_path));
    return weft_when(msg, weft_http_form_keep(self, part, kept_path), on_again);
}

static weft_err fail_it(weft_actor *self, weft_msg *msg)
{
    (void)self;
    return weft_fail(msg, WEFT_EINTERNAL, "broken");
}

static weft_http_route routes[] = {
    {.route = "/form", .use = &weft_http_forms, .config = &config, .stream = true},
    {.route = "/unstreamed", .use = &weft_http_forms, .config = &config},
    {0},
};

/* ---- the world */

static void begin(void)
{
    (void)snprintf(folder, sizeof folder, "/tmp/weft-form-XXXXXX");
    REQUIRE(mkdtemp(folder) != NULL);
    (void)snprintf(kept_path, sizeof kept_path, "%s/kept", folder);
    config = (weft_http_form_config){.handler = tell, .spool = folder, .context = "context"};
    sim = weft_sim_new(&(weft_sim_options){.seed = 1});
    REQUIRE(sim != NULL);
    CHECK_OK(weft_listen(weft_sim_system(sim), "sim://web", &weft_http_site, routes));
    client = weft_sim_connect(sim, "sim://web");
}

/* How many files there are. */
static unsigned files(void)
{
    unsigned n = 0;
    DIR *dir = opendir(folder);
    for (struct dirent *e = dir != NULL ? readdir(dir) : NULL; e != NULL; e = readdir(dir))
        n += e->d_name[0] != '.';
    if (dir != NULL)
        (void)closedir(dir);
    return n;
}

static void finish(void)
{
    CHECK_U64(weft_sim_free(&sim), 0);
    CHECK_U64(files(), 0);
    CHECK(rmdir(folder) == 0);
}

#define TYPE "multipart/form-data; boundary=xyz"
#define URLENCODED "application/x-www-form-urlencoded"
#define FIELD(name, value) \
    "--xyz\r\nContent-Disposition: form-data; name=\"" name "\"\r\n\r\n" value "\r\n"
#define FILE_HEAD(name)                                                                  \
    "--xyz\r\nContent-Disposition: form-data; name=\"" name "\"; filename=\"a.txt\"\r\n" \
    "Content-Type: text/plain\r\n\r\n"
#define LAST "\r\n--xyz--\r\n"

static void post_head(const char *path, const char *type, size_t bytes)
{
    char head[256];
    (void)snprintf(head, sizeof head,
                   "POST %s HTTP/1.1\r\nHost: web\r\nContent-Type: %s\r\nContent-Length: %zu\r\n"
                   "\r\n",
                   path, type, bytes);
    weft_sim_peer_say(client, head);
}

static void post(const char *type, const char *body, weft_sim_cut how)
{
    post_head("/form", type, strlen(body));
    weft_sim_peer_send_cut(client, body, strlen(body), how);
    (void)weft_sim_settle(sim, 1000);
}

/* A form with one file of @bytes bytes. */
static void post_file(size_t bytes)
{
    static const char before[] = FIELD("a", "1") FILE_HEAD("f");
    char *body = malloc(bytes + 1);
    REQUIRE(body != NULL);
    memset(body, '\r', bytes);
    post_head("/form", TYPE, sizeof before - 1 + bytes + sizeof LAST - 1);
    weft_sim_peer_say(client, before);
    weft_sim_peer_send(client, body, bytes);
    weft_sim_peer_say(client, LAST);
    (void)weft_sim_settle(sim, 1000);
    free(body);
}

static bool got(const char *what)
{
    bool there = strstr(client->got, what) != NULL;
    if (!there)
        (void)fprintf(stderr, "  not \"%s\" in: %s\n", what, client->got);
    return there;
}

/* ---- what comes */

static void fields_and_files_come_in_any_pieces(void)
{
    static const char body[] =
        FIELD("a", "1") FILE_HEAD("f") "file\r\n" FILE_HEAD("g") "\r\n" FIELD("b", "")
            FIELD("a", "2") "--xyz--\r\n";
    for (int cut = WEFT_SIM_WHOLE; cut <= WEFT_SIM_SPLIT; cut++) {
        begin();
        post(TYPE, body, (weft_sim_cut)cut);
        CHECK(got("\r\n\r\na=1;f(a.txt,text/plain)=4;g(a.txt,text/plain)=0;b=;a=2;"));
        CHECK_U64(files(), 0);
        /* the connection lives on */
        post(URLENCODED, "x=y+z&%61=%26&n&&", (weft_sim_cut)cut);
        CHECK(got("\r\n\r\nx=y z;a=&;n=;"));
        finish();
    }
}

static void a_large_file_comes_whole_and_is_gone_with_the_answer(void)
{
    begin();
    post_file(3000000);
    CHECK(got("\r\n\r\na=1;f(a.txt,text/plain)=3000000;"));
    CHECK_U64(files(), 0);
    finish();
}

static void a_file_may_be_kept(void)
{
    struct stat st;
    begin();
    config.handler = keep;
    post_file(200000);
    CHECK(got("HTTP/1.1 201 "));
    CHECK(stat(kept_path, &st) == 0 && st.st_size == 200000);
    config.handler = keep_twice;
    post_file(10);
    CHECK(stat(kept_path, &st) == 0 && st.st_size == 10);
    CHECK_U64(files(), 1);
    CHECK(unlink(kept_path) == 0);
    finish();
}

static void a_file_that_cannot_be_kept_is_removed(void)
{
    begin();
    config.handler = keep;
    (void)snprintf(kept_path, sizeof kept_path, "%s/none/kept", folder);
    post_file(10);
    CHECK(got("HTTP/1.1 500 "));
    finish();
}

static void a_handler_that_fails_leaves_no_file(void)
{
    begin();
    config.handler = fail_it;
    post_file(10);
    CHECK(got("HTTP/1.1 500 "));
    finish();
}

static void an_empty_form_is_one_and_an_empty_multipart_is_none(void)
{
    begin();
    post(URLENCODED, "", WEFT_SIM_WHOLE);
    CHECK(got("HTTP/1.1 200 "));
    finish();
    begin();
    post(TYPE, "", WEFT_SIM_WHOLE);
    CHECK(got("HTTP/1.1 400 "));
    finish();
    begin();
    post(TYPE, "--xyz--", WEFT_SIM_WHOLE);
    CHECK(got("HTTP/1.1 200 "));
    weft_sim_peer_say(client, "GET /form HTTP/1.1\r\nHost: web\r\nContent-Type: " TYPE "\r\n\r\n");
    CHECK(got("HTTP/1.1 400 "));
    finish();
}

/* ---- what is refused */

static void what_is_no_form_is_refused(void)
{
    static const struct {
        const char *type, *body, *status;
    } bad[] = {
        {"text/plain", "x", "HTTP/1.1 415 "},
        {"multipart/form-data", "x", "HTTP/1.1 400 "},
        {TYPE, "--xyz\r\nbroken", "HTTP/1.1 400 "},
        {TYPE, "--xyz\r\nbroken\r\n\r\n", "HTTP/1.1 400 "},
        {TYPE, FILE_HEAD("f") "not all of it", "HTTP/1.1 400 "},
        {URLENCODED, "a=%zz", "HTTP/1.1 400 "},
        {URLENCODED, "%00=a", "HTTP/1.1 400 "},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        begin();
        post(bad[i].type, bad[i].body, WEFT_SIM_WHOLE);
        CHECK(got(bad[i].status));
        finish();
    }
    begin();
    config.spool = NULL;
    post(TYPE, FILE_HEAD("f") "x" LAST, WEFT_SIM_WHOLE);
    CHECK(got("HTTP/1.1 415 "));
    finish();
    begin();
    post_head("/unstreamed", URLENCODED, 3);
    weft_sim_peer_say(client, "a=b");
    CHECK(got("HTTP/1.1 500 "));
    finish();
}

static void each_limit_is_413_and_what_just_fits_is_not(void)
{
    static const char two[] = FIELD("ab", "cd") FIELD("e", "f") "--xyz--";
    static const char both[] = FILE_HEAD("f") "12345\r\n" FILE_HEAD("g") "678" LAST;
    static const struct {
        const char *type, *body;
        weft_http_form_config limits;
        bool fits;
    } rows[] = {
        {TYPE, two, {.fields_max = 2}, true},
        {TYPE, two, {.fields_max = 1}, false},
        {TYPE, two, {.fields_bytes_max = 6}, true},
        {TYPE, two, {.fields_bytes_max = 5}, false},
        {URLENCODED, "a=b&c=d", {.fields_max = 2}, true},
        {URLENCODED, "a=b&c=d", {.fields_max = 1}, false},
        {URLENCODED, "a=b&c=d", {.fields_bytes_max = 7}, true},
        {URLENCODED, "a=b&c=d", {.fields_bytes_max = 6}, false},
        {TYPE, both, {.files_max = 2}, true},
        {TYPE, both, {.files_max = 1}, false},
        {TYPE, both, {.file_bytes_max = 5}, true},
        {TYPE, both, {.file_bytes_max = 4}, false},
        {TYPE, both, {.files_bytes_max = 8}, true},
        {TYPE, both, {.files_bytes_max = 7}, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        begin();
        config = rows[i].limits;
        config.handler = tell;
        config.spool = folder;
        config.context = "context";
        post(rows[i].type, rows[i].body, WEFT_SIM_WHOLE);
        CHECK(got(rows[i].fits ? "HTTP/1.1 200 " : "HTTP/1.1 413 "));
        finish();
    }
}

/* ---- disks */

static void a_full_disk_is_507_and_leaves_nothing(void)
{
    struct rlimit before, now;
    REQUIRE(getrlimit(RLIMIT_FSIZE, &before) == 0);
    void (*was)(int) = signal(SIGXFSZ, SIG_IGN);
    for (size_t bytes = 1000; bytes <= 1000000; bytes *= 1000) {
        begin();
        now = (struct rlimit){.rlim_cur = 500, .rlim_max = before.rlim_max};
        REQUIRE(setrlimit(RLIMIT_FSIZE, &now) == 0);
        post_file(bytes);
        REQUIRE(setrlimit(RLIMIT_FSIZE, &before) == 0);
        CHECK(got("HTTP/1.1 507 "));
        finish();
    }
    (void)signal(SIGXFSZ, was);
}

static void a_folder_that_is_not_there_is_500(void)
{
    begin();
    config.spool = "/nowhere/at/all";
    post_file(10);
    CHECK(got("HTTP/1.1 500 "));
    finish();
}

/* ---- the end, memory */

static void who_leaves_in_the_middle_leaves_no_file(void)
{
    for (unsigned steps = 1; steps < 60; steps += 2) {
        begin();
        post_head("/form", TYPE, 1000000);
        weft_sim_peer_say(client, FILE_HEAD("f"));
        char some[70000];
        memset(some, 'x', sizeof some);
        weft_sim_peer_send(client, some, sizeof some);
        for (unsigned i = 0; i < steps; i++)
            (void)weft_sim_step(sim);
        if (steps % 4 == 1)
            weft_sim_peer_abort(client);
        else
            weft_sim_peer_end(client);
        (void)weft_sim_settle(sim, 60000);
        CHECK_U64(files(), 0);
        finish();
    }
}

static void stopped_at_any_step_no_file_is_left(void)
{
    for (unsigned steps = 1; steps < 60; steps += 3) {
        begin();
        post_head("/form", TYPE, 1000000);
        weft_sim_peer_say(client, FILE_HEAD("f"));
        char some[70000];
        memset(some, 'x', sizeof some);
        weft_sim_peer_send(client, some, sizeof some);
        for (unsigned i = 0; i < steps; i++)
            (void)weft_sim_step(sim);
        finish();
    }
}

static void without_memory_no_file_is_left(void)
{
    static const char body[] = FIELD("a", "1") FILE_HEAD("f") "file" LAST;
    unsigned whole = 0;
    for (long nth = 1; nth < 60; nth++) {
        begin();
        post_head("/form", TYPE, sizeof body - 1);
        wf_alloc_fail_after(nth);
        weft_sim_peer_say(client, body);
        (void)weft_sim_settle(sim, 100);
        wf_alloc_fail_after(-1);
        weft_sim_advance(sim, 61000); /* what hangs is answered 504 */
        whole += strstr(client->got, "a=1;f(a.txt,text/plain)=4;") != NULL;
        CHECK_U64(files(), 0);
        finish();
    }
    CHECK(whole != 0 && whole < 59);
}

static const test_case cases[] = {
    TEST(fields_and_files_come_in_any_pieces),
    TEST(a_large_file_comes_whole_and_is_gone_with_the_answer),
    TEST(a_file_may_be_kept),
    TEST(a_file_that_cannot_be_kept_is_removed),
    TEST(a_handler_that_fails_leaves_no_file),
    TEST(an_empty_form_is_one_and_an_empty_multipart_is_none),
    TEST(what_is_no_form_is_refused),
    TEST(each_limit_is_413_and_what_just_fits_is_not),
    TEST(a_full_disk_is_507_and_leaves_nothing),
    TEST(a_folder_that_is_not_there_is_500),
    TEST(who_leaves_in_the_middle_leaves_no_file),
    TEST(stopped_at_any_step_no_file_is_left),
    TEST(without_memory_no_file_is_left),
    {0},
};

const test_suite http_form_suite = {.name = "protocols/http_form", .cases = cases};

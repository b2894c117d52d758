/* SPDX-License-Identifier: MIT */
/* ~NAME/ is the folder of a user, and nothing tells who there is from who there is not. */
#include "files_crowd.h"

#include <limits.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "http_users.h"

enum { SEEDS = 40, UID = 1500, COLD = 500000 };

static struct {
    weft_http_users users;
    unsigned asked;
    weft_err fails; /* what looking up fails with */
} world;

/* root may give a home to anybody, others to themselves alone */
static uint32_t owner(void)
{
    return geteuid() == 0 ? UID : geteuid();
}

static void own(const char *name)
{
    CHECK(geteuid() != 0 || lchown(files_path(name), owner(), owner()) == 0);
}

static bool starts(const char *name, const char *with)
{
    return strncmp(name, with, strlen(with)) == 0;
}

/* Everybody has a home, but who is called nobody; root's is root's. */
static weft_err find(const char *name, weft_http_home *home, weft_why *why)
{
    world.asked++;
    if (world.fails != WEFT_OK)
        return weft_because(why, world.fails, "the list of users has burnt");
    if (starts(name, "nobody"))
        return WEFT_ENOTFOUND;
    home->uid = starts(name, "root") ? 0 : starts(name, "daemon") ? 2 : owner();
    (void)snprintf(home->path, sizeof home->path, "%s/%s", files_path("home"), name);
    return WEFT_OK;
}

static void give(const char *user, const char *name, const char *text)
{
    char path[256];
    (void)snprintf(path, sizeof path, "home/%s/public_html/%s", user, name);
    files_put_text(path, text);
    (void)snprintf(path, sizeof path, "home/%s/public_html", user);
    own(path);
}

static void open_with(const weft_sim_options *options)
{
    memset(&world, 0, sizeof world);
    files_crowd_forget();
    files_world_open_with(options);
    world.users = (weft_http_users){.find = find};
    if (owner() < WF_HTTP_USERS_UID_MIN_DEFAULT)
        world.users.uid_min = 1;
    files_config.users = &world.users;
}

static void before(void)
{
    open_with(NULL);
}

/* ---- what there is */

static void a_user_s_files_are_served_from_the_home(void)
{
    give("alice", "index.html", "<p>alice");
    give("alice", "docs/a.txt", "from alice");
    give("bob", "docs/a.txt", "from bob");
    files_put_text("home/alice/secret.txt", "secret");
    CHECK_BODY(files_get("/files/~alice/", NULL), "<p>alice");
    CHECK_BODY(files_get("/files/~alice/docs/a.txt", NULL), "from alice");
    CHECK_BODY(files_get("/files/%7ealice/docs/a.txt", NULL), "from alice");
    CHECK_BODY(files_get("/files/~bob/docs/a.txt", NULL), "from bob");
    CHECK_STATUS("/files/~alice/docs/a.txt", "Range: bytes=0-3\r\n", 206);
    CHECK_STATUS("/files/~alice/secret.txt", NULL, 404);
}

static void another_folder_may_be_served(void)
{
    world.users.folder = "www/site";
    files_put_text("home/alice/www/site/a.txt", "a");
    own("home/alice/www/site");
    CHECK_STATUS("/files/~alice/a.txt", NULL, 200);
    world.users.folder = "../bob";
    CHECK_STATUS("/files/~carol/a.txt", NULL, 404);
}

static void a_folder_of_a_user_is_listed_and_wants_its_slash(void)
{
    give("alice", "docs/a.txt", "a");
    files_reply r = files_get("/files/~alice", NULL);
    CHECK_U64(r.status, 301);
    CHECK_FIELD(r, "Location", "/files/~alice/");
    CHECK_STATUS("/files/~alice/docs", NULL, 301);
    r = files_get("/files/~alice/docs/", NULL);
    CHECK_U64(r.status, 200);
    CHECK(memmem(r.body, r.body_n, "<h1>Index of /files/~alice/docs/</h1>", 37) != NULL);
    CHECK(memmem(r.body, r.body_n, "a.txt", 5) != NULL);
}

static void without_it_such_a_name_is_a_file_as_others_are(void)
{
    files_config.users = NULL;
    files_put_text("~alice/a.txt", "a file");
    give("alice", "a.txt", "alice's");
    CHECK_BODY(files_get("/files/~alice/a.txt", NULL), "a file");
    CHECK_U64(world.asked, 0);
}

static void what_changes_is_seen_after_a_while_and_asked_for_anew(void)
{
    give("alice", "a.txt", "before");
    CHECK_BODY(files_get("/files/~alice/a.txt", NULL), "before");
    unsigned asked = world.asked;
    for (unsigned i = 0; i < 5; i++)
        CHECK_STATUS("/files/~alice/a.txt", NULL, 200);
    CHECK_U64(world.asked, asked);
    give("alice", "a.txt", "behind!");
    weft_sim_advance(files_sim, 1001);
    CHECK_BODY(files_get("/files/~alice/a.txt", NULL), "behind!");
    CHECK_U64(world.asked, asked + 1);
}

/* ---- what there is not */

static void who_is_not_there_looks_as_who_has_nothing(void)
{
    char head[sizeof(files_reply){0}.head] = "", body[4096] = "";
    static const char *const targets[] = {
        "/files/~nobody/",      "/files/~nobody/a.txt", "/files/~dave/",   "/files/~dave/a.txt",
        "/files/~root/",        "/files/~daemon/",      "/files/~/",       "/files/~",
        "/files/~alice/none",   "/files/~a:b/",         "/files/~nobody",  "/files/~shared/a.txt",
        "/files/~closed/a.txt", "/files/~alice/closed", "/files/~.hidden/"};
    give("alice", "a.txt", "a");
    give("root", "index.html", "root's");
    give("daemon", "index.html", "the system's");
    (void)mkdir(files_path("home/dave"), 0755);
    files_put_text("home/shared/public_html/a.txt", "whose?");
    if (geteuid() != 0)
        (void)rename(files_path("home/shared"), files_path("home/gone"));
    give("alice", "closed", "closed");
    CHECK_I64(chmod(files_path("home/alice/public_html/closed"), 0), 0);
    if (geteuid() == 0) /* who may read all the same */
        files_remove("home/alice/public_html/closed");
    for (size_t i = 0; i < sizeof targets / sizeof targets[0]; i++) {
        files_reply r = files_get(targets[i], NULL);
        CHECK_U64(r.status, 404);
        if (i == 0) {
            memcpy(head, r.head, sizeof head);
            CHECK(r.body_n < sizeof body);
            memcpy(body, r.body, r.body_n);
        }
        CHECK_STR(r.head, head);
        CHECK_BODY(r, body);
    }
    CHECK_STATUS("/files/~alice/a.txt", NULL, 200);
}

static void a_name_too_long_for_a_user_is_not_looked_up(void)
{
    char target[WEFT_HTTP_USER_BYTES_MAX + 32];
    int n = snprintf(target, sizeof target, "/files/~");
    memset(target + n, 'x', WEFT_HTTP_USER_BYTES_MAX + 1);
    target[(size_t)n + WEFT_HTTP_USER_BYTES_MAX + 1] = '\0';
    CHECK_STATUS(target, NULL, 404);
    CHECK_U64(world.asked, 0);
    target[(size_t)n + WEFT_HTTP_USER_BYTES_MAX] = '\0';
    CHECK_STATUS(target, NULL, 404);
    CHECK_U64(world.asked, 1);
}

static void nothing_leads_out_of_the_folder(void)
{
    files_config.follow_symlinks = true;
    give("alice", "inside.txt", "inside");
    files_put_text("home/alice/secret.txt", "secret");
    files_link("inside.txt", "home/alice/public_html/near.txt");
    files_link("../secret.txt", "home/alice/public_html/up.txt");
    files_link("/etc/passwd", "home/alice/public_html/passwd");
    files_link("/", "home/alice/public_html/all");
    (void)mkdir(files_path("home/eve"), 0755);
    files_link("/etc", "home/eve/public_html");
    CHECK_STATUS("/files/~alice/near.txt", NULL, 200);
    CHECK_STATUS("/files/~alice/up.txt", NULL, 404);
    CHECK_STATUS("/files/~alice/passwd", NULL, 404);
    CHECK_STATUS("/files/~alice/all/etc/passwd", NULL, 404);
    CHECK_STATUS("/files/~alice/../secret.txt", NULL, 404);
    CHECK_STATUS("/files/~eve/passwd", NULL, 404);
    CHECK_STATUS("/files/~alice/../../../etc/passwd", NULL, 400);
}

static void a_folder_may_be_a_link_within_the_home(void)
{
    files_put_text("home/alice/sites/main/a.txt", "a");
    own("home/alice/sites/main");
    files_link("sites/main", "home/alice/public_html");
    CHECK_STATUS("/files/~alice/a.txt", NULL, 200);
}

static void a_list_of_users_that_cannot_be_read_is_the_server_s_fault(void)
{
    world.fails = WEFT_EIO;
    give("alice", "a.txt", "a");
    CHECK_STATUS("/files/~alice/a.txt", NULL, 500);
    CHECK_STATUS("/files/~nobody/a.txt", NULL, 500);
    world.fails = WEFT_OK;
    CHECK_STATUS("/files/~alice/a.txt", NULL, 200);
}

static void the_system_s_users_are_found_by_name(void)
{
    wf_http_file_root root = {.path = "", .cwd = -1, .fd = -1};
    const struct passwd *me = getpwuid(geteuid());
    const weft_http_users users = {.uid_min = 1, .folder = "."};
    REQUIRE(me != NULL);
    weft_err err = wf_http_user_open(&users, me->pw_name, strlen(me->pw_name), &root, NULL);
    CHECK(geteuid() == 0 ? err == WEFT_ENOTFOUND : err == WEFT_OK || err == WEFT_ENOTFOUND);
    wf_http_file_root_done(&root);
    CHECK_ERR(wf_http_user_open(&users, "no such user", 12, &root, NULL), WEFT_ENOTFOUND);
}

/* ---- under load */

static void lookups_of_users_have_a_limit(void)
{
    unsigned served = 0, refused = 0;
    static char requests[FILES_CROWD][128];
    world.users.lookups_max = 2;
    for (unsigned i = 0; i < FILES_CROWD; i++) {
        (void)snprintf(requests[i], sizeof requests[i], FILES_GET("/files/~user%u/", ""), i);
        files_crowd[i].request = requests[i];
    }
    give("alice", "a.txt", "a");
    files_come_and_wait(FILES_CROWD, NULL);
    for (unsigned i = 0; i < FILES_CROWD; i++) {
        CHECK(files_crowd[i].over);
        served += files_crowd[i].status == 404;
        refused += files_crowd[i].status == 503;
    }
    CHECK_U64(served + refused, FILES_CROWD);
    CHECK(served >= 2 && refused > 0);
    CHECK_STATUS("/files/~alice/a.txt", NULL, 200); /* all are given back */
}

static void many_who_ask_for_the_same_are_one_lookup(void)
{
    world.users.lookups_max = 1;
    give("alice", "a.txt", "a");
    files_come_and_wait(FILES_CROWD, FILES_GET("/files/~alice/a.txt", ""));
    for (unsigned i = 0; i < FILES_CROWD; i++)
        CHECK_U64(files_crowd[i].status, 200);
    CHECK_U64(world.asked, 1);
}

static void a_stop_in_the_middle_leaves_nothing_behind(void)
{
    for (unsigned steps = 0; steps < SEEDS; steps++) {
        files_world_close();
        open_with(&(weft_sim_options){.seed = steps + 1});
        give("alice", "a.txt", "a");
        files_come(FILES_CROWD, FILES_GET("/files/~alice/a.txt", ""));
        for (unsigned i = 0; i < steps; i++)
            (void)weft_sim_step(files_sim);
    }
}

static void when_memory_is_out_nobody_waits_for_ever(void)
{
    unsigned whole = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        files_world_close();
        open_with(&(weft_sim_options){.seed = seed, .faults = {.allocation = 30000, .cold = COLD}});
        world.users.lookups_max = 1;
        give("alice", "a.txt", "a");
        for (unsigned i = 0; i < 6; i++) {
            files_reply r = files_get(i % 3 == 2 ? "/files/~alice/" : "/files/~alice/a.txt", NULL);
            whole += r.complete && r.status == 200;
            if (i % 2 == 1)
                weft_sim_advance(files_sim, 1001);
        }
    }
    CHECK(whole > 3 * SEEDS);
}

static const test_case cases[] = {
    TEST(a_user_s_files_are_served_from_the_home),
    TEST(another_folder_may_be_served),
    TEST(a_folder_of_a_user_is_listed_and_wants_its_slash),
    TEST(without_it_such_a_name_is_a_file_as_others_are),
    TEST(what_changes_is_seen_after_a_while_and_asked_for_anew),
    TEST(who_is_not_there_looks_as_who_has_nothing),
    TEST(a_name_too_long_for_a_user_is_not_looked_up),
    TEST(nothing_leads_out_of_the_folder),
    TEST(a_folder_may_be_a_link_within_the_home),
    TEST(a_list_of_users_that_cannot_be_read_is_the_server_s_fault),
    TEST(the_system_s_users_are_found_by_name),
    TEST(lookups_of_users_have_a_limit),
    TEST(many_who_ask_for_the_same_are_one_lookup),
    TEST(a_stop_in_the_middle_leaves_nothing_behind),
    TEST(when_memory_is_out_nobody_waits_for_ever),
    {0},
};

const test_suite http_users_suite = {
    .name = "protocols/http_users", .before = before, .after = files_world_close, .cases = cases};

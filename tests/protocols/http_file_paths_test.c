/* SPDX-License-Identifier: MIT */
/* Which file a path means, which it never may, and folders. */
#include "files_world.h"

#include <sys/fsuid.h>
#include <sys/stat.h>
#include <unistd.h>

#include "http_file_root.h"

enum { NOBODY_UID = 65534 };

/* ---- out of the root */

static void no_spelling_leads_out_of_the_root(void)
{
    static const char *const spellings[] = {
        "/files/../passwd",         "/files/%2e%2e/passwd",      "/files/.%2E/passwd",
        "/files/a/../../passwd",    "/files/a/%2e%2e/%2e%2e/x",  "/files//..//passwd",
        "/files/./../passwd",       "/files/a/..%2f..%2fpasswd", "/files/%2e%2e%2fpasswd",
        "/files/..%5c..%5cpasswd",  "/files/%252e%252e/passwd",  "/files/..;/passwd",
        "/files/%c0%ae%c0%ae/x",    "/files/..%00/passwd",       "/files/a/..%2F..%2Fpasswd",
        "/files/%2e%2e/%2e%2e/etc", "/files//etc/passwd",        NULL,
    };
    files_put_text("a/inside.txt", "inside");
    for (size_t i = 0; spellings[i] != NULL; i++) {
        int status = files_get(spellings[i], NULL).status;
        CHECK(status == 400 || status == 404 || status == 301);
    }
    CHECK_STATUS("/files/a/../a/%69nside.txt", NULL, 200);
    CHECK_STATUS("/files/a%2finside.txt", NULL, 404);
    CHECK_STATUS("/files/a/in%0aside.txt", NULL, 400);
}

static void links_are_followed_within_the_root_alone(void)
{
    files_put_text("a/inside.txt", "inside");
    files_link("inside.txt", "a/near.txt");
    files_link("a", "folder");
    files_link("../../../../../etc/passwd", "a/out.txt");
    files_link("/etc/passwd", "absolute.txt");
    files_link("/etc", "etc");
    files_link("loop", "loop");
    CHECK_STATUS("/files/a/near.txt", NULL, 200);
    CHECK_STATUS("/files/folder/inside.txt", NULL, 200);
    CHECK_STATUS("/files/a/out.txt", NULL, 404);
    CHECK_STATUS("/files/absolute.txt", NULL, 404);
    CHECK_STATUS("/files/etc/passwd", NULL, 404);
    CHECK_STATUS("/files/loop", NULL, 404);
}

static void links_that_lead_out_are_followed_if_the_config_says_so(void)
{
    files_config.follow_symlinks = true;
    files_link("/etc/passwd", "absolute.txt");
    files_link("/etc", "etc");
    CHECK_STATUS("/files/absolute.txt", NULL, 200);
    CHECK_STATUS("/files/etc/passwd", NULL, 200);
    CHECK_STATUS("/files/../etc/passwd", NULL, 404); /* there is no such route */
}

static weft_err walked(const wf_http_file_root *root, const char *path)
{
    wf_http_found found;
    weft_err err = wf_http_file_open(root, path, &found, NULL);
    if (err == WEFT_OK)
        (void)close(found.fd);
    return err;
}

static void without_openat2_no_link_is_followed_at_all(void)
{
    wf_http_file_root root = {.walk = true, .cwd = -1, .fd = -1, .path = files_config.root};
    files_put_text("a/b/inside.txt", "inside");
    files_link("inside.txt", "a/b/near.txt");
    files_link("a", "folder");
    CHECK_OK(wf_http_file_root_refresh(&root, NULL));
    CHECK_OK(walked(&root, ""));
    CHECK_OK(walked(&root, "a/b"));
    CHECK_OK(walked(&root, "a/b/inside.txt"));
    CHECK_ERR(walked(&root, "a/b/near.txt"), WEFT_ENOTFOUND);
    CHECK_ERR(walked(&root, "folder/b/inside.txt"), WEFT_ENOTFOUND);
    CHECK_ERR(walked(&root, "a/none"), WEFT_ENOTFOUND);
    CHECK_ERR(walked(&root, "a/b/inside.txt/x"), WEFT_ENOTFOUND);
    wf_http_file_root_done(&root);
}

/* ---- what is no file to serve */

static void what_is_not_there_is_404(void)
{
    char name[600] = "/files/";
    files_put_text("a.txt", "a");
    CHECK_STATUS("/files/none", NULL, 404);
    CHECK_STATUS("/files/none/", NULL, 404);
    CHECK_STATUS("/files/a.txt/", NULL, 404);
    CHECK_STATUS("/files/a.txt/b", NULL, 404);
    memset(name + 7, 'n', 400);
    CHECK_STATUS(name, NULL, 404);
}

static void a_path_no_file_can_have_is_414(void)
{
    static char target[6000] = "/files/";
    for (size_t i = 7; i < 5000; i++)
        target[i] = i % 100 == 0 ? '/' : 'n';
    CHECK_STATUS(target, NULL, 414);
}

static void hidden_names_are_404_unless_the_config_shows_them(void)
{
    files_put_text(".secret", "s");
    files_put_text(".git/config", "s");
    files_put_text(".well-known/security.txt", "contact");
    CHECK_STATUS("/files/.secret", NULL, 404);
    CHECK_STATUS("/files/.git/config", NULL, 404);
    CHECK_STATUS("/files/%2egit/config", NULL, 404);
    CHECK_STATUS("/files/.well-known/security.txt", NULL, 200);
    files_config.hidden = true;
    CHECK_STATUS("/files/.git/config", NULL, 200);
}

static void pipes_and_sockets_are_404(void)
{
    REQUIRE(mkfifo(files_path("pipe"), 0644) == 0);
    CHECK_STATUS("/files/pipe", NULL, 404);
}

static void without_permission_it_is_403(void)
{
    files_put_text("locked.txt", "s");
    files_put_text("folder/a.txt", "s");
    REQUIRE(chmod(files_path("locked.txt"), 0) == 0);
    REQUIRE(chmod(files_path("folder"), 0) == 0);
    /* whoever is root may read everything */
    (void)setfsuid(NOBODY_UID);
    CHECK_STATUS("/files/locked.txt", NULL, 403);
    CHECK_STATUS("/files/folder/a.txt", NULL, 403);
    (void)setfsuid(geteuid());
    REQUIRE(chmod(files_path("folder"), 0755) == 0);
}

static void a_root_that_is_not_there_is_500(void)
{
    char missing[512];
    (void)snprintf(missing, sizeof missing, "%s", files_path("missing"));
    files_config.root = missing;
    CHECK_STATUS("/files/a.txt", NULL, 500);
    CHECK(weft_sim_logged(files_sim, WEFT_WARNING, "missing") > 0);
    files_config.root = NULL;
}

/* ---- folders */

static void a_folder_without_its_slash_is_redirected(void)
{
    files_put_text("a/b c/x", "x");
    files_reply r = files_get("/files/a", NULL);
    CHECK_U64(r.status, 301);
    CHECK_FIELD(r, "Location", "/files/a/");
    r = files_get("/files/a/b%20c?q=1&r=%2f", NULL);
    CHECK_U64(r.status, 301);
    CHECK_FIELD(r, "Location", "/files/a/b%20c/?q=1&r=%2f");
    r = files_get("/files", NULL);
    CHECK_U64(r.status, 301);
    CHECK_FIELD(r, "Location", "/files/");
}

static void a_redirect_never_names_another_host(void)
{
    files_put_text("a/x", "x");
    files_reply r = files_get("/files//other.example/%2e%2e/a", NULL);
    CHECK_U64(r.status, 301);
    CHECK_FIELD(r, "Location", "/files/a");
}

static void a_path_with_an_empty_segment_is_sent_to_the_one_without(void)
{
    static const char *const rows[][2] = {
        {"/files//a/x", "/files/a/x"},           {"/files/a//x?q=1", "/files/a/x?q=1"},
        {"/files///a///", "/files/a/"},          {"/files//", "/files/"},
        {"/files//%5cother", "/files/%5Cother"}, {"/files//../..//passwd", NULL},
    };
    files_put_text("a/x", "x");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        files_reply r = files_get(rows[i][0], NULL);
        if (rows[i][1] == NULL) {
            CHECK(r.status == 400 || r.status == 404);
            continue;
        }
        CHECK_U64(r.status, 301);
        CHECK_FIELD(r, "Location", rows[i][1]);
    }
}

static void a_folder_is_served_by_its_index(void)
{
    files_put_text("a/index.html", "<p>");
    files_reply r = files_get("/files/a/", NULL);
    CHECK_U64(r.status, 200);
    CHECK_BODY(r, "<p>");
    CHECK_FIELD(r, "Content-Type", "text/html; charset=utf-8");
    CHECK(files_field(&r, "ETag")[0] != '\0');
}

static void the_index_may_have_another_name(void)
{
    files_config.index = "main.txt";
    files_put_text("main.txt", "m");
    files_reply r = files_get("/files/", NULL);
    CHECK_BODY(r, "m");
}

static bool has(const files_reply *r, const char *text)
{
    return memmem(r->body, r->body_n, text, strlen(text)) != NULL;
}

static void a_folder_without_index_is_listed(void)
{
    files_put_text("a/z.txt", "z");
    files_put_text("a/sub/x", "x");
    files_put_text("a/.hidden", "h");
    files_put_text("a/<&\".txt", "odd");
    files_put_text("a/new\nline", "odd");
    files_link("z.txt", "a/near");
    files_link("/etc/passwd", "a/out");
    REQUIRE(mkfifo(files_path("a/pipe"), 0644) == 0);
    files_reply r = files_get("/files/a/", NULL);
    CHECK_U64(r.status, 200);
    CHECK(r.complete);
    CHECK_FIELD(r, "Content-Type", "text/html; charset=utf-8");
    CHECK(files_field(&r, "Content-Security-Policy")[0] != '\0');
    CHECK(has(&r, "<title>Index of /files/a/</title>"));
    CHECK(has(&r, "href=\"../\""));
    CHECK(has(&r, "href=\"z.txt\""));
    CHECK(has(&r, "href=\"sub/\""));
    CHECK(has(&r, "href=\"near\""));
    CHECK(has(&r, "href=\"%3C%26%22.txt\""));
    CHECK(!has(&r, "hidden"));
    CHECK(!has(&r, "\"out\""));
    CHECK(!has(&r, "pipe"));
    CHECK(!has(&r, "new"));
    CHECK(has(&r, "1 directory, 3 files"));
    CHECK_STATUS("/files/a/%3C%26%22.txt", NULL, 200);

    r = files_get("/files/", NULL);
    CHECK(has(&r, "<title>Index of /files/</title>"));
    CHECK(!has(&r, "href=\"../\""));
}

static void a_listing_is_titled_by_where_it_is_asked_for(void)
{
    files_put_text("a/x", "x");
    files_reply r = files_get("/files/a/", NULL);
    CHECK(has(&r, "Index of /files/a/"));
    r = files_get("/any/a/", NULL);
    CHECK(has(&r, "Index of /any/a/"));
}

static void listing_can_be_switched_off(void)
{
    files_config.no_listing = true;
    files_put_text("a/x", "x");
    CHECK_STATUS("/files/a/", NULL, 404);
    CHECK_STATUS("/files/a/x", NULL, 200);
}

static void a_parameter_within_the_path_serves_too(void)
{
    files_put_text("a.txt", "a");
    files_put_text("folder/x", "x");
    CHECK_STATUS("/one/a.txt/raw", NULL, 200);
    CHECK_STATUS("/one/%2e%2e/raw", NULL, 404);
    CHECK_STATUS("/one/folder/raw", NULL, 404);
}

static const test_case cases[] = {
    TEST(no_spelling_leads_out_of_the_root),
    TEST(links_are_followed_within_the_root_alone),
    TEST(links_that_lead_out_are_followed_if_the_config_says_so),
    TEST(without_openat2_no_link_is_followed_at_all),
    TEST(what_is_not_there_is_404),
    TEST(a_path_no_file_can_have_is_414),
    TEST(hidden_names_are_404_unless_the_config_shows_them),
    TEST(pipes_and_sockets_are_404),
    TEST(without_permission_it_is_403),
    TEST(a_root_that_is_not_there_is_500),
    TEST(a_folder_without_its_slash_is_redirected),
    TEST(a_redirect_never_names_another_host),
    TEST(a_path_with_an_empty_segment_is_sent_to_the_one_without),
    TEST(a_folder_is_served_by_its_index),
    TEST(the_index_may_have_another_name),
    TEST(a_folder_without_index_is_listed),
    TEST(a_listing_is_titled_by_where_it_is_asked_for),
    TEST(listing_can_be_switched_off),
    TEST(a_parameter_within_the_path_serves_too),
    {0},
};

const test_suite http_file_paths_suite = {.name = "protocols/http_file_paths",
                                          .before = files_world_open,
                                          .after = files_world_close,
                                          .cases = cases};

/* The same through the blocking pool. */
const test_suite http_file_paths_cold_suite = {.name = "protocols/http_file_paths_cold",
                                               .before = files_world_open_cold,
                                               .after = files_world_close,
                                               .cases = cases};

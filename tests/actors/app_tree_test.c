/* SPDX-License-Identifier: MIT */
/* The tree that an application's services come to, as a table and as text. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actors/app.h"
#include "runtime/alloc.h"
#include "runtime/kit.h"

static const weft_handler rows[] = {{0}};
static const weft_behaviour worker = {.name = "worker", .handlers = rows};

static weft_option_urls urls;
static char *url_a = (char *)(uintptr_t) "tcp://127.0.0.1:1", *url_b = (char *)(uintptr_t) "unix:b";

static weft_err add_two(void *settings, weft_children *to, weft_why *why)
{
    const weft_child child = {
        .name = "one", .behaviour = &worker, .restart = WEFT_RESTART_NEVER, .reactor = 2};
    weft_err err = weft_children_add(to, &child, why);
    return err == WEFT_OK ? weft_children_listen(to, settings, &worker, NULL, why) : err;
}

static weft_err add_too_many(void *settings, weft_children *to, weft_why *why)
{
    const weft_child child = {.behaviour = &worker};
    (void)settings;
    for (unsigned i = 0; i < WEFT_SERVICE_CHILDREN_MAX; i++)
        CHECK_OK(weft_children_add(to, &child, why));
    return weft_children_add(to, &child, why);
}

static weft_err add_nothing_real(void *settings, weft_children *to, weft_why *why)
{
    (void)settings;
    return weft_children_add(to, &(weft_child){.name = "ghost"}, why);
}

static const weft_service shop = {.name = "shop", .children = add_two, .settings = &urls};
static const weft_service plain = {.name = "plain"};
static const weft_service crowd = {.name = "crowd", .children = add_too_many};
static const weft_service ghost = {.name = "ghost", .children = add_nothing_real};

static const weft_child inner[] = {{.name = "below", .behaviour = &worker}, {0}};
static const weft_supervisor inner_table = {
    .strategy = WEFT_ONE_FOR_ALL, .restarts_max = 9, .restarts_window_ms = 100, .children = inner};
static const weft_child own_rows[] = {
    {.name = "first", .behaviour = &worker, .restart = WEFT_RESTART_ON_ERROR},
    {.name = "inner", .behaviour = &weft_supervisor_behaviour, .config = &inner_table},
    {0},
};
static const weft_supervisor own = {.strategy = WEFT_REST_FOR_ONE, .children = own_rows};

static wf_app_command command;
static weft_app app;
static const weft_service *run[2];
static weft_why why;

static void before(void)
{
    urls = (weft_option_urls){.at = {url_a, url_b}, .count = 2};
    app = (weft_app){.name = "app"};
    command = (wf_app_command){.app = &app, .name = "app", .run = run};
    why = (weft_why){""};
}

static void runs(const weft_service *first, const weft_service *second)
{
    run[0] = first;
    run[1] = second;
    command.run_n = second != NULL ? 2 : 1;
}

static char *printed(const weft_supervisor *tree)
{
    char *text = NULL;
    size_t n = 0;
    FILE *to = open_memstream(&text, &n);
    REQUIRE(to != NULL);
    wf_app_tree_print("app", tree, to);
    (void)fclose(to);
    return text;
}

static void an_application_without_services_runs_its_own_table(void)
{
    wf_app_tree *tree = NULL;
    app.tree = &own;
    runs(&plain, NULL);
    CHECK_OK(wf_app_tree_new(&command, &tree, &why));
    CHECK(wf_app_tree_root(tree) == &own);
    wf_app_tree_free(tree);
    app.tree = NULL;
    CHECK_OK(wf_app_tree_new(&command, &tree, &why));
    CHECK(wf_app_tree_root(tree)->children == NULL);
    wf_app_tree_free(tree);
}

static void services_come_behind_the_applications_own_children(void)
{
    wf_app_tree *tree = NULL;
    app.tree = &own;
    runs(&plain, &shop);
    CHECK_OK(wf_app_tree_new(&command, &tree, &why));
    char *text = printed(wf_app_tree_root(tree));
    CHECK_STR(text, "app: supervisor, rest for one, at most 3 restarts in 5000 ms\n"
                    "  first: worker, restarted on an error\n"
                    "  inner: supervisor, one for all, at most 9 restarts in 100 ms\n"
                    "    below: worker, restarted\n"
                    "  shop: supervisor, one for one, at most 3 restarts in 5000 ms\n"
                    "    one: worker, never restarted, on reactor 1\n"
                    "    listener-1: worker for each connection at tcp://127.0.0.1:1, restarted\n"
                    "    listener-2: worker for each connection at unix:b, restarted\n");
    free(text);
    wf_app_tree_free(tree);
}

static void operators_are_let_in_at_a_socket_of_the_owners_alone(void)
{
    static const struct {
        const char *url, *listen;
        weft_err err;
    } urls_of[] = {
        {"unix:run/app.admin", "unix:run/app.admin?mode=0600", WEFT_OK},
        {"unix:a?mode=0660", "unix:a?mode=0660", WEFT_OK},
        {"unix:@anybody", NULL, WEFT_EINVAL},
        {"tcp://127.0.0.1:1", NULL, WEFT_EINVAL},
        {"nowhere", NULL, WEFT_EINVAL},
    };
    app.admin = &worker;
    for (size_t i = 0; i < sizeof urls_of / sizeof *urls_of; i++) {
        wf_app_tree *tree = NULL;
        runs(&plain, NULL);
        command.own.admin = urls_of[i].url;
        CHECK_ERR(wf_app_tree_new(&command, &tree, &why), urls_of[i].err);
        if (urls_of[i].err != WEFT_OK) {
            CHECK(strncmp(why.text, "--admin ", 8) == 0);
            continue;
        }
        const weft_child *row = wf_app_tree_root(tree)->children;
        CHECK_STR(row[0].name, "admin");
        CHECK_STR(row[0].listen, urls_of[i].listen);
        CHECK(row[0].behaviour == &worker && row[1].behaviour == NULL);
        wf_app_tree_free(tree);
    }
    wf_app_tree *tree = NULL;
    app.tree = &own;
    runs(&shop, NULL);
    command.own.admin = "unix:a";
    CHECK_OK(wf_app_tree_new(&command, &tree, &why));
    const weft_child *row = wf_app_tree_root(tree)->children;
    CHECK_STR(row[0].name, "admin");
    CHECK_STR(row[1].name, "first");
    CHECK_STR(row[3].name, "shop");
    CHECK(row[4].behaviour == NULL);
    wf_app_tree_free(tree);
}

static void a_service_has_so_many_children_at_most(void)
{
    wf_app_tree *tree = NULL;
    runs(&shop, &crowd);
    CHECK_ERR(wf_app_tree_new(&command, &tree, &why), WEFT_ELIMIT);
    CHECK_STR(why.text, "a service has at most 64 children");
    CHECK(tree == NULL);
}

static void a_child_needs_a_behaviour_and_a_listener_a_url(void)
{
    wf_app_tree *tree = NULL;
    runs(&ghost, NULL);
    CHECK_ERR(wf_app_tree_new(&command, &tree, &why), WEFT_EINVAL);
    CHECK_STR(why.text, "child \"ghost\" has no behaviour");
    urls.count = 0;
    runs(&shop, NULL);
    CHECK_ERR(wf_app_tree_new(&command, &tree, &why), WEFT_EINVAL);
    CHECK_STR(why.text, "there is no URL to listen at");
}

static void a_tree_without_memory_is_refused_and_leaves_nothing(void)
{
    weft_err err = WEFT_ENOMEM;
    app.tree = &own;
    runs(&shop, &shop);
    long n = 0;
    for (; err != WEFT_OK; n++) {
        wf_app_tree *tree = NULL;
        wf_alloc_fail_after(n);
        err = wf_app_tree_new(&command, &tree, &why);
        wf_alloc_fail_after(-1);
        CHECK(err == WEFT_OK || err == WEFT_ENOMEM);
        wf_app_tree_free(tree);
    }
    CHECK_I64(n, 5); /* the tree, two branches, the rows; and all of them */
}

static const test_case cases[] = {
    TEST(an_application_without_services_runs_its_own_table),
    TEST(services_come_behind_the_applications_own_children),
    TEST(operators_are_let_in_at_a_socket_of_the_owners_alone),
    TEST(a_service_has_so_many_children_at_most),
    TEST(a_child_needs_a_behaviour_and_a_listener_a_url),
    TEST(a_tree_without_memory_is_refused_and_leaves_nothing),
    {0},
};

const test_suite app_tree_suite = {"actors/app_tree", before, NULL, cases, false};

/* SPDX-License-Identifier: MIT */
/* What is refused of a plug-in, and in which words. Files of every kind: tests/programs/plugin.sh. */
#include "actors/plugin.h"
#include "check.h"

static weft_why why;
static int field;

static const weft_option options[] = {
    {.name = "loud", .kind = WEFT_OPTION_FLAG, .help = "it is loud"}, {0}};
static weft_option row[2];
static weft_service service[2];
static weft_plugin plugin;
static const weft_option *const taken[] = {weft_common_options, NULL};

static void before(void)
{
    why = (weft_why){""};
    row[0] = options[0];
    service[0] = (weft_service){.name = "mine", .options = row, .settings = &field};
    plugin = (weft_plugin){.built = WEFT_PLUGIN_BUILT, .name = "mine", .services = service};
}

static void what_was_built_here_runs_here(void)
{
    CHECK_OK(wf_plugin_check_built(&plugin.built, &why));
    CHECK_OK(wf_plugin_check_services(&plugin, taken, &why));
}

static void another_abi_is_refused_with_both_versions(void)
{
    plugin.built.abi = 99;
    (void)snprintf(plugin.built.weft, sizeof plugin.built.weft, "9.1.2");
    CHECK_ERR(wf_plugin_check_built(&plugin.built, &why), WEFT_EUNSUPPORTED);
    CHECK_STR(why.text,
              "was built against weft 9.1.2 (ABI 99), expected ABI 1, that of weft " WEFT_VERSION
              ": build it anew");
}

static void a_version_without_an_end_is_not_read_beyond_its_field(void)
{
    plugin.built.abi = 2;
    memset(plugin.built.weft, 'x', sizeof plugin.built.weft);
    CHECK_ERR(wf_plugin_check_built(&plugin.built, &why), WEFT_EUNSUPPORTED);
    CHECK(strstr(why.text, "weft xxxxxxxxxxxxxxxxxxxxxxxx (ABI 2)") != NULL);
}

static void each_size_that_differs_is_refused_by_name(void)
{
    for (unsigned i = 0; i < WEFT_PLUGIN_SIZES; i++) {
        before();
        CHECK(plugin.built.size[i] != 0);
        plugin.built.size[i] += 8;
        CHECK_ERR(wf_plugin_check_built(&plugin.built, &why), WEFT_EUNSUPPORTED);
        CHECK(strstr(why.text, ", where a weft_") != NULL);
    }
    CHECK(strstr(why.text, "a weft_service has ") != NULL);
    before();
    plugin.built.sizes--;
    CHECK_ERR(wf_plugin_check_built(&plugin.built, &why), WEFT_EUNSUPPORTED);
}

static void services_must_be_whole(void)
{
    service[0].settings = NULL;
    CHECK_ERR(wf_plugin_check_services(&plugin, taken, &why), WEFT_EINVAL);
    CHECK_STR(why.text, "its service mine has options and no settings they are read into");
    before();
    row[0].kind = WEFT_OPTION_KIND_COUNT_;
    CHECK_ERR(wf_plugin_check_services(&plugin, taken, &why), WEFT_EINVAL);
    CHECK_STR(why.text, "option loud of its service mine has no kind or no help");
    before();
    row[0].help = NULL;
    CHECK_ERR(wf_plugin_check_services(&plugin, taken, &why), WEFT_EINVAL);
    before();
    plugin.services = NULL;
    CHECK_ERR(wf_plugin_check_services(&plugin, taken, &why), WEFT_EINVAL);
    CHECK_STR(why.text, "has no service");
    before();
    service[0].options = NULL;
    service[0].settings = NULL;
    CHECK_OK(wf_plugin_check_services(&plugin, taken, &why));
}

static void options_of_every_service_are_no_services_own(void)
{
    row[0].name = "threads";
    CHECK_ERR(wf_plugin_check_services(&plugin, taken, &why), WEFT_EINVAL);
    CHECK_STR(why.text, "its service mine has an option --threads, which every service has");
}

static void a_service_has_64_options_at_most(void)
{
    static weft_option many[66];
    for (unsigned i = 0; i < 65; i++)
        many[i] = options[0];
    service[0].options = many;
    CHECK_ERR(wf_plugin_check_services(&plugin, taken, &why), WEFT_EINVAL);
    CHECK_STR(why.text, "its service mine has more than 64 options");
    many[64] = (weft_option){0};
    CHECK_OK(wf_plugin_check_services(&plugin, taken, &why));
}

static void a_path_beyond_the_systems_limit_is_refused(void)
{
    static char path[5000];
    const weft_plugin *none = NULL;
    memset(path, 'p', sizeof path - 1);
    CHECK_ERR(wf_plugin_load(path, &none, &why), WEFT_EINVAL);
    CHECK(strstr(why.text, "the path is too long") != NULL);
    CHECK(none == NULL);
}

static const test_case cases[] = {
    TEST(what_was_built_here_runs_here),
    TEST(another_abi_is_refused_with_both_versions),
    TEST(a_version_without_an_end_is_not_read_beyond_its_field),
    TEST(each_size_that_differs_is_refused_by_name),
    TEST(services_must_be_whole),
    TEST(options_of_every_service_are_no_services_own),
    TEST(a_service_has_64_options_at_most),
    TEST(a_path_beyond_the_systems_limit_is_refused),
    {0},
};

const test_suite plugin_suite = {"actors/plugin", before, NULL, cases, false};

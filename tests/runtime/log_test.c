/* SPDX-License-Identifier: MIT */
/* Logs: thresholds, hooks, and the two forms a line has on standard error. */
#include "kit.h"

#include <fcntl.h>
#include <unistd.h>

#include "log.h"
#include "sys.h"

/* ---- the hook */

typedef struct lines {
    unsigned n;
    weft_level level;
    char name[32], who[WEFT_REF_TEXT_BYTES];
    uint64_t trace, wall_ns;
    char text[1200];
} lines;
static lines seen;

static void on_line(void *context, const weft_log_line *line)
{
    lines *l = context;
    l->n++;
    l->level = line->level;
    l->trace = line->trace;
    l->wall_ns = line->wall_ns;
    (void)snprintf(l->name, sizeof l->name, "%s", line->name);
    (void)snprintf(l->who, sizeof l->who, "%s", line->who);
    (void)snprintf(l->text, sizeof l->text, "%s", line->text);
}

typedef struct said {
    weft_level level;
    const char *text;
    uint64_t trace;
} said;

static weft_err say(weft_actor *self, weft_msg *msg, void *with)
{
    const said *s = with;
    weft_set_trace(msg, s->trace);
    weft_log(self, s->level, "%s", s->text);
    return WEFT_OK;
}

static void hear(weft_level level, bool level_set)
{
    sim_with(&(weft_sim_options){.system = {.log_hook = on_line,
                                            .log_context = &seen,
                                            .log_level = level,
                                            .log_level_set = level_set}});
    CHECK(weft_sim_run(sim));
    seen = (lines){0};
}

static void a_hook_sees_who_speaks_and_why(void)
{
    char who[WEFT_REF_TEXT_BYTES];
    hear(WEFT_DEBUG, true);
    weft_ref a = sim_puppet(NULL);
    sim_do(a, say, &(said){WEFT_WARNING, "hear, hear", 99});
    CHECK_U64(seen.n, 1);
    CHECK_I64(seen.level, WEFT_WARNING);
    CHECK_STR(seen.name, "puppet");
    CHECK_STR(seen.who, weft_ref_print(a, who));
    CHECK_STR(seen.text, "hear, hear");
    CHECK_U64(seen.trace, 99);
    CHECK(seen.wall_ns > UINT64_C(1600000000000000000));
}

static void what_is_below_the_threshold_is_not_said(void)
{
    for (int threshold = WEFT_DEBUG; threshold <= WEFT_NO_LOG; threshold++) {
        hear((weft_level)threshold, true);
        weft_ref a = sim_puppet(NULL);
        for (int level = WEFT_DEBUG; level <= WEFT_ERROR; level++)
            sim_do(a, say, &(said){(weft_level)level, "x", 0});
        CHECK_U64(seen.n, WEFT_NO_LOG - threshold);
    }
}

static void the_threshold_is_notice_unless_it_is_set(void)
{
    seen = (lines){0};
    weft_system *sys = weft_system_new(
        &(weft_system_options){.log_hook = on_line, .log_context = &seen, .log_level = WEFT_ERROR});
    REQUIRE(sys != NULL);
    wf_log(sys, WEFT_INFO, "test", "no");
    CHECK_U64(seen.n, 0);
    wf_log(sys, WEFT_NOTICE, "test", "yes");
    CHECK_U64(seen.n, 1);
    weft_system_free(&sys);
}

static void a_text_beyond_a_thousand_bytes_is_cut(void)
{
    char text[1100];
    hear(WEFT_DEBUG, true);
    weft_ref a = sim_puppet(NULL);
    memset(text, 'z', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    sim_do(a, say, &(said){WEFT_ERROR, text, 0});
    CHECK_U64(strlen(seen.text), 1000);
    text[1000] = '\0';
    sim_do(a, say, &(said){WEFT_ERROR, text, 0});
    CHECK_U64(strlen(seen.text), 1000);
}

static void levels_have_names(void)
{
    weft_why why = {""};
    for (int i = WEFT_DEBUG; i <= WEFT_NO_LOG; i++) {
        weft_level level = WEFT_NO_LOG;
        CHECK_OK(weft_level_parse(weft_level_name((weft_level)i), &level, &why));
        CHECK_I64(level, i);
    }
    weft_level level = WEFT_INFO;
    CHECK_OK(weft_level_parse("WARNING", &level, &why));
    CHECK_I64(level, WEFT_WARNING);
    CHECK_ERR(weft_level_parse("loud", &level, &why), WEFT_EINVAL);
    CHECK_I64(level, WEFT_WARNING); /* untouched */
    CHECK(strstr(why.text, "loud") != NULL && strstr(why.text, "notice") != NULL);
    CHECK_STR(weft_level_name((weft_level)77), "?");
}

/* ---- the forms */

static char written[16384];

/* What a line for @text looks like on a standard error that is a pipe. */
static void write_line(weft_log_format format, const char *text)
{
    int to[2] = {-1, -1}, saved = dup(STDERR_FILENO);
    REQUIRE(saved >= 0 && pipe(to) == 0);
    weft_system *sys = weft_system_new(&(weft_system_options){.log_format = format});
    REQUIRE(sys != NULL);
    (void)fflush(stderr);
    (void)dup2(to[1], STDERR_FILENO);
    wf_log(sys, WEFT_ERROR, "tester", "%s", text);
    (void)dup2(saved, STDERR_FILENO);
    (void)close(to[1]);
    (void)close(saved);
    ssize_t n = read(to[0], written, sizeof written - 1);
    (void)close(to[0]);
    REQUIRE(n > 0);
    written[n] = '\0';
    weft_system_free(&sys);
}

/* From the text on: what stands before it is a time. */
static const char *after_time(const char *mark)
{
    const char *at = strstr(written, mark);
    return at != NULL ? at : "(not there)";
}

static void a_json_line_is_an_object_a_line(void)
{
    write_line(WEFT_LOG_JSON, "all \"well\" \\ and\tgood\n\x01\x7f");
    CHECK(strncmp(written, "{\"time\":\"20", 11) == 0);
    CHECK_STR(
        after_time("\",\"level\""),
        "\",\"level\":\"error\",\"name\":\"tester\",\"text\":\"all \\\"well\\\" \\\\ and\\u0009good"
        "\\u000a\\u0001\\u007f\"}\n");
}

static void a_json_line_is_utf_8_whatever_was_said(void)
{
    write_line(WEFT_LOG_JSON, "caf\xc3\xa9 \xff\xc3( \xe2\x82\xac \xe2\x82");
    CHECK_STR(after_time("\"text\""),
              "\"text\":\"caf\xc3\xa9 \\ufffd\\ufffd( \xe2\x82\xac \\ufffd\\ufffd\"}\n");
}

static void a_line_that_is_all_escapes_is_whole(void)
{
    char text[1001];
    memset(text, '\x02', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    write_line(WEFT_LOG_JSON, text);
    CHECK(strlen(written) > 6000 && strlen(written) < 8192);
    CHECK_STR(written + strlen(written) - 9, "\\u0002\"}\n");
}

static void a_text_line_has_a_time_and_a_level(void)
{
    write_line(WEFT_LOG_TEXT, "all is well");
    CHECK_U64(strspn(written, "0123456789-T:.Z"), strlen("2026-01-01T00:00:00.000Z"));
    CHECK_STR(after_time(" error"), " error   tester: all is well\n");
}

static void control_characters_do_not_reach_a_terminal(void)
{
    write_line(WEFT_LOG_TEXT, "a\x1b[2J\r\nb\x7f \xc2\x9b"
                              "2J caf\xc3\xa9");
    CHECK_STR(after_time("tester"), "tester: a?[2J??b? ?2J caf\xc3\xa9\n");
}

static void what_is_no_terminal_gets_json(void)
{
    int to = open("/dev/null", O_WRONLY | O_CLOEXEC), saved = dup(STDERR_FILENO);
    REQUIRE(to >= 0 && saved >= 0);
    (void)fflush(stderr);
    (void)dup2(to, STDERR_FILENO);
    weft_system *sys = weft_system_new(NULL);
    (void)dup2(saved, STDERR_FILENO);
    (void)close(to);
    (void)close(saved);
    REQUIRE(sys != NULL);
    CHECK(sys->log->json);
    weft_system_free(&sys);
}

static const test_case cases[] = {
    TEST(a_hook_sees_who_speaks_and_why),
    TEST(what_is_below_the_threshold_is_not_said),
    TEST(the_threshold_is_notice_unless_it_is_set),
    TEST(a_text_beyond_a_thousand_bytes_is_cut),
    TEST(levels_have_names),
    TEST(a_json_line_is_an_object_a_line),
    TEST(a_json_line_is_utf_8_whatever_was_said),
    TEST(a_line_that_is_all_escapes_is_whole),
    TEST(a_text_line_has_a_time_and_a_level),
    TEST(control_characters_do_not_reach_a_terminal),
    TEST(what_is_no_terminal_gets_json),
    {0},
};

const test_suite log_suite = {.name = "runtime/log", .after = sim_done, .cases = cases};

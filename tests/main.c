/* SPDX-License-Identifier: MIT */
/* Runs the suites of suites.h: all of them, those with threads, one, or what a name matches. */
#include "actors/isolated_kit.h"
#include "actors/relay.h"
#include "check.h"
#include "test_certificate.h"

#include <CUnit/Basic.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#define SUITE(suite) extern const test_suite suite;
#include "suites.h"
#undef SUITE

static const struct {
    const char *symbol;
    const test_suite *suite;
} suites[] = {
#define SUITE(suite) {#suite, &suite},
#include "suites.h"
#undef SUITE
};

/* The whole run must end within this, or the test it hangs in is named and the run aborted. */
#define RUN_SECONDS_MAX 900

typedef struct selection {
    char **part; /* of a suite's or a test's name: any of them will do; none is all */
    int parts;
    const char *symbol; /* exactly one suite, as suites.h spells it; NULL is all */
    bool threads, list, verbose;
} selection;

static const char usage[] =
    "usage: weft_tests [--threads] [--list] [--verbose] [--suite SYMBOL] [PART-OF-A-NAME...]\n";

static void on_alarm(int signal_number)
{
    static const char text[] = "\nthe run took too long; it hangs in: ";
    CU_pTest test = CU_get_current_test(); /* NOLINT(bugprone-signal-handler): reads one pointer */
    const char *name = test != NULL ? test->pName : "(no test)";
    (void)signal_number;
    if (write(STDERR_FILENO, text, sizeof text - 1) < 0 ||
        write(STDERR_FILENO, name, strlen(name)) < 0 || write(STDERR_FILENO, "\n", 1) < 0)
        _exit(EXIT_FAILURE);
    abort();
}

static bool selection_parse(selection *sel, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--threads") == 0)
            sel->threads = true;
        else if (strcmp(argv[i], "--list") == 0)
            sel->list = true;
        else if (strcmp(argv[i], "--verbose") == 0)
            sel->verbose = true;
        else if (strcmp(argv[i], "--suite") == 0 && i + 1 < argc)
            sel->symbol = argv[++i];
        else if (argv[i][0] != '-') {
            sel->part = argv + i;
            sel->parts = argc - i;
            break;
        } else
            return false;
    }
    return true;
}

static bool suite_selected(const selection *sel, const char *symbol, const test_suite *suite)
{
    return (!sel->threads || suite->threads) &&
           (sel->symbol == NULL || strcmp(sel->symbol, symbol) == 0);
}

static bool test_selected(const selection *sel, const test_suite *suite, const test_case *test)
{
    for (int i = 0; i < sel->parts; i++)
        if (strstr(suite->name, sel->part[i]) != NULL || strstr(test->name, sel->part[i]) != NULL)
            return true;
    return sel->parts == 0;
}

/* Adds (or lists) the selected tests of one suite and returns how many they are. */
static size_t add_suite(const selection *sel, const test_suite *suite)
{
    CU_pSuite into = NULL;
    size_t n = 0;

    for (const test_case *test = suite->cases; test->name != NULL; test++) {
        if (!test_selected(sel, suite, test))
            continue;
        n++;
        if (sel->list) {
            (void)printf("%s: %s\n", suite->name, test->name);
            continue;
        }
        if (into == NULL)
            into = CU_add_suite_with_setup_and_teardown(suite->name, NULL, NULL, suite->before,
                                                        suite->after);
        if (into == NULL || CU_add_test(into, test->name, test->run) == NULL) {
            (void)fprintf(stderr, "%s: %s: %s\n", suite->name, test->name, CU_get_error_msg());
            exit(EXIT_FAILURE);
        }
    }
    return n;
}

/* A test or suite that could not even start counts as a failure too. */
static bool run_passed(void)
{
    return CU_get_error() == CUE_SUCCESS && CU_get_number_of_failure_records() == 0 &&
           CU_get_number_of_tests_failed() == 0 && CU_get_number_of_suites_failed() == 0;
}

#ifdef __SANITIZE_THREAD__
/* libnng is not compiled with it: what keeps its threads apart from each other is not seen. Ours are kept apart
 * from them by locks of our own, which are. */
const char *__tsan_default_suppressions(void);
const char *__tsan_default_suppressions(void)
{
    return "race:libnng.so\n";
}
#endif

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "--relay") == 0)
        return relay_main(argv[2]);
    if (argc == 3 && strcmp(argv[1], "--isolated") == 0)
        return isolated_main(argv[2]);
    if (argc == 3 && strcmp(argv[1], "--stdio") == 0)
        return relay_stdio_main(argv[2]);
    selection sel = {0};
    size_t n = 0;

    test_openssl_memory();
    if (!selection_parse(&sel, argc, argv)) {
        (void)fputs(usage, stderr);
        return 2;
    }
    if (CU_initialize_registry() != CUE_SUCCESS)
        return EXIT_FAILURE;
    for (size_t i = 0; i < sizeof suites / sizeof suites[0]; i++)
        if (suite_selected(&sel, suites[i].symbol, suites[i].suite))
            n += add_suite(&sel, suites[i].suite);

    if (n == 0 || sel.list) {
        CU_cleanup_registry();
        if (n == 0)
            (void)fprintf(stderr, "no test matches\n");
        return n == 0 ? 2 : EXIT_SUCCESS;
    }

    (void)signal(SIGALRM, on_alarm);
    (void)alarm(RUN_SECONDS_MAX);
    CU_basic_set_mode(sel.verbose ? CU_BRM_VERBOSE : CU_BRM_NORMAL);
    bool passed = CU_basic_run_tests() == CUE_SUCCESS && run_passed();
    CU_cleanup_registry();
    return passed ? EXIT_SUCCESS : EXIT_FAILURE;
}

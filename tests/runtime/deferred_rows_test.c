/* SPDX-License-Identifier: MIT */
/* Each row of the table of what Deferreds do. tests/programs/deferreds.sh holds it against Twisted's. */
#include "deferred_rows.h"

#include "check.h"

static void deferreds_do_what_twisted_users_know(void)
{
    unsigned rows = 0;
    for (const deferred_row *row = deferred_rows; row->name != NULL; row++, rows++) {
        char got[256], want[256];
        const char *saw = deferred_row_run(row);
        (void)snprintf(got, sizeof got, "%s: %s", row->name, saw != NULL ? saw : "(leaked)");
        (void)snprintf(want, sizeof want, "%s: %s", row->name, row->saw);
        CHECK_STR(got, want);
    }
    CHECK(rows > 60);
}

static const test_case cases[] = {
    TEST(deferreds_do_what_twisted_users_know),
    {0},
};

const test_suite deferred_rows_suite = {.name = "runtime/deferred_rows", .cases = cases};

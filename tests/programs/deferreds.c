/* SPDX-License-Identifier: MIT */
/* Prints the table of what Deferreds do (tests/runtime/deferred_rows.c), as it is when it is run. */
#include <stdio.h>
#include <stdlib.h>

#include "deferred_rows.h"

int main(void)
{
    for (const deferred_row *row = deferred_rows; row->name != NULL; row++) {
        const char *saw = deferred_row_run(row);
        if (saw == NULL)
            return EXIT_FAILURE;
        (void)printf("%s: %s\n", row->name, saw);
    }
    return EXIT_SUCCESS;
}

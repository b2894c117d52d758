/* SPDX-License-Identifier: MIT */
/* The checks of check.h. */
#include "check.h"

static void report(bool ok, const char *what, const char *saw, const char *file, int line)
{
    char text[512];
    (void)snprintf(text, sizeof text, "%s: %s", what, saw);
    CU_assertImplementation(ok ? CU_TRUE : CU_FALSE, (unsigned)line, text, file, "", CU_FALSE);
}

void check_err(weft_err got, weft_err want, const char *what, const char *file, int line)
{
    char saw[128];
    (void)snprintf(saw, sizeof saw, "is %s, not %s", weft_err_name(got), weft_err_name(want));
    report(got == want, what, saw, file, line);
}

void check_u64(uint64_t got, uint64_t want, const char *what, const char *file, int line)
{
    char saw[128];
    (void)snprintf(saw, sizeof saw, "is %" PRIu64 ", not %" PRIu64, got, want);
    report(got == want, what, saw, file, line);
}

void check_i64(int64_t got, int64_t want, const char *what, const char *file, int line)
{
    char saw[128];
    (void)snprintf(saw, sizeof saw, "is %" PRId64 ", not %" PRId64, got, want);
    report(got == want, what, saw, file, line);
}

void check_str(const char *got, const char *want, const char *what, const char *file, int line)
{
    char saw[384];
    bool ok = got != NULL && want != NULL ? strcmp(got, want) == 0 : got == want;
    (void)snprintf(saw, sizeof saw, "is \"%s\", not \"%s\"", got ? got : "(NULL)",
                   want ? want : "(NULL)");
    report(ok, what, saw, file, line);
}

void check_mem(const void *got, size_t got_n, const void *want, size_t want_n, const char *what,
               const char *file, int line)
{
    char saw[128];
    size_t at = 0, n = got_n < want_n ? got_n : want_n;
    while (at < n && ((const char *)got)[at] == ((const char *)want)[at])
        at++;
    (void)snprintf(saw, sizeof saw, "%zu bytes, not %zu; first difference at %zu", got_n, want_n,
                   at);
    report(got_n == want_n && at == n, what, saw, file, line);
}

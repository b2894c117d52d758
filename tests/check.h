/* SPDX-License-Identifier: MIT */
/* What every test is written with: suites as tables, checks that say what they saw. */
#ifndef WEFT_TESTS_CHECK_H
#define WEFT_TESTS_CHECK_H

#include <CUnit/CUnit.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <weft/error.h>

typedef struct test_case {
    const char *name; /* a sentence, spelled with underscores */
    void (*run)(void);
} test_case;

/* One suite a module. @threads marks the suites that are also run under the thread sanitizer. */
typedef struct test_suite {
    const char *name;                     /* "runtime/bytes" */
    void (*before)(void), (*after)(void); /* around each test; NULL is none */
    const test_case *cases;               /* ends in { 0 } */
    bool threads;
} test_suite;

#define TEST(fn)                 \
    {                            \
        .name = #fn, .run = (fn) \
    }

/* Each check goes on after a failure, and prints what it saw beside where it stands. */
#define CHECK(x) \
    CU_assertImplementation((x) ? CU_TRUE : CU_FALSE, __LINE__, #x, __FILE__, "", CU_FALSE)
#define CHECK_OK(x) check_err((x), WEFT_OK, #x, __FILE__, __LINE__)
#define CHECK_ERR(x, want) check_err((x), (want), #x, __FILE__, __LINE__)
#define CHECK_U64(x, want) check_u64((uint64_t)(x), (uint64_t)(want), #x, __FILE__, __LINE__)
#define CHECK_I64(x, want) check_i64((int64_t)(x), (int64_t)(want), #x, __FILE__, __LINE__)
#define CHECK_STR(x, want) check_str((x), (want), #x, __FILE__, __LINE__)
#define CHECK_MEM(x, n, want, want_n) check_mem((x), (n), (want), (want_n), #x, __FILE__, __LINE__)
/* Stops the test: for what the rest of it cannot do without. */
#define REQUIRE(x) \
    CU_assertImplementation((x) ? CU_TRUE : CU_FALSE, __LINE__, #x, __FILE__, "", CU_TRUE)

void check_err(weft_err got, weft_err want, const char *what, const char *file, int line);
void check_u64(uint64_t got, uint64_t want, const char *what, const char *file, int line);
void check_i64(int64_t got, int64_t want, const char *what, const char *file, int line);
void check_str(const char *got, const char *want, const char *what, const char *file, int line);
void check_mem(const void *got, size_t got_n, const void *want, size_t want_n, const char *what,
               const char *file, int line);

#endif

/* SPDX-License-Identifier: MIT */
#include "check.h"

#include <errno.h>

static void every_code_has_a_name_and_a_sentence(void)
{
    for (int e = 0; e < WEFT_ERR_COUNT_; e++) {
        CHECK(weft_err_name((weft_err)e) != NULL);
        CHECK(weft_err_text((weft_err)e) != NULL);
    }
    CHECK_STR(weft_err_name((weft_err)999), "EUNKNOWN");
    CHECK_STR(weft_err_text((weft_err)-1), "unknown error");
}

static void errno_becomes_a_code(void)
{
    CHECK_ERR(weft_err_from_errno(0), WEFT_OK);
    CHECK_ERR(weft_err_from_errno(ECONNREFUSED), WEFT_EREFUSED);
    CHECK_ERR(weft_err_from_errno(EADDRINUSE), WEFT_EEXISTS);
    CHECK_ERR(weft_err_from_errno(ELOOP), WEFT_EIO);
}

static void a_long_sentence_is_cut(void)
{
    weft_why why;
    CHECK_ERR(weft_because(&why, WEFT_ELIMIT, "%0500d", 7), WEFT_ELIMIT);
    CHECK_U64(strlen(why.text), WEFT_WHY_BYTES - 1);
    CHECK_ERR(weft_because(NULL, WEFT_EIO, "nobody listens"), WEFT_EIO);
}

static const test_case cases[] = {
    TEST(every_code_has_a_name_and_a_sentence),
    TEST(errno_becomes_a_code),
    TEST(a_long_sentence_is_cut),
    {0},
};

const test_suite error_suite = {.name = "runtime/error", .cases = cases};

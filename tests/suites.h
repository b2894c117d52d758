/* SPDX-License-Identifier: MIT */
/* Every suite, in reading order: SUITE(the name of its `test_suite`). */
SUITE(error_suite)

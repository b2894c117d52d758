/* SPDX-License-Identifier: MIT */
/** The version of weft that a program is built against. */
#ifndef WEFT_VERSION_H
#define WEFT_VERSION_H

/** Major, minor and patch; the build takes its own version from this line. */
#define WEFT_VERSION "0.1.0"

#endif

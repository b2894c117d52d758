/* SPDX-License-Identifier: MIT */
/* Memory that is nobody's now: the address sanitizer is told, where there is one. gcc says so by a macro,
 * clang when it is asked for the feature. */
#ifndef WF_POISON_H
#define WF_POISON_H

#if defined(__SANITIZE_ADDRESS__)
#define WF_ADDRESS_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WF_ADDRESS_SANITIZER 1
#endif
#endif

#ifdef WF_ADDRESS_SANITIZER
#include <sanitizer/asan_interface.h>
#define WF_POISON(at, bytes) ASAN_POISON_MEMORY_REGION((at), (bytes))
#define WF_UNPOISON(at, bytes) ASAN_UNPOISON_MEMORY_REGION((at), (bytes))
#else
#define WF_POISON(at, bytes) ((void)(at), (void)(bytes))
#define WF_UNPOISON(at, bytes) ((void)(at), (void)(bytes))
#endif

#endif

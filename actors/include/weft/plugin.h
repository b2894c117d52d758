/* SPDX-License-Identifier: MIT */
/** Plug-ins: services in a shared object, which `weftd --plugin FILE` runs like its own.
 *
 *     const weft_plugin weft_plugin_entry = {
 *         .built = WEFT_PLUGIN_BUILT, .name = "mine", .services = services};
 *
 *     cc -shared -fPIC $(pkg-config --cflags weft) mine.c -o mine.so
 *     weftd --plugin ./mine.so mine --option
 *
 * It is linked with nothing of weft: its calls find the one runtime there is in the program that loads it.
 * What a plug-in runs by itself when it is loaded (constructors) may run twice, and before it is known
 * whether it fits. It has the rights of the program, before --user gives them up. */
#ifndef WEFT_PLUGIN_H
#define WEFT_PLUGIN_H

#include <weft/app.h>
#include <weft/stream.h>
#include <weft/url.h>
#include <weft/version.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Raised by each change after which something built before would no longer do what it was written for:
 * to a public struct, to an enum, to what a function takes or means. */
#define WEFT_PLUGIN_ABI 1U

/** Sizes that are compared: whoever sees another layout must not be called, whatever the number says. */
#define WEFT_PLUGIN_SIZES 16U

/** What a plug-in was built against. This struct never changes. */
typedef struct weft_plugin_built {
    uint32_t abi;   /**< WEFT_PLUGIN_ABI then */
    uint32_t sizes; /**< WEFT_PLUGIN_SIZES then */
    char weft[24];  /**< WEFT_VERSION then */
    uint32_t size[WEFT_PLUGIN_SIZES];
} weft_plugin_built;

/** The value of weft_plugin.built. */
#define WEFT_PLUGIN_BUILT                                                                   \
    {                                                                                       \
        .abi = WEFT_PLUGIN_ABI, .sizes = WEFT_PLUGIN_SIZES, .weft = WEFT_VERSION, .size = { \
            sizeof(weft_type),                                                              \
            sizeof(weft_handler),                                                           \
            sizeof(weft_behaviour),                                                         \
            sizeof(weft_ref),                                                               \
            sizeof(weft_deferred),                                                          \
            sizeof(weft_outcome),                                                           \
            sizeof(weft_bytes),                                                             \
            sizeof(weft_why),                                                               \
            sizeof(weft_data),                                                              \
            sizeof(weft_closed),                                                            \
            sizeof(weft_url),                                                               \
            sizeof(weft_child),                                                             \
            sizeof(weft_supervisor),                                                        \
            sizeof(weft_option),                                                            \
            sizeof(weft_option_urls),                                                       \
            sizeof(weft_service)                                                            \
        }                                                                                   \
    }

/** A plug-in: what its one exported symbol is. Borrowed for the life of the program. */
typedef struct weft_plugin {
    weft_plugin_built built;      /**< WEFT_PLUGIN_BUILT; first, whatever becomes of the rest */
    const char *name;             /**< for messages */
    const weft_service *services; /**< ends in { 0 }; at least one */
} weft_plugin;

/** The symbol, which the plug-in defines. */
extern const weft_plugin weft_plugin_entry __attribute__((visibility("default")));

/** Plug-ins of a program at most. */
#define WEFT_PLUGINS_MAX 16U

#ifdef __cplusplus
}
#endif
#endif

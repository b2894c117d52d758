/* SPDX-License-Identifier: MIT */
/* Loading plug-ins. */
#ifndef WF_PLUGIN_H
#define WF_PLUGIN_H

#include <weft/plugin.h>

/* Loads the shared object at @path, for the life of the process. errors, with a sentence that names it:
 * ENOTFOUND, EDENIED, ... (the file cannot be read); EINVAL (no shared object, one that is cut, of another machine, without
 * weft_plugin_entry, or one that weft refuses); EUNSUPPORTED (built against another weft).
 * thread: while there is only one. */
WEFT_MUST_USE weft_err wf_plugin_load(const char *path, const weft_plugin **out, weft_why *why);

/* Whether the file can be loaded at all. errors: those of open and read, EINVAL, ETRUNCATED. */
WEFT_MUST_USE weft_err wf_plugin_check_file(const char *path, weft_why *why);

/* Whether what was built as @built says runs here. errors: EUNSUPPORTED. */
WEFT_MUST_USE weft_err wf_plugin_check_built(const weft_plugin_built *built, weft_why *why);

/* Whether its services are whole, and none of their options is one of @taken (tables, ending in NULL).
 * errors: EINVAL. */
WEFT_MUST_USE weft_err wf_plugin_check_services(const weft_plugin *plugin,
                                                const weft_option *const *taken, weft_why *why);

#endif

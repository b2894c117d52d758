/* SPDX-License-Identifier: MIT */
/* Plug-ins, loaded step by step so that whatever is wrong with one has its own words.
 *
 *   file ──▶ shared object of this machine? ──▶ loaded, calls unbound ──▶ built for this weft?
 *        ──▶ loaded anew, all calls bound ──▶ services whole? */
#include "plugin.h"

#include <dlfcn.h>
#include <limits.h>
#include <string.h>

enum { OPTIONS_MAX = 64 };

static const weft_plugin_built here = WEFT_PLUGIN_BUILT;

/* In the order of WEFT_PLUGIN_BUILT. */
static const char *const names[] = {
    "weft_type",       "weft_handler", "weft_behaviour",   "weft_ref",
    "weft_deferred",   "weft_outcome", "weft_bytes",       "weft_why",
    "weft_data",       "weft_closed",  "weft_url",         "weft_child",
    "weft_supervisor", "weft_option",  "weft_option_urls", "weft_service"};
_Static_assert(sizeof names / sizeof *names == WEFT_PLUGIN_SIZES, "a name for each size");

weft_err wf_plugin_check_built(const weft_plugin_built *built, weft_why *why)
{
    char version[sizeof built->weft + 1] = "";
    memcpy(version, built->weft, sizeof built->weft);
    if (built->abi != here.abi || built->sizes != here.sizes)
        return weft_because(
            why, WEFT_EUNSUPPORTED,
            "was built against weft %s (ABI %u), expected ABI %u, that of weft %s: build it anew",
            version, built->abi, here.abi, here.weft);
    for (unsigned i = 0; i < WEFT_PLUGIN_SIZES; i++)
        if (built->size[i] != here.size[i])
            return weft_because(why, WEFT_EUNSUPPORTED,
                                "was built against weft %s, where a %s has %u bytes; in this weft "
                                "%s it has %u: build it anew",
                                version, names[i], built->size[i], here.weft, here.size[i]);
    return WEFT_OK;
}

/* ---- services */

static weft_err check_option(const weft_service *s, const weft_option *row,
                             const weft_option *const *taken, weft_why *why)
{
    if (row->kind < WEFT_OPTION_FLAG || row->kind >= WEFT_OPTION_KIND_COUNT_ || row->help == NULL)
        return weft_because(why, WEFT_EINVAL, "option %s of its service %s has no kind or no help",
                            row->name, s->name);
    for (; *taken != NULL; taken++)
        for (const weft_option *other = *taken; other->name != NULL; other++)
            if (!row->positional && strcmp(row->name, other->name) == 0)
                return weft_because(why, WEFT_EINVAL,
                                    "its service %s has an option --%s, which every service has",
                                    s->name, row->name);
    return WEFT_OK;
}

static weft_err check_service(const weft_service *s, const weft_option *const *taken, weft_why *why)
{
    unsigned n = 0;
    weft_err err = WEFT_OK;
    if (s->options != NULL && s->options->name != NULL && s->settings == NULL)
        return weft_because(why, WEFT_EINVAL,
                            "its service %s has options and no settings they are read into",
                            s->name);
    for (const weft_option *row = s->options; err == WEFT_OK && row != NULL && row->name != NULL;
         row++) {
        if (n++ == OPTIONS_MAX)
            return weft_because(why, WEFT_EINVAL, "its service %s has more than %d options",
                                s->name, OPTIONS_MAX);
        err = check_option(s, row, taken, why);
    }
    return err;
}

weft_err wf_plugin_check_services(const weft_plugin *plugin, const weft_option *const *taken,
                                  weft_why *why)
{
    weft_err err = WEFT_OK;
    const weft_service *s = plugin->services;
    if (s == NULL || s->name == NULL)
        return weft_because(why, WEFT_EINVAL, "has no service");
    for (; err == WEFT_OK && s->name != NULL; s++)
        err = check_service(s, taken, why);
    return err;
}

/* ---- loaded */

/* What the loader says, in the terms of who built the plug-in. */
static weft_err not_loaded(const char *path, weft_why *why)
{
    static const char missing[] = "undefined symbol: ";
    const char *text = dlerror(), *name;
    if (text == NULL)
        text = "it cannot be loaded";
    name = strstr(text, missing);
    if (name != NULL)
        return weft_because(why, WEFT_EUNSUPPORTED,
                            "needs %.60s, which this weft %s does not have: it was built against "
                            "another one, or lacks a library",
                            name + sizeof missing - 1, here.weft);
    size_t n = strlen(path);
    if (strncmp(text, path, n) == 0 && text[n] == ':')
        text += n + 2;
    return weft_because(why, WEFT_EINVAL, "cannot be loaded: %s", text);
}

static weft_err entry_of(void *object, const weft_plugin **out, weft_why *why)
{
    const weft_plugin *entry = dlsym(object, "weft_plugin_entry");
    if (entry == NULL)
        return weft_because(why, WEFT_EINVAL,
                            "is no plug-in: it does not export weft_plugin_entry, as "
                            "<weft/plugin.h> says");
    weft_err err = wf_plugin_check_built(&entry->built, why);
    if (err == WEFT_OK)
        *out = entry;
    return err;
}

static weft_err load(const char *path, const weft_plugin **out, weft_why *why)
{
    const weft_plugin *entry = NULL;
    /* calls unbound: one that was built against another weft is to be told from what it says of itself, not
     * from the first function that it misses */
    void *object = dlopen(path, RTLD_LAZY | RTLD_LOCAL);
    if (object == NULL)
        return not_loaded(path, why);
    weft_err err = entry_of(object, &entry, why);
    (void)dlclose(object);
    if (err != WEFT_OK)
        return err;
    object = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (object == NULL)
        return not_loaded(path, why);
    return entry_of(object, out, why);
}

weft_err wf_plugin_load(const char *path, const weft_plugin **out, weft_why *why)
{
    char at[PATH_MAX];
    weft_why wrong = {""};
    /* a name without a slash would be looked for where the system has its libraries */
    int n = snprintf(at, sizeof at, "%s%s", strchr(path, '/') == NULL ? "./" : "", path);
    if (n < 0 || (size_t)n >= sizeof at)
        return weft_because(why, WEFT_EINVAL, "--plugin %.40s...: the path is too long", path);
    weft_err err = wf_plugin_check_file(at, &wrong);
    if (err == WEFT_OK)
        err = load(at, out, &wrong);
    return err == WEFT_OK ? WEFT_OK
                          : weft_because(why, err, "--plugin %.50s: %s", path, wrong.text);
}

/* SPDX-License-Identifier: MIT */
/* The services of an application: its own, and those of plug-ins. */
#include <string.h>

#include "app.h"
#include "plugin.h"

static bool is_word(const weft_app *app, const char *name)
{
    if (!app->choose)
        return false;
    if (strcmp(name, "list") == 0 || strcmp(name, "help") == 0)
        return true;
    for (const weft_app_word *w = app->words; w != NULL && w->name != NULL; w++)
        if (strcmp(name, w->name) == 0)
            return true;
    return false;
}

/* Whose service that is: the plug-in that brought it, or NULL for the program itself. */
static const char *owner_of(const wf_app_command *c, const weft_service *service)
{
    for (size_t i = 0; i < c->plugins; i++)
        for (const weft_service *s = c->loaded[i]->services; s->name != NULL; s++)
            if (s == service)
                return c->plugin[i];
    return NULL;
}

const weft_service *const *wf_app_find(const wf_app_command *c, const char *name,
                                       const weft_service **nearest)
{
    *nearest = NULL;
    for (size_t i = 0; i < c->n; i++) {
        const weft_service *s = c->all[i];
        if (strcmp(s->name, name) == 0)
            return &c->all[i];
        if (*nearest == NULL ||
            weft_word_distance(name, s->name) < weft_word_distance(name, (*nearest)->name))
            *nearest = s;
    }
    return NULL;
}

/* Names are compared only where a stranger brings them: those of a program are its own affair. */
static weft_err check_name(const wf_app_command *c, const char *name, const char *path,
                           weft_why *why)
{
    const weft_service *nearest;
    const weft_service *const *same = wf_app_find(c, name, &nearest);
    if (is_word(c->app, name))
        return weft_because(why, WEFT_EEXISTS,
                            "--plugin %.50s: its service %.30s would hide what %s %.30s does", path,
                            name, c->name, name);
    if (same == NULL)
        return WEFT_OK;
    const char *owner = owner_of(c, *same);
    return weft_because(why, WEFT_EEXISTS,
                        "--plugin %.50s: there is a service \"%.30s\" already, of %.50s", path,
                        name, owner != NULL ? owner : c->name);
}

static weft_err add(wf_app_command *c, const weft_service *services, const char *path,
                    weft_why *why)
{
    for (const weft_service *s = services; s != NULL && s->name != NULL; s++) {
        weft_err err = path != NULL ? check_name(c, s->name, path, why) : WEFT_OK;
        if (err != WEFT_OK)
            return err;
        if (c->n == WEFT_SERVICES_MAX)
            return weft_because(why, WEFT_ELIMIT, "there are more than %d services",
                                WEFT_SERVICES_MAX);
        c->all[c->n++] = s;
    }
    return WEFT_OK;
}

static weft_err add_plugin(wf_app_command *c, const char *path, weft_why *why)
{
    const weft_option *const taken[] = {weft_common_options, c->sets[WF_SET_OWN].rows, NULL};
    const weft_plugin *plugin = NULL;
    weft_why wrong = {""};
    if (c->plugins == WEFT_PLUGINS_MAX)
        return WEFT_OK; /* that it is given too often is said when options are read */
    weft_err err = wf_plugin_load(path, &plugin, why);
    if (err != WEFT_OK)
        return err;
    err = wf_plugin_check_services(plugin, taken, &wrong);
    if (err != WEFT_OK)
        return weft_because(why, err, "--plugin %.50s: %s", path, wrong.text);
    err = add(c, plugin->services, path, why);
    c->plugin[c->plugins] = path;
    c->loaded[c->plugins++] = plugin;
    return err;
}

/* Looked for before anything else is read: only with them is it known which options there are. What is wrong
 * with a word is said when it is read. */
weft_err wf_app_gather(wf_app_command *c, const weft_option_words *words, weft_why *why)
{
    static const char option[] = "--plugin";
    weft_err err = add(c, c->app->services, NULL, why);
    if (!c->app->plugins)
        return err;
    for (int i = words->next; err == WEFT_OK && i < words->count; i++) {
        const char *word = words->at[i];
        if (strcmp(word, "--") == 0)
            break;
        if (strncmp(word, option, sizeof option - 1) != 0)
            continue;
        const char *behind = word + sizeof option - 1;
        if (*behind == '=')
            err = add_plugin(c, behind + 1, why);
        else if (*behind == '\0' && i + 1 < words->count && strncmp(words->at[i + 1], "--", 2) != 0)
            err = add_plugin(c, words->at[++i], why);
    }
    return err;
}

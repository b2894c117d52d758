/* SPDX-License-Identifier: MIT */
/* weftd: finds the service that the command line names, reads its options, runs it.
 *
 *   words ──▶ common options ──▶ service ──▶ its options ──▶ system ──▶ start ──▶ run ──▶ exit code
 */
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sysexits.h>

#include "help.h"
#include "service.h"

/* What the command line came to. */
typedef struct command {
    const service *service;
    weft_common_settings common;
    void *settings; /* of the service */
    weft_option_set sets[2];
} command;

/* Things to do that are no service. */
static const struct {
    const char *name;
    void (*print)(FILE *to);
} prints[] = {
    {"list", help_print_list},
    {"urls", help_print_urls},
    {"help", help_print},
};

static int refuse(const command *c, int code, const char *text)
{
    const char *name = c->service != NULL ? c->service->name : NULL;
    (void)fprintf(stderr, "weftd%s%s: %s\n", name != NULL ? " " : "", name != NULL ? name : "",
                  text);
    if (code == EX_USAGE)
        (void)fprintf(stderr, "weftd%s%s --help says what there is\n", name != NULL ? " " : "",
                      name != NULL ? name : "");
    return code;
}

/* A connection needs a descriptor, and nothing here uses select(2): what the system allows is
 * taken. */
static void raise_descriptors(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
}

/* Output that could not be written, to a full disk say, is no success. */
static int printed(void)
{
    return fflush(stdout) == 0 && ferror(stdout) == 0 ? EX_OK : EX_IOERR;
}

static int print_config(const command *c)
{
    (void)printf("service: %s\n", c->service->name);
    weft_options_print_yaml(&c->sets[1], stdout);
    weft_options_print_yaml(&c->sets[0], stdout);
    return printed();
}

static int print_version(void)
{
    (void)puts("weftd " WEFTD_VERSION);
    return printed();
}

static int run(command *c)
{
    weft_why why = {"the system cannot be made: memory, threads or descriptors are out"};
    raise_descriptors();
    weft_system *sys = weft_system_new(&(weft_system_options){
        .reactors = c->common.threads,
        .log_level = (weft_level)c->common.log_level,
        .log_level_set = true,
        .log_format = (weft_log_format)c->common.log_format,
    });
    if (sys == NULL)
        return refuse(c, EX_OSERR, why.text);
    int code = c->service->start(sys, c->service, c->settings, &why);
    if (code == 0) {
        code = weft_run(&sys);
        if (code == 0 && c->service->code != NULL)
            code = c->service->code(c->settings);
    } else {
        (void)refuse(c, code, why.text);
        weft_system_free(&sys);
    }
    if (c->service->done != NULL)
        c->service->done(c->settings);
    return code;
}

/* The rest of the words are those of the service. */
static int serve(command *c, weft_option_words *words)
{
    weft_why why = {""};
    c->settings = calloc(1, c->service->settings_bytes);
    if (c->settings == NULL)
        return refuse(c, EX_OSERR, "no memory for the settings");
    c->sets[1] = (weft_option_set){.rows = c->service->options, .to = c->settings};
    weft_err err = weft_options_read(c->sets, 2, words, false, &why);
    int code;
    if (err != WEFT_OK)
        code = refuse(c, err == WEFT_ENOMEM ? EX_OSERR : EX_USAGE, why.text);
    else if (c->common.help) {
        help_print_service(c->service, stdout);
        code = printed();
    } else if (c->common.version)
        code = print_version();
    else if (c->common.print_config)
        code = print_config(c);
    else
        code = run(c);
    weft_options_done(&c->sets[1]);
    free(c->settings);
    return code;
}

/* `weftd list` and the like; -1: the word is none of them. */
static int print_something(const command *c, const char *word, const weft_option_words *words)
{
    for (size_t i = 0; i < sizeof prints / sizeof *prints; i++) {
        if (strcmp(word, prints[i].name) != 0)
            continue;
        if (words->next < words->count && strcmp(words->at[words->next], "--help") != 0)
            return refuse(c, EX_USAGE, "list, urls and help take nothing behind them");
        prints[i].print(stdout);
        return printed();
    }
    return -1;
}

static int dispatch(command *c, weft_option_words *words)
{
    const service *nearest;
    weft_why why;
    const char *word = words->at[words->next++];
    int code = print_something(c, word, words);
    if (code >= 0)
        return code;
    c->service = service_find(word, &nearest);
    if (c->service != NULL)
        return serve(c, words);
    (void)weft_because(
        &why, WEFT_EINVAL,
        "there is no service \"%.40s\"; the nearest is \"%s\": %s (weftd list names all)", word,
        nearest->name, nearest->summary);
    return refuse(c, EX_USAGE, why.text);
}

int main(int argc, char **argv)
{
    command c = {.service = NULL};
    weft_option_words words = {.at = argv, .count = argc, .next = 1};
    weft_why why = {""};
    c.sets[0] = (weft_option_set){.rows = weft_common_options, .to = &c.common};
    if (weft_options_read(c.sets, 1, &words, true, &why) != WEFT_OK)
        return refuse(&c, EX_USAGE, why.text);
    if (words.next < words.count)
        return dispatch(&c, &words);
    if (c.common.version)
        return print_version();
    if (!c.common.help) {
        help_print(stderr);
        return EX_USAGE;
    }
    help_print(stdout);
    return printed();
}

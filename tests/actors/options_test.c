/* SPDX-License-Identifier: MIT */
/* weftd's command line: what is read, what is refused and how, and what --print-config makes of it.
 */
#include "check.h"

#include <stdlib.h>

#include <weft/options.h>

typedef struct settings {
    weft_option_urls listen, from;
    weft_option_texts tags;
    const char *file, *to;
    uint32_t threads, idle_ms;
    int color;
    bool loud, help;
} settings;

static const char *const colors[] = {"red", "green", "blue", NULL};

static const weft_option rows[] = {
    {.name = "listen",
     .kind = WEFT_OPTION_LISTEN,
     .value = "URL",
     .unset = "tcp://127.0.0.1:7007",
     .at = offsetof(settings, listen),
     .help = "where to listen"},
    {.name = "port",
     .kind = WEFT_OPTION_PORT,
     .value = "PORT",
     .at = offsetof(settings, listen),
     .help = "short for --listen"},
    {.name = "file",
     .kind = WEFT_OPTION_TEXT,
     .value = "PATH",
     .at = offsetof(settings, file),
     .help = "a file"},
    {.name = "color",
     .kind = WEFT_OPTION_CHOICE,
     .value = "COLOR",
     .unset = "green",
     .at = offsetof(settings, color),
     .words = colors,
     .help = "a colour"},
    {.name = "loud", .kind = WEFT_OPTION_FLAG, .at = offsetof(settings, loud), .help = "louder"},
    {.name = "tag",
     .kind = WEFT_OPTION_TEXTS,
     .value = "TAG",
     .at = offsetof(settings, tags),
     .help = "a tag"},
    {0},
};

/* Two ways to give the same. */
static const weft_option shared_rows[] = {
    {.name = "FROM",
     .kind = WEFT_OPTION_LISTEN,
     .at = offsetof(settings, from),
     .positional = true,
     .help = "the URL to listen at"},
    {.name = "listen",
     .kind = WEFT_OPTION_LISTEN,
     .value = "URL",
     .at = offsetof(settings, from),
     .help = "another"},
    {.name = "to",
     .kind = WEFT_OPTION_CONNECT,
     .value = "URL",
     .at = offsetof(settings, to),
     .help = "the URL to connect to"},
    {.name = "target",
     .kind = WEFT_OPTION_CONNECT,
     .value = "URL",
     .at = offsetof(settings, to),
     .help = "the same"},
    {0},
};

/* As another program has them, whose place this one takes. */
static const weft_option lettered_rows[] = {
    {.name = "loud",
     .letters = "l",
     .kind = WEFT_OPTION_FLAG,
     .at = offsetof(settings, loud),
     .help = "louder"},
    {.name = "file",
     .letters = "f",
     .kind = WEFT_OPTION_TEXT,
     .value = "PATH",
     .at = offsetof(settings, file),
     .help = "a file"},
    {.name = "tag",
     .letters = "tT",
     .kind = WEFT_OPTION_TEXTS,
     .value = "TAG",
     .at = offsetof(settings, tags),
     .help = "a tag"},
    {0},
};

static const weft_option common_rows[] = {
    {.name = "threads",
     .kind = WEFT_OPTION_COUNT,
     .value = "N",
     .unset = "1",
     .at = offsetof(settings, threads),
     .min = 1,
     .max = 64,
     .help = "threads"},
    {.name = "idle",
     .kind = WEFT_OPTION_MS,
     .value = "TIME",
     .unset = "off",
     .at = offsetof(settings, idle_ms),
     .max = 86400000,
     .help = "idle"},
    {.name = "help",
     .kind = WEFT_OPTION_FLAG,
     .at = offsetof(settings, help),
     .action = true,
     .help = "this"},
    {0},
};

static const weft_option positional_rows[] = {
    {.name = "FROM",
     .kind = WEFT_OPTION_LISTEN,
     .at = offsetof(settings, from),
     .positional = true,
     .help = "the URL to listen at"},
    {.name = "TO",
     .kind = WEFT_OPTION_CONNECT,
     .at = offsetof(settings, to),
     .positional = true,
     .help = "the URL to connect to"},
    {0},
};

static const weft_option listing_rows[] = {
    {.name = "TO",
     .kind = WEFT_OPTION_CONNECT,
     .at = offsetof(settings, to),
     .positional = true,
     .help = "the URL to connect to"},
    {.name = "WORD",
     .kind = WEFT_OPTION_TEXTS,
     .at = offsetof(settings, tags),
     .positional = true,
     .help = "words"},
    {0},
};

static settings got;
static weft_option_set sets[2];
static weft_why why;

static void forget(void)
{
    if (sets[0].rows != NULL)
        weft_options_done(&sets[0]);
    got = (settings){0};
    why = (weft_why){""};
    sets[0] = sets[1] = (weft_option_set){0};
}

/* Reads the blank-separated words of @text by the common rows and those of @own. */
static weft_err read_by(const weft_option *own, const char *text)
{
    static char copy[2048];
    char *words[64];
    weft_option_words all = {.at = words};
    forget();
    (void)snprintf(copy, sizeof copy, "%s", text);
    for (char *word = strtok(copy, " "); word != NULL; word = strtok(NULL, " "))
        words[all.count++] = word;
    sets[0] = (weft_option_set){.rows = own, .to = &got};
    sets[1] = (weft_option_set){.rows = common_rows, .to = &got};
    return weft_options_read(sets, 2, &all, false, &why);
}

static weft_err read_all(const char *text)
{
    return read_by(rows, text);
}

static void refused(const char *text, const char *part)
{
    CHECK_ERR(read_all(text), WEFT_EINVAL);
    if (strstr(why.text, part) == NULL)
        CHECK_STR(why.text, part);
}

static void what_is_not_given_is_what_the_table_says(void)
{
    CHECK_OK(read_all(""));
    CHECK_U64(got.listen.count, 1);
    CHECK_STR(got.listen.at[0], "tcp://127.0.0.1:7007");
    CHECK(got.file == NULL && !got.loud && !got.help);
    CHECK_U64(got.color, 1);
    CHECK_U64(got.threads, 1);
    CHECK_U64(got.idle_ms, 0);
}

static void values_follow_in_the_next_word_or_behind_an_equals_sign(void)
{
    CHECK_OK(read_all("--threads 3 --file=a=b --loud --color blue --idle=5m"));
    CHECK_U64(got.threads, 3);
    CHECK_STR(got.file, "a=b");
    CHECK(got.loud);
    CHECK_U64(got.color, 2);
    CHECK_U64(got.idle_ms, 300000);
    CHECK_OK(read_all("--file=--loud"));
    CHECK_STR(got.file, "--loud");
    CHECK(!got.loud);
    CHECK_OK(read_all("--file -"));
    CHECK_STR(got.file, "-");
}

static void listeners_add_up_and_replace_the_one_of_the_table(void)
{
    char text[1024] = "";
    CHECK_OK(read_all("--listen unix:a --listen=tcp://[::1]:80?window=1M"));
    CHECK_U64(got.listen.count, 2);
    CHECK_STR(got.listen.at[0], "unix:a");
    CHECK_STR(got.listen.at[1], "tcp://[::1]:80?window=1M");
    size_t n = 0;
    for (int i = 0; i < WEFT_OPTION_URLS_MAX; i++)
        n += (size_t)snprintf(text + n, sizeof text - n, "--listen unix:a ");
    CHECK_OK(read_all(text));
    (void)snprintf(text + n, sizeof text - n, "--listen unix:a ");
    refused(text, "at most 16 times");
}

static void texts_add_up_as_they_are_written(void)
{
    char text[1024] = "";
    size_t n = 0;
    CHECK_OK(read_all("--tag a --loud --tag=b=c"));
    CHECK_U64(got.tags.count, 2);
    CHECK_STR(got.tags.at[0], "a");
    CHECK_STR(got.tags.at[1], "b=c");
    for (int i = 0; i < WEFT_OPTION_TEXTS_MAX; i++)
        n += (size_t)snprintf(text + n, sizeof text - n, "--tag a ");
    CHECK_OK(read_all(text));
    CHECK_U64(got.tags.count, WEFT_OPTION_TEXTS_MAX);
    (void)snprintf(text + n, sizeof text - n, "--tag a ");
    refused(text, "--tag is given too often, expected at most 16 times");
}

static void a_port_is_short_for_a_listener_on_loopback(void)
{
    CHECK_OK(read_all("--port 8080"));
    CHECK_U64(got.listen.count, 1);
    CHECK_STR(got.listen.at[0], "http://127.0.0.1:8080");
    CHECK_OK(read_all("--port=0 --listen unix:a"));
    CHECK_U64(got.listen.count, 2);
    refused("--port 65536", "--port is \"65536\", expected a number from 0 to 65535");
    refused("--port http", "expected a number");
}

static void unknown_options_name_the_nearest(void)
{
    refused("--lisen x", "--lisen; the nearest is --listen");
    refused("--hlep", "--hlep; the nearest is --help");
    refused("--thread=3", "--thread; the nearest is --threads");
    refused("--listenn=unix:a", "the nearest is --listen");
    refused("-p 80", "options have two dashes");
}

static void values_that_are_not_of_their_kind_say_what_was_expected(void)
{
    refused("--threads 0", "--threads is \"0\", expected a number from 1 to 64");
    refused("--threads=99999999999999999999", "expected a number from 1 to 64");
    refused("--threads 3x", "expected a number");
    refused("--threads=", "expected a number");
    refused("--color pink", "--color is \"pink\", expected red, green or blue");
    refused("--idle 5days", "expected a time such as 250ms, 10s, 5m or 1h, or off");
    refused("--idle 25h", "expected a time");
    refused("--idle s", "expected a time");
    refused("--loud=yes", "--loud takes no value");
    refused("--listen tcp:/x", "--listen: ");
    refused("--listen tcp://127.0.0.1:1?windw=1", "the nearest is \"window\"");
    refused("--listen tcp://127.0.0.1:1?timeout=1s", "--listen: ");
    refused("--listen sim://a", "simulated");
}

static void missing_and_superfluous_words_are_refused(void)
{
    refused("--threads", "--threads has no value, expected --threads N");
    refused("--file --loud", "--file has no value");
    refused("--file a --file b", "--file is given twice");
    refused("--loud --loud", "--loud is given twice");
    refused("word", "\"word\" is a word too many");
}

static void positional_words_are_taken_in_order_and_must_be_there(void)
{
    CHECK_OK(read_by(positional_rows, "tcp://:70 --threads 2 unix:b"));
    CHECK_STR(got.from.at[0], "tcp://:70");
    CHECK_STR(got.to, "unix:b");
    CHECK_OK(read_by(positional_rows, "-- unix:a unix:b"));
    CHECK_ERR(read_by(positional_rows, "unix:a"), WEFT_EINVAL);
    CHECK_STR(why.text, "TO is missing: the URL to connect to");
    CHECK_ERR(read_by(positional_rows, "unix:a tcp://127.0.0.1"), WEFT_EINVAL);
    CHECK(strncmp(why.text, "TO: ", 4) == 0);
    CHECK_ERR(read_by(positional_rows, "unix:a unix:b unix:c"), WEFT_EINVAL);
    CHECK_ERR(read_by(positional_rows, "--FROM unix:a"), WEFT_EINVAL);
    CHECK_OK(read_by(positional_rows, "--help"));
    CHECK(got.help);
}

static void a_positional_list_takes_all_words_that_are_left(void)
{
    CHECK_OK(read_by(listing_rows, "unix:a"));
    CHECK_U64(got.tags.count, 0);
    CHECK_OK(read_by(listing_rows, "unix:a b=1 --threads 2 c"));
    CHECK_U64(got.tags.count, 2);
    CHECK_STR(got.tags.at[0], "b=1");
    CHECK_STR(got.tags.at[1], "c");
    CHECK_ERR(read_by(listing_rows, ""), WEFT_EINVAL);
    CHECK_OK(read_by(listing_rows, "unix:a 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16"));
    CHECK_ERR(read_by(listing_rows, "unix:a 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17"),
              WEFT_EINVAL);
    CHECK_STR(why.text, "WORD is given too often, expected at most 16 times");
}

static void letters_are_other_names_of_options(void)
{
    CHECK_OK(read_by(lettered_rows, "-l -f a --threads 2 -tx -T y"));
    CHECK(got.loud);
    CHECK_STR(got.file, "a");
    CHECK_U64(got.tags.count, 2);
    CHECK_STR(got.tags.at[0], "x");
    CHECK_STR(got.tags.at[1], "y");
    CHECK_OK(read_by(lettered_rows, "-lf--x"));
    CHECK(got.loud);
    CHECK_STR(got.file, "--x");
    CHECK_OK(read_by(lettered_rows, "-f -- -t -"));
    CHECK_STR(got.file, "--");
    CHECK_STR(got.tags.at[0], "-");
}

static void a_flag_s_letter_may_come_again_and_a_value_s_may_not(void)
{
    CHECK_ERR(read_by(lettered_rows, "-l --loud"), WEFT_EINVAL);
    CHECK_OK(read_by(lettered_rows, "--loud -l -ll"));
    CHECK_ERR(read_by(lettered_rows, "-f a -f b"), WEFT_EINVAL);
    CHECK_STR(why.text, "--file is given twice, expected once");
    CHECK_ERR(read_by(lettered_rows, "--file a -f b"), WEFT_EINVAL);
}

static void letters_that_are_none_and_values_that_are_missing_are_refused(void)
{
    CHECK_ERR(read_by(lettered_rows, "-lx"), WEFT_EINVAL);
    CHECK_STR(why.text, "there is no option -lx; options have two dashes");
    CHECK_ERR(read_by(lettered_rows, "-lf"), WEFT_EINVAL);
    CHECK_STR(why.text, "-f has no value, expected -f PATH");
    CHECK_ERR(read_by(lettered_rows, "-"), WEFT_EINVAL);
    CHECK_ERR(read_by(lettered_rows, "-- -l"), WEFT_EINVAL);
    CHECK_STR(why.text, "\"-l\" is a word too many, expected an option");
}

static void letters_stand_in_help_before_the_name(void)
{
    char *text = NULL;
    size_t n = 0;
    FILE *to = open_memstream(&text, &n);
    REQUIRE(to != NULL);
    weft_options_print_help("options", lettered_rows, to);
    (void)fclose(to);
    CHECK_STR(text, "\noptions:\n"
                    "  -l, --loud                 louder\n"
                    "  -f, --file PATH            a file\n"
                    "  -t, -T, --tag TAG          a tag\n");
    free(text);
}

static void common_options_may_stand_before_the_word_that_ends_them(void)
{
    char *words[] = {(char[]){"--threads"}, (char[]){"4"}, (char[]){"echo"}, (char[]){"--loud"}};
    weft_option_words all = {.at = words, .count = 4};
    forget();
    sets[0] = (weft_option_set){.rows = rows, .to = &got};
    sets[1] = (weft_option_set){.rows = common_rows, .to = &got};
    CHECK_OK(weft_options_read(&sets[1], 1, &all, true, &why));
    CHECK_U64(all.next, 2);
    all.next++;
    CHECK_OK(weft_options_read(sets, 2, &all, false, &why));
    CHECK_U64(got.threads, 4);
    CHECK(got.loud);
}

static void printed(const char *text, const char *want, const weft_option *own)
{
    char *yaml = NULL;
    size_t n = 0;
    CHECK_OK(read_by(own, text));
    FILE *to = open_memstream(&yaml, &n);
    REQUIRE(to != NULL);
    weft_options_print_yaml(&sets[0], to);
    weft_options_print_yaml(&sets[1], to);
    (void)fclose(to);
    CHECK_STR(yaml, want);
    free(yaml);
}

static void settings_are_printed_as_yaml(void)
{
    printed(
        "",
        "listen:\n  - \"tcp://127.0.0.1:7007\"\nfile: null\ncolor: green\nloud: false\ntag: []\n"
        "threads: 1\nidle: \"off\"\n",
        rows);
    printed("--port 80 --listen unix:a --file b: --loud --tag a --idle 1500 --tag= --threads 2",
            "listen:\n  - \"http://127.0.0.1:80\"\n  - \"unix:a\"\nfile: \"b:\"\ncolor: green\n"
            "loud: true\ntag:\n  - \"a\"\n  - \"\"\nthreads: 2\nidle: 1500ms\n",
            rows);
    printed("unix:a unix:b --idle 1h",
            "from:\n  - \"unix:a\"\nto: \"unix:b\"\nthreads: 1\nidle: 3600s\n", positional_rows);
}

static void what_may_be_given_in_two_ways_is_given_once_and_printed_once(void)
{
    printed("--listen unix:a --listen unix:b --to unix:c",
            "from:\n  - \"unix:a\"\n  - \"unix:b\"\nto: \"unix:c\"\nthreads: 1\nidle: \"off\"\n",
            shared_rows);
    CHECK_OK(read_by(shared_rows, "unix:a --listen unix:b --target unix:c"));
    CHECK_ERR(read_by(shared_rows, "unix:a --to unix:c --target unix:c"), WEFT_EINVAL);
}

static void texts_are_quoted_so_that_any_byte_may_stand_in_them(void)
{
    static const struct {
        const char *text, *want;
    } texts[] = {
        {"", "\"\""},
        {"a \"b\" \\ c", "\"a \\\"b\\\" \\\\ c\""},
        {"tab\there\n", "\"tab\\x09here\\x0a\""},
        {"na\xc3\xafve \xf0\x9f\x90\x91", "\"na\xc3\xafve \xf0\x9f\x90\x91\""},
        {"\xff\xc3", "\"\\xff\\xc3\""},
        {"\xc3(\xed\xa0\x80", "\"\\xc3(\\xed\\xa0\\x80\""},
        {"\xc0\x80\xc2\x85\x7f", "\"\\xc0\\x80\\x85\\x7f\""},
        {"\xef\xbb\xbf\xef\xbf\xbf", "\"\\ufeff\\uffff\""},
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        char *yaml = NULL;
        size_t n = 0;
        FILE *to = open_memstream(&yaml, &n);
        REQUIRE(to != NULL);
        weft_yaml_print_text(texts[i].text, to);
        (void)fclose(to);
        CHECK_STR(yaml, texts[i].want);
        free(yaml);
    }
}

static void words_are_as_far_apart_as_the_edits_between_them(void)
{
    CHECK_U64(weft_word_distance("echo", "echo"), 0);
    CHECK_U64(weft_word_distance("ehco", "echo"), 1);
    CHECK_U64(weft_word_distance("eco", "echo"), 1);
    CHECK_U64(weft_word_distance("", "echo"), 4);
    CHECK_U64(weft_word_distance("ecko", "echo"), 1);
    CHECK_U64(weft_word_distance("kitten", "sitting"), 3);
    CHECK_U64(weft_word_distance("a-word-that-is-much-longer-than-any-option", "x"), 31);
}

static const test_case cases[] = {
    TEST(what_is_not_given_is_what_the_table_says),
    TEST(values_follow_in_the_next_word_or_behind_an_equals_sign),
    TEST(listeners_add_up_and_replace_the_one_of_the_table),
    TEST(texts_add_up_as_they_are_written),
    TEST(a_port_is_short_for_a_listener_on_loopback),
    TEST(unknown_options_name_the_nearest),
    TEST(values_that_are_not_of_their_kind_say_what_was_expected),
    TEST(missing_and_superfluous_words_are_refused),
    TEST(positional_words_are_taken_in_order_and_must_be_there),
    TEST(a_positional_list_takes_all_words_that_are_left),
    TEST(letters_are_other_names_of_options),
    TEST(a_flag_s_letter_may_come_again_and_a_value_s_may_not),
    TEST(letters_that_are_none_and_values_that_are_missing_are_refused),
    TEST(letters_stand_in_help_before_the_name),
    TEST(common_options_may_stand_before_the_word_that_ends_them),
    TEST(settings_are_printed_as_yaml),
    TEST(what_may_be_given_in_two_ways_is_given_once_and_printed_once),
    TEST(texts_are_quoted_so_that_any_byte_may_stand_in_them),
    TEST(words_are_as_far_apart_as_the_edits_between_them),
    {0},
};

const test_suite options_suite = {.name = "actors/options", .after = forget, .cases = cases};

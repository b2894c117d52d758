/* SPDX-License-Identifier: MIT */
/* The SFTP server on the wire: the dialogues of draft-ietf-secsh-filexfer-02, and scripts of what must be refused. It
 * sits on a plain stream, without SSH, and has a folder that each playing finds as the script made it. */
#include <fcntl.h>
#include <ftw.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <weft/net.h>
#include <weft/ssh.h>

#include "actors/process_kit.h"
#include "check.h"
#include "sftp_script.h"

enum { PATH_BYTES = 256, DAY = 86400 };

/* Beside the root lies what nobody may see or touch. */
static char outside[64], root[80];
static mode_t mask;
static unsigned descriptors;
static weft_ssh_sftp_config config;

/* ---- files */

static const char *in_root(const char *name)
{
    static char path[PATH_BYTES];
    (void)snprintf(path, sizeof path, "%s/%s", root, name);
    return path;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)st, (void)kind, (void)at;
    return remove(path);
}

static void remove_all(const char *path)
{
    if (access(path, F_OK) == 0)
        CHECK(nftw(path, remove_one, 8, FTW_DEPTH | FTW_PHYS) == 0);
}

static bool set_times(const char *path, uint32_t accessed, uint32_t changed)
{
    const struct timespec times[2] = {{.tv_sec = accessed}, {.tv_sec = changed}};
    return utimensat(AT_FDCWD, path, times, AT_SYMLINK_NOFOLLOW) == 0;
}

static bool make_file(const char *path, const char *text)
{
    wire_text bytes = {.at = NULL};
    int fd = open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0644);
    wire_put(&bytes, "", 0);
    if (text[0] == '*')
        wire_put_pattern(&bytes, text + 1);
    else
        wire_put_escaped(&bytes, text);
    bool good = fd >= 0 && write(fd, bytes.at, bytes.n) == (ssize_t)bytes.n;
    if (fd >= 0)
        good = close(fd) == 0 && good;
    free(bytes.at);
    return good && set_times(path, DAY, DAY);
}

static void before(void)
{
    mask = umask(022);
    (void)snprintf(outside, sizeof outside, P_tmpdir "/weft-sftp-wire.XXXXXX");
    REQUIRE(mkdtemp(outside) != NULL);
    (void)snprintf(root, sizeof root, "%s/root", outside);
    descriptors = process_count_fds();
}

static void after(void)
{
    CHECK_U64(process_count_fds(), descriptors);
    remove_all(outside);
    (void)umask(mask);
}

/* ---- the world */

static void reset(void)
{
    char secret[PATH_BYTES];
    (void)snprintf(secret, sizeof secret, "%s/secret", outside);
    remove_all(root);
    remove_all(secret);
    REQUIRE(mkdir(root, 0755) == 0 && make_file(secret, "not for you"));
    config = (weft_ssh_sftp_config){.root = root};
}

/* What lies in the root: a file of the text, a folder, a link to the text, a pipe; when something was read and written.
 * All but folders are of the second of January 1970. A link that is followed was read, which some systems note. */
static bool make(const char *word, const char *path, const char *text)
{
    if (strcmp(word, "file") == 0)
        return make_file(path, text);
    if (strcmp(word, "folder") == 0)
        return mkdir(path, 0755) == 0;
    if (strcmp(word, "link") == 0)
        return symlink(text, path) == 0 && set_times(path, SFTP_SCRIPT_TIMES_MAX * 2, DAY);
    if (strcmp(word, "pipe") == 0)
        return mkfifo(path, 0600) == 0 && set_times(path, DAY, DAY);
    const char *second = strchr(text, ',');
    return strcmp(word, "times") == 0 && second != NULL &&
           set_times(path, (uint32_t)strtoul(text, NULL, 10),
                     (uint32_t)strtoul(second + 1, NULL, 10));
}

static bool setup(const char *word, char *rest)
{
    const wire_limit limits[] = {{"handles_max", &config.handles_max, NULL}, {0}};
    if (strcmp(word, "read_only") == 0)
        return config.read_only = true;
    if (strcmp(word, "limit") == 0)
        return wire_set_limit(limits, word, rest);
    char *text = rest + strcspn(rest, " ");
    if (*text == ' ')
        *text++ = '\0';
    return make(word, in_root(rest), text);
}

static weft_sim *open_world(uint64_t seed)
{
    weft_sim *sim = weft_sim_new(&(weft_sim_options){.seed = seed});
    REQUIRE(sim != NULL);
    CHECK_OK(weft_listen(weft_sim_system(sim), "sim://files", &weft_ssh_sftp, &config));
    return sim;
}

/* ---- what lies there now */

static void check_text(const char *path, const char *want)
{
    static char got[4096];
    FILE *file = fopen(path, "r");
    REQUIRE(file != NULL);
    size_t n = fread(got, 1, sizeof got, file);
    CHECK(fclose(file) == 0);
    wire_text bytes = {.at = NULL};
    wire_put(&bytes, "", 0);
    wire_put_escaped(&bytes, want);
    CHECK_MEM(got, n, bytes.at, bytes.n);
    free(bytes.at);
}

static void check_link(const char *path, const char *want)
{
    char got[PATH_BYTES];
    ssize_t n = readlink(path, got, sizeof got - 1);
    got[n > 0 ? n : 0] = '\0';
    CHECK_STR(got, want);
}

/* check text|mode|size|times|links|link|there NAME VALUE */
static bool check(const char *word, const char *rest)
{
    char name[PATH_BYTES], got[64] = "";
    const char *want = rest + strcspn(rest, " ");
    struct stat st = {.st_size = -1};
    (void)snprintf(name, sizeof name, "%.*s", (int)(want - rest), rest);
    want += *want == ' ';
    bool there = lstat(in_root(name), &st) == 0;
    if (strcmp(word, "text") == 0) {
        check_text(in_root(name), want);
        return true;
    }
    if (strcmp(word, "link") == 0) {
        check_link(in_root(name), want);
        return true;
    }
    if (strcmp(word, "mode") == 0)
        (void)snprintf(got, sizeof got, "%o", st.st_mode);
    else if (strcmp(word, "size") == 0)
        (void)snprintf(got, sizeof got, "%lld", (long long)st.st_size);
    else if (strcmp(word, "times") == 0)
        (void)snprintf(got, sizeof got, "%lld,%lld", (long long)st.st_atim.tv_sec,
                       (long long)st.st_mtim.tv_sec);
    else if (strcmp(word, "links") == 0)
        (void)snprintf(got, sizeof got, "%lu", (unsigned long)st.st_nlink);
    else if (strcmp(word, "there") == 0)
        (void)snprintf(got, sizeof got, "%s", there ? "yes" : "no");
    else
        return false;
    CHECK_STR(got, want);
    return true;
}

static const wire_world world = {.url = "sim://files",
                                 .reset = reset,
                                 .setup = setup,
                                 .open = open_world,
                                 .expand = sftp_script_put,
                                 .request = sftp_script_put,
                                 .check = check,
                                 .strip = sftp_script_strip};

/* ---- the scripts */

#define SCRIPTS(X)                                   \
    X(the_bytes_of_a_session)                        \
    X(init_and_version_begin_a_session)              \
    X(the_lowest_version_of_both_is_spoken)          \
    X(version_2_has_no_texts_and_no_extensions)      \
    X(nothing_is_served_before_the_version)          \
    X(the_version_is_agreed_on_once)                 \
    X(a_file_is_written_and_read)                    \
    X(a_read_beyond_the_end_is_eof)                  \
    X(a_write_beyond_the_end_leaves_zeros_before_it) \
    X(what_is_appended_stands_at_the_end)            \
    X(files_are_made_kept_and_truncated_as_told)     \
    X(a_large_read_is_answered_in_part)              \
    X(a_file_is_used_for_what_it_was_opened_for)     \
    X(attributes_are_read_by_path_and_by_handle)     \
    X(attributes_are_set_by_path_and_by_handle)      \
    X(attributes_that_are_not_known_are_refused)     \
    X(a_folder_is_listed_until_eof)                  \
    X(the_root_has_nothing_above_it)                 \
    X(folders_are_made_and_removed)                  \
    X(files_are_removed_and_renamed)                 \
    X(extensions_of_openssh_rename_and_link)         \
    X(links_are_made_and_read)                       \
    X(a_path_is_made_absolute)                       \
    X(nothing_outside_of_the_root_is_reached)        \
    X(a_handle_that_is_none_fails)                   \
    X(a_handle_is_of_its_session_alone)              \
    X(handles_max_is_met)                            \
    X(of_handles_there_are_64_unless_told)           \
    X(what_fails_to_open_holds_no_handle)            \
    X(what_is_not_known_is_unsupported)              \
    X(a_request_that_is_cut_is_bad)                  \
    X(what_stands_behind_a_request_is_not_looked_at) \
    X(a_length_that_lies_takes_what_follows)         \
    X(a_packet_beyond_its_limit_ends_the_session)    \
    X(a_packet_of_the_largest_size_is_served)        \
    X(a_packet_without_an_id_ends_the_session)       \
    X(an_empty_packet_ends_the_session)              \
    X(a_packet_the_end_cuts_is_not_answered)         \
    X(an_end_comes_behind_what_was_asked)            \
    X(a_client_that_resets_leaves_nothing_open)      \
    X(requests_at_once_are_answered_by_their_ids)    \
    X(a_client_that_does_not_read_is_not_read)       \
    X(what_is_read_only_is_not_changed)

#define SCRIPT(name)                          \
    static void name(void)                    \
    {                                         \
        wire_play_all("sftp/" #name, &world); \
    }
SCRIPTS(SCRIPT)

static const test_case cases[] = {
#define CASE(name) TEST(name),
    SCRIPTS(CASE)
#undef CASE
        {0},
};

const test_suite sftp_wire_suite = {
    .name = "protocols/sftp_wire", .before = before, .after = after, .cases = cases};

/* SPDX-License-Identifier: MIT */
/* Whose a session's programs and files are: users of the system, their environment, their rights; and what is logged of
 * who came. What programs find is tests/programs/ssh_users.sh. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ssh_env.h"
#include "ssh_world.h"

enum { NOBODY = 65534, SOME_GROUP = 7 };

static wf_ssh_account account;

static ssh_heard *heard(void)
{
    return &ssh_heard_now;
}

/* ---- accounts */

static void users_of_the_system_are_found_by_name_and_no_others(void)
{
    weft_why why = {""};
    CHECK_OK(wf_ssh_account_find("root", &account, &why));
    CHECK_U64(account.uid, 0);
    CHECK_STR(account.name, "root");
    CHECK(account.home[0] == '/' && account.shell[0] == '/' && account.n_groups >= 1);
    CHECK_ERR(wf_ssh_account_find("no such user", &account, &why), WEFT_ENOTFOUND);
    CHECK_STR(why.text, "\"no such user\" is no user of this system");
    CHECK_ERR(wf_ssh_account_find("", &account, &why), WEFT_ENOTFOUND);
    CHECK_OK(wf_ssh_account_find(NULL, &account, &why));
    CHECK_U64(account.uid, geteuid());
}

static void who_proves_nothing_is_no_user(void)
{
    weft_ssh_session session = {.user = "root", .by = WEFT_AUTH_FROM_ANONYMOUS};
    CHECK_STR(wf_ssh_account_name(&session), "");
    session.by = WEFT_AUTH_FROM_UNIX;
    CHECK_STR(wf_ssh_account_name(&session), "root");
}

/* ---- rights */

static bool opens(const char *name, int flags)
{
    int fd = open(ssh_path(name), flags | O_CLOEXEC, 0600);
    if (fd >= 0)
        (void)close(fd);
    return fd >= 0;
}

/* A thread has what the one had that made it: this one is there before. */
static pthread_barrier_t taken;

static void *opens_there(void *name)
{
    (void)pthread_barrier_wait(&taken);
    return opens(name, O_RDONLY) ? name : NULL;
}

static void a_thread_has_the_rights_of_a_user_and_others_keep_theirs(void)
{
    static char name[] = "closed";
    wf_ssh_rights was;
    weft_why why = {""};
    pthread_t other;
    void *there = NULL;
    struct stat st;
    if (geteuid() != 0)
        return; /* nobody else has rights to give up; that is looked at below */
    int groups = getgroups(0, NULL);
    CHECK(chmod(ssh.folder, 0777) == 0);
    ssh_write_file(ssh_path("closed"), "x", 1);
    CHECK(chmod(ssh_path("closed"), 0640) == 0 && chown(ssh_path("closed"), 0, SOME_GROUP) == 0);
    account = (wf_ssh_account){
        .uid = NOBODY, .gid = NOBODY, .n_groups = 1, .groups = {NOBODY}, .name = "nobody"};
    REQUIRE(pthread_barrier_init(&taken, NULL, 2) == 0);
    REQUIRE(pthread_create(&other, NULL, opens_there, name) == 0);
    CHECK_OK(wf_ssh_rights_take(&account, &was, &why));
    (void)pthread_barrier_wait(&taken);
    CHECK(!opens("closed", O_RDONLY));
    CHECK(opens("made", O_WRONLY | O_CREAT));
    CHECK(chown(ssh_path("made"), 0, 0) != 0);
    CHECK(pthread_join(other, &there) == 0 && there == name);
    CHECK(pthread_barrier_destroy(&taken) == 0);
    wf_ssh_rights_give_back(&was);
    CHECK(stat(ssh_path("made"), &st) == 0 && st.st_uid == NOBODY && st.st_gid == NOBODY);
    CHECK(opens("closed", O_RDWR));
    CHECK(chown(ssh_path("made"), 0, 0) == 0);
    CHECK_I64(getgroups(0, NULL), groups);
    account.n_groups = 2;
    account.groups[1] = SOME_GROUP;
    CHECK_OK(wf_ssh_rights_take(&account, &was, &why));
    CHECK(opens("closed", O_RDONLY) && !opens("closed", O_WRONLY));
    wf_ssh_rights_give_back(&was);
}

static void who_is_it_already_changes_nothing_and_who_may_not_is_told(void)
{
    wf_ssh_rights was;
    weft_why why = {""};
    CHECK_OK(wf_ssh_account_find(NULL, &account, &why));
    CHECK_OK(wf_ssh_rights_take(&account, &was, &why));
    CHECK(!was.changed);
    wf_ssh_rights_give_back(&was);
    if (geteuid() == 0)
        return; /* root may */
    CHECK_OK(wf_ssh_account_find("root", &account, &why));
    CHECK_ERR(wf_ssh_rights_take(&account, &was, &why), WEFT_EDENIED);
    CHECK(!was.changed);
}

/* ---- the environment */

static const char *variable(const wf_ssh_env *env, const char *name)
{
    size_t n = strlen(name);
    for (size_t i = 0; i < env->n; i++)
        if (strncmp(env->at[i], name, n) == 0 && env->at[i][n] == '=')
            return env->at[i] + n + 1;
    return "-";
}

static const char *const peers_own[] = {"LD_PRELOAD=/evil.so", "LANG=C.UTF-8", "LC_TIME=de",
                                        "LANGUAGE=de",         "PATH=/evil",   NULL};
static const weft_ssh_session session_of_ann = {
    .user = "ann",
    .env = peers_own,
    .terminal = true,
    .term = "xterm",
    .peer = {.family = WEFT_FAMILY_V4, .port = 4711, .ip = {10, 0, 0, 7}},
    .local = {.family = WEFT_FAMILY_V4, .port = 22, .ip = {10, 0, 0, 1}},
};

static void programs_find_what_sshd_sets_and_nothing_else(void)
{
    wf_ssh_env env;
    account = (wf_ssh_account){.uid = 1000, .name = "anna", .home = "/srv/ann"};
    CHECK(setenv("WEFT_TEST_SECRET", "x", 1) == 0 && unsetenv("TZ") == 0);
    wf_ssh_env_fill(&env, &session_of_ann, &account, true, "/bin/sh");
    CHECK_STR(variable(&env, "USER"), "anna");
    CHECK_STR(variable(&env, "LOGNAME"), "anna");
    CHECK_STR(variable(&env, "HOME"), "/srv/ann");
    CHECK_STR(variable(&env, "SHELL"), "/bin/sh");
    CHECK_STR(variable(&env, "MAIL"), "/var/mail/anna");
    CHECK_STR(variable(&env, "TERM"), "xterm");
    CHECK_STR(variable(&env, "PATH"), "/usr/local/bin:/usr/bin:/bin:/usr/games");
    CHECK_STR(variable(&env, "SSH_CLIENT"), "10.0.0.7 4711 22");
    CHECK_STR(variable(&env, "SSH_CONNECTION"), "10.0.0.7 4711 10.0.0.1 22");
    CHECK_STR(variable(&env, "LANG"), "C.UTF-8");
    CHECK_STR(variable(&env, "LC_TIME"), "de");
    CHECK_U64(env.n, 11);
    CHECK(env.at[env.n] == NULL);
    CHECK(setenv("TZ", "UTC", 1) == 0);
    wf_ssh_env_fill(&env, &session_of_ann, &account, true, "/bin/sh");
    CHECK_STR(variable(&env, "TZ"), "UTC");
    CHECK(unsetenv("TZ") == 0 && unsetenv("WEFT_TEST_SECRET") == 0);
}

static void without_a_user_of_the_system_they_find_who_the_peer_is(void)
{
    wf_ssh_env env;
    weft_ssh_session session = session_of_ann;
    session.terminal = false;
    session.peer = (weft_address){.family = WEFT_FAMILY_UNIX};
    account = (wf_ssh_account){.uid = 0, .name = "root", .home = "/root"};
    wf_ssh_env_fill(&env, &session, &account, false, "/bin/sh");
    CHECK_STR(variable(&env, "USER"), "ann");
    CHECK_STR(variable(&env, "HOME"), "/root");
    CHECK_STR(variable(&env, "MAIL"), "-");
    CHECK_STR(variable(&env, "TERM"), "-");
    CHECK_STR(variable(&env, "SSH_CLIENT"), "UNKNOWN 65535 22");
    CHECK(strncmp(variable(&env, "PATH"), "/usr/local/sbin:", 16) == 0);
}

static void of_a_peers_variables_there_are_so_many_at_most(void)
{
    static const char *many[WF_SSH_ENV_TAKEN_MAX + 3];
    wf_ssh_env env;
    weft_ssh_session session = session_of_ann;
    for (int i = 0; i < WF_SSH_ENV_TAKEN_MAX + 2; i++)
        many[i] = "LC_ALL=C";
    session.env = many;
    wf_ssh_env_fill(&env, &session, &account, true, "/bin/sh");
    size_t n = 0;
    for (size_t i = 0; i < env.n; i++)
        n += strcmp(env.at[i], "LC_ALL=C") == 0;
    CHECK_U64(n, WF_SSH_ENV_TAKEN_MAX);
    CHECK(env.at[env.n] == NULL);
}

/* ---- sessions: "ann" of the tests is no user of the system */

static const weft_ssh_shell_config shell = {.as_user = true};
static weft_ssh_sftp_config sftp = {.root = ssh.folder, .as_user = true};
static const weft_ssh_service services[] = {
    {.kind = WEFT_SSH_EXEC, .behaviour = &weft_ssh_shell, .config = &shell},
    {.kind = WEFT_SSH_SUBSYSTEM, .subsystem = "sftp", .behaviour = &weft_ssh_sftp, .config = &sftp},
    {0},
};
static const char user[] = "weft no such user";

static void begin(void)
{
    ssh.server.services = services;
    (void)snprintf(ssh.sources[0].user, sizeof ssh.sources[0].user, "%s", user);
    ssh.client.user = user;
    ssh_world_open(&(weft_sim_options){.seed = 1, .system = {.reactors = 1}});
}

static const weft_ssh_call command = {.command = "id"};

static void nothing_is_run_for_who_is_no_user(void)
{
    begin();
    ssh_run(&command);
    CHECK_OK(heard()->err);
    CHECK_I64(heard()->code, 1);
    CHECK_STR(heard()->errors, "\"weft no such user\" is no user of this system\n");
    CHECK_STR(heard()->output, "");
    CHECK_U64(weft_sim_logged(ssh.sim, WEFT_WARNING, "no shell for weft no such user"), 1);
    ssh_world_close();
}

static void no_file_is_touched_for_who_is_no_user(void)
{
    begin();
    ssh_write_file(ssh_path("one"), "x", 1);
    ssh_copy(&(weft_ssh_transfer){.local = ssh_path("one"), .remote = "/two", .to_host = true});
    CHECK(heard()->err != WEFT_OK);
    CHECK(access(ssh_path("two"), F_OK) != 0);
    CHECK_U64(weft_sim_logged(ssh.sim, WEFT_NOTICE, "is no user of this system"), 1);
    ssh_world_close();
}

static void any_allocation_may_fail_while_it_is_looked_up(void)
{
    uint64_t n = 1;
    for (bool met = true; met && n < 1000; n++) {
        begin();
        ssh_run(&command); /* it is connected */
        weft_sim_fail_allocation(ssh.sim, n);
        ssh_run(&command);
        met = weft_sim_allocation_failed(ssh.sim);
        weft_sim_fail_allocation(ssh.sim, 0);
        CHECK(heard()->answers == 2 || met);
        ssh_world_close();
    }
    CHECK(n > 10 && n < 1000);
}

/* ---- what is logged */

static void who_was_let_in_and_by_what_is_logged(void)
{
    begin();
    ssh_run(&command);
    CHECK_U64(
        weft_sim_logged(ssh.sim, WEFT_NOTICE, "\"weft no such user\" is let in, by a password"), 1);
    ssh_world_close();
}

static void a_key_is_logged_with_its_fingerprint(void)
{
    ssh.client.password = NULL;
    ssh.client.key_file = ssh.key_file;
    ssh.client.passphrase = "open";
    begin();
    ssh_run(&command);
    CHECK_U64(weft_sim_logged(ssh.sim, WEFT_NOTICE, "is let in, by a public key SHA256:"), 1);
    ssh_world_close();
}

static void who_was_refused_is_logged_by_name(void)
{
    ssh.client.password = "wrong";
    begin();
    ssh_run(&command);
    CHECK_ERR(heard()->err, WEFT_EDENIED);
    CHECK_U64(weft_sim_logged(ssh.sim, WEFT_NOTICE,
                              "\"weft no such user\" is refused, by a password: these credentials"),
              1);
    CHECK_U64(weft_sim_logged(ssh.sim, WEFT_NOTICE, "\"weft no such user\" was not let in"), 1);
    ssh_world_close();
}

static void who_says_no_name_is_no_news(void)
{
    begin();
    weft_sim_peer *peer = weft_sim_connect(ssh.sim, SSH_URL);
    (void)weft_sim_settle(ssh.sim, 1000);
    weft_sim_peer_close(peer);
    (void)weft_sim_settle(ssh.sim, 1000);
    CHECK_U64(weft_sim_logged(ssh.sim, WEFT_INFO, "nobody was let in"), 1);
    CHECK_U64(weft_sim_logged(ssh.sim, WEFT_NOTICE, "nobody was let in"), 0);
    ssh_world_close();
}

static const test_case cases[] = {
    TEST(users_of_the_system_are_found_by_name_and_no_others),
    TEST(who_proves_nothing_is_no_user),
    TEST(a_thread_has_the_rights_of_a_user_and_others_keep_theirs),
    TEST(who_is_it_already_changes_nothing_and_who_may_not_is_told),
    TEST(programs_find_what_sshd_sets_and_nothing_else),
    TEST(without_a_user_of_the_system_they_find_who_the_peer_is),
    TEST(of_a_peers_variables_there_are_so_many_at_most),
    TEST(nothing_is_run_for_who_is_no_user),
    TEST(no_file_is_touched_for_who_is_no_user),
    TEST(any_allocation_may_fail_while_it_is_looked_up),
    TEST(who_was_let_in_and_by_what_is_logged),
    TEST(a_key_is_logged_with_its_fingerprint),
    TEST(who_was_refused_is_logged_by_name),
    TEST(who_says_no_name_is_no_news),
    {0},
};

const test_suite ssh_users_suite = {.name = "protocols/ssh_users",
                                    .before = ssh_world_before,
                                    .after = ssh_world_after,
                                    .cases = cases};

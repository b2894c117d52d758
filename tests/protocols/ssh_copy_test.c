/* SPDX-License-Identifier: MIT */
/* Copies between this machine and weft's own server, in a simulation; and hosts that lie. */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sftp_codec.h"
#include "ssh_world.h"

static const weft_sim_options plain = {.seed = 1, .system = {.reactors = 1}};
static char big[700001], back[800000];

static void begin(void)
{
    ssh_world_open(&plain);
}

static ssh_heard *heard(void)
{
    return &ssh_heard_now;
}

static void fill_big(void)
{
    for (size_t i = 0; i < sizeof big; i++)
        big[i] = (char)(i * 31 + (i >> 10));
}

/* ---- files */

static void a_file_is_copied_there_and_back(void)
{
    struct stat st;
    fill_big();
    ssh_write_file(ssh_path("one"), big, sizeof big);
    CHECK(chmod(ssh_path("one"), 0640) == 0);
    begin();
    ssh_copy(&(weft_ssh_transfer){.local = ssh_path("one"), .remote = "/two", .to_host = true});
    CHECK_OK(heard()->err);
    CHECK_STR(heard()->why, "");
    CHECK_U64(heard()->copied.files, 1);
    CHECK_U64(heard()->copied.bytes, sizeof big);
    CHECK(stat(ssh_path("two"), &st) == 0 && (st.st_mode & 0777) == 0640);
    ssh_copy(&(weft_ssh_transfer){.local = ssh_path("three"), .remote = "/two"});
    CHECK_OK(heard()->err);
    CHECK_MEM(back, ssh_read_file(ssh_path("three"), back, sizeof back), big, sizeof big);
    ssh_world_close();
}

static void a_file_of_any_length_is_whole(void)
{
    static const size_t sizes[] = {0, 1, 32767, 32768, 32769, 16 * 32768, 16 * 32768 + 1};
    fill_big();
    begin();
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        ssh_write_file(ssh_path("one"), big, sizes[i]);
        ssh_copy(&(weft_ssh_transfer){.local = ssh_path("two"), .remote = "one"});
        CHECK_OK(heard()->err);
        CHECK_MEM(back, ssh_read_file(ssh_path("two"), back, sizeof back), big, sizes[i]);
    }
    ssh_world_close();
}

static void what_is_there_is_replaced(void)
{
    fill_big();
    ssh_write_file(ssh_path("one"), "short", 5);
    ssh_write_file(ssh_path("two"), big, 1000);
    begin();
    ssh_copy(&(weft_ssh_transfer){.local = ssh_path("one"), .remote = "/two", .to_host = true});
    CHECK_OK(heard()->err);
    CHECK_MEM(back, ssh_read_file(ssh_path("two"), back, sizeof back), "short", 5);
    ssh_world_close();
}

static void what_cannot_be_copied_is_told_with_where_it_was(void)
{
    begin();
    ssh_copy(&(weft_ssh_transfer){.local = ssh_path("x"), .remote = "/none"});
    CHECK_ERR(heard()->err, WEFT_ENOTFOUND);
    CHECK(strncmp(heard()->why, "there: /none: ", 14) == 0);
    ssh_copy(&(weft_ssh_transfer){.local = ssh_path("none"), .remote = "/x", .to_host = true});
    CHECK_ERR(heard()->err, WEFT_ENOTFOUND);
    CHECK(strncmp(heard()->why, "here: none: ", 12) == 0);
    ssh_copy(&(weft_ssh_transfer){.local = "/nonexistent/none", .remote = "/authorized"});
    CHECK(heard()->err != WEFT_OK);
    CHECK(mkdir(ssh_path("folder"), 0700) == 0);
    ssh_copy(&(weft_ssh_transfer){.local = ssh_path("x"), .remote = "/folder"});
    CHECK_ERR(heard()->err, WEFT_EUNSUPPORTED);
    ssh_copy(&(weft_ssh_transfer){.local = "", .remote = "/folder"});
    CHECK_ERR(heard()->err, WEFT_EINVAL);
    CHECK(symlink("/etc", ssh_path("out")) == 0);
    ssh_copy(&(weft_ssh_transfer){.local = ssh_path("x"), .remote = "/out/passwd"});
    CHECK_ERR(heard()->err, WEFT_EDENIED);
    CHECK_U64(ssh_read_file(ssh_path("x"), back, sizeof back), SIZE_MAX);
    ssh_world_close();
}

/* ---- trees */

static void make_tree(void)
{
    char name[64];
    CHECK(mkdir(ssh_path("tree"), 0755) == 0);
    CHECK(mkdir(ssh_path("tree/a"), 0755) == 0);
    CHECK(mkdir(ssh_path("tree/a/b"), 0755) == 0);
    CHECK(mkdir(ssh_path("tree/empty"), 0755) == 0);
    CHECK(symlink("a", ssh_path("tree/link")) == 0);
    CHECK(mkfifo(ssh_path("tree/pipe"), 0600) == 0);
    for (int i = 0; i < 20; i++) {
        (void)snprintf(name, sizeof name, "tree/%s%d",
                       i % 3 == 0   ? ""
                       : i % 3 == 1 ? "a/"
                                    : "a/b/",
                       i);
        ssh_write_file(ssh_path(name), name, strlen(name));
    }
}

static void check_tree(const char *to)
{
    char name[64], path[64], text[64];
    struct stat st;
    for (int i = 0; i < 20; i++) {
        (void)snprintf(name, sizeof name, "tree/%s%d",
                       i % 3 == 0   ? ""
                       : i % 3 == 1 ? "a/"
                                    : "a/b/",
                       i);
        (void)snprintf(path, sizeof path, "%s%s", to, name + 4);
        CHECK_MEM(text, ssh_read_file(ssh_path(path), text, sizeof text), name, strlen(name));
    }
    (void)snprintf(path, sizeof path, "%s/empty", to);
    CHECK(stat(ssh_path(path), &st) == 0 && S_ISDIR(st.st_mode));
    (void)snprintf(path, sizeof path, "%s/link", to);
    CHECK(lstat(ssh_path(path), &st) != 0);
    CHECK_U64(heard()->copied.files, 20);
    CHECK_U64(heard()->copied.folders, 4);
    CHECK_U64(heard()->copied.left_out, 2);
}

static void a_tree_is_copied_there_and_back_and_may_be_again(void)
{
    make_tree();
    begin();
    for (int again = 0; again < 2; again++) {
        ssh_copy(&(weft_ssh_transfer){
            .local = ssh_path("tree"), .remote = "/there", .to_host = true, .tree = true});
        CHECK_OK(heard()->err);
        CHECK_STR(heard()->why, "");
        check_tree("there");
        ssh_copy(&(weft_ssh_transfer){.local = ssh_path("back/"), .remote = "tree", .tree = true});
        CHECK_OK(heard()->err);
        check_tree("back");
    }
    ssh_write_file(ssh_path("file"), "x", 1);
    ssh_copy(&(weft_ssh_transfer){
        .local = ssh_path("tree"), .remote = "/file", .to_host = true, .tree = true});
    CHECK_ERR(heard()->err, WEFT_EUNSUPPORTED);
    ssh_world_close();
}

static void folders_within_each_other_have_a_limit(void)
{
    make_tree();
    ssh.client.copy_depth_max = 2;
    begin();
    ssh_copy(&(weft_ssh_transfer){.local = ssh_path("back"), .remote = "/tree", .tree = true});
    CHECK_ERR(heard()->err, WEFT_ELIMIT);
    ssh_world_close();
}

/* ---- hosts that lie: a service of the test's own says what it likes as sftp */

static struct lie {
    const char *name;   /* that is listed */
    uint8_t data_type;  /* what a read is answered with */
    uint32_t data_size; /* and how much of it */
    bool longer;        /* a packet of a length that none has */
    bool stranger;      /* a reply to what was not asked */
} lie;

typedef struct liar {
    size_t size;
    bool listed;
    uint8_t in[9000];
} liar;

static void answer(weft_actor *self, weft_ref stream, liar *l, const wf_sftp_request *r)
{
    static uint8_t text[70000];
    wf_sftp_out out = {.at = text, .max = sizeof text};
    const wf_sftp_attrs folder = {.has = SFTP_HAS_MODE, .mode = S_IFDIR | 0755};
    const wf_sftp_attrs file = {.has = SFTP_HAS_MODE, .mode = S_IFREG | 0644};
    uint32_t id = r->id + (lie.stranger ? 7 : 0);
    switch (r->type) {
    case SFTP_INIT:
        wf_sftp_begin(&out, SFTP_VERSION, 3);
        break;
    case SFTP_STAT:
        wf_sftp_begin(&out, SFTP_ATTRS, id);
        wf_sftp_put_attrs(&out, lie.name != NULL ? &folder : &file);
        break;
    case SFTP_OPEN:
    case SFTP_OPENDIR:
        wf_sftp_begin(&out, SFTP_HANDLE, id);
        wf_sftp_put_text(&out, "h", 1);
        break;
    case SFTP_READDIR:
        if (l->listed) {
            (void)wf_sftp_put_status(&out, id, SFTP_EOF, "");
            break;
        }
        l->listed = true;
        wf_sftp_begin(&out, SFTP_NAME, id);
        wf_sftp_put32(&out, 1);
        wf_sftp_put_text(&out, lie.name, strlen(lie.name));
        wf_sftp_put_text(&out, "", 0);
        wf_sftp_put_attrs(&out, &file);
        break;
    case SFTP_READ:
        wf_sftp_begin(&out, lie.data_type, id);
        (void)wf_sftp_reserve(&out, lie.data_size);
        break;
    default:
        (void)wf_sftp_put_status(&out, id, SFTP_OK, "");
        break;
    }
    if (out.at[4] != SFTP_STATUS)
        CHECK(wf_sftp_end(&out));
    if (lie.longer && r->type == SFTP_OPENDIR)
        out.at[0] = 0x7f;
    CHECK_OK(weft_write_copy(self, stream, out.at, out.size));
}

static weft_err liar_data(weft_actor *self, weft_msg *msg)
{
    const weft_data *data = weft_body(msg);
    liar *l = weft_state(self);
    size_t bytes;
    wf_sftp_request r;
    REQUIRE(l->size + data->bytes.size <= sizeof l->in);
    memcpy(l->in + l->size, data->bytes.at, data->bytes.size);
    l->size += data->bytes.size;
    while (wf_sftp_packet(l->in, l->size, sizeof l->in, &bytes) && bytes != 0 && bytes <= l->size) {
        CHECK(wf_sftp_read(l->in, bytes, &r));
        answer(self, data->stream, l, &r);
        l->size -= bytes;
        memmove(l->in, l->in + bytes, l->size);
    }
    return WEFT_OK;
}

static const weft_handler liar_handlers[] = {{.type = &weft_data_type, .fn = liar_data}, {0}};
static const weft_behaviour liar_behaviour = {
    .name = "test.liar", .handlers = liar_handlers, .state_bytes = sizeof(liar)};
static const weft_ssh_service liars[] = {
    {.kind = WEFT_SSH_SUBSYSTEM, .subsystem = "sftp", .behaviour = &liar_behaviour}, {0}};

static void lied_to(const struct lie *what, weft_err want)
{
    lie = *what;
    (void)unlink(ssh_path("got"));
    ssh.server.services = liars;
    begin();
    ssh_copy(
        &(weft_ssh_transfer){.local = ssh_path("got"), .remote = "/x", .tree = what->name != NULL});
    CHECK_ERR(heard()->err, want);
    CHECK_U64(heard()->answers, 1);
    ssh_world_close();
}

static void names_that_lead_elsewhere_end_a_copy(void)
{
    static const char *const names[] = {"../up", "a/b", "/etc", ""};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        lied_to(&(struct lie){.name = names[i], .data_type = SFTP_DATA, .data_size = 1},
                WEFT_EPROTO);
    CHECK_U64(ssh_read_file(ssh_path("up"), back, sizeof back), SIZE_MAX);
}

static void replies_that_do_not_fit_end_a_copy(void)
{
    lied_to(&(struct lie){.data_type = SFTP_DATA, .data_size = 0}, WEFT_EPROTO);
    lied_to(&(struct lie){.data_type = SFTP_DATA, .data_size = 33000}, WEFT_EPROTO);
    lied_to(&(struct lie){.data_type = SFTP_HANDLE, .data_size = 10}, WEFT_EPROTO);
    lied_to(&(struct lie){.data_type = 99, .data_size = 10}, WEFT_EPROTO);
    lied_to(&(struct lie){.stranger = true}, WEFT_EPROTO);
    lied_to(&(struct lie){.name = "a", .longer = true}, WEFT_EPROTO);
}

static void a_host_without_sftp_is_told_so(void)
{
    static const weft_ssh_service none[] = {{0}};
    ssh.server.services = none;
    begin();
    ssh_copy(&(weft_ssh_transfer){.local = ssh_path("got"), .remote = "/x"});
    CHECK_ERR(heard()->err, WEFT_EUNSUPPORTED);
    ssh_world_close();
}

/* ---- ends in the middle */

/* What is in the folder of the test besides what a copy is of. */
static unsigned parts_there(void)
{
    unsigned n = 0;
    DIR *d = opendir(ssh_path(""));
    REQUIRE(d != NULL);
    for (struct dirent *e; (e = readdir(d)) != NULL;)
        n += strstr(e->d_name, ".part-") != NULL ? 1 : 0;
    (void)closedir(d);
    return n;
}

/* A host that says something else in the middle of a file. */
static void a_file_that_is_not_whole_is_not_there(void)
{
    lie = (struct lie){.data_type = SFTP_HANDLE, .data_size = 10};
    ssh_write_file(ssh_path("got"), "before", 6);
    ssh.server.services = liars;
    begin();
    ssh_copy(&(weft_ssh_transfer){.local = ssh_path("got"), .remote = "/x"});
    CHECK_ERR(heard()->err, WEFT_EPROTO);
    CHECK_MEM(back, ssh_read_file(ssh_path("got"), back, sizeof back), "before", 6);
    ssh_copy(&(weft_ssh_transfer){.local = ssh_path("new"), .remote = "/x"});
    CHECK_ERR(heard()->err, WEFT_EPROTO);
    CHECK_U64(ssh_read_file(ssh_path("new"), back, sizeof back), SIZE_MAX);
    CHECK_U64(parts_there(), 0);
    ssh_world_close();
}

static void a_link_and_a_file_of_another_stay_what_they_are(void)
{
    struct stat st;
    ssh_write_file(ssh_path("one"), "text", 4);
    ssh_write_file(ssh_path("target"), "x", 1);
    CHECK(symlink("target", ssh_path("link")) == 0);
    begin();
    ssh_copy(&(weft_ssh_transfer){.local = ssh_path("link"), .remote = "/one"});
    CHECK_OK(heard()->err);
    CHECK(lstat(ssh_path("link"), &st) == 0 && S_ISLNK(st.st_mode));
    CHECK_MEM(back, ssh_read_file(ssh_path("target"), back, sizeof back), "text", 4);
    if (geteuid() == 0) {
        CHECK(chown(ssh_path("target"), 12345, 12345) == 0);
        ssh_copy(&(weft_ssh_transfer){.local = ssh_path("target"), .remote = "/one"});
        CHECK_OK(heard()->err);
        CHECK(stat(ssh_path("target"), &st) == 0 && st.st_uid == 12345);
    }
    ssh_world_close();
}

static void a_copy_may_end_in_the_middle(void)
{
    fill_big();
    ssh_write_file(ssh_path("one"), big, sizeof big);
    for (unsigned steps = 300; steps < 1500; steps += 41) {
        begin();
        ssh_ask_copy(&(weft_ssh_transfer){.local = ssh_path("two"), .remote = "/one"});
        for (unsigned i = 0; i < steps; i++)
            (void)weft_sim_step(ssh.sim);
        CHECK_OK(weft_sim_kill(ssh.sim, steps % 2 == 0 ? ssh.host : ssh.asker, WEFT_EABORTED));
        (void)weft_sim_settle(ssh.sim, 5000);
        ssh_world_close();
    }
}

static void any_allocation_may_fail(void)
{
    bool met = true;
    unsigned n = 1;
    ssh_write_file(ssh_path("one"), "text", 4);
    for (; met && n < 2000; n++) {
        begin();
        weft_sim_fail_allocation(ssh.sim, n);
        ssh_copy(&(weft_ssh_transfer){.local = ssh_path("two"), .remote = "/one"});
        met = weft_sim_allocation_failed(ssh.sim);
        weft_sim_fail_allocation(ssh.sim, 0);
        if (met) {
            ssh_copy(&(weft_ssh_transfer){.local = ssh_path("two"), .remote = "/one"});
            ssh_copy(&(weft_ssh_transfer){.local = ssh_path("two"), .remote = "/one"});
        }
        CHECK_OK(heard()->err);
        CHECK_MEM(back, ssh_read_file(ssh_path("two"), back, sizeof back), "text", 4);
        ssh_world_close();
    }
    CHECK(n > 20 && n < 2000);
}

static const test_case cases[] = {
    TEST(a_file_is_copied_there_and_back),
    TEST(a_file_of_any_length_is_whole),
    TEST(what_is_there_is_replaced),
    TEST(what_cannot_be_copied_is_told_with_where_it_was),
    TEST(a_tree_is_copied_there_and_back_and_may_be_again),
    TEST(folders_within_each_other_have_a_limit),
    TEST(names_that_lead_elsewhere_end_a_copy),
    TEST(replies_that_do_not_fit_end_a_copy),
    TEST(a_host_without_sftp_is_told_so),
    TEST(a_file_that_is_not_whole_is_not_there),
    TEST(a_link_and_a_file_of_another_stay_what_they_are),
    TEST(a_copy_may_end_in_the_middle),
    TEST(any_allocation_may_fail),
    {0},
};

const test_suite ssh_copy_suite = {.name = "protocols/ssh_copy",
                                   .before = ssh_world_before,
                                   .after = ssh_world_after,
                                   .cases = cases};

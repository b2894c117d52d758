/* SPDX-License-Identifier: MIT */
/* SFTP: packets, paths, and requests served from a folder that the tests make. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"
#include "sftp_path.h"
#include "sftp_serve.h"
#include "ssh_account.h"

enum { OUT_MAX = 300 << 10, HANDLES = 4 };

static char root[64];
static wf_sftp sftp;
static wf_sftp_handle handles[HANDLES];
static uint8_t packet[8192], reply[OUT_MAX];
static wf_sftp_out in, out;

static void before(void)
{
    (void)snprintf(root, sizeof root, "/tmp/weft-sftp-test.XXXXXX");
    REQUIRE(mkdtemp(root) != NULL);
    for (int i = 0; i < HANDLES; i++)
        handles[i] = (wf_sftp_handle){.fd = -1};
    sftp = (wf_sftp){.root = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC),
                     .handles_max = HANDLES,
                     .handles = handles,
                     .begun = true};
    REQUIRE(sftp.root >= 0);
}

static void after(void)
{
    char command[96];
    wf_sftp_done(&sftp);
    (void)snprintf(command, sizeof command, "rm -rf %s", root);
    CHECK(system(command) == 0);
}

static const char *in_root(const char *name)
{
    static char path[256];
    (void)snprintf(path, sizeof path, "%s/%s", root, name);
    return path;
}

/* ---- requests, written with the codec's own writer, which the byte tests check */

static void ask(uint8_t type, const char *path)
{
    in = (wf_sftp_out){.at = packet, .max = sizeof packet};
    wf_sftp_begin(&in, type, 77);
    wf_sftp_put_text(&in, path, strlen(path));
}

static void put64(uint64_t v)
{
    wf_sftp_put32(&in, (uint32_t)(v >> 32));
    wf_sftp_put32(&in, (uint32_t)v);
}

static bool serve(void)
{
    CHECK(wf_sftp_end(&in));
    out = (wf_sftp_out){.at = reply, .max = sizeof reply};
    return wf_sftp_serve(&sftp, packet, in.size, &out);
}

static uint32_t word(size_t at)
{
    return (uint32_t)reply[at] << 24 | (uint32_t)reply[at + 1] << 16 |
           (uint32_t)reply[at + 2] << 8 | reply[at + 3];
}

static uint32_t status(void)
{
    CHECK(serve());
    CHECK_U64(word(0) + 4, out.size);
    CHECK_U64(word(5), 77);
    return reply[4] == SFTP_STATUS ? word(9) : 1000U + reply[4];
}

static void path_request(uint8_t type, const char *path, uint32_t want)
{
    static const wf_sftp_attrs none = {0};
    ask(type, path);
    if (type == SFTP_MKDIR)
        wf_sftp_put_attrs(&in, &none);
    CHECK_U64(status(), want);
}

static uint32_t open_with(const char *path, uint32_t flags, uint8_t handle[8])
{
    static const wf_sftp_attrs none = {0};
    ask(SFTP_OPEN, path);
    wf_sftp_put32(&in, flags);
    wf_sftp_put_attrs(&in, &none);
    uint32_t s = status();
    if (s == 1000 + SFTP_HANDLE)
        memcpy(handle, reply + 13, 8);
    return s;
}

static void ask_handle(uint8_t type, const uint8_t handle[8])
{
    in = (wf_sftp_out){.at = packet, .max = sizeof packet};
    wf_sftp_begin(&in, type, 77);
    wf_sftp_put_text(&in, handle, 8);
}

/* ---- packets */

static void a_packet_is_cut_where_its_length_says(void)
{
    static const uint8_t bytes[] = {0, 0, 0, 9, 17, 0, 0, 0, 1, 0, 0, 0, 0, 99};
    size_t n = 1;
    for (size_t have = 0; have < 4; have++) {
        CHECK(wf_sftp_packet(bytes, have, 100, &n));
        CHECK_U64(n, 0);
    }
    CHECK(wf_sftp_packet(bytes, sizeof bytes, 100, &n));
    CHECK_U64(n, 13);
    CHECK(wf_sftp_packet(bytes, 4, 13, &n));
    CHECK(!wf_sftp_packet(bytes, 4, 12, &n));
    static const uint8_t empty[] = {0, 0, 0, 4};
    CHECK(!wf_sftp_packet(empty, 4, 100, &n));
}

static void every_packet_that_is_cut_short_is_refused(void)
{
    static const uint8_t types[] = {3,  4,  5,  6,  7,  8,  9,  10, 11,
                                    12, 13, 14, 15, 16, 17, 18, 19, 20};
    wf_sftp_request r;
    for (size_t t = 0; t < sizeof types; t++) {
        in = (wf_sftp_out){.at = packet, .max = sizeof packet};
        wf_sftp_begin(&in, types[t], 77);
        wf_sftp_put_text(&in, "name", 4);
        if (types[t] == SFTP_RENAME || types[t] == SFTP_SYMLINK)
            wf_sftp_put_text(&in, "name", 4);
        if (types[t] == SFTP_OPEN || types[t] == SFTP_SETSTAT || types[t] == SFTP_FSETSTAT ||
            types[t] == SFTP_MKDIR)
            for (int i = 0; i < (types[t] == SFTP_OPEN ? 2 : 1); i++)
                wf_sftp_put32(&in, 0);
        if (types[t] == SFTP_READ)
            for (int i = 0; i < 3; i++)
                wf_sftp_put32(&in, 0);
        if (types[t] == SFTP_WRITE)
            for (int i = 0; i < 3; i++)
                wf_sftp_put32(&in, 0);
        CHECK(wf_sftp_end(&in));
        CHECK(wf_sftp_read(packet, in.size, &r));
        for (size_t n = 0; n < in.size; n++)
            CHECK(!wf_sftp_read(packet, n, &r));
    }
}

static void a_reply_that_has_no_room_is_taken_back(void)
{
    uint8_t small[20];
    wf_sftp_out o = {.at = small, .max = sizeof small};
    CHECK(!wf_sftp_put_status(&o, 1, SFTP_OK, "too long for this"));
    CHECK_U64(o.size, 0);
    CHECK(o.is_short);
}

/* ---- paths */

static void a_path_never_leads_above_the_root(void)
{
    static const struct {
        const char *from, *to;
    } rows[] = {
        {"", ""},           {"/", ""},
        {".", ""},          {"..", ""},
        {"/..//../x", "x"}, {"a/./b/", "a/b"},
        {"a/../../b", "b"}, {"a/b/../../../c/d", "c/d"},
        {"...", "..."},     {"a/..b/c..", "a/..b/c.."},
    };
    char got[PATH_MAX];
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        CHECK(wf_sftp_path(
            (wf_sftp_text){(const uint8_t *)rows[i].from, (uint32_t)strlen(rows[i].from)}, got));
        CHECK_STR(got, rows[i].to);
    }
    CHECK(!wf_sftp_path((wf_sftp_text){(const uint8_t *)"a\0b", 3}, got));
    uint8_t *longer = calloc(1, PATH_MAX);
    REQUIRE(longer != NULL);
    memset(longer, 'a', PATH_MAX);
    CHECK(!wf_sftp_path((wf_sftp_text){longer, PATH_MAX}, got));
    free(longer);
}

static void a_link_that_leads_out_is_refused_for_everything(void)
{
    uint8_t handle[8] = {0};
    CHECK(symlink("/etc", in_root("out")) == 0);
    CHECK(symlink("../../etc/passwd", in_root("up")) == 0);
    CHECK_U64(open_with("out/passwd", SFTP_TO_READ, handle), SFTP_PERMISSION_DENIED);
    CHECK_U64(open_with("up", SFTP_TO_READ, handle), SFTP_PERMISSION_DENIED);
    CHECK_U64(open_with("out/new", SFTP_TO_WRITE | SFTP_TO_CREATE, handle), SFTP_PERMISSION_DENIED);
    path_request(SFTP_OPENDIR, "out", SFTP_PERMISSION_DENIED);
    path_request(SFTP_STAT, "up", SFTP_PERMISSION_DENIED);
    path_request(SFTP_LSTAT, "up", 1000 + SFTP_ATTRS);
    path_request(SFTP_MKDIR, "out/x", SFTP_PERMISSION_DENIED);
    path_request(SFTP_REMOVE, "out/passwd", SFTP_PERMISSION_DENIED);
    path_request(SFTP_REMOVE, "up", SFTP_OK);
}

/* ---- requests */

static void a_file_is_written_read_and_looked_at(void)
{
    uint8_t handle[8] = {0};
    struct stat st;
    CHECK_U64(open_with("/f", SFTP_TO_WRITE | SFTP_TO_READ | SFTP_TO_CREATE, handle),
              1000 + SFTP_HANDLE);
    ask_handle(SFTP_WRITE, handle);
    put64(3);
    wf_sftp_put_text(&in, "hello", 5);
    CHECK_U64(status(), SFTP_OK);
    ask_handle(SFTP_READ, handle);
    put64(2);
    wf_sftp_put32(&in, 100);
    CHECK_U64(status(), 1000 + SFTP_DATA);
    CHECK_U64(word(9), 6);
    CHECK_MEM(reply + 13, 6, "\0hello", 6);
    ask_handle(SFTP_READ, handle);
    put64(8);
    wf_sftp_put32(&in, 100);
    CHECK_U64(status(), SFTP_EOF);
    ask_handle(SFTP_READ, handle);
    put64(UINT64_MAX);
    wf_sftp_put32(&in, UINT32_MAX);
    CHECK_U64(status(), SFTP_EOF);
    ask_handle(SFTP_FSTAT, handle);
    CHECK_U64(status(), 1000 + SFTP_ATTRS);
    CHECK_U64(word(17), 8);
    ask_handle(SFTP_FSETSTAT, handle);
    wf_sftp_put_attrs(&in, &(wf_sftp_attrs){.has = SFTP_HAS_MODE | SFTP_HAS_TIMES | SFTP_HAS_SIZE,
                                            .mode = 01640,
                                            .mtime = 1000,
                                            .size = 5});
    CHECK_U64(status(), SFTP_OK);
    CHECK(stat(in_root("f"), &st) == 0);
    CHECK_U64(st.st_mode & 07777, 01640);
    CHECK_U64(st.st_mtim.tv_sec, 1000);
    CHECK_U64(st.st_size, 5);
    ask_handle(SFTP_CLOSE, handle);
    CHECK_U64(status(), SFTP_OK);
    /* an old handle is no handle, though its place is used again */
    CHECK_U64(open_with("/f", SFTP_TO_READ, handle + 0), 1000 + SFTP_HANDLE);
    handle[4] ^= 1;
    ask_handle(SFTP_CLOSE, handle);
    CHECK_U64(status(), SFTP_FAILURE);
}

static void who_has_a_file_that_nobody_reads_may_change_its_attributes(void)
{
    static const wf_ssh_account nobody = {.name = "nobody", .uid = 65534, .gid = 65534};
    wf_ssh_rights was = {0};
    weft_why why;
    struct stat st;
    int fd = open(in_root("f"), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    CHECK(fd >= 0 && fchmod(fd, 0) == 0 && close(fd) == 0);
    if (geteuid() == 0) { /* who reads everything */
        CHECK(chown(root, nobody.uid, nobody.gid) == 0);
        CHECK(chown(in_root("f"), nobody.uid, nobody.gid) == 0);
        CHECK_OK(wf_ssh_rights_take(&nobody, &was, &why));
    }
    ask(SFTP_SETSTAT, "f");
    wf_sftp_put_attrs(&in, &(wf_sftp_attrs){.has = SFTP_HAS_TIMES, .atime = 1000, .mtime = 2000});
    uint32_t timed = status();
    ask(SFTP_SETSTAT, "f");
    wf_sftp_put_attrs(&in, &(wf_sftp_attrs){.has = SFTP_HAS_SIZE, .size = 5});
    uint32_t cut = status();
    ask(SFTP_SETSTAT, "f");
    wf_sftp_put_attrs(&in, &(wf_sftp_attrs){.has = SFTP_HAS_MODE, .mode = 0640});
    uint32_t allowed = status();
    if (geteuid() == 0)
        wf_ssh_rights_give_back(&was);
    CHECK_U64(timed, SFTP_OK);
    CHECK_U64(cut, SFTP_PERMISSION_DENIED);
    CHECK_U64(allowed, SFTP_OK);
    CHECK(stat(in_root("f"), &st) == 0);
    CHECK_U64(st.st_mode & 07777, 0640);
    CHECK_I64(st.st_atim.tv_sec, 1000);
    CHECK_I64(st.st_mtim.tv_sec, 2000);
    CHECK_I64(st.st_size, 0);
}

static uint32_t set_mode(uint32_t mode)
{
    ask(SFTP_SETSTAT, "f");
    wf_sftp_put_attrs(&in, &(wf_sftp_attrs){.has = SFTP_HAS_MODE | SFTP_HAS_TIMES, .mode = mode});
    return status();
}

static void set_user_id_is_for_the_files_of_ones_own(void)
{
    struct stat st;
    int fd = open(in_root("f"), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    CHECK(fd >= 0 && close(fd) == 0);
    CHECK_U64(set_mode(04755), SFTP_PERMISSION_DENIED);
    CHECK_U64(set_mode(02755), SFTP_PERMISSION_DENIED);
    CHECK(stat(in_root("f"), &st) == 0);
    CHECK_U64(st.st_mode & 07777, 0600);
    CHECK(st.st_mtim.tv_sec != 0);
    CHECK_U64(set_mode(01755), SFTP_OK);
    sftp.own = true;
    CHECK_U64(set_mode(07755), SFTP_OK);
    CHECK(stat(in_root("f"), &st) == 0);
    CHECK_U64(st.st_mode & 07777, 07755);
}

static void names_are_changed_as_the_draft_says(void)
{
    uint8_t handle[8] = {0};
    struct stat st;
    path_request(SFTP_MKDIR, "d", SFTP_OK);
    path_request(SFTP_MKDIR, "d", SFTP_FAILURE);
    CHECK_U64(open_with("d/a", SFTP_TO_WRITE | SFTP_TO_CREATE | SFTP_EXCLUSIVE, handle),
              1000 + SFTP_HANDLE);
    CHECK_U64(open_with("d/a", SFTP_TO_WRITE | SFTP_TO_CREATE | SFTP_EXCLUSIVE, handle),
              SFTP_FAILURE);
    CHECK_U64(open_with("d/b", SFTP_TO_WRITE | SFTP_TO_CREATE, handle), 1000 + SFTP_HANDLE);
    ask(SFTP_RENAME, "d/a");
    wf_sftp_put_text(&in, "d/b", 3);
    CHECK_U64(status(), SFTP_FAILURE);
    ask(SFTP_EXTENDED, "posix-rename@openssh.com");
    wf_sftp_put_text(&in, "d/a", 3);
    wf_sftp_put_text(&in, "d/b", 3);
    CHECK_U64(status(), SFTP_OK);
    ask(SFTP_SYMLINK, "b");
    wf_sftp_put_text(&in, "d/l", 3);
    CHECK_U64(status(), SFTP_OK);
    CHECK(lstat(in_root("d/l"), &st) == 0 && S_ISLNK(st.st_mode));
    ask(SFTP_READLINK, "d/l");
    CHECK_U64(status(), 1000 + SFTP_NAME);
    ask(SFTP_EXTENDED, "hardlink@openssh.com");
    wf_sftp_put_text(&in, "d/b", 3);
    wf_sftp_put_text(&in, "d/h", 3);
    CHECK_U64(status(), SFTP_OK);
    CHECK(stat(in_root("d/h"), &st) == 0 && st.st_nlink == 2);
    path_request(SFTP_RMDIR, "d", SFTP_FAILURE);
    path_request(SFTP_RMDIR, "/", SFTP_FAILURE);
    path_request(SFTP_REMOVE, "none", SFTP_NO_SUCH_FILE);
    ask(SFTP_EXTENDED, "unheard@of");
    CHECK_U64(status(), SFTP_OP_UNSUPPORTED);
    path_request(SFTP_REALPATH, "x/../d/.", 1000 + SFTP_NAME);
    CHECK_MEM(reply + 17, 2, "/d", 2);
}

static void a_folder_is_listed_in_pieces_that_fit(void)
{
    enum { FILES = 700 };
    uint8_t handle[8] = {0};
    char name[256];
    unsigned names = 0, pieces = 0;
    for (int i = 0; i < FILES; i++) {
        (void)snprintf(name, sizeof name, "%s/a-rather-long-name-of-a-file-%0100d", root, i);
        int fd = open(name, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
        REQUIRE(fd >= 0);
        (void)close(fd);
    }
    path_request(SFTP_OPENDIR, "/", 1000 + SFTP_HANDLE);
    memcpy(handle, reply + 13, 8);
    for (uint32_t s = 0; s != SFTP_EOF; pieces++) {
        ask_handle(SFTP_READDIR, handle);
        s = status();
        CHECK(s == 1000 + SFTP_NAME || s == SFTP_EOF);
        names += s == SFTP_EOF ? 0 : word(9);
        CHECK(out.size < 40 << 10);
        REQUIRE(pieces < 100);
    }
    CHECK_U64(names, FILES + 2);
    CHECK(pieces > 3);
}

static void handles_max_is_met(void)
{
    uint8_t handle[8] = {0};
    for (int i = 0; i < HANDLES; i++)
        CHECK_U64(open_with("f", SFTP_TO_WRITE | SFTP_TO_CREATE, handle), 1000 + SFTP_HANDLE);
    CHECK_U64(open_with("f", SFTP_TO_READ, handle), SFTP_FAILURE);
    path_request(SFTP_OPENDIR, "/", SFTP_FAILURE);
    ask_handle(SFTP_CLOSE, handle);
    CHECK_U64(status(), SFTP_OK);
    path_request(SFTP_OPENDIR, "/", 1000 + SFTP_HANDLE);
}

static void what_is_read_only_is_not_changed(void)
{
    uint8_t handle[8] = {0};
    CHECK_U64(open_with("f", SFTP_TO_WRITE | SFTP_TO_CREATE, handle), 1000 + SFTP_HANDLE);
    sftp.read_only = true;
    CHECK_U64(open_with("f", SFTP_TO_READ, handle), 1000 + SFTP_HANDLE);
    CHECK_U64(open_with("f", SFTP_TO_READ | SFTP_TO_TRUNCATE, handle), SFTP_PERMISSION_DENIED);
    CHECK_U64(open_with("g", SFTP_TO_WRITE | SFTP_TO_CREATE, handle), SFTP_PERMISSION_DENIED);
    path_request(SFTP_REMOVE, "f", SFTP_PERMISSION_DENIED);
    path_request(SFTP_MKDIR, "d", SFTP_PERMISSION_DENIED);
}

static void a_pipe_is_no_file_and_holds_nobody(void)
{
    uint8_t handle[8] = {0};
    CHECK(mkfifo(in_root("p"), 0600) == 0);
    CHECK_U64(open_with("p", SFTP_TO_READ, handle), SFTP_FAILURE);
}

static void the_version_comes_first_and_once(void)
{
    in = (wf_sftp_out){.at = packet, .max = sizeof packet};
    wf_sftp_begin(&in, SFTP_INIT, 3);
    CHECK(!serve());
    CHECK(!out.is_short);
    sftp.begun = false;
    ask(SFTP_STAT, "/");
    CHECK(!serve());
    in = (wf_sftp_out){.at = packet, .max = sizeof packet};
    wf_sftp_begin(&in, SFTP_INIT, 3);
    CHECK(serve());
    CHECK_U64(reply[4], SFTP_VERSION);
    CHECK_U64(word(5), 3);
}

static const test_case cases[] = {
    TEST(a_packet_is_cut_where_its_length_says),
    TEST(every_packet_that_is_cut_short_is_refused),
    TEST(a_reply_that_has_no_room_is_taken_back),
    TEST(a_path_never_leads_above_the_root),
    TEST(a_link_that_leads_out_is_refused_for_everything),
    TEST(a_file_is_written_read_and_looked_at),
    TEST(who_has_a_file_that_nobody_reads_may_change_its_attributes),
    TEST(set_user_id_is_for_the_files_of_ones_own),
    TEST(names_are_changed_as_the_draft_says),
    TEST(a_folder_is_listed_in_pieces_that_fit),
    TEST(handles_max_is_met),
    TEST(what_is_read_only_is_not_changed),
    TEST(a_pipe_is_no_file_and_holds_nobody),
    TEST(the_version_comes_first_and_once),
    {0},
};

const test_suite sftp_suite = {
    .name = "protocols/sftp", .before = before, .after = after, .cases = cases};

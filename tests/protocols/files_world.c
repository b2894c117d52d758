/* SPDX-License-Identifier: MIT */
/* The simulated server of files, its client, and the files. */
#include "files_world.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <weft/net.h>

enum { OLD_S = 3600, SETTLE_MS = 20000 };

weft_http_files_config files_config;
weft_sim *files_sim;

static char root[64];
static unsigned descriptors_before;

static weft_http_files_config one_config;
static const weft_http_route routes[] = {
    {.route = "GET /files/*", .use = &weft_http_files, .config = &files_config},
    {.route = "/any/*", .use = &weft_http_files, .config = &files_config},
    {.route = "GET /one/:name/raw", .use = &weft_http_files, .config = &one_config},
    {0},
};

/* ---- the client */

static struct {
    char request[8192];
    size_t request_n;
    uint8_t *bytes;
    size_t n, room;
    weft_err reason;
    bool over;
} client;

static weft_err on_started(weft_actor *self, weft_msg *msg)
{
    (void)msg;
    weft_ref stream = weft_connect(self, "sim://files", weft_self(self));
    return weft_ref_is_nobody(stream) ? weft_stop(self, WEFT_ENOMEM) : WEFT_OK;
}

static weft_err on_opened(weft_actor *self, weft_msg *msg)
{
    const weft_opened *opened = weft_body(msg);
    return weft_write_copy(self, opened->stream, client.request, client.request_n);
}

static weft_err on_data(weft_actor *self, weft_msg *msg)
{
    const weft_data *data = weft_body(msg);
    (void)self;
    if (client.n + data->bytes.size > client.room) {
        client.room = 2 * (client.n + data->bytes.size);
        client.bytes = realloc(client.bytes, client.room);
        REQUIRE(client.bytes != NULL);
    }
    memcpy(client.bytes + client.n, data->bytes.at, data->bytes.size);
    client.n += data->bytes.size;
    return WEFT_OK;
}

static weft_err on_closed(weft_actor *self, weft_msg *msg)
{
    const weft_closed *closed = weft_body(msg);
    client.reason = closed->reason;
    return weft_stop(self, WEFT_OK);
}

static void ended(weft_actor *self, weft_err reason)
{
    (void)self;
    (void)reason;
    client.over = true;
}

static const weft_handler rows[] = {
    {.type = &weft_started_type, .fn = on_started},
    {.type = &weft_opened_type, .fn = on_opened},
    {.type = &weft_data_type, .fn = on_data},
    {.type = &weft_closed_type, .fn = on_closed},
    {0},
};
static const weft_behaviour client_behaviour = {.name = "client", .handlers = rows, .ended = ended};

static files_reply read_reply(bool head_only)
{
    files_reply r = {.reason = client.reason};
    const uint8_t *end = client.n > 0 ? memmem(client.bytes, client.n, "\r\n\r\n", 4) : NULL;

    if (end == NULL)
        return r;
    size_t head_n = (size_t)(end - client.bytes) + 2;
    REQUIRE(head_n < sizeof r.head);
    memcpy(r.head, client.bytes, head_n);
    r.head[head_n] = '\0';
    r.status = atoi(r.head + strlen("HTTP/1.1 "));
    r.body = end + 4;
    r.body_n = client.n - head_n - 2;
    const char *length = files_field(&r, "Content-Length");
    bool bodyless = head_only || r.status == 304;
    r.complete = r.body_n == (bodyless ? 0 : strtoull(length, NULL, 10));
    return r;
}

files_reply files_ask(const char *method, const char *target, const char *fields)
{
    int n = snprintf(client.request, sizeof client.request,
                     "%s %s HTTP/1.1\r\nHost: files\r\nConnection: close\r\n%s\r\n", method, target,
                     fields != NULL ? fields : "");
    REQUIRE(n > 0 && (size_t)n < sizeof client.request);
    client.request_n = (size_t)n;
    client.n = 0;
    client.over = false;
    client.reason = WEFT_EINTERNAL;
    if (!weft_ref_is_nobody(weft_sim_spawn(files_sim, &client_behaviour, NULL)))
        for (int ms = 0; !client.over && ms < SETTLE_MS; ms++) {
            (void)weft_sim_run(files_sim);
            if (!client.over)
                weft_sim_advance(files_sim, 1);
        }
    return read_reply(strcmp(method, "HEAD") == 0);
}

files_reply files_get(const char *target, const char *fields)
{
    return files_ask("GET", target, fields);
}

const char *files_field(const files_reply *reply, const char *name)
{
    static char value[512];
    char line[64];
    (void)snprintf(line, sizeof line, "\r\n%s: ", name);
    const char *at = strstr(reply->head, line);
    if (at == NULL)
        return "";
    at += strlen(line);
    size_t n = strcspn(at, "\r");
    REQUIRE(n < sizeof value);
    memcpy(value, at, n);
    value[n] = '\0';
    return value;
}

/* ---- the files */

const char *files_path(const char *name)
{
    static char path[512];
    int n = snprintf(path, sizeof path, "%s/%s", root, name);
    REQUIRE(n > 0 && (size_t)n < sizeof path);
    return path;
}

static void make_folders(const char *name)
{
    char folder[256];
    for (const char *slash = strchr(name, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        (void)snprintf(folder, sizeof folder, "%.*s", (int)(slash - name), name);
        (void)mkdir(files_path(folder), 0755);
    }
}

static int64_t now_s(void)
{
    return 1700000000 + (int64_t)weft_sim_now(files_sim) / 1000;
}

void files_set_age(const char *name, int seconds)
{
    struct timespec times[2] = {{.tv_sec = (time_t)(now_s() - seconds)}};
    times[1] = times[0];
    REQUIRE(utimensat(AT_FDCWD, files_path(name), times, AT_SYMLINK_NOFOLLOW) == 0);
}

void files_put(const char *name, const void *bytes, size_t n)
{
    make_folders(name);
    FILE *file = fopen(files_path(name), "w");
    REQUIRE(file != NULL);
    REQUIRE(fwrite(bytes, 1, n, file) == n);
    REQUIRE(fclose(file) == 0);
    files_set_age(name, OLD_S);
}

void files_put_text(const char *name, const char *text)
{
    files_put(name, text, strlen(text));
}

uint8_t files_noise_at(size_t i)
{
    uint64_t x = (i + 1) * UINT64_C(0x9e3779b97f4a7c15);
    x ^= x >> 29;
    x *= UINT64_C(0xbf58476d1ce4e5b9);
    return (uint8_t)(x >> 56);
}

void files_put_noise(const char *name, size_t n)
{
    uint8_t *bytes = malloc(n + 1);
    REQUIRE(bytes != NULL);
    for (size_t i = 0; i < n; i++)
        bytes[i] = files_noise_at(i);
    files_put(name, bytes, n);
    free(bytes);
}

size_t files_put_numbers(const char *name, unsigned lines)
{
    size_t room = (size_t)lines * 12 + 1, n = 0;
    char *text = malloc(room);
    REQUIRE(text != NULL);
    for (unsigned i = 0; i < lines; i++)
        n += (size_t)snprintf(text + n, room - n, "%u\n", i);
    files_put(name, text, n);
    free(text);
    return n;
}

void files_link(const char *to, const char *name)
{
    make_folders(name);
    REQUIRE(symlink(to, files_path(name)) == 0);
}

void files_remove(const char *name)
{
    REQUIRE(remove(files_path(name)) == 0);
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)st;
    (void)kind;
    (void)at;
    return remove(path);
}

unsigned files_descriptors(void)
{
    DIR *dir = opendir("/proc/self/fd");
    unsigned n = 0;
    REQUIRE(dir != NULL);
    while (readdir(dir) != NULL)
        n++;
    (void)closedir(dir);
    return n;
}

/* ---- the world */

void files_world_open_with(const weft_sim_options *options)
{
    (void)snprintf(root, sizeof root, "%s/weft-files-XXXXXX", P_tmpdir);
    REQUIRE(mkdtemp(root) != NULL);
    REQUIRE(chmod(root, 0755) == 0);
    files_config = one_config = (weft_http_files_config){.root = root};
    one_config.param = "name";
    descriptors_before = files_descriptors();
    files_sim = weft_sim_new(options);
    REQUIRE(files_sim != NULL);
    CHECK_OK(weft_listen(weft_sim_system(files_sim), "sim://files", &weft_http_site, routes));
}

void files_world_open(void)
{
    files_world_open_with(NULL);
}

void files_world_open_cold(void)
{
    files_world_open_with(&(weft_sim_options){.seed = 1, .faults.cold = 1000000});
}

void files_world_close(void)
{
    CHECK_U64(weft_sim_free(&files_sim), 0);
    CHECK_U64(files_descriptors(), descriptors_before);
    (void)nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    free(client.bytes);
    client.bytes = NULL;
    client.n = client.room = 0;
}

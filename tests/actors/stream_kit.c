/* SPDX-License-Identifier: MIT */
/* Two ends of a stream over any transport: the actors of the streams' tests. */
#include "actors/stream_kit.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

#include <weft/tls.h>

#include "pipes.h"
#include "test_certificate.h"

enum { HANGS_AFTER_MS = 120000, SIM_HANGS_AFTER_MS = 3600000, PIECE = 16 << 10 };

/* A PROXY header before, limits around: no test may tell. */
#define LIMITS "idle=1h&lifetime=2h&read_rate=900M&write_rate=1G"
#define LISTEN_POLICIES "proxy=v2&allow=all&peer_conns_max=100&write_rate_all=1G&" LIMITS
#define CONNECT_POLICIES "proxy=v2&" LIMITS

const kit_transport kit_transports[] = {
    {.name = "tcp", .url = "tcp://127.0.0.1:0", .resets = true, .sockets = true},
    {.name = "tcp, v6", .url = "tcp://[::1]:0", .resets = true, .sockets = true},
    {.name = "unix path", .url = "unix:" P_tmpdir "/weft-test-%d.sock", .sockets = true},
    {.name = "unix abstract", .url = "unix:@weft-test-%d", .sockets = true},
    {.name = "pair", .resets = true},
    {.name = "nng over tcp", .url = "nng+tcp://127.0.0.1:0", .resets = true, .sockets = true},
    {.name = "nng over tcp, v6", .url = "nng+tcp://[::1]:0", .resets = true, .sockets = true},
    {.name = "nng over ipc",
     .url = "nng+ipc:" P_tmpdir "/weft-test-nng-%d",
     .resets = true,
     .sockets = true},
    {.name = "nng over tcp with policies",
     .url = "nng+tcp://127.0.0.1:0",
     .listen_policies = LISTEN_POLICIES "&tap=/dev/null",
     .connect_policies = CONNECT_POLICIES "&tap=/dev/null&tap_format=pcap",
     .resets = true,
     .sockets = true},
    {.name = "tls by url over nng",
     .url = "nng+tls+tcp://127.0.0.1:0",
     .secure = true,
     .resets = true,
     .sockets = true},
    {.name = "exec", .url = "unix:" P_tmpdir "/weft-test-exec-%d.sock", .exec = "--relay"},
    {.name = "stdio",
     .url = "unix:" P_tmpdir "/weft-test-stdio-%d.sock",
     .exec = "--stdio",
     .forwarded = true},
    {.name = "given by fd", .url = "fd:%d", .given = true, .sockets = true},
    {.name = "adopted sockets", .adopted = true, .sockets = true},
    {.name = "pipes", .pipes = true},
    {.name = "tls over a pair", .tls = true, .resets = true},
    {.name = "tls over pipes", .pipes = true, .tls = true},
    {.name = "tls over tcp",
     .url = "tcp://127.0.0.1:0",
     .tls = true,
     .resets = true,
     .sockets = true},
    {.name = "simulated wire", .url = "sim://kit:1", .sim = true, .resets = true},
    {.name = "tcp with policies",
     .url = "tcp://127.0.0.1:0",
     .listen_policies = LISTEN_POLICIES "&tap=/dev/null",
     .connect_policies = CONNECT_POLICIES "&tap=/dev/null&tap_format=pcap",
     .resets = true,
     .sockets = true},
    {.name = "simulated wire with policies",
     .url = "sim://kit:1",
     .listen_policies = LISTEN_POLICIES "&rate_burst=100k",
     .connect_policies = CONNECT_POLICIES,
     .sim = true,
     .resets = true},
    {.name = "simulated wire in small pieces",
     .url = "sim://kit:1",
     .sim = true,
     .faults = {.short_read = 300000, .short_write = 300000, .latency_ms_max = 3},
     .resets = true},
    /* no PROXY header: what a client says behind it has been read before a side can push TLS itself */
    {.name = "tls over the simulated wire with limits",
     .url = "sim://kit:1",
     .listen_policies = LIMITS "&tap=/dev/null",
     .connect_policies = LIMITS,
     .sim = true,
     .tls = true,
     .resets = true},
    {.name = "tls over the simulated wire",
     .url = "sim://kit:1",
     .sim = true,
     .faults = {.short_read = 100000, .short_write = 100000, .latency_ms_max = 3},
     .tls = true,
     .resets = true},
    {.name = "tls by url",
     .url = "tls://127.0.0.1:0",
     .secure = true,
     .resets = true,
     .sockets = true},
    {.name = "tls by url over unix",
     .url = "unix:@weft-test-tls-%d",
     .secure = true,
     .sockets = true},
    {.name = "tls by url over exec",
     .url = "unix:" P_tmpdir "/weft-test-exec-%d.sock",
     .exec = "--relay",
     .secure = true},
    {.name = "tls by url over the simulated wire",
     .url = "sim://kit:1",
     .sim = true,
     .faults = {.short_read = 100000, .short_write = 100000, .latency_ms_max = 3},
     .secure = true,
     .resets = true},
    {.name = "tls in tls",
     .url = "tls://127.0.0.1:0",
     .secure = true,
     .tls = true,
     .resets = true,
     .sockets = true},
    {0},
};

static unsigned failures_before;

bool kit_wants(const kit_transport *by)
{
    failures_before = CU_get_number_of_failures();
    const char *only = getenv("WEFT_TEST_TRANSPORT");
    return only == NULL || strcmp(only, by->name) == 0;
}

void kit_tell_failures(const kit_transport *by)
{
    unsigned now = CU_get_number_of_failures();
    if (now != failures_before)
        (void)fprintf(stderr, "\n    (the last %u with transport %s)", now - failures_before,
                      by->name);
}

uint8_t kit_byte(uint64_t at)
{
    return (uint8_t)(at * 131 + (at >> 8) * 7 + (at >> 16));
}

/* ---- certificates: made once */

static test_certificate own, strange;

static weft_tls *server_of(const test_certificate *of)
{
    weft_tls *tls = NULL;
    weft_why why;
    weft_tls_config config = {.certificate_pem = of->certificate, .key_pem = of->key};
    REQUIRE(weft_tls_server(&config, &tls, &why) == WEFT_OK);
    return tls;
}

weft_tls *kit_tls_server(void)
{
    if (own.certificate[0] == '\0')
        test_certificate_make("localhost", &own);
    return server_of(&own);
}

weft_tls *kit_tls_stranger(void)
{
    if (strange.certificate[0] == '\0')
        test_certificate_make("localhost", &strange);
    return server_of(&strange);
}

weft_tls *kit_tls_client(void)
{
    weft_tls *tls = NULL;
    weft_why why;
    if (own.certificate[0] == '\0')
        test_certificate_make("localhost", &own);
    REQUIRE(weft_tls_client(&(weft_tls_config){.trust_pem = own.certificate}, &tls, &why) ==
            WEFT_OK);
    return tls;
}

static char own_file[128];

static void remove_file(void)
{
    (void)unlink(own_file);
}

const char *kit_tls_file(void)
{
    if (own_file[0] != '\0')
        return own_file;
    if (own.certificate[0] == '\0')
        test_certificate_make("localhost", &own);
    (void)snprintf(own_file, sizeof own_file, P_tmpdir "/weft-test-%d.pem", (int)getpid());
    FILE *to = fopen(own_file, "we");
    REQUIRE(to != NULL);
    CHECK(fputs(own.certificate, to) >= 0 && fputs(own.key, to) >= 0);
    CHECK(fclose(to) == 0);
    (void)atexit(remove_file);
    return own_file;
}

/* Options of the URL @to, whose own begin with @mark. */
static void add_tls(const kit_world *w, bool listens, const char *mark, char *to, size_t room)
{
    const char *tls =
        strncmp(w->url, "tls:", 4) == 0 || strncmp(w->url, "nng+tls", 7) == 0 ? "" : "tls&";
    if (w->by->secure)
        (void)snprintf(to, room, "%s%s%s%s%s", mark, tls, listens ? "cert=" : "ca=", kit_tls_file(),
                       listens ? "" : "&host=localhost");
}

/* A socket as a parent of this program would leave it: not closed when it runs another. */
static int given_socket(void)
{
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    REQUIRE(fd >= 0);
    return fd;
}

/* Bound to an abstract name of the kernel's choice. */
static int given_listening(kit_world *w)
{
    const struct sockaddr_un none = {.sun_family = AF_UNIX};
    int fd = given_socket();
    w->given_bytes = sizeof w->given;
    REQUIRE(bind(fd, (const struct sockaddr *)&none, sizeof none.sun_family) == 0);
    REQUIRE(getsockname(fd, (struct sockaddr *)&w->given, &w->given_bytes) == 0);
    REQUIRE(listen(fd, SOMAXCONN) == 0);
    return fd;
}

static int given_connected(const kit_world *w)
{
    int fd = given_socket();
    REQUIRE(connect(fd, (const struct sockaddr *)&w->given, w->given_bytes) == 0);
    return fd;
}

/* The URL with its options, those of policies and of TLS too. */
static void add_options(const kit_world *w, bool listens, char *to, size_t room)
{
    char base[sizeof w->url];
    (void)snprintf(base, sizeof base, "%s", w->url);
    if (w->by->given && !listens)
        (void)snprintf(base, sizeof base, w->by->url, given_connected(w));
    const char *given = listens ? w->listen_options : w->connect_options;
    const char *policies = listens ? w->by->listen_policies : w->by->connect_policies;
    const char *mark = given != NULL ? "&" : "?";
    int n = snprintf(to, room, "%s%s", base, given != NULL ? given : "");
    if (policies != NULL && n > 0 && (size_t)n < room) {
        n += snprintf(to + n, room - (size_t)n, "%s%s", mark, policies);
        mark = "&";
    }
    if (n > 0 && (size_t)n < room)
        add_tls(w, listens, mark, to + n, room - (size_t)n);
}

/* The URL of the program that connects to it. */
static void exec_options(const kit_world *w, char *to, size_t room)
{
    const char *given = w->connect_options != NULL ? w->connect_options : "";
    int n = snprintf(to, room, "exec:/proc/self/exe?arg=%s&arg=%s%s%s", w->by->exec,
                     w->url + sizeof "unix:" - 1, given[0] != '\0' ? "&" : "",
                     given[0] != '\0' ? given + 1 : "");
    if (n > 0 && (size_t)n < room)
        add_tls(w, false, "&", to + n, room - (size_t)n);
}

void kit_fault(kit_side *s, const char *what, int line)
{
    s->faults++;
    (void)fprintf(stderr, "\n    line %d: not so: %s", line, what);
}

static void push_tls(weft_actor *self, kit_side *s)
{
    weft_why why = {""};
    bool client = s == s->world->a;
    weft_tls *tls = client ? kit_tls_client() : kit_tls_server();
    const char *host = s->host != NULL ? s->host : "localhost";
    weft_err err = weft_tls_push(self, s->stream, tls, client ? host : NULL, &why);
    if (err != WEFT_OK)
        (void)fprintf(stderr, "\n    tls: %s", why.text);
    KIT_CHECK(s, err == WEFT_OK);
    weft_tls_drop(&tls);
}

/* ---- the sides */

typedef struct kit_done {
    char nothing;
} kit_done;
static const weft_type kit_done_type = WEFT_TYPE("kit.done", kit_done, NULL);
const weft_type kit_note_type = WEFT_TYPE("kit.note", kit_note, NULL);
typedef struct kit_go {
    char nothing;
} kit_go;
static const weft_type kit_go_type = WEFT_TYPE("kit.go", kit_go, NULL);
typedef struct kit_late {
    char nothing;
} kit_late;
static const weft_type kit_late_type = WEFT_TYPE("kit.late", kit_late, NULL);

static kit_side *side_of(weft_actor *self)
{
    return (kit_side *)(uintptr_t)weft_config(self);
}

static void note_event(kit_side *s, char what)
{
    size_t n = strlen(s->log);
    if ((n == 0 || s->log[n - 1] != what) && n + 1 < sizeof s->log)
        s->log[n] = what;
}

static void call(kit_fn *fn, weft_actor *self, weft_msg *msg)
{
    if (fn != NULL)
        fn(self, side_of(self), msg);
}

enum { KIT_URL_BYTES = 512 };

static weft_err on_go(weft_actor *self, weft_msg *msg)
{
    kit_side *s = side_of(self);
    char url[KIT_URL_BYTES];
    (void)msg;
    if (s->world->by->exec != NULL)
        exec_options(s->world, url, sizeof url);
    else
        add_options(s->world, false, url, sizeof url);
    s->stream = weft_connect(self, url, weft_self(self));
    KIT_CHECK(s, !weft_ref_is_nobody(s->stream));
    return WEFT_OK;
}

static weft_err on_opened(weft_actor *self, weft_msg *msg)
{
    kit_side *s = side_of(self);
    const weft_opened *opened = weft_body(msg);
    weft_stream_settings set = {.window_bytes = s->window, .write_queue_bytes_max = s->write_queue};
    s->self = weft_self(self);
    s->stream = opened->stream;
    s->opens++;
    note_event(s, 'o');
    set.given =
        (s->window != 0 ? WEFT_SET_WINDOW : 0U) | (s->write_queue != 0 ? WEFT_SET_WRITE_QUEUE : 0U);
    if (set.given != 0)
        KIT_CHECK(s, weft_stream_set(self, s->stream, &set) == WEFT_OK);
    if (s->world->by->tls && !s->plain && s != s->world->c)
        push_tls(self, s);
    call(s->opened, self, msg);
    return WEFT_OK;
}

static weft_err on_data(weft_actor *self, weft_msg *msg)
{
    kit_side *s = side_of(self);
    const weft_data *data = weft_body(msg);
    KIT_CHECK(s, data->bytes.size != 0);
    for (size_t i = 0; i < data->bytes.size && !s->raw; i++)
        s->wrong += data->bytes.at[i] != kit_byte(s->got + i);
    s->got += data->bytes.size;
    s->datas++;
    note_event(s, 'd');
    call(s->data, self, msg);
    return WEFT_OK;
}

static weft_err on_ended(weft_actor *self, weft_msg *msg)
{
    kit_side *s = side_of(self);
    note_event(s, 'e');
    call(s->ended, self, msg);
    return WEFT_OK;
}

static weft_err on_drained(weft_actor *self, weft_msg *msg)
{
    kit_side *s = side_of(self);
    s->drains++;
    if (s->drained != NULL)
        call(s->drained, self, msg);
    else if (s->total != 0)
        (void)kit_send(self, s, PIECE);
    return WEFT_OK;
}

static weft_err on_pull(weft_actor *self, weft_msg *msg)
{
    call(side_of(self)->pull, self, msg);
    return WEFT_OK;
}

static weft_err on_note(weft_actor *self, weft_msg *msg)
{
    call(side_of(self)->note, self, msg);
    return WEFT_OK;
}

static weft_err on_closed(weft_actor *self, weft_msg *msg)
{
    kit_side *s = side_of(self);
    const weft_closed *closed = weft_body(msg);
    note_event(s, 'c');
    s->closes++;
    s->reason = closed->reason;
    (void)snprintf(s->why, sizeof s->why, "%s", closed->why);
    kit_let_go(self, s);
    call(s->closed, self, msg);
    return weft_tell(self, s->world->director, kit_done, .nothing = 0);
}

static void side_ended(weft_actor *self, weft_err reason)
{
    (void)reason;
    kit_let_go(self, side_of(self));
}

static const weft_handler side_rows[] = {
    {.type = &kit_go_type, .fn = on_go},
    {.type = &weft_opened_type, .fn = on_opened},
    {.type = &weft_data_type, .fn = on_data},
    {.type = &weft_ended_type, .fn = on_ended},
    {.type = &weft_drained_type, .fn = on_drained},
    {.type = &weft_pull_type, .fn = on_pull},
    {.type = &weft_closed_type, .fn = on_closed},
    {.type = &kit_note_type, .fn = on_note},
    {0},
};

const weft_behaviour kit_side_behaviour = {
    .name = "side", .handlers = side_rows, .ended = side_ended};

/* One that leaves everything but data to the defaults; that its actor ends is what tells of `closed`. */
static void bare_ended(weft_actor *self, weft_err reason)
{
    kit_side *s = side_of(self);
    (void)reason;
    s->stopped = true;
    (void)weft_tell(self, s->world->director, kit_done, .nothing = 0);
}

static const weft_handler bare_rows[] = {
    {.type = &kit_go_type, .fn = on_go},
    {.type = &weft_data_type, .fn = on_data},
    {0},
};

const weft_behaviour kit_bare_behaviour = {
    .name = "bare", .handlers = bare_rows, .ended = bare_ended};

/* ---- what scripts use */

weft_err kit_send(weft_actor *self, kit_side *s, size_t piece)
{
    weft_err err = WEFT_OK;
    while (s->sent < s->total) {
        weft_bytes bytes;
        uint8_t *to;
        size_t n = piece < s->total - s->sent ? piece : (size_t)(s->total - s->sent);
        if ((err = weft_bytes_new(n, &to, &bytes)) != WEFT_OK)
            return err;
        for (size_t i = 0; i < n; i++)
            to[i] = kit_byte(s->sent + i);
        err = weft_write(self, s->stream, bytes);
        weft_bytes_drop(&bytes);
        if (err != WEFT_OK)
            return err;
        s->sent += n;
    }
    if (s->end_when_sent) {
        s->end_when_sent = false;
        KIT_CHECK(s, weft_end(self, s->stream) == WEFT_OK);
    }
    return err;
}

void kit_tell(weft_actor *self, kit_side *to, uint32_t what)
{
    KIT_CHECK(to, weft_tell(self, to->self, kit_note, .what = what) == WEFT_OK);
}

void kit_let_go(weft_actor *self, kit_side *s)
{
    (void)self;
    unsigned n = s->n_kept;
    s->n_kept = 0;
    for (unsigned i = 0; i < n; i++)
        weft_bytes_drop(&s->kept[i]);
    if (s->held != NULL)
        weft_drop(&s->held);
}

/* ---- the director */

static weft_ref spawn_side(weft_actor *self, kit_side *s)
{
    s->self = weft_spawn(self, s->bare ? &kit_bare_behaviour : &kit_side_behaviour, s);
    KIT_CHECK(s, !weft_ref_is_nobody(s->self));
    return s->self;
}

/* A stream that reads @in and writes @out. */
static weft_ref piped(weft_actor *self, int in, int out, wf_pipes_end end, weft_ref owner)
{
    weft_ref ref = WEFT_NOBODY;
    conn *c = wf_conn_new(self, &wf_conn_leaf_none, owner, &ref);
    REQUIRE(c != NULL && weft_monitor_life(conn_actor(c), owner) == WEFT_OK);
    REQUIRE(wf_pipes_set(c, in, out, end) == WEFT_OK);
    wf_conn_begin(c, CONN_UNKNOWN);
    return ref;
}

/* A terminal's two sides, through which bytes go as they are. */
static void open_terminal(int out[2])
{
    struct termios modes;
    char name[64];
    out[0] = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    REQUIRE(out[0] >= 0 && grantpt(out[0]) == 0 && unlockpt(out[0]) == 0);
    REQUIRE(ptsname_r(out[0], name, sizeof name) == 0);
    out[1] = open(name, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    REQUIRE(out[1] >= 0 && tcgetattr(out[1], &modes) == 0);
    cfmakeraw(&modes);
    REQUIRE(tcsetattr(out[1], TCSANOW, &modes) == 0);
}

/* Two descriptors of each side, without a URL. */
static void join_descriptors(weft_actor *self, kit_world *w, weft_ref a, weft_ref b)
{
    int to[2] = {-1, -1}, from[2] = {-1, -1};
    if (w->by->adopted) {
        REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, to) == 0);
        KIT_CHECK(w->a, !weft_ref_is_nobody(weft_adopt(self, to[0], a)));
        w->b->stream = weft_adopt(self, to[1], b);
        return;
    }
    if (w->by->terminal) {
        open_terminal(to);
        (void)piped(self, to[0], to[0], PIPES_NOTHING, a);
        w->b->stream = piped(self, to[1], to[1], PIPES_NOTHING, b);
        return;
    }
    REQUIRE(pipe2(to, O_CLOEXEC | O_NONBLOCK) == 0 && pipe2(from, O_CLOEXEC | O_NONBLOCK) == 0);
    (void)piped(self, from[0], to[1], PIPES_CLOSE, a);
    w->b->stream = piped(self, to[0], from[1], PIPES_CLOSE, b);
}

static void join(weft_actor *self, kit_world *w, weft_ref a)
{
    weft_ref out[2];
    weft_err err = WEFT_OK;
    char url[512];
    if (w->no_connect)
        kit_tell(self, w->a, 0);
    else if (w->by->adopted || w->by->pipes || w->by->terminal)
        join_descriptors(self, w, a, spawn_side(self, w->b));
    else if (w->by->url == NULL) {
        err = weft_pair(self, a, spawn_side(self, w->b), out);
        w->b->stream = out[1];
    } else if (w->far) {
        add_options(w, false, url, sizeof url);
        KIT_CHECK(w->b, !weft_ref_is_nobody(weft_connect(self, url, a)));
    } else
        err = weft_tell(self, a, kit_go, .nothing = 0);
    KIT_CHECK(w->b, err == WEFT_OK);
}

static weft_err far_spawned(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    kit_world *w = (kit_world *)(uintptr_t)weft_config(self);
    (void)msg;
    KIT_CHECK(w->b, got->err == WEFT_OK);
    if (got->err == WEFT_OK)
        join(self, w, w->a->self = ((const weft_spawned *)got->body)->ref);
    return WEFT_OK;
}

static weft_err on_started(weft_actor *self, weft_msg *msg)
{
    kit_world *w = (kit_world *)(uintptr_t)((const weft_started *)weft_body(msg))->config;
    w->director = weft_self(self);
    uint32_t limit_ms = w->limit_ms != 0 ? w->limit_ms : HANGS_AFTER_MS;
    (void)weft_after(self, w->by->sim ? SIM_HANGS_AFTER_MS : limit_ms, kit_late, .nothing = 0);
    if (w->c != NULL)
        (void)spawn_side(self, w->c);
    for (unsigned i = 0; i < w->n_more; i++)
        KIT_CHECK(w->b,
                  weft_tell(self, spawn_side(self, &w->more[i]), kit_go, .nothing = 0) == WEFT_OK);
    if (w->far)
        return weft_when(msg, weft_spawn_on(self, 1, &kit_side_behaviour, w->a), far_spawned);
    join(self, w, spawn_side(self, w->a));
    return WEFT_OK;
}

static weft_err on_done(weft_actor *self, weft_msg *msg)
{
    kit_world *w = (kit_world *)(uintptr_t)weft_config(self);
    (void)msg;
    if (++w->seen == w->closes)
        weft_system_stop(self, WEFT_OK);
    return WEFT_OK;
}

static weft_err on_late(weft_actor *self, weft_msg *msg)
{
    kit_world *w = (kit_world *)(uintptr_t)weft_config(self);
    (void)msg;
    w->hung = true;
    weft_system_stop(self, WEFT_OK);
    return WEFT_OK;
}

static const weft_handler director_rows[] = {
    {.type = &weft_started_type, .fn = on_started},
    {.type = &kit_done_type, .fn = on_done},
    {.type = &kit_late_type, .fn = on_late},
    {0},
};
static const weft_behaviour director = {.name = "director", .handlers = director_rows};

static void be_quiet(void *context, const weft_log_line *line)
{
    (void)context;
    if (line->level > WEFT_WARNING || getenv("WEFT_TEST_LOG") != NULL)
        (void)fprintf(stderr, "\n    log: %s: %s", line->name, line->text);
}

static void listen_for(weft_system *sys, kit_world *w)
{
    char url[KIT_URL_BYTES];
    weft_why why = {""};
    weft_listening got;
    if (w->by->url == NULL)
        return;
    (void)snprintf(w->url, sizeof w->url, w->by->url,
                   w->by->given ? given_listening(w) : (int)getpid());
    add_options(w, true, url, sizeof url);
    const weft_behaviour *behaviour = w->b->bare ? &kit_bare_behaviour : &kit_side_behaviour;
    weft_err err =
        weft_listen_at(sys, url, w->serve != NULL ? w->serve : behaviour, w->b, &got, &why);
    if (err != WEFT_OK)
        (void)fprintf(stderr, "\n    listen: %s", why.text);
    REQUIRE(err == WEFT_OK);
    if (strstr(w->url, ".0.1:0") != NULL || strstr(w->url, "[::1]:0") != NULL)
        (void)snprintf(w->url, sizeof w->url, "%s", got.url);
}

static void run_real(kit_world *w)
{
    weft_system *sys = weft_system_new(&(weft_system_options){
        .reactors = w->reactors, .no_signals = true, .stop_grace_ms = 2000, .log_hook = be_quiet});
    REQUIRE(sys != NULL);
    listen_for(sys, w);
    w->director = weft_system_spawn(sys, 0, &director, w);
    CHECK(!weft_ref_is_nobody(w->director));
    CHECK_I64(weft_run(&sys), 0);
}

/* The same in virtual time, with one seed after the other, so that runs differ and are the same again. */
static void run_simulated(kit_world *w)
{
    static uint64_t seed;
    weft_sim *sim = weft_sim_new(
        &(weft_sim_options){.seed = ++seed,
                            .faults = w->by->faults,
                            .system = {.reactors = w->reactors, .log_hook = be_quiet}});
    REQUIRE(sim != NULL);
    listen_for(weft_sim_system(sim), w);
    w->director = weft_sim_spawn(sim, &director, w);
    CHECK(!weft_ref_is_nobody(w->director));
    while (w->seen < w->closes && !w->hung)
        weft_sim_advance(sim, 50);
    CHECK_U64(weft_sim_free(&sim), 0);
}

void kit_run(kit_world *w)
{
    w->closes = w->closes != 0 ? w->closes : 2;
    w->a->world = w->b->world = w;
    if (w->c != NULL)
        w->c->world = w;
    for (unsigned i = 0; i < w->n_more; i++)
        w->more[i].world = w;
    if (w->by->sim)
        run_simulated(w);
    else
        run_real(w);
    if (w->hung)
        (void)fprintf(stderr, "\n    it hung: a saw %s (%llu bytes), b saw %s (%llu bytes)",
                      w->a->log, (unsigned long long)w->a->got, w->b->log,
                      (unsigned long long)w->b->got);
    CHECK(!w->hung);
    CHECK_U64(w->a->wrong + w->b->wrong, 0);
    CHECK_U64(w->a->faults + w->b->faults + (w->c != NULL ? w->c->faults : 0), 0);
}

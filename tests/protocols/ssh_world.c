/* SPDX-License-Identifier: MIT */
#include "ssh_world.h"

#include <stdlib.h>
#include <sys/stat.h>

#include <weft/wire.h>

#include "ssh_lib.h"

enum { SETTLE_MS = 2000, ROUNDS = 200 };

ssh_world ssh;
ssh_heard ssh_heard_now;

/* ---- services: what a command says, to whom, and how it ends */

static weft_err command_opened(weft_actor *self, weft_msg *msg)
{
    weft_ref stream = ((const weft_opened *)weft_body(msg))->stream;
    const weft_ssh_session *s = weft_ssh_session_of(stream);
    if (s == NULL)
        return WEFT_OK; /* the stream of errors */
    if (strcmp(s->command, "tell") == 0) {
        (void)weft_write_text(self, stream, "%s %s %s %ux%u", s->user,
                              s->env[0] != NULL ? s->env[0] : "-", s->terminal ? s->term : "-",
                              s->window.columns, s->window.rows);
        weft_ref errors = weft_ssh_stderr(self, stream);
        (void)weft_write_text(self, errors, "oops");
        (void)weft_close(self, errors);
        (void)weft_ssh_exit(self, stream, 7);
        return weft_close(self, stream);
    }
    if (strcmp(s->command, "killed") == 0) {
        (void)weft_ssh_exit_signal(self, stream, "TERM", true);
        return weft_close(self, stream);
    }
    if (strcmp(s->command, "mute") == 0)
        return weft_close(self, stream);
    return WEFT_OK; /* echoes, or waits */
}

static weft_err command_data(weft_actor *self, weft_msg *msg)
{
    const weft_data *data = weft_body(msg);
    return weft_write(self, data->stream, data->bytes);
}

static weft_err command_ended(weft_actor *self, weft_msg *msg)
{
    weft_ref stream = ((const weft_ended *)weft_body(msg))->stream;
    const weft_ssh_session *s = weft_ssh_session_of(stream);
    if (s == NULL || strcmp(s->command, "forever") == 0)
        return WEFT_OK;
    (void)weft_ssh_exit(self, stream, 0);
    return weft_close(self, stream);
}

static weft_err command_window(weft_actor *self, weft_msg *msg)
{
    const weft_ssh_window *w = weft_body(msg);
    return weft_write_text(self, w->stream, "[%ux%u]", w->window.columns, w->window.rows);
}

static weft_err command_signal(weft_actor *self, weft_msg *msg)
{
    const weft_ssh_signal *s = weft_body(msg);
    return weft_write_text(self, s->stream, "[%s]", s->name);
}

static const weft_handler command_handlers[] = {
    {.type = &weft_opened_type, .fn = command_opened},
    {.type = &weft_data_type, .fn = command_data},
    {.type = &weft_ended_type, .fn = command_ended},
    {.type = &weft_ssh_window_type, .fn = command_window},
    {.type = &weft_ssh_signal_type, .fn = command_signal},
    {0},
};
static const weft_behaviour command = {.name = "test.command", .handlers = command_handlers};

static weft_ssh_sftp_config sftp = {.root = ssh.folder};
static const weft_ssh_service services[] = {
    {.kind = WEFT_SSH_EXEC, .behaviour = &command},
    {.kind = WEFT_SSH_SHELL, .behaviour = &command},
    {.kind = WEFT_SSH_SUBSYSTEM, .subsystem = "chargen", .behaviour = &weft_wire_chargen},
    {.kind = WEFT_SSH_SUBSYSTEM, .subsystem = "sftp", .behaviour = &weft_ssh_sftp, .config = &sftp},
    {0},
};

/* ---- the actor that asks */

typedef struct test_go {
    const weft_ssh_call *call;
    const weft_ssh_transfer *transfer;
    bool open;
} test_go;
static const weft_type test_go_type = WEFT_TYPE("test.go", test_go, NULL);
typedef struct test_say {
    const char *text;   /* NULL: its end, or */
    const char *signal; /* a signal, or */
    weft_window window; /* another size */
} test_say;
static const weft_type test_say_type = WEFT_TYPE("test.say", test_say, NULL);

static void keep_text(char *to, size_t room, size_t *n, weft_bytes bytes)
{
    size_t size = bytes.size < room - 1 - *n ? bytes.size : room - 1 - *n;
    if (size != 0)
        memcpy(to + *n, bytes.at, size);
    *n += size;
    to[*n] = '\0';
}

static weft_err on_answer(weft_actor *self, weft_deferred *next, const weft_outcome *got)
{
    ssh_heard *h = &ssh_heard_now;
    (void)self, (void)next;
    h->answers++;
    h->err = got->err;
    (void)snprintf(h->why, sizeof h->why, "%s", got->err != WEFT_OK ? got->why : "");
    if (got->err != WEFT_OK)
        return WEFT_OK;
    if (got->type == &weft_ssh_result_type) {
        const weft_ssh_result *r = got->body;
        h->code = r->code;
        memcpy(h->signal, r->signal, sizeof h->signal);
        keep_text(h->output, sizeof h->output, &h->output_bytes, r->output);
        keep_text(h->errors, sizeof h->errors, &h->errors_bytes, r->errors);
    } else if (got->type == &weft_ssh_channel_type) {
        h->stream = ((const weft_ssh_channel *)got->body)->stream;
    } else {
        h->copied = *(const weft_ssh_copied *)got->body;
    }
    return WEFT_OK;
}

static weft_err on_go(weft_actor *self, weft_msg *msg)
{
    const test_go *go = weft_body(msg);
    weft_deferred asked = go->transfer != NULL ? weft_ssh_copy(self, ssh.host, go->transfer)
                          : go->open           ? weft_ssh_open(self, ssh.host, go->call)
                                               : weft_ssh_run(self, ssh.host, go->call);
    (void)weft_ignore(self, weft_finally(self, asked, on_answer));
    return WEFT_OK;
}

static weft_err on_say(weft_actor *self, weft_msg *msg)
{
    const test_say *say = weft_body(msg);
    const char *text = say->text;
    if (say->signal != NULL)
        return weft_ssh_send_signal(self, ssh_heard_now.stream, say->signal);
    if (say->window.rows != 0)
        return weft_ssh_resize(self, ssh_heard_now.stream, say->window);
    if (text == NULL)
        return weft_end(self, ssh_heard_now.stream);
    return weft_write_text(self, ssh_heard_now.stream, "%s", text);
}

static weft_err on_opened(weft_actor *self, weft_msg *msg)
{
    (void)self, (void)msg;
    ssh_heard_now.opened++;
    return WEFT_OK;
}

static weft_err on_data(weft_actor *self, weft_msg *msg)
{
    const weft_data *data = weft_body(msg);
    ssh_heard *h = &ssh_heard_now;
    (void)self;
    if (weft_ref_same(data->stream, h->stream))
        keep_text(h->output, sizeof h->output, &h->output_bytes, data->bytes);
    else
        keep_text(h->errors, sizeof h->errors, &h->errors_bytes, data->bytes);
    return WEFT_OK;
}

static weft_err on_ended(weft_actor *self, weft_msg *msg)
{
    ssh_heard_now.ended++;
    return weft_close(self, ((const weft_ended *)weft_body(msg))->stream);
}

static weft_err on_exited(weft_actor *self, weft_msg *msg)
{
    const weft_ssh_exited *e = weft_body(msg);
    (void)self;
    ssh_heard_now.exited++;
    ssh_heard_now.code = e->code;
    memcpy(ssh_heard_now.signal, e->signal, sizeof e->signal);
    return WEFT_OK;
}

static weft_err on_closed(weft_actor *self, weft_msg *msg)
{
    (void)self;
    ssh_heard_now.closed++;
    ssh_heard_now.closed_for = ((const weft_closed *)weft_body(msg))->reason;
    return WEFT_OK;
}

static const weft_handler asker_handlers[] = {
    {.type = &test_go_type, .fn = on_go},         {.type = &test_say_type, .fn = on_say},
    {.type = &weft_opened_type, .fn = on_opened}, {.type = &weft_data_type, .fn = on_data},
    {.type = &weft_ended_type, .fn = on_ended},   {.type = &weft_ssh_exited_type, .fn = on_exited},
    {.type = &weft_closed_type, .fn = on_closed}, {0},
};
static const weft_behaviour asker = {.name = "test.asker", .handlers = asker_handlers};

/* ---- files */

const char *ssh_path(const char *name)
{
    static char paths[4][192];
    static unsigned turn;
    char *to = paths[turn++ % 4];
    (void)snprintf(to, sizeof paths[0], "%s/%s", ssh.folder, name);
    return to;
}

void ssh_write_file(const char *path, const void *at, size_t size)
{
    FILE *file = fopen(path, "w");
    REQUIRE(file != NULL);
    CHECK(fwrite(at, 1, size, file) == size);
    CHECK(fclose(file) == 0);
}

size_t ssh_read_file(const char *path, void *to, size_t size)
{
    FILE *file = fopen(path, "r");
    if (file == NULL)
        return SIZE_MAX;
    size_t n = fread(to, 1, size, file);
    (void)fclose(file);
    return n;
}

/* ---- around each test */

const char *ssh_world_key(void)
{
    static char line[400];
    ssh_key key = NULL;
    char *text = NULL;
    REQUIRE(ssh_pki_import_privkey_file(ssh_path("ssh_host_ed25519_key"), NULL, NULL, NULL, &key) ==
            SSH_OK);
    REQUIRE(ssh_pki_export_pubkey_base64(key, &text) == SSH_OK);
    (void)snprintf(line, sizeof line, "ssh-ed25519 %s", text);
    ssh_string_free_char(text);
    ssh_key_free(key);
    return line;
}

void ssh_world_know(const char *name)
{
    char line[600];
    int n = snprintf(line, sizeof line, "%s %s\n", name, ssh_world_key());
    ssh_write_file(ssh.known, line, (size_t)n);
}

/* A key of the user, with a passphrase, and the line of it that the server knows. */
static void make_key(void)
{
    ssh_key key = NULL;
    char *text = NULL, line[400];
    REQUIRE(ssh_pki_generate(SSH_KEYTYPE_ED25519, 0, &key) == SSH_OK);
    REQUIRE(ssh_pki_export_privkey_file(key, "open", NULL, NULL, ssh.key_file) == SSH_OK);
    CHECK(chmod(ssh.key_file, 0600) == 0);
    REQUIRE(ssh_pki_export_pubkey_base64(key, &text) == SSH_OK);
    int n = snprintf(line, sizeof line, "ssh-ed25519 %s test\n", text);
    ssh_write_file(ssh_path("authorized"), line, (size_t)n);
    ssh_string_free_char(text);
    ssh_key_free(key);
}

void ssh_world_before(void)
{
    weft_why why;
    char source[128];
    memset(&ssh, 0, sizeof ssh);
    memset(&ssh_heard_now, 0, sizeof ssh_heard_now);
    (void)snprintf(ssh.folder, sizeof ssh.folder, "/tmp/weft-ssh-test.XXXXXX");
    REQUIRE(mkdtemp(ssh.folder) != NULL);
    (void)snprintf(ssh.known, sizeof ssh.known, "%s/known_hosts", ssh.folder);
    (void)snprintf(ssh.key_file, sizeof ssh.key_file, "%s/id", ssh.folder);
    CHECK_OK(weft_ssh_keys_open(ssh.folder, false, &ssh.keys, &why));
    make_key();
    ssh_world_know("ssh");
    (void)snprintf(source, sizeof source, "sshkey:%s/authorized", ssh.folder);
    CHECK_OK(weft_auth_source_parse("memory:ann:secret", &ssh.sources[0], &why));
    CHECK_OK(weft_auth_source_parse(source, &ssh.sources[1], &why));
    ssh.auth = (weft_auth_config){.sources = ssh.sources, .count = 2};
    ssh.server = (weft_ssh_config){
        .keys = ssh.keys, .services = services, .password = true, .public_key = true};
    ssh.client = (weft_ssh_client_config){
        .url = SSH_URL, .user = "ann", .password = "secret", .known_hosts = ssh.known};
}

void ssh_world_after(void)
{
    char command_line[128];
    weft_ssh_keys_close(&ssh.keys);
    (void)snprintf(command_line, sizeof command_line, "rm -rf %s", ssh.folder);
    CHECK(system(command_line) == 0);
}

void ssh_world_open(const weft_sim_options *options)
{
    memset(&ssh_heard_now, 0, sizeof ssh_heard_now);
    ssh.sim = weft_sim_new(options);
    REQUIRE(ssh.sim != NULL);
    ssh.server.auth = weft_system_spawn(weft_sim_system(ssh.sim), 0, &weft_auth, &ssh.auth);
    CHECK_OK(weft_listen(weft_sim_system(ssh.sim), SSH_URL, &weft_ssh_server, &ssh.server));
    ssh.host = weft_system_spawn(weft_sim_system(ssh.sim), 0, &weft_ssh_client, &ssh.client);
    ssh.asker = weft_system_spawn(weft_sim_system(ssh.sim), 0, &asker, NULL);
}

void ssh_world_close(void)
{
    CHECK_U64(weft_sim_free(&ssh.sim), 0);
}

/* ---- asking */

static void go_on(unsigned answers)
{
    for (int i = 0; i < ROUNDS && ssh_heard_now.answers == answers; i++)
        (void)weft_sim_settle(ssh.sim, SETTLE_MS);
    (void)weft_sim_settle(ssh.sim, SETTLE_MS);
}

static void ask(const test_go *go)
{
    (void)weft_sim_tell_body(ssh.sim, ssh.asker, &test_go_type, go);
}

void ssh_ask_run(const weft_ssh_call *call)
{
    ask(&(test_go){.call = call});
}

void ssh_run(const weft_ssh_call *call)
{
    unsigned answers = ssh_heard_now.answers;
    ssh_heard_now.output_bytes = ssh_heard_now.errors_bytes = 0;
    ssh_ask_run(call);
    go_on(answers);
}

void ssh_open(const weft_ssh_call *call)
{
    unsigned answers = ssh_heard_now.answers;
    ask(&(test_go){.call = call, .open = true});
    go_on(answers);
}

void ssh_ask_copy(const weft_ssh_transfer *transfer)
{
    ask(&(test_go){.transfer = transfer});
}

void ssh_copy(const weft_ssh_transfer *transfer)
{
    unsigned answers = ssh_heard_now.answers;
    ssh_ask_copy(transfer);
    go_on(answers);
}

void ssh_channel_say(const char *text)
{
    CHECK_OK(weft_sim_tell(ssh.sim, ssh.asker, test_say, .text = text));
    (void)weft_sim_settle(ssh.sim, SETTLE_MS);
}

void ssh_channel_resize(weft_window window)
{
    CHECK_OK(weft_sim_tell(ssh.sim, ssh.asker, test_say, .window = window));
    (void)weft_sim_settle(ssh.sim, SETTLE_MS);
}

void ssh_channel_signal(const char *name)
{
    CHECK_OK(weft_sim_tell(ssh.sim, ssh.asker, test_say, .signal = name));
    (void)weft_sim_settle(ssh.sim, SETTLE_MS);
}

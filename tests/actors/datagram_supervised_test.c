/* SPDX-License-Identifier: MIT */
/* A supervised endpoint of datagrams: its address is opened before the tree begins, and stays open while its owner
 * begins anew. */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <weft/datagram.h>
#include <weft/supervisor.h>
#include <weft/system.h>

#include "check.h"
#include "sockets.h"

static struct {
    int fd;
    struct sockaddr_un to;
    unsigned lives, got;
} post;

static void send_one(const char *text)
{
    CHECK(sendto(post.fd, text, strlen(text), 0, (const struct sockaddr *)&post.to,
                 sizeof post.to) > 0);
}

static weft_err on_started(weft_actor *self, weft_msg *msg)
{
    (void)self, (void)msg;
    post.lives++;
    return WEFT_OK;
}

static weft_err on_datagram(weft_actor *self, weft_msg *msg)
{
    const weft_datagram *datagram = weft_body(msg);
    post.got++;
    if (datagram->bytes.at[0] == 'x')
        return weft_stop(self, WEFT_EIO);
    weft_system_stop(self, WEFT_OK);
    return WEFT_OK;
}

/* Between two lives: the address is bound, or this is refused. */
static void owner_ended(weft_actor *self, weft_err reason)
{
    (void)self;
    if (reason == WEFT_EIO)
        send_one("again");
}

static const weft_handler owner_rows[] = {{.type = &weft_started_type, .fn = on_started},
                                          {.type = &weft_datagram_type, .fn = on_datagram},
                                          {0}};
static const weft_behaviour owner = {.name = "owner", .handlers = owner_rows, .ended = owner_ended};

static void its_address_is_open_before_and_between_its_lives(void)
{
    char dir[] = "/tmp/weft-post-XXXXXX", url[64];
    weft_why why = {""};
    REQUIRE(mkdtemp(dir) != NULL);
    (void)snprintf(url, sizeof url, "unixgram:%s/post", dir);
    const weft_child children[] = {{.name = "post", .behaviour = &owner, .listen = url}, {0}};
    const weft_supervisor tree = {.children = children};
    memset(&post, 0, sizeof post);
    post.to.sun_family = AF_UNIX;
    (void)snprintf(post.to.sun_path, sizeof post.to.sun_path, "%s/post", dir);
    post.fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    REQUIRE(post.fd >= 0);
    weft_system *sys = weft_system_new(&(weft_system_options){
        .log_level = WEFT_NO_LOG, .log_level_set = true, .no_signals = true});
    REQUIRE(sys != NULL);
    CHECK_OK(wf_sockets_open(sys, &tree, &why));
    send_one("x");
    CHECK(!weft_ref_is_nobody(weft_system_spawn(sys, 0, &weft_supervisor_behaviour, &tree)));
    CHECK_I64(weft_run(&sys), 0);
    CHECK_U64(post.got, 2);
    CHECK_U64(post.lives, 2);
    CHECK(access(post.to.sun_path, F_OK) != 0);
    CHECK(rmdir(dir) == 0);
    (void)close(post.fd);
}

static const test_case cases[] = {
    TEST(its_address_is_open_before_and_between_its_lives),
    {0},
};
const test_suite datagram_supervised_suite = {.name = "actors/datagram_supervised", .cases = cases};

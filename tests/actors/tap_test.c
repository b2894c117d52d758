/* SPDX-License-Identifier: MIT */
/* Taps: what a file of text and a file of packets hold, and what ends them while the traffic goes on. */
#include "actors/tap.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "actors/accepting_kit.h"

/* ---- a file, and what was logged */

static char path[] = P_tmpdir "/weft-tap-XXXXXX";
static uint8_t *file;
static size_t file_bytes;
static char logged[512];
static unsigned logs;

static void on_log(void *context, const weft_log_line *line)
{
    (void)context;
    if (strncmp(line->text, "tap ", 4) == 0) {
        logs++;
        (void)snprintf(logged, sizeof logged, "%s", line->text);
    }
}

static void begin(const char *options, const char *to)
{
    char url[WEFT_URL_BYTES_MAX];
    int fd;
    memset(&seen, 0, sizeof seen);
    logs = 0;
    logged[0] = '\0';
    (void)snprintf(path, sizeof path, "%s", P_tmpdir "/weft-tap-XXXXXX");
    REQUIRE((fd = mkstemp(path)) >= 0);
    (void)close(fd);
    sim = weft_sim_new(&(weft_sim_options){.seed = 5, .system = {.log_hook = on_log, .pool = 1}});
    REQUIRE(sim != NULL);
    (void)snprintf(url, sizeof url, "sim://g?tap=%s%s", to != NULL ? to : path, options);
    CHECK_OK(weft_listen(weft_sim_system(sim), url, &greeter, NULL));
    CHECK(weft_sim_run(sim));
}

static void read_file(void)
{
    FILE *f = fopen(path, "rb");
    REQUIRE(f != NULL && fseek(f, 0, SEEK_END) == 0);
    file_bytes = (size_t)ftell(f);
    rewind(f);
    free(file);
    file = malloc(file_bytes + 1);
    REQUIRE(file != NULL && fread(file, 1, file_bytes, f) == file_bytes);
    file[file_bytes] = '\0';
    (void)fclose(f);
}

static void end(void)
{
    accepting_end();
    read_file();
    (void)unlink(path);
}

static void done(void)
{
    free(file);
    file = NULL;
}

/* ---- text */

static void text_says_who_what_and_when(void)
{
    begin("", NULL);
    weft_sim_peer *p = accepting_client("?bind=192.0.2.7:5555");
    weft_sim_advance(sim, 1500);
    weft_sim_peer_say(p, "0123456789abcdef\x01\xff!");
    weft_sim_peer_end(p);
    CHECK(p->closed);
    end();
    CHECK_STR((const char *)file,
              "2023-11-14T22:13:20.000Z #1 192.0.2.7:5555 > sim://g opened\n"
              "2023-11-14T22:13:20.000Z #1 sim://g > 192.0.2.7:5555 26 bytes behind 0\n"
              "00000000  31 39 32 2e 30 2e 32 2e  37 3a 35 35 35 35 20 61  |192.0.2.7:5555 a|\n"
              "00000010  74 20 73 69 6d 3a 2f 2f  67 0a                    |t sim://g.|\n"
              "2023-11-14T22:13:21.500Z #1 192.0.2.7:5555 > sim://g 19 bytes behind 0\n"
              "00000000  30 31 32 33 34 35 36 37  38 39 61 62 63 64 65 66  |0123456789abcdef|\n"
              "00000010  01 ff 21                                          |..!|\n"
              "2023-11-14T22:13:21.500Z #1 sim://g > 192.0.2.7:5555 19 bytes behind 26\n"
              "0000001a  30 31 32 33 34 35 36 37  38 39 61 62 63 64 65 66  |0123456789abcdef|\n"
              "0000002a  01 ff 21                                          |..!|\n"
              "2023-11-14T22:13:21.500Z #1 192.0.2.7:5555 > sim://g ended\n"
              "2023-11-14T22:13:21.500Z #1 sim://g > 192.0.2.7:5555 ended\n"
              "2023-11-14T22:13:21.500Z #1 192.0.2.7:5555 > sim://g closed\n");
    CHECK_U64(logs, 0);
    done();
}

static void connections_are_told_apart_and_those_of_proxies_too(void)
{
    begin("&proxy=v1", NULL);
    weft_sim_peer *a = accepting_client(""), *b = accepting_client("");
    weft_sim_peer_say(b, "PROXY TCP4 192.0.2.8 198.51.100.1 8 443\r\n");
    weft_sim_peer_say(a, "PROXY TCP4 192.0.2.7 198.51.100.1 7 443\r\n");
    weft_sim_peer_close(a);
    weft_sim_peer_close(b);
    end();
    CHECK(strstr((const char *)file, "#1 192.0.2.8:8 > 198.51.100.1:443 opened") != NULL);
    CHECK(strstr((const char *)file, "#2 192.0.2.7:7 > 198.51.100.1:443 opened") != NULL);
    CHECK(strstr((const char *)file, "PROXY") == NULL);
    done();
}

static void who_connects_has_a_tap_too(void)
{
    char options[128];
    accepting_begin("");
    (void)snprintf(path, sizeof path, "%s", P_tmpdir "/weft-tap-XXXXXX");
    int fd = mkstemp(path);
    REQUIRE(fd >= 0);
    (void)close(fd);
    (void)snprintf(options, sizeof options, "?tap=%s&bind=192.0.2.7:5", path);
    weft_sim_peer *p = accepting_client(options);
    weft_sim_peer_close(p);
    p = accepting_client(options);
    weft_sim_peer_close(p);
    end();
    /* the second adds to what the first wrote */
    const char *first = strstr((const char *)file, "#1 192.0.2.7:5 > sim://g opened\n");
    CHECK(first != NULL && strstr(first + 1, "#1 192.0.2.7:5 > sim://g opened\n") != NULL);
    CHECK(strstr((const char *)file, "#1 sim://g > 192.0.2.7:5 23 bytes behind 0\n") != NULL);
    done();
}

static void the_file_is_for_its_owner_alone(void)
{
    struct stat st;
    wf_tap *tap = NULL;
    weft_why why;
    (void)unlink(path);
    CHECK_OK(wf_tap_new(path, WEFT_TAP_HEX, 1000, true, &tap, &why));
    REQUIRE(stat(path, &st) == 0);
    CHECK_U64(st.st_mode & 0777, 0600);
    wf_tap_drop(tap);
    (void)unlink(path);
}

/* ---- packets, read back */

typedef struct decoded {
    bool gaps; /* pieces may have been left out */
    unsigned syns, fins, packets;
    uint8_t *bytes[2]; /* of who sent the first SYN, of the other */
    size_t n[2];
    uint32_t next[2];
    uint16_t port; /* of who sent the first SYN */
    uint64_t last_ns;
} decoded;

static uint32_t number(const uint8_t *at, unsigned bytes)
{
    uint32_t value = 0;
    while (bytes-- != 0)
        value = value << 8 | *at++;
    return value;
}

static uint32_t ones_sum(uint32_t sum, const uint8_t *at, size_t n)
{
    for (size_t i = 0; i < n; i++)
        sum += i % 2 == 0 ? (uint32_t)at[i] << 8 : at[i];
    while (sum >> 16 != 0)
        sum = (sum & 0xffff) + (sum >> 16);
    return sum;
}

static void take_tcp(decoded *d, const uint8_t *tcp, size_t n, uint32_t pseudo)
{
    REQUIRE(n >= 20);
    CHECK_U64(ones_sum(ones_sum(pseudo, tcp, n), NULL, 0), 0xffff);
    uint16_t from = (uint16_t)number(tcp, 2);
    uint32_t seq = number(tcp + 4, 4), ack = number(tcp + 8, 4);
    unsigned flags = tcp[13];
    size_t size = n - 20;
    if ((flags & 0x12) == 2)
        d->port = from;
    int way = from == d->port ? 0 : 1;
    if ((flags & 2) != 0) {
        d->syns++;
        d->next[way] = seq;
    }
    CHECK(d->gaps || seq == d->next[way]);
    CHECK(d->gaps || (flags & 0x10) == 0 || ack == d->next[!way]);
    d->next[way] += (uint32_t)size + ((flags & 3) != 0);
    d->fins += flags & 1;
    if (size != 0) {
        d->bytes[way] = realloc(d->bytes[way], d->n[way] + size);
        REQUIRE(d->bytes[way] != NULL);
        memcpy(d->bytes[way] + d->n[way], tcp + 20, size);
        d->n[way] += size;
    }
}

static void take_packet(decoded *d, const uint8_t *ip, size_t n)
{
    d->packets++;
    if (ip[0] >> 4 == 4) {
        CHECK_U64(ones_sum(0, ip, 20), 0xffff);
        CHECK_U64(number(ip + 2, 2), n);
        take_tcp(d, ip + 20, n - 20, ones_sum((uint32_t)(6 + n - 20), ip + 12, 8));
    } else {
        CHECK_U64(ip[0], 0x60);
        CHECK_U64(number(ip + 4, 2), n - 40);
        CHECK_U64(ip[6], 6);
        take_tcp(d, ip + 40, n - 40, ones_sum((uint32_t)(6 + n - 40), ip + 8, 32));
    }
}

static decoded decode(bool gaps)
{
    decoded d = {.gaps = gaps};
    uint32_t head[4];
    REQUIRE(file_bytes >= 24);
    memcpy(head, file, sizeof head);
    CHECK_U64(head[0], 0xa1b23c4d);
    CHECK_U64(file[20], 101);
    for (size_t at = 24; at < file_bytes;) {
        REQUIRE(at + 16 <= file_bytes);
        memcpy(head, file + at, sizeof head);
        uint64_t ns = head[0] * UINT64_C(1000000000) + head[1];
        CHECK(ns >= d.last_ns);
        d.last_ns = ns;
        CHECK_U64(head[2], head[3]);
        REQUIRE(at + 16 + head[2] <= file_bytes);
        take_packet(&d, file + at + 16, head[2]);
        at += 16 + head[2];
    }
    return d;
}

static void decoded_free(decoded *d)
{
    free(d->bytes[0]);
    free(d->bytes[1]);
}

static void packets_are_a_connection_with_all_its_bytes(void)
{
    enum { BYTES = 300000 };
    static const char *const from[] = {"", "?bind=192.0.2.7:5555", "?bind=[2001:db8::7]:5555"};
    uint8_t *bytes = malloc(BYTES);
    REQUIRE(bytes != NULL);
    for (size_t i = 0; i < BYTES; i++)
        bytes[i] = (uint8_t)(i * 7 + i / 251);
    for (int i = 0; i < 6; i++) {
        begin(i < 3 ? "&tap_format=pcap" : "&tap_format=pcap&proxy=any", NULL);
        weft_sim_peer *p = accepting_client(from[i % 3]);
        if (i >= 3)
            weft_sim_peer_say(p, i == 3   ? "PROXY TCP6 2001:db8::1 2001:db8::2 9 443\r\n"
                                 : i == 4 ? "PROXY TCP4 192.0.2.1 198.51.100.2 9 443\r\n"
                                          : "PROXY UNKNOWN\r\n");
        size_t greeting = p->got_bytes;
        weft_sim_peer_send(p, bytes, BYTES);
        weft_sim_advance(sim, 250);
        weft_sim_peer_end(p);
        CHECK(p->closed);
        end();
        decoded d = decode(false);
        CHECK_U64(d.syns, 2);
        CHECK_U64(d.fins, 2);
        CHECK_MEM(d.bytes[0], d.n[0], bytes, BYTES);
        CHECK_U64(d.n[1], greeting + BYTES);
        CHECK(d.n[1] > greeting && memcmp(d.bytes[1] + greeting, bytes, BYTES) == 0);
        CHECK_U64(d.last_ns, UINT64_C(1700000000250000000));
        decoded_free(&d);
    }
    free(bytes);
    done();
}

static void a_second_listener_adds_to_a_file_of_packets(void)
{
    wf_tap *tap[2];
    weft_why why;
    wf_tap_flow flow = {.id = 1};
    (void)unlink(path);
    for (int i = 0; i < 2; i++) {
        CHECK_OK(wf_tap_new(path, WEFT_TAP_PCAP, 10000, true, &tap[i], &why));
        CHECK(wf_tap_add(tap[i], NULL, &flow, WF_TAP_OPENED, 0, NULL, 0, 0));
        CHECK(!wf_tap_add(tap[i], NULL, &flow, WF_TAP_CLOSED, 0, NULL, 0, 0));
        wf_tap_drop(tap[i]);
    }
    read_file();
    decoded d = decode(false);
    CHECK_U64(d.packets, 10);
    decoded_free(&d);
    (void)unlink(path);
    done();
}

/* ---- what ends it */

static void a_file_that_is_full_ends_it_and_the_traffic_goes_on(void)
{
    begin("&tap_bytes_max=1k", NULL);
    weft_sim_peer *p = accepting_client("");
    for (int i = 0; i < 100; i++)
        weft_sim_peer_say(p, "hello");
    CHECK(strstr(p->got, "hellohello") != NULL);
    CHECK_U64(logs, 1);
    CHECK(strstr(logged, "nothing more is copied: the file is as large as it may be") != NULL);
    CHECK(!p->closed);
    weft_sim_peer_close(p);
    end();
    CHECK(file_bytes <= 1024 && file_bytes > 800);
    CHECK_U64(file[file_bytes - 1], '\n');
    done();
}

static void a_disk_that_is_full_ends_it_and_the_traffic_goes_on(void)
{
    begin("", "/dev/full");
    weft_sim_peer *p = accepting_client("");
    weft_sim_peer_say(p, "hello");
    weft_sim_peer_say(p, "hello");
    CHECK(strstr(p->got, "hellohello") != NULL);
    CHECK_U64(logs, 1);
    CHECK(strstr(logged, "tap /dev/full: nothing more is copied: write: No space left") != NULL);
    weft_sim_peer_close(p);
    end();
    done();
}

static void what_the_disk_does_not_keep_up_with_is_left_out_and_said(void)
{
    static uint8_t piece[WF_TAP_PIECE_BYTES];
    wf_tap *tap = NULL;
    wf_tap_flow flow = {.id = 1};
    weft_why why;
    unsigned n = 0;
    sim = weft_sim_new(&(weft_sim_options){.seed = 5, .system = {.log_hook = on_log}});
    logs = 0;
    (void)unlink(path);
    CHECK_OK(wf_tap_new(path, WEFT_TAP_PCAP, 1 << 30, true, &tap, &why));
    bool turn = wf_tap_add(tap, weft_sim_system(sim), &flow, WF_TAP_OPENED, 0, NULL, 0, 0);
    CHECK(turn);
    for (; n < 1100; n++)
        CHECK(
            !wf_tap_add(tap, weft_sim_system(sim), &flow, WF_TAP_BYTES, 0, piece, sizeof piece, 0));
    wf_tap_write(tap);
    CHECK(wf_tap_written(tap));
    CHECK_U64(logs, 0);
    CHECK(wf_tap_add(tap, weft_sim_system(sim), &flow, WF_TAP_CLOSED, 0, NULL, 0, 0));
    CHECK_U64(logs, 1);
    CHECK(strstr(logged, "pieces were left out: the disk did not keep up") != NULL);
    wf_tap_drop(tap);
    accepting_end();
    read_file();
    CHECK(file_bytes > (WF_TAP_PENDING_BYTES_MAX) / 2 &&
          file_bytes < WF_TAP_PENDING_BYTES_MAX + 1000);
    (void)unlink(path);
    done();
}

static void a_file_that_cannot_be_opened_is_told_at_once_by_who_listens(void)
{
    weft_listening got;
    weft_why why = {""};
    sim = weft_sim_new(&(weft_sim_options){.seed = 5, .system = {.log_hook = on_log, .pool = 1}});
    logs = 0;
    CHECK_ERR(weft_listen_at(weft_sim_system(sim), "sim://g?tap=/nowhere/at/all", &greeter, NULL,
                             &got, &why),
              WEFT_ENOTFOUND);
    CHECK(strstr(why.text, "/nowhere/at/all") != NULL);
    CHECK_ERR(weft_listen_at(weft_sim_system(sim), "sim://g?tap=", &greeter, NULL, &got, &why),
              WEFT_EINVAL);
    CHECK_OK(weft_listen(weft_sim_system(sim), "sim://g", &greeter, NULL));
    /* who connects does not wait for it, and is not stopped by it */
    weft_sim_peer *p = accepting_client("?tap=/nowhere/at/all");
    weft_sim_peer_say(p, "hello");
    CHECK(strstr(p->got, "hello") != NULL);
    CHECK_U64(logs, 1);
    accepting_end();
}

static void memory_that_is_out_anywhere_harms_no_more_than_the_tap(void)
{
    for (uint64_t n = 1;; n++) {
        REQUIRE(n < 1000);
        begin("&tap_format=pcap", NULL);
        weft_sim_fail_allocation(sim, n);
        weft_sim_peer *p = accepting_client("?bind=192.0.2.7");
        weft_sim_peer_say(p, "hello");
        bool met = weft_sim_allocation_failed(sim);
        weft_sim_fail_allocation(sim, 0);
        weft_sim_peer_abort(p);
        end();
        decoded d = decode(true);
        decoded_free(&d);
        if (!met)
            break;
    }
    done();
}

static void what_is_ended_by_force_leaves_what_it_saw(void)
{
    begin("", NULL);
    weft_sim_peer *p = accepting_client("");
    weft_sim_peer_say(p, "hello");
    end();
    CHECK(strstr((const char *)file, "|hello|") != NULL);
    CHECK(strstr((const char *)file, " closed\n") != NULL);
    done();
}

static const test_case cases[] = {
    TEST(text_says_who_what_and_when),
    TEST(connections_are_told_apart_and_those_of_proxies_too),
    TEST(who_connects_has_a_tap_too),
    TEST(the_file_is_for_its_owner_alone),
    TEST(packets_are_a_connection_with_all_its_bytes),
    TEST(a_second_listener_adds_to_a_file_of_packets),
    TEST(a_file_that_is_full_ends_it_and_the_traffic_goes_on),
    TEST(a_disk_that_is_full_ends_it_and_the_traffic_goes_on),
    TEST(what_the_disk_does_not_keep_up_with_is_left_out_and_said),
    TEST(a_file_that_cannot_be_opened_is_told_at_once_by_who_listens),
    TEST(memory_that_is_out_anywhere_harms_no_more_than_the_tap),
    TEST(what_is_ended_by_force_leaves_what_it_saw),
    {0},
};
const test_suite tap_suite = {.name = "actors/tap", .cases = cases};

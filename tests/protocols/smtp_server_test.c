/* SPDX-License-Identifier: MIT */
/* The SMTP server beyond scripts: what it writes into messages, back-pressure, memory, stopping, maildirs, and
 * hundreds of clients whose connections break. */
#include <dirent.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <weft/net.h>

#include "smtp_server.h"
#include "smtp_world.h"

static weft_sim *sim;

static weft_sim_peer *begin(const weft_sim_options *options)
{
    sim = smtp_open(options);
    return weft_sim_connect(sim, "sim://mail");
}

static void done(void)
{
    CHECK_U64(weft_sim_free(&sim), 0);
}

static const char envelope[] = "EHLO x.example\r\nMAIL FROM:<a@b.c>\r\nRCPT TO:<d@e.f>\r\n";

static bool got(const weft_sim_peer *p, const char *text)
{
    return strstr(p->got, text) != NULL;
}

/* ---- what is written into a message */

static void a_received_line_says_where_it_came_from(void)
{
    smtp_reset();
    smtp_config.no_received = false;
    weft_sim_peer *p = begin(NULL);
    weft_sim_peer_say(p, envelope);
    weft_sim_peer_say(p, "DATA\r\nhello\r\n.\r\n");
    weft_sim_advance(sim, 1000);
    static const char from[] =
        "Received: from x.example (local)\r\n\tby mail.example with ESMTP id ";
    CHECK_MEM(smtp_saw.text, sizeof from - 1, from, sizeof from - 1);
    CHECK(strstr(smtp_saw.text, "\r\n\tfor <d@e.f>;\r\n\t") != NULL);
    const char *end = strstr(smtp_saw.text, " +0000\r\n");
    REQUIRE(end != NULL);
    CHECK_STR(end, " +0000\r\nhello\r\n");
    done();
}

static void dates_are_those_of_mail(void)
{
    char text[WF_SMTP_DATE_BYTES];
    wf_smtp_date(0, text);
    CHECK_STR(text, "Thu, 1 Jan 1970 00:00:00 +0000");
    wf_smtp_date(1700000000ULL * 1000000000ULL, text);
    CHECK_STR(text, "Tue, 14 Nov 2023 22:13:20 +0000");
    wf_smtp_date(951782400ULL * 1000000000ULL, text);
    CHECK_STR(text, "Tue, 29 Feb 2000 00:00:00 +0000");
}

/* ---- what an operator reads */

static void each_message_has_a_line_in_the_log(void)
{
    smtp_reset();
    weft_sim_peer *p = begin(NULL);
    weft_sim_peer_say(p, "EHLO x\r\nAUTH PLAIN AHRpbQB0YW5zdGFhZnRhbnN0YWFm\r\n");
    weft_sim_advance(sim, 1000);
    CHECK_U64(weft_sim_logged(sim, WEFT_NOTICE, " (tim): logged in by PLAIN"), 1);
    weft_sim_peer_say(p, "MAIL FROM:<a@b.c>\r\nRCPT TO:<d@e.f>\r\nRCPT TO:<g@e.f>\r\n");
    weft_sim_peer_say(p, "RCPT TO:<h@e.f>\r\nDATA\r\nhello\r\n..\r\n.\r\n");
    weft_sim_advance(sim, 1000);
    const char *id = strstr(p->got, "250 2.0.0 OK id ");
    char line[256];
    REQUIRE(id != NULL);
    (void)snprintf(line, sizeof line,
                   " (tim): message %.16s from <a@b.c> to <d@e.f> and 2 more, 10 bytes: "
                   "250 2.0.0 OK",
                   id + 16);
    CHECK_U64(weft_sim_logged(sim, WEFT_NOTICE, line), 1);
    weft_sim_peer_say(p, "MAIL FROM:<>\r\nRCPT TO:<d@e.f>\r\nDATA\r\nhalf");
    weft_sim_advance(sim, 1000);
    weft_sim_peer_abort(p);
    weft_sim_advance(sim, 1000);
    CHECK_U64(weft_sim_logged(sim, WEFT_NOTICE,
                              "from <> to <d@e.f>, 4 bytes: not whole: the client has gone"),
              1);
    CHECK_U64(weft_sim_logged(sim, WEFT_NOTICE, ": message "), 2);
    done();
}

static void what_is_refused_has_a_line_in_the_log(void)
{
    static const char *const lines[] = {
        ": refused as tim by PLAIN: the credentials are not valid",
        ": refused as fred by LOGIN: the credentials are not valid",
        ": refused from <bad@b.c>: 550 5.7.27 you??again",
        ": refused from <big@b.c>: 552 5.3.4 the message is too big",
        ": refused from <a@b.c> to <nobody@e.f>: 550 5.1.1 nobody of that name",
        ": a CR, LF or zero alone in a command: let go",
        NULL,
    };
    smtp_reset();
    weft_sim_peer *p = begin(NULL);
    weft_sim_peer_say(p, "EHLO x\r\nAUTH PLAIN AHRpbQB3cm9uZw==\r\n");
    weft_sim_advance(sim, 10000);
    weft_sim_peer_say(p, "AUTH LOGIN ZnJlZA==\r\nd3Jvbmc=\r\n");
    weft_sim_advance(sim, 10000);
    weft_sim_peer_say(p, "MAIL FROM:<bad@b.c>\r\nMAIL FROM:<big@b.c> SIZE=99999999\r\n");
    weft_sim_peer_say(p, "MAIL FROM:<a@b.c>\r\nRCPT TO:<d@e.f>\r\nRCPT TO:<nobody@e.f>\r\n");
    weft_sim_peer_say(p, "NOOP\nNOOP\r\n");
    weft_sim_advance(sim, 1000);
    for (size_t i = 0; lines[i] != NULL; i++)
        if (weft_sim_logged(sim, WEFT_NOTICE, lines[i]) != 1)
            CHECK_STR(lines[i], "a line of the log");
    done();
}

static void who_may_not_send_without_a_login_has_a_line_in_the_log(void)
{
    smtp_reset();
    smtp_config.auth_required = true;
    weft_sim_peer *p = begin(NULL);
    weft_sim_peer_say(p, envelope);
    weft_sim_advance(sim, 1000);
    CHECK_U64(weft_sim_logged(sim, WEFT_NOTICE,
                              "refused from <a@b.c>: 530 5.7.0 authentication is required"),
              1);
    done();
}

static void a_message_taken_for_some_of_its_recipients_says_for_how_many(void)
{
    smtp_reset();
    smtp_config.lmtp = true;
    smtp_does = SMTP_BY_EACH;
    weft_sim_peer *p = begin(NULL);
    weft_sim_peer_say(p, "LHLO x\r\nMAIL FROM:<a@b.c>\r\nRCPT TO:<d@e.f>\r\nRCPT TO:<g@e.f>\r\n");
    weft_sim_peer_say(p, "DATA\r\nhello\r\n.\r\n");
    weft_sim_advance(sim, 1000);
    CHECK_U64(weft_sim_logged(sim, WEFT_NOTICE,
                              "to <d@e.f> and 1 more, 7 bytes: taken for 1 of 2, else 550 5.1.1 "
                              "no such mailbox here"),
              1);
    done();
}

static void a_quiet_server_says_it_at_info(void)
{
    smtp_reset();
    smtp_config.quiet = true;
    sim = smtp_open(
        &(weft_sim_options){.seed = 1, .system = {.log_level = WEFT_INFO, .log_level_set = true}});
    weft_sim_peer *p = weft_sim_connect(sim, "sim://mail");
    weft_sim_peer_say(p, envelope);
    weft_sim_peer_say(p, "DATA\r\nhello\r\n.\r\n");
    weft_sim_advance(sim, 1000);
    CHECK_U64(weft_sim_logged(sim, WEFT_NOTICE, ": message "), 0);
    CHECK_U64(weft_sim_logged(sim, WEFT_INFO, ": message "), 1);
    done();
}

/* ---- back-pressure */

#define HELP_ANSWER \
    "214 2.0.0 EHLO HELO MAIL RCPT DATA BDAT RSET NOOP VRFY HELP AUTH QUIT: RFC 5321\r\n"

static void a_message_nobody_reads_holds_its_client_back(void)
{
    enum { TEXT = 8 << 20 };
    smtp_reset();
    smtp_does = SMTP_DEAF;
    smtp_config.limits.answer_timeout_ms =
        10000; /* how long one who does not listen may take to end */
    char *text = malloc(TEXT);
    REQUIRE(text != NULL);
    for (size_t i = 0; i < TEXT; i += 64)
        /* NOLINTNEXTLINE(bugprone-not-null-terminated-result): bytes, whose length is kept */
        memcpy(text + i, "012345678901234567890123456789012345678901234567890123456789..\r\n", 64);
    weft_sim_peer *p = begin(NULL);
    weft_sim_peer_say(p, envelope);
    weft_sim_peer_say(p, "DATA\r\n");
    weft_sim_peer_send(p, text, TEXT);
    weft_sim_advance(sim, 5000);
    CHECK(p->waiting > TEXT / 2);
    CHECK_U64(smtp_saw.workers, 1);
    weft_sim_advance(sim, 10000);
    CHECK_U64(smtp_saw.workers, 0);
    weft_sim_peer_say(p, ".\r\n");
    weft_sim_advance(sim, 1000);
    CHECK(got(p, "451 4.3.0 something failed here"));
    free(text);
    done();
}

static void what_a_letter_that_gave_up_left_does_not_hold_its_client(void)
{
    enum { TEXT = 4 << 20 };
    smtp_reset();
    smtp_does = SMTP_DEAF;
    char *text = malloc(TEXT + 1);
    REQUIRE(text != NULL);
    for (size_t i = 0; i < TEXT; i += 64)
        (void)snprintf(text + i, 65, "%062zu\r\n", i);
    smtp_config.limits.answer_timeout_ms = 1000; /* then it is given up, its stream full */
    weft_sim_peer *p = begin(NULL);
    weft_sim_peer_say(p, envelope);
    weft_sim_peer_say(p, "DATA\r\n");
    weft_sim_peer_send(p, text, TEXT);
    weft_sim_peer_say(p, ".\r\nNOOP\r\n");
    weft_sim_advance(sim, 5000);
    CHECK_U64(p->waiting, 0);
    CHECK(got(p, "451 4.3.0 something failed here; try again later\r\n250 2.0.0 OK\r\n"));
    free(text);
    done();
}

static void a_client_that_reads_no_answers_is_not_read_from(void)
{
    enum { COMMANDS = 20000 };
    static char text[COMMANDS * 6 + 1];
    smtp_reset();
    for (size_t i = 0; i < COMMANDS; i++)
        (void)stpcpy(text + 6 * i, "HELP\r\n");
    weft_sim_peer *p = begin(NULL);
    weft_sim_peer_say(p, "EHLO x\r\n");
    weft_sim_advance(sim, 10);
    size_t had = p->got_bytes;
    weft_sim_peer_deaf(p, true);
    weft_sim_peer_send(p, text, sizeof text - 1);
    weft_sim_advance(sim, 1000);
    weft_sim_peer_deaf(p, false);
    weft_sim_advance(sim, 1000);
    CHECK(p->got_bytes > had + (1 << 20)); /* more than was let wait at once */
    CHECK_U64((p->got_bytes - had) % (sizeof HELP_ANSWER - 1), 0);
    CHECK(!p->closed);
    done();
}

/* ---- stopping */

static void a_message_under_way_is_finished_when_the_system_stops(void)
{
    smtp_reset();
    weft_sim_peer *p = begin(NULL);
    weft_sim_peer *idle = weft_sim_connect(sim, "sim://mail");
    weft_sim_peer_say(idle, "EHLO x\r\n");
    weft_sim_peer_say(p, envelope);
    weft_sim_peer_say(p, "DATA\r\nhalf");
    weft_sim_advance(sim, 10);
    weft_system_shutdown(weft_sim_system(sim), WEFT_OK);
    weft_sim_advance(sim, 100);
    CHECK(got(idle, "421 4.3.2 the server stops\r\n"));
    CHECK(!got(p, "421"));
    weft_sim_peer_say(p, "\r\n.\r\n");
    weft_sim_advance(sim, 100);
    CHECK(got(p, "250 2.0.0 OK"));
    CHECK(got(p, "421 4.3.2 the server stops\r\n"));
    CHECK_U64(smtp_saw.replied, 1);
    done();
}

/* ---- memory */

/* Whatever fails for want of memory, no client hears 250 for a message that nobody took. */
static void no_failed_allocation_loses_a_message(void)
{
    for (uint64_t n = 1; n < 5000; n++) {
        smtp_reset();
        sim = smtp_open(NULL);
        weft_sim_fail_allocation(sim, n);
        weft_sim_peer *p = weft_sim_connect(sim, "sim://mail");
        weft_sim_peer_say(p, envelope);
        weft_sim_peer_say(p, "DATA\r\nhello\r\n..\r\n.\r\nQUIT\r\n");
        weft_sim_advance(sim, 700000);
        bool met = weft_sim_allocation_failed(sim);
        weft_sim_fail_allocation(sim, 0);
        if (got(p, "250 2.0.0 OK"))
            CHECK_STR(smtp_saw.text, "hello\r\n.\r\n");
        else
            CHECK(met);
        CHECK_U64(smtp_saw.workers, 0);
        done();
        if (!met)
            return;
    }
    CHECK(!"a dialogue that ends");
}

/* ---- maildirs */

static char folder[64], mail_folder[96];
static weft_smtp_maildir_config maildir;

static weft_sim_peer *begin_maildir(void)
{
    (void)snprintf(folder, sizeof folder, "/tmp/weft-smtp-XXXXXX");
    REQUIRE(mkdtemp(folder) != NULL);
    (void)snprintf(mail_folder, sizeof mail_folder, "%s/mail", folder);
    maildir.path = mail_folder;
    smtp_reset();
    smtp_config.message = &weft_smtp_maildir;
    smtp_config.message_config = &maildir;
    return begin(NULL);
}

/* How many files there are in a part of the maildir; @text gets the last one's. They are taken away. */
static unsigned files_in(const char *part, char *text, size_t room)
{
    char path[512];
    unsigned n = 0;
    (void)snprintf(path, sizeof path, "%s/%s", mail_folder, part);
    DIR *d = opendir(path);
    for (struct dirent *e; d != NULL && (e = readdir(d)) != NULL;) {
        if (e->d_name[0] == '.')
            continue;
        n++;
        (void)snprintf(path, sizeof path, "%s/%s/%s", mail_folder, part, e->d_name);
        FILE *f = fopen(path, "r");
        REQUIRE(f != NULL);
        text[fread(text, 1, room - 1, f)] = '\0';
        (void)fclose(f);
        (void)unlink(path);
    }
    if (d != NULL)
        (void)closedir(d);
    return n;
}

static void end_maildir(void)
{
    static const char *const parts[] = {"mail/tmp", "mail/new", "mail/cur", "mail", ""};
    char path[256];
    done();
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", folder, parts[i]);
        (void)rmdir(path);
    }
    CHECK(access(folder, F_OK) != 0);
}

static void a_message_is_put_into_a_maildir(void)
{
    static char text[4096];
    weft_sim_peer *p = begin_maildir();
    weft_sim_peer_say(p, envelope);
    weft_sim_peer_say(p, "DATA\r\nhello\r\n.\r\n");
    weft_sim_advance(sim, 1000);
    CHECK(got(p, "250 2.0.0 OK"));
    CHECK_U64(files_in("tmp", text, sizeof text), 0);
    CHECK_U64(files_in("new", text, sizeof text), 1);
    CHECK_STR(text, "Return-Path: <a@b.c>\r\nhello\r\n");
    end_maildir();
}

static void a_large_message_is_put_there_whole(void)
{
    enum { TEXT = 3 << 20 };
    char *text = malloc(TEXT + 1), *read = malloc(TEXT + 1000);
    REQUIRE(text != NULL && read != NULL);
    for (size_t i = 0; i < TEXT; i += 64)
        (void)snprintf(text + i, 65, "%062zu\r\n", i);
    weft_sim_peer *p = begin_maildir();
    weft_sim_peer_say(p, envelope);
    weft_sim_peer_say(p, "DATA\r\n");
    weft_sim_peer_send(p, text, TEXT);
    weft_sim_peer_say(p, ".\r\n");
    weft_sim_advance(sim, 10000);
    CHECK(got(p, "250 2.0.0 OK"));
    CHECK_U64(files_in("new", read, TEXT + 1000), 1);
    CHECK_STR(strstr(read, "\r\n") + 2, text);
    free(text);
    free(read);
    end_maildir();
}

static void a_client_that_goes_leaves_nothing_in_a_maildir(void)
{
    enum { TEXT = 1 << 20 };
    static char text[4096];
    char *sent = malloc(TEXT + 1);
    REQUIRE(sent != NULL);
    for (size_t i = 0; i < TEXT; i += 64)
        (void)snprintf(sent + i, 65, "%062zu\r\n", i);
    weft_sim_peer *p = begin_maildir();
    weft_sim_peer_say(p, envelope);
    weft_sim_peer_say(p, "DATA\r\n");
    weft_sim_peer_send(p, sent, TEXT);
    weft_sim_advance(sim, 1000);
    weft_sim_peer_abort(p);
    weft_sim_advance(sim, 1000);
    CHECK_U64(files_in("tmp", text, sizeof text), 0);
    CHECK_U64(files_in("new", text, sizeof text), 0);
    free(sent);
    end_maildir();
}

static void a_maildir_that_lacks_a_folder_gets_it(void)
{
    static char text[4096], path[512];
    weft_sim_peer *p = begin_maildir();
    (void)snprintf(path, sizeof path, "%s/tmp", mail_folder);
    REQUIRE(mkdir(mail_folder, 0700) == 0 && mkdir(path, 0700) == 0);
    weft_sim_peer_say(p, envelope);
    weft_sim_peer_say(p, "DATA\r\nhello\r\n.\r\n");
    weft_sim_advance(sim, 1000);
    CHECK(got(p, "250 2.0.0 OK"));
    CHECK_U64(files_in("tmp", text, sizeof text), 0);
    CHECK_U64(files_in("new", text, sizeof text), 1);
    end_maildir();
}

static void a_maildir_that_cannot_be_had_is_451(void)
{
    weft_sim_peer *p = begin_maildir();
    FILE *f = fopen(mail_folder, "w"); /* a file in its place */
    REQUIRE(f != NULL);
    (void)fclose(f);
    weft_sim_peer_say(p, envelope);
    weft_sim_peer_say(p, "DATA\r\nhello\r\n.\r\nNOOP\r\n");
    weft_sim_advance(sim, 1000);
    CHECK(got(p, "451 4.3.0 something failed here; try again later\r\n250 2.0.0 OK\r\n"));
    CHECK(!got(p, folder)); /* where it is is nobody's business */
    CHECK_U64(weft_sim_logged(sim, WEFT_ERROR, folder), 1);
    (void)unlink(mail_folder);
    end_maildir();
}

/* ---- hundreds of clients */

enum { CLIENTS = 300 };

static void a_storm_of_clients(uint64_t seed)
{
    static weft_sim_peer *peers[CLIENTS];
    unsigned told = 0;
    smtp_reset();
    sim = smtp_open(&(weft_sim_options){.seed = seed,
                                        .system = {.reactors = 3},
                                        .faults = {.lost = 3000,
                                                   .short_read = 200000,
                                                   .short_write = 200000,
                                                   .refused = 20000,
                                                   .latency_ms_max = 20}});
    for (unsigned i = 0; i < CLIENTS; i++)
        peers[i] = weft_sim_connect(sim, "sim://mail");
    for (unsigned round = 0; round < 3; round++)
        for (unsigned i = 0; i < CLIENTS; i++) {
            weft_sim_peer *p = peers[i];
            if (p->closed)
                continue;
            if (round == 0)
                weft_sim_peer_say(p, envelope);
            else if (round == 1)
                weft_sim_peer_say(p, i % 7 == 0 ? "DATA\r\na\r\n\n.\r\n"
                                                : "DATA\r\nhello\r\n..\r\n.\r\nQUIT\r\n");
            else if (i % 11 == 0)
                weft_sim_peer_abort(p);
        }
    (void)weft_sim_settle(sim, 60000);
    weft_sim_advance(sim, 60000);
    for (unsigned i = 0; i < CLIENTS; i++)
        told += got(peers[i], "250 2.0.0 OK id") ? 1 : 0;
    CHECK(told > CLIENTS / 2);
    CHECK(told <= smtp_saw.replied);
    CHECK_U64(smtp_saw.workers, 0);
    CHECK_STR(weft_sim_failure(sim), "");
    done();
}

static void clients_whose_connections_break_lose_nothing_they_were_told_of(void)
{
    for (uint64_t seed = 1; seed <= 5; seed++)
        a_storm_of_clients(seed);
}

static const test_case cases[] = {
    TEST(a_received_line_says_where_it_came_from),
    TEST(dates_are_those_of_mail),
    TEST(each_message_has_a_line_in_the_log),
    TEST(what_is_refused_has_a_line_in_the_log),
    TEST(who_may_not_send_without_a_login_has_a_line_in_the_log),
    TEST(a_message_taken_for_some_of_its_recipients_says_for_how_many),
    TEST(a_quiet_server_says_it_at_info),
    TEST(a_message_nobody_reads_holds_its_client_back),
    TEST(what_a_letter_that_gave_up_left_does_not_hold_its_client),
    TEST(a_client_that_reads_no_answers_is_not_read_from),
    TEST(a_message_under_way_is_finished_when_the_system_stops),
    TEST(no_failed_allocation_loses_a_message),
    TEST(a_message_is_put_into_a_maildir),
    TEST(a_large_message_is_put_there_whole),
    TEST(a_client_that_goes_leaves_nothing_in_a_maildir),
    TEST(a_maildir_that_lacks_a_folder_gets_it),
    TEST(a_maildir_that_cannot_be_had_is_451),
    TEST(clients_whose_connections_break_lose_nothing_they_were_told_of),
    {0},
};
const test_suite smtp_server_suite = {.name = "protocols/smtp_server", .cases = cases};

/* SPDX-License-Identifier: MIT */
/* known_hosts: whose line it is, and what it says of a key. Lines as OpenSSH's ssh-keygen writes them. */
#include "check.h"
#include "known_hosts.h"
#include "ssh_session.h"

#define KEY "AAAAC3NzaC1lZDI1NTE5AAAAIO8V+TRSFlyiS7i7HMtH0VYPzDG7Pm81b4TXxXGqwH4W"
#define OTHER "AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"

static wf_known look(const char *text, const char *name, unsigned *line)
{
    return wf_known_hosts_look(text, strlen(text), name, "ssh-ed25519", KEY, line);
}

static void names_are_written_as_they_stand_there(void)
{
    char name[WF_KNOWN_HOST_BYTES], longer[300];
    CHECK(wf_known_hosts_name("Example.ORG", 22, name));
    CHECK_STR(name, "example.org");
    CHECK(wf_known_hosts_name("example.org", 2222, name));
    CHECK_STR(name, "[example.org]:2222");
    CHECK(wf_known_hosts_name("::1", 2222, name));
    CHECK_STR(name, "[::1]:2222");
    memset(longer, 'x', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    CHECK(!wf_known_hosts_name(longer, 22, name));
    CHECK(!wf_known_hosts_name("", 22, name));
    CHECK(!wf_known_hosts_name("a,b", 22, name));
    CHECK(!wf_known_hosts_name("a\nb", 22, name));
    CHECK(!wf_known_hosts_name("*", 22, name));
}

static void a_line_says_whose_key_it_is(void)
{
    static const struct {
        const char *text, *name;
        wf_known want;
        unsigned line;
    } rows[] = {
        {"", "a", WF_KNOWN_NOT, 0},
        {"a ssh-ed25519 " KEY, "a", WF_KNOWN_YES, 1},
        {"a ssh-ed25519 " KEY "\r\n", "a", WF_KNOWN_YES, 1},
        {"# a ssh-ed25519 " KEY "\n\na\tssh-ed25519\t" KEY " a comment\n", "a", WF_KNOWN_YES, 3},
        {"b ssh-ed25519 " KEY, "a", WF_KNOWN_NOT, 0},
        {"a ssh-ed25519 " OTHER, "a", WF_KNOWN_CHANGED, 1},
        {"a ssh-rsa " KEY, "a", WF_KNOWN_CHANGED, 1},
        {"a ssh-ed25519 " OTHER "\na ssh-ed25519 " KEY, "a", WF_KNOWN_YES, 2},
        {"a ssh-ed25519 " KEY "\na ssh-ed25519 " OTHER, "a", WF_KNOWN_YES, 1},
        {"x,a,y ssh-ed25519 " KEY, "a", WF_KNOWN_YES, 1},
        {"A.B ssh-ed25519 " KEY, "a.b", WF_KNOWN_YES, 1},
        {"*.b ssh-ed25519 " KEY, "a.b", WF_KNOWN_YES, 1},
        {"*.b,!a.b ssh-ed25519 " KEY, "a.b", WF_KNOWN_NOT, 0},
        {"!a.b,*.b ssh-ed25519 " KEY, "c.b", WF_KNOWN_YES, 1},
        {"?.b ssh-ed25519 " KEY, "aa.b", WF_KNOWN_NOT, 0},
        {"* ssh-ed25519 " KEY, "a", WF_KNOWN_YES, 1},
        {"[a]:22 ssh-ed25519 " KEY, "a", WF_KNOWN_NOT, 0},
        {"[a]:2222 ssh-ed25519 " KEY, "[a]:2222", WF_KNOWN_YES, 1},
        {"a ssh-ed25519 " KEY, "[a]:2222", WF_KNOWN_NOT, 0},
        {"a ssh-ed25519", "a", WF_KNOWN_NOT, 0},
        {"a", "a", WF_KNOWN_NOT, 0},
        {"@cert-authority a ssh-ed25519 " KEY, "a", WF_KNOWN_NOT, 0},
        {"@revoked * ssh-ed25519 " KEY "\na ssh-ed25519 " KEY, "a", WF_KNOWN_REVOKED, 1},
        {"a ssh-ed25519 " KEY "\n@revoked a ssh-ed25519 " KEY, "a", WF_KNOWN_REVOKED, 2},
        {"@revoked a ssh-ed25519 " OTHER "\na ssh-ed25519 " KEY, "a", WF_KNOWN_YES, 2},
        {"a ssh-ed25519 " KEY "x", "a", WF_KNOWN_CHANGED, 1},
    };
    unsigned line;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        CHECK_U64(look(rows[i].text, rows[i].name, &line), rows[i].want);
        CHECK_U64(line, rows[i].line);
    }
}

/* Written by `ssh-keygen -H`. */
static void hashed_names_are_found(void)
{
    static const char text[] =
        "|1|VyhHCOE6Jq7YEh7H4mBxMbwXdtw=|N7tvKL6eyIVmv9rvfD4V19d7fG8= ssh-ed25519 " KEY "\n"
        "|1|KgPj48nzjsI3F678SLiNrfQ1uPo=|Q+k5+Qq+upqEode2K22sea/8WSw= ssh-ed25519 " KEY "\n";
    unsigned line;
    CHECK_U64(look(text, "example.org", &line), WF_KNOWN_YES);
    CHECK_U64(line, 1);
    CHECK_U64(look(text, "[example.org]:2222", &line), WF_KNOWN_YES);
    CHECK_U64(line, 2);
    CHECK_U64(look(text, "example.com", &line), WF_KNOWN_NOT);
    CHECK_U64(look("|1|AAAA ssh-ed25519 " KEY, "example.org", &line), WF_KNOWN_NOT);
    CHECK_U64(look("|1|AAAA|BBBB ssh-ed25519 " KEY, "example.org", &line), WF_KNOWN_NOT);
    CHECK_U64(look("|1| ssh-ed25519 " KEY, "example.org", &line), WF_KNOWN_NOT);
}

static void the_kinds_of_keys_that_are_known_are_asked_for(void)
{
    static const char text[] = "a ssh-rsa x\na ecdsa-sha2-nistp256 x\nb ssh-ed25519 x\n"
                               "@revoked a ecdsa-sha2-nistp521 x\na ssh-dss x\n";
    CHECK_U64(wf_known_hosts_types(text, sizeof text - 1, "a"), WF_SSH_RSA | WF_SSH_ECDSA_256);
    CHECK_U64(wf_known_hosts_types(text, sizeof text - 1, "b"), WF_SSH_ED25519);
    CHECK_U64(wf_known_hosts_types(text, sizeof text - 1, "c"), 0);
}

static void a_line_that_is_too_long_is_passed_over(void)
{
    static char text[WF_KNOWN_LINE_BYTES_MAX + 200];
    unsigned line;
    memset(text, ' ', sizeof text - 1);
    memcpy(text, "a ssh-ed25519 ", 14);
    memcpy(text + 14, KEY, sizeof KEY - 1);
    CHECK_U64(look(text, "a", &line), WF_KNOWN_NOT);
    text[WF_KNOWN_LINE_BYTES_MAX] = '\0';
    CHECK_U64(look(text, "a", &line), WF_KNOWN_YES);
}

static const test_case cases[] = {
    TEST(names_are_written_as_they_stand_there),
    TEST(a_line_says_whose_key_it_is),
    TEST(hashed_names_are_found),
    TEST(the_kinds_of_keys_that_are_known_are_asked_for),
    TEST(a_line_that_is_too_long_is_passed_over),
    {0},
};

const test_suite known_hosts_suite = {.name = "protocols/known_hosts", .cases = cases};

/* SPDX-License-Identifier: MIT */
/* URLs: what each form means, what is refused and how it is said, and that printing is undone by
 * parsing. */
#include "check.h"
#include "random.h"

#include "actors/url_parts.h"

#include <weft/url.h>

static weft_url url;
static weft_why why;

/* Parses what must parse, and checks on the way that its canonical form says the same. */
static const weft_url *parsed(const char *text)
{
    static char form[WEFT_URL_BYTES_MAX + 1];
    weft_url again;

    memset(&url, 0, sizeof url);
    check_err(weft_url_parse(text, &url, &why), WEFT_OK, text, __FILE__, __LINE__);
    CHECK(weft_url_print(&url, form, sizeof form) < sizeof form);
    check_err(weft_url_parse(form, &again, &why), WEFT_OK, form, __FILE__, __LINE__);
    CHECK(weft_url_equal(&url, &again));
    return &url;
}

static const char *printed(const char *text)
{
    static char form[WEFT_URL_BYTES_MAX + 1];
    weft_url_print(parsed(text), form, sizeof form);
    return form;
}

/* Checks that @text is refused with @err, in a sentence that has @part in it, and that the result
 * is left alone. */
static void refused_with(const char *text, weft_err err, const char *part)
{
    memset(&url, 0xa5, sizeof url);
    why = (weft_why){""};
    check_err(weft_url_parse(text, &url, &why), err, text, __FILE__, __LINE__);
    if (strstr(why.text, part) == NULL)
        check_str(why.text, part, text, __FILE__, __LINE__);
    for (size_t i = 0; i < sizeof url; i++)
        if (((const unsigned char *)&url)[i] != 0xa5)
            check_str("written to", "untouched", text, __FILE__, __LINE__);
    CHECK_ERR(weft_url_parse(text, &url, NULL), err);
}

static void refused(const char *text, const char *part)
{
    refused_with(text, WEFT_EINVAL, part);
}

static void check_host(const char *text, weft_host_kind kind, const char *name, unsigned port)
{
    const weft_url *u = parsed(text);
    check_u64(u->host.kind, kind, text, __FILE__, __LINE__);
    check_str(u->host.name, name, text, __FILE__, __LINE__);
    check_u64(u->host.port, port, text, __FILE__, __LINE__);
}

/* "PREFIX" + @n times @c + "SUFFIX" */
static const char *padded(const char *prefix, char c, size_t n, const char *suffix)
{
    static char text[4096];
    size_t at = (size_t)snprintf(text, sizeof text, "%s", prefix);
    memset(text + at, c, n);
    (void)snprintf(text + at + n, sizeof text - at - n, "%s", suffix);
    return text;
}

/* ---- forms ---- */

static void tcp_has_a_host_and_a_port(void)
{
    check_host("tcp://example.com:25", WEFT_HOST_NAME, "example.com", 25);
    check_host("tcp://127.0.0.1:1234", WEFT_HOST_V4, "127.0.0.1", 1234);
    check_host("tcp://[::1]:80", WEFT_HOST_V6, "::1", 80);
    check_host("tcp://localhost:1", WEFT_HOST_LOCALHOST, "localhost", 1);
    check_host("tcp://a.localhost.:1", WEFT_HOST_LOCALHOST, "a.localhost.", 1);
    check_host("tcp://*:7", WEFT_HOST_ANY, "", 7);
    check_host("tcp://:7", WEFT_HOST_ANY, "", 7);
    check_host("tcp://_dmarc.xn--bcher-kva.example.:7", WEFT_HOST_NAME,
               "_dmarc.xn--bcher-kva.example.", 7);
    CHECK_U64(parsed("tcp://h:1")->scheme, WEFT_SCHEME_TCP);
    CHECK_STR(parsed("tcp://h:1")->path, "");
}

static void ports_go_from_0_to_65535(void)
{
    check_host("tcp://h:0", WEFT_HOST_NAME, "h", 0);
    check_host("tcp://h:65535", WEFT_HOST_NAME, "h", 65535);
    check_host("tcp://h:00080", WEFT_HOST_NAME, "h", 80);
    refused("tcp://h:65536", "\"65536\", expected a number from 0 to 65535");
    refused("tcp://h:18446744073709551617", "from 0 to 65535");
    refused("tcp://h:99999999999999999999999999999999999999999999", "from 0 to 65535");
    refused("tcp://h:-1", "from 0 to 65535");
    refused("tcp://h:+1", "from 0 to 65535");
    refused("tcp://h:1x", "from 0 to 65535");
    refused("tcp://h:", "from 0 to 65535");
    refused("tcp://h", "no port behind it");
    refused("tcp://[::1]", "no port behind it");
    refused("tcp://*", "no port behind it");
}

static void schemes_and_hosts_are_told_in_lower_case(void)
{
    CHECK_STR(printed("TCP://ExAmple.COM:80"), "tcp://example.com:80");
    CHECK_STR(printed("tcp://%45xample.com:80"), "tcp://example.com:80");
    CHECK_STR(printed("Unix:Case/Stays"), "unix:Case/Stays");
    check_host("tcp://LocalHost:1", WEFT_HOST_LOCALHOST, "localhost", 1);
}

static void ipv6_takes_its_shortest_form(void)
{
    CHECK_STR(printed("tcp://[0:0:0::0001]:80"), "tcp://[::1]:80");
    CHECK_STR(printed("tcp://[2001:DB8::0]:0"), "tcp://[2001:db8::]:0");
    CHECK_STR(printed("tcp://[::ffff:1.2.3.4]:5"), "tcp://[::ffff:1.2.3.4]:5");
    check_host("tcp://[fe80::1%25eth0]:9", WEFT_HOST_V6, "fe80::1%eth0", 9);
    CHECK_STR(printed("tcp://[FE80::1%25Eth0]:9"), "tcp://[fe80::1%25Eth0]:9");

    refused("tcp://::1:80", "stands in brackets");
    refused("tcp://[::1:80", "without its ]");
    refused("tcp://[::1]80", "expected :PORT");
    refused("tcp://[]:80", "no IPv6 address");
    refused("tcp://[::1::]:80", "no IPv6 address");
    refused("tcp://[1.2.3.4]:80", "no IPv6 address");
    refused("tcp://[v1.x]:80", "no IPv6 address");
    refused("tcp://[fe80::1%25]:80", "the zone");
    refused("tcp://[fe80::1%25a%2Fb]:80", "the zone");
    refused("tcp://[fe80::1%250123456789abcdef]:80", "the zone");
    refused("tcp://[fe80::1%eth0]:80", "written %25");
    parsed("tcp://[fe80::1%250123456789abcde]:80");
}

static void what_looks_like_an_address_must_be_one(void)
{
    refused("tcp://1.2.3:80", "looks like an address");
    refused("tcp://1.2.3.256:80", "looks like an address");
    refused("tcp://1.2.3.4.5:80", "looks like an address");
    refused("tcp://01.2.3.4:80", "looks like an address");
    refused("tcp://2130706433:80", "looks like an address");
    refused("tcp://0x7f.1:80", "looks like an address");
    refused("tcp://127.0x1.:80", "looks like an address");
    refused("tcp://a.0x:80", "looks like an address");
    refused("tcp://a.0x9f:80", "looks like an address");
    check_host("tcp://a.x0:80", WEFT_HOST_NAME, "a.x0", 80);
    check_host("tcp://1.2.3.4a:80", WEFT_HOST_NAME, "1.2.3.4a", 80);
    check_host("tcp://0xg:80", WEFT_HOST_NAME, "0xg", 80);
}

static void host_names_are_letters_digits_and_parts(void)
{
    refused("tcp://a..b:80", "between its dots");
    refused("tcp://.b:80", "between its dots");
    refused("tcp://a%20b:80", "expected letters");
    refused("tcp://a~b:80", "expected letters");
    check_host("tcp://abyzABYZ0189-_.x:80", WEFT_HOST_NAME, "abyzabyz0189-_.x", 80);
    refused("tcp://%3A%3A1:80", "expected letters");
    refused("tcp://b\xc3\xbc"
            "cher.example:80",
            "xn--");
    refused("tcp://a%00b:80", "zero byte");
    refused("tcp://a%4:80", "two hex digits");
    refused("tcp://a%zz:80", "two hex digits");
    refused("tcp://user:secret@h:80", "no user");
    CHECK(strstr(why.text, "secret") == NULL);
    refused("tcp://", "is missing");
    refused("tcp:///x", "is missing");
    parsed(padded("tcp://", 'a', 63, ".b:80"));
    refused(padded("tcp://", 'a', 64, ".b:80"), "1 to 63");
}

static void a_host_has_at_most_255_bytes(void)
{
    char host[2 * WEFT_URL_HOST_BYTES_MAX] = "";
    for (size_t i = 0; i < 127; i++)
        memcpy(host + 2 * i, "a.", 3);
    memcpy(host + 254, "a:1", 4);

    char text[1024];
    (void)snprintf(text, sizeof text, "tcp://%s", host);
    CHECK_U64(strlen(parsed(text)->host.name), 255);
    (void)snprintf(text, sizeof text, "tcp://.%s", host);
    refused_with(text, WEFT_ETOOBIG, "longer than 255 bytes");
    (void)snprintf(text, sizeof text, "tcp://h:1?bind=.%s", host);
    refused_with(text, WEFT_ETOOBIG, "longer than 255 bytes");
    (void)snprintf(text, sizeof text, "tcp://h:1?bind=%s", host);
    CHECK_U64(strlen(parsed(text)->options.bind.name), 255);
}

static void tcp_has_nothing_behind_its_port(void)
{
    refused("tcp://h:1/", "ends with its port");
    refused("tcp://h:1/path", "\"/path\"");
    refused("tcp:h:1", "has // behind its scheme");
    refused("tcp:/h:1", "expected tcp://HOST:PORT");
}

static void unix_has_a_path(void)
{
    const weft_url *u = parsed("unix:echo.sock");
    CHECK_U64(u->scheme, WEFT_SCHEME_UNIX);
    CHECK_STR(u->path, "echo.sock");
    CHECK(!u->abstract);
    CHECK_U64(u->host.kind, WEFT_HOST_NONE);

    CHECK_STR(parsed("unix:///run/x.sock")->path, "/run/x.sock");
    CHECK_STR(parsed("unix:/run/x.sock")->path, "/run/x.sock");
    CHECK_STR(parsed("unix:a%20b%3F%23%25")->path, "a b?#%");
    CHECK_STR(parsed("unix:caf\xc3\xa9")->path, "caf\xc3\xa9");
    CHECK_STR(parsed("unix:a:b")->path, "a:b");

    refused("unix:", "is empty");
    refused("unix://", "is empty");
    refused("unix:?mode=0600", "is empty");
    refused("unix://run/x.sock", "has no host");
    refused("unix:a%00b", "zero byte");
    refused("unix:a%", "two hex digits");
}

static void unix_has_abstract_names(void)
{
    CHECK(parsed("unix:@name")->abstract);
    CHECK_STR(url.path, "name");
    CHECK_STR(parsed("unix:@/a/b")->path, "/a/b");
    CHECK_STR(parsed("unix:@@")->path, "@");
    CHECK(url.abstract);
    CHECK_STR(parsed("unix:%40name")->path, "@name");
    CHECK(!url.abstract);
    refused("unix:@", "is empty");
}

static void unix_paths_print_so_that_they_parse(void)
{
    CHECK_STR(printed("unix:///run/x"), "unix:/run/x");
    CHECK_STR(printed("unix:////run/x"), "unix:////run/x");
    CHECK_STR(parsed("unix:////run/x")->path, "//run/x");
    CHECK_STR(printed("unix:%2F%2Fx"), "unix:////x");
    CHECK_STR(printed("unix:%40x@y"), "unix:%40x@y");
    CHECK_STR(printed("unix:@%40%20"), "unix:@@%20");
    CHECK_STR(printed("unix:caf\xc3\xa9"), "unix:caf%C3%A9");
}

static void a_unix_path_fits_sun_path(void)
{
    CHECK_U64(strlen(parsed(padded("unix:", 'p', 107, ""))->path), 107);
    refused_with(padded("unix:", 'p', 108, ""), WEFT_ETOOBIG, "longer than 107 bytes");
    CHECK_U64(strlen(parsed(padded("unix:@", 'p', 107, ""))->path), 107);
    refused_with(padded("unix:@", 'p', 108, ""), WEFT_ETOOBIG, "longer than 107 bytes");
}

static void http_has_a_default_port_and_a_path(void)
{
    check_host("http://example.com", WEFT_HOST_NAME, "example.com", 80);
    CHECK_STR(url.path, "/");
    check_host("http://example.com:", WEFT_HOST_NAME, "example.com", 80);
    check_host("http://[::1]/a", WEFT_HOST_V6, "::1", 80);
    check_host("http://*:8080/a/b%2Fc", WEFT_HOST_ANY, "", 8080);
    CHECK_STR(url.path, "/a/b%2Fc");
    check_host("http://:8080", WEFT_HOST_ANY, "", 8080);
    check_host("http://*", WEFT_HOST_ANY, "", 80);
    CHECK_STR(printed("http://H:80?timeout=1s"), "http://h/?timeout=1s");
    CHECK_STR(printed("http://h:81/x"), "http://h:81/x");
    CHECK_STR(printed("http://h/AZaz09-._~!$&'()*+,;=:@//%aF"),
              "http://h/AZaz09-._~!$&'()*+,;=:@//%aF");

    refused("http://", "is missing");
    refused("http:///x", "is missing");
    refused("http://u@h/", "no user");
    refused("http://h/%zz", "two hex digits");
    refused("http://h/%00", "zero byte");
    refused("http://h/a\"b", "written %22");
    refused("http://h/\xff", "written %FF");
    CHECK_U64(strlen(parsed(padded("http://h/", 'p', 254, ""))->path), 255);
    refused_with(padded("http://h/", 'p', 255, ""), WEFT_ETOOBIG, "longer than 255 bytes");
}

static void sim_has_a_name(void)
{
    check_host("sim://node-1", WEFT_HOST_NAME, "node-1", 0);
    check_host("sim://node-1:25", WEFT_HOST_NAME, "node-1", 25);
    check_host("sim://10.1", WEFT_HOST_NAME, "10.1", 0);
    CHECK_STR(printed("sim://A:0?latency=1500"), "sim://a?latency=1500ms");
    refused("sim://", "is missing");
    refused("sim://:1", "is missing");
    refused("sim://*:1", "expected letters");
    check_host("sim://[0:0::1]:1", WEFT_HOST_V6, "::1", 1);
    CHECK_STR(printed("sim://[::1]:1"), "sim://[::1]:1");
    refused("sim://a/b", "ends with its port");
}

static void an_unknown_scheme_names_the_nearest(void)
{
    refused_with("tpc://h:1", WEFT_EUNSUPPORTED, "the nearest is \"tcp\"");
    refused_with("httq://h", WEFT_EUNSUPPORTED, "the nearest is \"http\"");
    refused_with("htps://h", WEFT_EUNSUPPORTED, "the nearest is \"https\"");
    refused_with("UNX:x", WEFT_EUNSUPPORTED, "the nearest is \"unix\"");
    refused_with("simm://x", WEFT_EUNSUPPORTED, "the nearest is \"sim\"");
    refused_with("tls+tcp://h:1", WEFT_EUNSUPPORTED, "the nearest is \"nng+tls+tcp\"");
    refused_with("ipc:///x", WEFT_EUNSUPPORTED, "the nearest is \"nng+ipc\"");
    refused_with("+tcp://h:1", WEFT_EINVAL, "begins with no scheme");
    refused_with(padded("", 'q', 300, "://x"), WEFT_EUNSUPPORTED, "the nearest is");
    refused_with("azAZ09+-.:x", WEFT_EUNSUPPORTED, "there is no scheme \"azAZ09+-.\"");
    refused_with("localhost:80", WEFT_EUNSUPPORTED, "there is no scheme \"localhost\"");
    refused("", "no scheme");
    refused("echo.sock", "no scheme");
    refused("127.0.0.1:80", "no scheme");
    refused("://h:1", "no scheme");
    refused("/run/x:1", "no scheme");
    refused("+tcp:x", "no scheme");
    refused("a_b:x", "no scheme");
}

static void blanks_controls_and_fragments_are_refused(void)
{
    refused("unix:a b", "byte 6 is written %20");
    refused("unix:a\nb", "byte 6 is written %0A");
    refused("unix:a\x7f", "byte 6 is written %7F");
    refused("tcp://h:1\r\n", "control bytes");
    refused("http://h/#top", "no fragment");
    refused(" tcp://h:1", "no scheme");
    refused("t\x1b[31mcp://h:1", "\"t?[31mcp\"");
}

static void a_url_has_at_most_2047_bytes(void)
{
    refused_with(padded("unix:", 'p', 2042, ""), WEFT_ETOOBIG, "longer than 107 bytes");
    refused_with(padded("unix:", 'p', 2043, ""), WEFT_ETOOBIG, "at most 2047 bytes");
}

/* ---- options ---- */

static void options_have_defaults(void)
{
    const weft_url_options *o = &parsed("tcp://h:1")->options;
    CHECK_U64(o->given[0] | o->given[1], 0);
    CHECK_U64(o->backlog, 1024);
    CHECK_U64(o->conns_max, 0);
    CHECK(o->nodelay);
    CHECK_U64(o->keepalive_ms, 0);
    CHECK(!o->reuseport);
    CHECK(!o->v6only);
    CHECK_U64(o->timeout_ms, 10000);
    CHECK_U64(o->window_bytes, 256 * 1024);
    CHECK_U64(o->write_queue_bytes_max, 1024 * 1024);
    CHECK_U64(o->bind.kind, WEFT_HOST_NONE);
    parsed("unix:x");
    CHECK(!o->nodelay);
    CHECK_U64(o->window_bytes, 256 * 1024);
}

static void options_given_are_told_from_defaults(void)
{
    const weft_url *u = parsed("tcp://h:1?backlog=1024&nodelay=off");
    CHECK(weft_url_given(u, WEFT_URL_BACKLOG));
    CHECK(weft_url_given(u, WEFT_URL_NODELAY));
    CHECK(!weft_url_given(u, WEFT_URL_WINDOW));
    CHECK(!u->options.nodelay);
    CHECK_STR(printed("tcp://h:1?backlog=1024"), "tcp://h:1?backlog=1024");

    weft_url other;
    CHECK_OK(weft_url_parse("tcp://h:1", &other, &why));
    CHECK(!weft_url_equal(&url, &other));
}

static void switches_have_many_spellings(void)
{
    static const char *const on[] = {"reuseport",      "reuseport=on", "reuseport=yes",
                                     "reuseport=True", "reuseport=1",  "reuseport=%6Fn"};
    static const char *const off[] = {"reuseport=off", "reuseport=NO", "reuseport=false",
                                      "reuseport=0"};
    char text[64];

    for (size_t i = 0; i < sizeof on / sizeof *on; i++) {
        (void)snprintf(text, sizeof text, "tcp://h:1?%s", on[i]);
        CHECK(parsed(text)->options.reuseport);
    }
    for (size_t i = 0; i < sizeof off / sizeof *off; i++) {
        (void)snprintf(text, sizeof text, "tcp://h:1?%s", off[i]);
        CHECK(!parsed(text)->options.reuseport);
        CHECK(weft_url_given(&url, WEFT_URL_REUSEPORT));
    }
    refused("tcp://h:1?reuseport=", "expected on or off");
    refused("tcp://h:1?reuseport=2", "expected on or off");
}

static void sizes_have_units_of_1024(void)
{
    CHECK_U64(parsed("unix:x?window=1")->options.window_bytes, 1);
    CHECK_U64(parsed("unix:x?window=64k")->options.window_bytes, 65536);
    CHECK_U64(parsed("unix:x?window=3M")->options.window_bytes, 3u << 20);
    CHECK_U64(parsed("unix:x?window=1G")->options.window_bytes, 1u << 30);
    CHECK_STR(printed("unix:x?window=2048k"), "unix:x?window=2M");
    CHECK_STR(printed("unix:x?window=1025"), "unix:x?window=1025");
    refused("unix:x?window=0", "from 1 to 1G");
    refused("unix:x?window=1073741825", "from 1 to 1G");
    refused("unix:x?window=2G", "from 1 to 1G");
    refused("unix:x?window=18446744073709551615G", "from 1 to 1G");
    refused("unix:x?window=99999999999999999999999", "from 1 to 1G");
    refused("unix:x?window=1.5M", "expected a size such as");
    refused("unix:x?window=k", "expected a size such as");
    refused("unix:x?window=-1", "expected a size such as");
    refused("unix:x?window=1kb", "expected a size such as");
    refused("unix:x?window=", "expected a size such as");
    refused("unix:x?window", "has no value");
}

static void times_have_units(void)
{
    CHECK_U64(parsed("tcp://h:1?timeout=250")->options.timeout_ms, 250);
    CHECK_U64(parsed("tcp://h:1?timeout=250ms")->options.timeout_ms, 250);
    CHECK_U64(parsed("tcp://h:1?timeout=10s")->options.timeout_ms, 10000);
    CHECK_U64(parsed("tcp://h:1?timeout=5m")->options.timeout_ms, 300000);
    CHECK_U64(parsed("tcp://h:1?timeout=24h")->options.timeout_ms, 86400000);
    CHECK_STR(printed("tcp://h:1?timeout=120s"), "tcp://h:1?timeout=2m");
    CHECK_U64(parsed("tcp://h:1?keepalive=off")->options.keepalive_ms, 0);
    CHECK(weft_url_given(&url, WEFT_URL_KEEPALIVE));
    CHECK_STR(printed("tcp://h:1?keepalive=0s"), "tcp://h:1?keepalive=off");
    refused("tcp://h:1?timeout=off", "expected a time");
    refused("tcp://h:1?timeout=0", "from 1ms to 24h");
    refused("tcp://h:1?timeout=86400001", "from 1ms to 24h");
    refused("tcp://h:1?timeout=25h", "from 1ms to 24h");
    refused("tcp://h:1?timeout=18446744073709551615h", "from 1ms to 24h");
    refused("tcp://h:1?timeout=1d", "expected a time");
    refused("tcp://h:1?timeout=1sm", "expected a time");
}

static void counts_and_modes_are_bounded(void)
{
    CHECK_U64(parsed("tcp://h:1?backlog=1")->options.backlog, 1);
    CHECK_U64(parsed("tcp://h:1?backlog=65535")->options.backlog, 65535);
    refused("tcp://h:1?backlog=0", "expected a number, from 1 to 65535");
    refused("tcp://h:1?backlog=65536", "from 1 to 65535");
    refused("tcp://h:1?backlog=4294967297", "from 1 to 65535");
    refused("tcp://h:1?backlog=1k", "expected a number");
    refused("tcp://h:1?backlog=:", "expected a number");
    refused("tcp://h:1?conns_max=", "expected a number");
    refused("tcp://h:1?conns_max=x", "expected a number");
    CHECK_U64(parsed("tcp://h:1?conns_max=2147483647")->options.conns_max, 2147483647);
    CHECK_U64(parsed("unix:x?mode=660")->options.mode, 0660);
    CHECK_STR(printed("unix:x?mode=0"), "unix:x?mode=0000");
    CHECK_STR(printed("unix:x?mode=77"), "unix:x?mode=0077");
    refused("unix:x?mode=0778", "expected an octal number such as 0660, from 0000 to 0777");
    refused("unix:x?mode=01000", "from 0000 to 0777");
    refused("unix:x?mode=rw", "an octal number");
    refused("unix:x?mode=08", "an octal number");
}

static void bind_is_an_address(void)
{
    const weft_url_host *bind = &parsed("tcp://h:1?bind=10.0.0.1:99")->options.bind;
    CHECK_U64(bind->kind, WEFT_HOST_V4);
    CHECK_STR(bind->name, "10.0.0.1");
    CHECK_U64(bind->port, 99);
    CHECK_U64(parsed("tcp://h:1?bind=10.0.0.1")->options.bind.port, 0);
    CHECK_STR(parsed("tcp://h:1?bind=[FE80::1%25eth0]:5")->options.bind.name, "fe80::1%eth0");
    CHECK_STR(printed("tcp://h:1?bind=%5BFE80::1%25eth0%5D"), "tcp://h:1?bind=[fe80::1%25eth0]");
    CHECK_STR(printed("tcp://h:1?bind=:5"), "tcp://h:1?bind=*:5");
    refused("tcp://h:1?bind=", "is missing");
    refused("tcp://h:1?bind=::1", "in brackets");
    refused("tcp://h:1?bind=1.2.3", "the option \"bind\" is \"1.2.3\"");
    refused("tcp://h:1?bind=h:x", "from 0 to 65535");
    refused("tcp://h:1?bind", "expected bind=HOST");
}

static void an_unknown_option_names_the_nearest_of_its_scheme(void)
{
    refused("tcp://h:1?backlgo=1", "no option \"backlgo\"; the nearest is \"backlog\"");
    refused("tcp://h:1?windows=1", "the nearest is \"window\"");
    refused("tcp://h:1?WINDOW=1", "the nearest is \"window\"");
    refused("tcp://h:1?writequeue=1", "the nearest is \"write_queue\"");
    refused("unix:x?nodelay=1", "unix URLs have no option \"nodelay\"");
    refused("unix:x?nodelay=1", "the nearest is \"mode\"");
    refused("sim://x?latncy=1", "the nearest is \"latency\"");
    refused("tcp://h:1?latency=1", "tcp URLs have no option");
    refused(padded("tcp://h:1?", 'w', 200, "=1"), "the nearest is");
}

static void options_are_given_once_and_in_full(void)
{
    refused("tcp://h:1?backlog=1&backlog=1", "\"backlog\" is given twice");
    refused("tcp://h:1?", "without a name");
    refused("tcp://h:1?&backlog=1", "without a name");
    refused("tcp://h:1?backlog=1&", "without a name");
    refused("tcp://h:1?=1", "without a name");
    refused("tcp://h:1?backlog=%zz", "two hex digits");
    refused("tcp://h:1?backlog=1=2", "\"1=2\", expected a number");
    refused(padded("tcp://h:1?backlog=", '1', 263, ""), "from 1 to 65535");
    refused_with(padded("tcp://h:1?backlog=", '1', 264, ""), WEFT_ETOOBIG, "value of an option");
}

static void an_end_takes_only_its_own_options(void)
{
    parsed("tcp://127.0.0.1:1?backlog=5");
    CHECK_OK(weft_url_check(&url, WEFT_URL_LISTEN, &why));
    CHECK_ERR(weft_url_check(&url, WEFT_URL_CONNECT, &why), WEFT_EINVAL);
    CHECK_STR(why.text, "the option \"backlog\" is for listening, not for connecting");
    parsed("unix:x?timeout=5s");
    CHECK_OK(weft_url_check(&url, WEFT_URL_CONNECT, &why));
    CHECK_ERR(weft_url_check(&url, WEFT_URL_LISTEN, &why), WEFT_EINVAL);
    CHECK_STR(why.text, "the option \"timeout\" is for connecting, not for listening");
    parsed("tcp://[::1]:1?window=1k&write_queue=1M&nodelay&keepalive=1m");
    CHECK_OK(weft_url_check(&url, WEFT_URL_LISTEN, &why));
    CHECK_OK(weft_url_check(&url, WEFT_URL_CONNECT, &why));
}

static void connecting_needs_somewhere_to_go(void)
{
    static const struct {
        const char *text;
        weft_err to_listen, to_connect;
    } rows[] = {
        {"tcp://h:1", WEFT_ENONAME, WEFT_OK},  {"tcp://h:0", WEFT_ENONAME, WEFT_EINVAL},
        {"tcp://*:1", WEFT_OK, WEFT_EINVAL},   {"tcp://localhost:0", WEFT_OK, WEFT_EINVAL},
        {"http://h", WEFT_ENONAME, WEFT_OK},   {"http://localhost", WEFT_OK, WEFT_OK},
        {"http://*/", WEFT_OK, WEFT_EINVAL},   {"http://h:0", WEFT_ENONAME, WEFT_EINVAL},
        {"unix:x", WEFT_OK, WEFT_OK},          {"sim://x", WEFT_OK, WEFT_OK},
        {"tcp://0.0.0.0:1", WEFT_OK, WEFT_OK},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        CHECK_ERR(weft_url_check(parsed(rows[i].text), WEFT_URL_LISTEN, &why), rows[i].to_listen);
        CHECK_ERR(weft_url_check(&url, WEFT_URL_CONNECT, &why), rows[i].to_connect);
    }
    CHECK_ERR(weft_url_check(&(weft_url){0}, WEFT_URL_LISTEN, &why), WEFT_EINVAL);
}

static void one_listens_at_addresses_not_at_names(void)
{
    static const char *const texts[] = {"tcp://db.example:5432",     "tls://db.example:5432",
                                        "http://www.example",        "https://www.example",
                                        "udp://db.example:53",       "nng+tcp://db.example:1",
                                        "nng+tls+tcp://db.example:1"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        CHECK_ERR(weft_url_check(parsed(texts[i]), WEFT_URL_LISTEN, &why), WEFT_ENONAME);
        CHECK(strstr(why.text, ".example\" is a name; expected one such as 127.0.0.1") != NULL);
        CHECK_OK(weft_url_check(&url, WEFT_URL_CONNECT, &why));
    }
    CHECK_OK(weft_url_check(parsed("tcp://localhost:1"), WEFT_URL_LISTEN, &why));
    CHECK_OK(weft_url_check(parsed("udp://localhost:1"), WEFT_URL_LISTEN, &why));
}

/* ---- tables and printing ---- */

static void the_tables_can_be_read_and_are_sound(void)
{
    const weft_url_option *o;
    const weft_url_scheme *s;
    static const struct {
        weft_scheme scheme;
        const char *start;
    } others[] = {{WEFT_SCHEME_SIM, "sim://h"},
                  {WEFT_SCHEME_EXEC, "exec:p"},
                  {WEFT_SCHEME_STDIO, "stdio:"},
                  {WEFT_SCHEME_SERIAL, "serial:/d"},
                  {WEFT_SCHEME_UDP, "udp://h:1"}};
    char text[64], form[128];
    size_t i;

    for (i = 0; (s = weft_url_scheme_at(i)) != NULL; i++)
        CHECK(s->name != NULL && s->form != NULL && s->help != NULL && s->scheme != 0);
    CHECK_U64(i, 16);

    for (i = 0; (o = weft_url_option_at(i)) != NULL; i++) {
        CHECK_U64(o->id, i);
        CHECK(o->help != NULL && o->help[0] != '\0' && o->ends != 0 && o->schemes != 0);
        CHECK(weft_url_kind_text(o->kind)[0] != '\0');
        bool number = o->kind <= WEFT_URL_ADDRESS;
        CHECK(!number || (o->min <= o->value && o->value <= o->max));
        CHECK(o->kind == WEFT_URL_BYTES || o->max <= UINT32_MAX);
        weft_url_default_print(o, text, sizeof text);
        if (strcmp(text, "-") == 0)
            continue;

        const char *start = "tcp://h:1";
        for (i = 0; i < sizeof others / sizeof *others; i++)
            if ((o->schemes & 1u << WEFT_SCHEME_TCP) == 0 && (o->schemes & 1u << others[i].scheme))
                start = others[i].start;
        i = o->id;
        (void)snprintf(form, sizeof form, "%s?%s=%s", start, o->name, text);
        const weft_url *got = parsed(form);
        for (unsigned other = 0; other < WEFT_URL_OPTIONS_; other++)
            CHECK(weft_url_given(got, (weft_url_option_id)other) == (other == o->id));
        CHECK_STR(printed(form), form);
    }
    CHECK_U64(i, WEFT_URL_OPTIONS_);
    CHECK(weft_url_option_at(SIZE_MAX) == NULL);
    CHECK(weft_url_scheme_at(SIZE_MAX) == NULL);
    CHECK_STR(weft_url_kind_text((weft_url_kind)99), "");
}

static void every_option_survives_printing(void)
{
    const char *tcp = "tcp://h:1?backlog=7&conns_max=9&nodelay=off&keepalive=30s&reuseport=on&"
                      "v6only=on&timeout=3s&bind=[::1]:4&window=5k&write_queue=6M";
    CHECK_STR(printed(tcp), tcp);
    const char *local = "unix:@x?backlog=7&conns_max=9&mode=0600&timeout=1h&window=1";
    CHECK_STR(printed(local), local);
    const char *udp =
        "udp://h:1?reuseport=on&v6only=on&bind=[::1]:4&window=5k&write_queue=6M&size=1k&"
        "when_full=drop_oldest&receive_buffer=1M&broadcast=on&destination=on&merge=on&ttl=3&"
        "multicast_ttl=0&loop=off&interface=eth0&join=239.1.2.3&join=ff15::1";
    CHECK_STR(printed(udp), udp);
    CHECK_U64(url.options.when_full, 2);
    CHECK_U64(url.options.size_bytes, 1024);
    CHECK_STR(weft_url_text(&url, WEFT_URL_JOIN, 1), "ff15::1");
}

static void nng_has_schemes_and_options_of_its_own(void)
{
    CHECK_STR(printed("nng+tcp://[::1]:7000?nodelay=off"), "nng+tcp://[::1]:7000?nodelay=off");
    CHECK_STR(printed("NNG+TLS+TCP://h:1?cert=/c.pem&host=n"),
              "nng+tls+tcp://h:1?cert=/c.pem&host=n");
    CHECK_STR(printed("nng+ipc:///run/x?mode=0600"), "nng+ipc:/run/x?mode=0600");
    CHECK_U64(url.scheme, WEFT_SCHEME_NNG_IPC);
    refused("nng+ipc://h/x", "has no host");
    refused("nng+tcp://h", "has no port behind it");
    refused_with("nng+ws://h:1/x", WEFT_EUNSUPPORTED, "there is no scheme"); /* decision 0091 */
    refused("nng+tcp://h:1?cert=/c.pem", "cert");
}

static void datagrams_have_schemes_and_options_of_their_own(void)
{
    CHECK_STR(printed("UDP://[::1]:53"), "udp://[::1]:53");
    CHECK_U64(url.options.size_bytes, 65535);
    CHECK(url.options.loop && !url.options.broadcast && !url.options.destination);
    CHECK_STR(printed("unixgram:@x?mode=0600&window=1k"), "unixgram:@x?mode=0600&window=1k");
    CHECK(url.abstract);
    CHECK_STR(printed("unixgram:///tmp/x"), "unixgram:/tmp/x");
    refused("udp://h", "has no port behind it");
    refused("udp://h:1/x", "ends with its port");
    refused("unixgram://h/x", "a unixgram URL has no host");
    refused("unixgram:", "the path of a unixgram URL is empty");
    refused("unixgram:x?ttl=1", "unixgram URLs have no option");
    refused("udp://h:1?nodelay", "udp URLs have no option");
    refused("tcp://h:1?size=1", "tcp URLs have no option");
    refused("udp://h:1?ttl=0", "from 1 to 255");
    refused("udp://h:1?size=64k", "from 1 to 65535");
    refused("udp://h:1?when_full=drop", "expected refuse, drop_newest or drop_oldest");
    refused("udp://h:1?interface=aninterfacename0", "15");
    CHECK_ERR(weft_url_check(parsed("udp://h:1?join=239.1.2.3"), WEFT_URL_CONNECT, &why),
              WEFT_EINVAL);
    CHECK_ERR(weft_url_check(parsed("udp://*:1"), WEFT_URL_CONNECT, &why), WEFT_EINVAL);
    CHECK_OK(weft_url_check(parsed("udp://*:0"), WEFT_URL_LISTEN, &why));
}

/* ---- options that are texts, or words ---- */

static void texts_are_decoded_and_kept_in_their_order(void)
{
    const weft_url *u = parsed("tls://h:1?cert=a%20b.pem&key=/k&cert=c%26d&alpn=h2,http/1.1");
    CHECK_STR(weft_url_text(u, WEFT_URL_CERT, 0), "a b.pem");
    CHECK_STR(weft_url_text(u, WEFT_URL_CERT, 1), "c&d");
    CHECK(weft_url_text(u, WEFT_URL_CERT, 2) == NULL);
    CHECK_STR(weft_url_text(u, WEFT_URL_KEY, 0), "/k");
    CHECK_STR(weft_url_text(u, WEFT_URL_ALPN, 0), "h2,http/1.1");
    CHECK(weft_url_text(u, WEFT_URL_CA, 0) == NULL);
    CHECK_STR(printed("tls://h:1?key=/k&cert=a%20b&cert=%C3%A9"),
              "tls://h:1?cert=a%20b&cert=\xc3\xa9&key=/k");
}

static void a_text_is_refused_where_it_cannot_be(void)
{
    refused("tls://h:1?alpn=a&alpn=b", "given twice");
    refused("tls://h:1?cert", "has no value");
    refused("tls://h:1?cert=", "has 0 bytes, expected 1 to 255");
    refused("tls://h:1?cert=a%00", "zero byte");
    parsed(padded("tls://h:1?cert=", 'p', 255, ""));
    refused(padded("tls://h:1?cert=", 'p', 256, ""), "has 256 bytes, expected 1 to 255");
}

static void texts_have_a_limit_together(void)
{
    char text[WEFT_URL_BYTES_MAX + 1];
    const char *more = padded("cert=", 'p', 255, "");
    /* three of 255 bytes, each with 2 more, and one that fills what is left */
    (void)snprintf(text, sizeof text, "tls://h:1?%.260s&%.260s&%.260s&alpn=%0251d", more, more,
                   more, 0);
    CHECK_U64(parsed(text)->options.texts_bytes, WEFT_URL_TEXTS_BYTES_MAX + 1);
    (void)snprintf(text, sizeof text, "tls://h:1?%.260s&%.260s&%.260s&alpn=%0252d", more, more,
                   more, 0);
    refused_with(text, WEFT_ETOOBIG, "at most 1023 bytes together");
}

static void words_are_read_and_printed(void)
{
    CHECK_U64(parsed("tls://h:1")->options.tls_clients, 0);
    CHECK_U64(parsed("tls://h:1?clients=REQUIRED")->options.tls_clients, 2);
    CHECK_U64(parsed("tls://h:1?tls_min=1.3")->options.tls_min, 1);
    CHECK_STR(printed("tls://h:1?tls_min=1.2&clients=Asked"),
              "tls://h:1?clients=asked&tls_min=1.2");
    refused("tls://h:1?clients=perhaps", "is \"perhaps\", expected off, asked or required");
    refused("tls://h:1?tls_min=1.1", "expected 1.2 or 1.3");
}

static void tls_and_https_are_written_as_tcp_and_http_are(void)
{
    check_host("tls://example.com:853", WEFT_HOST_NAME, "example.com", 853);
    check_host("https://example.com", WEFT_HOST_NAME, "example.com", 443);
    check_host("https://[::1]/a", WEFT_HOST_V6, "::1", 443);
    CHECK_STR(url.path, "/a");
    CHECK_STR(printed("https://h:443"), "https://h/");
    CHECK_STR(printed("https://h:80"), "https://h:80/");
    refused("tls://h", "no port behind it");
    refused("tls://h:1/x", "ends with its port");
    CHECK(parsed("unix:x?tls&verify=off")->options.tls);
    CHECK(!url.options.tls_verify);
    refused("tls://h:1?tls", "no option \"tls\"");
    refused("http://h?cert=x", "no option \"cert\"");
}

static void equal_looks_at_every_part(void)
{
    static const char *const all[] = {
        "tcp://h:1",
        "tcp://h:2",
        "tcp://g:1",
        "tcp://h:1?bind=h:1",
        "tcp://h:1?bind=h:2",
        "http://h:1",
        "http://h:1/x",
        "unix:x",
        "unix:@x",
        "unix:x?window=1",
        "unix:x?window=2",
        "sim://h:1",
        "tcp://*:1",
        "tcp://[::1]:1",
        "unix:x?mode=0",
        "tcp://h:1?nodelay",
        "tcp://h:1?nodelay=off",
        "tls://h:1",
        "tls://h:1?cert=a",
        "tls://h:1?cert=a&cert=b",
        "tls://h:1?cert=b&cert=a",
        "tls://h:1?clients=asked",
        "tls://h:1?clients=required",
    };
    weft_url a, b;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        for (size_t j = 0; j < sizeof all / sizeof *all; j++) {
            CHECK_OK(weft_url_parse(all[i], &a, &why));
            CHECK_OK(weft_url_parse(all[j], &b, &why));
            CHECK(weft_url_equal(&a, &b) == (i == j));
        }
}

static void printing_into_too_little_room_is_cut(void)
{
    const char *full = "tcp://h:1?window=1k";
    char buf[32];
    parsed(full);

    CHECK_U64(weft_url_print(&url, NULL, 0), strlen(full));
    for (size_t n = 1; n <= strlen(full) + 1; n++) {
        memset(buf, '#', sizeof buf);
        CHECK_U64(weft_url_print(&url, buf, n), strlen(full));
        CHECK_U64(strlen(buf), n - 1);
        CHECK(memcmp(buf, full, n - 1) == 0);
        CHECK(buf[n] == '#');
    }
    CHECK_U64(weft_url_print(&(weft_url){0}, buf, sizeof buf), 0);
    CHECK_STR(buf, "");
}

static void the_longest_url_fits_the_limit(void)
{
    char text[WEFT_URL_BYTES_MAX + 1], host[256];
    for (size_t i = 0; i < 127; i++)
        memcpy(host + 2 * i, "a.", 3);
    memcpy(host + 254, "a", 2);
    (void)snprintf(text, sizeof text,
                   "http://%s:65535/%0254d?backlog=65535&conns_max=2147483647&nodelay=off&"
                   "keepalive=32766999ms&reuseport=off&v6only=off&timeout=86399999ms&bind=%s:65535&"
                   "window=1073741823&write_queue=1073741823",
                   host, 0, host);
    CHECK_STR(printed(text), text);

    size_t n = (size_t)snprintf(text, sizeof text, "unix:");
    for (size_t i = 0; i < 107; i++)
        n += (size_t)snprintf(text + n, sizeof text - n, "%%FF");
    CHECK_STR(printed(text), text);
}

/* ---- hosts ---- */

static void literals_are_told_from_names(void)
{
    static const struct {
        const char *host;
        weft_host_kind kind;
    } rows[] = {
        {"", WEFT_HOST_ANY},
        {"*", WEFT_HOST_ANY},
        {"0.0.0.0", WEFT_HOST_V4},
        {"255.255.255.255", WEFT_HOST_V4},
        {"256.0.0.1", WEFT_HOST_NAME},
        {"1.2.3", WEFT_HOST_NAME},
        {"::", WEFT_HOST_V6},
        {"fe80::1%eth0", WEFT_HOST_V6},
        {"fe80::1%", WEFT_HOST_NAME},
        {"[::1]", WEFT_HOST_NAME},
        {"1:2:3:4:5:6:7:8", WEFT_HOST_V6},
        {"1:2:3:4:5:6:7:8:9", WEFT_HOST_NAME},
        {"0000:0000:0000:0000:0000:ffff:255.255.255.255", WEFT_HOST_V6},
        {"0000:0000:0000:0000:0000:ffff:255.255.255.2550", WEFT_HOST_NAME},
        {"0000:0000:0000:0000:0000:ffff:255.255.255.255000000", WEFT_HOST_NAME},
        {"localhost", WEFT_HOST_LOCALHOST},
        {"LOCALHOST.", WEFT_HOST_LOCALHOST},
        {"db.localhost", WEFT_HOST_LOCALHOST},
        {"localhost.example", WEFT_HOST_NAME},
        {"notlocalhost", WEFT_HOST_NAME},
        {".localhost", WEFT_HOST_NAME},
        {"l", WEFT_HOST_NAME},
        {".", WEFT_HOST_NAME},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        check_u64(weft_host_kind_of(rows[i].host), rows[i].kind, rows[i].host, __FILE__, __LINE__);
}

/* ---- parts ---- */

static size_t distance(const char *text, const char *word)
{
    return wf_edit_distance((wf_piece){text, strlen(text)}, word, SIZE_MAX);
}

static void words_are_as_far_apart_as_slips_of_the_finger(void)
{
    CHECK_U64(distance("window", "window"), 0);
    CHECK_U64(distance("WINDOW", "window"), 0);
    CHECK_U64(distance("AZ", "az"), 0);
    CHECK_U64(distance("", "window"), 6);
    CHECK_U64(distance("window", ""), 6);
    CHECK_U64(distance("wndow", "window"), 1);
    CHECK_U64(distance("windoww", "window"), 1);
    CHECK_U64(distance("wimdow", "window"), 1);
    CHECK_U64(distance("iwndow", "window"), 1);
    CHECK_U64(distance("windwo", "window"), 1);
    CHECK_U64(distance("iwndwo", "window"), 2);
    CHECK_U64(distance("wnidwo", "window"), 2);
    CHECK_U64(distance("kitten", "sitting"), 3);
    CHECK_U64(distance("xyz", "window"), 6);
    CHECK_U64(distance("window 9.123456789.123456789.123456789", "window"), 32);
    CHECK_U64(wf_edit_distance((wf_piece){"xyz", 3}, "window", 6), 6);
    CHECK_U64(wf_edit_distance((wf_piece){"xyz", 3}, "window", 5), 5);
    CHECK_U64(wf_edit_distance((wf_piece){"xyz", 3}, "window", 2), 2);
    CHECK_U64(wf_edit_distance((wf_piece){"wimdow", 6}, "window", 2), 1);
}

static void quotations_are_short_and_printable(void)
{
    const char *text = padded("", 'a', 47, "");
    CHECK_STR(wf_quote_of((wf_piece){text, 47}).text, text);
    wf_quote cut = wf_quote_of((wf_piece){padded("", 'a', 48, ""), 48});
    CHECK_STR(cut.text, padded("", 'a', 44, "..."));
    CHECK_STR(wf_quote_of((wf_piece){" !~\x7f\xff\n", 6}).text, "?!~???");
    CHECK_STR(wf_quote_of((wf_piece){"", 0}).text, "");
}

/* ---- properties ---- */

/* Texts made of the pieces URLs are made of: whatever parses prints to what parses back equal and
 * prints the same; whatever does not says why. */
static void what_parses_prints_to_what_parses_equal(void)
{
    static const char *const pieces[] = {
        "tcp",      "unix",      "http",       "sim",      ":",   "//",       "/",
        "?",        "&",         "=",          "@",        "*",   "[::1]",    "%2F",
        "%25",      "%40",       "%",          ".",        "a",   "B",        "7",
        "80",       ":80",       "localhost",  "window=",  "64k", "nodelay",  "bind=",
        "10.0.0.1", "mode=0600", "timeout=3s", "latency=", "off", "backlog=", "99999999",
    };
    static const char *const starts[] = {"tcp://a:1", "unix:", "http://", "sim://", "tcp://", ""};
    char text[256], form[WEFT_URL_BYTES_MAX + 1], again_form[WEFT_URL_BYTES_MAX + 1];
    size_t fine = 0;
    test_random random = {7};

    for (int round = 0; round < 20000; round++) {
        weft_url u, again;
        size_t n = 0, parts = test_below(&random, 8);
        n += (size_t)snprintf(text, sizeof text, "%s", starts[test_below(&random, 6)]);
        for (size_t i = 0; i < parts; i++)
            n += (size_t)snprintf(text + n, sizeof text - n, "%s",
                                  pieces[test_below(&random, sizeof pieces / sizeof *pieces)]);

        why = (weft_why){""};
        if (weft_url_parse(text, &u, &why) != WEFT_OK) {
            CHECK(why.text[0] != '\0');
            continue;
        }
        fine++;
        CHECK(weft_url_print(&u, form, sizeof form) < sizeof form);
        check_err(weft_url_parse(form, &again, &why), WEFT_OK, text, __FILE__, __LINE__);
        CHECK(weft_url_equal(&u, &again));
        weft_url_print(&again, again_form, sizeof again_form);
        CHECK_STR(again_form, form);
    }
    CHECK(fine > 1000);
}

static const test_case cases[] = {
    TEST(tcp_has_a_host_and_a_port),
    TEST(ports_go_from_0_to_65535),
    TEST(schemes_and_hosts_are_told_in_lower_case),
    TEST(ipv6_takes_its_shortest_form),
    TEST(what_looks_like_an_address_must_be_one),
    TEST(host_names_are_letters_digits_and_parts),
    TEST(a_host_has_at_most_255_bytes),
    TEST(tcp_has_nothing_behind_its_port),
    TEST(unix_has_a_path),
    TEST(unix_has_abstract_names),
    TEST(unix_paths_print_so_that_they_parse),
    TEST(a_unix_path_fits_sun_path),
    TEST(http_has_a_default_port_and_a_path),
    TEST(sim_has_a_name),
    TEST(an_unknown_scheme_names_the_nearest),
    TEST(blanks_controls_and_fragments_are_refused),
    TEST(a_url_has_at_most_2047_bytes),
    TEST(options_have_defaults),
    TEST(options_given_are_told_from_defaults),
    TEST(switches_have_many_spellings),
    TEST(sizes_have_units_of_1024),
    TEST(times_have_units),
    TEST(counts_and_modes_are_bounded),
    TEST(bind_is_an_address),
    TEST(an_unknown_option_names_the_nearest_of_its_scheme),
    TEST(options_are_given_once_and_in_full),
    TEST(an_end_takes_only_its_own_options),
    TEST(connecting_needs_somewhere_to_go),
    TEST(one_listens_at_addresses_not_at_names),
    TEST(the_tables_can_be_read_and_are_sound),
    TEST(every_option_survives_printing),
    TEST(texts_are_decoded_and_kept_in_their_order),
    TEST(a_text_is_refused_where_it_cannot_be),
    TEST(texts_have_a_limit_together),
    TEST(words_are_read_and_printed),
    TEST(tls_and_https_are_written_as_tcp_and_http_are),
    TEST(nng_has_schemes_and_options_of_its_own),
    TEST(datagrams_have_schemes_and_options_of_their_own),
    TEST(equal_looks_at_every_part),
    TEST(printing_into_too_little_room_is_cut),
    TEST(the_longest_url_fits_the_limit),
    TEST(literals_are_told_from_names),
    TEST(words_are_as_far_apart_as_slips_of_the_finger),
    TEST(quotations_are_short_and_printable),
    TEST(what_parses_prints_to_what_parses_equal),
    {0},
};

const test_suite url_suite = {.name = "actors/url", .cases = cases};

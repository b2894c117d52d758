/* SPDX-License-Identifier: MIT */
/* The smallest client: gets one page, to the standard output. */
#include <sysexits.h>

#include <weft/http_client.h>
#include <weft/tls.h>

#include "services.h"

typedef struct get_settings {
    const char *url, *to, *proxy;
    bool packed, no_redirects;
    weft_http_client_config client;
    weft_tls_config tls;
    weft_err err; /* ESTOPPING: it is not over */
    int status;
    bool ended;
} get_settings;

static get_settings settings;

static const weft_option get_options[] = {
    {.name = "URL",
     .kind = WEFT_OPTION_TEXT,
     .at = offsetof(get_settings, url),
     .positional = true,
     .help = "what to get, such as http://127.0.0.1:8880/hello/you"},
    {.name = "to",
     .kind = WEFT_OPTION_CONNECT,
     .value = "URL",
     .at = offsetof(get_settings, to),
     .help = "connect there instead of to the host, such as unix:app.sock"},
    {.name = "proxy",
     .kind = WEFT_OPTION_TEXT,
     .value = "URL",
     .at = offsetof(get_settings, proxy),
     .help = "go through this proxy: http://HOST:PORT (https is tunnelled) or socks5h://HOST:PORT"},
    {.name = "ca",
     .kind = WEFT_OPTION_TEXT,
     .value = "FILE",
     .at = offsetof(get_settings, tls.trust_file),
     .help = "certificates (PEM) that https trusts, instead of the system's"},
    {.name = "cert",
     .kind = WEFT_OPTION_TEXT,
     .value = "FILE",
     .at = offsetof(get_settings, tls.certificate_file),
     .help = "a certificate (PEM) for servers that ask for one"},
    {.name = "key",
     .kind = WEFT_OPTION_TEXT,
     .value = "FILE",
     .at = offsetof(get_settings, tls.key_file),
     .help = "its key; without it, it stands in the same file"},
    {.name = "insecure",
     .kind = WEFT_OPTION_FLAG,
     .at = offsetof(get_settings, tls.unverified),
     .help = "https takes any certificate of anybody"},
    {.name = "packed",
     .kind = WEFT_OPTION_FLAG,
     .at = offsetof(get_settings, packed),
     .help = "the body as it is sent: not asked for packed, and not unpacked"},
    {.name = "no-redirects",
     .kind = WEFT_OPTION_FLAG,
     .at = offsetof(get_settings, no_redirects),
     .help = "a redirect is the answer"},
    {0},
};

static get_settings *settings_of(const weft_actor *self)
{
    return (get_settings *)(uintptr_t)weft_config(self);
}

static weft_err stop(weft_actor *self, weft_err err, const char *why)
{
    get_settings *s = settings_of(self);
    s->err = err;
    if (err != WEFT_OK)
        (void)fprintf(stderr, "weftd get: %s (%s)\n", why, weft_err_name(err));
    weft_system_stop(self, WEFT_OK);
    return WEFT_OK;
}

static weft_err on_answered(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    get_settings *s = settings_of(self);
    const weft_http_page *page = got->body;
    (void)msg;
    if (got->err != WEFT_OK)
        return stop(self, got->err, got->why);
    s->status = page->status;
    return WEFT_OK;
}

/* Says that the service is up, which must not take longer than a start may, and begins. */
typedef struct get_begin {
    char nothing;
} get_begin;
static const weft_type get_begin_type = WEFT_TYPE("weft.get_begin", get_begin, NULL);

static weft_err on_started(weft_actor *self, weft_msg *msg)
{
    (void)msg;
    return weft_tell(self, weft_self(self), get_begin, .nothing = 0);
}

static weft_err on_begin(weft_actor *self, weft_msg *msg)
{
    const get_settings *s = settings_of(self);
    weft_ref caller = weft_spawn(self, &weft_http_caller, &s->client);
    return weft_when(msg,
                     weft_ask_within(self, caller, WEFT_NO_LIMIT, weft_http_call, .url = s->url,
                                     .stream = true, .packed = s->packed,
                                     .no_redirects = s->no_redirects),
                     on_answered);
}

/* A reader of the standard output that is slow holds this up, and thereby the server: there is nobody else
 * in this process to be held up. */
static weft_err on_data(weft_actor *self, weft_msg *msg)
{
    const weft_data *data = weft_body(msg);
    if (fwrite(data->bytes.at, 1, data->bytes.size, stdout) != data->bytes.size)
        return stop(self, WEFT_EIO, "unable to write to the standard output");
    return WEFT_OK;
}

static weft_err on_ended(weft_actor *self, weft_msg *msg)
{
    get_settings *s = settings_of(self);
    (void)msg;
    s->ended = true;
    if (fflush(stdout) != 0)
        return stop(self, WEFT_EIO, "unable to write to the standard output");
    return stop(self, WEFT_OK, "");
}

static weft_err on_closed(weft_actor *self, weft_msg *msg)
{
    const get_settings *s = settings_of(self);
    const weft_closed *closed = weft_body(msg);
    return s->ended ? WEFT_OK : stop(self, closed->reason, closed->why);
}

static void on_over(weft_actor *self, weft_err reason)
{
    (void)reason;
    if (settings_of(self)->err == WEFT_ESTOPPING)
        (void)fprintf(stderr, "weftd get: stopped before the answer was whole\n");
}

static const weft_handler handlers[] = {
    {.type = &weft_started_type, .fn = on_started}, {.type = &get_begin_type, .fn = on_begin},
    {.type = &weft_data_type, .fn = on_data},       {.type = &weft_ended_type, .fn = on_ended},
    {.type = &weft_closed_type, .fn = on_closed},   {0},
};
static const weft_behaviour get_behaviour = {.name = "get", .handlers = handlers, .ended = on_over};

static weft_err get_children(void *at, weft_children *to, weft_why *why)
{
    get_settings *s = at;
    s->err = WEFT_ESTOPPING;
    s->client = (weft_http_client_config){.to = s->to, .proxy = s->proxy, .tls = &s->tls};
    const weft_child page = {
        .name = "page", .behaviour = &get_behaviour, .config = s, .restart = WEFT_RESTART_NEVER};
    return weft_children_add(to, &page, why);
}

/* What has no answer of its own in sysexits.h is a service that could not be had. */
static int get_code(const void *at)
{
    const get_settings *s = at;
    switch (s->err) {
    case WEFT_OK:
        return s->status < 400 ? EX_OK : EX_UNAVAILABLE;
    case WEFT_EINVAL:
    case WEFT_EUNSUPPORTED:
        return EX_USAGE;
    case WEFT_ENONAME:
        return EX_NOHOST;
    case WEFT_EIO:
        return EX_IOERR;
    case WEFT_ESTOPPING:
        return EX_TEMPFAIL;
    case WEFT_ETLS:
    case WEFT_EPROTO:
    case WEFT_ETRUNCATED:
        return EX_PROTOCOL;
    default:
        return EX_UNAVAILABLE;
    }
}

const weft_service service_get = {
    .name = "get",
    .summary = "get a page by HTTP, to the standard output",
    .about =
        "Redirects are followed, and a packed body is unpacked. The exit code is 0 for an answer "
        "below\n"
        "400, 69 for one above or for a server that cannot be reached, 68 for a name without an\n"
        "address, 75 for one that was stopped before the answer was whole, 76 for an answer that "
        "is cut\n"
        "or cannot be understood.",
    .example = "weftd get http://127.0.0.1:8880/hello/you",
    .options = get_options,
    .settings = &settings,
    .children = get_children,
    .code = get_code,
};

/* SPDX-License-Identifier: MIT */
/* Names and sentences of the error codes. */
#include <weft/error.h>

#include <errno.h>
#include <stdio.h>

static const struct {
    const char *name, *text;
} errors[WEFT_ERR_COUNT_] = {
    [WEFT_OK] = {"OK", "all is well"},
    [WEFT_EINVAL] = {"EINVAL", "not valid"},
    [WEFT_ENOMEM] = {"ENOMEM", "out of memory"},
    [WEFT_EGONE] = {"EGONE", "the actor has ended"},
    [WEFT_EFULL] = {"EFULL", "no room now"},
    [WEFT_ELIMIT] = {"ELIMIT", "a limit was reached"},
    [WEFT_ETIMEDOUT] = {"ETIMEDOUT", "timed out"},
    [WEFT_ECANCELLED] = {"ECANCELLED", "cancelled"},
    [WEFT_EUSED] = {"EUSED", "used before"},
    [WEFT_ENOANSWER] = {"ENOANSWER", "no answer was given"},
    [WEFT_EUNHANDLED] = {"EUNHANDLED", "the actor does not handle this type"},
    [WEFT_ETYPE] = {"ETYPE", "a message of the wrong type"},
    [WEFT_ENOTFOUND] = {"ENOTFOUND", "not found"},
    [WEFT_EEXISTS] = {"EEXISTS", "already there"},
    [WEFT_EDENIED] = {"EDENIED", "not permitted"},
    [WEFT_EUNSUPPORTED] = {"EUNSUPPORTED", "not supported"},
    [WEFT_ESTOPPING] = {"ESTOPPING", "stopping"},
    [WEFT_EINTERNAL] = {"EINTERNAL", "internal fault"},
    [WEFT_EPROTO] = {"EPROTO", "protocol error"},
    [WEFT_ETRUNCATED] = {"ETRUNCATED", "ended too early"},
    [WEFT_ETOOBIG] = {"ETOOBIG", "too big"},
    [WEFT_EDONE] = {"EDONE", "done"},
    [WEFT_ELOST] = {"ELOST", "connection lost"},
    [WEFT_EABORTED] = {"EABORTED", "aborted"},
    [WEFT_EREFUSED] = {"EREFUSED", "connection refused"},
    [WEFT_EUNREACHABLE] = {"EUNREACHABLE", "unreachable"},
    [WEFT_ENONAME] = {"ENONAME", "no such host"},
    [WEFT_EIO] = {"EIO", "input or output failed"},
    [WEFT_ETLS] = {"ETLS", "TLS failed"},
};

const char *weft_err_name(weft_err err)
{
    return (unsigned)err < WEFT_ERR_COUNT_ ? errors[err].name : "EUNKNOWN";
}

const char *weft_err_text(weft_err err)
{
    return (unsigned)err < WEFT_ERR_COUNT_ ? errors[err].text : "unknown error";
}

weft_err weft_err_from_errno(int sys_errno)
{
    switch (sys_errno) {
    case 0:
        return WEFT_OK;
    case ENOMEM:
    case ENOBUFS:
        return WEFT_ENOMEM;
    case ENOENT:
    case ENOTDIR:
        return WEFT_ENOTFOUND;
    case EEXIST:
    case EADDRINUSE:
        return WEFT_EEXISTS;
    case EACCES:
    case EPERM:
    case EROFS:
        return WEFT_EDENIED;
    case EMFILE:
    case ENFILE:
        return WEFT_ELIMIT;
    case ECONNRESET:
    case EPIPE:
        return WEFT_ELOST;
    case ECONNABORTED:
        return WEFT_EABORTED;
    case ECONNREFUSED:
        return WEFT_EREFUSED;
    case EHOSTUNREACH:
    case ENETUNREACH:
    case ENETDOWN:
    case EADDRNOTAVAIL:
        return WEFT_EUNREACHABLE;
    case ETIMEDOUT:
        return WEFT_ETIMEDOUT;
    case EOPNOTSUPP:
    case EAFNOSUPPORT:
    case ENOSYS:
        return WEFT_EUNSUPPORTED;
    case EINVAL:
    case ENAMETOOLONG:
        return WEFT_EINVAL;
    default:
        return WEFT_EIO;
    }
}

weft_err weft_because_v(weft_why *why, weft_err err, const char *format, va_list args)
{
    if (why != NULL)
        (void)vsnprintf(why->text, sizeof why->text, format, args);
    return err;
}

void weft_explain(weft_why *why, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)weft_because_v(why, WEFT_OK, format, args);
    va_end(args);
}

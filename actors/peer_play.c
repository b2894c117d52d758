/* SPDX-License-Identifier: MIT */
/* What must come at a peer: expectations, scripts, and the text of what was wrong. */
#include "peer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BEFORE = 40, BEHIND = 120 }; /* bytes shown around the first that differs */

/* ---- texts of failures */

static void put(wf_peer *p, const char *format, ...) WEFT_PRINTF(2, 3);
static void put(wf_peer *p, const char *format, ...)
{
    size_t n = strlen(p->failure);
    va_list args;
    va_start(args, format);
    (void)vsnprintf(p->failure + n, sizeof p->failure - n, format, args);
    va_end(args);
}

static void put_byte(wf_peer *p, unsigned char c)
{
    switch (c) {
    case '\r':
        put(p, "\\r");
        break;
    case '\n':
        put(p, "\\n");
        break;
    case '"':
    case '\\':
        put(p, "\\%c", c);
        break;
    default:
        if (c < 32 || c > 126)
            put(p, "\\x%02x", c);
        else
            put(p, "%c", c);
    }
}

/* The @n bytes at @at, those far from @differs left out. */
static void put_quoted(wf_peer *p, const char *at, size_t n, size_t differs)
{
    size_t from = differs > BEFORE ? differs - BEFORE : 0;
    size_t to = n - from > BEFORE + BEHIND ? from + BEFORE + BEHIND : n;
    put(p, "%s\"", from != 0 ? "..." : "");
    for (size_t i = from; i < to; i++)
        put_byte(p, (unsigned char)at[i]);
    put(p, "\"%s", to != n ? "..." : "");
}

static void put_state(wf_peer *p)
{
    const weft_sim_peer *seen = &p->seen;
    if (seen->closed)
        put(p, "the connection is closed: %s, %s", weft_err_name(seen->reason), seen->why);
    else if (seen->ended)
        put(p, "the other side has ended");
    else
        put(p, seen->opened ? "the connection is open" : "the connection was never open");
}

/* ---- expectations */

static const char *differs(wf_peer *p, const char *want, size_t n, const char *came, size_t m)
{
    size_t same = 0;
    while (same < n && same < m && want[same] == came[same])
        same++;
    put(p, "expected %zu bytes: ", n);
    put_quoted(p, want, n, same);
    put(p, "\ncame     %zu bytes: ", m);
    put_quoted(p, came, m, same);
    if (same == m)
        put(p, "\n%zu are missing; ", n - m);
    else
        put(p, "\nbyte %zu is the first that differs; ", same);
    put_state(p);
    return p->failure;
}

static const char *expect(wf_peer *p, const char *want, size_t n)
{
    weft_sim_peer *seen = &p->seen;
    if (seen->got_bytes - seen->expected < n)
        (void)weft_sim_settle(seen->sim, WEFT_SIM_EXPECT_MS);
    const char *came = seen->got + seen->expected;
    size_t m = seen->got_bytes - seen->expected;
    if (m < n || memcmp(came, want, n) != 0)
        return differs(p, want, n, came, m);
    seen->expected += n;
    return "";
}

const char *weft_sim_expect_bytes(weft_sim_peer *peer, const void *at, size_t n)
{
    wf_peer *p = wf_peer_of(peer);
    p->failure[0] = '\0';
    return expect(p, at, n);
}

const char *weft_sim_expect(weft_sim_peer *peer, const char *text)
{
    return weft_sim_expect_bytes(peer, text, strlen(text));
}

/* ---- scripts */

static const char *nothing_more(wf_peer *p)
{
    const weft_sim_peer *seen = &p->seen;
    size_t n = seen->got_bytes - seen->expected;
    if (n == 0)
        return "";
    put(p, "%zu bytes came that nobody expected: ", n);
    put_quoted(p, seen->got + seen->expected, n, 0);
    put(p, "\n");
    put_state(p);
    return p->failure;
}

static bool is(const weft_sim_peer *seen, weft_sim_act state, weft_err reason)
{
    if (state == WEFT_SIM_CLOSED)
        return seen->closed && (reason == WEFT_OK || seen->reason == reason);
    return seen->opened && !seen->closed && seen->ended == (state == WEFT_SIM_ENDED);
}

/* An end may be on its way; what is open is open now. */
static const char *must_be(wf_peer *p, weft_sim_act state, weft_err reason)
{
    if (state != WEFT_SIM_OPEN && !is(&p->seen, state, reason))
        (void)weft_sim_settle(p->seen.sim, WEFT_SIM_EXPECT_MS);
    if (nothing_more(p)[0] != '\0')
        return p->failure;
    if (is(&p->seen, state, reason))
        return "";
    if (state == WEFT_SIM_CLOSED)
        put(p, "expected: closed%s%s; ", reason != WEFT_OK ? ", for " : "",
            reason != WEFT_OK ? weft_err_name(reason) : "");
    else
        put(p, "expected: %s; ",
            state == WEFT_SIM_OPEN ? "open both ways" : "ended by the other side");
    put_state(p);
    return p->failure;
}

static const char *do_act(wf_peer *p, const weft_sim_row *row)
{
    switch (row->act) {
    case WEFT_SIM_END:
        weft_sim_peer_end(&p->seen);
        break;
    case WEFT_SIM_CLOSE:
        weft_sim_peer_close(&p->seen);
        break;
    case WEFT_SIM_ABORT:
        weft_sim_peer_abort(&p->seen);
        break;
    case WEFT_SIM_DEAF:
    case WEFT_SIM_HEAR:
        weft_sim_peer_deaf(&p->seen, row->act == WEFT_SIM_DEAF);
        break;
    case WEFT_SIM_NOTHING:
        break;
    default:
        return must_be(p, row->act, row->reason);
    }
    return "";
}

static bool is_last(const weft_sim_row *row)
{
    return row->wait_ms == 0 && row->expect == NULL && row->send == NULL &&
           row->act == WEFT_SIM_NOTHING;
}

static bool sends_only(const weft_sim_row *row)
{
    return row->send != NULL && row->wait_ms == 0 && row->expect == NULL;
}

/* Sends what stands in @row and, until one does something else, in those behind it; gives the last of
 * them. */
static const weft_sim_row *send_rows(wf_peer *p, const weft_sim_row *row, weft_sim_cut cut)
{
    const weft_sim_row *last = row;
    size_t n = strlen(row->send), at = 0;
    while (last->act == WEFT_SIM_NOTHING && sends_only(last + 1)) {
        last++;
        n += strlen(last->send);
    }
    char *text = malloc(n + 1);
    if (text == NULL)
        abort();
    for (const weft_sim_row *r = row; r <= last; r++) {
        size_t part = strlen(r->send);
        memcpy(text + at, r->send, part);
        at += part;
    }
    weft_sim_peer_send_cut(&p->seen, text, n, cut);
    free(text);
    return last;
}

/* "" and the next row in @at, or what was wrong. */
static const char *play_row(wf_peer *p, const weft_sim_row **at, weft_sim_cut cut)
{
    const weft_sim_row *row = *at;
    if (row->wait_ms != 0)
        weft_sim_advance(p->seen.sim, row->wait_ms);
    if (row->expect != NULL && expect(p, row->expect, strlen(row->expect))[0] != '\0')
        return p->failure;
    if (row->send != NULL)
        row = send_rows(p, row, cut);
    const char *wrong = do_act(p, row);
    *at = row + 1;
    return wrong;
}

const char *weft_sim_play(weft_sim_peer *peer, const weft_sim_row *rows, weft_sim_cut cut)
{
    wf_peer *p = wf_peer_of(peer);
    p->failure[0] = '\0';
    for (const weft_sim_row *row = rows; !is_last(row);) {
        /* the text begins with the row it is about, which is taken back when all is well */
        put(p, "row %zu: ", (size_t)(row - rows) + 1);
        const char *wrong = play_row(p, &row, cut);
        if (wrong[0] != '\0')
            return p->failure;
        p->failure[0] = '\0';
    }
    (void)weft_sim_settle(peer->sim, WEFT_SIM_EXPECT_MS);
    return nothing_more(p);
}

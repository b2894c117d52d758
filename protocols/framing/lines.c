/* SPDX-License-Identifier: MIT */
/* Lines: frames that end with a delimiter. */
#include "framing_state.h"

#include <string.h>

/* What ends a line here: the default is "\n" and drops a "\r" before it. */
typedef struct ending {
    const uint8_t *at;
    size_t n;
    bool cr_optional;
} ending;

static ending ending_of(const weft_framer *f)
{
    if (f->delimiter_bytes == 0)
        return (ending){(const uint8_t *)"\n", 1, true};
    return (ending){f->delimiter, f->delimiter_bytes, false};
}

static weft_err check_delimiter(const weft_framer *f, weft_why *why)
{
    if (f->delimiter_bytes > WEFT_DELIMITER_BYTES_MAX)
        return weft_because(why, WEFT_EINVAL, "a delimiter of %u bytes, expected at most %d",
                            f->delimiter_bytes, WEFT_DELIMITER_BYTES_MAX);
    return WEFT_OK;
}

/* The first place at or after @from where @end begins, or where so much of it begins as there are
 * bytes: then the place is beyond @n less the size of @end. @n if it begins nowhere. */
static size_t ending_find(const ending *end, const uint8_t *at, size_t n, size_t from)
{
    while (from < n) {
        const uint8_t *first = memchr(at + from, end->at[0], n - from);
        if (first == NULL)
            return n;
        from = (size_t)(first - at);
        size_t there = n - from < end->n ? n - from : end->n;
        if (memcmp(first, end->at, there) == 0)
            return from;
        from++;
    }
    return n;
}

static weft_err too_long(const weft_framer *f, weft_why *why)
{
    return weft_because(why, WEFT_ETOOBIG, "a line is longer than %zu bytes", wf_frame_max(f));
}

/* A line that has no end in @n bytes, of which an end may have begun at @place. */
static weft_err unfinished(weft_framer *f, const ending *end, const uint8_t *at, size_t n,
                           size_t place, weft_frame_place *out, weft_why *why)
{
    size_t shortest = place;
    if (end->cr_optional && n > 0 && at[n - 1] == '\r')
        shortest--;
    if (shortest > wf_frame_max(f))
        return too_long(f, why);

    f->scanned = place;
    return wf_frame_needs(out, end->n - (n - place));
}

static weft_err lines_next(weft_framer *f, const uint8_t *at, size_t n, weft_frame_place *out,
                           weft_why *why)
{
    ending end = ending_of(f);
    weft_err err = check_delimiter(f, why);
    if (err != WEFT_OK)
        return err;
    if (n < f->scanned)
        return wf_frame_shrank(f, n, why);

    /* Beyond this a line that is not too long has ended. */
    size_t max = wf_frame_max(f), room = end.n + end.cr_optional;
    size_t seen = n > max && n - max > room ? max + room : n;
    size_t place = ending_find(&end, at, seen, f->scanned);
    if (seen - place < end.n)
        return unfinished(f, &end, at, seen, place, out, why);

    size_t cr = end.cr_optional && place > 0 && at[place - 1] == '\r';
    if (place - cr > max)
        return too_long(f, why);
    return wf_frame_found(f, out, 0, place - cr, cr + end.n);
}

/* Whether the end that is put behind the frame is the first one that stands there: an end may also
 * begin in the frame's last bytes, as "aa" does in "ba" + "aa". */
static bool ends_only_behind(const ending *end, const uint8_t *frame, size_t n)
{
    uint8_t seam[2 * WEFT_DELIMITER_BYTES_MAX];
    size_t last = n < end->n - 1 ? n : end->n - 1;

    if (n - ending_find(end, frame, n, 0) >= end->n)
        return false;
    if (end->cr_optional)
        return n == 0 || frame[n - 1] != '\r';

    if (last > 0)
        memcpy(seam, frame + n - last, last);
    memcpy(seam + last, end->at, end->n);
    return ending_find(end, seam, last + end->n, 0) == last;
}

static weft_err lines_wrap(const weft_framer *f, const uint8_t *frame, size_t n,
                           weft_frame_ends *out, weft_why *why)
{
    ending end = ending_of(f);
    weft_err err = check_delimiter(f, why);
    if (err != WEFT_OK)
        return err;
    if (!ends_only_behind(&end, frame, n))
        return weft_because(why, WEFT_EINVAL,
                            "a line of %zu bytes would be read back as another: what ends a line "
                            "stands inside it or at its end",
                            n);

    *out = (weft_frame_ends){.tail_bytes = (uint8_t)end.n};
    memcpy(out->tail, end.at, end.n);
    return WEFT_OK;
}

const weft_framing weft_lines = {.name = "lines", .next = lines_next, .wrap = lines_wrap};

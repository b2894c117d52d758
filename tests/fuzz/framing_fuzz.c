/* SPDX-License-Identifier: MIT */
/* Any bytes through any framing: whole and split they give the same frames and the same end, and
 * what came out goes in again as the same frame. The first 16 bytes choose framing, limits and
 * splits. */
#include <stdlib.h>
#include <string.h>
#include <weft/framing.h>

#define CHOICE_BYTES 16
#define FRAMES_MAX 512

/* What was read: where each frame stood and how it ended. */
typedef struct heard {
    size_t frames, consumed;
    size_t at[FRAMES_MAX], bytes[FRAMES_MAX];
    weft_err err;
} heard;

static void must(bool holds)
{
    if (!holds)
        abort();
}

static const weft_framing *choose(const uint8_t *choice, weft_framer *f)
{
    static const weft_framing *const all[] = {&weft_lines, &weft_netstrings, &weft_prefix8,
                                              &weft_prefix16, &weft_prefix32};

    *f = (weft_framer){.frame_bytes_max = choice[1], .little_endian = (choice[0] & 0x80) != 0};
    f->delimiter_bytes = choice[2] % (WEFT_DELIMITER_BYTES_MAX + 1);
    memcpy(f->delimiter, choice + 3, WEFT_DELIMITER_BYTES_MAX);
    return all[(choice[0] & 0x7f) % (sizeof all / sizeof all[0])];
}

static size_t limit(const weft_framer *f)
{
    return f->frame_bytes_max != 0 ? f->frame_bytes_max : WEFT_FRAME_BYTES_MAX;
}

/* One call, on a block of exactly its size, so that reading too far is found. */
static weft_err next(const weft_framing *framing, weft_framer *f, const uint8_t *at, size_t n,
                     weft_frame_place *out)
{
    weft_why why = {""};
    uint8_t *block = n > 0 ? malloc(n) : NULL;
    if (n > 0)
        memcpy(block, at, n);
    weft_err err = framing->next(f, block, n, out, &why);
    free(block);
    must(err == WEFT_OK || (why.text[0] != '\0' && memchr(why.text, 0, sizeof why.text) != NULL));
    return err;
}

/* @steps says how many bytes arrive at a time, over and over; with none all arrive at once. */
static void feed(const weft_framing *framing, weft_framer f, const uint8_t *data, size_t n,
                 const uint8_t *steps, size_t steps_n, heard *h)
{
    size_t seen = steps_n > 0 ? 0 : n, promised = 0, step = 0;
    *h = (heard){0};

    while (h->frames < FRAMES_MAX) {
        weft_frame_place got = {0};
        h->err = next(framing, &f, data + h->consumed, seen - h->consumed, &got);
        if (h->err != WEFT_OK)
            return;
        if (got.consumed == 0) {
            must(got.need > 0 && got.bytes == 0);
            promised = seen + got.need;
            if (seen == n)
                return;
            size_t more = 1 + (size_t)steps[step++ % steps_n] % 32;
            seen = n - seen < more ? n : seen + more;
            continue;
        }
        must(seen >= promised && got.need == 0 && got.bytes <= limit(&f));
        must(got.start + got.bytes <= got.consumed && got.consumed <= seen - h->consumed);
        h->at[h->frames] = h->consumed + got.start;
        h->bytes[h->frames++] = got.bytes;
        h->consumed += got.consumed;
    }
}

/* Lines that ended "\r\n" by default may hold what a "\n" alone would not bring back. */
static void check_round_trip(const weft_framing *framing, weft_framer f, const uint8_t *frame,
                             size_t n)
{
    weft_frame_ends ends = {0};
    weft_frame_place got = {0};
    bool by_default = framing == &weft_lines && f.delimiter_bytes == 0;

    if (framing->wrap(&f, frame, n, &ends, NULL) != WEFT_OK) {
        must(by_default && n > 0 && frame[n - 1] == '\r');
        return;
    }
    size_t all = ends.head_bytes + n + ends.tail_bytes;
    uint8_t *block = malloc(all);
    if (block == NULL)
        return;
    memcpy(block, ends.head, ends.head_bytes);
    memcpy(block + ends.head_bytes, frame, n);
    memcpy(block + ends.head_bytes + n, ends.tail, ends.tail_bytes);
    must(next(framing, &f, block, all, &got) == WEFT_OK);
    must(got.consumed == all && got.start == ends.head_bytes && got.bytes == n);
    free(block);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static heard whole, split;
    weft_framer f;

    if (size < CHOICE_BYTES)
        return 0;
    const weft_framing *framing = choose(data, &f);
    const uint8_t *bytes = data + CHOICE_BYTES;
    size_t n = size - CHOICE_BYTES;

    feed(framing, f, bytes, n, NULL, 0, &whole);
    feed(framing, f, bytes, n, data + 11, CHOICE_BYTES - 11, &split);

    must(whole.frames == split.frames && whole.consumed == split.consumed);
    must(whole.frames == FRAMES_MAX || whole.err == split.err);
    for (size_t i = 0; i < whole.frames; i++) {
        must(whole.at[i] == split.at[i] && whole.bytes[i] == split.bytes[i]);
        check_round_trip(framing, f, bytes + whole.at[i], whole.bytes[i]);
    }
    return 0;
}

/* SPDX-License-Identifier: MIT */
/* Directory listings. Names are bytes that anybody may have chosen: in a link they are
 * percent-encoded, in text they are escaped, and nowhere else do they stand. */
#include "http_listing.h"

#include <stdio.h>

#include "http_date.h"
#include "http_lex.h"

static const char style[] =
    ":root{color-scheme:light dark;--line:#e3e3e6;--soft:#66666e;--link:#0b57d0;--over:#f4f5f7}\n"
    "@media(prefers-color-scheme:dark){"
    ":root{--line:#333338;--soft:#a0a0a8;--link:#8ab4f8;--over:#26272b}"
    "body{background:#1b1c1f;color:#e6e6e9}}\n"
    "body{font:1rem/1.5 system-ui,sans-serif;max-width:60rem;margin:2.5rem auto;padding:0 "
    "1.25rem}\n"
    "h1{font-size:1.35rem;font-weight:600;margin:0 0 1.25rem;overflow-wrap:anywhere}\n"
    "table{width:100%;border-collapse:collapse}\n"
    "th{font-weight:500;font-size:.85rem;color:var(--soft);text-align:left}\n"
    "th,td{padding:.4rem .6rem;border-bottom:1px solid var(--line);vertical-align:top}\n"
    "tbody tr:hover{background:var(--over)}\n"
    "td:first-child{overflow-wrap:anywhere;width:100%}\n"
    "td+td,th+th{white-space:nowrap;color:var(--soft);font-variant-numeric:tabular-nums}\n"
    "td:last-child,th:last-child{text-align:right}\n"
    "a{color:var(--link);text-decoration:none;unicode-bidi:isolate}\n"
    "a:hover{text-decoration:underline}\n"
    ".dir{font-weight:600}\n"
    "footer{margin-top:1rem;font-size:.85rem;color:var(--soft)}\n"
    "@media(max-width:34rem){td:nth-child(2),th:nth-child(2){display:none}}\n";

size_t wf_http_size_format(char out[WF_HTTP_SIZE_BYTES_MAX], uint64_t size)
{
    static const char units[] = "KMGTPE";
    int n;

    if (size < 1024) {
        n = snprintf(out, WF_HTTP_SIZE_BYTES_MAX, "%u B", (unsigned)size);
    } else {
        /* The unit in which the number, rounded, has at most four digits. Tenths are kept in
         * integers: 64 bits of size leave no room to multiply by ten. */
        unsigned unit = 0;
        uint64_t whole = size;
        while (whole >= UINT64_C(1024) * 1024) {
            whole >>= 10;
            unit++;
        }
        uint64_t tenths = (whole * 10 + 512) / 1024;
        if (tenths >= 10235 && units[unit + 1] != '\0') {
            tenths = 10;
            unit++;
        }
        if (tenths < 100)
            n = snprintf(out, WF_HTTP_SIZE_BYTES_MAX, "%u.%u %ciB", (unsigned)tenths / 10,
                         (unsigned)tenths % 10, units[unit]);
        else
            n = snprintf(out, WF_HTTP_SIZE_BYTES_MAX, "%u %ciB", (unsigned)(tenths + 5) / 10,
                         units[unit]);
    }
    return (size_t)n;
}

int wf_http_entry_compare(const void *a, const void *b)
{
    const wf_http_entry *x = a, *y = b;
    const char *p = x->name, *q = y->name;

    if (x->is_dir != y->is_dir)
        return x->is_dir ? -1 : 1;
    while (*p != '\0' && wf_http_lower(*p) == wf_http_lower(*q)) {
        p++;
        q++;
    }
    int order = (unsigned char)wf_http_lower(*p) - (unsigned char)wf_http_lower(*q);
    return order != 0 ? order : strcmp(x->name, y->name);
}

wf_http_listing wf_http_listing_begin(wf_http_writer *w, const char *path, size_t path_n,
                                      bool has_parent)
{
    wf_http_put_str(w, "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                       "<meta name=\"viewport\" content=\"width=device-width\">\n"
                       "<title>Index of ");
    wf_http_put_html(w, path, path_n);
    wf_http_put_str(w, "</title>\n<style>\n");
    wf_http_put(w, style, sizeof style - 1);
    wf_http_put_str(w, "</style>\n</head>\n<body>\n<main>\n<h1>Index of ");
    wf_http_put_html(w, path, path_n);
    wf_http_put_str(w, "</h1>\n<table>\n<thead><tr><th scope=\"col\">Name</th>"
                       "<th scope=\"col\">Modified (UTC)</th><th scope=\"col\">Size</th></tr>"
                       "</thead>\n<tbody>\n");
    if (has_parent)
        wf_http_put_str(w, "<tr><td><a class=\"dir\" href=\"../\" rel=\"up\">../</a></td>"
                           "<td></td><td></td></tr>\n");
    return (wf_http_listing){.w = w};
}

static bool is_dots(const char *name)
{
    return name[0] == '\0' || strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

static void put_name(wf_http_writer *w, const wf_http_entry *entry)
{
    size_t n = strlen(entry->name);
    const char *slash = entry->is_dir ? "/" : "";

    wf_http_put_str(w, entry->is_dir ? "<a class=\"dir\" href=\"" : "<a href=\"");
    wf_http_put_percent(w, entry->name, n, false);
    wf_http_put_str(w, slash);
    wf_http_put_str(w, "\">");
    wf_http_put_html(w, entry->name, n);
    wf_http_put_str(w, slash);
    wf_http_put_str(w, "</a>");
}

/* <time datetime="1994-11-06T08:49:37Z">1994-11-06 08:49</time> */
static void put_time(wf_http_writer *w, int64_t unix_s)
{
    char iso[WF_HTTP_DATE_ISO_BYTES];
    wf_http_date_format_iso(iso, unix_s);
    wf_http_put_str(w, "<time datetime=\"");
    wf_http_put(w, iso, sizeof iso);
    wf_http_put_str(w, "\">");
    wf_http_put(w, iso, 10);
    wf_http_put_char(w, ' ');
    wf_http_put(w, iso + 11, 5);
    wf_http_put_str(w, "</time>");
}

/* <data value="1234">1.2 KiB</data> */
static void put_size(wf_http_writer *w, uint64_t size)
{
    char human[WF_HTTP_SIZE_BYTES_MAX];
    size_t n = wf_http_size_format(human, size);
    wf_http_put_str(w, "<data value=\"");
    wf_http_put_u64(w, size);
    wf_http_put_str(w, "\">");
    wf_http_put(w, human, n);
    wf_http_put_str(w, "</data>");
}

void wf_http_listing_add(wf_http_listing *listing, const wf_http_entry *entry)
{
    wf_http_writer *w = listing->w;

    if (is_dots(entry->name))
        return;
    wf_http_put_str(w, "<tr><td>");
    put_name(w, entry);
    wf_http_put_str(w, "</td><td>");
    put_time(w, entry->mtime_s);
    wf_http_put_str(w, "</td><td>");
    if (entry->is_dir) {
        listing->dirs++;
    } else {
        put_size(w, entry->size);
        listing->files++;
        /* Sparse files may add up to more than there is; the sum then stays at the most. */
        if (__builtin_add_overflow(listing->bytes, entry->size, &listing->bytes))
            listing->bytes = UINT64_MAX;
    }
    wf_http_put_str(w, "</td></tr>\n");
}

static void put_count(wf_http_writer *w, uint64_t n, const char *one, const char *many)
{
    wf_http_put_u64(w, n);
    wf_http_put_char(w, ' ');
    wf_http_put_str(w, n == 1 ? one : many);
}

/* "2 directories, 3 files, 1.2 KiB" */
static void put_sums(wf_http_writer *w, const wf_http_listing *listing)
{
    if (listing->dirs > 0)
        put_count(w, listing->dirs, "directory", "directories");
    if (listing->dirs > 0 && listing->files > 0)
        wf_http_put_str(w, ", ");
    if (listing->files > 0) {
        put_count(w, listing->files, "file", "files");
        wf_http_put_str(w, ", ");
        put_size(w, listing->bytes);
    }
}

weft_err wf_http_listing_end(wf_http_listing *listing, bool cut)
{
    wf_http_writer *w = listing->w;

    wf_http_put_str(w, "</tbody>\n</table>\n</main>\n<footer>");
    if (listing->dirs + listing->files == 0)
        wf_http_put_str(w, cut ? "No entry is shown." : "This directory is empty.");
    else
        put_sums(w, listing);
    if (cut)
        wf_http_put_str(w, " (there are more entries than are shown)");
    wf_http_put_str(w, "</footer>\n</body>\n</html>\n");
    return wf_http_writer_flush(w);
}

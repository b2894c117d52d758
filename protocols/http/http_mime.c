/* SPDX-License-Identifier: MIT */
/* Media types by extension: a table sorted by bytes, searched by halves. */
#include "http_mime.h"

#include <string.h>

#include "http_lex.h"

/* clang-format off */

/* Text, which is told to be UTF-8; what packs well all the same; and what is packed already. */
#define TEXT(extension, type) {extension, true, TYPE(type "; charset=utf-8")}
#define PACKS(extension, type) {extension, true, TYPE(type)}
#define PLAIN(extension, type) {extension, false, TYPE(type)}
#define TYPE(type) {type, sizeof(type) - 1}

static const wf_http_mime types[] = {
    PLAIN("3gp", "video/3gpp"),
    PLAIN("7z", "application/x-7z-compressed"),
    PLAIN("aac", "audio/aac"),
    PACKS("ai", "application/postscript"),
    PLAIN("aif", "audio/aiff"),
    PLAIN("aiff", "audio/aiff"),
    PLAIN("apk", "application/vnd.android.package-archive"),
    PLAIN("apng", "image/apng"),
    PACKS("asc", "application/pgp-keys"),
    PACKS("atom", "application/atom+xml"),
    PLAIN("avi", "video/x-msvideo"),
    PLAIN("avif", "image/avif"),
    PLAIN("bin", "application/octet-stream"),
    PACKS("bmp", "image/bmp"),
    PLAIN("bz2", "application/x-bzip2"),
    TEXT("c", "text/plain"),
    TEXT("cc", "text/plain"),
    TEXT("cfg", "text/plain"),
    TEXT("cjs", "text/javascript"),
    TEXT("conf", "text/plain"),
    TEXT("cpp", "text/plain"),
    PLAIN("crt", "application/x-x509-ca-cert"),
    TEXT("css", "text/css"),
    TEXT("csv", "text/csv"),
    PLAIN("deb", "application/vnd.debian.binary-package"),
    TEXT("diff", "text/plain"),
    PLAIN("dll", "application/octet-stream"),
    PLAIN("dmg", "application/x-apple-diskimage"),
    PLAIN("doc", "application/msword"),
    PLAIN("docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    PACKS("dtd", "application/xml-dtd"),
    PACKS("eot", "application/vnd.ms-fontobject"),
    PACKS("eps", "application/postscript"),
    PLAIN("epub", "application/epub+zip"),
    PLAIN("exe", "application/octet-stream"),
    PLAIN("flac", "audio/flac"),
    PLAIN("flv", "video/x-flv"),
    PACKS("geojson", "application/geo+json"),
    PLAIN("gif", "image/gif"),
    PLAIN("glb", "model/gltf-binary"),
    PACKS("gltf", "model/gltf+json"),
    TEXT("go", "text/plain"),
    PACKS("gpx", "application/gpx+xml"),
    PLAIN("gz", "application/gzip"),
    TEXT("h", "text/plain"),
    PLAIN("heic", "image/heic"),
    PLAIN("heif", "image/heif"),
    TEXT("hpp", "text/plain"),
    TEXT("htm", "text/html"),
    TEXT("html", "text/html"),
    PACKS("ico", "image/vnd.microsoft.icon"),
    TEXT("ics", "text/calendar"),
    PLAIN("img", "application/octet-stream"),
    TEXT("ini", "text/plain"),
    PLAIN("iso", "application/octet-stream"),
    PLAIN("jar", "application/java-archive"),
    TEXT("java", "text/plain"),
    PLAIN("jpe", "image/jpeg"),
    PLAIN("jpeg", "image/jpeg"),
    PLAIN("jpg", "image/jpeg"),
    TEXT("js", "text/javascript"),
    PACKS("json", "application/json"),
    PACKS("jsonld", "application/ld+json"),
    TEXT("jsx", "text/javascript"),
    PLAIN("jxl", "image/jxl"),
    PACKS("kml", "application/vnd.google-earth.kml+xml"),
    TEXT("log", "text/plain"),
    PLAIN("m3u8", "application/vnd.apple.mpegurl"),
    PLAIN("m4a", "audio/mp4"),
    PLAIN("m4v", "video/mp4"),
    PACKS("map", "application/json"),
    TEXT("markdown", "text/markdown"),
    PACKS("mathml", "application/mathml+xml"),
    TEXT("md", "text/markdown"),
    PLAIN("mid", "audio/midi"),
    PLAIN("midi", "audio/midi"),
    TEXT("mjs", "text/javascript"),
    PLAIN("mkv", "video/matroska"),
    PLAIN("mov", "video/quicktime"),
    PLAIN("mp3", "audio/mpeg"),
    PLAIN("mp4", "video/mp4"),
    PACKS("mpd", "application/dash+xml"),
    PLAIN("mpeg", "video/mpeg"),
    PLAIN("mpg", "video/mpeg"),
    PLAIN("msi", "application/octet-stream"),
    PACKS("ndjson", "application/x-ndjson"),
    PLAIN("odg", "application/vnd.oasis.opendocument.graphics"),
    PLAIN("odp", "application/vnd.oasis.opendocument.presentation"),
    PLAIN("ods", "application/vnd.oasis.opendocument.spreadsheet"),
    PLAIN("odt", "application/vnd.oasis.opendocument.text"),
    PLAIN("oga", "audio/ogg"),
    PLAIN("ogg", "audio/ogg"),
    PLAIN("ogv", "video/ogg"),
    PLAIN("ogx", "application/ogg"),
    PLAIN("opus", "audio/ogg"),
    PACKS("otf", "font/otf"),
    PLAIN("p7s", "application/pkcs7-signature"),
    TEXT("patch", "text/plain"),
    PLAIN("pdf", "application/pdf"),
    PLAIN("pem", "application/x-pem-file"),
    PLAIN("png", "image/png"),
    PLAIN("ppt", "application/vnd.ms-powerpoint"),
    PLAIN("pptx", "application/vnd.openxmlformats-officedocument.presentationml.presentation"),
    PACKS("ps", "application/postscript"),
    PLAIN("psd", "image/vnd.adobe.photoshop"),
    TEXT("py", "text/plain"),
    PLAIN("rar", "application/vnd.rar"),
    PLAIN("rpm", "application/x-rpm"),
    TEXT("rs", "text/plain"),
    PACKS("rss", "application/rss+xml"),
    PACKS("rtf", "application/rtf"),
    TEXT("rtx", "text/richtext"),
    PACKS("sh", "application/x-sh"),
    TEXT("shtml", "text/html"),
    PLAIN("sig", "application/pgp-signature"),
    PLAIN("so", "application/octet-stream"),
    PACKS("sql", "application/sql"),
    PLAIN("sqlite", "application/vnd.sqlite3"),
    PLAIN("stl", "model/stl"),
    PACKS("svg", "image/svg+xml"),
    PLAIN("swf", "application/vnd.adobe.flash.movie"),
    PACKS("tar", "application/x-tar"),
    TEXT("text", "text/plain"),
    PLAIN("tgz", "application/gzip"),
    PLAIN("tif", "image/tiff"),
    PLAIN("tiff", "image/tiff"),
    PACKS("toml", "application/toml"),
    PLAIN("torrent", "application/x-bittorrent"),
    PLAIN("ts", "video/mp2t"),
    TEXT("tsv", "text/tab-separated-values"),
    PACKS("ttf", "font/ttf"),
    TEXT("txt", "text/plain"),
    TEXT("vcf", "text/vcard"),
    TEXT("vtt", "text/vtt"),
    PLAIN("war", "application/java-archive"),
    PACKS("wasm", "application/wasm"),
    PLAIN("wav", "audio/wav"),
    PLAIN("weba", "audio/webm"),
    PLAIN("webm", "video/webm"),
    PACKS("webmanifest", "application/manifest+json"),
    PLAIN("webp", "image/webp"),
    PLAIN("wmv", "video/x-ms-wmv"),
    PLAIN("woff", "font/woff"),
    PLAIN("woff2", "font/woff2"),
    PACKS("xhtml", "application/xhtml+xml"),
    PLAIN("xls", "application/vnd.ms-excel"),
    PLAIN("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    PACKS("xml", "application/xml"),
    PACKS("xsd", "application/xml"),
    PACKS("xsl", "application/xml"),
    PACKS("xslt", "application/xslt+xml"),
    PLAIN("xz", "application/x-xz"),
    PACKS("yaml", "application/yaml"),
    PACKS("yml", "application/yaml"),
    PLAIN("zip", "application/zip"),
    PLAIN("zst", "application/zstd"),
};

/* clang-format on */

static const size_t types_n = sizeof types / sizeof types[0];

static const wf_http_mime unknown = PLAIN("", "application/octet-stream");

/* The extension in lower case, filled up with zeros as the table's are. False if it is none, or too
 * long for any. */
static bool read_extension(const char *path, size_t n, char out[WF_HTTP_EXTENSION_BYTES_MAX])
{
    size_t dot = n;
    while (dot > 0 && path[dot - 1] != '.' && path[dot - 1] != '/')
        dot--;
    /* A dot must be there, and something before it that is not a '/'. */
    if (dot < 2 || path[dot - 1] != '.' || path[dot - 2] == '/')
        return false;
    if (dot == n || n - dot >= WF_HTTP_EXTENSION_BYTES_MAX)
        return false;
    memset(out, 0, WF_HTTP_EXTENSION_BYTES_MAX);
    for (size_t i = dot; i < n; i++)
        out[i - dot] = wf_http_lower(path[i]);
    return true;
}

const wf_http_mime *wf_http_mime_at(size_t i)
{
    return i < types_n ? &types[i] : NULL;
}

const wf_http_mime *wf_http_mime_of(const char *path, size_t n)
{
    char extension[WF_HTTP_EXTENSION_BYTES_MAX];
    size_t low = 0, high = types_n;

    if (!read_extension(path, n, extension))
        return &unknown;
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = memcmp(extension, types[middle].extension, sizeof extension);
        if (order == 0)
            return &types[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return &unknown;
}

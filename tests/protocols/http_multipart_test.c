/* SPDX-License-Identifier: MIT */
/* Parts as they come: delimiters, heads, and what breaks them. */
#include "alloc.h"
#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weft/http_form.h>

#define TYPE "multipart/form-data; boundary=xyz"
#define HEAD(name) "Content-Disposition: form-data; name=\"" name "\"\r\n\r\n"

static weft_http_text text_of(const char *text)
{
    return (weft_http_text){text, (uint32_t)strlen(text)};
}

/* What is told of @n bytes at @body, in pieces of @step, as text: "[name|file|type]data/" and "." at the end. */
static weft_err tell(const char *body, size_t n, size_t step, char *out, size_t max)
{
    weft_multipart *m = NULL;
    weft_why why = {""};
    size_t at = 0, put = 0;
    REQUIRE(weft_multipart_new(text_of(TYPE), &m, &why) == WEFT_OK);
    weft_err err = WEFT_OK;
    out[0] = '\0';
    while (at < n && err == WEFT_OK) {
        weft_multipart_event e;
        size_t left = n - at < step ? n - at : step;
        err = weft_multipart_next(m, (const uint8_t *)body + at, left, &e, &why);
        CHECK(e.consumed <= left);
        at += e.consumed;
        if (err != WEFT_OK)
            break;
        if (e.kind == WEFT_MULTIPART_PART)
            put += (size_t)snprintf(
                out + put, max - put, "[%.*s|%.*s|%.*s]", (int)e.name.bytes, e.name.at,
                (int)e.file_name.bytes, e.file_name.at != NULL ? e.file_name.at : "",
                (int)e.content_type.bytes, e.content_type.at != NULL ? e.content_type.at : "");
        if (e.kind == WEFT_MULTIPART_DATA) {
            CHECK(e.data_bytes != 0 && put + e.data_bytes < max);
            memcpy(out + put, e.data, e.data_bytes);
            put += e.data_bytes;
        }
        if (e.kind == WEFT_MULTIPART_PART_END || e.kind == WEFT_MULTIPART_END)
            out[put++] = e.kind == WEFT_MULTIPART_END ? '.' : '/';
        out[put] = '\0';
    }
    CHECK(err != WEFT_OK || weft_multipart_is_whole(m) == (strchr(out, '.') != NULL));
    weft_multipart_free(m);
    return err;
}

static const struct {
    const char *body, *told;
} good[] = {
    {"--xyz\r\n" HEAD("a") "1\r\n--xyz--", "[a||]1/."},
    {"--xyz\r\n" HEAD("a") "1\r\n--xyz--\r\n", "[a||]1/."},
    {"--xyz\r\n" HEAD("a") "1\r\n--xyz--\r\nepilogue --xyz\r\n", "[a||]1/."},
    {"preamble\r\n--xyz\r\n" HEAD("a") "1\r\n--xyz--", "[a||]1/."},
    {"--xyz \t\r\n" HEAD("a") "1\r\n--xyz\r\n" HEAD("b") "2\r\n--xyz--", "[a||]1/[b||]2/."},
    {"--xyz\r\n" HEAD("a") "\r\n--xyz--", "[a||]/."},
    {"--xyz\r\n" HEAD("a") "--xyz--", "[a||]/."},
    {"--xyz\r\n" HEAD("a") "\r\n\r\n--xyz--", "[a||]\r\n/."},
    {"--xyz\r\n" HEAD("a") "-\r\n--xy\r\n--xz\r\r\n--xyz--", "[a||]-\r\n--xy\r\n--xz\r/."},
    {"--xyz\r\n" HEAD("a") "\r\n--xyz\r\n" HEAD("b") "\n--xyz\r\n--xyz--", "[a||]/[b||]\n--xyz/."},
    {"--xyz--", "."},
    {"--xyz\r\ncontent-disposition:form-data;name=a;filename=b.txt\r\nCONTENT-TYPE: text/plain; "
     "charset=x \r\nX-Other: 1\r\n\r\nf\r\n--xyz--",
     "[a|b.txt|text/plain; charset=x]f/."},
    {"--xyz\r\nContent-Disposition: form-data; name=\"a\\\"b%22c\"; "
     "filename=\"C:\\dir\\f\"\r\n\r\n1"
     "\r\n--xyz--",
     "[a\"b\"c|C:\\dir\\f|]1/."},
    {"--xyz\r\nContent-Disposition: form-data; name=\"\"; filename=\"\"; "
     "filename*=utf-8''x;\r\n\r\n"
     "\r\n--xyz--",
     "[||]/."},
};

static void parts_come_as_they_are_in_any_pieces(void)
{
    char out[512];
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        for (size_t step = 1; step <= strlen(good[i].body); step++) {
            CHECK_OK(tell(good[i].body, strlen(good[i].body), step, out, sizeof out));
            CHECK_STR(out, good[i].told);
        }
}

static const char *const broken[] = {
    "--xyz\n" HEAD("a") "1\r\n--xyz--",
    "--xyzz\r\n" HEAD("a") "1\r\n--xyzz--",
    "--xyz-\r\n",
    "--xyz\r\r\n",
    "--xyz\r\n\r\n1\r\n--xyz--",
    "--xyz\r\nContent-Type: a/b\r\n\r\n1\r\n--xyz--",
    "--xyz\r\nContent-Disposition: attachment; name=a\r\n\r\n1\r\n--xyz--",
    "--xyz\r\nContent-Disposition: form-data\r\n\r\n1\r\n--xyz--",
    "--xyz\r\nContent-Disposition: form-data; name\r\n\r\n1\r\n--xyz--",
    "--xyz\r\nContent-Disposition: form-data; name=\"a\r\n\r\n1\r\n--xyz--",
    "--xyz\r\nContent-Disposition: form-data; name=a; name=b\r\n\r\n1\r\n--xyz--",
    ("--xyz\r\nContent-Disposition: form-data; name=a\r\nContent-Disposition: form-data; "
     "name=b\r\n\r\n1\r\n--xyz--"),
    "--xyz\r\nContent-Disposition: form-data; name=\"a\nb\"\r\n\r\n1\r\n--xyz--",
    "--xyz\r\nno colon\r\n\r\n1\r\n--xyz--",
    "--xyz\r\n: empty\r\n\r\n1\r\n--xyz--",
    "--xyz\r\n folded: 1\r\n\r\n1\r\n--xyz--",
};

static void what_breaks_the_format_is_refused_in_any_pieces(void)
{
    char out[512];
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++)
        for (size_t step = 1; step <= strlen(broken[i]); step++)
            CHECK_ERR(tell(broken[i], strlen(broken[i]), step, out, sizeof out), WEFT_EPROTO);
}

static void a_head_has_its_limit(void)
{
    static const char before[] = "--xyz\r\nX-Long: ",
                      behind[] = "\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n--xyz--";
    char out[64];
    for (size_t over = 0; over < 2; over++) {
        /* all of the head but the x'es, from behind the delimiter's line */
        size_t fixed = sizeof before - 1 - 7 + (size_t)(strstr(behind, "1\r\n--xyz") - behind);
        size_t x = WEFT_HTTP_PART_HEAD_BYTES_MAX - fixed + over;
        size_t n = sizeof before - 1 + x + sizeof behind - 1;
        char *body = malloc(n + 1);
        REQUIRE(body != NULL);
        memcpy(body, before, sizeof before - 1);
        memset(body + sizeof before - 1, 'x', x);
        memcpy(body + sizeof before - 1 + x, behind, sizeof behind);
        CHECK_ERR(tell(body, n, n, out, sizeof out), over != 0 ? WEFT_ETOOBIG : WEFT_OK);
        free(body);
    }
}

static const struct {
    const char *type;
    weft_err err;
} types[] = {
    {TYPE, WEFT_OK},
    {"Multipart/Form-Data ; charset=utf-8 ; Boundary=\"a b:c\"", WEFT_OK},
    {"multipart/form-data; boundary=----WebKitFormBoundaryAbc=", WEFT_OK},
    {"multipart/form-data; boundary=0123456789012345678901234567890123456789012345678901234567890"
     "123456789",
     WEFT_OK},
    {"multipart/form-data; boundary=0123456789012345678901234567890123456789012345678901234567890"
     "1234567890",
     WEFT_EPROTO},
    {"multipart/form-data", WEFT_EPROTO},
    {"multipart/form-data; boundary=", WEFT_EPROTO},
    {"multipart/form-data; boundary=\"a", WEFT_EPROTO},
    {"multipart/form-data; boundary=\"a \"", WEFT_EPROTO},
    {"multipart/form-data; boundary=a<b", WEFT_EPROTO},
    {"multipart/form-data, boundary=a", WEFT_EUNSUPPORTED},
    {"multipart/mixed; boundary=a", WEFT_EUNSUPPORTED},
    {"text/plain", WEFT_EUNSUPPORTED},
    {"", WEFT_EUNSUPPORTED},
};

static void a_boundary_is_what_the_type_says(void)
{
    weft_multipart *m = NULL;
    weft_why why;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        m = NULL;
        CHECK_ERR(weft_multipart_new(text_of(types[i].type), &m, &why), types[i].err);
        weft_multipart_free(m);
    }
    m = NULL;
    CHECK_ERR(weft_multipart_new((weft_http_text){NULL, 0}, &m, &why), WEFT_EUNSUPPORTED);
    wf_alloc_fail_after(0);
    CHECK_ERR(weft_multipart_new(text_of(TYPE), &m, &why), WEFT_ENOMEM);
    wf_alloc_fail_after(-1);
}

static const test_case cases[] = {
    TEST(parts_come_as_they_are_in_any_pieces),
    TEST(what_breaks_the_format_is_refused_in_any_pieces),
    TEST(a_head_has_its_limit),
    TEST(a_boundary_is_what_the_type_says),
    {0},
};

const test_suite http_multipart_suite = {.name = "protocols/http_multipart", .cases = cases};

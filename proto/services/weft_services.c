/* SPDX-License-Identifier: MIT */
/* weft-services DESCRIPTOR_SET STEM: makes STEM.weft.h and STEM.weft.c of the services in a .proto, beside what
 * protoc-c made of its messages. The descriptor set is what `protoc-c --descriptor_set_out` writes. */
#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "descriptor_set.pb-c.h"

typedef Weft__Services__FileSet file_set;
typedef Weft__Services__File proto_file;
typedef Weft__Services__Service service;
typedef Weft__Services__Method method;

enum { SET_BYTES_MAX = 16 << 20, NAME_BYTES = 512 };

/* ---- names, as protoc-c makes them of full names ("shop.Calculator", and ".shop.Pair" of a type) */

typedef struct c_name {
    char text[NAME_BYTES];
} c_name;

/* "ShopItem" becomes "shop_item"; between parts stands @between. */
static c_name lower_name(const char *full, const char *between)
{
    c_name out = {""};
    size_t n = 0;
    bool was_upper = true;
    for (full += *full == '.'; *full != '\0' && n < NAME_BYTES - 4; full++) {
        if (*full == '.') {
            n += (size_t)snprintf(out.text + n, NAME_BYTES - n, "%s", between);
            was_upper = true;
            continue;
        }
        bool upper = isupper((unsigned char)*full) != 0;
        if (upper && !was_upper)
            out.text[n++] = '_';
        out.text[n++] = (char)tolower((unsigned char)*full);
        was_upper = upper;
    }
    out.text[n] = '\0';
    return out;
}

/* "shop_item" becomes "ShopItem"; between parts stand two underscores. */
static c_name struct_name(const char *full)
{
    c_name out = {""};
    size_t n = 0;
    bool begins = true;
    for (full += *full == '.'; *full != '\0' && n < NAME_BYTES - 4; full++) {
        if (*full == '.')
            out.text[n++] = '_', out.text[n++] = '_';
        else if (*full != '_')
            out.text[n++] = begins ? (char)toupper((unsigned char)*full) : *full;
        begins = *full == '.' || *full == '_';
    }
    out.text[n] = '\0';
    return out;
}

static c_name full_name(const proto_file *file, const char *name)
{
    c_name out;
    (void)snprintf(out.text, sizeof out.text, "%s%s%s", file->package,
                   file->package[0] != '\0' ? "." : "", name);
    return out;
}

static c_name upper(c_name name)
{
    for (char *at = name.text; *at != '\0'; at++)
        *at = (char)toupper((unsigned char)*at);
    return name;
}

/* ---- what is written of a method */

typedef struct making {
    FILE *header, *source;
    const char *stem; /* without its folder */
} making;

static void make_method(const making *m, const char *service_text, const char *prefix,
                        const method *of)
{
    c_name id, in = struct_name(of->input_type), out = struct_name(of->output_type),
               name = lower_name(of->name, "_");
    (void)snprintf(id.text, sizeof id.text, "%.255s_%.255s", prefix, name.text);
    (void)fprintf(m->header,
                  "\n/** %s/%s: a request, and its answer. */\n"
                  "typedef %s %s;\n"
                  "typedef %s %s_answer;\n"
                  "extern const weft_type %s_type, %s_answer_type;\n",
                  service_text, of->name, in.text, id.text, out.text, id.text, id.text, id.text);
    (void)fprintf(m->source,
                  "\nconst weft_type %s_answer_type = WEFT_TYPE_ANSWER(\n"
                  "    \"%s/%s\", %s, &%s__descriptor);\n"
                  "const weft_type %s_type = WEFT_TYPE_METHOD(\n"
                  "    \"%s/%s\", %s, &%s__descriptor, &%s_answer_type);\n",
                  id.text, service_text, of->name, out.text, lower_name(of->output_type, "__").text,
                  id.text, service_text, of->name, in.text, lower_name(of->input_type, "__").text,
                  id.text);
}

/* ---- and of a service */

static void make_rows(const making *m, const c_name *name, const service *of)
{
    const char *prefix = name->text;
    (void)fprintf(m->header,
                  "\n/** The rows of who serves it: a handler for each method, in their order. */\n"
                  "#define %s_ROWS(",
                  upper(*name).text);
    for (size_t i = 0; i < of->n_method; i++)
        (void)fprintf(m->header, "%son_%s", i != 0 ? ", " : "",
                      lower_name(of->method[i]->name, "_").text);
    (void)fprintf(m->header, ")");
    for (size_t i = 0; i < of->n_method; i++)
        (void)fprintf(m->header, "%s \\\n    {.type = &%s_%s_type, .fn = (on_%s)}",
                      i != 0 ? "," : "", prefix, lower_name(of->method[i]->name, "_").text,
                      lower_name(of->method[i]->name, "_").text);
    (void)fprintf(m->header, "\n");
}

static bool make_service(const making *m, const proto_file *file, const service *of)
{
    c_name text = full_name(file, of->name), prefix = lower_name(text.text, "_");
    (void)fprintf(m->header, "\n/* ---- %s */\n", text.text);
    for (size_t i = 0; i < of->n_method; i++) {
        const method *each = of->method[i];
        if (each->client_streaming || each->server_streaming) {
            (void)fprintf(stderr, "weft-services: %s/%s: streams of messages are not made\n",
                          text.text, each->name);
            return false;
        }
        make_method(m, text.text, prefix.text, each);
    }
    make_rows(m, &prefix, of);
    (void)fprintf(m->header,
                  "/** All its requests, for weft_node.types; ends in NULL. */\n"
                  "extern const weft_type *const %s_types[%zu];\n",
                  prefix.text, of->n_method + 1);
    (void)fprintf(m->source, "\nconst weft_type *const %s_types[%zu] = {", prefix.text,
                  of->n_method + 1);
    for (size_t i = 0; i < of->n_method; i++)
        (void)fprintf(m->source, "\n    &%s_%s_type,", prefix.text,
                      lower_name(of->method[i]->name, "_").text);
    (void)fprintf(m->source, "\n    NULL};\n");
    return true;
}

static bool make_file(const making *m, const proto_file *file)
{
    c_name guard = upper(struct_name(m->stem));
    for (char *at = guard.text; *at != '\0'; at++)
        if (!isalnum((unsigned char)*at))
            *at = '_';
    (void)fprintf(
        m->header,
        "/* Made by weft-services of %s. */\n#ifndef WEFT_SERVICES_%s_H\n"
        "#define WEFT_SERVICES_%s_H\n\n#include <weft/type.h>\n\n#include \"%s.pb-c.h\"\n\n"
        "#ifdef __cplusplus\nextern \"C\" {\n#endif\n",
        file->name, guard.text, guard.text, m->stem);
    (void)fprintf(m->source, "/* Made by weft-services of %s. */\n#include \"%s.weft.h\"\n",
                  file->name, m->stem);
    for (size_t i = 0; i < file->n_service; i++)
        if (!make_service(m, file, file->service[i]))
            return false;
    (void)fprintf(m->header, "\n#ifdef __cplusplus\n}\n#endif\n#endif\n");
    return true;
}

/* ---- files */

static uint8_t *read_all(const char *path, size_t *n)
{
    FILE *from = fopen(path, "rb");
    uint8_t *bytes = from != NULL ? malloc(SET_BYTES_MAX) : NULL;
    *n = bytes != NULL ? fread(bytes, 1, SET_BYTES_MAX, from) : 0;
    bool whole = bytes != NULL && feof(from) && !ferror(from);
    if (from != NULL)
        (void)fclose(from);
    if (whole)
        return bytes;
    free(bytes);
    return NULL;
}

static FILE *open_out(const char *stem, const char *end)
{
    char path[4096];
    if (snprintf(path, sizeof path, "%s%s", stem, end) >= (int)sizeof path) {
        errno = ENAMETOOLONG;
        return NULL;
    }
    return fopen(path, "w");
}

static bool close_out(FILE *out)
{
    bool whole = out != NULL && ferror(out) == 0;
    if (out != NULL && fclose(out) != 0)
        whole = false;
    return whole;
}

int main(int argc, char **argv)
{
    size_t n;
    if (argc != 3) {
        (void)fprintf(stderr, "usage: weft-services DESCRIPTOR_SET STEM\n");
        return 64;
    }
    uint8_t *bytes = read_all(argv[1], &n);
    file_set *set = bytes != NULL ? weft__services__file_set__unpack(NULL, n, bytes) : NULL;
    free(bytes);
    if (set == NULL || set->n_file != 1) {
        (void)fprintf(stderr, "weft-services: %s: expected a descriptor set of one file\n",
                      argv[1]);
        return 65;
    }
    const char *stem = strrchr(argv[2], '/');
    making m = {.header = open_out(argv[2], ".weft.h"),
                .source = open_out(argv[2], ".weft.c"),
                .stem = stem != NULL ? stem + 1 : argv[2]};
    bool made = m.header != NULL && m.source != NULL && make_file(&m, set->file[0]);
    made = close_out(m.header) && made;
    made = close_out(m.source) && made;
    weft__services__file_set__free_unpacked(set, NULL);
    if (!made)
        (void)fprintf(stderr, "weft-services: unable to make %s.weft.h and .c\n", argv[2]);
    return made ? 0 : 73;
}

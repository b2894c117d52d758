/* SPDX-License-Identifier: MIT */
/* Headers of messages: fields are the text they were read from, addresses are such as an envelope takes, an address that
 * was read is read as itself, and what is refused says where. */
#include <stdlib.h>
#include <string.h>

#include <weft/mail.h>

static void check_again(const char *address)
{
    const weft_mail_field field = {
        .name = "To", .name_n = 2, .body = address, .body_n = strlen(address), .line = 1};
    weft_mail_addresses list = weft_mail_addresses_of(&field, NULL);
    char again[WEFT_SMTP_ADDRESS_BYTES];
    weft_why why;
    if (weft_smtp_address_check(address, true, &why) != WEFT_OK ||
        weft_mail_address_next(&list, again, &why) != WEFT_OK || strcmp(again, address) != 0 ||
        weft_mail_address_next(&list, again, &why) != WEFT_EDONE)
        abort();
}

static void read_addresses(const weft_mail_field *field, const char *host)
{
    weft_mail_addresses list = weft_mail_addresses_of(field, host);
    const char *last = list.at, *end = field->body + field->body_n;
    char address[WEFT_SMTP_ADDRESS_BYTES];
    weft_why why = {""};
    weft_err err;
    while ((err = weft_mail_address_next(&list, address, &why)) == WEFT_OK) {
        if (list.at <= last || list.at > end)
            abort();
        last = list.at;
        check_again(address);
    }
    if (err == WEFT_EDONE ? list.at != end : strncmp(why.text, "line ", 5) != 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    weft_mail_header header = {.at = text, .end = text + size, .line = 1};
    weft_mail_field field;
    weft_why why = {""};
    weft_err err;
    const char *last = text;
    uint32_t line = 1;
    while ((err = weft_mail_field_next(&header, &field, &why)) == WEFT_OK) {
        if (field.whole != last || field.whole + field.whole_n != header.at || field.line != line ||
            header.line <= line || field.name_n == 0 ||
            field.body + field.body_n > field.whole + field.whole_n)
            abort();
        last = header.at;
        line = header.line;
        read_addresses(&field, NULL);
        read_addresses(&field, "mail.example");
    }
    if (err != WEFT_EDONE && strncmp(why.text, "line ", 5) != 0)
        abort();
    return 0;
}

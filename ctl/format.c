/* SPDX-License-Identifier: MIT */
#include "ctl/format.h"

#include <errno.h>

#include "store/show/utf8.h"

#define N_OF(array) (sizeof(array) / sizeof((array)[0]))

const struct format *format_find(const char *name)
{
    static const struct format *const formats[] = {&format_short, &format_long, &format_json,
                                                   &format_csv,   &format_raw,  &format_cat};
    for (size_t i = 0; i < N_OF(formats); i++)
        if (strcmp(formats[i]->name, name) == 0)
            return formats[i];
    return NULL;
}

int printer_init(struct printer *printer, const struct format *format,
                 int (*write)(void *arg, const char *data, size_t len), void *arg, bool utc,
                 bool color)
{
    *printer = (struct printer){
        .format = format, .color = color, .shown.utc = utc, .json = JSON_ROW_OPTIONS_DEFAULT};
    return out_init_to(&printer->out, write, arg);
}

void printer_header(struct printer *printer)
{
    if (printer->format->header != NULL)
        printer->format->header(printer);
}

void printer_deinit(struct printer *printer)
{
    out_deinit(&printer->out);
}

int printer_row(void *arg, const struct store_row *row)
{
    struct printer *printer = arg;
    printer->format->row(printer, row);
    if (printer->flush_rows)
        out_flush(&printer->out);
    return printer->out.error != 0;
}

int printer_flush(struct printer *printer)
{
    return out_flush(&printer->out);
}

static bool is_control(const char *character, size_t len)
{
    unsigned char first = (unsigned char)character[0];
    if (len == 1)
        return (first < ' ' && first != '\t') || first == 0x7f;
    return len == 2 && first == 0xc2 && (unsigned char)character[1] < 0xa0;
}

static void print_bytes_escaped(struct out *out, const char *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (bytes[i] == '\n' || bytes[i] == '\r') {
            out_string(out, bytes[i] == '\n' ? "\\n" : "\\r");
            continue;
        }
        out_string(out, "\\x");
        out_hex(out, (unsigned char)bytes[i], 2);
    }
}

void print_escaped(struct out *out, struct text text)
{
    size_t start = 0, at = 0;
    while (at < text.len) {
        bool valid;
        size_t len = utf8_next(text.data + at, text.len - at, &valid);
        if (!valid || is_control(text.data + at, len)) {
            out_bytes(out, text.data + start, at - start);
            print_bytes_escaped(out, text.data + at, len);
            start = at + len;
        }
        at += len;
    }
    if (at > start)
        out_bytes(out, text.data + start, at - start);
}

static void raw_row(struct printer *printer, const struct store_row *row)
{
    out_text(&printer->out, row->message);
    out_char(&printer->out, '\n');
}

static void cat_row(struct printer *printer, const struct store_row *row)
{
    print_escaped(&printer->out, row->message);
    out_char(&printer->out, '\n');
}

static void json_row(struct printer *printer, const struct store_row *row)
{
    print_json_row(&printer->out, &printer->json, row);
}

const struct format format_json = {.name = "json", .columns = STORE_ALL, .row = json_row};
const struct format format_raw = {.name = "raw", .columns = STORE_MESSAGE, .row = raw_row};
const struct format format_cat = {.name = "cat", .columns = STORE_MESSAGE, .row = cat_row};

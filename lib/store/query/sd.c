/* SPDX-License-Identifier: MIT */
#include "store/query/sd.h"

#include <errno.h>
#include <string.h>

static bool is_name_byte(char byte)
{
    return (unsigned char)byte > ' ' && byte != '=' && byte != ']' && byte != '"' && byte != 0x7f;
}

static struct text take_name(struct sd_walk *walk)
{
    struct text name = {.data = walk->at};
    while (walk->at < walk->end && is_name_byte(*walk->at))
        walk->at++;
    name.len = (uint32_t)(walk->at - name.data);
    return name;
}

static bool take(struct sd_walk *walk, char byte)
{
    if (walk->at == walk->end || *walk->at != byte)
        return false;
    walk->at++;
    return true;
}

/* From behind the opening quote to behind the closing one. */
static bool take_value(struct sd_walk *walk, struct text *ret_value)
{
    const char *start = walk->at;
    while (walk->at < walk->end && *walk->at != '"')
        walk->at += *walk->at == '\\' && walk->end - walk->at > 1 ? 2 : 1;
    *ret_value = (struct text){start, (uint32_t)(walk->at - start)};
    return take(walk, '"');
}

static int take_param(struct sd_walk *walk, struct sd_param *ret_param)
{
    struct sd_param param = {.id = walk->id};
    param.name = take_name(walk);
    if (param.name.len == 0 || !take(walk, '=') || !take(walk, '"') ||
        !take_value(walk, &param.value))
        return -EBADMSG;
    walk->had_param = true;
    *ret_param = param;
    return 1;
}

int sd_next(struct sd_walk *walk, struct sd_param *ret_param)
{
    while (walk->at < walk->end || walk->id.data != NULL) {
        if (walk->id.data == NULL) {
            if (!take(walk, '['))
                return -EBADMSG;
            walk->id = take_name(walk);
            walk->had_param = false;
            if (walk->id.len == 0)
                return -EBADMSG;
        } else if (take(walk, ']')) {
            struct text id = walk->id;
            walk->id = (struct text){0};
            if (!walk->had_param) {
                *ret_param = (struct sd_param){.id = id};
                return 1;
            }
        } else if (take(walk, ' ')) {
            while (take(walk, ' '))
                ;
            if (walk->at < walk->end && *walk->at != ']')
                return take_param(walk, ret_param);
        } else {
            return -EBADMSG;
        }
    }
    return 0;
}

size_t sd_unescape(struct text value, char *out)
{
    size_t n = 0;
    for (size_t i = 0; i < value.len; i++) {
        bool escape = value.data[i] == '\\' && i + 1 < value.len &&
                      strchr("\"\\]", value.data[i + 1]) != NULL && value.data[i + 1] != '\0';
        i += escape;
        out[n++] = value.data[i];
    }
    return n;
}

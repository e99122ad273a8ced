/* SPDX-License-Identifier: MIT */
#include "daemon/config_errors.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>

#include "daemon/log.h"

/* Counts the error. Is it to be written? */
static bool note(struct config_errors *errors, int error)
{
    if (errors->error == 0 || error == -ENOMEM)
        errors->error = error;
    return errors->n++ < CONFIG_ERRORS_MAX;
}

static void write_place(FILE *out, const struct config_place *place)
{
    if (place->line)
        fprintf(out, "%s:%u:%u: ", place->file, place->line, place->column);
    else
        fprintf(out, "%s: ", place->file);
}

void config_error(struct config_errors *errors, const struct config_place *place,
                  const char *format, ...)
{
    if (!note(errors, -EINVAL))
        return;
    va_list args;
    write_place(errors->out, place);
    va_start(args, format);
    vfprintf(errors->out, format, args);
    va_end(args);
    fputc('\n', errors->out);
}

void config_error_errno(struct config_errors *errors, const struct config_place *place, int error,
                        const char *doing)
{
    if (!note(errors, error))
        return;
    write_place(errors->out, place);
    fprintf(errors->out, "cannot %s: %s\n", doing, strerror(-error));
}

void config_error_memory(struct config_errors *errors)
{
    bool first = errors->error != -ENOMEM;
    errors->error = -ENOMEM;
    if (first)
        fprintf(errors->out, "out of memory while reading the configuration\n");
}

void config_errors_close(struct config_errors *errors)
{
    if (errors->n > CONFIG_ERRORS_MAX)
        fprintf(errors->out, "… and %u more errors\n", errors->n - CONFIG_ERRORS_MAX);
}

struct config_quoted config_quote(const char *text)
{
    struct config_quoted quoted = {.text = "\""};
    log_escape(quoted.text + 1, sizeof(quoted.text) - 2, text, strlen(text));
    strcat(quoted.text, "\"");
    return quoted;
}

/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_CONFIG_ERRORS_H
#define DAEMON_CONFIG_ERRORS_H

/* What is wrong with the configuration: one line each, all of them, in the order they are met. */

#include <stdio.h>

/* More are counted, not written: a file of another program makes thousands. */
#define CONFIG_ERRORS_MAX 100

struct config_place {
    const char *file;
    unsigned line, column; /* from 1, in characters; 0: the file as a whole */
};

struct config_errors {
    FILE *out;
    unsigned n; /* met, those beyond CONFIG_ERRORS_MAX included */
    int error;  /* -ENOMEM if memory ran out, else the first one's; 0: none */
};

/* Writes "FILE:LINE:COLUMN: text". */
void config_error(struct config_errors *errors, const struct config_place *place,
                  const char *format, ...) __attribute__((format(printf, 3, 4)));
/* The same for a failed system call; error is negative. */
void config_error_errno(struct config_errors *errors, const struct config_place *place, int error,
                        const char *doing);
/* Memory ran out: noted, once. */
void config_error_memory(struct config_errors *errors);
/* Says how many errors were not written. To be called once, at the end. */
void config_errors_close(struct config_errors *errors);

/* Text of the file as it is shown in an error: quoted, escaped, cut to a sane length. */
struct config_quoted {
    char text[72];
};
struct config_quoted config_quote(const char *text);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef STORE_CATALOG_H
#define STORE_CATALOG_H

/*
 * Which files a store has, in order of their first ids.
 *
 *   <path>/lock   <path>/holds   <path>/2026-11-24/0000000000000001.seg   <path>/2026-11-24/00000000000a3f01.log
 *
 * The id decides the order, not the day: a clock may be set back. A file called .new is one that is
 * being written to take the place of the .seg of that name; it does not count yet.
 */

#include <stdbool.h>
#include <stdint.h>
#include "store/report.h"

#define DAY_BYTES  11 /* 2026-11-24 and NUL */
#define NAME_BYTES (DAY_BYTES + 1 + 16 + 4)
#define HOLDS_NAME     "holds"
#define HOLDS_NEW_NAME "holds.new"

struct catalog_file {
    uint64_t first_id;
    char day[DAY_BYTES];
    bool sealed; /* .seg, not .log */
};

struct catalog {
    struct catalog_file *files;
    size_t n_files, capacity;
    char (*days)[DAY_BYTES];
    size_t n_days, days_capacity;
    struct catalog_file *unfinished; /* .new */
    size_t n_unfinished, unfinished_capacity;
    uint32_t n_foreign; /* what is no file of the store */
};

#define CATALOG_NULL ((struct catalog){0})
void catalog_deinit(struct catalog *catalog);
/* Lists them anew. What is no file of the store is reported and left alone. Returns 0, -ENOMEM, or
 * an errno of reading. */
int catalog_read(struct catalog *catalog, int root_fd, const struct reporter *reporter);

/*
 * Opens a file for reading, by whichever name it has now: it may have been sealed since it was
 * listed. Returns a descriptor or a negative errno; -ENOENT: it is gone.
 */
int catalog_open(int root_fd, const struct catalog_file *file, char ret_name[NAME_BYTES]);

/* "2026-11-24/0000000000000001.log" */
void catalog_name(char ret_name[NAME_BYTES], const char *day, uint64_t first_id, bool sealed);
/* "2026-11-24/0000000000000001.new" */
void catalog_new_name(char ret_name[NAME_BYTES], const char *day, uint64_t first_id);
/* The UTC day of a time of reception. */
void catalog_day(char ret_day[DAY_BYTES], int64_t received_us);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef TESTS_STORE_FIXTURE_H
#define TESTS_STORE_FIXTURE_H

/* Batches of made-up records, a store in a directory of its own, and the comparison of what comes
 * back. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>

#include "record/batch.h"
#include "store/reader.h"
#include "store/store.h"

/* 2026-11-24 11:00:00 UTC */
#define T0_US  INT64_C(1795518000000000)
#define DAY_US INT64_C(86400000000)

struct fixture {
    char path[64];
    uint64_t random;
    unsigned n_reports;
    char last_report[512];
    struct store_options options;
};

void fixture_init(struct fixture *fixture);
void fixture_deinit(struct fixture *fixture);
void fixture_report(void *arg, int priority, const char *message);
uint32_t fixture_random(struct fixture *fixture, uint32_t below);

/* The only file whose name ends so, or an assertion. ret_path has room for 256 bytes. */
void fixture_file(const struct fixture *fixture, const char *suffix, char *ret_path);
unsigned fixture_count(const struct fixture *fixture, const char *suffix);
uint8_t *fixture_read(const char *path, size_t *ret_len);
void fixture_write(const char *path, const uint8_t *bytes, size_t len);

struct batch *batch_make(uint32_t capacity, uint32_t max_records);
struct batch *batch_destroy(struct batch *batch);
struct span batch_put_text(struct batch *batch, const void *text, size_t len);
/* Plain rows "line <first + i>" of host h<i % 5>, one microsecond apart from received_us. */
struct batch *batch_of_lines(uint64_t first, uint32_t n, int64_t received_us);
/* Records with every kind of field and oddity. */
struct batch *batch_of_oddities(struct fixture *fixture, uint32_t n);

/* Encodes and appends; asserts that it works. */
void append_batch(struct store *store, struct store_encoder *encoder, struct batch *batch);
void append_lines(struct store *store, uint64_t first, uint32_t n, int64_t received_us);

/* Asserts that the row is the record. */
void assert_row(const struct store_row *row, const struct batch *batch, const struct record *record,
                const char *input);

/* What a reader finds: numbers of the lines of batch_of_lines(), in the order in which they come.
 */
struct lines {
    uint64_t *numbers;
    uint64_t *ids;
    size_t n;
    uint64_t quarantined;
    unsigned n_damaged_blocks;
};
void read_lines(struct fixture *fixture, bool backwards, struct lines *ret_lines);
void lines_deinit(struct lines *lines);
/* Exactly first, first + 1, … first + n - 1. */
void assert_lines(struct fixture *fixture, uint64_t first, size_t n);

#endif

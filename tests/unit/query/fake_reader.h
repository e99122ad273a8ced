/* SPDX-License-Identifier: MIT */
#ifndef TESTS_FAKE_READER_H
#define TESTS_FAKE_READER_H

/*
 * A store in memory behind store/reader.h and store/snapshot.h, linked instead of the real one. It is strict: rows may
 * only be read from a loaded block, columns that were not asked for are zero, and texts of a block
 * that is no longer loaded are overwritten.
 */

#include <stdatomic.h>
#include <stddef.h>
#include "store/reader.h"

#define FAKE_MAX_BLOCKS 512
#define FAKE_MAX_ROWS   64

struct fake_block {
    struct store_row rows[FAKE_MAX_ROWS];
    uint32_t n_rows;
    bool damaged;
};

/* One store for the process: tests set it up, the code under test opens it by any path. */
struct fake_store {
    struct fake_block blocks[FAKE_MAX_BLOCKS];
    size_t n_blocks;
    uint64_t next_id;
    int open_error; /* what store_reader_open returns, if not 0 */
    int event_fd;   /* what store_reader_fd returns; -1: none */
    /* What readers did. */
    atomic_uint n_loads, n_message_loads;
    _Atomic uint32_t columns; /* of all loads */
    unsigned n_next;          /* blocks that readers handed out */
    /* Called with n_next, before a reader hands out the next one; may append. */
    void (*on_next)(unsigned n_next);
};
extern struct fake_store fake;

/* An empty store, whose first id is 1. */
void fake_reset(void);
/* A new block; ids are given here. Texts are borrowed for the test's life. */
struct fake_block *fake_append(const struct store_row *rows, size_t n_rows);
/* A row with sensible values and this message; time and reception are `second` seconds after
 * 2026-11-24T11:00:00Z. */
struct store_row fake_row(const char *message, int second);
#define FAKE_T0_S 1795518000ll
struct text fake_text(const char *string);
struct peer fake_peer(const char *address, uint16_t port);

#endif

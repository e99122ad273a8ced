/* SPDX-License-Identifier: MIT */
#ifndef STORE_STORE_H
#define STORE_STORE_H

/*
 * The store, as its one writer sees it. docs/store-format.md is the format; reader.h is the other
 * side.
 *
 *   batches ─▶ encode (parallel, pure processor) ─▶ append (in order, one write) ─▶ <path>/2026-11-24/0000000000000001.log
 *                                                                                     full or old: sealed to ….seg
 *
 * `stored` means: store_append() returned 0, and the block lies in the page cache: a SIGKILL cannot
 * lose it. One process at a time may hold a store open for writing (a lock file); readers need no
 * lock. Library code never logs: what a person should know comes through options.report.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "record/batch.h"

enum store_sync {
    STORE_SYNC_NONE,     /* never fdatasync */
    STORE_SYNC_INTERVAL, /* every sync_interval_ns, by the store's own thread */
    STORE_SYNC_BATCH,    /* before store_append() returns */
};

struct store_options {
    const char *path;
    /* names by batch.input, kept with each row; borrowed for the life of the store */
    const char *const *inputs;
    size_t n_inputs;
    int compression;           /* zstd level, 1-19 */
    enum store_sync sync;
    int64_t sync_interval_ns;
    uint64_t segment_bytes;    /* seal a log when it is this long on disk */
    int64_t segment_age_ns;    /* or this old; a new (UTC) day always starts a new one */
    uint64_t retain_bytes;     /* delete the oldest sealed segments beyond this; 0: no limit */
    int64_t retain_age_ns;     /* or older than this (newest line); 0: no limit */
    uint64_t min_free_bytes;   /* or until the file system has this much room again; 0: no limit */
    /*
     * Sealed segments that a hold still needs are spared until what should be deleted by size or age
     * comes to more than this; min_free_bytes is stronger.
     */
    uint64_t hold_bytes;
    /*
     * Bytes of lines in a full block: runs of blocks smaller than a quarter of it are merged when
     * their file is sealed. 0: never.
     */
    uint64_t merge_bytes;
    /*
     * Sealed files whose newest line is older than this are compressed again at recompress_level
     * (1-19), once, by a thread of idle priority; what does not become smaller is kept. 0: never.
     */
    int64_t recompress_after_ns;
    int recompress_level;
    /*
     * priority: as in syslog(3). May be called from any thread that calls the store, and from its
     * own.
     */
    void (*report)(void *arg, int priority, const char *message);
    void *arg;
};

#define STORE_OPTIONS_DEFAULT                                                                      \
    ((struct store_options){.compression = 1,                                                      \
                            .sync = STORE_SYNC_INTERVAL,                                           \
                            .sync_interval_ns = 1000000000,                                        \
                            .segment_bytes = 128ull << 20,                                         \
                            .segment_age_ns = 86400ll * 1000000000,                                \
                            .merge_bytes = 1ull << 20,                                             \
                            .recompress_level = 9})

struct store;
struct store_encoder;

struct store_stats {
    uint64_t records, bytes_raw, bytes_disk;
    uint64_t segments;             /* files, the open log included */
    uint64_t quarantined;          /* blocks and files set aside as damaged */
    int64_t oldest_ns, newest_ns;  /* times of reception; 0 when empty */
    uint64_t append_errors;        /* appends that failed since start */
    uint64_t deleted_segments, deleted_records; /* by retention, since start */
    uint64_t rewritten_segments;   /* merged or compressed again, since start */
    uint64_t rewrite_errors;       /* and what came in between */
    /* negative errno of the last append that failed, 0 since one succeeded */
    int last_error;
};

/*
 * Opens or makes the store at options->path (directories with mode 0750). Cuts a torn tail of the
 * newest log to its last whole block; does not read sealed segments beyond what they keep about
 * themselves. Starts a thread for sync, sealing by age and retention, and one for merging and
 * compressing again. Returns 0, -EBUSY (another process holds it), -EACCES, -EROFS, -ENOSPC, …
 */
int store_open(const struct store_options *options, struct store **ret_store);
/*
 * Syncs and closes; the newest log stays a log, and is continued at the next open. A file that is
 * just being merged or compressed again stays as it was. Returns NULL.
 */
struct store *store_close(struct store *store);

/* Scratch memory and compression contexts of one worker thread. Returns 0, -ENOMEM. */
int store_encoder_new(struct store *store, struct store_encoder **ret_encoder);
struct store_encoder *store_encoder_free(struct store_encoder *encoder);
/*
 * Bytes an encoder may hold at most, for runs of n_bytes raw bytes and n_records records, at the
 * compression levels up to 3 (higher ones keep larger tables: some 20 MiB at level 19).
 */
size_t store_encoder_bytes(size_t n_bytes, size_t n_records);
/*
 * Bytes that the store's own threads may hold at most beside that, while they merge or compress
 * again blocks of up to n_bytes raw bytes and n_records records: none while there is nothing to do.
 */
size_t store_keeper_bytes(const struct store_options *options, size_t n_bytes, size_t n_records);

/*
 * Makes one block from all records of some batches, in their order. Pure processor time, no locks;
 * in parallel with others. At most STORE_MAX_ROWS records in all, and half a GiB of any one kind of
 * text. An encoder holds one block at a time: to begin one drops what it held. A batch is best added
 * as soon as it is there, while it is warm; it must stay as it is until the end, and is not needed
 * afterwards. An error of beginning or adding is kept, so that it is enough to look at what the end
 * says. All return 0, -ENOMEM, -E2BIG (the encoder then holds nothing).
 */
#define STORE_MAX_ROWS 65535
int store_encode_begin(struct store_encoder *encoder);
int store_encode_add(struct store_encoder *encoder, const struct batch *batch);
int store_encode_end(struct store_encoder *encoder);
/* All of that. */
int store_encode(struct store_encoder *encoder, struct batch *const *batches, size_t n_batches);
/*
 * Writes the encoder's block behind everything appended before. Serialised inside: callers order
 * their calls. Returns 0: stored, and the encoder holds nothing any more (appending nothing is 0,
 * too); or a negative errno: nothing of it was, the file is as before, the encoder still holds the
 * block, and this or the next append tries again.
 */
int store_append(struct store *store, struct store_encoder *encoder);

/*
 * Seals the open log now (a new one starts with the next append), and waits until that, and a round
 * of retention, is done. Any thread. Returns 0, or the negative errno that sealing met with; it is
 * tried again every few seconds.
 */
int store_seal(struct store *store);
/*
 * Makes everything appended durable. Blocks, and appends meanwhile wait. Any thread. Returns 0 or a
 * negative errno.
 */
int store_sync(struct store *store);
/* Any thread; never waits for the disk. */
void store_get_stats(struct store *store, struct store_stats *ret_stats);

/*
 * Holds: named cursors of those that read behind the store, such as outputs. Retention spares what a
 * cursor has not passed, up to options.hold_bytes; then it deletes, counts the rows as lost for
 * each hold that had not passed them, and moves its cursor on. Holds live in the store, across
 * restarts: in memory at once, on disk within sync_interval_ns, at close, and before anything
 * is counted as lost. Any thread; none waits for the disk.
 */
#define STORE_HOLD_NAME_MAX 63

/*
 * Makes a hold, or moves it (back, too): first_id is the first id that is still needed. Returns 0,
 * -EINVAL (an empty name, or one that is too long), -ENOSPC (there are 64 others).
 */
int store_hold(struct store *store, const char *name, uint64_t first_id);
/* Where it stands, and how many rows it has lost since it was made. Returns 0, -ENOENT. */
int store_hold_get(struct store *store, const char *name, uint64_t *ret_first_id,
                   uint64_t *ret_lost);
/* Forgets it. Returns 0, -ENOENT. */
int store_release(struct store *store, const char *name);

#endif

/* SPDX-License-Identifier: MIT */
#include "store/files.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

/*
 * Holds are written as a whole, beside the file that there is, and renamed over it. A cursor moves
 * often, so moving it only marks them dirty, and the keeper writes them within the interval of sync:
 * a crash takes a cursor back by that much, and its owner sees some rows twice. But before a file is
 * deleted that somebody needs, what is lost by that is written: a crash in between leaves the rows
 * counted as lost, and passed by the cursor.
 */
#define HOLDS_MAGIC       "LBHOLDS\n"
#define HOLDS_HEAD_BYTES  24
#define HOLDS_ENTRY_BYTES (HOLD_NAME_BYTES + 16)
#define HOLDS_MAX_BYTES   (HOLDS_HEAD_BYTES + MAX_HOLDS * HOLDS_ENTRY_BYTES)

static size_t put_holds(const struct holds *holds, uint8_t bytes[HOLDS_MAX_BYTES])
{
    uint8_t *at = bytes + HOLDS_HEAD_BYTES;
    for (unsigned i = 0; i < holds->n; i++, at += HOLDS_ENTRY_BYTES) {
        memcpy(at, holds->holds[i].name, HOLD_NAME_BYTES);
        put_u64(at + HOLD_NAME_BYTES, holds->holds[i].first_id);
        put_u64(at + HOLD_NAME_BYTES + 8, holds->holds[i].n_lost);
    }
    memcpy(bytes, HOLDS_MAGIC, MAGIC_BYTES);
    put_u16(bytes + 16, FORMAT_VERSION);
    put_u16(bytes + 18, (uint16_t)holds->n);
    put_u32(bytes + 20, 0);
    put_u64(bytes + 8, XXH3_64bits(bytes + 16, (size_t)(at - bytes) - 16));
    return (size_t)(at - bytes);
}

static bool is_name(const char *name)
{
    size_t len = strnlen(name, HOLD_NAME_BYTES);
    return len > 0 && len < HOLD_NAME_BYTES;
}

static int parse_holds(const uint8_t *bytes, size_t len, struct holds *holds)
{
    if (len < HOLDS_HEAD_BYTES || memcmp(bytes, HOLDS_MAGIC, MAGIC_BYTES) != 0 ||
        get_u64(bytes + 8) != XXH3_64bits(bytes + 16, len - 16) ||
        get_u16(bytes + 16) != FORMAT_VERSION || get_u16(bytes + 18) > MAX_HOLDS ||
        len != HOLDS_HEAD_BYTES + get_u16(bytes + 18) * (size_t)HOLDS_ENTRY_BYTES)
        return -EBADMSG;
    const uint8_t *at = bytes + HOLDS_HEAD_BYTES;
    for (unsigned i = 0; i < get_u16(bytes + 18); i++, at += HOLDS_ENTRY_BYTES) {
        struct hold *hold = &holds->holds[i];
        memcpy(hold->name, at, HOLD_NAME_BYTES);
        hold->first_id = get_u64(at + HOLD_NAME_BYTES);
        hold->n_lost = get_u64(at + HOLD_NAME_BYTES + 8);
        if (!is_name(hold->name))
            return -EBADMSG;
    }
    holds->n = get_u16(bytes + 18);
    return 0;
}

int holds_read(struct store *store)
{
    uint8_t bytes[HOLDS_MAX_BYTES];
    struct stat status;
    int fd = openat(store->root_fd, HOLDS_NAME, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return errno == ENOENT ? 0 : -errno;
    int r = fstat(fd, &status) < 0 ? -errno : 0;
    if (r == 0 && (uint64_t)status.st_size > sizeof(bytes))
        r = -EBADMSG;
    if (r == 0)
        r = read_fully(fd, bytes, (size_t)status.st_size, 0);
    if (r == 0)
        r = parse_holds(bytes, (size_t)status.st_size, &store->holds);
    close(fd);
    if (r != -EBADMSG)
        return r;
    store->stats.quarantined++;
    report(&store->reporter, LOG_ERR, "store: %s/" HOLDS_NAME " is damaged: nothing is held",
           store->path);
    return 0;
}

static int write_file(const struct store *store, const uint8_t *bytes, size_t len)
{
    bool syncs = store->options.sync != STORE_SYNC_NONE;
    int fd = openat(store->root_fd, HOLDS_NEW_NAME,
                    O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0640);
    if (fd < 0)
        return -errno;
    int r = write_fully(fd, bytes, len, 0);
    if (r == 0 && syncs && fdatasync(fd) < 0)
        r = -errno;
    close(fd);
    if (r == 0 && renameat(store->root_fd, HOLDS_NEW_NAME, store->root_fd, HOLDS_NAME) < 0)
        r = -errno;
    return r < 0 || !syncs ? r : fsync_dir(store->root_fd, ".");
}

int holds_write(struct store *store)
{
    uint8_t bytes[HOLDS_MAX_BYTES];
    pthread_mutex_lock(&store->lock);
    int64_t dirty_since_ns = store->holds.dirty_since_ns;
    size_t len = put_holds(&store->holds, bytes);
    store->holds.dirty_since_ns = 0;
    pthread_mutex_unlock(&store->lock);
    int r = dirty_since_ns > 0 ? write_file(store, bytes, len) : 0;
    if (r < 0) {
        report(&store->reporter, LOG_ERR, "store: %s/" HOLDS_NAME ": cannot be written: %s",
               store->path, strerror(-r));
        pthread_mutex_lock(&store->lock);
        store->holds.dirty_since_ns = dirty_since_ns;
        pthread_mutex_unlock(&store->lock);
    }
    return r;
}

static void mark_dirty_locked(struct store *store)
{
    if (store->holds.dirty_since_ns > 0)
        return;
    store->holds.dirty_since_ns = monotonic_ns();
    pthread_cond_signal(&store->wake);
}

static struct hold *find_locked(struct store *store, const char *name)
{
    for (unsigned i = 0; i < store->holds.n; i++)
        if (strcmp(store->holds.holds[i].name, name) == 0)
            return &store->holds.holds[i];
    return NULL;
}

static int hold_locked(struct store *store, const char *name, uint64_t first_id)
{
    struct hold *hold = find_locked(store, name);
    if (!hold) {
        if (store->holds.n == MAX_HOLDS)
            return -ENOSPC;
        hold = &store->holds.holds[store->holds.n++];
        *hold = (struct hold){0};
        memcpy(hold->name, name, strlen(name));
    } else if (hold->first_id == first_id) {
        return 0;
    }
    hold->first_id = first_id;
    mark_dirty_locked(store);
    return 0;
}

int store_hold(struct store *store, const char *name, uint64_t first_id)
{
    if (!is_name(name))
        return -EINVAL;
    pthread_mutex_lock(&store->lock);
    int r = hold_locked(store, name, first_id);
    pthread_mutex_unlock(&store->lock);
    return r;
}

int store_hold_get(struct store *store, const char *name, uint64_t *ret_first_id,
                   uint64_t *ret_lost)
{
    pthread_mutex_lock(&store->lock);
    const struct hold *hold = find_locked(store, name);
    if (hold) {
        *ret_first_id = hold->first_id;
        *ret_lost = hold->n_lost;
    }
    pthread_mutex_unlock(&store->lock);
    return hold ? 0 : -ENOENT;
}

int store_release(struct store *store, const char *name)
{
    pthread_mutex_lock(&store->lock);
    struct hold *hold = find_locked(store, name);
    if (hold) {
        *hold = store->holds.holds[--store->holds.n];
        mark_dirty_locked(store);
    }
    pthread_mutex_unlock(&store->lock);
    return hold ? 0 : -ENOENT;
}

bool holds_need_locked(const struct store *store, uint64_t next_id)
{
    for (unsigned i = 0; i < store->holds.n; i++)
        if (store->holds.holds[i].first_id < next_id)
            return true;
    return false;
}

/* Within a file ids are counted, as if it had no gaps; it never counts more than the file has. */
void holds_lose_locked(struct store *store, const struct store_file *file, uint64_t next_id)
{
    for (unsigned i = 0; i < store->holds.n; i++) {
        struct hold *hold = &store->holds.holds[i];
        if (hold->first_id >= next_id)
            continue;
        uint64_t n_behind = next_id - hold->first_id;
        hold->n_lost += n_behind < file->records ? n_behind : file->records;
        hold->first_id = next_id;
        mark_dirty_locked(store);
    }
}

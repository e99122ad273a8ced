/* SPDX-License-Identifier: MIT */
#include "geo/database.h"

#include <errno.h>
#include <maxminddb.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "geo/entry.h"

struct geo_database {
    atomic_uint n_refs;
    struct stat stat; /* of the file, taken before it was opened */
    MMDB_s mmdb;
    struct geo_tree tree;
};

static int error_of(int mmdb_error, int saved_errno)
{
    switch (mmdb_error) {
    case MMDB_SUCCESS:
        return 0;
    case MMDB_OUT_OF_MEMORY_ERROR:
        return -ENOMEM;
    case MMDB_FILE_OPEN_ERROR:
    case MMDB_IO_ERROR:
        return saved_errno > 0 ? -saved_errno : -EIO;
    default:
        return -EBADMSG;
    }
}

/* Refuses what cannot be a database before libmaxminddb waits for it (a FIFO). */
static int check_file(const char *path, struct stat *ret_stat)
{
    if (stat(path, ret_stat) < 0)
        return -errno;
    if (!S_ISREG(ret_stat->st_mode))
        return -EINVAL;
    return ret_stat->st_size > 0 ? 0 : -EBADMSG;
}

static int open_tree(struct geo_database *database)
{
    const MMDB_s *mmdb = &database->mmdb;
    struct geo_tree_shape shape = {
        .n_nodes = mmdb->metadata.node_count,
        .record_bits = mmdb->metadata.record_size,
        .ip_version = mmdb->metadata.ip_version,
        .section_bytes = mmdb->data_section_size,
    };
    return geo_tree_init(&database->tree, mmdb->file_content, (size_t)mmdb->file_size, &shape);
}

/* Maps the file; mmdb is closed when it fails. */
static int open_mapped(struct geo_database *database, const char *path)
{
    errno = 0;
    int mmdb_error = MMDB_open(path, MMDB_MODE_MMAP, &database->mmdb);
    int r = error_of(mmdb_error, errno);
    if (r < 0)
        return r;
    r = open_tree(database);
    if (r < 0)
        MMDB_close(&database->mmdb);
    return r;
}

int geo_database_open(const char *path, struct geo_database **ret_database)
{
    struct geo_database *database = calloc(1, sizeof(*database));
    if (!database)
        return -ENOMEM;
    int r = check_file(path, &database->stat);
    if (r == 0)
        r = open_mapped(database, path);
    if (r < 0) {
        free(database);
        return r;
    }
    atomic_init(&database->n_refs, 1);
    *ret_database = database;
    return 0;
}

struct geo_database *geo_database_ref(struct geo_database *database)
{
    atomic_fetch_add_explicit(&database->n_refs, 1, memory_order_relaxed);
    return database;
}

struct geo_database *geo_database_unref(struct geo_database *database)
{
    if (database && atomic_fetch_sub_explicit(&database->n_refs, 1, memory_order_acq_rel) == 1) {
        geo_tree_deinit(&database->tree);
        MMDB_close(&database->mmdb);
        free(database);
    }
    return NULL;
}

bool geo_database_is_current(const struct geo_database *database, const char *path)
{
    const struct stat *mine = &database->stat;
    struct stat now;
    return stat(path, &now) == 0 && now.st_dev == mine->st_dev && now.st_ino == mine->st_ino &&
           now.st_size == mine->st_size && now.st_mtim.tv_sec == mine->st_mtim.tv_sec &&
           now.st_mtim.tv_nsec == mine->st_mtim.tv_nsec;
}

const char *geo_database_type(const struct geo_database *database)
{
    return database->mmdb.metadata.database_type ? database->mmdb.metadata.database_type : "";
}

time_t geo_database_build_time(const struct geo_database *database)
{
    return (time_t)database->mmdb.metadata.build_epoch;
}

bool geo_database_has_family(const struct geo_database *database, bool is_ipv4)
{
    return is_ipv4 || database->tree.is_ipv6;
}

void geo_database_find(const struct geo_database *database, struct geo_walk *walks, size_t n)
{
    geo_tree_walk(&database->tree, walks, n);
}

void geo_database_prefetch(const struct geo_database *database, uint32_t offset)
{
    __builtin_prefetch(database->mmdb.data_section + offset);
    __builtin_prefetch(database->mmdb.data_section + offset + 63);
}

void geo_database_decode(const struct geo_database *database, uint32_t offset,
                         struct geo_keys *keys, struct place *ret_place)
{
    const MMDB_s *mmdb = &database->mmdb;
    geo_entry_decode(mmdb->data_section, mmdb->data_section_size, offset, keys, ret_place);
}

/* SPDX-License-Identifier: MIT */
#include "geo/database.h"

#include <errno.h>
#include <maxminddb.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "geo/entry.h"

struct geo_database {
    atomic_uint n_refs;
    struct stat stat; /* of the file, taken before it was opened */
    MMDB_s mmdb;
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

int geo_database_open(const char *path, struct geo_database **ret_database)
{
    struct geo_database *database = calloc(1, sizeof(*database));
    if (!database)
        return -ENOMEM;
    int r = check_file(path, &database->stat);
    if (r == 0) {
        errno = 0;
        int mmdb_error = MMDB_open(path, MMDB_MODE_MMAP, &database->mmdb);
        r = error_of(mmdb_error, errno);
    }
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
    return is_ipv4 || database->mmdb.metadata.ip_version == 6;
}

static MMDB_lookup_result_s look_up4(const MMDB_s *mmdb, const uint8_t address[16], int *ret_error)
{
    struct sockaddr_in sockaddr = {.sin_family = AF_INET};
    memcpy(&sockaddr.sin_addr, address + 12, 4);
    return MMDB_lookup_sockaddr(mmdb, (const struct sockaddr *)&sockaddr, ret_error);
}

static MMDB_lookup_result_s look_up6(const MMDB_s *mmdb, const uint8_t address[16], int *ret_error)
{
    struct sockaddr_in6 sockaddr = {.sin6_family = AF_INET6};
    memcpy(&sockaddr.sin6_addr, address, 16);
    return MMDB_lookup_sockaddr(mmdb, (const struct sockaddr *)&sockaddr, ret_error);
}

bool geo_database_find(const struct geo_database *database, const uint8_t address[16], bool is_ipv4,
                       uint32_t *ret_offset)
{
    const MMDB_s *mmdb = &database->mmdb;
    int error = MMDB_SUCCESS;
    MMDB_lookup_result_s result =
        is_ipv4 ? look_up4(mmdb, address, &error) : look_up6(mmdb, address, &error);
    if (error != MMDB_SUCCESS || !result.found_entry)
        return false;
    *ret_offset = result.entry.offset;
    return true;
}

void geo_database_decode(const struct geo_database *database, uint32_t offset,
                         struct place *ret_place)
{
    const MMDB_s *mmdb = &database->mmdb;
    geo_entry_decode(mmdb->data_section, mmdb->data_section_size, offset, ret_place);
}

/* SPDX-License-Identifier: MIT */
#include "store/sum.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/index.h"

static void add_info(struct store_info *info, const struct totals *totals, uint64_t file_bytes)
{
    info->segments++;
    info->bytes_disk += file_bytes;
    info->quarantined += totals->n_quarantined;
    if (totals->n_blocks == 0)
        return;
    int64_t oldest = totals->min_received_us * 1000, newest = totals->max_received_us * 1000;
    info->oldest_ns = info->records == 0 || oldest < info->oldest_ns ? oldest : info->oldest_ns;
    info->newest_ns = info->records == 0 || newest > info->newest_ns ? newest : info->newest_ns;
    info->records += totals->records;
    info->bytes_raw += totals->raw_bytes;
}

static int file_info(int root_fd, const struct catalog_file *file, struct store_info *info)
{
    const struct reporter silent = {0};
    struct file_index index = FILE_INDEX_NULL;
    struct trailer trailer;
    struct stat status;
    char name[NAME_BYTES];
    int fd = catalog_open(root_fd, file, name);
    if (fd < 0) {
        info->quarantined += fd != -ENOENT; /* deleted meanwhile: it counts for nothing */
        return 0;
    }
    int r = fstat(fd, &status) < 0 ? -errno : 0;
    if (r == 0 && trailer_read(fd, (uint64_t)status.st_size, &trailer) == 0) {
        add_info(info, &trailer.totals, (uint64_t)status.st_size);
    } else if (r == 0) {
        r = file_index_read(&index, fd, name, &silent);
        if (r == 0)
            add_info(info, &index.totals, (uint64_t)status.st_size);
        else if (r != -ENOMEM)
            info->quarantined++;
    }
    file_index_deinit(&index);
    close(fd);
    return r == -ENOMEM ? r : 0;
}

int catalog_sum(const struct catalog *catalog, int root_fd, struct store_info *ret_info)
{
    struct store_info info = {.quarantined = catalog->n_foreign};
    for (size_t i = 0; i < catalog->n_files; i++) {
        int r = file_info(root_fd, &catalog->files[i], &info);
        if (r < 0)
            return r;
    }
    *ret_info = info;
    return 0;
}

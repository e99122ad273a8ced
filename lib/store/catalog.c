/* SPDX-License-Identifier: MIT */
#include "store/catalog.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

void catalog_deinit(struct catalog *catalog)
{
    free(catalog->files);
    free(catalog->days);
    free(catalog->unfinished);
    *catalog = CATALOG_NULL;
}

void catalog_name(char ret_name[NAME_BYTES], const char *day, uint64_t first_id, bool sealed)
{
    snprintf(ret_name, NAME_BYTES, "%.10s/%016" PRIx64 ".%s", day, first_id,
             sealed ? "seg" : "log");
}

void catalog_new_name(char ret_name[NAME_BYTES], const char *day, uint64_t first_id)
{
    snprintf(ret_name, NAME_BYTES, "%.10s/%016" PRIx64 ".new", day, first_id);
}

/* A time before the year 0 or after 9999 has no such name; it is put under the nearest that has
 * one. */
void catalog_day(char ret_day[DAY_BYTES], int64_t received_us)
{
    static const int64_t first_s = -62135596800, last_s = 253402300799;
    time_t seconds = (time_t)(received_us / 1000000 - (received_us % 1000000 < 0));
    struct tm parts;
    seconds = seconds < first_s ? first_s : seconds > last_s ? last_s : seconds;
    gmtime_r(&seconds, &parts);
    strftime(ret_day, DAY_BYTES, "%Y-%m-%d", &parts);
    if (parts.tm_year < -900) /* %Y does not pad */
        memcpy(ret_day, "1000-01-01", DAY_BYTES);
}

/* Far beyond what is ever counted to, so that ids can be skipped without running over. */
#define MAX_ID (UINT64_MAX >> 1)

static bool is_day(const char *name)
{
    static const char shape[] = "dddd-dd-dd";
    for (size_t i = 0; i < sizeof(shape); i++)
        if (shape[i] == 'd' ? name[i] < '0' || name[i] > '9' : name[i] != shape[i])
            return false;
    return true;
}

enum kind { KIND_FOREIGN, KIND_FILE, KIND_UNFINISHED };

/* "0000000000000001.log", ".seg" or ".new" */
static enum kind parse_name(const char *name, struct catalog_file *ret_file)
{
    static const char digits[] = "0123456789abcdef";
    uint64_t id = 0;
    if (strlen(name) != 20)
        return KIND_FOREIGN;
    for (unsigned i = 0; i < 16; i++) {
        const char *digit = strchr(digits, name[i]);
        if (!digit)
            return KIND_FOREIGN;
        id = id << 4 | (uint64_t)(digit - digits);
    }
    if (id > MAX_ID)
        return KIND_FOREIGN;
    ret_file->first_id = id;
    ret_file->sealed = strcmp(name + 16, ".seg") == 0;
    if (strcmp(name + 16, ".new") == 0)
        return KIND_UNFINISHED;
    return ret_file->sealed || strcmp(name + 16, ".log") == 0 ? KIND_FILE : KIND_FOREIGN;
}

static int append_file(struct catalog_file **files, size_t *n, size_t *capacity,
                       const struct catalog_file *file)
{
    if (*n == *capacity) {
        size_t larger = *capacity ? *capacity * 2 : 64;
        void *more = realloc(*files, larger * sizeof(**files));
        if (!more)
            return -ENOMEM;
        *files = more;
        *capacity = larger;
    }
    (*files)[(*n)++] = *file;
    return 0;
}

static int add_file(struct catalog *catalog, const struct catalog_file *file)
{
    return append_file(&catalog->files, &catalog->n_files, &catalog->capacity, file);
}

static int add_unfinished(struct catalog *catalog, const struct catalog_file *file)
{
    return append_file(&catalog->unfinished, &catalog->n_unfinished, &catalog->unfinished_capacity,
                       file);
}

static int add_day(struct catalog *catalog, const char *name)
{
    if (catalog->n_days == catalog->days_capacity) {
        size_t capacity = catalog->days_capacity ? catalog->days_capacity * 2 : 16;
        void *days = realloc(catalog->days, capacity * sizeof(*catalog->days));
        if (!days)
            return -ENOMEM;
        catalog->days = days;
        catalog->days_capacity = capacity;
    }
    memcpy(catalog->days[catalog->n_days++], name, DAY_BYTES);
    return 0;
}

static DIR *open_dir(int root_fd, const char *name)
{
    int fd = openat(root_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    if (!dir && fd >= 0)
        close(fd);
    return dir;
}

static void foreign(struct catalog *catalog, const char *folder, const char *name,
                    const struct reporter *reporter)
{
    catalog->n_foreign++;
    report(reporter, LOG_WARNING, "store: %s%s is not a file of the store, and is left alone",
           folder, name);
}

static int read_day(struct catalog *catalog, int root_fd, const char *day,
                    const struct reporter *reporter)
{
    struct catalog_file file = {0};
    char folder[DAY_BYTES + 1];
    int r = 0;
    DIR *dir = open_dir(root_fd, day);
    if (!dir) /* deleted meanwhile, or not ours to read */
        return errno == ENOENT || errno == ENOTDIR ? 0 : -errno;
    memcpy(file.day, day, DAY_BYTES);
    snprintf(folder, sizeof(folder), "%.10s/", day);
    for (struct dirent *entry; r == 0 && (entry = readdir(dir));) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        enum kind kind = parse_name(entry->d_name, &file);
        if (kind == KIND_FILE)
            r = add_file(catalog, &file);
        else if (kind == KIND_UNFINISHED)
            r = add_unfinished(catalog, &file);
        else
            foreign(catalog, folder, entry->d_name, reporter);
    }
    closedir(dir);
    return r;
}

/*
 * What may lie beside the days: the lock, the holds, a file system's own folder where the store is its root,
 * and sockets, as a daemon's status has its place here where there is no better one.
 */
static bool is_neighbour(const struct dirent *entry)
{
    static const char *const names[] = {".",        "..",           "lock",
                                        HOLDS_NAME, HOLDS_NEW_NAME, "lost+found"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (strcmp(entry->d_name, names[i]) == 0)
            return true;
    return entry->d_type == DT_SOCK;
}

static int read_root(struct catalog *catalog, int root_fd, const struct reporter *reporter)
{
    int r = 0;
    DIR *dir = open_dir(root_fd, ".");
    if (!dir)
        return -errno;
    for (struct dirent *entry; r == 0 && (entry = readdir(dir));) {
        const char *name = entry->d_name;
        if (is_day(name))
            r = add_day(catalog, name);
        else if (!is_neighbour(entry))
            foreign(catalog, "", name, reporter);
    }
    closedir(dir);
    return r;
}

/* By id; of one id's names the sealed one comes first. */
static int by_id(const void *a, const void *b)
{
    const struct catalog_file *left = a, *right = b;
    if (left->first_id != right->first_id)
        return left->first_id < right->first_id ? -1 : 1;
    return (int)right->sealed - (int)left->sealed;
}

/* A rename between two looks at a directory can show a file under both its names. */
static void drop_twins(struct catalog *catalog)
{
    size_t n = 0;
    for (size_t i = 0; i < catalog->n_files; i++)
        if (n == 0 || catalog->files[n - 1].first_id != catalog->files[i].first_id)
            catalog->files[n++] = catalog->files[i];
    catalog->n_files = n;
}

int catalog_read(struct catalog *catalog, int root_fd, const struct reporter *reporter)
{
    catalog->n_files = catalog->n_days = catalog->n_unfinished = 0;
    catalog->n_foreign = 0;
    int r = read_root(catalog, root_fd, reporter);
    for (size_t i = 0; r == 0 && i < catalog->n_days; i++)
        r = read_day(catalog, root_fd, catalog->days[i], reporter);
    if (r < 0)
        return r;
    if (catalog->n_files > 1)
        qsort(catalog->files, catalog->n_files, sizeof(*catalog->files), by_id);
    drop_twins(catalog);
    return 0;
}

int catalog_open(int root_fd, const struct catalog_file *file, char ret_name[NAME_BYTES])
{
    for (unsigned attempt = 0; attempt < 2; attempt++) {
        catalog_name(ret_name, file->day, file->first_id, attempt == 0 ? file->sealed : true);
        int fd = openat(root_fd, ret_name, O_RDONLY | O_CLOEXEC);
        if (fd >= 0 || errno != ENOENT)
            return fd < 0 ? -errno : fd;
    }
    return -ENOENT;
}

/* SPDX-License-Identifier: MIT */
/* fuzz-NAME FOLDER…: runs a fuzzer on every file of the folders. An empty corpus is an error. */
#include "fuzz/fuzz.h"

#include <dirent.h>
#include <limits.h>
#include <sys/stat.h>

/* In memory of exactly the file's size, so that a byte read behind it is seen. */
static void replay(const char *path)
{
    FILE *in = fopen(path, "rb");
    struct stat st;
    CHECK(in && fstat(fileno(in), &st) == 0);
    size_t size = (size_t)st.st_size;
    uint8_t *data = malloc(size ? size : 1);
    CHECK(data && fread(data, 1, size, in) == size);
    fclose(in);
    LLVMFuzzerTestOneInput(data, size);
    free(data);
}

static unsigned replay_folder(const char *folder)
{
    DIR *dir = opendir(folder);
    unsigned n = 0;
    CHECK(dir);
    for (struct dirent *entry; (entry = readdir(dir));) {
        char path[PATH_MAX];
        if (entry->d_name[0] == '.')
            continue;
        snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
        fprintf(stderr, "%s\n", path);
        replay(path);
        n++;
    }
    closedir(dir);
    return n;
}

int main(int argc, char **argv)
{
    unsigned n = 0;
    for (int i = 1; i < argc; i++)
        n += replay_folder(argv[i]);
    printf("%u files\n", n);
    return n > 0 ? 0 : 1;
}

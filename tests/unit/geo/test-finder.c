/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
#include "finder-model.h"

/* Two pages between two that nobody may read: what is read beyond a text ends the test. */
struct pages {
    char *before, *text;
    size_t bytes;
};

static int map_pages(void **state)
{
    static struct pages pages;
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    pages.bytes = 2 * page;
    pages.before = mmap(NULL, 4 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pages.before == MAP_FAILED)
        return -1;
    pages.text = pages.before + page;
    *state = &pages;
    return mprotect(pages.text, pages.bytes, PROT_READ | PROT_WRITE);
}

static int unmap_pages(void **state)
{
    struct pages *pages = *state;
    return munmap(pages->before, 2 * pages->bytes);
}

static bool check_at(char *at, const char *text, size_t len)
{
    uint32_t off = 0, found_len = 0, model_off = 0, model_len = 0;
    uint8_t address[16] = {0}, model_address[16] = {0};
    memcpy(at, text, len);
    bool is_found = geo_find_address(at, len, &off, &found_len, address);
    bool model_found = model_find_address(at, len, &model_off, &model_len, model_address);
    if (is_found != model_found || off != model_off || found_len != model_len ||
        memcmp(address, model_address, 16) != 0)
        fail_msg("\"%.*s\": %d at %u, %u bytes, not %d at %u, %u bytes", (int)len, text, is_found, off,
                 found_len, model_found, model_off, model_len);
    return is_found;
}

/* The text in memory of exactly its length, once with its start and once with its end at an edge. */
static bool check_text(const struct pages *pages, const char *text, size_t len)
{
    check_at(pages->text, text, len);
    check_at(pages->text + pages->bytes - len, text, len);
    char *copy = malloc(len ? len : 1);
    assert_non_null(copy);
    bool is_found = check_at(copy, text, len);
    free(copy);
    return is_found;
}

static const char *const pieces[] = {
    "1.2.3.4", "8.8.8.8", "255.255.255.255", "185.220.101.4", "10.1.2.3", "01.2.3.4", "1.2.3.256",
    "1.22.333.4", "1.2..3", "1.1", "1.2.3.", ".5", "1000.2.3.4", "1.2.3.1000", "2600::1", "2600:1:",
    "2600:1111:2222:3333:4444:5555:6666:7777", "2600:1111:2222:3:4:5:1.2.3.4", "2600:1:2:3:4444:5555:1.2.3.4",
    "2600:11:22:33:44:55:66:77", "2a00:1:2:3:4:5:1.2.3.4", "2001:db8::1", "::ffff:9.9.9.9", "::ffff:",
    "0:0:0:0:0:ffff:", "0:0:0:0:0:ffff:0102:0304", "0000:", "::", ":::", "52:54:00:12:34:56", "00:",
    "11:05:05", "24/Nov/2026:11:05:05", "\"a\":1,", "std::vector", "dead::beef", "a:b:c:d:", "fe80::7",
    "0:.2600::1", "Chrome/126.0.0.0", "http://", "/", "-", "_", ".", ":", "[", "]", "x", "3", " ", " ",
    " from ", "%eth0", "\xc3\xa9", "2600::5.", "2600::6: ", "v1.2.3.4",
};

/* A text of len bytes: pieces, or single bytes that matter, or a mixture. */
static void make_text(char *text, size_t len)
{
    static const char alphabet[] = "0123456789..::::..25af:. /-_g";
    unsigned how = (unsigned)random() % 4;
    memset(text, how & 1 ? 'x' : ' ', len);
    for (size_t at = how == 3 ? (size_t)random() % (len + 1) : 0; at < len;) {
        const char *piece = pieces[(size_t)random() % (sizeof(pieces) / sizeof(pieces[0]))];
        size_t n = strlen(piece);
        if (how == 0 || (how == 1 && random() % 4)) {
            n = 1;
            piece = &alphabet[(size_t)random() % (sizeof(alphabet) - 1)];
        }
        n = n < len - at ? n : len - at;
        memcpy(text + at, piece, n);
        at += n + (random() % 8 == 0 ? (size_t)random() % 60 : 0);
    }
}

static void test_random(void **state)
{
    unsigned n_found = 0;
    srandom(11);
    for (unsigned round = 0; round < 200000; round++) {
        char text[300];
        size_t len = (size_t)random() % (round % 4 ? 80 : sizeof(text));
        make_text(text, len);
        n_found += check_text(*state, text, len);
    }
    assert_in_range(n_found, 10000, 190000);
}

/* Each piece at each place of a text, so that it lies across every edge of what is looked at at once. */
static void test_edges(void **state)
{
    static const size_t lens[] = {15, 16, 17, 31, 32, 33, 47, 63, 64, 65, 71, 72, 120, 127, 128, 129, 177};
    for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++)
        for (size_t k = 0; k < sizeof(lens) / sizeof(lens[0]); k++)
            for (size_t at = 0, n = strlen(pieces[i]); at + n <= lens[k]; at++) {
                char text[256];
                memset(text, ' ', lens[k]);
                memcpy(text + at, pieces[i], n);
                check_text(*state, text, lens[k]);
            }
}

/* All texts of up to seven of the bytes that matter most. */
static void test_all_short(void **state)
{
    static const char alphabet[] = "012.: a";
    enum { N = sizeof(alphabet) - 1 };
    for (size_t len = 0, n_texts = 1; len <= 7; len++, n_texts *= N)
        for (size_t i = 0; i < n_texts; i++) {
            char text[8];
            for (size_t at = 0, rest = i; at < len; at++, rest /= N)
                text[at] = alphabet[rest % N];
            check_at(((struct pages *)*state)->text, text, len);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random),
        cmocka_unit_test(test_edges),
        cmocka_unit_test(test_all_short),
    };
    return cmocka_run_group_tests(tests, map_pages, unmap_pages);
}

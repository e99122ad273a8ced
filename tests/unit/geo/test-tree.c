/* SPDX-License-Identifier: MIT */

/* Walks beside libmaxminddb's own, in whole files and damaged ones, and in trees made by hand. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <endian.h>
#include <maxminddb.h>
#include <unistd.h>
#include "geo-test.h"
#include "geo/tree.h"

static uint32_t find_by_library(const MMDB_s *mmdb, const struct geo_walk *walk)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
    memcpy(&v4.sin_addr, walk->address + 12, 4);
    memcpy(&v6.sin6_addr, walk->address, 16);
    const struct sockaddr *name =
        walk->is_ipv4 ? (const struct sockaddr *)&v4 : (const struct sockaddr *)&v6;
    int error = 0;
    MMDB_lookup_result_s result = MMDB_lookup_sockaddr(mmdb, name, &error);
    /* A record that leads between tree and data wraps to an offset beyond the data. */
    bool is_found = error == 0 && result.found_entry && result.entry.offset < mmdb->data_section_size;
    return is_found ? result.entry.offset : GEO_TREE_NOTHING;
}

/* Of all lengths of agreement with a few networks that are there, and edges. */
static void make_address(unsigned n, uint8_t ret_address[16], bool *ret_is_ipv4)
{
    static const char *const bases[] = {"1.2.3.0", "81.2.69.0", "0.0.0.0",  "255.255.255.255",
                                        "::",      "2001:218::", "2600::",  "ffff:ffff::ffff",
                                        "9.9.9.0", "5.5.5.0",   "2002:102:300::", "::1.2.3.4"};
    const char *base = bases[n % 12];
    to_address(base, ret_address);
    *ret_is_ipv4 = !strchr(base, ':');
    unsigned first = *ret_is_ipv4 ? 96 : 0;
    for (unsigned bit = first + (unsigned)random() % (129 - first); bit < 128; bit++)
        if (random() & 1)
            ret_address[bit / 8] ^= (uint8_t)(0x80 >> bit % 8);
}

static void compare(const MMDB_s *mmdb, const struct geo_tree *tree, unsigned n_rounds)
{
    uint8_t addresses[GEO_TREE_LANES][16];
    struct geo_walk walks[GEO_TREE_LANES];
    for (unsigned round = 0; round < n_rounds; round++) {
        size_t n = round % (GEO_TREE_LANES + 1);
        for (unsigned i = 0; i < n; i++) {
            bool is_ipv4;
            make_address((unsigned)random(), addresses[i], &is_ipv4);
            walks[i] = (struct geo_walk){.address = addresses[i], .is_ipv4 = is_ipv4, .id = 7};
        }
        geo_tree_walk(tree, walks, n);
        for (unsigned i = 0; i < n; i++) {
            assert_int_equal(walks[i].at, find_by_library(mmdb, &walks[i]));
            assert_int_equal(walks[i].id, 7);
        }
    }
}

/* False: not open, for libmaxminddb or for us. The tree is read from a copy of the file's exact size. */
static bool compare_file(const char *path, unsigned n_rounds)
{
    MMDB_s mmdb;
    struct geo_tree tree;
    if (MMDB_open(path, MMDB_MODE_MMAP, &mmdb) != MMDB_SUCCESS)
        return false;
    struct geo_tree_shape shape = {mmdb.metadata.node_count, mmdb.metadata.record_size,
                                   mmdb.metadata.ip_version, mmdb.data_section_size};
    size_t size;
    uint8_t *file = (uint8_t *)read_file(path, &size);
    int r = geo_tree_init(&tree, file, size, &shape);
    if (r == 0) {
        compare(&mmdb, &tree, n_rounds);
        geo_tree_deinit(&tree);
    }
    free(file);
    MMDB_close(&mmdb);
    return r == 0;
}

static const char *const kinds[] = {"city-mixed", "city-next", "asn-v4",
                                    "flat-v4",    "flat-v6",   "country-mixed"};

static void test_like_library(void **state)
{
    srandom(17);
    for (unsigned i = 0; i < 6; i++) {
        char path[PATH_MAX];
        database_path(kinds[i], path);
        assert_true(compare_file(path, 2000));
    }
}

/* Nodes that lead anywhere: back, in circles, beyond the tree and the data. */
static void test_damaged_like_library(void **state)
{
    char damaged[] = "/tmp/logboom-test-tree-XXXXXX";
    int fd = mkstemp(damaged);
    assert_true(fd >= 0);
    close(fd);
    unsigned n_open = 0;
    srandom(19);
    for (unsigned round = 0; round < 300; round++) {
        char path[PATH_MAX];
        size_t size;
        database_path(kinds[round % 6], path);
        char *bytes = read_file(path, &size);
        for (unsigned i = 0; i < 1 + round % 16; i++)
            bytes[(size_t)random() % (round % 2 ? 300 : size)] = (char)(random() & 255);
        write_file(damaged, bytes, size);
        n_open += compare_file(damaged, 33);
        free(bytes);
    }
    assert_true(n_open > 100);
    unlink(damaged);
}

/* One node of each size, its records leading to entries 1 and 2, in memory of its exact size. */
static void test_one_node(void **state)
{
    static const struct {
        unsigned record_bits;
        uint8_t node[8];
    } cases[] = {
        {24, {0, 0, 18, 0, 0, 19}},
        {28, {0, 0, 18, 0, 0, 0, 19}},
        {32, {0, 0, 0, 18, 0, 0, 0, 19}},
    };
    for (unsigned i = 0; i < 3; i++) {
        size_t size = cases[i].record_bits / 4 + 16;
        uint8_t *file = calloc(1, size);
        assert_non_null(file);
        memcpy(file, cases[i].node, cases[i].record_bits / 4);
        struct geo_tree_shape shape = {1, cases[i].record_bits, 4, 64};
        struct geo_tree tree;
        assert_int_equal(geo_tree_init(&tree, file, size - 1, &shape), -EBADMSG);
        assert_int_equal(geo_tree_init(&tree, file, size, &shape), 0);
        uint8_t low[16], high[16], other[16];
        to_address("127.0.0.1", low);
        to_address("128.0.0.1", high);
        to_address("2001:218::1", other);
        struct geo_walk walks[] = {{low, .is_ipv4 = true}, {high, .is_ipv4 = true}, {other}};
        geo_tree_walk(&tree, walks, 3);
        assert_int_equal(walks[0].at, 1);
        assert_int_equal(walks[1].at, 2);
        assert_int_equal(walks[2].at, GEO_TREE_NOTHING);
        geo_tree_deinit(&tree);
        geo_tree_deinit(&tree);
        free(file);
    }
}

static void test_upper_bits_of_28(void **state)
{
    /* left: 0xa000003, right: 0x5000004; both far beyond one node */
    uint8_t file[7 + 16] = {0, 0, 3, 0xa5, 0, 0, 4}, address[16];
    struct geo_tree_shape shape = {1, 28, 4, UINT32_MAX};
    struct geo_tree tree;
    assert_int_equal(geo_tree_init(&tree, file, sizeof(file), &shape), 0);
    for (unsigned bit = 0; bit < 2; bit++) {
        to_address(bit ? "128.0.0.0" : "0.0.0.0", address);
        struct geo_walk walk = {address, .is_ipv4 = true};
        geo_tree_walk(&tree, &walk, 1);
        assert_int_equal(walk.at, bit ? 0x5000004 - 17 : 0xa000003 - 17);
    }
    geo_tree_deinit(&tree);
}

static void test_refused(void **state)
{
    uint8_t file[64] = {0};
    static const struct geo_tree_shape shapes[] = {
        {1, 0, 4, 64}, {1, 20, 4, 64}, {1, 24, 5, 64}, {9, 24, 4, 64}, {UINT32_MAX, 24, 6, 64},
    };
    struct geo_tree tree;
    for (unsigned i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++)
        assert_int_equal(geo_tree_init(&tree, file, sizeof(file), &shapes[i]), -EBADMSG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_like_library),     cmocka_unit_test(test_damaged_like_library),
        cmocka_unit_test(test_one_node),         cmocka_unit_test(test_upper_bits_of_28),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

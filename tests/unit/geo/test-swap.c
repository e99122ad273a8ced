/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <unistd.h>
#include "geo-test.h"

/* Each test has a folder of its own, with room for one database. */
struct folder {
    char path[64], database[96];
};

static int make_folder(void **state)
{
    struct folder *folder = calloc(1, sizeof(*folder));
    assert_non_null(folder);
    strcpy(folder->path, "/tmp/logboom-test-geo-XXXXXX");
    assert_non_null(mkdtemp(folder->path));
    snprintf(folder->database, sizeof(folder->database), "%s/x.mmdb", folder->path);
    *state = folder;
    return 0;
}

static int remove_folder(void **state)
{
    struct folder *folder = *state;
    unlink(folder->database);
    assert_int_equal(rmdir(folder->path), 0);
    free(folder);
    return 0;
}

static struct geo *open_one(const char *path)
{
    return open_geo(&path, 1);
}

static struct geo_database_stats stats_of(struct geo *geo)
{
    struct geo_database_stats stats;
    geo_get_stats(geo, 0, &stats);
    return stats;
}

static void check_country(struct geo_worker *worker, const char *address, const char *country)
{
    struct place place;
    assert_true(look_up(worker, address, &place));
    if (!is_country(&place, country))
        fail_msg("%s is in %.2s, not %s", address, place.country, country);
}

static void test_replaced_by_rename(void **state)
{
    struct folder *folder = *state;
    copy_database("city-mixed", folder->database);
    struct geo *geo = open_one(folder->database);
    struct geo_worker *worker = new_worker(geo);
    check_country(worker, "1.2.3.4", "AU");
    assert_int_equal(geo_swap(geo), 0);
    assert_int_equal(stats_of(geo).generation, 1);

    copy_database("flat-v4", folder->database);
    check_country(worker, "1.2.3.4", "AU"); /* not before the swap */
    assert_int_equal(geo_swap(geo), 1);
    check_country(worker, "1.2.3.4", "NZ"); /* and no answer of the cache after it */
    struct geo_database_stats stats = stats_of(geo);
    assert_int_equal(stats.generation, 2);
    assert_string_equal(stats.type, "city ipv4");
    assert_int_equal(stats.lookups, 2);
    geo_worker_free(worker);
    geo_free(geo);
}

/* The places of a batch stay readable: after a swap, without a worker, and without geo. */
static void test_batch_outlives(void **state)
{
    struct folder *folder = *state;
    copy_database("city-mixed", folder->database);
    struct geo *geo = open_one(folder->database);
    struct geo_worker *worker = new_worker(geo);
    struct test_batch test;
    struct batch *batch = init_batch(&test);
    add_line(batch, "1.2.3.4", "x");
    geo_enrich_batch(worker, batch);
    assert_int_equal(batch->records[0].place, 1);

    copy_database("flat-v4", folder->database);
    assert_int_equal(geo_swap(geo), 1);
    check_country(worker, "1.2.3.4", "NZ");
    assert_true(is_text(batch->places[0].city, "Sydney"));
    geo_worker_free(worker);
    geo_free(geo);
    assert_true(is_text(batch->places[0].city, "Sydney"));
    release_places(batch);
}

/* A worker that holds an old set only uses it until its next batch. */
static void test_next_batch_is_new(void **state)
{
    struct folder *folder = *state;
    copy_database("city-mixed", folder->database);
    struct geo *geo = open_one(folder->database);
    struct geo_worker *worker = new_worker(geo);
    struct test_batch old_test, new_test;
    struct batch *old = init_batch(&old_test), *new = init_batch(&new_test);
    add_line(old, "1.2.3.4", "x");
    add_line(new, "1.2.3.4", "x");
    geo_enrich_batch(worker, old);
    copy_database("flat-v4", folder->database);
    assert_int_equal(geo_swap(geo), 1);
    geo_enrich_batch(worker, new);
    assert_ptr_not_equal(old->geo_owner, new->geo_owner);
    assert_true(is_text(old->places[0].city, "Sydney"));
    assert_true(is_text(new->places[0].city, "Wellington"));
    release_places(old);
    release_places(new);
    geo_worker_free(worker);
    geo_free(geo);
}

/* Not there at the start, then there, then gone, then back: it is open from when it could be opened on. */
static void test_missing(void **state)
{
    struct folder *folder = *state;
    struct geo *geo = open_one(folder->database);
    struct geo_worker *worker = new_worker(geo);
    struct place place;
    assert_false(stats_of(geo).open);
    assert_int_equal(stats_of(geo).error, -ENOENT);
    assert_false(look_up(worker, "1.2.3.4", &place));
    assert_int_equal(geo_swap(geo), 0);
    assert_int_equal(stats_of(geo).error, -ENOENT);

    copy_database("city-mixed", folder->database);
    assert_int_equal(geo_swap(geo), 1);
    assert_true(stats_of(geo).open);
    assert_int_equal(stats_of(geo).error, 0);
    check_country(worker, "1.2.3.4", "AU");

    assert_int_equal(unlink(folder->database), 0);
    assert_int_equal(geo_swap(geo), 0);
    assert_true(stats_of(geo).open); /* as it was */
    assert_int_equal(stats_of(geo).error, -ENOENT);
    check_country(worker, "1.2.3.4", "AU");

    copy_database("flat-v4", folder->database);
    assert_int_equal(geo_swap(geo), 1);
    assert_int_equal(stats_of(geo).error, 0);
    check_country(worker, "1.2.3.4", "NZ");
    geo_worker_free(worker);
    geo_free(geo);
}

/* A damaged file does not replace a good one. */
static void test_garbage_at_swap(void **state)
{
    struct folder *folder = *state;
    char garbage[4096];
    memset(garbage, 'x', sizeof(garbage));
    copy_database("city-mixed", folder->database);
    struct geo *geo = open_one(folder->database);
    struct geo_worker *worker = new_worker(geo);
    write_file(folder->database, garbage, sizeof(garbage));
    assert_int_equal(geo_swap(geo), 0);
    assert_true(stats_of(geo).open);
    assert_int_equal(stats_of(geo).error, -EBADMSG);
    check_country(worker, "1.2.3.4", "AU");
    geo_worker_free(worker);
    geo_free(geo);
}

static int error_at_start(const char *path)
{
    struct geo *geo = open_one(path);
    struct geo_database_stats stats = stats_of(geo);
    assert_int_equal(stats.open, stats.error == 0);
    geo_free(geo);
    return stats.error;
}

static void test_no_databases_at_all(void **state)
{
    struct folder *folder = *state;
    assert_int_equal(error_at_start(folder->path), -EINVAL);
    assert_int_equal(error_at_start("/dev/null"), -EINVAL);
    write_file(folder->database, "", 0);
    assert_int_equal(error_at_start(folder->database), -EBADMSG);
    write_file(folder->database, "x", 1);
    assert_int_equal(error_at_start(folder->database), -EBADMSG);
    assert_int_equal(unlink(folder->database), 0);
    assert_int_equal(mkfifo(folder->database, 0600), 0); /* does not wait for a writer */
    assert_int_equal(error_at_start(folder->database), -EINVAL);
}

/* Asks a file that may be damaged in any way; what it answers is its affair, but texts lie within it. */
static void ask_all(const char *path)
{
    static const char *const addresses[] = {"1.2.3.4",     "81.2.69.1", "81.2.70.1",
                                            "9.9.9.9",     "5.5.5.5",   "255.255.255.255",
                                            "2001:218::1", "2600::1",   "2a00:1450::1"};
    struct geo *geo = open_one(path);
    struct geo_worker *worker = new_worker(geo);
    unsigned sum = 0;
    for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
        struct place place;
        if (!look_up(worker, addresses[i], &place))
            continue;
        const struct text texts[] = {place.city, place.region, place.org};
        for (unsigned t = 0; t < 3; t++)
            for (uint32_t at = 0; at < texts[t].len; at++)
                sum += (uint8_t)texts[t].data[at];
    }
    assert_true(sum < UINT32_MAX);
    geo_worker_free(worker);
    geo_free(geo);
}

static const char *const all_kinds[] = {"city-mixed", "asn-v4", "flat-v4", "country-mixed"};

static void test_truncated(void **state)
{
    struct folder *folder = *state;
    for (unsigned kind = 0; kind < 4; kind++) {
        char path[PATH_MAX];
        size_t size;
        database_path(all_kinds[kind], path);
        char *bytes = read_file(path, &size);
        for (size_t cut = 1; cut < size; cut += 1 + cut % 9) {
            write_file(folder->database, bytes, cut);
            ask_all(folder->database);
        }
        free(bytes);
    }
}

static void test_flipped_bytes(void **state)
{
    struct folder *folder = *state;
    srandom(11);
    for (unsigned kind = 0; kind < 4; kind++) {
        char path[PATH_MAX];
        size_t size;
        database_path(all_kinds[kind], path);
        char *bytes = read_file(path, &size);
        for (unsigned round = 0; round < 250; round++) {
            size_t at = (size_t)random() % size;
            char saved = bytes[at];
            bytes[at] = (char)(random() & 255);
            write_file(folder->database, bytes, size);
            ask_all(folder->database);
            if (round % 8) /* else it stays, so that damage adds up */
                bytes[at] = saved;
        }
        free(bytes);
    }
}

/* Swaps and lookups at once. A batch is of one set, and each answer is the whole truth of one file. */
struct race {
    struct geo *geo;
    atomic_bool stop;
    atomic_uint n_batches;
};

static void *enrich_until_stopped(void *arg)
{
    struct race *race = arg;
    struct geo_worker *worker = new_worker(race->geo);
    struct test_batch *tests = calloc(4, sizeof(*tests));
    assert_non_null(tests);
    for (unsigned n = 0; !atomic_load(&race->stop); n++) {
        struct batch *batch = &tests[n % 4].batch; /* the four newest are held */
        if (n >= 4)
            release_places(batch);
        init_batch(&tests[n % 4]);
        for (unsigned i = 0; i < 8; i++)
            add_line(batch, "1.2.3.4", "x");
        geo_enrich_batch(worker, batch);
        assert_int_equal(batch->n_places, 1);
        for (unsigned i = 0; i < 4 && i <= n; i++) {
            const struct place *place = &tests[i].batch.places[0];
            bool is_sydney = is_country(place, "AU") && is_text(place->city, "Sydney");
            bool is_wellington = is_country(place, "NZ") && is_text(place->city, "Wellington");
            assert_true(is_sydney || is_wellington);
        }
        atomic_fetch_add(&race->n_batches, 1);
    }
    for (unsigned i = 0; i < 4; i++)
        release_places(&tests[i].batch);
    free(tests);
    geo_worker_free(worker);
    return NULL;
}

static void *swap_until_stopped(void *arg)
{
    struct race *race = arg;
    while (!atomic_load(&race->stop)) {
        struct geo_database_stats stats = stats_of(race->geo);
        assert_true(stats.open && strlen(stats.type) > 0);
        assert_true(geo_swap(race->geo) >= 0);
    }
    return NULL;
}

static void test_swap_during_lookups(void **state)
{
    struct folder *folder = *state;
    copy_database("city-mixed", folder->database);
    struct race race = {.geo = open_one(folder->database)};
    pthread_t threads[3];
    for (unsigned i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, enrich_until_stopped, &race), 0);
    assert_int_equal(pthread_create(&threads[2], NULL, swap_until_stopped, &race), 0);
    for (unsigned i = 0; i < 100 || atomic_load(&race.n_batches) < 1000; i++) {
        copy_database(i % 2 ? "city-mixed" : "flat-v4", folder->database);
        assert_true(geo_swap(race.geo) >= 0);
    }
    atomic_store(&race.stop, true);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_true(stats_of(race.geo).generation > 50);
    geo_free(race.geo);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)
    const struct CMUnitTest tests[] = {
        TEST(test_replaced_by_rename),  TEST(test_batch_outlives),  TEST(test_next_batch_is_new),
        TEST(test_missing),             TEST(test_garbage_at_swap), TEST(test_no_databases_at_all),
        TEST(test_truncated),           TEST(test_flipped_bytes),   TEST(test_swap_during_lookups),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

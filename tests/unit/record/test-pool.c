/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "record/pool.h"

#define CAPACITY 4096
#define RECORDS  16

static struct batch_pool *make(size_t n, batch_settle_fn settle, void *arg)
{
    struct batch_pool *pool = NULL;
    const struct batch_pool_options options = {
        .budget_bytes = n * batch_bytes(CAPACITY, RECORDS) + 100,
        .capacity = CAPACITY,
        .max_records = RECORDS,
        .settle = settle,
        .arg = arg,
    };
    assert_int_equal(batch_pool_new(&options, &pool), 0);
    return pool;
}

static void never_more_than_the_budget(void **state)
{
    struct batch_pool *pool = make(3, NULL, NULL);
    struct batch *batches[3];
    struct batch_pool_stats stats;
    for (int i = 0; i < 3; i++)
        assert_non_null(batches[i] = batch_pool_take(pool));
    assert_null(batch_pool_take(pool));
    batch_pool_get_stats(pool, &stats);
    assert_int_equal(stats.used_bytes, 3 * batch_bytes(CAPACITY, RECORDS));
    assert_true(stats.used_bytes <= stats.budget_bytes);
    for (int i = 0; i < 3; i++)
        batch_pool_put(pool, batches[i]);
    batch_pool_get_stats(pool, &stats);
    assert_int_equal(stats.used_bytes, 0);
    assert_int_equal(stats.high_water_bytes, 3 * batch_bytes(CAPACITY, RECORDS));
    batch_pool_free(pool);
}

static void bad_shapes_are_refused(void **state)
{
    struct batch_pool *pool = NULL;
    struct batch_pool_options options = {.budget_bytes = 2 * batch_bytes(CAPACITY, RECORDS) - 1,
                                         .capacity = CAPACITY,
                                         .max_records = RECORDS};
    assert_int_equal(batch_pool_new(&options, &pool), -EINVAL);
    options.budget_bytes = 1 << 30;
    options.max_records = 65535;
    assert_int_equal(batch_pool_new(&options, &pool), -EINVAL);
    options.max_records = 0;
    assert_int_equal(batch_pool_new(&options, &pool), -EINVAL);
}

static void the_warm_one_comes_back_empty(void **state)
{
    struct batch_pool *pool = make(2, NULL, NULL);
    struct batch *batch = batch_pool_take(pool);
    uint64_t serial = batch->serial;
    batch_add_record(batch, 0, 10, 0, 0);
    batch->used = 10;
    batch_drop(batch, STAGE_STORE, DROP_STORE_ERROR);
    batch_pool_put(pool, batch);
    struct batch *again = batch_pool_take(pool);
    assert_ptr_equal(again, batch);
    assert_int_not_equal(again->serial, serial);
    assert_int_equal(again->used, 0);
    assert_int_equal(again->n_records, 0);
    assert_int_equal(again->n_dropped, 0);
    batch_pool_put(pool, again);
    batch_pool_free(pool);
}

static void add_up(void *arg, const struct batch *batch)
{
    *(unsigned *)arg += batch->n_stored * 100 + batch->n_dropped;
}

static void release(void *owner)
{
    (*(int *)owner)++;
}

static void put_settles_and_releases_once(void **state)
{
    unsigned sum = 0;
    int released = 0;
    struct batch_pool *pool = make(2, add_up, &sum);
    struct batch *batch = batch_pool_take(pool);
    batch->n_stored = 3;
    batch->n_dropped = 2;
    batch->geo_owner = &released;
    batch->geo_release = release;
    batch_pool_put(pool, batch);
    assert_int_equal(sum, 302);
    assert_int_equal(released, 1);
    batch = batch_pool_take(pool);
    batch_pool_put(pool, batch);
    assert_int_equal(released, 1);
    batch_pool_free(pool);
}

static void count(void *arg)
{
    atomic_fetch_add((atomic_int *)arg, 1);
}

static void a_watch_fires_once_when_one_is_free(void **state)
{
    struct batch_pool *pool = make(2, NULL, NULL);
    atomic_int fired = 0;
    struct boom_watch watch = {.fn = count, .arg = &fired};
    assert_int_equal(batch_pool_watch(pool, &watch), 1);
    struct batch *a = batch_pool_take(pool), *b = batch_pool_take(pool);
    assert_int_equal(batch_pool_watch(pool, &watch), 0);
    assert_int_equal(batch_pool_watch(pool, &watch), 0);
    assert_int_equal(fired, 0);
    batch_pool_put(pool, a);
    assert_int_equal(fired, 1);
    batch_pool_put(pool, b);
    assert_int_equal(fired, 1);
    batch_pool_free(pool);
}

static void an_unwatched_watch_does_not_fire(void **state)
{
    struct batch_pool *pool = make(2, NULL, NULL);
    atomic_int fired = 0;
    struct boom_watch watch = {.fn = count, .arg = &fired};
    struct batch *a = batch_pool_take(pool), *b = batch_pool_take(pool);
    assert_int_equal(batch_pool_watch(pool, &watch), 0);
    batch_pool_unwatch(pool, &watch);
    batch_pool_unwatch(pool, &watch);
    batch_pool_put(pool, a);
    batch_pool_put(pool, b);
    assert_int_equal(fired, 0);
    batch_pool_free(pool);
}

static void a_quota_leaves_the_rest_to_others(void **state)
{
    struct batch_pool *pool = make(4, NULL, NULL);
    struct batch_quota quota = {.max = 2};
    struct batch *a = batch_pool_take_within(pool, &quota);
    struct batch *b = batch_pool_take_within(pool, &quota);
    assert_null(batch_pool_take_within(pool, &quota));
    struct batch *c = batch_pool_take(pool), *d = batch_pool_take(pool);
    assert_non_null(c);
    assert_non_null(d);
    batch_pool_put(pool, c);
    assert_null(batch_pool_take_within(pool, &quota));
    batch_pool_put(pool, a);
    assert_ptr_equal(batch_pool_take(pool), a); /* no longer of the quota */
    assert_non_null(c = batch_pool_take_within(pool, &quota));
    batch_pool_put(pool, a);
    assert_int_equal(quota.n_held, 2);
    batch_pool_put(pool, b);
    batch_pool_put(pool, c);
    batch_pool_put(pool, d);
    assert_int_equal(quota.n_held, 0);
    batch_pool_free(pool);
}

static void a_used_up_quota_can_be_watched(void **state)
{
    struct batch_pool *pool = make(4, NULL, NULL);
    struct batch_quota quota = {.max = 1};
    atomic_int fired = 0;
    struct boom_watch watch = {.fn = count, .arg = &fired};
    assert_int_equal(batch_pool_watch_within(pool, &quota, &watch), 1);
    struct batch *a = batch_pool_take_within(pool, &quota), *other = batch_pool_take(pool);
    assert_int_equal(batch_pool_watch(pool, &watch), 1); /* the pool has more */
    assert_int_equal(batch_pool_watch_within(pool, &quota, &watch), 0);
    /* Another's may wake it, for nothing. */
    batch_pool_put(pool, other);
    assert_int_equal(batch_pool_watch_within(pool, &quota, &watch), 0);
    int before = fired;
    batch_pool_put(pool, a);
    assert_int_equal(fired, before + 1);
    assert_int_equal(batch_pool_watch_within(pool, &quota, &watch), 1);
    batch_pool_free(pool);
}

/* Threads that share a pool, and a quota of it. */
struct sharing {
    struct batch_pool *pool;
    struct batch_quota quota;
    atomic_int n_held, n_most;
};

static void *take_and_put(void *arg)
{
    struct sharing *sharing = arg;
    for (int i = 0; i < 20000; i++) {
        struct batch *batch = batch_pool_take_within(sharing->pool, &sharing->quota);
        if (!batch)
            continue;
        int held = atomic_fetch_add(&sharing->n_held, 1) + 1;
        if (held > atomic_load(&sharing->n_most))
            atomic_store(&sharing->n_most, held);
        batch_add_record(batch, 0, 0, 0, i);
        batch->n_stored = 1;
        atomic_fetch_sub(&sharing->n_held, 1);
        batch_pool_put(sharing->pool, batch);
    }
    return NULL;
}

static void count_stored(void *arg, const struct batch *batch)
{
    assert_int_equal(batch->n_stored, batch->n_records);
    atomic_fetch_add((atomic_int *)arg, 1);
}

static void threads_share_it(void **state)
{
    atomic_int settled = 0;
    struct sharing sharing = {.pool = make(4, count_stored, &settled), .quota = {.max = 2}};
    pthread_t threads[3];
    for (int i = 0; i < 3; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, take_and_put, &sharing), 0);
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    assert_true(settled > 0);
    assert_true(sharing.n_most <= 2);
    assert_int_equal(sharing.quota.n_held, 0);
    batch_pool_free(sharing.pool); /* asserts that all are back */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(never_more_than_the_budget),
        cmocka_unit_test(bad_shapes_are_refused),
        cmocka_unit_test(the_warm_one_comes_back_empty),
        cmocka_unit_test(put_settles_and_releases_once),
        cmocka_unit_test(a_watch_fires_once_when_one_is_free),
        cmocka_unit_test(an_unwatched_watch_does_not_fire),
        cmocka_unit_test(a_quota_leaves_the_rest_to_others),
        cmocka_unit_test(a_used_up_quota_can_be_watched),
        cmocka_unit_test(threads_share_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

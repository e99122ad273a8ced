/* SPDX-License-Identifier: MIT */

/*
 * A life of a store, with one fault at each of its system calls in turn; then the next life, without
 * one, and the ledger: what was said to be stored is there, once, and in order; what was refused is
 * there whole or not at all.
 */
#include "fixture.h"
#include "faults.h"

#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define N_BLOCKS     24
#define N_ROWS       4
#define BLOCKS_A_LOG 6
/* 2001: cold by any clock. */
#define OLD_US INT64_C(1000000000000000)

/* Written by the life that ends, read by the one that follows. */
struct ledger {
    bool was_tried[N_BLOCKS], is_stored[N_BLOCKS];
    bool fault_was_met, ended_well;
    unsigned n_calls;
};

struct life {
    struct fixture fixture;
    struct ledger *ledger;
    sem_t reported;
};

static void wake(void *arg, int priority, const char *message)
{
    struct life *life = arg;
    fixture_report(&life->fixture, priority, message);
    sem_post(&life->reported);
}

static void append(struct life *life, struct store *store, struct store_encoder *encoder,
                   unsigned number)
{
    struct batch *batch = batch_of_lines(number * N_ROWS, N_ROWS, OLD_US + number * N_ROWS);
    assert_int_equal(store_encode(encoder, &batch, 1), 0);
    batch_destroy(batch);
    life->ledger->was_tried[number] = true;
    int r = store_append(store, encoder);
    if (r < 0)
        r = store_append(store, encoder);
    life->ledger->is_stored[number] = r == 0;
}

/* Until every sealed file was written anew, or one could not be: then there is a pause. */
static void wait_for_rewriter(struct life *life, struct store *store)
{
    struct store_stats stats;
    for (;;) {
        store_get_stats(store, &stats);
        if (stats.rewritten_segments >= fixture_count(&life->fixture, ".seg") ||
            stats.rewrite_errors > 0)
            return;
        sem_wait(&life->reported);
    }
}

/* A quiet store that seals every few blocks, merges, compresses again, and at last deletes. */
static void live(struct life *life, bool deletes, bool is_single)
{
    struct store *store;
    struct store_encoder *encoder;
    struct store_options options = life->fixture.options;
    options.sync = STORE_SYNC_BATCH;
    options.merge_bytes = 1 << 20;
    options.recompress_after_ns = 1;
    options.report = wake;
    options.arg = life;
    if (deletes) {
        options.retain_bytes = 4500;
        options.hold_bytes = 1000;
    }
    if (store_open(&options, &store) < 0)
        return;
    assert_int_equal(store_encoder_new(store, &encoder), 0);
    assert_int_equal(store_hold(store, "output", 30), 0);
    for (unsigned i = 0; i < N_BLOCKS; i++) {
        append(life, store, encoder, i);
        if (i % BLOCKS_A_LOG == BLOCKS_A_LOG - 1 && i + BLOCKS_A_LOG < N_BLOCKS &&
            store_seal(store) == 0 && !deletes)
            wait_for_rewriter(life, store);
        if (i == N_BLOCKS - 2)
            store_sync(store);
    }
    store_encoder_free(encoder);
    if (is_single && store_seal(store) < 0) /* what is over is got over */
        assert_int_equal(store_seal(store), 0);
    store_close(store);
    life->ledger->ended_well = true;
}

_Noreturn static void run_child(struct life *life, enum fault fault, unsigned at, bool deletes)
{
    faults_arm(fault, at);
    live(life, deletes, fault == FAULT_EIO);
    life->ledger->fault_was_met = faults_were_met();
    faults_arm(FAULT_NONE, 0);
    _exit(0);
}

static void assert_ledger(struct life *life, bool deletes)
{
    const struct ledger *ledger = life->ledger;
    unsigned n_found[N_BLOCKS] = {0};
    struct lines lines;
    read_lines(&life->fixture, false, &lines);
    uint64_t first = lines.n > 0 ? lines.numbers[0] / N_ROWS : N_BLOCKS;
    for (size_t i = 0; i < lines.n; i++) {
        assert_true(lines.numbers[i] < N_BLOCKS * N_ROWS);
        assert_true(i == 0 || lines.numbers[i] > lines.numbers[i - 1]);
        assert_true(i == 0 || lines.ids[i] > lines.ids[i - 1]);
        n_found[lines.numbers[i] / N_ROWS]++;
    }
    for (unsigned i = 0; i < N_BLOCKS; i++) {
        assert_true(n_found[i] == N_ROWS || n_found[i] == 0);
        if (!ledger->was_tried[i])
            assert_int_equal(n_found[i], 0);
        else if (ledger->is_stored[i] && !(deletes && i < first))
            assert_int_equal(n_found[i], N_ROWS);
    }
    lines_deinit(&lines);
}

/* The next life: opens, knows what the last one stored, and takes more. */
static void live_on(struct life *life, bool deletes)
{
    struct store *store;
    struct store_stats stats;
    uint64_t first_id, lost, last_id = 0;
    struct lines lines;
    assert_ledger(life, deletes);
    read_lines(&life->fixture, true, &lines);
    if (lines.n > 0)
        last_id = lines.ids[0];
    lines_deinit(&lines);
    life->fixture.options.merge_bytes = 0;
    assert_int_equal(store_open(&life->fixture.options, &store), 0);
    store_get_stats(store, &stats);
    assert_int_equal(stats.quarantined, 0);
    assert_int_equal(fixture_count(&life->fixture, ".new"), 0);
    if (life->ledger->ended_well && store_hold_get(store, "output", &first_id, &lost) == 0)
        assert_true(first_id >= 30 && lost <= N_BLOCKS * N_ROWS);
    assert_int_equal(store_seal(store), 0);
    assert_ledger(life, deletes);
    append_lines(store, N_BLOCKS * N_ROWS, 1, OLD_US);
    store_close(store);
    read_lines(&life->fixture, true, &lines);
    assert_int_equal(lines.numbers[0], N_BLOCKS * N_ROWS);
    assert_true(lines.ids[0] > last_id);
    lines_deinit(&lines);
}

/* Returns whether there was such a call. */
static bool try_fault(enum fault fault, unsigned at, bool deletes)
{
    struct life life = {0};
    int status;
    fixture_init(&life.fixture);
    sem_init(&life.reported, 0, 0);
    life.ledger =
        mmap(NULL, sizeof(*life.ledger), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(life.ledger != MAP_FAILED);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        run_child(&life, fault, at, deletes);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    bool died = WEXITSTATUS(status) == FAULT_STATUS;
    if (!died)
        assert_int_equal(WEXITSTATUS(status), 0);
    bool was_met = died || life.ledger->fault_was_met;
    live_on(&life, deletes);
    munmap(life.ledger, sizeof(*life.ledger));
    sem_destroy(&life.reported);
    fixture_deinit(&life.fixture);
    return was_met;
}

static void at_every_call(enum fault fault)
{
    for (unsigned deletes = 0; deletes < 2; deletes++) {
        unsigned at = 1;
        while (try_fault(fault, at, deletes))
            at++;
        print_message("%u calls\n", at - 1);
        assert_true(at > 100);
    }
}

static void call_fails(void **state)
{
    at_every_call(FAULT_EIO);
}

static void disk_is_full(void **state)
{
    at_every_call(FAULT_ENOSPC);
}

static void disk_is_full_for_long(void **state)
{
    at_every_call(FAULT_FULL);
}

static void write_is_short(void **state)
{
    at_every_call(FAULT_SHORT);
}

static void dies_before(void **state)
{
    at_every_call(FAULT_DIES_BEFORE);
}

static void dies_after(void **state)
{
    at_every_call(FAULT_DIES_AFTER);
}

static void dies_in_a_write(void **state)
{
    at_every_call(FAULT_DIES_TORN);
}

static void rename_is_lost(void **state)
{
    at_every_call(FAULT_RENAME_LOST);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(call_fails),
        cmocka_unit_test(disk_is_full),
        cmocka_unit_test(disk_is_full_for_long),
        cmocka_unit_test(write_is_short),
        cmocka_unit_test(dies_before),
        cmocka_unit_test(dies_after),
        cmocka_unit_test(dies_in_a_write),
        cmocka_unit_test(rename_is_lost),
    };
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

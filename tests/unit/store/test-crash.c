/* SPDX-License-Identifier: MIT */
#include "fixture.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Appends until it is killed, and says after each append how many lines are stored. */
_Noreturn static void write_until_killed(struct fixture *fixture, uint64_t first, int pipe_fd)
{
    struct store *store;
    struct store_encoder *encoder;
    fixture->options.segment_bytes = 20000;
    fixture->options.merge_bytes = 1 << 16;
    fixture->options.recompress_after_ns = 1;
    if (store_open(&fixture->options, &store) < 0 || store_encoder_new(store, &encoder) < 0)
        _exit(1);
    for (uint64_t next = first;;) {
        uint32_t n = 1 + (uint32_t)(next * 2654435761u >> 7) % 100;
        struct batch *batch = batch_of_lines(next, n, T0_US + (int64_t)next);
        if (store_encode(encoder, &batch, 1) < 0 || store_append(store, encoder) < 0)
            _exit(1);
        next += n;
        batch_destroy(batch);
        if (write(pipe_fd, &next, sizeof(next)) != sizeof(next))
            _exit(1);
    }
}

/* Killed after so many appends, which differs from round to round; sealing, merging and compressing
 * again are going on all the while. */
static void killed_writer_loses_nothing(void **state)
{
    struct fixture fixture;
    struct lines lines;
    uint64_t stored = 0, next = 0;
    fixture_init(&fixture);
    fixture.random ^= (uint64_t)time(NULL) << 20;
    print_message("seed %llu\n", (unsigned long long)fixture.random);
    for (unsigned round = 0; round < 100; round++) {
        int ends[2];
        assert_int_equal(pipe(ends), 0);
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0)
            write_until_killed(&fixture, next, ends[1]);
        close(ends[1]);
        for (uint32_t i = 1 + fixture_random(&fixture, 30); i > 0; i--)
            assert_int_equal(read(ends[0], &stored, sizeof(stored)), sizeof(stored));
        kill(child, SIGKILL);
        while (read(ends[0], &stored, sizeof(stored)) == sizeof(stored))
            continue;
        close(ends[0]);
        int status;
        waitpid(child, &status, 0);
        assert_true(WIFSIGNALED(status));
        read_lines(&fixture, false, &lines);
        assert_true(lines.n >= stored);
        for (size_t i = 0; i < lines.n; i++)
            assert_int_equal(lines.numbers[i], i);
        next = lines.n; /* a block that was stored but not reported any more */
        lines_deinit(&lines);
    }
    struct store *store;
    assert_int_equal(store_open(&fixture.options, &store), 0);
    assert_int_equal(store_seal(store), 0);
    store_close(store);
    assert_lines(&fixture, 0, next);
    /* Behind a log that the last kill tore stands an empty one, which keeps the ids that were skipped. */
    assert_true(fixture_count(&fixture, ".log") <= 1);
    fixture_deinit(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(killed_writer_loses_nothing)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

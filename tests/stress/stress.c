/* SPDX-License-Identifier: MIT */
#include "stress/stress.h"

#include <inttypes.h>

/* Of the round that is played; set while no thread of a test runs. */
static struct {
    const char *name;
    uint64_t seed;
    uint64_t number;
} now = {.name = "no test"};

_Noreturn void stress_fail(const char *file, int line, const char *fact)
{
    fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, fact);
    fprintf(stderr, "%s, round %" PRIu64 ": begins again with STRESS_SEED=%" PRIu64 "\n", now.name,
            now.number, now.seed);
    abort();
}

static int64_t env_number(const char *name, int64_t otherwise)
{
    const char *value = getenv(name);

    return value ? (int64_t)strtoull(value, NULL, 0) : otherwise;
}

int stress_run(const char *name, void (*round)(void *arg, struct random *random), void *arg)
{
    int64_t start_ns = boom_now_ns();
    int64_t end_ns = start_ns + env_number("STRESS_SECONDS", 2) * 1000000000;
    uint64_t n_rounds = (uint64_t)env_number("STRESS_ROUNDS", 0);

    now.name = name;
    now.seed = (uint64_t)env_number("STRESS_SEED", start_ns);
    printf("%s: STRESS_SEED=%" PRIu64 "\n", name, now.seed);
    fflush(stdout);
    do {
        struct random random = {now.seed};

        round(arg, &random);
        now.seed = random_next(&(struct random){now.seed});
        now.number++;
    } while (n_rounds > 0 ? now.number < n_rounds : boom_now_ns() < end_ns);
    printf("%" PRIu64 " rounds\n", now.number);
    return 0;
}

pthread_t stress_thread(void *(*fn)(void *arg), void *arg)
{
    pthread_t thread;

    CHECK(pthread_create(&thread, NULL, fn, arg) == 0);
    return thread;
}

void stress_join(const pthread_t *threads, size_t n_threads)
{
    for (size_t i = 0; i < n_threads; i++)
        CHECK(pthread_join(threads[i], NULL) == 0);
}

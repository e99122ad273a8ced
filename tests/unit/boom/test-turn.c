/* SPDX-License-Identifier: MIT */
#include "boom/turn.h"

#include "boom-test.h"

enum { N_THREADS = 6, N_TURNS = 300 };

struct scene {
    struct turn turn;
    uint64_t served; /* by whoever has the turn, and nobody else */
    bool in_order;
};

struct party {
    struct scene *scene;
    uint64_t first;
};

static void serve(struct scene *scene, uint64_t ticket)
{
    turn_wait(&scene->turn, ticket);
    if (scene->served != ticket)
        scene->in_order = false;
    scene->served++;
    turn_pass(&scene->turn, ticket);
}

static void *serve_every_nth(void *arg)
{
    const struct party *party = arg;

    for (uint64_t i = 0; i < N_TURNS; i++)
        serve(party->scene, party->first + i * N_THREADS);
    return NULL;
}

static void test_tickets_are_served_in_order(void **state)
{
    struct scene scene = {.in_order = true};
    struct party parties[N_THREADS];
    pthread_t threads[N_THREADS];

    turn_init(&scene.turn);
    for (unsigned i = N_THREADS; i-- > 0;) {
        parties[i] = (struct party){&scene, i};
        threads[i] = spawn(serve_every_nth, &parties[i]);
    }
    for (unsigned i = 0; i < N_THREADS; i++)
        join(threads[i]);
    assert_true(scene.in_order);
    assert_int_equal(scene.served, N_THREADS * N_TURNS);
    assert_int_equal(scene.turn.n_waiting, 0);
    turn_deinit(&scene.turn);
}

static void *serve_one(void *arg)
{
    const struct party *party = arg;

    serve(party->scene, party->first);
    return NULL;
}

/* Who waits for a later turn is not woken by those that come before it. */
static void test_a_later_turn_goes_on_waiting(void **state)
{
    struct scene scene = {.in_order = true};
    struct party party = {&scene, 2};
    pthread_t thread;

    turn_init(&scene.turn);
    thread = spawn(serve_one, &party);
    AWAIT(scene.turn.n_waiting == 1);
    serve(&scene, 0);
    assert_int_equal(scene.turn.n_waiting, 1);
    assert_true(turn_is(&scene.turn, 1));
    serve(&scene, 1);
    join(thread);
    assert_true(scene.in_order);
    assert_int_equal(scene.served, 3);
    assert_int_equal(scene.turn.n_waiting, 0);
    turn_deinit(&scene.turn);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tickets_are_served_in_order),
        cmocka_unit_test(test_a_later_turn_goes_on_waiting),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

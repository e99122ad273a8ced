/* SPDX-License-Identifier: MIT */
/* The registry of tasks, the detector, and those who register: group, pool, pipeline. */
#include <boom/group.h>
#include <boom/pool.h>
#include <boom/registry.h>

#include "boom-test.h"

enum { MAX_INFOS = 8 };

struct seen {
    struct boom_task_info infos[MAX_INFOS];
    unsigned n;
};

static void see(void *arg, const struct boom_task_info *info)
{
    struct seen *seen = arg;

    assert_true(seen->n < MAX_INFOS);
    seen->infos[seen->n++] = *info;
}

static struct seen look_around(struct boom_registry *registry)
{
    struct seen seen = {.n = 0};

    assert_int_equal(boom_registry_each(registry, see, &seen), 0);
    return seen;
}

/* So many tasks do this now. */
static unsigned count_doing(struct boom_registry *registry, enum boom_doing doing)
{
    struct seen seen = look_around(registry);
    unsigned n = 0;

    for (unsigned i = 0; i < seen.n; i++)
        n += seen.infos[i].doing == doing;
    return n;
}

static struct boom_registry *new_registry(void)
{
    struct boom_registry *registry;

    assert_int_equal(boom_registry_new(&registry), 0);
    return registry;
}

static void test_a_task_says_what_it_does(void **state)
{
    struct boom_registry *registry = new_registry();
    struct boom_task *task, *other;
    struct seen seen;
    int64_t t0 = boom_now_ns();

    assert_null(boom_registry_self(NULL));
    assert_null(boom_registry_self(registry));
    assert_int_equal(boom_task_new(registry, "reader", "ingest", &task), 0);
    assert_int_equal(boom_task_new(registry, "again", "ingest", &other), -EEXIST);
    assert_ptr_equal(boom_registry_self(registry), task);
    seen = look_around(registry);
    assert_int_equal(seen.n, 1);
    assert_string_equal(seen.infos[0].name, "reader");
    assert_string_equal(seen.infos[0].group, "ingest");
    assert_int_equal(seen.infos[0].id, 1);
    assert_int_equal(seen.infos[0].doing, BOOM_DOING_RUN);
    assert_true(seen.infos[0].since_ns > t0 - 20000000 && seen.infos[0].since_ns <= boom_now_ns());

    boom_task_waits(task, BOOM_DOING_RECV, &seen, "lines", 77);
    seen = look_around(registry);
    assert_int_equal(seen.infos[0].doing, BOOM_DOING_RECV);
    assert_ptr_equal(seen.infos[0].where, &seen);
    assert_string_equal(seen.infos[0].where_name, "lines");
    assert_int_equal(seen.infos[0].deadline_ns, 77);
    assert_int_equal(seen.infos[0].changes, 2);
    assert_null(boom_task_free(task));
    assert_null(boom_registry_self(registry));
    assert_int_equal(look_around(registry).n, 0);

    assert_int_equal(
        boom_task_new(registry, "a-name-that-is-longer-than-there-is-room-for", NULL, &task), 0);
    seen = look_around(registry);
    assert_string_equal(seen.infos[0].name, "a-name-that-is-longer-than-ther");
    assert_string_equal(seen.infos[0].group, "");
    assert_int_equal(seen.infos[0].id, 2);
    boom_task_free(task);
    assert_null(boom_task_free(NULL));
    boom_task_waits(NULL, BOOM_DOING_IO, NULL, NULL, BOOM_NEVER);
    boom_task_runs(NULL);
    assert_null(boom_registry_free(registry));
    assert_null(boom_registry_free(NULL));
}

static void test_dump_has_a_line_for_each(void **state)
{
    struct boom_registry *registry = new_registry();
    struct boom_task *task;
    char *text, line[128];
    size_t bytes;
    FILE *file = open_memstream(&text, &bytes);

    assert_int_equal(boom_task_new(registry, "store-0", "ingest", &task), 0);
    boom_task_waits(task, BOOM_DOING_SEND, registry, "blocks", 5);
    assert_int_equal(boom_registry_dump(registry, file), 0);
    fclose(file);
    snprintf(line, sizeof(line), "1 ingest/store-0: send blocks (%p), 0.0", (void *)registry);
    assert_memory_equal(text, line, strlen(line));
    assert_non_null(strstr(text, " s, has a deadline\n"));
    free(text);
    boom_task_free(task);
    boom_registry_free(registry);
}

static void test_dump_to_a_full_disk(void **state)
{
    struct boom_registry *registry = new_registry();
    struct boom_task *task;
    FILE *file = fopen("/dev/full", "w");

    assert_non_null(file);
    setvbuf(file, NULL, _IONBF, 0);
    assert_int_equal(boom_task_new(registry, "t", "g", &task), 0);
    assert_int_equal(boom_registry_dump(registry, file), -EIO);
    fclose(file);
    boom_task_free(task);
    boom_registry_free(registry);
}

static void test_all_have_names(void **state)
{
    for (unsigned i = 0; i < BOOM_N_DOINGS; i++)
        assert_true(strlen(boom_doing_name((enum boom_doing)i)) > 1);
}

/* Two threads that each receive from what the other would send to. */
struct pair {
    struct boom_registry *registry;
    struct boom_group *group;
    struct boom_chan *chans[2];
    atomic_uint n;
};

static int recv_first(void *arg)
{
    struct pair *pair = arg;
    unsigned me = pair->n++;
    struct boom_task *self = boom_registry_self(pair->registry);
    char elem = 0;
    int r = boom_task_recv(self, pair->chans[me], "mine", boom_group_ctx(pair->group), &elem);

    if (r == 0)
        r = boom_task_send(self, pair->chans[1 - me], "theirs", boom_group_ctx(pair->group), &elem);
    return r;
}

static void pair_init(struct pair *pair)
{
    memset(pair, 0, sizeof(*pair));
    pair->registry = new_registry();
    assert_int_equal(boom_group_new(NULL, &pair->group), 0);
    assert_int_equal(boom_group_set_registry(pair->group, pair->registry, "pair"), 0);
    for (int i = 0; i < 2; i++)
        assert_int_equal(boom_chan_new(1, 0, &pair->chans[i]), 0);
    assert_int_equal(boom_group_go(pair->group, "left", recv_first, pair), 0);
    assert_int_equal(boom_group_go(pair->group, "right", recv_first, pair), 0);
    await_receivers(pair->chans[0], 1);
    await_receivers(pair->chans[1], 1);
}

static void pair_deinit(struct pair *pair)
{
    for (int i = 0; i < 2; i++)
        boom_chan_free(pair->chans[i]);
    boom_group_free(pair->group);
    boom_registry_free(pair->registry);
}

static void test_finds_those_who_wait_on_each_other(void **state)
{
    struct boom_stall_detector detector = {.stuck = false}, other = {.stuck = false};
    struct pair pair;

    pair_init(&pair);
    assert_int_equal(boom_group_set_registry(pair.group, NULL, NULL), -EBUSY);
    assert_int_equal(boom_registry_look(pair.registry, "pair", &detector), 0); /* a first look */
    assert_int_equal(detector.n_tasks, 2);
    assert_int_equal(boom_registry_look(pair.registry, "pair", &detector), BOOM_STALLED);
    assert_int_equal(boom_registry_look(pair.registry, "pair", &detector), BOOM_STALLED);
    assert_int_equal(boom_registry_look(pair.registry, "other", &other), 0);
    assert_int_equal(boom_registry_look(pair.registry, "other", &other), 0);
    assert_int_equal(other.n_tasks, 0);

    boom_ctx_cancel(boom_group_ctx(pair.group), 0);
    assert_int_equal(boom_group_wait(pair.group), -ECANCELED);
    assert_int_equal(boom_registry_look(pair.registry, "pair", &detector), 0);
    assert_int_equal(detector.n_tasks, 0);
    pair_deinit(&pair);
}

static void test_is_not_fooled_by_what_moves_or_will(void **state)
{
    struct boom_registry *registry = new_registry();
    struct boom_stall_detector detector = {.stuck = false};
    struct boom_task *task;
    static const enum boom_doing fine[] = {BOOM_DOING_RUN, BOOM_DOING_IO, BOOM_DOING_SLEEP,
                                           BOOM_DOING_IDLE};

    assert_int_equal(boom_task_new(registry, "t", "g", &task), 0);
    for (unsigned i = 0; i < 4; i++) {
        boom_task_waits(task, fine[i], NULL, NULL, BOOM_NEVER);
        for (int n = 0; n < 3; n++)
            assert_int_equal(boom_registry_look(registry, "g", &detector), 0);
    }
    /* the same wait, but another time */
    for (int n = 0; n < 3; n++) {
        boom_task_waits(task, BOOM_DOING_ACQUIRE, NULL, NULL, BOOM_NEVER);
        assert_int_equal(boom_registry_look(registry, "g", &detector), 0);
    }
    assert_int_equal(boom_registry_look(registry, "g", &detector), BOOM_STALLED);
    boom_task_waits(task, BOOM_DOING_ACQUIRE, NULL, NULL, 5);
    for (int n = 0; n < 3; n++)
        assert_int_equal(boom_registry_look(registry, "g", &detector), 0);
    boom_task_free(task);
    boom_registry_free(registry);
}

static void test_the_pair_moves_on(void **state)
{
    struct pair pair;
    char elem = 1;

    pair_init(&pair);
    assert_int_equal(boom_chan_send(pair.chans[0], NULL, &elem), 0);
    assert_int_equal(boom_chan_recv(pair.chans[0], NULL, &elem), 0);
    assert_int_equal(boom_group_wait(pair.group), 0);
    pair_deinit(&pair);
}

static void test_task_send_and_recv_return_as_the_channel(void **state)
{
    struct boom_chan *chan;
    struct boom_ctx *ctx;
    char elem = 'x';

    assert_int_equal(boom_chan_new(1, 1, &chan), 0);
    assert_int_equal(boom_ctx_with_cancel(NULL, &ctx), 0);
    assert_int_equal(boom_task_send(NULL, chan, NULL, ctx, &elem), 0);
    boom_ctx_cancel(ctx, 0);
    assert_int_equal(boom_task_send(NULL, chan, NULL, ctx, &elem), -ECANCELED);
    assert_int_equal(boom_task_recv(NULL, chan, NULL, ctx, &elem), -ECANCELED);
    boom_chan_close(chan);
    assert_int_equal(boom_task_send(NULL, chan, NULL, NULL, &elem), -EPIPE);
    assert_int_equal(boom_task_recv(NULL, chan, NULL, NULL, &elem), 0);
    assert_int_equal(boom_task_recv(NULL, chan, NULL, NULL, &elem), BOOM_CHAN_CLOSED);
    boom_ctx_unref(ctx);
    boom_chan_free(chan);
}

struct gate {
    struct boom_registry *registry;
    sem_t entered, go_on;
};

static void pass_gate(struct boom_ctx *ctx, void *arg)
{
    struct gate *gate = arg;

    boom_task_waits(boom_registry_self(gate->registry), BOOM_DOING_IO, gate, "gate", BOOM_NEVER);
    sem_post(&gate->entered);
    wait_sem(&gate->go_on);
}

static void test_workers_of_a_pool_are_tasks(void **state)
{
    struct gate gate = {.registry = new_registry()};
    struct boom_pool_options options = {
        .name = "pool", .workers_min = 2, .workers_max = 2, .queue = 4, .registry = gate.registry};
    struct boom_stall_detector detector = {.stuck = false};
    struct boom_pool *pool;

    sem_init(&gate.entered, 0, 0);
    sem_init(&gate.go_on, 0, 0);
    assert_int_equal(boom_pool_new(NULL, &options, &pool), 0);
    AWAIT(count_doing(gate.registry, BOOM_DOING_IDLE) == 2);
    for (int n = 0; n < 2; n++) /* all idle: that is none's fault */
        assert_int_equal(boom_registry_look(gate.registry, "pool", &detector), 0);
    assert_int_equal(detector.n_tasks, 2);
    assert_int_equal(boom_pool_submit(pool, NULL, pass_gate, &gate), 0);
    wait_sem(&gate.entered);
    assert_int_equal(count_doing(gate.registry, BOOM_DOING_IO), 1);
    sem_post(&gate.go_on);
    AWAIT(count_doing(gate.registry, BOOM_DOING_IDLE) == 2);
    assert_int_equal(boom_pool_drain(pool, NULL), 0);
    assert_int_equal(look_around(gate.registry).n, 0);
    boom_pool_free(pool);
    boom_registry_free(gate.registry);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_task_says_what_it_does),
        cmocka_unit_test(test_dump_has_a_line_for_each),
        cmocka_unit_test(test_dump_to_a_full_disk),
        cmocka_unit_test(test_all_have_names),
        cmocka_unit_test(test_finds_those_who_wait_on_each_other),
        cmocka_unit_test(test_is_not_fooled_by_what_moves_or_will),
        cmocka_unit_test(test_the_pair_moves_on),
        cmocka_unit_test(test_task_send_and_recv_return_as_the_channel),
        cmocka_unit_test(test_workers_of_a_pool_are_tasks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

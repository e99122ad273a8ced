/* SPDX-License-Identifier: MIT */
/*
 * Receivers before a pipeline that has a gate: while it is shut, what was received stays in flight,
 * so that quotas and the pool run out when the test wants them to.
 */
#include <arpa/inet.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include <boom/group.h>
#include "daemon/receiver.h"
#include "daemon/socket.h"

#define CAPACITY  (64u << 10)
#define RECORDS   1024
#define MAX_LINE  2048
#define INPUTS    3
#define LIMIT_NS  (60 * 1000000000ll)
#define LINE_TEXT "<13>1 - - lane - - - a line of the flood, %07u"

struct gate {
    pthread_mutex_t lock;
    pthread_cond_t opened;
    bool is_open;
};

static struct config config;
static struct config_input configs[INPUTS];
static struct input_state inputs[INPUTS];
static struct ledger ledger;
static struct gate gate = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false};
static struct batch_pool *pool;
static struct boom_ctx *root;
static struct boom_pipeline *pipeline;
static struct boom_group *receiving;
static struct receiver *receiver;
static struct front front;

/*
 * ---- the pipeline
 * ------------------------------------------------------------------------------------------
 */

static void set_gate(bool is_open)
{
    pthread_mutex_lock(&gate.lock);
    gate.is_open = is_open;
    pthread_cond_broadcast(&gate.opened);
    pthread_mutex_unlock(&gate.lock);
}

static void pass_gate(void *arg, void *worker, void **items, size_t n_items)
{
    pthread_mutex_lock(&gate.lock);
    while (!gate.is_open)
        pthread_cond_wait(&gate.opened, &gate.lock);
    pthread_mutex_unlock(&gate.lock);
}

static void store(void *arg, void *worker, void **items, size_t n_items)
{
    for (size_t i = 0; i < n_items; i++) {
        struct batch *batch = items[i];
        batch->n_stored = batch->n_records;
        batch_pool_put(pool, batch);
    }
}

static void drop(void *arg, void *item, enum boom_drop_reason reason)
{
    batch_drop(item, STAGE_STORE, DROP_QUEUE_FULL);
    batch_pool_put(pool, item);
}

static enum boom_full_policy policy_of(void *arg, const void *item)
{
    return ((const struct batch *)item)->blocks ? BOOM_FULL_BLOCK : BOOM_FULL_DROP_NEWEST;
}

static void start_pipeline(void)
{
    static const struct boom_stage_ops ops = {.work = pass_gate, .leave = store, .drop = drop};
    struct boom_stage_options options = BOOM_STAGE_OPTIONS_DEFAULT;
    options.name = "gate";
    options.ops = &ops;
    options.policy = policy_of;
    assert_int_equal(boom_pipeline_start(root, &options, 1, &pipeline), 0);
}

/*
 * ---- the rig
 * ------------------------------------------------------------------------------------------
 */

static int setup(void **state)
{
    memset(configs, 0, sizeof(configs));
    memset(inputs, 0, sizeof(inputs));
    for (uint16_t i = 0; i < INPUTS; i++) {
        configs[i] = (struct config_input){.name = (char *)"net",
                                           .on_full = ON_FULL_BLOCK,
                                           .max_line = MAX_LINE,
                                           .max_connections = 10,
                                           .receive_buffer = 1u << 20};
        inputs[i].config = &configs[i];
        inputs[i].index = i;
    }
    config = (struct config){.inputs = configs, .n_inputs = INPUTS};
    set_gate(false);
    return ledger_init(&ledger, INPUTS);
}

static void start(size_t n_batches)
{
    const struct batch_pool_options options = {
        .budget_bytes = n_batches * batch_bytes(CAPACITY, RECORDS),
        .capacity = CAPACITY,
        .max_records = RECORDS,
        .settle = ledger_settle,
        .arg = &ledger,
    };
    assert_int_equal(batch_pool_new(&options, &pool), 0);
    assert_int_equal(boom_ctx_with_cancel(NULL, &root), 0);
    start_pipeline();
    front = (struct front){
        .config = &config,
        .pool = pool,
        .pipeline = pipeline,
        .ledger = &ledger,
        .inputs = inputs,
        .n_inputs = INPUTS,
        .datagrams = DATAGRAMS_A_CALL_MAX,
        .carry_max = 1u << 20,
        .descriptors_max = 10000,
    };
    assert_int_equal(receiver_new(&front, 0, &receiver), 0);
}

/* Listens for an input; returns the port. */
static uint16_t listen_for(uint16_t input, enum config_scheme scheme)
{
    struct sockaddr_in loopback = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    struct socket_address address = {.len = sizeof(loopback)};
    memcpy(&address.storage, &loopback, sizeof(loopback));
    int fd;
    assert_int_equal(socket_open(scheme, &address, configs[input].receive_buffer, &fd, 1), 0);
    socklen_t len = sizeof(loopback);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&loopback, &len), 0);
    int r = scheme == SCHEME_UDP ? receiver_add_udp(receiver, input, fd)
                                 : receiver_add_listener(receiver, input, fd);
    assert_int_equal(r, 0);
    return ntohs(loopback.sin_port);
}

static void run(void)
{
    assert_int_equal(boom_group_new(root, &receiving), 0);
    assert_int_equal(boom_group_go(receiving, "receiver", receiver_run, receiver), 0);
}

static void stop(void)
{
    set_gate(true);
    receiver_stop(receiver, root);
    assert_int_equal(boom_group_wait(receiving), 0);
    assert_int_equal(boom_pipeline_drain(pipeline, root), 0);
}

static void tear_down(void)
{
    boom_group_free(receiving);
    receiver_free(receiver);
    boom_pipeline_free(pipeline);
    batch_pool_free(pool); /* asserts that all batches are back */
    boom_ctx_unref(root);
    for (size_t i = 0; i < INPUTS; i++)
        assert_int_equal(inputs[i].quota.n_held, 0);
    ledger_deinit(&ledger);
}

/*
 * ---- senders
 * ------------------------------------------------------------------------------------------
 */

static int connect_to(uint16_t port, int type)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
    return fd;
}

struct flood {
    pthread_t thread;
    uint16_t port;
    unsigned n_lines;
};

static void *send_lines(void *arg)
{
    struct flood *flood = arg;
    int fd = connect_to(flood->port, SOCK_STREAM);
    FILE *stream = fdopen(fd, "w");
    for (unsigned i = 0; i < flood->n_lines; i++)
        fprintf(stream, LINE_TEXT "\n", i);
    fclose(stream);
    return NULL;
}

static void flood_start(struct flood *flood, uint16_t port, unsigned n_lines)
{
    *flood = (struct flood){.port = port, .n_lines = n_lines};
    assert_int_equal(pthread_create(&flood->thread, NULL, send_lines, flood), 0);
}

/*
 * ---- facts
 * ------------------------------------------------------------------------------------------
 */

static struct ledger_input input_now(uint16_t input)
{
    struct ledger_input now[INPUTS];
    struct ledger_totals totals;
    ledger_read(&ledger, now, &totals);
    assert_int_equal(totals.residual, 0);
    return now[input];
}

static uint32_t batches_in_use(void)
{
    struct batch_pool_stats stats;
    batch_pool_get_stats(pool, &stats);
    return stats.n_batches - stats.n_free;
}

#define WAIT_FOR(fact)                                                                             \
    do {                                                                                           \
        int64_t give_up_ns = boom_now_ns() + LIMIT_NS;                                             \
        while (!(fact)) {                                                                          \
            assert_true(boom_now_ns() < give_up_ns);                                               \
            sched_yield();                                                                         \
        }                                                                                          \
    } while (0)

static bool is_paused(uint16_t input)
{
    return atomic_load(&inputs[input].lanes_paused) > 0;
}

/*
 * ---- tests
 * ------------------------------------------------------------------------------------------
 */

static void a_flood_keeps_to_its_quota(void **state)
{
    struct flood flood;
    inputs[0].quota.max = 3;
    configs[1].on_full = ON_FULL_DROP;
    start(8);
    uint16_t flooded = listen_for(0, SCHEME_TCP), other = listen_for(1, SCHEME_UDP);
    run();
    flood_start(&flood, flooded, 50000);
    WAIT_FOR(is_paused(0));
    assert_int_equal(batches_in_use(), 3);

    /* An input that drops, on the same receiver, finds memory. */
    int fd = connect_to(other, SOCK_DGRAM);
    for (unsigned i = 1; i <= 3; i++) {
        assert_int_equal(send(fd, "<13>1 - - other - - - line", 26, 0), 26);
        WAIT_FOR(input_now(1).received == i);
    }
    close(fd);
    assert_true(is_paused(0));
    assert_int_equal(input_now(1).in_flight, 3);
    assert_int_equal(batches_in_use(), 6);

    set_gate(true);
    pthread_join(flood.thread, NULL);
    WAIT_FOR(input_now(0).stored == 50000 && input_now(1).stored == 3);
    struct batch_pool_stats stats;
    batch_pool_get_stats(pool, &stats);
    assert_int_equal(stats.high_water_bytes, 6 * batch_bytes(CAPACITY, RECORDS));
    stop();
    tear_down();
}

static void quotas_of_more_than_there_is(void **state)
{
    struct flood floods[INPUTS * 2];
    uint16_t ports[INPUTS];
    start(4);
    for (uint16_t i = 0; i < INPUTS; i++) {
        inputs[i].quota.max = i + 1;
        ports[i] = listen_for(i, SCHEME_TCP);
    }
    run();
    for (size_t i = 0; i < INPUTS * 2; i++)
        flood_start(&floods[i], ports[i / 2], 20000);
    WAIT_FOR(is_paused(0) && is_paused(1) && is_paused(2));
    set_gate(true);
    for (size_t i = 0; i < INPUTS * 2; i++)
        pthread_join(floods[i].thread, NULL);
    for (uint16_t i = 0; i < INPUTS; i++)
        WAIT_FOR(input_now(i).stored == 40000);
    stop();
    tear_down();
}

/* The kernel holds what is not read: 150 datagrams are less than its smallest buffer. */
static void datagrams_wait_for_room(void **state)
{
    char datagram[1500];
    memset(datagram, 'x', sizeof(datagram));
    inputs[0].quota.max = 2;
    start(4);
    int fd = connect_to(listen_for(0, SCHEME_UDP), SOCK_DGRAM);
    run();
    for (unsigned i = 0; i < 150; i++)
        assert_int_equal(send(fd, datagram, sizeof(datagram), 0), sizeof(datagram));
    close(fd);
    WAIT_FOR(is_paused(0));
    set_gate(true);
    WAIT_FOR(input_now(0).received == 150);
    WAIT_FOR(input_now(0).stored == 150);
    stop();
    tear_down();
}

/* Parked by the pause, each with its own unfinished business, and read out when all ends. */
static void a_drain_reads_what_is_parked(void **state)
{
    struct flood floods[4];
    inputs[0].quota.max = 2;
    start(4);
    uint16_t port = listen_for(0, SCHEME_TCP);
    run();
    for (size_t i = 0; i < 4; i++)
        flood_start(&floods[i], port, 1000);
    for (size_t i = 0; i < 4; i++)
        pthread_join(floods[i].thread, NULL);
    WAIT_FOR(is_paused(0));
    stop();
    assert_int_equal(input_now(0).stored, 4000);
    tear_down();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_flood_keeps_to_its_quota, setup),
        cmocka_unit_test_setup(quotas_of_more_than_there_is, setup),
        cmocka_unit_test_setup(datagrams_wait_for_room, setup),
        cmocka_unit_test_setup(a_drain_reads_what_is_parked, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

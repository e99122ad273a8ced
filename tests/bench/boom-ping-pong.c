/* SPDX-License-Identifier: MIT */
/*
 * Two threads that each wait for the other: nanoseconds for one hand-over, there or back, which is
 * at best a wake-up and a switch of threads. BENCH_OPS: how many hand-overs (100000).
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include <boom/chan.h>

#include "best.h"
#include "queues.h"

enum { REPEATS = 10 };

/* Two queues, or two channels of a capacity. */
struct table {
    const char *name;
    void *queues[2];
    struct boom_chan *chans[2];
    struct boom_ctx *live;
    size_t n;
};

static void hit(struct table *table, int to)
{
    void *ball = table;

    if (table->queues[to])
        plain_queue.send(table->queues[to], ball);
    else if (boom_chan_send(table->chans[to], table->live, &ball) < 0)
        abort();
}

static void catch (struct table *table, int from)
{
    void *ball;

    if (table->queues[from])
        plain_queue.recv(table->queues[from]);
    else if (boom_chan_recv(table->chans[from], table->live, &ball) != 0)
        abort();
}

static void *return_all(void *arg)
{
    struct table *table = arg;

    for (size_t i = 0; i < table->n / 2; i++) {
        catch (table, 0);
        hit(table, 1);
    }
    return NULL;
}

static double measure(void *arg)
{
    struct table *table = arg;
    pthread_t other;
    int64_t begin_ns;

    if (pthread_create(&other, NULL, return_all, table) != 0)
        abort();
    begin_ns = boom_now_ns();
    for (size_t i = 0; i < table->n / 2; i++) {
        hit(table, 0);
        catch (table, 1);
    }
    begin_ns = boom_now_ns() - begin_ns;
    pthread_join(other, NULL);
    return (double)begin_ns / (double)table->n;
}

static void compare(struct table *tables, size_t n_tables)
{
    for (size_t i = 0; i < n_tables; i++) {
        tables[i].n = bench_ops(100000) / REPEATS;
        printf("ping-pong, %s: %.0f ns\n", tables[i].name, best_of(REPEATS, measure, &tables[i]));
    }
}

int main(void)
{
    struct table tables[] = {{.name = "mutex+condvar"},
                             {.name = "boom_chan of capacity 1"},
                             {.name = "boom_chan of capacity 0"}};
    struct boom_ctx *live;

    if (boom_ctx_with_cancel(NULL, &live) < 0)
        return 1;
    for (int i = 0; i < 2; i++) {
        tables[0].queues[i] = plain_queue.make();
        if (boom_chan_new(sizeof(void *), 1, &tables[1].chans[i]) < 0 ||
            boom_chan_new(sizeof(void *), 0, &tables[2].chans[i]) < 0)
            return 1;
    }
    tables[1].live = tables[2].live = live;
    compare(tables, sizeof(tables) / sizeof(tables[0]));
    for (int i = 0; i < 2; i++) {
        plain_queue.free(tables[0].queues[i]);
        boom_chan_free(tables[1].chans[i]);
        boom_chan_free(tables[2].chans[i]);
    }
    boom_ctx_unref(live);
    return 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * As outside.c, for what stands around channels: fans, limiters, retries, the registry, and fds for
 * event loops. Compiled outside of the tree, as C11 and as C++17.
 */
#include <boom/fan.h>
#include <boom/rate.h>
#include <boom/registry.h>
#include <boom/retry.h>

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#define CHECK(fact)                                                                                \
    do {                                                                                           \
        if (!(fact)) {                                                                             \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #fact);                     \
            return 1;                                                                              \
        }                                                                                          \
    } while (0)

enum { LANES = 3, ELEMENTS = 100 };

struct numbers {
    struct boom_chan *chan;
    int values[ELEMENTS]; /* written by the sender, read by the receiver: the channels order both */
};

static int send_numbers(void *arg)
{
    struct numbers *numbers = (struct numbers *)arg;
    int r = 0;

    for (int i = 0; i < ELEMENTS && r == 0; i++) {
        int *value = &numbers->values[i];

        *value = i;
        r = boom_chan_send(numbers->chan, NULL, &value);
    }
    return r < 0 ? r : boom_chan_close(numbers->chan);
}

/* Out over three lanes and in again, in order, each closed once. */
static int check_fan(void)
{
    struct boom_chan *lanes[LANES], *sink;
    struct boom_group *group;
    struct numbers numbers;
    int *value = NULL;
    int n = 0;

    memset(&numbers, 0, sizeof(numbers));
    CHECK(boom_group_new(NULL, &group) == 0);
    CHECK(boom_chan_new(sizeof(int *), 2, &numbers.chan) == 0);
    CHECK(boom_chan_new(sizeof(int *), 0, &sink) == 0);
    for (int i = 0; i < LANES; i++)
        CHECK(boom_chan_new(sizeof(int *), 2, &lanes[i]) == 0);
    CHECK(boom_fan_out(group, numbers.chan, lanes, LANES, NULL) == 0);
    CHECK(boom_fan_in_ordered(group, lanes, LANES, sink, NULL) == 0);
    CHECK(boom_group_go(group, "numbers", send_numbers, &numbers) == 0);
    while (boom_chan_recv(sink, NULL, &value) == 0)
        CHECK(*value == n++);
    CHECK(n == ELEMENTS && boom_chan_is_closed(sink));
    CHECK(boom_group_wait(group) == 0);
    for (int i = 0; i < LANES; i++)
        boom_chan_free(lanes[i]);
    boom_chan_free(sink);
    boom_chan_free(numbers.chan);
    boom_group_free(group);
    return 0;
}

static int third_time(struct boom_ctx *ctx, void *arg, unsigned attempt)
{
    (void)ctx;
    return attempt < *(unsigned *)arg ? -EAGAIN : 0;
}

static int check_retry(void)
{
    struct boom_retry_options options = BOOM_RETRY_OPTIONS_DEFAULT;
    struct boom_retry_report report;
    unsigned good = 3, never = 1000;

    options.base_ns = 1000;
    CHECK(boom_retry(NULL, &options, third_time, &good, &report) == 0);
    CHECK(report.end == BOOM_RETRY_SUCCESS && report.attempts == 3);
    CHECK(boom_retry(NULL, &options, third_time, &never, &report) == -EAGAIN);
    CHECK(report.end == BOOM_RETRY_ATTEMPTS && report.attempts == options.max_attempts);
    return 0;
}

static int check_rate(void)
{
    struct boom_rate *rate;
    struct boom_ctx *soon;

    CHECK(boom_rate_new(boom_limit_every_ns(3600 * (int64_t)1000000000), 2, NULL, &rate) == 0);
    CHECK(boom_rate_allow(rate, 1) && boom_rate_wait(rate, NULL, 1) == 0);
    CHECK(!boom_rate_allow(rate, 1) && boom_rate_wait(rate, NULL, 3) == -E2BIG);
    CHECK(boom_ctx_with_timeout(NULL, (int64_t)1000000000, &soon) == 0);
    CHECK(boom_rate_wait(rate, soon, 1) == -ETIMEDOUT); /* at once */
    boom_ctx_unref(soon);
    boom_rate_free(rate);
    return 0;
}

static void count_stuck(void *arg, const struct boom_task_info *info)
{
    *(int *)arg += info->doing == BOOM_DOING_RECV && strcmp(info->group, "crew") == 0;
}

struct lost {
    struct boom_registry *registry;
    struct boom_chan *nothing, *here;
    struct boom_group *group;
};

static int wait_forever(void *arg)
{
    struct lost *lost = (struct lost *)arg;
    struct boom_task *self = boom_registry_self(lost->registry);
    char byte = 0;

    boom_task_waits(self, BOOM_DOING_RECV, lost->nothing, "nothing", BOOM_NEVER);
    boom_chan_send(lost->here, NULL, &byte);
    return boom_chan_recv(lost->nothing, boom_group_ctx(lost->group), &byte);
}

/* A group that waits for what nobody sends is found, and can be cancelled. */
static int check_registry(void)
{
    struct boom_stall_detector detector;
    struct lost lost;
    int n = 0;
    char byte;

    memset(&detector, 0, sizeof(detector));
    CHECK(boom_registry_new(&lost.registry) == 0 && boom_group_new(NULL, &lost.group) == 0);
    CHECK(boom_chan_new(1, 0, &lost.nothing) == 0 && boom_chan_new(1, 0, &lost.here) == 0);
    CHECK(boom_group_set_registry(lost.group, lost.registry, "crew") == 0);
    CHECK(boom_group_go(lost.group, "lost", wait_forever, &lost) == 0);
    CHECK(boom_chan_recv(lost.here, NULL, &byte) == 0);
    CHECK(boom_registry_each(lost.registry, count_stuck, &n) == 0 && n == 1);
    CHECK(boom_registry_look(lost.registry, "crew", &detector) == 0);
    CHECK(boom_registry_look(lost.registry, "crew", &detector) == BOOM_STALLED);
    boom_ctx_cancel(boom_group_ctx(lost.group), -EDEADLK);
    CHECK(boom_group_wait(lost.group) == -ECANCELED);
    boom_group_free(lost.group);
    boom_chan_free(lost.here);
    boom_chan_free(lost.nothing);
    boom_registry_free(lost.registry);
    return 0;
}

static bool is_readable(int fd, int timeout_ms)
{
    struct pollfd poll_fd = {fd, POLLIN, 0};

    return poll(&poll_fd, 1, timeout_ms) == 1;
}

/* An event loop that waits for a channel and for a context. */
static int check_fds(void)
{
    struct boom_chan_fd *readable;
    struct boom_group *group;
    struct numbers numbers;
    struct boom_ctx *ctx;
    int *value = NULL;
    int n = 0, r;

    memset(&numbers, 0, sizeof(numbers));
    CHECK(boom_group_new(NULL, &group) == 0 && boom_ctx_with_cancel(NULL, &ctx) == 0);
    CHECK(boom_chan_new(sizeof(int *), 4, &numbers.chan) == 0);
    CHECK(boom_chan_fd_new(numbers.chan, BOOM_CHAN_READABLE, &readable) == 0);
    CHECK(!is_readable(boom_chan_fd_get(readable), 0) && !is_readable(boom_ctx_fd(ctx), 0));
    CHECK(boom_group_go(group, "numbers", send_numbers, &numbers) == 0);
    do {
        CHECK(is_readable(boom_chan_fd_get(readable), 60000));
        while ((r = boom_chan_try_recv(numbers.chan, &value)) == 0)
            CHECK(*value == n++);
        boom_chan_fd_arm(readable);
    } while (r != BOOM_CHAN_CLOSED);
    CHECK(n == ELEMENTS);
    boom_ctx_cancel(ctx, 0);
    CHECK(is_readable(boom_ctx_fd(ctx), 60000));
    CHECK(boom_group_wait(group) == 0);
    boom_chan_fd_free(readable);
    boom_chan_free(numbers.chan);
    boom_ctx_unref(ctx);
    boom_group_free(group);
    return 0;
}

int main(void)
{
    return check_fan() || check_retry() || check_rate() || check_registry() || check_fds();
}

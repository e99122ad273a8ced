/* SPDX-License-Identifier: MIT */
/* The classic programs on Go's channels behave as in Go. */
#include <boom/select.h>

#include "boom-test.h"

static struct boom_chan *new_chan(size_t capacity)
{
    struct boom_chan *chan;

    assert_int_equal(boom_chan_new(sizeof(int), capacity, &chan), 0);
    return chan;
}

/*
 * Double select: two threads, each ready to send to and receive from the other over the same two
 * channels, which they name in opposite order. Every exchange is one send and one receive.
 */
enum { EXCHANGES = 5000 };

struct dancer {
    struct boom_chan *first, *second;
    unsigned sent, received;
    bool sends_first;
};

static void *dance(void *arg)
{
    struct dancer *dancer = arg;

    for (int i = 0; i < EXCHANGES; i++) {
        int in = i, out = 0;
        size_t index;
        struct boom_case send_first[] = {BOOM_CASE_SEND(dancer->first, &in),
                                         BOOM_CASE_RECV(dancer->second, &out)};
        struct boom_case recv_first[] = {BOOM_CASE_RECV(dancer->first, &out),
                                         BOOM_CASE_SEND(dancer->second, &in)};
        struct boom_case *cases = dancer->sends_first ? send_first : recv_first;

        assert_int_equal(boom_select(NULL, cases, 2, &index), 0);
        assert_int_equal(cases[index].result, 0);
        if (cases[index].op == BOOM_SEND)
            dancer->sent++;
        else
            dancer->received++;
    }
    return NULL;
}

static void test_double_select(void **state)
{
    struct boom_chan *a = new_chan(0), *b = new_chan(0);
    struct dancer left = {.first = a, .second = b, .sends_first = true};
    struct dancer right = {.first = a, .second = b, .sends_first = false};
    pthread_t thread = spawn(dance, &left);

    dance(&right);
    join(thread);
    assert_int_equal(left.sent + left.received, EXCHANGES);
    assert_int_equal(left.sent, right.received);
    assert_int_equal(left.received, right.sent);
    boom_chan_free(a);
    boom_chan_free(b);
}

/* The prime sieve: a generator, and one filter thread a prime, over rendezvous. */
enum { N_PRIMES = 25 };

struct filter {
    struct boom_chan *in, *out, *quit;
    int prime;
};

/* False: told to quit. */
static bool sieve_step(struct filter *filter, struct boom_chan *chan, enum boom_case_op op, int *n)
{
    int nothing;
    size_t index;
    struct boom_case cases[] = {{.op = op, .chan = chan, .elem = n},
                                BOOM_CASE_RECV(filter->quit, &nothing)};

    assert_int_equal(boom_select(NULL, cases, 2, &index), 0);
    return index == 0;
}

static void *generate(void *arg)
{
    struct filter *filter = arg;
    int n = 2;

    while (sieve_step(filter, filter->out, BOOM_SEND, &n))
        n++;
    return NULL;
}

static void *sift(void *arg)
{
    struct filter *filter = arg;
    int n;

    while (sieve_step(filter, filter->in, BOOM_RECV, &n))
        if (n % filter->prime != 0 && !sieve_step(filter, filter->out, BOOM_SEND, &n))
            break;
    return NULL;
}

static void test_prime_sieve(void **state)
{
    struct filter filters[N_PRIMES + 1];
    pthread_t threads[N_PRIMES + 1];
    struct boom_chan *quit = new_chan(0);
    int prime = 0;

    filters[0] = (struct filter){.out = new_chan(0), .quit = quit};
    threads[0] = spawn(generate, &filters[0]);
    for (int i = 1; i <= N_PRIMES; i++) {
        assert_int_equal(boom_chan_recv(filters[i - 1].out, NULL, &prime), 0);
        filters[i] = (struct filter){filters[i - 1].out, new_chan(0), quit, prime};
        threads[i] = spawn(sift, &filters[i]);
    }
    assert_int_equal(prime, 97);
    boom_chan_close(quit);
    for (int i = 0; i <= N_PRIMES; i++)
        join(threads[i]);
    for (int i = 0; i <= N_PRIMES; i++)
        boom_chan_free(filters[i].out);
    boom_chan_free(quit);
}

struct table {
    struct boom_chan *ping, *pong;
};

static void *play(void *arg)
{
    struct table *table = arg;
    int ball;

    while (boom_chan_recv(table->ping, NULL, &ball) == 0) {
        ball++;
        assert_int_equal(boom_chan_send(table->pong, NULL, &ball), 0);
    }
    return NULL;
}

static void test_ping_pong(void **state)
{
    struct table table = {new_chan(0), new_chan(0)};
    pthread_t thread = spawn(play, &table);
    int ball = 0;
    size_t index;

    for (int i = 1; i <= 1000; i++) {
        struct boom_case serve[] = {BOOM_CASE_RECV(table.pong, &ball),
                                    BOOM_CASE_SEND(table.ping, &ball)};

        assert_int_equal(boom_select(NULL, serve, 2, &index), 0);
        assert_int_equal(index, 1); /* the other does not return a ball that it has not */
        assert_int_equal(boom_chan_recv(table.pong, NULL, &ball), 0);
        assert_int_equal(ball, i);
    }
    boom_chan_close(table.ping);
    join(thread);
    boom_chan_free(table.ping);
    boom_chan_free(table.pong);
}

/* A thousand senders, half of them in a select, and a receiver that selects: each once. */
enum { N_SENDERS = 1000 };

struct sender {
    struct boom_chan *chan, *never;
    int value;
};

static void *send_one(void *arg)
{
    struct sender *sender = arg;
    int nothing;
    size_t index;
    struct boom_case cases[] = {BOOM_CASE_RECV(sender->never, &nothing),
                                BOOM_CASE_SEND(sender->chan, &sender->value)};

    if (sender->value % 2) {
        assert_int_equal(boom_select(NULL, cases, 2, &index), 0);
        assert_int_equal(index, 1);
    } else {
        assert_int_equal(boom_chan_send(sender->chan, NULL, &sender->value), 0);
    }
    return NULL;
}

static pthread_t spawn_small(void *(*fn)(void *arg), void *arg)
{
    pthread_attr_t attr;
    pthread_t thread;

    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, 256 * 1024);
    assert_int_equal(pthread_create(&thread, &attr, fn, arg), 0);
    pthread_attr_destroy(&attr);
    return thread;
}

static void test_a_thousand_senders(void **state)
{
    static struct sender senders[N_SENDERS];
    static pthread_t threads[N_SENDERS];
    static bool seen[N_SENDERS];
    struct boom_chan *chan = new_chan(0), *never = new_chan(0);
    int value = -1;
    size_t index;
    struct boom_case cases[] = {BOOM_CASE_RECV(chan, &value), BOOM_CASE_RECV(never, &value)};

    for (int i = 0; i < N_SENDERS; i++) {
        senders[i] = (struct sender){chan, never, i};
        threads[i] = spawn_small(send_one, &senders[i]);
    }
    await_senders(chan, N_SENDERS);
    for (int i = 0; i < N_SENDERS; i++) {
        assert_int_equal(boom_select(NULL, cases, 2, &index), 0);
        assert_int_equal(index, 0);
        assert_true(value >= 0 && value < N_SENDERS && !seen[value]);
        seen[value] = true;
    }
    for (int i = 0; i < N_SENDERS; i++)
        join(threads[i]);
    boom_chan_free(chan);
    boom_chan_free(never);
}

/* A receiver that always has something to do with one channel gets to the other as well. */
static void test_no_case_starves(void **state)
{
    struct boom_chan *busy = new_chan(1), *quiet = new_chan(1);
    int value = 0, n = 0;
    size_t index = 0;
    struct boom_case cases[] = {BOOM_CASE_RECV(busy, &value), BOOM_CASE_RECV(quiet, &value)};

    assert_int_equal(boom_chan_send(quiet, NULL, &value), 0);
    while (index == 0) {
        boom_chan_try_send(busy, &value);
        assert_int_equal(boom_select(NULL, cases, 2, &index), 0);
        assert_true(++n < 200);
    }
    boom_chan_free(busy);
    boom_chan_free(quiet);
}

/*
 * Several close a channel that others send on and receive from, each by a plain call or a select.
 * One close succeeds; every send either is received or is told that it came too late (where Go
 * panics); everybody comes back.
 */
enum { RACE_ROUNDS = 200, N_EACH = 3 };

struct racer {
    struct boom_chan *chan;
    bool selects;
    int n, last; /* calls that succeeded, and what the last one said */
};

static int race_once(struct racer *racer, enum boom_case_op op)
{
    int value = 0;
    size_t index;
    struct boom_case only = {.op = op, .chan = racer->chan, .elem = &value};

    if (racer->selects)
        return boom_select(NULL, &only, 1, &index) == 0 ? only.result : -EIO;
    return op == BOOM_SEND ? boom_chan_send(racer->chan, NULL, &value)
                           : boom_chan_recv(racer->chan, NULL, &value);
}

static void *race_to_send(void *arg)
{
    struct racer *racer = arg;

    while ((racer->last = race_once(racer, BOOM_SEND)) == 0)
        racer->n++;
    return NULL;
}

static void *race_to_receive(void *arg)
{
    struct racer *racer = arg;

    while ((racer->last = race_once(racer, BOOM_RECV)) == 0)
        racer->n++;
    return NULL;
}

static void *race_to_close(void *arg)
{
    struct racer *racer = arg;

    racer->last = boom_chan_close(racer->chan);
    racer->n = racer->last == 0;
    return NULL;
}

static void play_close_race(size_t capacity)
{
    static const struct {
        void *(*fn)(void *arg);
        int last;
    } kinds[] = {
        {race_to_send, -EPIPE}, {race_to_receive, BOOM_CHAN_CLOSED}, {race_to_close, -EALREADY}};
    struct boom_chan *chan = new_chan(capacity);
    struct racer racers[3][N_EACH];
    pthread_t threads[3][N_EACH];
    int n[3] = {0};

    for (int i = 0; i < N_EACH; i++)
        for (int k = 0; k < 3; k++) {
            racers[k][i] = (struct racer){.chan = chan, .selects = i % 2};
            threads[k][i] = spawn_small(kinds[k].fn, &racers[k][i]);
        }
    for (int i = 0; i < N_EACH; i++)
        for (int k = 0; k < 3; k++) {
            join(threads[k][i]);
            n[k] += racers[k][i].n;
            assert_true(racers[k][i].last == kinds[k].last || (k == 2 && racers[k][i].last == 0));
        }
    assert_int_equal(n[0], n[1]);
    assert_int_equal(n[2], 1);
    boom_chan_free(chan);
}

static void test_close_races(void **state)
{
    for (size_t round = 0; round < RACE_ROUNDS; round++)
        play_close_race(round % 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_double_select),   cmocka_unit_test(test_prime_sieve),
        cmocka_unit_test(test_ping_pong),       cmocka_unit_test(test_a_thousand_senders),
        cmocka_unit_test(test_no_case_starves), cmocka_unit_test(test_close_races),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

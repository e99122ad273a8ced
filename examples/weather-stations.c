/* SPDX-License-Identifier: MIT */
/*
 * Fan-out to a thousand weather stations, sixty-four asked at a time, and fan-in into one channel.
 * Many send, so none of them may close it: one function waits for all, then closes it, once.
 *
 *            ┌▶ station ─┐
 *   ask all ─┼▶ station ─┼──▶ [readings] ──▶ warmest, coldest, mean
 *            └▶ station ─┘
 */
#include <boom/chan.h>
#include <boom/group.h>

#include <stdint.h>
#include <stdio.h>

enum { STATIONS = 1000, AT_ONCE = 64 };

struct reading {
    unsigned station;
    double celsius;
};

static struct boom_chan *readings; /* of struct reading */
static struct boom_group *stations;

/* Stands for a request over the network. */
static double measure(unsigned station)
{
    return -20 + (station * 37 % STATIONS) * 0.06;
}

static int ask_station(void *arg)
{
    unsigned station = (unsigned)(uintptr_t)arg;
    struct reading reading = {station, measure(station)};

    return boom_chan_send(readings, boom_group_ctx(stations), &reading);
}

static int ask_all(void *arg)
{
    int r = 0, waited;

    (void)arg;
    for (uintptr_t i = 0; i < STATIONS && r == 0; i++)
        r = boom_group_go(stations, "station", ask_station, (void *)i);
    waited = boom_group_wait(stations);
    boom_chan_close(readings);
    return r < 0 ? r : waited;
}

static unsigned report(void)
{
    struct reading reading, warmest = {0, -1000}, coldest = {0, 1000};
    double sum = 0;
    unsigned n = 0;

    while (boom_chan_recv(readings, NULL, &reading) == 0) {
        warmest = reading.celsius > warmest.celsius ? reading : warmest;
        coldest = reading.celsius < coldest.celsius ? reading : coldest;
        sum += reading.celsius;
        n++;
    }
    printf("%u stations: %.1f to %.1f degrees (stations %u and %u), %.2f in the mean\n", n,
           coldest.celsius, warmest.celsius, coldest.station, warmest.station, n ? sum / n : 0.0);
    return n;
}

int main(void)
{
    struct boom_group *askers;
    unsigned n;
    int r;

    if (boom_chan_new(sizeof(struct reading), 16, &readings) < 0 ||
        boom_group_new(NULL, &stations) < 0 || boom_group_set_limit(stations, AT_ONCE) < 0 ||
        boom_group_new(NULL, &askers) < 0 || boom_group_go(askers, "ask-all", ask_all, NULL) < 0)
        return 1;
    n = report();
    r = boom_group_wait(askers);
    boom_group_free(askers);
    boom_group_free(stations);
    boom_chan_free(readings);
    return r < 0 || n != STATIONS;
}

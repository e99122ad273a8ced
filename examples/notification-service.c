/* SPDX-License-Identifier: MIT */
/*
 * Notifications must never hold up the program that makes them. They go into a channel of a hundred
 * with boom_chan_try_send(); when it is full, the service warns, drops, and counts.
 *
 * Here the mail server is away at first: of 250 notifications 100 fit and 150 are dropped. Then it
 * comes back, and what fitted is delivered in order.
 */
#include <boom/chan.h>
#include <boom/group.h>

#include <stdio.h>

enum { ROOM = 100, BURST = 250 };

struct service {
    struct boom_chan *notes;     /* of int: a notification's number */
    struct boom_chan *server_up; /* closed once the mail server is there */
    int n_dropped, n_delivered, last;
};

/* Never waits. True: taken. */
static bool notify(struct service *service, int number)
{
    switch (boom_chan_try_send(service->notes, &number)) {
    case 0:
        return true;
    case BOOM_CHAN_FULL:
        if (service->n_dropped++ % 50 == 0)
            fprintf(stderr, "warning: notifications back up; dropped %d so far\n",
                    service->n_dropped);
        return false;
    default: /* -EPIPE: closed */
        return false;
    }
}

static int deliver(void *arg)
{
    struct service *service = arg;
    char up;
    int number;

    boom_chan_recv(service->server_up, NULL, &up);
    while (boom_chan_recv(service->notes, NULL, &number) == 0) {
        if (number <= service->last)
            fprintf(stderr, "%d after %d\n", number, service->last);
        service->last = number;
        service->n_delivered++;
    }
    return 0;
}

int main(void)
{
    struct service service = {.last = -1};
    struct boom_group *group;
    int n_taken = 0;

    if (boom_chan_new(sizeof(int), ROOM, &service.notes) < 0 ||
        boom_chan_new(1, 0, &service.server_up) < 0 || boom_group_new(NULL, &group) < 0 ||
        boom_group_go(group, "deliver", deliver, &service) < 0)
        return 1;
    for (int i = 0; i < BURST; i++)
        n_taken += notify(&service, i);

    boom_chan_close(service.server_up); /* a broadcast: every receiver wakes */
    boom_chan_close(service.notes);     /* what is in it is still delivered */
    boom_group_wait(group);

    printf("%d taken, %d dropped, %d delivered\n", n_taken, service.n_dropped, service.n_delivered);
    boom_group_free(group);
    boom_chan_free(service.server_up);
    boom_chan_free(service.notes);
    return service.n_delivered != ROOM || n_taken != ROOM || service.n_dropped != BURST - ROOM ||
           service.last != ROOM - 1;
}

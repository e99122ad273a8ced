/* SPDX-License-Identifier: MIT */
#include "ctl/interrupt.h"

#include <signal.h>

static volatile sig_atomic_t n_signals;

static void on_signal(int signal_number)
{
    n_signals = 1;
}

void interrupt_catch(void)
{
    /* Waits end with EINTR; the second signal finds the default. */
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

bool interrupted(void)
{
    return n_signals != 0;
}

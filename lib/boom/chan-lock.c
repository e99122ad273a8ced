/* SPDX-License-Identifier: MIT */
/*
 * The lock of a channel in which threads meet.
 *
 * It is held for some tens of nanoseconds, while to sleep and to be woken costs microseconds, and
 * costs the holder, too, who has to wake the next at each unlocking. So who comes too late stays
 * away for a moment and tries again, each time after twice as long, and sleeps after the third. To
 * stay away is more than to look often: as long as one thread has the channel for itself, what it
 * changes lies in the cache of its own processor, and it gets many operations done in the time that
 * two processors take for a few in turn.
 *
 * The sum is bounded: some microseconds, and then the thread sleeps. And it is about the lock
 * alone: who waits for an element or for room sleeps at once. (Yielding the processor before that
 * sleep would save most of the wake-ups, but with a stranger at work on the processor each yield
 * costs a slice of his time: measured, ten to seventy times as long for an element.)
 *
 * Where nobody has ever waited, nobody is fought with: there the lock is just taken, which glibc does
 * without an atomic operation as long as the process has one thread. To try it always costs one.
 */
#include "chan-impl.h"

/* Before the first and before the last attempt. A pause takes 10 to 50 ns. */
enum { FIRST_PAUSES = 32, MOST_PAUSES = 128 };

static inline void pause_once(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("isb");
#else
    __asm__ volatile("" ::: "memory");
#endif
}

/* Out of line, so that the way that does not wait stays short. */
__attribute__((noinline)) static void lock_after_pauses(struct boom_chan *chan)
{
    for (unsigned n = FIRST_PAUSES; n <= MOST_PAUSES; n *= 2) {
        for (unsigned i = 0; i < n; i++)
            pause_once();
        if (boom_trylock(&chan->lock))
            return;
    }
    boom_lock(&chan->lock);
}

void chan_lock_shared(struct boom_chan *chan)
{
    if (!boom_trylock(&chan->lock))
        lock_after_pauses(chan);
}

/* SPDX-License-Identifier: MIT */
#ifndef CTL_INTERRUPT_H
#define CTL_INTERRUPT_H

#include <stdbool.h>

/*
 * Ctrl-C (and SIGTERM) as a question: whoever works long asks it now and then, and ends in order. A
 * second one ends the process at once, as if nobody had caught the first.
 */
void interrupt_catch(void);
bool interrupted(void);

#endif

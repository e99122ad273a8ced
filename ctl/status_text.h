/* SPDX-License-Identifier: MIT */
#ifndef CTL_STATUS_TEXT_H
#define CTL_STATUS_TEXT_H

#include <jansson.h>
#include <stdio.h>

/* /status for people. Total: whatever is absent or of another type is left out. */
void status_print(const json_t *status, FILE *out);

#endif

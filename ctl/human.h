/* SPDX-License-Identifier: MIT */
#ifndef CTL_HUMAN_H
#define CTL_HUMAN_H

#include <stdint.h>

/* Room for any of these texts. Each function returns its text. */
#define HUMAN_SIZE 40

/* 512 B, 1.2 GiB */
const char *human_bytes(uint64_t bytes, char text[HUMAN_SIZE]);
/* 1,234,567 */
const char *human_number(uint64_t number, char text[HUMAN_SIZE]);
/* 850 us, 2.1 ms, 3.00 s */
const char *human_us(double us, char text[HUMAN_SIZE]);
/* 12 s, 3 min 5 s, 3 h 12 min, 4 d 3 h */
const char *human_span(double seconds, char text[HUMAN_SIZE]);
/* 2026-11-24 11:00:00 +0100: local time. */
const char *human_time(int64_t ns, char text[HUMAN_SIZE]);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_DAEMON_H
#define DAEMON_DAEMON_H

#include "daemon/config.h"

/*
 * Runs logboomd until a signal ends it. Writes what a person must know to the log. Returns 0 (drained, also when the
 * shutdown's deadline cut something off: that is counted), or 1: it could not start.
 */
int daemon_run(const struct config *config);

#endif

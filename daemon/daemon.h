/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_DAEMON_H
#define DAEMON_DAEMON_H

#include "daemon/config.h"

/*
 * Runs logboomd until a signal ends it. Writes what a person must know to the log. Returns 0
 * (drained, also when the shutdown's deadline cut something off: that is counted), or 1: it could
 * not start.
 */
int daemon_run(const struct config *config);

/*
 * What can be found wrong with a well-formed configuration without touching sockets or the store:
 * unknown time zones, too little memory; geo databases that cannot be opened are warnings. Said in
 * the log. Returns 0 or 1.
 */
int daemon_check(const struct config *config);

#endif

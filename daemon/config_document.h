/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_CONFIG_DOCUMENT_H
#define DAEMON_CONFIG_DOCUMENT_H

#include <stdio.h>
#include "daemon/config_key.h"

/* After `lead`: "16M to 64G", "0 to 64 threads", "drop, block"; nothing for types without a range.
 */
void config_write_range(FILE *out, const struct config_key *key, const char *lead);

#endif

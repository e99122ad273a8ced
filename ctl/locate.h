/* SPDX-License-Identifier: MIT */
#ifndef CTL_LOCATE_H
#define CTL_LOCATE_H

#include "ctl/ctl.h"

/*
 * Where store and socket are: what the options say, or else what logboomd makes of the
 * configuration, by asking it (logboomd --dump-config). Both say on stderr what went wrong. Return
 * CTL_DONE (ret_path is the caller's to free) or CTL_FAILED.
 */
int locate_store(const struct ctl *ctl, char **ret_path);
int locate_socket(const struct ctl *ctl, char **ret_path);

/*
 * The logboomd that belongs to this logboomctl: beside it, in the build tree, in ../sbin, where it
 * was to be installed, or in PATH. Returns 0 (ret_path is the caller's to free), -ENOENT, -ENOMEM.
 */
int locate_daemon(char **ret_path);

/*
 * Runs a program and waits for it. ret_output: NULL, and its standard output is ours; or what it
 * wrote there (at most 1 MiB, NUL-terminated, the caller's to free). Returns its exit status (128 +
 * n: killed by signal n), or a negative errno.
 */
int locate_run(const char *const argv[], char **ret_output);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef CTL_STORE_H
#define CTL_STORE_H

/*
 * The commands below `store`: cmd_store.c finds one in a table, each lives in its own store_*.c.
 */

#include "ctl/ctl.h"
#include "store/store.h"
#include "store/verify.h"

extern const struct command store_info, store_verify_command, store_quarantine, store_seal_command,
    store_export, store_import;

/*
 * Opens a store for writing, which exists or may be made, as `who` ("import") needs it. Only its owner may: what
 * another user (root, too) makes in it, logboomd could not write to. options: inputs and the like;
 * its path is set here. Returns CTL_DONE, CTL_FAILED (it was said), or STORE_BUSY (a logboomd has
 * it; nothing was said).
 */
#define STORE_BUSY 100
int store_open_for(const char *who, const char *path, struct store_options options, bool may_make,
                   struct store **ret_store);

/* -o text|json of a command without arguments; argv[0] is its name. Returns CTL_DONE, CTL_STOP, or
 * CTL_USAGE (it was said). */
int store_output_option(struct ctl *ctl, int argc, char **argv, bool *ret_json);

#endif

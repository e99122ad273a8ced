/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_CONFIG_H
#define DAEMON_CONFIG_H

/*
 * The configuration, as the rest of the daemon sees it: plain values, checked, in one piece of
 * memory that nobody changes after loading. Where they come from (one table of keys, YAML) is
 * config_load.h's affair.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include "geo/geo.h"
#include "store/store.h"

#define CONFIG_DEFAULT_PATH "/etc/logboom/logboom.yaml"

enum config_on_full { ON_FULL_DROP, ON_FULL_BLOCK };
enum config_on_oversize { ON_OVERSIZE_CUT, ON_OVERSIZE_DROP };
enum config_scheme { SCHEME_UDP, SCHEME_TCP };

struct config_listen {
    enum config_scheme scheme;
    char *url;  /* as written */
    char *host; /* numeric address or name, without brackets; "" is any address */
    uint16_t port;
    unsigned line, column; /* where it was written; 0: a default */
};

struct config_input {
    char *name;
    struct config_listen *listen;
    size_t n_listen;
    enum config_on_full on_full;
    enum config_on_oversize on_oversize;
    uint32_t max_line;        /* bytes */
    uint32_t max_connections; /* TCP, all receivers together */
    int64_t
        idle_timeout_ns; /* TCP: a connection that sends nothing this long is closed; 0: never */
    uint32_t receive_buffer; /* UDP SO_RCVBUF, bytes */
    char *time_zone;         /* of times without one: "local", "UTC", "Europe/Berlin", "+02:00" */
};

struct config_stage {
    unsigned workers_min, workers_max; /* workers_max 0: by the machine */
    unsigned queue;                    /* batches */
};

struct config {
    char *path;       /* the file it came from; NULL: built-in defaults */
    unsigned workers; /* receivers; 0: by the machine */
    uint64_t memory;  /* bytes */
    int64_t shutdown_timeout_ns;
    struct config_input *inputs;
    size_t n_inputs;
    struct config_stage parse, enrich, store_stage;
    struct {
        char **databases;
        size_t n_databases;
        enum geo_lookup lookup[2];
        size_t n_lookup;
        unsigned cache; /* entries a worker */
    } geoip;
    struct {
        char *path;
        int compression;
        enum store_sync sync;
        int64_t sync_interval_ns;
        uint64_t segment_size;
        int64_t segment_age_ns;
        int64_t recompress_after_ns;
        int recompress_level;
        uint64_t retain_size;
        int64_t retain_age_ns;
        uint64_t min_free;
    } store;
    struct {
        char *socket; /* path; "" is none */
        char *http;   /* HOST:PORT; "" is none */
    } status;
    struct {
        int level; /* 0-7: most detailed severity that is logged */
    } log;
};

/*
 * Loads path (NULL: CONFIG_DEFAULT_PATH where it exists, else the built-in defaults), and over it
 * the *.yaml of conf.d beside it, in the order of their names; conf.d must belong to root or to the
 * user of the process. Every error is written to `errors`, one line each: "FILE:LINE:COLUMN: what
 * was expected, and what to do". Returns 0 and a configuration for config_free(); or the first
 * error: -EINVAL, -ENOMEM, or why a file could not be read.
 */
int config_load(const char *path, FILE *errors, struct config **ret_config);
struct config *config_free(struct config *config);

/* The key table: for a person (--help-config), as the sample file, as scdoc of logboom.yaml(5). */
void config_write_help(FILE *out);
void config_write_sample(FILE *out);
void config_write_man(FILE *out);
/*
 * The effective values as JSON in the shape of the file (--dump-config), written as the file writes
 * them ("256M", "1s"): the dump is itself a configuration. Returns 0, -EIO, -ENOMEM (also for a
 * path from the environment that is not UTF-8).
 */
int config_write_json(const struct config *config, FILE *out);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_YAML_TREE_H
#define DAEMON_YAML_TREE_H

/*
 * A YAML file as a tree in which every node knows where it was written. Text stays text: no node is
 * a number, a date or a truth value here; the table of keys decides what it must be.
 *
 *   inputs:                    map
 *     network:                 └ "inputs" map
 *       listen: [a, b]              └ "network" map
 *                                        └ "listen" list ─▶ "a" ─▶ "b"
 *
 * The part of YAML that a configuration needs: maps, lists, scalars, comments. Anchors, aliases,
 * tags and further documents are refused, each with an error.
 */

#include <stdbool.h>
#include <stddef.h>
#include "daemon/config_errors.h"

/* What a hostile or mistaken file may cost. */
#define YAML_FILE_MAX  (1u << 20) /* bytes */
#define YAML_DEPTH_MAX 16
#define YAML_NODES_MAX 10000

enum yaml_kind {
    YAML_NOTHING, /* a key without a value, an empty file */
    YAML_TEXT,
    YAML_LIST,
    YAML_MAP,
    YAML_REFUSED, /* an error has been reported; to be passed over */
};

struct yaml_tree {
    enum yaml_kind kind;
    struct config_place place; /* file: borrowed from the caller of yaml_tree_load() */
    char *text;                /* YAML_TEXT: UTF-8 without NUL */
    char *key;                 /* in a map: the entry's key, and where it stands */
    struct config_place key_place;
    struct yaml_tree *first, *next; /* children; the next one of the same parent */
};

/*
 * Reads text[len], reporting to errors. Returns the tree (free it with yaml_tree_free()), or NULL
 * after a syntax error, a limit or lack of memory. A tree may come with errors too: errors->n
 * tells. file must outlive the tree.
 */
struct yaml_tree *yaml_tree_load(const char *text, size_t len, const char *file,
                                 struct config_errors *errors);
struct yaml_tree *yaml_tree_free(struct yaml_tree *tree);

#endif

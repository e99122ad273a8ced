/* SPDX-License-Identifier: MIT */
#include "geo/core.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/*
 * The current set, and how it is exchanged.
 *
 * A swap makes a set with the next generation, of databases opened anew and, where a file is the
 * same or cannot be opened, of those of the old set. It becomes current under the lock, and the
 * generation is stored after it: a worker that sees the new number finds at least that set. Workers
 * look at the number once a batch and take the lock only when it changed.
 *
 * Nothing waits for anybody: the old set lives on in the references that workers and batches hold.
 * Files have to be replaced by rename; to write into one that is mapped garbles its answers, and
 * to cut it short ends the process with SIGBUS, as for every reader of mapped files.
 */

/* A database's own word for itself. Kept until the end, as stats hand it out; they are few. */
struct word {
    struct word *next;
    char text[];
};

struct slot {
    char *path;
    atomic_uint_fast64_t lookups, hits;
    int error;        /* under lock */
    const char *type; /* under lock; one of words */
};

struct geo {
    pthread_mutex_t swapping; /* one swap at a time; taken before lock */
    pthread_mutex_t lock;     /* current, words, and the slots where they say so */
    struct geo_set *current;
    struct word *words;
    atomic_uint_fast64_t generation; /* of current */
    atomic_int n_workers;
    size_t n_slots;
    struct slot *slots;
};

static const char *keep_word_locked(struct geo *geo, const char *text)
{
    for (struct word *word = geo->words; word; word = word->next)
        if (strcmp(word->text, text) == 0)
            return word->text;
    size_t bytes = strlen(text) + 1;
    struct word *word = malloc(sizeof(*word) + bytes);
    if (!word)
        return "";
    memcpy(word->text, text, bytes);
    word->next = geo->words;
    geo->words = word;
    return word->text;
}

/* A new database, or old (which may be NULL). Returns 1 for a new one, 0, or -errno. */
static int open_database(const char *path, struct geo_database *old,
                         struct geo_database **ret_database)
{
    int r = 0;
    if (!old || !geo_database_is_current(old, path)) {
        r = geo_database_open(path, ret_database);
        if (r == 0)
            return 1;
    }
    *ret_database = old ? geo_database_ref(old) : NULL;
    return r;
}

static void set_current(struct geo *geo, struct geo_set *set, const int *errors)
{
    pthread_mutex_lock(&geo->lock);
    struct geo_set *old = geo->current;
    geo->current = set;
    for (size_t i = 0; i < geo->n_slots; i++) {
        const struct geo_database *database = set->databases[i];
        geo->slots[i].error = errors[i];
        geo->slots[i].type = database ? keep_word_locked(geo, geo_database_type(database)) : "";
    }
    atomic_store_explicit(&geo->generation, set->generation, memory_order_release);
    pthread_mutex_unlock(&geo->lock);
    geo_set_unref(old);
}

int geo_swap(struct geo *geo)
{
    pthread_mutex_lock(&geo->swapping);
    struct geo_set *old = geo->current; /* only swaps change it */
    uint64_t generation = atomic_load(&geo->generation) + 1;
    struct geo_set *set = geo_set_new(geo->n_slots, generation);
    int *errors = calloc(geo->n_slots + 1, sizeof(*errors));
    int n_new = 0;
    if (set && errors) {
        for (size_t i = 0; i < geo->n_slots; i++) {
            errors[i] = open_database(geo->slots[i].path, old ? old->databases[i] : NULL,
                                      &set->databases[i]);
            n_new += errors[i] == 1;
            if (errors[i] == 1)
                errors[i] = 0;
        }
        if (n_new == 0 && old)
            set->generation = old->generation; /* the same databases: caches stay valid */
        set_current(geo, set, errors);
    } else {
        geo_set_unref(set);
        n_new = -ENOMEM;
    }
    free(errors);
    pthread_mutex_unlock(&geo->swapping);
    return n_new;
}

int geo_new(const char *const *paths, size_t n_paths, struct geo **ret_geo)
{
    struct geo *geo = calloc(1, sizeof(*geo));
    if (!geo)
        return -ENOMEM;
    pthread_mutex_init(&geo->swapping, NULL);
    pthread_mutex_init(&geo->lock, NULL);
    int r = 0;
    geo->slots = calloc(n_paths + 1, sizeof(*geo->slots));
    if (!geo->slots)
        r = -ENOMEM;
    for (size_t i = 0; i < n_paths && r == 0; i++) {
        geo->slots[i].path = strdup(paths[i]);
        geo->n_slots++;
        if (!geo->slots[i].path)
            r = -ENOMEM;
    }
    if (r == 0)
        r = geo_swap(geo);
    if (r < 0) {
        geo_free(geo);
        return r;
    }
    *ret_geo = geo;
    return 0;
}

struct geo *geo_free(struct geo *geo)
{
    if (!geo)
        return NULL;
    assert(atomic_load(&geo->n_workers) == 0);
    geo_set_unref(geo->current);
    for (size_t i = 0; i < geo->n_slots; i++)
        free(geo->slots[i].path);
    free(geo->slots);
    while (geo->words) {
        struct word *word = geo->words;
        geo->words = word->next;
        free(word);
    }
    pthread_mutex_destroy(&geo->lock);
    pthread_mutex_destroy(&geo->swapping);
    free(geo);
    return NULL;
}

size_t geo_n_databases(struct geo *geo)
{
    return geo->n_slots;
}

void geo_get_stats(struct geo *geo, size_t database, struct geo_database_stats *ret_stats)
{
    assert(database < geo->n_slots);
    struct slot *slot = &geo->slots[database];
    pthread_mutex_lock(&geo->lock);
    const struct geo_database *open = geo->current->databases[database];
    *ret_stats = (struct geo_database_stats){
        .path = slot->path,
        .type = slot->type,
        .open = open != NULL,
        .error = slot->error,
        .build_time = open ? geo_database_build_time(open) : 0,
        .generation = geo->current->generation,
        .lookups = atomic_load_explicit(&slot->lookups, memory_order_relaxed),
        .hits = atomic_load_explicit(&slot->hits, memory_order_relaxed),
    };
    pthread_mutex_unlock(&geo->lock);
}

struct geo_set *geo_ref_current(struct geo *geo)
{
    pthread_mutex_lock(&geo->lock);
    struct geo_set *set = geo_set_ref(geo->current);
    pthread_mutex_unlock(&geo->lock);
    return set;
}

uint64_t geo_current_generation(struct geo *geo)
{
    return atomic_load_explicit(&geo->generation, memory_order_acquire);
}

void geo_add_tallies(struct geo *geo, struct geo_tally *tallies)
{
    for (size_t i = 0; i < geo->n_slots; i++) {
        if (tallies[i].lookups == 0)
            continue;
        atomic_fetch_add_explicit(&geo->slots[i].lookups, tallies[i].lookups, memory_order_relaxed);
        atomic_fetch_add_explicit(&geo->slots[i].hits, tallies[i].hits, memory_order_relaxed);
        tallies[i] = (struct geo_tally){0};
    }
}

void geo_count_worker(struct geo *geo, int change)
{
    atomic_fetch_add(&geo->n_workers, change);
}

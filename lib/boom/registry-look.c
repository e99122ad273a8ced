/* SPDX-License-Identifier: MIT */
/*
 * The detector. A look is reduced to a fingerprint, the sum over the tasks of a hash of who it is
 * and how often it has said what it does: equal sums mean that the same tasks are in the same
 * waits, but for a chance of 1 in 2^64.
 */
#include <stdlib.h>
#include <string.h>

#include "random.h"
#include "registry-impl.h"

/* One that nobody but another task may end. */
static bool waits_for_others(const struct boom_task_info *info)
{
    return info->doing >= BOOM_DOING_IDLE && info->deadline_ns == BOOM_NEVER;
}

static struct boom_stall_detector look_at(const struct boom_task_info *infos, size_t n,
                                          const char *group)
{
    struct boom_stall_detector look = {.stuck = false};
    bool all_wait = true, one_is_busy = false;

    for (size_t i = 0; i < n; i++) {
        if (strncmp(infos[i].group, group, BOOM_TASK_NAME_BYTES - 1) != 0)
            continue;
        look.n_tasks++;
        look.fingerprint += random_mix(random_mix(infos[i].id) + infos[i].changes);
        all_wait = all_wait && waits_for_others(&infos[i]);
        one_is_busy = one_is_busy || infos[i].doing != BOOM_DOING_IDLE;
    }
    look.stuck = all_wait && one_is_busy;
    return look;
}

int boom_registry_look(struct boom_registry *registry, const char *group,
                       struct boom_stall_detector *detector)
{
    struct boom_stall_detector before = *detector;
    struct boom_task_info *infos;
    size_t n;
    int r = registry_snapshot(registry, &infos, &n);

    if (r < 0)
        return r;
    *detector = look_at(infos, n, group);
    free(infos);
    return before.stuck && detector->stuck && before.fingerprint == detector->fingerprint
               ? BOOM_STALLED
               : 0;
}

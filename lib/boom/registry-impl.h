/* SPDX-License-Identifier: MIT */
#ifndef BOOM_REGISTRY_IMPL_H
#define BOOM_REGISTRY_IMPL_H

#include <boom/registry.h>

/* CLOCK_MONOTONIC as of the kernel's last tick: a fifth of the price of boom_now_ns(). */
int64_t coarse_now_ns(void);
/* boom_task_waits() for who has read a clock already. */
void task_waits_since(struct boom_task *task, enum boom_doing doing, const void *where,
                      const char *where_name, int64_t deadline_ns, int64_t since_ns);
/* As boom_task_new(); NULL when registry is NULL, or out of memory: the thread is then not shown.
 */
struct boom_task *task_new_or_null(struct boom_registry *registry, const char *name,
                                   const char *group);

/* All tasks, oldest first. The caller frees ret_infos. Returns 0, -ENOMEM. */
int registry_snapshot(struct boom_registry *registry, struct boom_task_info **ret_infos,
                      size_t *ret_n);

#endif

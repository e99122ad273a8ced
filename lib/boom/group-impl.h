/* SPDX-License-Identifier: MIT */
#ifndef BOOM_GROUP_IMPL_H
#define BOOM_GROUP_IMPL_H

#include <boom/group.h>

/* Where the group's threads are registered; NULL: nowhere. */
struct boom_registry *group_registry(const struct boom_group *group);

#endif

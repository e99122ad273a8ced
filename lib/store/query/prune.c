/* SPDX-License-Identifier: MIT */
/*
 * Judging a whole block by its header, in three values: no row matches, every row does, or one has
 * to look. A negation swaps the first two; what the header does not speak of is MAYBE. Only an
 * answer that is certain may be other than MAYBE: a wrong NEVER would lose hits.
 */
#include "store/query/ast.h"

static enum verdict judge_set(uint32_t block, uint32_t wanted)
{
    if ((block & wanted) == 0)
        return VERDICT_NEVER;
    return (block & ~wanted) == 0 ? VERDICT_ALWAYS : VERDICT_MAYBE;
}

/* Values between low and high against `number op value`. */
static enum verdict judge_range(enum compare op, int64_t low, int64_t high, int64_t value)
{
    bool never = false, always = false;
    switch (op) {
    case CMP_LT:
        never = low >= value;
        always = high < value;
        break;
    case CMP_LE:
        never = low > value;
        always = high <= value;
        break;
    case CMP_GT:
        never = high <= value;
        always = low > value;
        break;
    case CMP_GE:
        never = high < value;
        always = low >= value;
        break;
    case CMP_EQ:
    case CMP_NE:
    case CMP_MATCH:
    case CMP_IN:
        never = value < low || value > high;
        always = low == value && high == value;
        break;
    }
    return never ? VERDICT_NEVER : always ? VERDICT_ALWAYS : VERDICT_MAYBE;
}

/* The values of a field over the whole block, where the header knows them. */
static bool block_range(const struct field *field, const struct store_block_info *info,
                        int64_t *ret_low, int64_t *ret_high)
{
    struct store_row low = {
        .id = info->first_id, .time_ns = info->min_time_ns, .received_us = info->min_received_us};
    struct store_row high = {
        .id = UINT64_MAX, .time_ns = info->max_time_ns, .received_us = info->max_received_us};
    if (field->type != FIELD_TIME && field->type != FIELD_ID)
        return false;
    return field->number(&low, ret_low) && field->number(&high, ret_high);
}

static enum verdict negate(enum verdict verdict)
{
    return verdict == VERDICT_NEVER    ? VERDICT_ALWAYS
           : verdict == VERDICT_ALWAYS ? VERDICT_NEVER
                                       : VERDICT_MAYBE;
}

static enum verdict judge_values(const struct node *node, int64_t low, int64_t high)
{
    enum verdict best = VERDICT_NEVER;
    for (size_t i = 0; i < node->n_values; i++) {
        enum verdict verdict = node->values[i].any
                                   ? VERDICT_ALWAYS
                                   : judge_range(node->op, low, high, node->values[i].number);
        best = verdict > best ? verdict : best;
    }
    return best;
}

static enum verdict judge_compare(const struct node *node, const void *arg)
{
    const struct store_block_info *info = arg;
    int64_t low, high;
    if (node->field->type == FIELD_SEVERITY)
        return judge_set(info->severities, node->set);
    if (node->field->type == FIELD_FACILITY)
        return judge_set(info->facilities, node->set);
    if (!block_range(node->field, info, &low, &high))
        return VERDICT_MAYBE;
    enum verdict verdict = judge_values(node, low, high);
    return node->op == CMP_NE ? negate(verdict) : verdict;
}

enum verdict node_fold(const struct node *node,
                       enum verdict (*judge)(const struct node *compare, const void *arg),
                       const void *arg)
{
    enum verdict result, verdict;
    switch (node->kind) {
    case NODE_ALL:
        return VERDICT_ALWAYS;
    case NODE_COMPARE:
        return judge(node, arg);
    case NODE_NOT:
        return negate(node_fold(node->child, judge, arg));
    case NODE_AND:
        result = VERDICT_ALWAYS;
        for (const struct node *child = node->child; child != NULL; child = child->next)
            if ((verdict = node_fold(child, judge, arg)) < result)
                result = verdict;
        return result;
    case NODE_OR:
        result = VERDICT_NEVER;
        for (const struct node *child = node->child; child != NULL; child = child->next)
            if ((verdict = node_fold(child, judge, arg)) > result)
                result = verdict;
        return result;
    }
    return VERDICT_MAYBE;
}

enum verdict node_judge(const struct node *node, const struct store_block_info *info)
{
    return node_fold(node, judge_compare, info);
}

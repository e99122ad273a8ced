/* SPDX-License-Identifier: MIT */
#ifndef BOOM_FAN_H
#define BOOM_FAN_H

/*
 * Fans: one channel into several, several into one.
 *
 *                      ┌─▶ out 0 ─▶ worker ─▶ in 0 ─┐
 *   source ─▶ fan_out ─┼─▶ out 1 ─▶ worker ─▶ in 1 ─┼─▶ fan_in ─▶ sink
 *                      └─▶ out 2 ─▶ worker ─▶ in 2 ─┘
 *
 * A fan is one thread of a group that the caller gives, and waits for. It alone sends to its outputs,
 * and closes each of them exactly once, when it ends:
 *   - all its inputs are closed and drained: it ends with 0;
 *   - the group's context is over: it ends with that error, which is then one of the group's;
 *   - an output was closed by somebody else, against the rules: it ends with -EPIPE.
 * In the last two cases what is still in the inputs stays there; their senders find the group's
 * context over. The channels are borrowed until the fan has ended, and must hold elements of one size.
 */

#include <stddef.h>
#include <stdint.h>
#include <boom/chan.h>
#include <boom/group.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

struct boom_fan_options {
    const char *name; /* of the thread (boom_group_go()); NULL: "fan-out" or "fan-in" */
    /* boom_fan_out() only. NULL: round robin. Else elem goes to output key(arg, elem) modulo n_outs. */
    uint64_t (*key)(void *arg, const void *elem);
    /* Optional: takes over an element that was received and could not be sent, when the fan ends. */
    void (*drop)(void *arg, const void *elem);
    void *arg; /* the first argument of the above */
};

/*
 * From `in` to n_outs (1 ..) outputs. Round robin is strict: element i goes to output i modulo n_outs,
 * and the fan waits for room there even when others have it. By key, all elements of one key
 * go to the same output, in their order. outs is copied. options: NULL for the default; copied.
 * Returns 0 (the fan runs), or, with the channels left alone, -EINVAL (n_outs is 0, or elements differ in
 * size), -ENOMEM, or as boom_group_go().
 */
int boom_fan_out(struct boom_group *group, struct boom_chan *in, struct boom_chan *const *outs,
                 size_t n_outs, const struct boom_fan_options *options);

/*
 * From n_ins (1 ..) inputs to `out`, as they come: the elements of one input keep their order, and no
 * input that has something is passed over for more than one round. One thread however many inputs; a
 * round costs a lock of each. ins is copied. Returns as boom_fan_out().
 */
int boom_fan_in(struct boom_group *group, struct boom_chan *const *ins, size_t n_ins,
                struct boom_chan *out, const struct boom_fan_options *options);

/*
 * As above, but one element of each input in turn, waiting for it: what boom_fan_out() distributed
 * round robin comes back in the order in which it went out, if between them each output is
 * worked on by one thread that passes on exactly one element for each. An input that is
 * closed and drained loses its turn.
 */
int boom_fan_in_ordered(struct boom_group *group, struct boom_chan *const *ins, size_t n_ins,
                        struct boom_chan *out, const struct boom_fan_options *options);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif

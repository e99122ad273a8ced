/* SPDX-License-Identifier: MIT */
/*
 * verify and quarantine list: the same look at the store. verify decodes every column, and failing
 * means that something is damaged; the list only asks the checksums, and damage is its answer.
 */
#include "ctl/store.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl/human.h"
#include "ctl/interrupt.h"
#include "ctl/locate.h"
#include "ctl/terminal.h"
#include "store/show/out.h"

static const char *what_of(enum verify_what what)
{
    static const char *const texts[N_VERIFY_WHATS] = {
        [VERIFY_UNREADABLE] = "the file cannot be read",
        [VERIFY_HEADER] = "the file's header is damaged",
        [VERIFY_INDEX] = "the file's index is damaged",
        [VERIFY_GAP] = "bytes that belong to no block",
        [VERIFY_TORN] = "bytes behind the last whole block",
        [VERIFY_BLOCK] = "the block is damaged",
        [VERIFY_ROWS] = "the block's lines are not what its header says of them",
        [VERIFY_AID] = "what the block has for searching is damaged",
    };
    return texts[what];
}

static bool is_loss(const struct verify_damage *damage)
{
    return damage->first_id <= damage->last_id;
}

static void print_loss(const struct verify_damage *damage)
{
    if (!is_loss(damage)) {
        fputs("no line is lost", stdout);
        return;
    }
    if (damage->rows_known)
        printf("%" PRIu64 " lines are gone: ids %016" PRIx64 " to %016" PRIx64, damage->n_rows,
               damage->first_id, damage->last_id);
    else if (damage->last_id == UINT64_MAX)
        printf("lines may be gone: ids from %016" PRIx64 " on", damage->first_id);
    else
        printf("at most %" PRIu64 " lines are gone: ids %016" PRIx64 " to %016" PRIx64,
               damage->last_id - damage->first_id + 1, damage->first_id, damage->last_id);
}

static void print_span(const struct verify_damage *damage)
{
    char text[HUMAN_SIZE];
    bool has_min = damage->min_received_us != INT64_MIN;
    bool has_max = damage->max_received_us != INT64_MAX;
    if (!is_loss(damage) || (!has_min && !has_max))
        return;
    fputs(", received", stdout);
    if (has_min)
        printf(" %s %s", has_max ? "from" : "after",
               human_time(damage->min_received_us * 1000, text));
    if (has_max)
        printf(" %s %s", has_min ? "to" : "before",
               human_time(damage->max_received_us * 1000, text));
}

static void print_damage(const struct verify_damage *damage)
{
    printf("%s, byte %" PRIu64 ", %" PRIu64 " bytes: %s; ", damage->name, damage->at,
           damage->n_bytes, what_of(damage->what));
    print_loss(damage);
    print_span(damage);
    putchar('\n');
}

static void print_summary(const struct verify_result *result)
{
    const struct verify_progress *progress = &result->progress;
    char bytes[HUMAN_SIZE];
    printf("read %" PRIu64 " files, %s: %" PRIu64 " blocks with %" PRIu64 " lines are whole, ",
           progress->n_files, human_bytes(progress->bytes_total, bytes), progress->n_blocks,
           progress->n_rows);
    if (result->n_damages == 0)
        puts("nothing is damaged");
    else
        printf("%zu %s damaged\n", result->n_damages,
               result->n_damages == 1 ? "place is" : "places are");
}

/* Only what is known. */
static void set_time(json_t *object, const char *key, int64_t received_us)
{
    struct out_clock clock = {.utc = true};
    struct out out;
    if (received_us == INT64_MIN || received_us == INT64_MAX || out_init(&out, -1) < 0)
        return;
    out_time(&out, &clock, (int64_t)((uint64_t)received_us * 1000), 6, 'T');
    out_char(&out, 'Z');
    json_object_set_new(object, key, json_stringn(out.data, out.len));
    out_deinit(&out);
}

static void set_id(json_t *object, const char *key, uint64_t id)
{
    json_object_set_new(object, key, json_sprintf("%016" PRIx64, id));
}

static json_t *damage_json(const struct verify_damage *damage)
{
    json_t *object = json_pack("{s:s, s:s, s:I, s:I}", "file", damage->name, "damage",
                               verify_what_name(damage->what), "byte", (json_int_t)damage->at,
                               "bytes", (json_int_t)damage->n_bytes);
    if (damage->rows_known)
        json_object_set_new(object, "lines", json_integer((json_int_t)damage->n_rows));
    if (!is_loss(damage))
        return object;
    set_id(object, "first_id", damage->first_id);
    if (damage->last_id != UINT64_MAX)
        set_id(object, "last_id", damage->last_id);
    set_time(object, "received_from", damage->min_received_us);
    set_time(object, "received_to", damage->max_received_us);
    return object;
}

static void print_json(const struct verify_result *result)
{
    const struct verify_progress *progress = &result->progress;
    json_t *damages = json_array();
    for (size_t i = 0; i < result->n_damages; i++)
        json_array_append_new(damages, damage_json(&result->damages[i]));
    json_t *document =
        json_pack("{s:I, s:I, s:I, s:I, s:o}", "files", (json_int_t)progress->n_files, "bytes",
                  (json_int_t)progress->bytes_total, "blocks", (json_int_t)progress->n_blocks,
                  "lines", (json_int_t)progress->n_rows, "damages", damages);
    json_dumpf(document, stdout, JSON_PRESERVE_ORDER | JSON_COMPACT);
    putchar('\n');
    json_decref(document);
}

static int on_progress(void *arg, const struct verify_progress *progress)
{
    char done[HUMAN_SIZE], total[HUMAN_SIZE], text[3 * HUMAN_SIZE];
    if (progress_is_due(arg)) {
        snprintf(text, sizeof(text), "%s of %s, %" PRIu64 " damaged",
                 human_bytes(progress->bytes, done), human_bytes(progress->bytes_total, total),
                 progress->n_damages);
        progress_show(arg, progress->bytes, progress->bytes_total, text);
    }
    return interrupted();
}

static int fail(const char *path, int r)
{
    if (r > 0)
        return ctl_interrupted("not all of the store was read");
    if (r == -ENOENT)
        return ctl_fail("there is no store at %s (--store DIR or --config FILE name another)",
                        path);
    return ctl_fail("cannot read the store at %s: %s", path, strerror(-r));
}

/* Returns CTL_DONE (ret_result is filled), or what was said. */
static int look(const char *path, bool checksums_alone, struct verify_result *ret_result)
{
    struct progress progress;
    progress_start(&progress, checksums_alone ? "looking" : "verifying");
    struct verify_options options = {.path = path,
                                     .checksums_alone = checksums_alone,
                                     .on_progress = on_progress,
                                     .arg = &progress};
    interrupt_catch();
    int r = store_verify(&options, ret_result);
    progress_clear(&progress);
    return r == 0 ? CTL_DONE : fail(path, r);
}

static int show(struct ctl *ctl, bool is_verify, bool json)
{
    struct verify_result result = {0};
    char *path = NULL;
    int status = locate_store(ctl, &path);
    if (status == CTL_DONE)
        status = look(path, !is_verify, &result);
    if (status == CTL_DONE && json)
        print_json(&result);
    for (size_t i = 0; status == CTL_DONE && !json && i < result.n_damages; i++)
        print_damage(&result.damages[i]);
    if (status == CTL_DONE && !json && (is_verify || result.n_damages == 0))
        print_summary(&result);
    if (status == CTL_DONE && is_verify && result.n_damages > 0)
        status = CTL_FAILED;
    verify_result_deinit(&result);
    free(path);
    return status;
}

static int run_verify(struct ctl *ctl, int argc, char **argv)
{
    bool json;
    int status = store_output_option(ctl, argc, argv, &json);
    if (status != CTL_DONE)
        return status == CTL_STOP ? CTL_DONE : status;
    if (optind < argc)
        return ctl_misused(ctl, "store verify takes no argument, not %s", argv[optind]);
    return show(ctl, true, json);
}

static int run_quarantine(struct ctl *ctl, int argc, char **argv)
{
    bool json;
    int status = store_output_option(ctl, argc, argv, &json);
    if (status != CTL_DONE)
        return status == CTL_STOP ? CTL_DONE : status;
    if (argc - optind != 1 || strcmp(argv[optind], "list") != 0)
        return ctl_misused(ctl, "store quarantine needs to know what: list");
    return show(ctl, false, json);
}

const struct command store_verify_command = {
    .name = "store verify",
    .summary = "read all of the store, and say what is damaged",
    .help =
        "usage: logboomctl store verify [-o text|json]\n\n"
        "Reads every byte of the store and decodes every column, with all processors, and says\n"
        "what is damaged: file, byte, and which lines are gone (how many, their ids, when they\n"
        "were received). Changes nothing; logboomd may run meanwhile.\n\n"
        "Options:\n"
        "  -o, --output FORMAT  text (default) or json: files, bytes, blocks, lines, damages\n"
        "                       (file, damage, byte, bytes, lines, first_id, last_id,\n"
        "                       received_from, received_to)\n" CTL_OPTIONS_HELP
        "\nExit status: 0 all is whole, 1 something is damaged, or it failed.\n",
    .run = run_verify,
};

const struct command store_quarantine = {
    .name = "store quarantine",
    .summary = "what is left out as damaged",
    .help =
        "usage: logboomctl store quarantine list [-o text|json]\n\n"
        "The blocks and files that queries leave out, because they are damaged: where they are,\n"
        "and which lines are gone. Reads all checksums; `store verify` looks deeper.\n\n"
        "Options:\n"
        "  -o, --output FORMAT  text (default) or json, as of store verify\n" CTL_OPTIONS_HELP,
    .run = run_quarantine,
};

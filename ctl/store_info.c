/* SPDX-License-Identifier: MIT */
#include "ctl/store.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl/human.h"
#include "ctl/locate.h"
#include "ctl/search.h"

/* oldest and newest as RFC 3339, or nothing when the store is empty. */
static void print_json_time(struct out *out, const char *key, int64_t ns)
{
    struct out_clock clock = {.utc = true};
    if (ns == 0)
        return;
    out_string(out, key);
    out_time(out, &clock, ns, 6, 'T');
    out_string(out, "Z\"");
}

static int print_json(const struct store_info *info)
{
    struct out out;
    if (out_init(&out, STDOUT_FILENO) < 0)
        return ctl_fail("out of memory");
    out_string(&out, "{\"records\":");
    out_number(&out, info->records);
    out_string(&out, ",\"bytes_raw\":");
    out_number(&out, info->bytes_raw);
    out_string(&out, ",\"bytes_disk\":");
    out_number(&out, info->bytes_disk);
    out_string(&out, ",\"segments\":");
    out_number(&out, info->segments);
    out_string(&out, ",\"quarantined\":");
    out_number(&out, info->quarantined);
    print_json_time(&out, ",\"oldest\":\"", info->oldest_ns);
    print_json_time(&out, ",\"newest\":\"", info->newest_ns);
    out_string(&out, "}\n");
    int r = out_flush(&out);
    out_deinit(&out);
    return r < 0 ? ctl_fail("cannot write to standard output: %s", strerror(-r)) : CTL_DONE;
}

static int print_text(const char *path, const struct store_info *info)
{
    char raw[HUMAN_SIZE], disk[HUMAN_SIZE], oldest[HUMAN_SIZE], newest[HUMAN_SIZE];
    printf("store        %s\n", path);
    printf("records      %" PRIu64 "\n", info->records);
    printf("received     %s\n", human_bytes(info->bytes_raw, raw));
    printf("on disk      %s", human_bytes(info->bytes_disk, disk));
    if (info->bytes_raw > 0)
        printf(" (%.1f %%)", 100.0 * (double)info->bytes_disk / (double)info->bytes_raw);
    printf("\nsegments     %" PRIu64 "\n", info->segments);
    if (info->oldest_ns != 0)
        printf("oldest       %s\nnewest       %s\n", human_time(info->oldest_ns, oldest),
               human_time(info->newest_ns, newest));
    if (info->quarantined > 0)
        printf("quarantined  %" PRIu64 " damaged blocks or files were set aside "
               "(logboomctl store quarantine list)\n",
               info->quarantined);
    return CTL_DONE;
}

static int show_info(struct search *search, bool json)
{
    struct store_info info;
    int r = search_open(search);
    if (r == 0)
        r = store_reader_info(search->reader, &info);
    if (r < 0)
        return search_fail_open(search, r);
    return json ? print_json(&info) : print_text(search->store, &info);
}

static int run_info(struct ctl *ctl, int argc, char **argv)
{
    struct search search = SEARCH_INIT;
    bool json;
    int status = store_output_option(ctl, argc, argv, &json);
    if (status != CTL_DONE)
        return status == CTL_STOP ? CTL_DONE : status;
    if (optind < argc)
        return ctl_misused(ctl, "store info takes no argument, not %s", argv[optind]);
    status = locate_store(ctl, &search.store);
    if (status == CTL_DONE)
        status = show_info(&search, json);
    search_deinit(&search);
    return status;
}

const struct command store_info = {
    .name = "store info",
    .summary = "how much the store holds",
    .help =
        "usage: logboomctl store info [-o text|json]\n\n"
        "How many records the store holds, how many bytes were received and how many they take on\n"
        "disk, and from when to when.\n\n"
        "Options:\n"
        "  -o, --output FORMAT  text (default) or json: records, bytes_raw, bytes_disk, segments,\n"
        "                       quarantined, oldest, newest\n" CTL_OPTIONS_HELP,
    .run = run_info,
};

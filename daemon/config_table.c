/* SPDX-License-Identifier: MIT */
#include "daemon/config_key.h"

#include <syslog.h>

#define K (INT64_C(1) << 10)
#define M (INT64_C(1) << 20)
#define G (INT64_C(1) << 30)
#define T (INT64_C(1) << 40)

#define MS   INT64_C(1000000)
#define SEC  (1000 * MS)
#define MIN  (60 * SEC)
#define HOUR (60 * MIN)
#define DAY  (24 * HOUR)

#define FIELD(type, member)                                                                        \
    .offset = offsetof(struct type, member), .size = sizeof(((struct type *)0)->member)
#define LIST(type, member, n_member)                                                               \
    FIELD(type, member), .n_offset = offsetof(struct type, n_member)

static const struct config_word on_full[] = {{"drop", ON_FULL_DROP}, {"block", ON_FULL_BLOCK}, {0}};

static const struct config_word on_oversize[] = {
    {"cut", ON_OVERSIZE_CUT}, {"drop", ON_OVERSIZE_DROP}, {0}};

static const struct config_word lookup[] = {
    {"peer", GEO_LOOKUP_PEER}, {"message", GEO_LOOKUP_MESSAGE}, {0}};

static const struct config_word sync_modes[] = {
    {"none", STORE_SYNC_NONE}, {"interval", STORE_SYNC_INTERVAL}, {"batch", STORE_SYNC_BATCH}, {0}};

static const struct config_word levels[] = {
    {"emerg", LOG_EMERG}, {"alert", LOG_ALERT},     {"crit", LOG_CRIT},
    {"err", LOG_ERR},     {"warning", LOG_WARNING}, {"notice", LOG_NOTICE},
    {"info", LOG_INFO},   {"debug", LOG_DEBUG},     {0}};

static const char *const stage_names[] = {"parse", "enrich", "store", NULL};

const struct config_section config_sections[] = {
    {.name = "", .help = "The daemon as a whole."},
    {.name = "inputs",
     .example = "network",
     .help =
         "Where lines come from: any number of inputs, each with a name of your choice that its "
         "records "
         "carry. Where the files name no input at all there is one, \"network\", as shown here."},
    {.name = "stages",
     .members = stage_names,
     .help = "What every batch of lines passes: parse, enrich (places of addresses), store."},
    {.name = "geoip", .help = "Which addresses get a place, and from which databases."},
    {.name = "store", .help = "Where lines are kept, how safely and for how long."},
    {.name = "status", .help = "Where the daemon answers questions about itself (HTTP)."},
    {.name = "log", .help = "What the daemon says about itself, on stderr or in the journal."},
};
const size_t config_n_sections = sizeof(config_sections) / sizeof(config_sections[0]);

const struct config_key config_keys[] = {
    {.pattern = "workers",
     .type = CONFIG_INTEGER,
     .unit = "threads",
     .smallest = 0,
     .largest = 64,
     .def = "0",
     .help = "Receivers: event loops that read the sockets. 0: as many as fit the machine.",
     FIELD(config, workers)},
    {.pattern = "memory",
     .type = CONFIG_SIZE,
     .smallest = 16 * M,
     .largest = 64 * G,
     .def = "256M",
     .help = "Budget for everything that is on its way between a socket and the store.",
     FIELD(config, memory)},
    {.pattern = "shutdown_timeout",
     .type = CONFIG_DURATION,
     .smallest = 0,
     .largest = 10 * MIN,
     .def = "10s",
     .help = "How long SIGTERM may take to bring what has been received into the store. What the "
             "deadline cuts off is counted as dropped.",
     FIELD(config, shutdown_timeout_ns)},

    {.pattern = "inputs.*.listen",
     .type = CONFIG_URLS,
     .smallest = 1,
     .largest = 64,
     .def = "[\"udp://[::]:514\", \"tcp://[::]:514\"]",
     .user_def = "[\"udp://127.0.0.1:5514\", \"tcp://127.0.0.1:5514\"]",
     .example = "[\"udp://[::]:514\"]",
     .help =
         "Addresses to receive on: udp://HOST:PORT or tcp://HOST:PORT. HOST is an address (IPv6 in "
         "brackets), a name, or * for any; port 0 lets the kernel choose one. Every input that "
         "is written down needs this key.",
     LIST(config_input, listen, n_listen)},
    {.pattern = "inputs.*.on_full",
     .type = CONFIG_ENUM,
     .def = "drop",
     .words = on_full,
     .help = "What happens when a queue is full. drop: new lines are dropped and counted, senders "
             "never "
             "wait. block: TCP connections are not read until there is room.",
     FIELD(config_input, on_full)},
    {.pattern = "inputs.*.on_oversize",
     .type = CONFIG_ENUM,
     .def = "cut",
     .words = on_oversize,
     .help = "What happens to a line longer than max_line. cut: its beginning is kept. drop: it is "
             "dropped "
             "and counted.",
     FIELD(config_input, on_oversize)},
    {.pattern = "inputs.*.max_line",
     .type = CONFIG_SIZE,
     .smallest = 480,
     .largest = 1 * M,
     .def = "64K",
     .help = "Longest line.",
     FIELD(config_input, max_line)},
    {.pattern = "inputs.*.max_connections",
     .type = CONFIG_INTEGER,
     .unit = "connections",
     .smallest = 1,
     .largest = 100000,
     .def = "1000",
     .help = "TCP connections at a time; more are closed at once and counted.",
     FIELD(config_input, max_connections)},
    {.pattern = "inputs.*.idle_timeout",
     .type = CONFIG_DURATION,
     .smallest = 0,
     .largest = 7 * DAY,
     .def = "0",
     .example = "24h",
     .help =
         "Close a TCP connection that has sent nothing for this long. 0: never, for a quiet sender "
         "is a healthy one.",
     FIELD(config_input, idle_timeout_ns)},
    {.pattern = "inputs.*.receive_buffer",
     .type = CONFIG_SIZE,
     .smallest = 4 * K,
     .largest = 1 * G,
     .def = "16M",
     .help = "Kernel buffer of each UDP socket, as far as the kernel allows (net.core.rmem_max).",
     FIELD(config_input, receive_buffer)},
    {.pattern = "inputs.*.time_zone",
     .type = CONFIG_STRING,
     .smallest = 1,
     .largest = 64,
     .def = "local",
     .help = "Zone of times that come without one (RFC 3164): local, UTC, a name such as "
             "Europe/Berlin, or "
             "an offset such as +02:00.",
     FIELD(config_input, time_zone)},

    {.pattern = "stages.*.workers_min",
     .type = CONFIG_INTEGER,
     .unit = "threads",
     .smallest = 1,
     .largest = 64,
     .def = "1",
     .help = "Workers that are always there.",
     FIELD(config_stage, workers_min)},
    {.pattern = "stages.*.workers_max",
     .type = CONFIG_INTEGER,
     .unit = "threads",
     .smallest = 0,
     .largest = 64,
     .def = "0",
     .help = "Workers under load, at least workers_min. 0: as many as fit the machine.",
     FIELD(config_stage, workers_max)},
    {.pattern = "stages.*.queue",
     .type = CONFIG_INTEGER,
     .unit = "batches",
     .smallest = 1,
     .largest = 65536,
     .def = "256",
     .help = "Batches that wait for the stage at most.",
     FIELD(config_stage, queue)},

    {.pattern = "geoip.databases",
     .type = CONFIG_PATHS,
     .smallest = 0,
     .largest = 16,
     .def = "[]",
     .example = "[/var/lib/GeoIP/GeoLite2-City.mmdb]",
     .help =
         "MaxMind databases (.mmdb), the first that knows an address wins field by field. None: no "
         "places.",
     LIST(config, geoip.databases, geoip.n_databases)},
    {.pattern = "geoip.lookup",
     .type = CONFIG_WORDS,
     .smallest = 0,
     .largest = 2,
     .def = "[peer, message]",
     .words = lookup,
     .help = "Which addresses are looked up, in this order: peer, the sender's; message, the first "
             "public "
             "one in the text.",
     LIST(config, geoip.lookup, geoip.n_lookup)},
    {.pattern = "geoip.cache",
     .type = CONFIG_INTEGER,
     .unit = "entries",
     .smallest = 1,
     .largest = 1 * M,
     .def = "4096",
     .help = "Addresses that each worker remembers.",
     FIELD(config, geoip.cache)},

    {.pattern = "store.path",
     .type = CONFIG_PATH,
     .smallest = 1,
     .largest = 3000,
     .def = "/var/lib/logboom",
     .user_def = "$XDG_STATE_HOME/logboom, or ~/.local/state/logboom",
     .help = "Folder of the store; it is made where it is missing.",
     FIELD(config, store.path)},
    {.pattern = "store.compression",
     .type = CONFIG_INTEGER,
     .smallest = 1,
     .largest = 19,
     .def = "1",
     .help = "zstd level: higher is smaller and slower.",
     FIELD(config, store.compression)},
    {.pattern = "store.sync",
     .type = CONFIG_ENUM,
     .def = "interval",
     .words = sync_modes,
     .help = "When lines are safe from a crash of the machine. none: when the kernel writes them. "
             "interval: "
             "every sync_interval. batch: before they count as stored. A crash of the daemon alone "
             "loses nothing that counts as stored, whatever stands here.",
     FIELD(config, store.sync)},
    {.pattern = "store.sync_interval",
     .type = CONFIG_DURATION,
     .smallest = 10 * MS,
     .largest = 1 * HOUR,
     .def = "1s",
     .help = "How often sync: interval writes to the disk.",
     FIELD(config, store.sync_interval_ns)},
    {.pattern = "store.segment_size",
     .type = CONFIG_SIZE,
     .smallest = 1 * M,
     .largest = 16 * G,
     .def = "128M",
     .help = "A file of the store is closed when it is this large.",
     FIELD(config, store.segment_size)},
    {.pattern = "store.segment_age",
     .type = CONFIG_DURATION,
     .smallest = 1 * MIN,
     .largest = 30 * DAY,
     .def = "1d",
     .help = "A file of the store is closed when it is this old.",
     FIELD(config, store.segment_age_ns)},
    {.pattern = "store.recompress_after",
     .type = CONFIG_DURATION,
     .smallest = 0,
     .largest = 36500 * DAY,
     .def = "0",
     .help = "Closed files whose newest line is older are compressed again, once, at "
             "recompress_level, with what processor time is left over. 0: never.",
     FIELD(config, store.recompress_after_ns)},
    {.pattern = "store.recompress_level",
     .type = CONFIG_INTEGER,
     .smallest = 1,
     .largest = 19,
     .def = "9",
     .help = "zstd level of that: above 12 it takes much longer and gains little.",
     FIELD(config, store.recompress_level)},
    {.pattern = "store.retain_size",
     .type = CONFIG_SIZE,
     .smallest = 0,
     .largest = 1024 * T,
     .def = "10G",
     .help = "The oldest files are deleted beyond this. 0: no limit.",
     FIELD(config, store.retain_size)},
    {.pattern = "store.retain_age",
     .type = CONFIG_DURATION,
     .smallest = 0,
     .largest = 36500 * DAY,
     .def = "30d",
     .help = "Files whose newest line is older are deleted. 0: no limit.",
     FIELD(config, store.retain_age_ns)},
    {.pattern = "store.min_free",
     .type = CONFIG_SIZE,
     .smallest = 0,
     .largest = 1024 * T,
     .def = "1G",
     .help = "The oldest files are deleted until the disk has this much room. 0: no limit.",
     FIELD(config, store.min_free)},

    {.pattern = "status.socket",
     .type = CONFIG_PATH,
     .smallest = 0,
     .largest = 107,
     .def = "/run/logboom/status.sock",
     .user_def = "$XDG_RUNTIME_DIR/logboom/status.sock, or status.sock in the store's folder",
     .help = "Unix socket that logboomctl asks. \"\": none.",
     FIELD(config, status.socket)},
    {.pattern = "status.http",
     .type = CONFIG_ADDRESS,
     .smallest = 0,
     .largest = 300,
     .def = "\"\"",
     .example = "127.0.0.1:9514",
     .help = "HOST:PORT that answers the same over TCP, to anyone who can reach it. \"\": none.",
     FIELD(config, status.http)},

    {.pattern = "log.level",
     .type = CONFIG_ENUM,
     .def = "info",
     .words = levels,
     .help = "Least severe message that is written.",
     FIELD(config, log.level)},
};
const size_t config_n_keys = sizeof(config_keys) / sizeof(config_keys[0]);

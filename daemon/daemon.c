/* SPDX-License-Identifier: MIT */
/*
 * The wiring of logboomd. Read this file first.
 *
 *   receivers (threads) ──▶ pipeline: parse ─▶ enrich ─▶ store (workers) ──▶ disk
 *        ▲                       ▲                 │
 *        └── batches from one pool, back when settled in the ledger ◀┘
 *
 *   main thread: a loop for signals, the status socket and a tick each second
 *
 * Everything is made from left to right in start(), each part handed what it needs and nothing
 * else; and it ends in the same direction: SIGTERM stops the receivers, which hand on what the
 * kernel already holds, then the stages drain one after the other, then the store is closed. A
 * thread of its own does that, so that the loop goes on answering and a second signal can cut it
 * short: that cancels `root`, the context that all waits hang on.
 */
#include "daemon/daemon.h"

#include <errno.h>
#include <event2/event.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <systemd/sd-daemon.h>
#include <time.h>
#include <unistd.h>

#include <boom/group.h>
#include "daemon/budget.h"
#include "daemon/log.h"
#include "daemon/receiver.h"
#include "daemon/socket.h"
#include "daemon/stages.h"
#include "daemon/status.h"
#include "daemon/timezone.h"

/*
 * Descriptors that no connection may take: the store opens files, and the status is asked when
 * things go wrong.
 */
#define DESCRIPTORS_RESERVED 64

/* Beyond shutdown_timeout: for what is at work to return, and for closing the store. */
#define STOP_SPARE_US 30000000ll

struct signals {
    struct event *term, *interrupt, *hangup, *seal, *quit;
};

struct daemon {
    const struct config *config;
    struct boom_ctx *root; /* cancelled: everything ends at once */
    struct budget budget;
    struct ledger ledger;
    const char **input_names;
    struct store *store;
    struct geo *geo;
    struct syslog_zone *zones;
    struct batch_pool *pool;
    struct stages stages;
    struct boom_pipeline *pipeline;
    struct front front;
    struct receiver **receivers;
    unsigned n_receivers;
    struct boom_group *receiving;

    struct event_base *base;
    struct signals signals;
    struct event *tick;
    struct status *status;

    struct boom_group *stopping; /* set once a signal came */
    struct boom_ctx *stop;       /* ends at the shutdown's deadline */
    int drained;                 /* of the pipeline: 0, or what cut it off */
    int stopped_fd;              /* eventfd: the stopping thread is done */
    struct event *stopped;
};

/*
 * ---- start
 * ------------------------------------------------------------------------------------------------
 */

static int fail(int r, const char *what)
{
    if (r < 0)
        log_msg(LOG_ERR, "%s: %s", what, strerror(-r));
    return r;
}

static void report_store(void *arg, int priority, const char *message)
{
    log_msg(priority, "%s", message);
}

static int make_store(struct daemon *d)
{
    const struct config *config = d->config;
    d->input_names = calloc(config->n_inputs ? config->n_inputs : 1, sizeof(*d->input_names));
    if (!d->input_names)
        return -ENOMEM;
    for (size_t i = 0; i < config->n_inputs; i++)
        d->input_names[i] = config->inputs[i].name;

    struct store_options options = STORE_OPTIONS_DEFAULT;
    options.path = config->store.path;
    options.inputs = d->input_names;
    options.n_inputs = config->n_inputs;
    options.compression = config->store.compression;
    options.sync = config->store.sync;
    options.sync_interval_ns = config->store.sync_interval_ns;
    options.segment_bytes = config->store.segment_size;
    options.segment_age_ns = config->store.segment_age_ns;
    options.merge_bytes = d->budget.run_bytes;
    options.recompress_after_ns = config->store.recompress_after_ns;
    options.recompress_level = config->store.recompress_level;
    options.retain_bytes = config->store.retain_size;
    options.retain_age_ns = config->store.retain_age_ns;
    options.min_free_bytes = config->store.min_free;
    options.report = report_store;
    int r = store_open(&options, &d->store);
    if (r == -EBUSY)
        log_msg(LOG_ERR, "store %s: another logboomd holds it; stop that one, or set store.path",
                options.path);
    else if (r < 0)
        log_msg(LOG_ERR,
                "store %s: cannot be opened: %s; make the directory writable for this user, or set "
                "store.path",
                options.path, strerror(-r));
    return r;
}

static int make_geo(struct daemon *d)
{
    const struct config *config = d->config;
    if (config->geoip.n_databases == 0)
        return 0;
    int r =
        geo_new((const char *const *)config->geoip.databases, config->geoip.n_databases, &d->geo);
    for (size_t i = 0; r == 0 && i < geo_n_databases(d->geo); i++) {
        struct geo_database_stats stats;
        geo_get_stats(d->geo, i, &stats);
        if (!stats.open)
            log_msg(LOG_WARNING, "geoip: %s cannot be opened: %s; going on without it", stats.path,
                    strerror(-stats.error));
    }
    return fail(r, "geoip");
}

/* Before any thread is there: see timezone.h. */
static int make_zones(struct daemon *d)
{
    const struct config *config = d->config;
    d->zones = calloc(config->n_inputs ? config->n_inputs : 1, sizeof(*d->zones));
    if (!d->zones)
        return -ENOMEM;
    for (size_t i = 0; i < config->n_inputs; i++) {
        const char *name = config->inputs[i].time_zone;
        int r = timezone_load(name, time(NULL), &d->zones[i]);
        if (r < 0) {
            log_msg(LOG_ERR, "inputs.%s.time_zone: \"%s\" is no time zone of this system: %s",
                    config->inputs[i].name, name, strerror(-r));
            return r;
        }
    }
    return 0;
}

static int make_budget(struct daemon *d)
{
    size_t least = 0;
    int r = budget_divide(d->config, &d->budget, &least);
    if (r < 0)
        log_msg(LOG_ERR,
                "memory: %llu MiB is too little for this configuration: set it to %zuM or more",
                (unsigned long long)(d->config->memory >> 20), (least >> 20) + 1);
    return r;
}

static int make_pool(struct daemon *d)
{
    const struct batch_pool_options options = {
        .budget_bytes = d->budget.pool_bytes,
        .capacity = d->budget.batch_bytes,
        .max_records = d->budget.batch_records,
        .settle = ledger_settle,
        .arg = &d->ledger,
    };
    return fail(batch_pool_new(&options, &d->pool), "memory");
}

static int make_pipeline(struct daemon *d)
{
    struct boom_stage_options options[N_PIPELINE_STAGES];
    d->stages = (struct stages){
        .config = d->config,
        .zones = d->zones,
        .geo = d->geo,
        .store = d->store,
        .pool = d->pool,
        .run_bytes = d->budget.run_bytes,
        .run_batches = d->budget.run_batches,
    };
    stages_describe(&d->stages, options);
    return fail(boom_pipeline_start(d->root, options, N_PIPELINE_STAGES, &d->pipeline), "pipeline");
}

/* Raises the limit as far as it goes. Returns how many descriptors connections may take. */
static int raise_descriptors(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return INT_MAX;
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
        (void)getrlimit(RLIMIT_NOFILE, &limit);
    rlim_t reserved =
        limit.rlim_cur / 4 < DESCRIPTORS_RESERVED ? limit.rlim_cur / 4 : DESCRIPTORS_RESERVED;
    return limit.rlim_cur > INT_MAX ? INT_MAX : (int)(limit.rlim_cur - reserved);
}

static int make_front(struct daemon *d)
{
    const struct config *config = d->config;
    d->front.config = config;
    d->front.pool = d->pool;
    d->front.pipeline = d->pipeline;
    d->front.ledger = &d->ledger;
    d->front.n_inputs = config->n_inputs;
    d->front.datagrams = d->budget.datagrams;
    d->front.carry_max = d->budget.carry_bytes;
    d->front.descriptors_max = raise_descriptors();
    d->front.inputs = calloc(config->n_inputs ? config->n_inputs : 1, sizeof(*d->front.inputs));
    d->receivers = calloc(d->n_receivers, sizeof(*d->receivers));
    if (!d->front.inputs || !d->receivers)
        return -ENOMEM;
    for (size_t i = 0; i < config->n_inputs; i++) {
        d->front.inputs[i].config = &config->inputs[i];
        d->front.inputs[i].index = (uint16_t)i;
        d->front.inputs[i].quota.max = d->budget.blocking_batches;
    }
    for (unsigned i = 0; i < d->n_receivers; i++) {
        int r = receiver_new(&d->front, i, &d->receivers[i]);
        if (r < 0)
            return fail(r, "receiver");
    }
    return 0;
}

static void note_receive_buffer(struct input_state *input, int fd)
{
    uint32_t bytes = socket_receive_buffer(fd), known = atomic_load(&input->receive_buffer);
    if (known == 0 || bytes < known)
        atomic_store(&input->receive_buffer, bytes);
}

/* One address: a socket for each receiver. */
static int listen_at(struct daemon *d, uint16_t input, const struct config_listen *listen,
                     const struct socket_address *address)
{
    const struct config_input *config = &d->config->inputs[input];
    int fds[64];
    int r = socket_open(listen->scheme, address, config->receive_buffer, fds, d->n_receivers);
    if (r < 0) {
        log_msg(LOG_ERR, "inputs.%s: cannot listen on %s: %s%s", config->name, listen->url,
                strerror(-r),
                r == -EADDRINUSE ? "; stop the program that holds the port, or choose another"
                : r == -EACCES   ? "; ports below 1024 need CAP_NET_BIND_SERVICE: choose one above"
                                 : "");
        return r;
    }
    struct peer local;
    char text[PEER_TEXT_MAX];
    struct sockaddr_storage bound;
    socklen_t len = sizeof(bound);
    if (getsockname(fds[0], (struct sockaddr *)&bound, &len) == 0) {
        peer_from_sockaddr((struct sockaddr *)&bound, &local);
        log_msg(LOG_INFO, "input %s: listening on %s://%s", config->name,
                listen->scheme == SCHEME_UDP ? "udp" : "tcp", peer_to_text(&local, text));
    }
    for (unsigned i = 0; i < d->n_receivers; i++) {
        int added;
        if (listen->scheme == SCHEME_UDP) {
            note_receive_buffer(&d->front.inputs[input], fds[i]);
            added = receiver_add_udp(d->receivers[i], input, fds[i]);
        } else {
            added = receiver_add_listener(d->receivers[i], input, fds[i]);
        }
        if (added < 0)
            r = added;
    }
    return fail(r, "socket");
}

static int listen_on(struct daemon *d, uint16_t input, const struct config_listen *listen)
{
    struct socket_address addresses[SOCKET_MAX_ADDRESSES];
    const char *why = "";
    int n = socket_resolve(listen, addresses, &why);
    if (n < 0) {
        log_msg(LOG_ERR, "inputs.%s: cannot listen on %s: %s", d->config->inputs[input].name,
                listen->url, why);
        return n;
    }
    for (int i = 0; i < n; i++) {
        int r = listen_at(d, input, listen, &addresses[i]);
        if (r < 0)
            return r;
    }
    return 0;
}

static int open_inputs(struct daemon *d)
{
    for (size_t i = 0; i < d->config->n_inputs; i++) {
        for (size_t k = 0; k < d->config->inputs[i].n_listen; k++) {
            int r = listen_on(d, (uint16_t)i, &d->config->inputs[i].listen[k]);
            if (r < 0)
                return r;
        }
    }
    return 0;
}

static int start_receivers(struct daemon *d)
{
    int r = boom_group_new(d->root, &d->receiving);
    for (unsigned i = 0; r == 0 && i < d->n_receivers; i++)
        r = boom_group_go(d->receiving, "receiver", receiver_run, d->receivers[i]);
    return fail(r, "receiver");
}

/*
 * ---- stop
 * -------------------------------------------------------------------------------------------------
 */

static int stop_run(void *arg)
{
    struct daemon *d = arg;
    for (unsigned i = 0; i < d->n_receivers; i++)
        receiver_stop(d->receivers[i], d->stop);
    boom_group_wait(d->receiving);
    d->drained = boom_pipeline_drain(d->pipeline, d->stop);
    uint64_t one = 1;
    (void)!write(d->stopped_fd, &one, sizeof(one));
    return 0;
}

static void begin_stop(struct daemon *d)
{
    int64_t deadline_ns = boom_now_ns() + d->config->shutdown_timeout_ns;
    sd_notifyf(0, "STOPPING=1\nSTATUS=Draining\nEXTEND_TIMEOUT_USEC=%lld",
               (long long)(d->config->shutdown_timeout_ns / 1000 + STOP_SPARE_US));
    log_msg(LOG_INFO, "stopping: draining for at most %lld s; a second signal ends it at once",
            (long long)(d->config->shutdown_timeout_ns / 1000000000));
    int r = boom_ctx_with_deadline(d->root, deadline_ns, &d->stop);
    if (r == 0)
        r = boom_group_new(NULL, &d->stopping);
    if (r == 0)
        r = boom_group_go(d->stopping, "stop", stop_run, d);
    if (r < 0) {
        fail(r, "stopping");
        event_base_loopbreak(d->base);
    }
}

static void on_stop_signal(evutil_socket_t signal_number, short what, void *arg)
{
    struct daemon *d = arg;
    if (!d->stopping) {
        begin_stop(d);
        return;
    }
    log_msg(LOG_WARNING,
            "stopping at once: what is not stored yet is counted as dropped (shutdown)");
    boom_ctx_cancel(d->root, -ECANCELED);
    for (unsigned i = 0; i < d->n_receivers; i++)
        receiver_wake(d->receivers[i]);
}

static void on_stopped(evutil_socket_t fd, short what, void *arg)
{
    struct daemon *d = arg;
    event_base_loopbreak(d->base);
}

/*
 * ---- the control loop
 * -------------------------------------------------------------------------------------
 */

static void on_hangup(evutil_socket_t signal_number, short what, void *arg)
{
    struct daemon *d = arg;
    int n = d->geo ? geo_swap(d->geo) : 0;
    if (n < 0)
        fail(n, "geoip");
    else
        log_msg(LOG_INFO,
                "SIGHUP: %d geo databases opened anew; a changed configuration takes a restart", n);
}

static void on_seal(evutil_socket_t signal_number, short what, void *arg)
{
    struct daemon *d = arg;
    if (fail(store_seal(d->store), "seal") == 0)
        log_msg(LOG_INFO, "SIGUSR1: the open log is sealed");
}

static void tell_worker(void *arg, const char *stage, unsigned index, const char *what,
                        int64_t since_ns, uint64_t runs)
{
    log_msg(LOG_NOTICE, "SIGQUIT: %s %u: %s for %.3f s, %llu runs", stage, index, what,
            (double)(boom_now_ns() - since_ns) / 1e9, (unsigned long long)runs);
}

static void on_quit(evutil_socket_t signal_number, short what, void *arg)
{
    struct daemon *d = arg;
    boom_pipeline_each_worker(d->pipeline, tell_worker, NULL);
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
    struct daemon *d = arg;
    status_tick(d->status);
}

static int add_signal(struct daemon *d, int number, event_callback_fn fn, struct event **ret_event)
{
    *ret_event = evsignal_new(d->base, number, fn, d);
    return *ret_event && event_add(*ret_event, NULL) == 0 ? 0 : -ENOMEM;
}

static int make_loop(struct daemon *d)
{
    d->base = event_base_new();
    d->stopped_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (!d->base || d->stopped_fd < 0)
        return -ENOMEM;
    d->stopped = event_new(d->base, d->stopped_fd, EV_READ, on_stopped, d);
    d->tick = event_new(d->base, -1, EV_PERSIST, on_tick, d);
    if (!d->stopped || !d->tick)
        return -ENOMEM;
    int r = event_add(d->stopped, NULL);
    if (r == 0)
        r = add_signal(d, SIGTERM, on_stop_signal, &d->signals.term);
    if (r == 0)
        r = add_signal(d, SIGINT, on_stop_signal, &d->signals.interrupt);
    if (r == 0)
        r = add_signal(d, SIGHUP, on_hangup, &d->signals.hangup);
    if (r == 0)
        r = add_signal(d, SIGUSR1, on_seal, &d->signals.seal);
    if (r == 0)
        r = add_signal(d, SIGQUIT, on_quit, &d->signals.quit);
    return r;
}

static int make_status(struct daemon *d)
{
    struct status_sources sources = {
        .config = d->config,
        .ledger = &d->ledger,
        .front = &d->front,
        .receivers = d->receivers,
        .n_receivers = d->n_receivers,
        .pool = d->pool,
        .pipeline = d->pipeline,
        .geo = d->geo,
        .store = d->store,
    };
    int r = status_new(d->base, &sources, &d->status);
    if (r == 0)
        event_add(d->tick, &(struct timeval){.tv_sec = 1});
    return r;
}

static int start(struct daemon *d)
{
    int (*const steps[])(struct daemon *) = {
        make_zones,    make_budget, make_loop,   make_store,  make_geo,        make_pool,
        make_pipeline, make_front,  open_inputs, make_status, start_receivers,
    };
    d->n_receivers = budget_receivers(d->config);
    int r = boom_ctx_with_cancel(NULL, &d->root);
    if (r == 0)
        r = ledger_init(&d->ledger, d->config->n_inputs);
    for (size_t i = 0; r == 0 && i < sizeof(steps) / sizeof(steps[0]); i++)
        r = steps[i](d);
    return r;
}

/* Ends what start() made and stop_run() did not: a start that failed half way. */
static void abandon(struct daemon *d)
{
    if (d->root)
        boom_ctx_cancel(d->root, -ECANCELED);
    if (d->receiving) {
        for (unsigned i = 0; i < d->n_receivers; i++)
            receiver_stop(d->receivers[i], d->root);
        boom_group_wait(d->receiving);
    }
    if (d->pipeline)
        boom_pipeline_drain(d->pipeline, d->root);
}

static void say_goodbye(struct daemon *d)
{
    struct ledger_input *inputs =
        calloc(d->config->n_inputs ? d->config->n_inputs : 1, sizeof(*inputs));
    struct ledger_totals totals;
    if (!inputs)
        return;
    ledger_read(&d->ledger, inputs, &totals);
    free(inputs);
    log_msg(d->drained < 0 || totals.dropped ? LOG_WARNING : LOG_INFO,
            "stopped: received %llu, stored %llu, dropped %llu, in flight %llu, residual %lld%s",
            (unsigned long long)totals.received, (unsigned long long)totals.stored,
            (unsigned long long)totals.dropped, (unsigned long long)totals.in_flight,
            (long long)totals.residual,
            d->drained < 0 ? "; the shutdown was cut off before all was stored" : "");
}

/* Construction reversed. Every part may be missing. */
static void tear_down(struct daemon *d)
{
    d->status = status_free(d->status);
    boom_group_free(d->stopping);
    boom_group_free(d->receiving);
    for (unsigned i = 0; d->receivers && i < d->n_receivers; i++)
        receiver_free(d->receivers[i]);
    free(d->receivers);
    boom_pipeline_free(d->pipeline);
    free(d->front.inputs);
    batch_pool_free(d->pool);
    free(d->zones);
    if (d->geo)
        geo_free(d->geo);
    if (d->store)
        store_close(d->store);
    free(d->input_names);
    ledger_deinit(&d->ledger);
    struct event *events[] = {d->signals.term, d->signals.interrupt, d->signals.hangup,
                              d->signals.seal, d->signals.quit,      d->tick,
                              d->stopped};
    for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++)
        if (events[i])
            event_free(events[i]);
    if (d->base)
        event_base_free(d->base);
    if (d->stopped_fd >= 0)
        close(d->stopped_fd);
    boom_ctx_unref(d->stop);
    boom_ctx_unref(d->root);
}

int daemon_check(const struct config *config)
{
    struct daemon d = {.config = config, .stopped_fd = -1};
    int zones = make_zones(&d), budget = make_budget(&d), geo = make_geo(&d);
    tear_down(&d);
    return zones == 0 && budget == 0 && geo == 0 ? 0 : 1;
}

int daemon_run(const struct config *config)
{
    struct daemon d = {.config = config, .stopped_fd = -1};
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a file size limit is an error of write(), like a full disk */
    int r = start(&d);
    if (r == 0) {
        log_msg(LOG_INFO, "ready: %zu inputs, %u receivers, store %s", config->n_inputs,
                d.n_receivers, config->store.path);
        sd_notify(0, "READY=1\nSTATUS=Receiving");
        event_base_dispatch(d.base);
        if (d.stopping)
            boom_group_wait(d.stopping);
    }
    if (!d.stopping)
        abandon(&d);
    if (r == 0)
        say_goodbye(&d);
    tear_down(&d);
    return r == 0 ? 0 : 1;
}

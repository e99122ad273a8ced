/* SPDX-License-Identifier: MIT */
#include "config_test.h"

#include <errno.h>

static void built_in_defaults_of_root(void **state)
{
    struct config *config;
    assert_int_equal(config_load_as(&root, NULL, "/nonexistent/c.yaml", stderr, &config), 0);
    assert_null(config->path);
    assert_int_equal(config->workers, 0);
    assert_int_equal(config->memory, 256u << 20);
    assert_int_equal(config->shutdown_timeout_ns, INT64_C(10000000000));
    assert_int_equal(config->n_inputs, 1);
    const struct config_input *input = &config->inputs[0];
    assert_string_equal(input->name, "network");
    assert_int_equal(input->n_listen, 2);
    assert_int_equal(input->listen[0].scheme, SCHEME_UDP);
    assert_string_equal(input->listen[0].url, "udp://[::]:514");
    assert_string_equal(input->listen[0].host, "::");
    assert_int_equal(input->listen[0].port, 514);
    assert_int_equal(input->listen[0].line, 0);
    assert_int_equal(input->listen[1].scheme, SCHEME_TCP);
    assert_int_equal(input->on_full, ON_FULL_DROP);
    assert_int_equal(input->on_oversize, ON_OVERSIZE_CUT);
    assert_int_equal(input->max_line, 65536);
    assert_int_equal(input->max_connections, 1000);
    assert_int_equal(input->idle_timeout_ns, 0);
    assert_int_equal(input->receive_buffer, 16 << 20);
    assert_string_equal(input->time_zone, "local");
    assert_int_equal(config->enrich.workers_min, 1);
    assert_int_equal(config->enrich.workers_max, 0);
    assert_int_equal(config->enrich.queue, 256);
    assert_int_equal(config->geoip.n_databases, 0);
    assert_int_equal(config->geoip.n_lookup, 2);
    assert_int_equal(config->geoip.lookup[0], GEO_LOOKUP_PEER);
    assert_int_equal(config->geoip.lookup[1], GEO_LOOKUP_MESSAGE);
    assert_int_equal(config->geoip.cache, 4096);
    assert_string_equal(config->store.path, "/var/lib/logboom");
    assert_int_equal(config->store.compression, 1);
    assert_int_equal(config->store.sync, STORE_SYNC_INTERVAL);
    assert_int_equal(config->store.sync_interval_ns, 1000000000);
    assert_int_equal(config->store.segment_size, 128 << 20);
    assert_int_equal(config->store.segment_age_ns, INT64_C(86400000000000));
    assert_int_equal(config->store.retain_size, UINT64_C(10) << 30);
    assert_int_equal(config->store.retain_age_ns, 30 * INT64_C(86400000000000));
    assert_int_equal(config->store.min_free, 1 << 30);
    assert_string_equal(config->status.socket, "/run/logboom/status.sock");
    assert_string_equal(config->status.http, "");
    assert_int_equal(config->log.level, 6);
    config_free(config);
}

static void built_in_defaults_of_a_person(void **state)
{
    struct config *config;
    assert_int_equal(config_load_as(&person, NULL, "/nonexistent/c.yaml", stderr, &config), 0);
    assert_string_equal(config->inputs[0].listen[0].url, "udp://127.0.0.1:5514");
    assert_string_equal(config->inputs[0].listen[1].url, "tcp://127.0.0.1:5514");
    assert_string_equal(config->store.path, "/home/p/.local/state/logboom");
    assert_string_equal(config->status.socket, "/run/user/1000/logboom/status.sock");
    config_free(config);
}

static void paths_follow_the_environment(void **state)
{
    struct fixture *f = *state;
    const struct config_user xdg = {.euid = 1, .home = "/home/p", .xdg_state_home = "/s"};
    const struct config_user relative = {
        .euid = 1, .home = "/home/p", .xdg_state_home = "s", .xdg_runtime_dir = "r"};

    const struct config *config = fixture_load_text(f, &xdg, "");
    assert_string_equal(config->store.path, "/s/logboom");
    assert_string_equal(config->status.socket, "/s/logboom/status.sock");
    config = fixture_load_text(f, &relative, "");
    assert_string_equal(config->store.path, "/home/p/.local/state/logboom");
    assert_string_equal(config->status.socket, "/home/p/.local/state/logboom/status.sock");
    config = fixture_load_text(f, &xdg, "store: {path: t/u}");
    assert_string_equal(config->status.socket, "t/u/status.sock");
    config = fixture_load_text(f, &xdg, "status: {socket: \"\"}");
    assert_string_equal(config->status.socket, "");
}

static void every_key_can_be_set(void **state)
{
    struct fixture *f = *state;
    const struct config *config = fixture_load_text(
        f, &root,
        "workers: \"5\"\nmemory: 64m\nshutdown_timeout: 500ms\n"
        "inputs:\n"
        "  NO:\n"
        "    listen:\n"
        "      - tcp://*:0\n"
        "      - 'udp://[fe80::1%eth0]:65535'\n"
        "      - tcp://log-host.example:1\n"
        "      - udp://:2\n"
        "    on_full: block\n    on_oversize: drop\n    max_line: 1MiB\n"
        "    max_connections: 7\n    idle_timeout: 24h\n    receive_buffer: 8192\n"
        "    time_zone: \"+02:00\"\n"
        "  b_2: {listen: [\"udp://1.2.3.4:9\"]}\n"
        "stages:\n  store: {workers_min: 2, workers_max: 3, queue: 4}\n"
        "geoip: {databases: [/a, b], lookup: [message], cache: 9}\n"
        "store: {path: NO, compression: 19, sync: batch, sync_interval: 10ms, segment_size: 16G,\n"
        "  segment_age: 30d, retain_size: 0, retain_age: 0, min_free: 1T}\n"
        "status: {socket: x, http: \"[::1]:80\"}\n"
        "log: {level: debug}\n");
    assert_int_equal(config->workers, 5);
    assert_int_equal(config->memory, 64 << 20);
    assert_int_equal(config->shutdown_timeout_ns, 500000000);
    assert_int_equal(config->n_inputs, 2);
    const struct config_input *input = &config->inputs[0];
    assert_string_equal(input->name, "NO");
    assert_int_equal(input->n_listen, 4);
    assert_string_equal(input->listen[0].host, "");
    assert_int_equal(input->listen[0].port, 0);
    assert_int_equal(input->listen[0].line, 7);
    assert_int_equal(input->listen[0].column, 9);
    assert_string_equal(input->listen[1].host, "fe80::1%eth0");
    assert_int_equal(input->listen[1].port, 65535);
    assert_string_equal(input->listen[2].host, "log-host.example");
    assert_string_equal(input->listen[3].host, "");
    assert_int_equal(input->on_full, ON_FULL_BLOCK);
    assert_int_equal(input->on_oversize, ON_OVERSIZE_DROP);
    assert_int_equal(input->max_line, 1 << 20);
    assert_int_equal(input->max_connections, 7);
    assert_int_equal(input->idle_timeout_ns, INT64_C(86400000000000));
    assert_int_equal(input->receive_buffer, 8192);
    assert_string_equal(input->time_zone, "+02:00");
    assert_string_equal(config->inputs[1].name, "b_2");
    assert_int_equal(config->inputs[1].max_line, 65536);
    assert_int_equal(config->store_stage.workers_min, 2);
    assert_int_equal(config->store_stage.workers_max, 3);
    assert_int_equal(config->store_stage.queue, 4);
    assert_int_equal(config->parse.queue, 256);
    assert_int_equal(config->geoip.n_databases, 2);
    assert_string_equal(config->geoip.databases[1], "b");
    assert_int_equal(config->geoip.n_lookup, 1);
    assert_int_equal(config->geoip.lookup[0], GEO_LOOKUP_MESSAGE);
    assert_int_equal(config->geoip.cache, 9);
    assert_string_equal(config->store.path, "NO");
    assert_int_equal(config->store.compression, 19);
    assert_int_equal(config->store.sync, STORE_SYNC_BATCH);
    assert_int_equal(config->store.sync_interval_ns, 10000000);
    assert_int_equal(config->store.segment_size, UINT64_C(16) << 30);
    assert_int_equal(config->store.segment_age_ns, 30 * INT64_C(86400000000000));
    assert_int_equal(config->store.retain_size, 0);
    assert_int_equal(config->store.retain_age_ns, 0);
    assert_int_equal(config->store.min_free, UINT64_C(1) << 40);
    assert_string_equal(config->status.socket, "x");
    assert_string_equal(config->status.http, "[::1]:80");
    assert_int_equal(config->log.level, 7);
}

static void files_that_say_nothing(void **state)
{
    static const char *const texts[] = {"",
                                        "\n",
                                        "# only a comment\n",
                                        "---\n",
                                        "--- {}\n...\n",
                                        "\xef\xbb\xbf# with a mark\n",
                                        "%YAML 1.1\n---\n{}\n",
                                        "inputs:\nstore:\nstages:\n  parse:\nlog: {}\n"};
    struct fixture *f = *state;
    struct config *defaults;
    assert_int_equal(config_load_as(&root, NULL, "/nonexistent/c", stderr, &defaults), 0);
    char *expected = config_as_json(defaults);
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        char *got = config_as_json(fixture_load_text(f, &root, texts[i]));
        assert_string_equal(got, expected);
        assert_non_null(f->config->path);
        free(got);
    }
    free(expected);
    config_free(defaults);
}

static void fragments_are_set_over_the_file(void **state)
{
    struct fixture *f = *state;
    char *path = fixture_path(f, "conf.d");
    assert_int_equal(mkdir(path, 0700), 0);
    free(path);
    fixture_write(f, "conf.d/20.yaml", "workers: 3\ngeoip: {databases: [c]}\n");
    fixture_write(f, "conf.d/10.yaml",
                  "workers: 2\nmemory: 32M\n"
                  "inputs:\n  a: {max_line: 1K}\n  c: {listen: [\"udp://*:3\"]}\n");
    fixture_write(f, "conf.d/.30.yaml", "broken: [");
    fixture_write(f, "conf.d/30.yaml~", "broken: [");
    fixture_write(f, "conf.d/30.yml", "broken: [");
    fixture_write(f, "conf.d/.yaml", "broken: [");
    const struct config *config =
        fixture_load_text(f, &root,
                          "workers: 1\nshutdown_timeout: 2s\ngeoip: {databases: [a, b]}\n"
                          "inputs:\n  a: {listen: [\"udp://*:1\"], on_full: block}\n  b: {listen: "
                          "[\"udp://*:2\"]}\n");
    assert_int_equal(config->workers, 3);
    assert_int_equal(config->memory, 32 << 20);
    assert_int_equal(config->shutdown_timeout_ns, INT64_C(2000000000));
    assert_int_equal(config->geoip.n_databases, 1);
    assert_string_equal(config->geoip.databases[0], "c");
    assert_int_equal(config->n_inputs, 3);
    assert_string_equal(config->inputs[0].listen[0].url, "udp://*:1");
    assert_int_equal(config->inputs[0].on_full, ON_FULL_BLOCK);
    assert_int_equal(config->inputs[0].max_line, 1024);
    assert_string_equal(config->inputs[2].name, "c");
}

static void fragments_without_the_default_file(void **state)
{
    struct fixture *f = *state;
    char *path = fixture_path(f, "conf.d"), *file = fixture_path(f, "c.yaml");
    assert_int_equal(mkdir(path, 0700), 0);
    fixture_write(f, "conf.d/1.yaml", "workers: 9\n");
    assert_int_equal(config_load_as(&root, NULL, file, stderr, &f->config), 0);
    assert_int_equal(f->config->workers, 9);
    assert_string_equal(f->config->path, file);
    free(path);
    free(file);
}

static void the_dump_is_a_configuration(void **state)
{
    struct fixture *f = *state;
    char *first = config_as_json(
        fixture_load_text(f, &person,
                          "memory: 1000000001\nstore: {path: \"q\\\"\\\\ \\u00e9\\t\\U0001F600\"}\n"
                          "inputs: {a: {listen: [\"udp://*:1\"], idle_timeout: 90s}, b: {listen: "
                          "[\"tcp://[::1]:0\"]}}\n"
                          "geoip: {lookup: [], databases: [a, \"NO\"]}\n"));
    assert_non_null(strstr(first, "\"memory\": \"1000000001\""));
    assert_non_null(strstr(first, "\"idle_timeout\": \"90s\""));
    char *second = config_as_json(fixture_load_text(f, &root, first));
    assert_string_equal(first, second);
    free(first);
    free(second);
}

/* Removes the "#" of "#key: value", as a person would. */
static void uncomment(char *text)
{
    char *out = text;
    bool indent = true;
    for (const char *in = text; *in; in++) {
        if (!(indent && in[0] == '#' && in[1] >= 'a' && in[1] <= 'z'))
            *out++ = *in;
        indent = *in == '\n' || (indent && *in == ' ');
    }
    *out = '\0';
}

static char *read_source(const char *name)
{
    char *path, *text = NULL;
    size_t size = 0;
    assert_non_null(getenv("SOURCE_ROOT"));
    assert_true(asprintf(&path, "%s/%s", getenv("SOURCE_ROOT"), name) > 0);
    FILE *file = fopen(path, "re");
    if (!file)
        fail_msg("%s is missing: ninja update-config", path);
    assert_true(getdelim(&text, &size, '\0', file) > 0);
    fclose(file);
    free(path);
    return text;
}

static char *written_by(void (*write)(FILE *out))
{
    char *text;
    size_t len;
    FILE *out = open_memstream(&text, &len);
    write(out);
    fclose(out);
    return text;
}

static void the_sample_says_the_defaults(void **state)
{
    struct fixture *f = *state;
    char *sample = written_by(config_write_sample);
    char *expected = config_as_json(fixture_load_text(f, &root, ""));
    char *as_root = config_as_json(fixture_load_text(f, &root, sample));
    char *as_person = config_as_json(fixture_load_text(f, &person, sample));
    assert_string_equal(as_root, expected);
    assert_string_equal(as_person, expected);
    uncomment(sample);
    assert_null(strstr(sample, "#workers"));
    char *uncommented = config_as_json(fixture_load_text(f, &person, sample));
    assert_string_equal(uncommented, expected);
    free(sample);
    free(expected);
    free(as_root);
    free(as_person);
    free(uncommented);
}

static void kept_documents_are_up_to_date(void **state)
{
    static const struct {
        const char *name;
        void (*write)(FILE *out);
    } documents[] = {{"conf/logboom.yaml", config_write_sample},
                     {"docs/logboom.yaml.5.scd", config_write_man}};
    for (size_t i = 0; i < 2; i++) {
        char *kept = read_source(documents[i].name), *made = written_by(documents[i].write);
        if (strcmp(kept, made) != 0)
            fail_msg("%s is out of date: ninja update-config", documents[i].name);
        free(kept);
        free(made);
    }
}

/* What scdoc makes of escaped characters. */
static void unescape(char *text)
{
    char *out = text;
    for (const char *in = text; *in; in++)
        if (*in != '\\' || *++in)
            *out++ = *in;
    *out = '\0';
}

static void every_key_is_explained_everywhere(void **state)
{
    char *help = written_by(config_write_help), *man = written_by(config_write_man),
         *sample = written_by(config_write_sample);
    unescape(man);
    for (size_t i = 0; i < config_n_keys; i++) {
        assert_non_null(strstr(man, config_keys[i].pattern));
        assert_non_null(strstr(help, config_keys[i].pattern));
        assert_non_null(strstr(man, config_keys[i].help));
        assert_non_null(strstr(sample, config_key_leaf(&config_keys[i])));
    }
    free(help);
    free(man);
    free(sample);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(built_in_defaults_of_root),
        TEST(built_in_defaults_of_a_person),
        TEST(paths_follow_the_environment),
        TEST(every_key_can_be_set),
        TEST(files_that_say_nothing),
        TEST(fragments_are_set_over_the_file),
        TEST(fragments_without_the_default_file),
        TEST(the_dump_is_a_configuration),
        TEST(the_sample_says_the_defaults),
        TEST(kept_documents_are_up_to_date),
        TEST(every_key_is_explained_everywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
#include "config_test.h"

#include <errno.h>
#include <fcntl.h>

/* What is wrong, and the exact lines that say so. */

#define ROOT_KEYS                                                                                  \
    "known here are workers, memory, shutdown_timeout, inputs, stages, geoip, store, status, "     \
    "log\n"
#define IN "inputs: {n: {listen: [\"udp://*:1\"], "
#define URL                                                                                        \
    "inputs.n.listen: expected udp://HOST:PORT or tcp://HOST:PORT, the schemes of this version, "  \
    "not "
#define LIST_URLS "expected a list of URLs, such as [\"udp://[::]:514\"]"
#define BELOW     ": expected keys below it, one a line and indented, not "

static const struct bad {
    const char *text, *errors;
} bad[] = {
    /* keys */
    {"workrs: 5\n", "c.yaml:1:1: unknown key \"workrs\"; did you mean \"workers\"?\n"},
    {"owrkers: 5\n", "c.yaml:1:1: unknown key \"owrkers\"; did you mean \"workers\"?\n"},
    {"imput: {}\n", "c.yaml:1:1: unknown key \"imput\"; did you mean \"inputs\"?\n"},
    {"zebra: 1\n", "c.yaml:1:1: unknown key \"zebra\"; " ROOT_KEYS},
    {"Workers: 1\n", "c.yaml:1:1: unknown key \"Workers\"; did you mean \"workers\"?\n"},
    {"log.level: info\n", "c.yaml:1:1: unknown key \"log.level\"; " ROOT_KEYS},
    {"\"\": 1\n", "c.yaml:1:1: unknown key \"\"; " ROOT_KEYS},
    {"\"a\\nb\": 1\n", "c.yaml:1:1: unknown key \"a\\nb\"; " ROOT_KEYS},
    {"max_line: 64K\n", "c.yaml:1:1: unknown key \"max_line\"; did you mean inputs.*.max_line?\n"},
    {"store:\n  retain_sise: 1G\n",
     "c.yaml:2:3: store: unknown key \"retain_sise\"; did you mean \"retain_size\"?\n"},
    {IN "lisen: []}}\n",
     "c.yaml:1:37: inputs.n: unknown key \"lisen\"; did you mean \"listen\"?\n"},
    {"stages:\n  prase: {}\n",
     "c.yaml:2:3: stages: unknown key \"prase\"; did you mean \"parse\"?\n"},
    {"stages:\n  queue: 5\n",
     "c.yaml:2:3: stages: unknown key \"queue\"; did you mean stages.*.queue?\n"},
    {"stages:\n  zebra: {}\n",
     "c.yaml:2:3: stages: unknown key \"zebra\"; known here are parse, enrich, store\n"},
    {"stages: {parse: {zebra: 1}}\n",
     "c.yaml:1:18: stages.parse: unknown key \"zebra\"; known here "
     "are workers_min, workers_max, queue\n"},
    {"workers: 1\nmemory: 64M\nworkers: 2\n",
     "c.yaml:3:1: \"workers\" is given twice, first on line 1; keep one of them\n"},
    {"log: {level: info, level: info}\n",
     "c.yaml:1:20: log: \"level\" is given twice, first on line 1; keep one of them\n"},
    {"log:\nlog:\n", "c.yaml:2:1: \"log\" is given twice, first on line 1; keep one of them\n"},
    {"stages:\n  parse:\n  parse:\n",
     "c.yaml:3:3: stages: \"parse\" is given twice, first on line 2; keep one of them\n"},
    {"inputs: {a b: {}}\n", "c.yaml:1:10: inputs: expected a name of 1 to 64 letters, digits, - "
                            "and _, not \"a b\"\n"},
    {"inputs: {\"\": {}}\n", "c.yaml:1:10: inputs: expected a name of 1 to 64 letters, digits, - "
                             "and _, not \"\"\n"},

    /* kinds */
    {"- workers\n", "c.yaml:1:1: the file" BELOW "a list\n"},
    {"workers\n", "c.yaml:1:1: the file" BELOW "\"workers\"\n"},
    {"inputs: [network]\n", "c.yaml:1:9: inputs" BELOW "a list\n"},
    {"store: /var\n", "c.yaml:1:8: store" BELOW "\"/var\"\n"},
    {"inputs: {n: 5}\n", "c.yaml:1:13: inputs.n" BELOW "\"5\"\n"},
    {"workers: [1]\n",
     "c.yaml:1:10: workers: expected a whole number from 0 to 64 threads, not a list\n"},
    {"workers: {a: 1}\n",
     "c.yaml:1:10: workers: expected a whole number from 0 to 64 threads, not a map\n"},
    {"workers:\n", "c.yaml:1:9: workers: the value is missing, expected a whole number from 0 to "
                   "64 threads\n"},
    {"inputs: {n: {listen: \"udp://*:1\"}}\n",
     "c.yaml:1:22: inputs.n.listen: " LIST_URLS
     ", not \"udp://*:1\"; write [A, B] or lines that begin with \"- \"\n"},
    {"inputs: {n: {listen: }}\n",
     "c.yaml:1:22: inputs.n.listen: the value is missing, " LIST_URLS "\n"},
    {"inputs: {n: {listen: []}}\n", "c.yaml:1:22: inputs.n.listen: expected 1 to 64 items, such as "
                                    "[\"udp://[::]:514\"], not 0\n"},
    {"geoip: {databases: [[a]]}\n",
     "c.yaml:1:21: geoip.databases: expected a text as item, not a list\n"},
    {"geoip: {databases: [a, a]}\n",
     "c.yaml:1:24: geoip.databases: \"a\" is in the list twice; keep one\n"},
    {"geoip: {databases: [\"\"]}\n",
     "c.yaml:1:21: geoip.databases: expected a path, not an empty one\n"},

    /* numbers */
    {"workers: 65\n",
     "c.yaml:1:10: workers: expected a whole number from 0 to 64 threads, not \"65\"\n"},
    {"workers: -1\n",
     "c.yaml:1:10: workers: expected a whole number from 0 to 64 threads, not \"-1\"\n"},
    {"workers: yes\n",
     "c.yaml:1:10: workers: expected a whole number from 0 to 64 threads, not \"yes\"\n"},
    {"workers: 4294967297\n", "c.yaml:1:10: workers: expected a whole number from 0 to 64 threads, "
                              "not \"4294967297\"\n"},
    {"memory: 15M\n",
     "c.yaml:1:9: memory: expected a size from 16M to 64G, such as 256M, not \"15M\"\n"},
    {"memory: 256MB\n",
     "c.yaml:1:9: memory: expected a size from 16M to 64G, such as 256M, not \"256MB\"\n"},
    {"memory: 1.5G\n",
     "c.yaml:1:9: memory: expected a size from 16M to 64G, such as 256M, not \"1.5G\"\n"},
    {"shutdown_timeout: 10\n", "c.yaml:1:19: shutdown_timeout: expected a duration from 0 to 10m, "
                               "such as 10s, not \"10\"\n"},
    {"shutdown_timeout: 11m\n", "c.yaml:1:19: shutdown_timeout: expected a duration from 0 to 10m, "
                                "such as 10s, not \"11m\"\n"},
    {"store: {sync_interval: 9ms}\n", "c.yaml:1:24: store.sync_interval: expected a duration from "
                                      "10ms to 1h, such as 1s, not \"9ms\"\n"},
    {"store: {compression: 0}\n",
     "c.yaml:1:22: store.compression: expected a whole number from 1 to 19, not \"0\"\n"},
    {"stages: {parse: {queue: 65537}}\n", "c.yaml:1:25: stages.parse.queue: expected a whole "
                                          "number from 1 to 65536 batches, not \"65537\"\n"},

    /* words and texts */
    {IN "on_full: drop-oldest}}\n",
     "c.yaml:1:46: inputs.n.on_full: expected one of drop, block, not \"drop-oldest\"\n"},
    {IN "on_full: shed}}\n",
     "c.yaml:1:46: inputs.n.on_full: expected one of drop, block, not \"shed\"\n"},
    {IN "on_full: blokc}}\n", "c.yaml:1:46: inputs.n.on_full: expected one of drop, block, not "
                              "\"blokc\"; did you mean \"block\"?\n"},
    {"log: {level: eror}\n", "c.yaml:1:14: log.level: expected one of emerg, alert, crit, err, "
                             "warning, notice, info, debug, not \"eror\"; did you mean \"err\"?\n"},
    {"geoip: {lookup: [peer, sender]}\n",
     "c.yaml:1:24: geoip.lookup: expected one of peer, message, not \"sender\"\n"},
    {"geoip: {lookup: peer}\n", "c.yaml:1:17: geoip.lookup: expected a list of peer, message, not "
                                "\"peer\"; write [A, B] or lines that begin with \"- \"\n"},
    {"geoip: {lookup: [peer, message, peer]}\n",
     "c.yaml:1:33: geoip.lookup: \"peer\" is in the list twice; keep one\n"
     "c.yaml:1:17: geoip.lookup: expected 0 to 2 items, such as [peer, message], not 3\n"},
    {"store: {path: \"\"}\n",
     "c.yaml:1:15: store.path: expected a path, such as /var/lib/logboom, not an empty one\n"},
    {"status: {http: \"127.0.0.1\"}\n", "c.yaml:1:16: status.http: expected a port from 0 to 65535 "
                                        "after a colon, such as :514, not \"127.0.0.1\"\n"},
    {"log: {level: \"a\\0b\"}\n", "c.yaml:1:14: a NUL byte (\\0) cannot be part of a value\n"},

    /* URLs */
    {"inputs: {n: {listen: [\"tls://*:1\"]}}\n", "c.yaml:1:23: " URL "\"tls://*:1\"\n"},
    {"inputs: {n: {listen: [\"unix:///x\"]}}\n", "c.yaml:1:23: " URL "\"unix:///x\"\n"},
    {"inputs: {n: {listen: [\"127.0.0.1:514\"]}}\n", "c.yaml:1:23: " URL "\"127.0.0.1:514\"\n"},
    {"inputs: {n: {listen: [\"udp://*:65536\", \"tcp://::1:5\"]}}\n",
     "c.yaml:1:23: inputs.n.listen: expected a port from 0 to 65535 after a colon, such as :514, "
     "not \"udp://*:65536\"\n"
     "c.yaml:1:40: inputs.n.listen: expected an IPv6 address in brackets, such as [::1]:514, not "
     "\"tcp://::1:5\"\n"},
    {"inputs: {n: {listen: [\"udp://300.1.1.1:5\"]}}\n",
     "c.yaml:1:23: inputs.n.listen: expected an address, a name or * before the port, such as "
     "127.0.0.1:514, not \"udp://300.1.1.1:5\"\n"},

    /* YAML */
    {"workers: &a 5\n",
     "c.yaml:1:10: anchors (&a) are not supported; write the value where it is used\n"},
    {"workers: *a\n",
     "c.yaml:1:10: aliases (*a) are not supported; write the value where it is used\n"},
    {"workers: !!int 5\n", "c.yaml:1:10: tags (!…) are not supported; leave it out, the type is "
                           "known from the key\n"},
    {"store: !x {path: a}\n", "c.yaml:1:8: tags (!…) are not supported; leave it out, the type is "
                              "known from the key\n"},
    {"workers: 1\n---\nworkers: 2\n",
     "c.yaml:2:1: a second document begins here; a configuration file is one document\n"},
    {"store:\n\tpath: a\n", "c.yaml:2:1: not valid YAML: a tab; indent with spaces\n"},
    {"# \xc3\xa9\nstore:\n\tpath: a\n", "c.yaml:3:1: not valid YAML: a tab; indent with spaces\n"},
    {"store: {path: a\n", "c.yaml:2:1: not valid YAML: did not find expected ',' or '}', while "
                          "parsing a flow mapping that began on line 1\n"},
    {"workers: \"5\n", "c.yaml:2:1: not valid YAML: found unexpected end of stream, while scanning "
                       "a quoted scalar that began on line 1\n"},
    {"workers: 1\n memory: 2\n", "c.yaml:2:8: not valid YAML: mapping values are not allowed in "
                                 "this context\n"},
    {"? [a]\n: 5\n", "c.yaml:1:3: expected a key and a colon, such as \"workers: 0\"\n"},
    {"workers: 1\n# \xc3\xa9 \xff\n",
     "c.yaml:2:5: not a text file in UTF-8: invalid leading UTF-8 octet\n"},
    {"# \x01\n", "c.yaml:1:3: not a text file in UTF-8: control characters are not allowed\n"},
    {"a: [[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]\n", "c.yaml:1:19: nested more than 16 deep\n"},

    /* what only the whole shows */
    {"inputs:\n  n:\n    max_line: 1K\n",
     "c.yaml:2:3: inputs.n: the key \"listen\" is missing; add "
     "listen: [\"udp://[::]:514\"]\n"},
    {"inputs:\n  n:\n", "c.yaml:2:3: inputs.n: the key \"listen\" is missing; add listen: "
                        "[\"udp://[::]:514\"]\n"},
    {"inputs:\n  a: {listen: [\"udp://[::1]:5\"]}\n  b: {listen: [\"udp://[0:0::1]:5\"]}\n",
     "c.yaml:3:16: inputs.b.listen: the address \"udp://[0:0::1]:5\" is taken by inputs.a at "
     "c.yaml:2; keep one\n"},
    {"inputs:\n  a: {listen: [\"tcp://*:5\", \"tcp://[::]:5\"]}\n",
     "c.yaml:2:29: inputs.a.listen: the address \"tcp://[::]:5\" is taken by inputs.a at c.yaml:2; "
     "keep one\n"},
    {"stages: {parse: {workers_min: 4, workers_max: 2}}\n",
     "c.yaml:1:34: stages.parse: workers_max is 2, expected at least workers_min, which is 4 (or "
     "0: by the machine)\n"},

    /* all of them at once */
    {"workrs: 1\nlog: {level: x}\nmemory: 1\n",
     "c.yaml:1:1: unknown key \"workrs\"; did you mean \"workers\"?\n"
     "c.yaml:2:14: log.level: expected one of emerg, alert, crit, err, warning, notice, info, "
     "debug, not \"x\"\n"
     "c.yaml:3:9: memory: expected a size from 16M to 64G, such as 256M, not \"1\"\n"},
};

static void every_error_says_where_and_what(void **state)
{
    struct fixture *f = *state;
    unsigned n_failed = 0;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        fixture_write(f, "c.yaml", bad[i].text);
        int r = fixture_load(f, &root);
        if (r == -EINVAL && !f->config && strcmp(f->errors, bad[i].errors) == 0)
            continue;
        n_failed++;
        print_error("%zu: returned %d for\n%s  expected %s  got      %s", i, r, bad[i].text,
                    bad[i].errors, f->errors);
    }
    assert_int_equal(n_failed, 0);
}

static void missing_file(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(fixture_load(f, &root), -ENOENT);
    assert_string_equal(f->errors, "c.yaml: cannot open the file: No such file or directory\n");
}

static void file_is_a_folder(void **state)
{
    struct fixture *f = *state;
    char *path = fixture_path(f, "c.yaml");
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(fixture_load(f, &root), -EISDIR);
    assert_string_equal(f->errors, "c.yaml: cannot read the file: Is a directory\n");
    free(path);
}

static void unreadable_file(void **state)
{
    struct fixture *f = *state;
    char *path = fixture_path(f, "c.yaml");
    fixture_write(f, "c.yaml", "");
    assert_int_equal(chmod(path, 0), 0);
    free(path);
    if (geteuid() == 0 || access(f->folder, W_OK) < 0) {
        assert_int_equal(chmod(f->folder, 0711), 0);
        assert_int_equal(seteuid(65534), 0);
    }
    int r = fixture_load(f, &root);
    if (getuid() == 0)
        assert_int_equal(seteuid(0), 0);
    assert_int_equal(r, -EACCES);
    assert_string_equal(f->errors, "c.yaml: cannot open the file: Permission denied\n");
}

static void too_large_file(void **state)
{
    struct fixture *f = *state;
    char *text = malloc(YAML_FILE_MAX + 1);
    assert_non_null(text);
    memset(text, '#', YAML_FILE_MAX + 1);
    fixture_write_bytes(f, "c.yaml", text, YAML_FILE_MAX + 1);
    assert_int_equal(fixture_load(f, &root), -EINVAL);
    assert_string_equal(f->errors, "c.yaml: larger than 1024 KiB: this is no configuration file\n");
    fixture_write_bytes(f, "c.yaml", text, YAML_FILE_MAX);
    assert_int_equal(fixture_load(f, &root), 0);
    free(text);
}

static void too_many_values_and_errors(void **state)
{
    struct fixture *f = *state;
    char *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);
    for (unsigned i = 0; i < 2000; i++)
        fprintf(out, "zebra%u: 1\n", i);
    fflush(out);
    fixture_write_bytes(f, "c.yaml", text, len);
    assert_int_equal(fixture_load(f, &root), -EINVAL);
    assert_non_null(strstr(f->errors, "\nc.yaml:100:1: "));
    assert_null(strstr(f->errors, "\nc.yaml:101:1: "));
    assert_non_null(strstr(f->errors, "\n… and 1900 more errors\n"));
    for (unsigned i = 2000; i < 6000; i++)
        fprintf(out, "zebra%u: 1\n", i);
    fclose(out);
    fixture_write_bytes(f, "c.yaml", text, len);
    free(text);
    assert_int_equal(fixture_load(f, &root), -EINVAL);
    assert_string_equal(f->errors,
                        "c.yaml:5000:12: more than 10000 values: this is no configuration file\n");
}

static void too_many_inputs(void **state)
{
    struct fixture *f = *state;
    char *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);
    fputs("inputs:\n", out);
    for (unsigned i = 0; i <= CONFIG_INPUTS_MAX; i++)
        fprintf(out, "  n%u: {listen: [\"udp://*:0\"]}\n", i);
    fclose(out);
    fixture_write_bytes(f, "c.yaml", text, len);
    free(text);
    assert_int_equal(fixture_load(f, &root), -EINVAL);
    assert_string_equal(f->errors, "c.yaml:66:3: inputs: more than 64 of them\n");
}

static void errors_of_every_file(void **state)
{
    struct fixture *f = *state;
    char *path = fixture_path(f, "conf.d");
    assert_int_equal(mkdir(path, 0700), 0);
    free(path);
    fixture_write(f, "c.yaml", "workers: x\ninputs: {a: {listen: [\"udp://*:7\"]}}\n");
    fixture_write(f, "conf.d/1.yaml", "inputs:\n  b:\n    listen: [\"udp://*:7\"]\n");
    fixture_write(f, "conf.d/2.yaml", "log: [\n");
    assert_int_equal(fixture_load(f, &root), -EINVAL);
    assert_string_equal(
        f->errors,
        "c.yaml:1:10: workers: expected a whole number from 0 to 64 threads, not \"x\"\n"
        "conf.d/2.yaml:2:1: not valid YAML: did not find expected node content, while parsing a "
        "flow node that began on line 2\n"
        "conf.d/1.yaml:3:14: inputs.b.listen: the address \"udp://*:7\" is taken by inputs.a at "
        "c.yaml:2; keep one\n");
}

static void folder_of_another_user(void **state)
{
    struct fixture *f = *state;
    char *path = fixture_path(f, "conf.d");
    assert_int_equal(mkdir(path, 0755), 0);
    fixture_write(f, "c.yaml", "");
    if (geteuid() != 0)
        skip();
    assert_int_equal(chown(path, 4711, 4711), 0);
    free(path);
    assert_int_equal(fixture_load(f, &root), -EINVAL);
    assert_string_equal(f->errors, "conf.d: belongs to another user; expected root or who runs the "
                                   "daemon: chown it\n");
}

static void no_home_for_the_store(void **state)
{
    struct fixture *f = *state;
    const struct config_user nobody = {.euid = 65534, .home = "not/absolute"};
    fixture_write(f, "c.yaml", "");
    assert_int_equal(fixture_load(f, &nobody), -EINVAL);
    assert_string_equal(f->errors, "defaults: no folder for the store: neither XDG_STATE_HOME nor "
                                   "HOME is set; set store.path\n");
}

static void too_long_default_socket(void **state)
{
    struct fixture *f = *state;
    char home[200] = "/";
    memset(home + 1, 'h', 100);
    const struct config_user user = {.euid = 1000, .home = home};
    fixture_write(f, "c.yaml", "");
    assert_int_equal(fixture_load(f, &user), -EINVAL);
    assert_non_null(strstr(f->errors, "is too long for a socket (107 bytes at most)"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_error_says_where_and_what),
        TEST(missing_file),
        TEST(file_is_a_folder),
        TEST(unreadable_file),
        TEST(too_large_file),
        TEST(too_many_values_and_errors),
        TEST(too_many_inputs),
        TEST(errors_of_every_file),
        TEST(folder_of_another_user),
        TEST(no_home_for_the_store),
        TEST(too_long_default_socket),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/*
 * logboomctl as a whole, in a child process, over the store in memory and over servers that the
 * test plays.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ctl/ctl.h"
#include "fake_reader.h"

#define MAX_ARGS 16

struct child {
    pid_t pid;
    int out, err;
};

struct result {
    int status;
    char out[65536], err[8192];
};
static struct result result;

/* Runs logboomctl with words that are separated by '|', so that arguments may hold spaces. */
static struct child start(const char *line)
{
    int out[2], err[2];
    assert_int_equal(pipe(out), 0);
    assert_int_equal(pipe(err), 0);
    struct child child = {.pid = fork(), .out = out[0], .err = err[0]};
    assert_true(child.pid >= 0);
    if (child.pid > 0) {
        close(out[1]);
        close(err[1]);
        return child;
    }
    char name[] = "logboomctl", *argv[MAX_ARGS] = {name}, *words = strdup(line), *all = words;
    int argc = 1;
    for (char *word; argc < MAX_ARGS - 1 && (word = strsep(&words, "|")) != NULL;)
        if (*word != '\0')
            argv[argc++] = word;
    dup2(out[1], STDOUT_FILENO);
    dup2(err[1], STDERR_FILENO);
    for (int fd = 0; fd < 2; fd++) {
        close(out[fd]);
        close(err[fd]);
    }
    int status = ctl_main(argc, argv);
    free(all);
    exit(status);
}

static size_t read_text(int fd, char *text, size_t size)
{
    size_t len = 0;
    ssize_t n;
    while (len < size - 1 && (n = read(fd, text + len, size - 1 - len)) > 0)
        len += (size_t)n;
    text[len] = '\0';
    close(fd);
    return len;
}

static void finish(struct child child)
{
    int status;
    read_text(child.out, result.out, sizeof(result.out));
    read_text(child.err, result.err, sizeof(result.err));
    assert_int_equal(waitpid(child.pid, &status, 0), child.pid);
    assert_true(WIFEXITED(status));
    result.status = WEXITSTATUS(status);
}

static void run(const char *line)
{
    finish(start(line));
}

static void fill(void)
{
    struct store_row rows[3] = {fake_row("one", 1), fake_row("two", 2), fake_row("three", 3)};
    fake_reset();
    fake_append(rows, 3);
}

static const struct {
    const char *line;
    int status;
    const char *out, *err; /* parts that must be there */
} usages[] = {
    {"", 2, "", "no command given"},
    {"--help", 0, "Commands:", ""},
    {"--version", 0, "logboomctl ", ""},
    {"query|--version", 0, "logboomctl ", ""},
    {"--hlep", 2, "", "did you mean --help?"},
    {"-x", 2, "", "unknown option -x"},
    {"qeury", 2, "", "unknown command qeury: did you mean query?"},
    {"frobnicate", 2, "", "unknown command frobnicate\n"},
    {"--store", 2, "", "--store needs a value"},
    {"--help=yes", 2, "", "--help takes no value"},
    {"query|--help", 0, "usage: logboomctl query", ""},
    {"tail|--help", 0, "usage: logboomctl tail", ""},
    {"status|--help", 0, "usage: logboomctl status", ""},
    {"check|--help", 0, "usage: logboomctl check", ""},
    {"store|--help", 0, "usage: logboomctl store", ""},
    {"query|--sinec|1h", 2, "", "did you mean --since?"},
    {"query|--sinec=1h", 2, "", "unknown option --sinec: did you mean --since?"},
    {"query|-o|xml", 2, "", "expected short, long, json"},
    {"query|-n|ten", 2, "", "-n takes a number"},
    {"query|-n|-1", 2, "", "-n takes a number"},
    {"query|-n", 2, "", "-n needs a value"},
    {"query|--color|maybe", 2, "", "--color takes"},
    {"query|--since|never", 2, "", "--since: never is no time"},
    {"query|--until|2026-02-30", 2, "", "--until: there is no such time"},
    {"query|--since|1h|--until|2h", 2, "", "nothing lies between"},
    {"query|--after|12g", 2, "", "--after takes the id"},
    {"query|hots=web", 2, "",
     "column 1 of the expression: no field \"hots\": did you mean \"host\"?"},
    {"query|host=a|and", 2, "", "column 11 of the expression"},
    {"tail|-r", 2, "", "unknown option -r"},
    {"status|now", 2, "", "takes no argument"},
    {"status|-o|xml", 2, "", "expected text, json or prometheus"},
    {"store", 2, "", "store needs to know what"},
    {"store|nifo", 2, "", "unknown store command nifo: did you mean info?"},
    {"store|frobnicate", 2, "", "unknown store command frobnicate: expected info, verify"},
    {"store|info|all", 2, "", "store info takes no argument, not all\nTry: logboomctl store info"},
    {"store|info|--help", 0, "usage: logboomctl store info", ""},
    {"store|verify|--help", 0, "usage: logboomctl store verify", ""},
    {"store|verify|all", 2, "", "store verify takes no argument"},
    {"store|seal|--help", 0, "usage: logboomctl store seal", ""},
    {"store|seal|now", 2, "", "store seal takes no argument"},
    {"store|quarantine", 2, "", "store quarantine needs to know what: list"},
    {"store|quarantine|--help", 0, "usage: logboomctl store quarantine", ""},
    {"store|seal|--store|/nowhere", 1, "", "there is no store at /nowhere"},
    {"store|verify|--store|/nowhere", 1, "", "there is no store at /nowhere"},
    {"store|info|-o|csv", 2, "", "expected text or json"},
    {"check|a|b", 2, "", "check takes one file"},
};

static void test_usage(void **state)
{
    fill();
    for (size_t i = 0; i < sizeof(usages) / sizeof(usages[0]); i++) {
        run(usages[i].line);
        if (result.status != usages[i].status || strstr(result.out, usages[i].out) == NULL ||
            strstr(result.err, usages[i].err) == NULL ||
            (*usages[i].err == '\0' && *result.err != '\0'))
            fail_msg("%s: %d\n%s%s", usages[i].line, result.status, result.out, result.err);
    }
}

static void expect(const char *line, int status, const char *out)
{
    run(line);
    if (result.status != status || strcmp(result.out, out) != 0)
        fail_msg("%s: %d\n%s%s", line, result.status, result.out, result.err);
}

static void test_query(void **state)
{
    fill();
    expect("--store|x|query|-o|raw", 0, "one\ntwo\nthree\n");
    expect("query|--store|x|-o|raw|-r", 0, "three\ntwo\none\n");
    expect("query|--store=x|-o|raw|-n|2", 0, "two\nthree\n");
    expect("query|--store=x|-o|raw|*t*|not|*w*", 0, "three\n");
    expect("query|--store=x|*t* not *w*|-o|raw", 0, "three\n");
    expect("query|--store=x|-o|raw|--after|0000000000000001|-n|1", 0, "three\n");
    expect("query|--store=x|-o|raw|--utc|--since|2026-11-24 11:00:02|--until|2026-11-24T11:00:03Z",
           0, "two\n");
    expect("query|--store=x|nothing", 0, "");
    expect("query|--store=x|--utc|one", 0, "2026-11-24 11:00:01.000Z web01 sshd info: one\n");
    fake.blocks[0].damaged = true;
    expect("query|--store=x|-o|raw", 0, "");
    assert_non_null(strstr(result.err, "1 damaged blocks were left out"));
}

static void test_query_fails(void **state)
{
    fill();
    fake.open_error = -ENOENT;
    expect("query|--store|/nowhere", 1, "");
    assert_non_null(strstr(result.err, "there is no store at /nowhere"));
    fake.open_error = -EACCES;
    expect("query|--store|/etc/passwd", 1, "");
    assert_non_null(strstr(result.err, "belongs to user root; use sudo"));
    fake.open_error = -EIO;
    expect("store|info|--store|/nowhere", 1, "");
    assert_non_null(strstr(result.err, "cannot open the store at /nowhere: Input/output error"));
    expect("query|--store|/etc", 1, "");
    assert_non_null(strstr(result.err, "/etc is not a store of logboomd"));
}

static void test_store_info(void **state)
{
    fill();
    expect(
        "store|info|-o|json|--store=x", 0,
        "{\"records\":3,\"bytes_raw\":1000,\"bytes_disk\":100,\"segments\":1,\"quarantined\":0,"
        "\"oldest\":\"2026-11-24T11:00:01.000250Z\",\"newest\":\"2026-11-24T11:00:01.000250Z\"}\n");
    run("store|info|--store=x");
    assert_int_equal(result.status, 0);
    assert_non_null(strstr(result.out, "on disk      100 B (10.0 %)"));
    fake_reset();
    expect(
        "store|info|-o|json|--store=x", 0,
        "{\"records\":0,\"bytes_raw\":1000,\"bytes_disk\":100,\"segments\":1,\"quarantined\":0}\n");
}

/* A closed pipe is no failure, a full disk is one. */
static void test_output_errors(void **state)
{
    fill();
    struct child child = start("query|--store=x|-o|raw");
    close(child.out);
    child.out = open("/dev/null", 0);
    finish(child);
    assert_int_equal(result.status, 0);
    assert_string_equal(result.err, "");
}

static struct child serve(const char *path, const char *response, size_t part)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    strcpy(address.sun_path, path);
    unlink(path);
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(listener, 4), 0);
    struct child child = {.pid = fork()};
    if (child.pid == 0) {
        char request[1024];
        int fd = accept(listener, NULL, NULL);
        ssize_t n = read(fd, request, sizeof(request));
        size_t len = strlen(response);
        for (size_t at = 0; n > 0 && at < len; at += part)
            if (write(fd, response + at, len - at < part ? len - at : part) < 0)
                break;
        _exit(0);
    }
    close(listener);
    return child;
}

static char folder[] = "/tmp/logboomctl-test-XXXXXX";

static void status_of(const char *options, const char *response, size_t part)
{
    char path[64], line[128];
    int status;
    snprintf(path, sizeof(path), "%s/s", folder);
    struct child server = serve(path, response, part);
    snprintf(line, sizeof(line), "--socket|%s|status|%s", path, options);
    run(line);
    waitpid(server.pid, &status, 0);
    unlink(path);
}

static const char full_status[] =
    "{\"version\":\"0.1.0\",\"uptime_s\":3725,"
    "\"inputs\":{\"network\":{\"received\":7450,\"bytes\":2048,\"connections\":3,\"kernel_"
    "dropped\":4,"
    "\"dropped\":{\"queue_full\":5,\"oversize\":0,\"memory\":1},\"paused\":false}},"
    "\"stages\":{\"store\":{\"in\":7444,\"out\":7444,\"dropped\":{},\"queue\":{\"length\":1,"
    "\"capacity\":256,\"high_water\":12},\"workers\":{\"current\":2,\"busy\":1},"
    "\"time\":{\"p50_us\":120,\"p99_us\":2100}},\"parse\":{\"in\":7444}},"
    "\"geoip\":{\"databases\":[{\"path\":\"/g/city.mmdb\",\"type\":\"City\",\"lookups\":10,"
    "\"hits\":9,\"build_time\":\"2026-11-20T00:00:00Z\"}]},"
    "\"store\":{\"records\":7444,\"bytes_raw\":1000000,\"bytes_disk\":100000,\"segments\":1},"
    "\"memory\":{\"budget\":268435456,\"used\":1048576,\"high_water\":2097152},"
    "\"ledger\":{\"received\":7450,\"stored\":7444,\"dropped\":6,\"in_flight\":0,\"residual\":0},"
    "\"bottleneck\":\"none: every queue is nearly empty\"}";

static void test_status_text(void **state)
{
    static const char *const parts[] = {
        "logboomd 0.1.0, up 1 h 2 min\n",
        "network                7450          2    2.0 KiB           3         6  queue_full 5, "
        "memory 1"
        "  (the kernel dropped 4 more)\n",
        "parse                  7444            0         0          0/0 (0)      0/0      0 us    "
        "  0 us\n"
        "store                  7444         7444         0       1/256 (12)      1/2    120 us    "
        "2.1 ms\n",
        "store          7444 records, 977 KiB received, 98 KiB on disk (10.0 %), 1 segments\n",
        "geo database   /g/city.mmdb, City of 2026-11-20: 10 lookups, 90.0 % found\n",
        "memory         1.0 MiB of 256 MiB in flight, 2.0 MiB at most so far\n",
        "ledger         received 7450 = stored 7444 + dropped 6 + in flight 0, residual 0\n",
        "bottleneck     none: every queue is nearly empty\n",
    };
    char response[4096];
    snprintf(response, sizeof(response), "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%s",
             strlen(full_status), full_status);
    status_of("", response, 7);
    assert_int_equal(result.status, 0);
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
        if (strstr(result.out, parts[i]) == NULL)
            fail_msg("%s is missing in\n%s", parts[i], result.out);
}

/* A logboomd that says nothing, or says it otherwise. */
static void test_status_odd(void **state)
{
    static const char *const bodies[] = {
        "{}",
        "{\"version\":1,\"uptime_s\":\"x\",\"inputs\":[],\"stages\":3,\"geoip\":{\"databases\":{}},"
        "\"store\":\"\",\"memory\":null,\"ledger\":[1],\"bottleneck\":{}}",
        "{\"inputs\":{\"a\":7,\"b\":{\"dropped\":[1],\"received\":-5,\"bytes\":1e300}},"
        "\"stages\":{\"parse\":\"x\",\"enrich\":{\"queue\":[],\"time\":{\"p50_us\":\"a\"}}},"
        "\"geoip\":{\"databases\":[1,{}]},\"store\":{},\"memory\":{},\"ledger\":{\"residual\":-1}}",
    };
    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        char response[2048];
        snprintf(response, sizeof(response), "HTTP/1.1 200 OK\r\n\r\n%s", bodies[i]);
        status_of("", response, 4096);
        assert_int_equal(result.status, 0);
        assert_non_null(strstr(result.out, "logboomd "));
    }
}

static void test_status_other_outputs(void **state)
{
    status_of("-o|json",
              "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n{\"a\"\r\n4\r\n: 1}\r\n"
              "0\r\n\r\n",
              1);
    assert_string_equal(result.out, "{\"a\": 1}\n");
    assert_int_equal(result.status, 0);
    status_of("-o|prometheus", "HTTP/1.1 200 OK\r\n\r\n# HELP x\nx 1\n", 4096);
    assert_string_equal(result.out, "# HELP x\nx 1\n");
    status_of("", "HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n", 4096);
    assert_int_equal(result.status, 1);
    assert_non_null(strstr(result.err, "HTTP status 500"));
    status_of("", "220 mail.example ESMTP\r\n", 4096);
    assert_int_equal(result.status, 1);
    assert_non_null(strstr(result.err, "is not logboomd"));
    status_of("", "HTTP/1.1 200 OK\r\n\r\n[]", 4096);
    assert_int_equal(result.status, 1);
    run("status|--socket|/nonexistent/s");
    assert_int_equal(result.status, 1);
    assert_non_null(strstr(result.err, "logboomd does not run"));
}

/* Reads until the text has come; the child writes it, or the test's own time limit ends it. */
static void await(int fd, const char *expected)
{
    char text[1024];
    size_t len = 0;
    while (len < strlen(expected)) {
        ssize_t n = read(fd, text + len, sizeof(text) - 1 - len);
        if (n <= 0)
            break;
        len += (size_t)n;
    }
    text[len] = '\0';
    assert_string_equal(text, expected);
}

/* What the other side of a fork may append to: the store in memory is shared only up to there. */
static void append_four(unsigned n_next)
{
    static bool done;
    struct store_row row = fake_row("four", 4);
    if (n_next < 1 || done)
        return;
    done = true;
    fake_append(&row, 1);
}

static void test_tail(void **state)
{
    fill();
    fake.event_fd = eventfd(0, EFD_CLOEXEC);
    fake.on_next = append_four; /* while the query runs: shown once, in order */
    struct child child = start("tail|--store=x|-o|raw|-n|2");
    await(child.out, "two\nthree\nfour\n");
    kill(child.pid, SIGINT);
    finish(child);
    assert_int_equal(result.status, 0);
    assert_string_equal(result.out, "");
    close(fake.event_fd);
}

/* Appended while the child waits: at its second look that finds nothing new. */
static void append_five(unsigned n_next)
{
    static int n_ends;
    struct store_row row = fake_row("five", 5);
    if (n_next == 1 && ++n_ends == 2)
        fake_append(&row, 1);
}

static void test_tail_follows(void **state)
{
    fill();
    fake.event_fd = eventfd(0, EFD_CLOEXEC);
    fake.on_next = append_five;
    struct child child = start("tail|--store=x|-o|raw|-n|2|*e*");
    await(child.out, "one\nthree\n");
    assert_int_equal(write(fake.event_fd, &(uint64_t){1}, 8), 8);
    await(child.out, "five\n");
    kill(child.pid, SIGTERM);
    finish(child);
    assert_int_equal(result.status, 0);
    close(fake.event_fd);
}

static void test_tail_none(void **state)
{
    fake_reset();
    fake.event_fd = eventfd(0, EFD_CLOEXEC);
    struct child child = start("tail|--store=x|-n|0");
    /* A closed pipe ends it as well, without a row being written. */
    close(child.out);
    child.out = open("/dev/null", 0);
    finish(child);
    assert_int_equal(result.status, 0);
    close(fake.event_fd);
}

/* A logboomd that the test plays: a script in PATH. */
static void play_daemon(const char *script)
{
    char path[64];
    snprintf(path, sizeof(path), "%s/logboomd", folder);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fprintf(file, "#!/bin/sh\n%s\n", script);
    fchmod(fileno(file), 0755);
    fclose(file);
}

static void test_ask_daemon(void **state)
{
    fill();
    play_daemon(
        "test \"$*\" = '--dump-config --config my.yaml' || exit 9\n"
        "echo '{\"store\":{\"path\":\"/the/store\"},\"status\":{\"socket\":\"/the/socket\"}}'");
    run("--config|my.yaml|store|info");
    assert_int_equal(result.status, 0);
    assert_non_null(strstr(result.out, "store        /the/store\n"));
    run("status|--config|my.yaml");
    assert_int_equal(result.status, 1);
    assert_non_null(strstr(result.err, "nothing listens on /the/socket"));
    run("store|info");
    assert_int_equal(result.status, 1);
    assert_non_null(strstr(result.err, "--store DIR"));
    play_daemon("echo 'not json'");
    run("query");
    assert_int_equal(result.status, 1);
    assert_non_null(strstr(result.err, "gave no JSON"));
    play_daemon("echo '{\"status\":{\"socket\":\"\"}}'");
    run("status");
    assert_int_equal(result.status, 1);
    assert_non_null(strstr(result.err, "has no status.socket"));
}

static void test_check(void **state)
{
    play_daemon("echo \"said: $*\"; exit 1");
    run("check|my.yaml");
    assert_string_equal(result.out, "said: --check --config my.yaml\n");
    assert_int_equal(result.status, 1);
    run("--config|other.yaml|check");
    assert_string_equal(result.out, "said: --check --config other.yaml\n");
    run("check");
    assert_string_equal(result.out, "said: --check\n");
}

static int set_up(void **state)
{
    assert_non_null(mkdtemp(folder));
    setenv("PATH", folder, 1);
    unsetenv("NO_COLOR");
    alarm(120); /* whatever hangs, the test does not */
    return 0;
}

static int tear_down(void **state)
{
    char path[64];
    snprintf(path, sizeof(path), "%s/logboomd", folder);
    unlink(path);
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_usage),         cmocka_unit_test(test_query),
        cmocka_unit_test(test_query_fails),   cmocka_unit_test(test_store_info),
        cmocka_unit_test(test_output_errors), cmocka_unit_test(test_status_text),
        cmocka_unit_test(test_status_odd),    cmocka_unit_test(test_status_other_outputs),
        cmocka_unit_test(test_tail),          cmocka_unit_test(test_tail_follows),
        cmocka_unit_test(test_tail_none),     cmocka_unit_test(test_ask_daemon),
        cmocka_unit_test(test_check),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include "daemon/log.h"

#define SEC INT64_C(1000000000)

static int saved_stderr, captured = -1;

/* stderr is a file in memory until captured_text(). */
static void capture(void)
{
    saved_stderr = dup(STDERR_FILENO);
    captured = memfd_create("stderr", MFD_CLOEXEC);
    assert_true(saved_stderr >= 0 && captured >= 0);
    assert_true(dup2(captured, STDERR_FILENO) >= 0);
}

static const char *captured_text(void)
{
    static char text[1 << 20];
    dup2(saved_stderr, STDERR_FILENO);
    close(saved_stderr);
    ssize_t n = pread(captured, text, sizeof(text) - 1, 0);
    close(captured);
    assert_true(n >= 0);
    text[n] = '\0';
    return text;
}

static void set_journal_stream(uint64_t offset)
{
    struct stat st;
    char text[64];
    assert_int_equal(fstat(STDERR_FILENO, &st), 0);
    snprintf(text, sizeof(text), "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino + offset);
    setenv("JOURNAL_STREAM", text, 1);
}

static void lines_for_a_terminal(void **state)
{
    unsetenv("JOURNAL_STREAM");
    capture();
    log_open(LOG_INFO);
    log_msg(LOG_WARNING, "input=%s: %d refused", "n", 12);
    log_msg(LOG_ERR, "bad");
    log_msg(LOG_DEBUG, "not shown");
    log_set_level(LOG_DEBUG);
    log_msg(LOG_DEBUG, "shown");
    log_set_level(LOG_EMERG);
    log_msg(LOG_ALERT, "not shown");
    assert_string_equal(captured_text(), "logboomd: warning: input=n: 12 refused\n"
                                         "logboomd: error: bad\n"
                                         "logboomd: debug: shown\n");
    assert_false(log_enabled(LOG_ALERT));
    assert_true(log_enabled(LOG_EMERG));
}

static void lines_for_the_journal(void **state)
{
    capture();
    set_journal_stream(0);
    log_open(LOG_INFO);
    log_msg(LOG_NOTICE, "started");
    set_journal_stream(1); /* of another stream: inherited, or stderr was redirected */
    log_open(LOG_INFO);
    log_msg(LOG_NOTICE, "started");
    setenv("JOURNAL_STREAM", "rubbish", 1);
    log_open(LOG_INFO);
    log_msg(LOG_NOTICE, "started");
    unsetenv("JOURNAL_STREAM");
    assert_string_equal(captured_text(), "<5>started\nlogboomd: notice: started\n"
                                         "logboomd: notice: started\n");
}

static void one_message_is_one_line(void **state)
{
    char longest[8000];
    memset(longest, 'x', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = '\0';
    capture();
    log_open(LOG_INFO);
    log_msg(LOG_INFO, "a\nb\tc\x1b[1m%s", "\r\x7f");
    log_msg(LOG_INFO, "%s", longest);
    const char *text = captured_text();
    const char *first = "logboomd: info: a b c?[1m ?\n";
    assert_memory_equal(text, first, strlen(first));
    size_t len = strlen(text) - strlen(first);
    assert_in_range(len, LOG_LINE_MAX - 100, LOG_LINE_MAX);
    assert_string_equal(text + strlen(text) - 5, "x…\n");
}

static void cut_between_characters(void **state)
{
    for (size_t shift = 0; shift < 3; shift++) {
        char text[4000] = "";
        memset(text, 'x', shift);
        for (size_t i = 0; i < 1200; i++)
            memcpy(text + shift + i * 3, "€", 3);
        capture();
        log_open(LOG_INFO);
        log_msg(LOG_INFO, "%s", text);
        const char *line = captured_text();
        assert_string_equal(line + strlen(line) - 7, "€…\n");
    }
}

static void errno_is_kept_and_shown(void **state)
{
    capture();
    log_open(LOG_INFO);
    errno = EACCES;
    log_msg(LOG_INFO, "cannot: %m");
    int after = errno;
    struct log_limit limit = LOG_LIMIT(1, SEC);
    log_limited(&limit, 0, LOG_INFO, "cannot: %m");
    int after_limited = errno;
    assert_string_equal(captured_text(), "logboomd: info: cannot: Permission denied\n"
                                         "logboomd: info: cannot: Permission denied\n");
    assert_int_equal(after, EACCES);
    assert_int_equal(after_limited, EACCES);
}

static void repeated_messages_are_counted(void **state)
{
    struct log_limit limit = LOG_LIMIT(2, 30 * SEC);
    capture();
    log_open(LOG_INFO);
    for (int64_t i = 0; i < 1236; i++)
        log_limited(&limit, 5 * SEC + i, LOG_WARNING, "refused %d", (int)i);
    log_limited(&limit, 35 * SEC - 1, LOG_WARNING, "refused");
    log_limited(&limit, 35 * SEC, LOG_WARNING, "again");
    log_limited(&limit, 36 * SEC, LOG_WARNING, "again");
    log_limited(&limit, 37 * SEC, LOG_DEBUG, "not written and not counted");
    log_limited(&limit, 95 * SEC, LOG_WARNING, "later");
    assert_string_equal(
        captured_text(),
        "logboomd: warning: refused 0\n"
        "logboomd: warning: refused 1\n"
        "logboomd: warning: again … and 1235 more like this suppressed in the last 30 s\n"
        "logboomd: warning: again\n"
        "logboomd: warning: later\n");
}

static void the_count_survives_a_long_message(void **state)
{
    static char longest[4000];
    struct log_limit limit = LOG_LIMIT(1, SEC);
    memset(longest, 'x', sizeof(longest) - 1);
    capture();
    log_open(LOG_INFO);
    for (int64_t now = 0; now < 3; now++)
        log_limited(&limit, now, LOG_INFO, "%s", longest);
    log_limited(&limit, INT64_MAX, LOG_INFO, "%s", longest);
    const char *text = captured_text();
    assert_non_null(
        strstr(text, "x… … and 2 more like this suppressed in the last 9223372037 s\n"));
}

enum { N_THREADS = 4, N_MESSAGES = 500 };
static struct log_limit shared = LOG_LIMIT(100, 1000 * SEC);

static void *talk(void *arg)
{
    char name[64];
    memset(name, 'a' + (int)(intptr_t)arg, sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    for (int i = 0; i < N_MESSAGES; i++) {
        log_msg(LOG_INFO, "%s", name);
        log_limited(&shared, 1, LOG_INFO, "%s", name);
    }
    return NULL;
}

static void lines_of_threads_do_not_mix(void **state)
{
    pthread_t threads[N_THREADS];
    size_t n = 0;
    capture();
    assert_true(fcntl(STDERR_FILENO, F_SETFL, O_APPEND) == 0);
    log_open(LOG_INFO);
    for (intptr_t i = 0; i < N_THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, talk, (void *)i), 0);
    for (size_t i = 0; i < N_THREADS; i++)
        pthread_join(threads[i], NULL);
    for (const char *line = captured_text(); *line; line = strchr(line, '\n') + 1, n++) {
        assert_memory_equal(line, "logboomd: info: ", 16);
        assert_int_equal(strspn(line + 16, (char[]){line[16], '\0'}), 63);
        assert_int_equal(line[16 + 63], '\n');
    }
    assert_int_equal(n, N_THREADS * N_MESSAGES + 100);
    assert_int_equal(shared.suppressed, N_THREADS * N_MESSAGES - 100);
}

static void escaped_bytes(void **state)
{
    static const struct {
        const char *in, *out;
    } cases[] = {
        {"", ""},
        {"plain text", "plain text"},
        {"a\nb\r\t\\", "a\\nb\\r\\t\\\\"},
        {"\x1b[31m\x7f", "\\x1b[31m\\x7f"},
        {"é€😀", "é€😀"},
        {"\xc3", "\\xc3"},
        {"\xc3(", "\\xc3("},
        {"\x80\xbf", "\\x80\\xbf"},
        {"\xc0\xaf", "\\xc0\\xaf"},                   /* overlong */
        {"\xe0\x80\xaf", "\\xe0\\x80\\xaf"},          /* overlong */
        {"\xed\xa0\x80", "\\xed\\xa0\\x80"},          /* surrogate */
        {"\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"}, /* beyond U+10FFFF */
        {"\xf0\x9f\x98", "\\xf0\\x9f\\x98"},
        {"\xc2\x85", "\\xc2\\x85"},          /* next line, a C1 control */
        {"\xe2\x80\xa8", "\\xe2\\x80\\xa8"}, /* line separator */
    };
    char out[64];
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_string_equal(log_escape(out, sizeof(out), cases[i].in, strlen(cases[i].in)),
                            cases[i].out);
    assert_string_equal(log_escape(out, sizeof(out), "a\0b", 3), "a\\x00b");
}

static void escaped_bytes_are_cut(void **state)
{
    char out[8];
    assert_string_equal(log_escape(out, 8, "1234567", 7), "1234567");
    assert_string_equal(log_escape(out, 8, "12345678", 8), "1234…");
    assert_string_equal(log_escape(out, 8, "12€€", 8), "12…");
    assert_string_equal(log_escape(out, 8,
                                   "123\x01"
                                   "5",
                                   5),
                        "123…");
    assert_string_equal(log_escape(out, 8, "\x01\x01", 2), "\\x01…");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_for_a_terminal),
        cmocka_unit_test(lines_for_the_journal),
        cmocka_unit_test(one_message_is_one_line),
        cmocka_unit_test(cut_between_characters),
        cmocka_unit_test(errno_is_kept_and_shown),
        cmocka_unit_test(repeated_messages_are_counted),
        cmocka_unit_test(the_count_survives_a_long_message),
        cmocka_unit_test(lines_of_threads_do_not_mix),
        cmocka_unit_test(escaped_bytes),
        cmocka_unit_test(escaped_bytes_are_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

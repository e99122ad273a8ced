/* SPDX-License-Identifier: MIT */
/*
 * Streams, and the frames that come out of them: for every split of the stream into two reads, and
 * for reads of one byte.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "syslog/frame.h"

#define MAX_LINE 10
#define L(text)  text, sizeof(text) - 1

/* Frames as text: "[message]", "[message~]" when cut; NUL and LF as "0" and "n" behind a backslash.
 */
struct output {
    char text[1024];
    size_t len;
};

static void put(struct output *output, const char *text, size_t len)
{
    assert_true(output->len + len < sizeof(output->text));
    memcpy(output->text + output->len, text, len);
    output->len += len;
    output->text[output->len] = '\0';
}

static void put_frame(struct output *output, const char *message, size_t len, bool cut)
{
    put(output, "[", 1);
    for (size_t i = 0; i < len; i++)
        if (message[i] == '\0' || message[i] == '\n')
            put(output, message[i] ? "\\n" : "\\0", 2);
        else
            put(output, message + i, 1);
    put(output, cut ? "~]" : "]", cut ? 2 : 1);
}

/* A reader that keeps what the framer did not consume, each time in memory of exactly that size. */
struct reader {
    struct syslog_framer framer;
    struct output output;
    char *kept;
    size_t n_kept;
};

static void take(struct reader *reader, bool ended)
{
    struct syslog_frame frame;
    for (;;) {
        enum syslog_frame_result r = (ended ? syslog_frame_end : syslog_frame_next)(
            &reader->framer, reader->kept, reader->n_kept, &frame);
        assert_true(frame.consumed <= reader->n_kept);
        if (r == SYSLOG_FRAME_ONE) {
            assert_true(frame.consumed > 0 && frame.off + frame.len <= frame.consumed);
            assert_true(frame.len <= reader->framer.max_line);
            put_frame(&reader->output, reader->kept + frame.off, frame.len, frame.cut);
        } else if (reader->n_kept > reader->framer.max_line + 16u) {
            assert_true(frame.consumed > 0);
        }
        reader->n_kept -= frame.consumed;
        char *rest = malloc(reader->n_kept ? reader->n_kept : 1);
        memcpy(rest, reader->kept + frame.consumed, reader->n_kept);
        free(reader->kept);
        reader->kept = rest;
        if (r == SYSLOG_FRAME_MORE)
            return;
    }
}

static void feed(struct reader *reader, const char *data, size_t len)
{
    char *all = malloc(reader->n_kept + len + 1);
    if (reader->n_kept)
        memcpy(all, reader->kept, reader->n_kept);
    memcpy(all + reader->n_kept, data, len);
    free(reader->kept);
    reader->n_kept += len;
    reader->kept = realloc(all, reader->n_kept ? reader->n_kept : 1);
    take(reader, false);
}

static struct output finish(struct reader *reader)
{
    take(reader, true);
    assert_int_equal(reader->n_kept, 0);
    free(reader->kept);
    return reader->output;
}

static struct output frames_of(const char *data, size_t len, size_t step, size_t first)
{
    struct reader reader = {.framer = SYSLOG_FRAMER_INIT(MAX_LINE)};
    feed(&reader, data, first);
    for (size_t at = first; at < len; at += step)
        feed(&reader, data + at, len - at < step ? len - at : step);
    return finish(&reader);
}

static void check_whole(const char *data, size_t len, const char *expected)
{
    assert_string_equal(frames_of(data, len, len + 1, 0).text, expected);
}

/* Two splits as well: whatever the state is at the first, the second must not matter. */
static void check(const char *data, size_t len, const char *expected)
{
    check_whole(data, len, expected);
    for (size_t first = 0; first <= len; first++)
        for (size_t step = 1; step <= len; step++)
            assert_string_equal(frames_of(data, len, step, first).text, expected);
}

static void test_lines(void **state)
{
    check(L(""), "");
    check(L("a\n"), "[a]");
    check(L("a\nb\n"), "[a][b]");
    check(L("a\r\nb\r\n"), "[a][b]");
    check(L("a\n\nb\n"), "[a][][b]");
    check(L("\n"), "[]");
    check(L("\r\n"), "[]");
    check(L("\r\r\n"), "[\r]");
    check(L("a\rb\n"), "[a\rb]");
    check(L("<13>a\n<13>b\n"), "[<13>a][<13>b]");
}

static void test_nul(void **state)
{
    check(L("<1>a\0<1>b\0"), "[<1>a][<1>b]");
    check(L("a\0"), "[a]");
    check(L("a\0\0<1>b\n"), "[a][][<1>b]");
}

static void test_nul_inside(void **state)
{
    check_whole(L("a\0b\n"), "[a\\0b]");
    check_whole(L("a\0b\0<"), "[a\\0b][<]");
    check_whole(L("a\0b\0\n"), "[a\\0b][]");
    check_whole(L("\0a\n"), "[\\0a]");
    check_whole(L("a\0"
                  "1 b\n"),
                "[a][1 b]");
    check_whole(L("a\0"
                  "0 b\n"),
                "[a\\0"
                "0 b]");
    check_whole(L("a\0"), "[a]");
    check_whole(L("\0\0\0"), "[][][]");
}

static void test_counted(void **state)
{
    check(L("4 <1>a4 <1>b"), "[<1>a][<1>b]");
    check(L("4 <1>a\n4 <1>b\n"), "[<1>a][<1>b]");
    check(L("4 <1>a\n\n4 <1>b"), "[<1>a][][<1>b]");
    check(L("6 <1>a\nb5 <1>\n\n"), "[<1>a\\nb][<1>\\n]");
    check(L("10 <123456789"), "[<123456789]");
    check(L("10 <12345678\n<1>a\n"), "[<12345678][<1>a]");
    check(L("4 <1>a<1>b\n4 <1>c"), "[<1>a][<1>b][<1>c]");
    check(L("1 <1 <"), "[<][<]");
    check_whole(L("4 <1>a\0004 <1>b\0"), "[<1>a][<1>b]");
}

static void test_counts_that_are_none(void **state)
{
    check(L("4 a\n"), "[4 a]");
    check(L("4\n"), "[4]");
    check(L("4"), "[4]");
    check(L("4 "), "[4 ]");
    check(L("4  <1>a\n"), "[4  <1>a]");
    check(L("4x<1>a\n"), "[4x<1>a]");
    check(L("04 <1>a\n"), "[04 <1>a]");
    check(L("0 <1>a\n"), "[0 <1>a]");
    check(L("12345678901 <1>a\nb\n"), "[1234567890~][b]");
    check(L("4\r\n"), "[4]");
    check(L("2026-11-24\nx\n"), "[2026-11-24][x]");
}

static void test_cut(void **state)
{
    check(L("0123456789\na\n"), "[0123456789][a]");
    check(L("0123456789\r\na\n"), "[0123456789][a]");
    check(L("0123456789\rx\na\n"), "[0123456789~][a]");
    check(L("0123456789x\na\n"), "[0123456789~][a]");
    check(L("0123456789x\r\na\n"), "[0123456789~][a]");
    check(L("0123456789abcdefghijklmnopqrstuvw\na\n"), "[0123456789~][a]");
    check(L("0123456789abcdefghijklmnopqrstuvw"), "[0123456789~]");
    check(L("0123456789\r"), "[0123456789]");
    check(L("012345678\r\r\n"), "[012345678\r]");
    check(L("a123456789x\0<1>b\n"), "[a123456789~][<1>b]");
    check(L("12 <1>456789012a\n"), "[<1>4567890~][a]");
    check(L("13 <1>45678901234 <1>b"), "[<1>4567890~][<1>b]");
    check(L("12 <1>4567890124 <1>b"), "[<1>4567890~][<1>b]");
    check(L("30 <1>a"), "[<1>a~]");
    check(L("9999999999 <1>456789012345678"), "[<1>4567890~]");
}

static void test_end(void **state)
{
    check(L("a"), "[a]");
    check(L("a\nb"), "[a][b]");
    check(L("a\r"), "[a]");
    check(L("\r"), "[]");
    check(L("9 <1>a"), "[<1>a~]");
    check(L("9 <"), "[<~]");
    check(L("9 "), "[9 ]");
    check(L("9 <1>a\n"), "[<1>a\\n~]");
}

/* 10 MiB in reads of 4 KiB: one frame, and never more kept than promised (see take()). */
static void test_long(void **state)
{
    static const char *const heads[] = {"", "9999999 <"};
    for (size_t i = 0; i < 2; i++) {
        struct reader reader = {.framer = SYSLOG_FRAMER_INIT(MAX_LINE)};
        char block[4096];
        memset(block, 'x', sizeof(block));
        feed(&reader, heads[i], strlen(heads[i]));
        for (size_t n = 0; n < 10 * 1024 * 1024; n += sizeof(block)) {
            feed(&reader, block, sizeof(block));
            assert_true(reader.n_kept <= MAX_LINE + 16);
        }
        feed(&reader, "\n<1>b\n", 6);
        struct output output = finish(&reader);
        assert_string_equal(output.text,
                            i == 0 ? "[xxxxxxxxxx~][<1>b]" : "[<xxxxxxxxx~][xxxxxxxxxx~][<1>b]");
    }
}

/* Ends are found across the windows that the search goes by. */
static void test_windows(void **state)
{
    static const char ends[] = {'\n', '\0'};
    char data[4200];
    for (size_t at = 1000; at < 4100; at++) {
        struct syslog_framer framer = SYSLOG_FRAMER_INIT(65536);
        struct syslog_frame frame;
        memset(data, 'x', sizeof(data));
        data[at] = ends[at & 1];
        data[at + 1] = '<';
        assert_int_equal(syslog_frame_next(&framer, data, sizeof(data), &frame), SYSLOG_FRAME_ONE);
        assert_int_equal(frame.len, at);
        assert_int_equal(frame.consumed, at + 1);
    }
}

static void test_datagram(void **state)
{
    assert_int_equal(syslog_datagram_len(L("")), 0);
    assert_int_equal(syslog_datagram_len(L("a")), 1);
    assert_int_equal(syslog_datagram_len(L("a\n")), 1);
    assert_int_equal(syslog_datagram_len(L("a\r\n")), 1);
    assert_int_equal(syslog_datagram_len(L("a\0")), 1);
    assert_int_equal(syslog_datagram_len(L("a\n\0")), 1);
    assert_int_equal(syslog_datagram_len(L("a\0\n")), 1);
    assert_int_equal(syslog_datagram_len(L("a\r\n\0")), 1);
    assert_int_equal(syslog_datagram_len(L("a\r")), 2);
    assert_int_equal(syslog_datagram_len(L("a\n\n")), 2);
    assert_int_equal(syslog_datagram_len(L("a\0\0")), 2);
    assert_int_equal(syslog_datagram_len(L("a\0\n\0")), 2);
    assert_int_equal(syslog_datagram_len(L("\n")), 0);
    assert_int_equal(syslog_datagram_len(L("\r\n")), 0);
    assert_int_equal(syslog_datagram_len(L("\0")), 0);
    assert_int_equal(syslog_datagram_len(L("a\nb")), 3);
}

static void check_next(struct syslog_framer *framer, const char **at, const char *end,
                       const char *expected, size_t len)
{
    struct syslog_frame frame;
    assert_int_equal(syslog_frame_next(framer, *at, (size_t)(end - *at), &frame), SYSLOG_FRAME_ONE);
    assert_int_equal(frame.len, len);
    assert_memory_equal(*at + frame.off, expected, len);
    *at += frame.consumed;
}

/* n bytes, one of them a NUL that is part of the message unless it is the last, and the next line. */
static void check_long(size_t n, size_t nul, const char *end, size_t end_len, size_t more)
{
    char line[200], *data = calloc(1, n + end_len + 5 + more);
    memset(line, 'x', n);
    if (nul + 1 < n)
        line[nul] = '\0';
    memcpy(data, line, n);
    memcpy(data + n, end, end_len);
    memcpy(data + n + end_len, "<1>b\n", 5);
    struct syslog_framer framer = SYSLOG_FRAMER_INIT(sizeof(line));
    const char *at = data, *data_end = data + n + end_len + 5 + more;
    check_next(&framer, &at, data_end, line, n);
    check_next(&framer, &at, data_end, "<1>b", 4);
    assert_int_equal(data_end - at, more);
    free(data);
}

/* Ends are looked for by large steps: in every place of one, with and without more steps behind. */
static void test_large_steps(void **state)
{
    for (size_t n = 1; n <= 200; n++)
        for (size_t nul = 0; nul < n; nul++)
            for (size_t more = 0; more <= 128; more += 128) {
                check_long(n, nul, L("\n"), more);
                check_long(n, nul, L("\r\n"), more);
                check_long(n, nul, L("\0"), more);
            }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_nul),
        cmocka_unit_test(test_nul_inside),
        cmocka_unit_test(test_counted),
        cmocka_unit_test(test_counts_that_are_none),
        cmocka_unit_test(test_cut),
        cmocka_unit_test(test_end),
        cmocka_unit_test(test_long),
        cmocka_unit_test(test_windows),
        cmocka_unit_test(test_datagram),
        cmocka_unit_test(test_large_steps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

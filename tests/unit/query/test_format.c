/* SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "ctl/format.h"
#include "store/show/utf8.h"
#include "fake_reader.h"

#define TEXT(literal) ((struct text){literal, sizeof(literal) - 1})

struct options {
    bool utc, color;
};

static int write_fd(void *arg, const char *data, size_t len)
{
    return write(*(int *)arg, data, len) == (ssize_t)len ? 0 : -errno;
}

/* What a format prints for one row; the caller frees it. */
static char *print(const char *format, const struct store_row *row, struct options options)
{
    struct printer printer;
    int fd = memfd_create("out", MFD_CLOEXEC);
    assert_int_equal(printer_init(&printer, format_find(format), write_fd, &fd, options.utc,
                                  options.color),
                     0);
    printer_header(&printer);
    assert_int_equal(printer_row(&printer, row), 0);
    assert_int_equal(printer_flush(&printer), 0);
    printer_deinit(&printer);
    size_t len = (size_t)lseek(fd, 0, SEEK_CUR);
    char *text = calloc(1, len + 1);
    assert_int_equal(pread(fd, text, len, 0), len);
    close(fd);
    return text;
}

static void expect(const char *format, const struct store_row *row, const char *expected)
{
    char *text = print(format, row, (struct options){.utc = true});
    assert_string_equal(text, expected);
    free(text);
}

static struct store_row full_row(void)
{
    struct store_row row = fake_row("GET / \"x\"", 0);
    struct peer ip = fake_peer("2001:db8::9", 0);
    row.id = 0xa00;
    row.time_ns += 250000000;
    row.time_digits = 2;
    row.procid = TEXT("4711");
    row.msgid = TEXT("ID47");
    row.sd = TEXT("[x@1 a=\"1\" b=\"say \\\"hi\\\"\" a=\"\\]\"][empty@3]");
    row.has_place = true;
    memcpy(row.geo_ip, ip.address, 16);
    row.place = (struct place){.city = TEXT("Berlin"),
                               .region = TEXT("Land Berlin"),
                               .org = TEXT("Example, \"Net\""),
                               .lat = 52.52439880371094,
                               .lon = -13.5,
                               .asn = 64500,
                               .country = {'D', 'E'},
                               .has_location = true};
    return row;
}

static void test_json_full(void **state)
{
    struct store_row row = full_row();
    expect("json", &row,
           "{\"id\":\"0000000000000a00\",\"time\":\"2026-11-24T11:00:00.25Z\","
           "\"received\":\"2026-11-24T11:00:00.000250Z\",\"input\":\"network\","
           "\"peer\":\"192.0.2.7\",\"peer_port\":40000,\"format\":\"rfc5424\","
           "\"facility\":\"auth\",\"facility_code\":4,\"severity\":\"info\",\"severity_code\":6,"
           "\"host\":\"web01\",\"app\":\"sshd\",\"procid\":\"4711\",\"msgid\":\"ID47\","
           "\"sd\":{\"empty@3\":{},\"x@1\":{\"a\":[\"1\",\"]\"],\"b\":\"say \\\"hi\\\"\"}},"
           "\"message\":\"GET / \\\"x\\\"\",\"geo\":{\"ip\":\"2001:db8::9\",\"country\":\"DE\","
           "\"city\":\"Berlin\",\"region\":\"Land Berlin\",\"lat\":52.5244,\"lon\":-13.5,"
           "\"asn\":64500,\"org\":\"Example, \\\"Net\\\"\"}}\n");
}

static void test_json_bare(void **state)
{
    struct store_row row = {.id = UINT64_MAX,
                            .time_ns = -1,
                            .received_us = -1,
                            .facility = RECORD_NO_FACILITY,
                            .severity = RECORD_NO_SEVERITY,
                            .flags = RECORD_CUT | RECORD_TIME_RECEIVED};
    expect("json", &row,
           "{\"id\":\"ffffffffffffffff\",\"time\":\"1969-12-31T23:59:59.999999Z\","
           "\"received\":\"1969-12-31T23:59:59.999999Z\",\"format\":\"raw\",\"message\":\"\","
           "\"truncated\":true}\n");
}

static json_t *as_json(const struct store_row *row)
{
    char *text = print("json", row, (struct options){0});
    json_error_t error;
    json_t *json = json_loads(text, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
    if (json == NULL)
        fail_msg("%s: %s", text, error.text);
    assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
    free(text);
    return json;
}

static void expect_key(const struct store_row *row, const char *key, const char *expected)
{
    json_t *json = as_json(row);
    const char *value = json_string_value(json_object_get(json, key));
    if (expected == NULL)
        assert_null(value);
    else
        assert_string_equal(value, expected);
    json_decref(json);
}

static void test_json_time_digits(void **state)
{
    static const char *const expected[] = {
        "2026-11-24T11:00:00Z",          "2026-11-24T11:00:00.1Z",
        "2026-11-24T11:00:00.12Z",       "2026-11-24T11:00:00.123Z",
        "2026-11-24T11:00:00.1234Z",     "2026-11-24T11:00:00.12345Z",
        "2026-11-24T11:00:00.123456Z",   "2026-11-24T11:00:00.1234567Z",
        "2026-11-24T11:00:00.12345678Z", "2026-11-24T11:00:00.123456789Z",
    };
    struct store_row row = fake_row("m", 0);
    row.time_ns += 123456789;
    for (uint8_t digits = 0; digits < 10; digits++) {
        row.time_digits = digits;
        expect_key(&row, "time", expected[digits]);
    }
    row.time_digits = 255; /* damaged, but no reason to print nonsense */
    expect_key(&row, "time", expected[9]);
}

static void test_json_damaged_row(void **state)
{
    struct store_row row = full_row();
    row.received_us = INT64_MAX;
    row.time_ns = INT64_MIN;
    row.facility = row.severity = row.format = 77;
    row.place.lat = __builtin_nan("");
    row.place.lon = 1e300;
    json_decref(as_json(&row));
}

static const struct {
    struct text message;
    const char *shown, *base64; /* base64 NULL: valid UTF-8 */
} encodings[] = {
    {TEXT(""), "", NULL},
    {TEXT("gr\xc3\xbc\xc3\x9f"), "gr\xc3\xbc\xc3\x9f", NULL},
    {TEXT("\xf0\x9f\x98\x80"), "\xf0\x9f\x98\x80", NULL},
    {TEXT("\t\r\n\b\f\x01\x7f\\\"/"), "\t\r\n\b\f\x01\x7f\\\"/", NULL},
    {TEXT("\xff"), "\xef\xbf\xbd", "/w=="},
    {TEXT("a\xff\xfe"), "a\xef\xbf\xbd\xef\xbf\xbd", "Yf/+"},
    {TEXT("ab\xe9"), "ab\xef\xbf\xbd", "YWLp"},
    {TEXT("\xe9t\xe9"), "\xef\xbf\xbdt\xef\xbf\xbd", "6XTp"},
    /* A maximal subpart is one character: Unicode 3.9, table 3-8. */
    {TEXT("\xf1\x80\x80\xe1\x80\xc2\x62\x80\x63"),
     "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\x62\xef\xbf\xbd\x63", "8YCA4YDCYoBj"},
    {TEXT("\xc0\xaf"), "\xef\xbf\xbd\xef\xbf\xbd", "wK8="},
    {TEXT("\xed\xa0\x80"), "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd", "7aCA"},
    {TEXT("\xf4\x90\x80\x80"), "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd", "9JCAgA=="},
    {TEXT("\xf0\x9f\x98"), "\xef\xbf\xbd", "8J+Y"},
};

static void test_json_encodings(void **state)
{
    for (size_t i = 0; i < sizeof(encodings) / sizeof(encodings[0]); i++) {
        struct store_row row = fake_row("", 0);
        row.message = encodings[i].message;
        expect_key(&row, "message", encodings[i].shown);
        expect_key(&row, "message_b64", encodings[i].base64);
    }
    struct store_row row = fake_row("m", 0);
    row.message = TEXT("a\0b");
    json_t *json = as_json(&row);
    assert_int_equal(json_string_length(json_object_get(json, "message")), 3);
    json_decref(json);
    row.host = TEXT("h\xff\"");
    expect_key(&row, "host", "h\xef\xbf\xbd\"");
}

static const struct {
    const char *sd, *json; /* NULL: is given as sd_raw */
} structured[] = {
    {"[a@1]", "{\"a@1\":{}}"},
    {"[a@1 x=\"\"]", "{\"a@1\":{\"x\":\"\"}}"},
    {"[a@1 x=\"1\" x=\"2\" x=\"1\"]", "{\"a@1\":{\"x\":[\"1\",\"2\",\"1\"]}}"},
    {"[b x=\"1\"][a x=\"2\"]", "{\"a\":{\"x\":\"2\"},\"b\":{\"x\":\"1\"}}"},
    {"[a x=\"1\"][a x=\"2\" y=\"3\"][a]", "{\"a\":{\"x\":[\"1\",\"2\"],\"y\":\"3\"}}"},
    {"[a x=\"\\\\ \\n \\\" \\]\"]", "{\"a\":{\"x\":\"\\\\ \\\\n \\\" ]\"}}"},
    {"[a x=\"[b]\"]", "{\"a\":{\"x\":\"[b]\"}}"},
    {"[a x=\"\xff\"]", "{\"a\":{\"x\":\"\xef\xbf\xbd\"}}"},
    {"[a  x=\"1\" ]", "{\"a\":{\"x\":\"1\"}}"},
    {"[", NULL},
    {"[a x=1]", NULL},
    {"[a x=\"1\"", NULL},
    {"[a x=\"1\"]b", NULL},
    {"nonsense", NULL},
};

static void test_json_structured_data(void **state)
{
    for (size_t i = 0; i < sizeof(structured) / sizeof(structured[0]); i++) {
        struct store_row row = fake_row("m", 0);
        row.sd = fake_text(structured[i].sd);
        json_t *json = as_json(&row), *sd = json_object_get(json, "sd");
        if (structured[i].json == NULL) {
            assert_null(sd);
            assert_string_equal(json_string_value(json_object_get(json, "sd_raw")),
                                structured[i].sd);
        } else {
            char *text = json_dumps(sd, JSON_COMPACT);
            assert_string_equal(text, structured[i].json);
            free(text);
        }
        json_decref(json);
    }
}

/* Thousands of parameters of one name cost no more than as many of different names. */
static void test_json_hostile_structured_data(void **state)
{
    size_t n = 20000;
    char *sd = malloc(n * 6 + 8), *end = stpcpy(sd, "[a");
    for (size_t i = 0; i < n; i++)
        end = stpcpy(end, i % 2 ? " x=\"\"" : " y=\"\"");
    strcpy(end, "]");
    struct store_row row = fake_row("m", 0);
    row.sd = fake_text(sd);
    json_t *json = as_json(&row);
    json_t *a = json_object_get(json_object_get(json, "sd"), "a");
    assert_int_equal(json_array_size(json_object_get(a, "x")), n / 2);
    json_decref(json);
    free(sd);
}

static void test_csv(void **state)
{
    static const char header[] =
        "id,time,received,input,peer,peer_port,format,facility,severity,host,app,procid,msgid,"
        "sd,message,geo_ip,country,city,region,lat,lon,asn,org\n";
    struct store_row row = full_row();
    char expected[1024];
    row.sd = TEXT("");
    row.message = TEXT("two\nlines");
    snprintf(expected, sizeof(expected), "%s%s", header,
             "0000000000000a00,2026-11-24T11:00:00.25Z,2026-11-24T11:00:00.000250Z,network,"
             "192.0.2.7,40000,rfc5424,auth,info,web01,sshd,4711,ID47,,\"two\nlines\",2001:db8::9,"
             "DE,Berlin,Land Berlin,52.5244,-13.5,64500,\"Example, \"\"Net\"\"\"\n");
    expect("csv", &row, expected);
    struct store_row bare = {.facility = 255, .severity = 255};
    snprintf(
        expected, sizeof(expected), "%s%s", header,
        "0000000000000000,1970-01-01T00:00:00Z,1970-01-01T00:00:00.000000Z,,,,raw,,,,,,,,,,,,,,"
        ",,\n");
    expect("csv", &bare, expected);
}

static void test_short(void **state)
{
    struct store_row row = full_row();
    expect("short", &row,
           "2026-11-24 11:00:00.250Z web01 sshd[4711] info: GET / \"x\" [DE Berlin]\n");
    row.host = row.procid = row.place.city = (struct text){0};
    row.severity = RECORD_NO_SEVERITY;
    expect("short", &row, "2026-11-24 11:00:00.250Z 192.0.2.7 sshd: GET / \"x\" [DE]\n");
    struct store_row bare = {.facility = 255, .severity = 255};
    expect("short", &bare, "1970-01-01 00:00:00.000Z -: \n");
}

static void test_short_local_time(void **state)
{
    struct store_row row = fake_row("m", 0);
    char *text = print("short", &row, (struct options){0});
    assert_string_equal(text, "2026-11-24 12:00:00.000 web01 sshd info: m\n");
    free(text);
}

static void test_short_color(void **state)
{
    struct store_row row = full_row();
    row.severity = 3;
    char *text = print("short", &row, (struct options){.utc = true, .color = true});
    assert_string_equal(text, "2026-11-24 11:00:00.250Z web01 sshd[4711] \033[31merr\033[0m: "
                              "\033[31mGET / \"x\"\033[0m \033[2m[DE Berlin]\033[0m\n");
    free(text);
}

/* Nothing that a sender wrote moves the cursor or starts a line. */
static void test_long(void **state)
{
    struct store_row row = full_row();
    expect("long", &row,
           "time        2026-11-24 11:00:00.25Z\n"
           "received    2026-11-24 11:00:00.000250Z\n"
           "input       network\n"
           "peer        192.0.2.7 port 40000\n"
           "format      rfc5424\n"
           "facility    auth\n"
           "severity    info\n"
           "host        web01\n"
           "app         sshd\n"
           "procid      4711\n"
           "msgid       ID47\n"
           "sd.x@1.a  1\n"
           "sd.x@1.b  say \\\"hi\\\"\n"
           "sd.x@1.a  \\]\n"
           "sd.empty@3  \n"
           "geo.ip      2001:db8::9\n"
           "geo.country DE\n"
           "geo.city    Berlin\n"
           "geo.region  Land Berlin\n"
           "geo.org     Example, \"Net\"\n"
           "geo.asn     64500\n"
           "geo.lat,lon 52.5244,-13.5\n"
           "id          0000000000000a00\n"
           "message     GET / \"x\"\n\n");
    struct store_row bare = {.facility = 255, .severity = 255};
    char *text = print("long", &bare, (struct options){.utc = true});
    assert_non_null(strstr(text, "id          0000000000000000\nmessage     \n\n"));
    assert_null(strstr(text, "peer"));
    free(text);
}

static void test_escapes(void **state)
{
    struct store_row row = fake_row("", 0);
    row.message = TEXT("a\033[2Jb\r\nc\td\xc2\x9b"
                       "e\xff\x7f\0gr\xc3\xbc");
    expect("cat", &row, "a\\x1b[2Jb\\r\\nc\td\\xc2\\x9be\\xff\\x7f\\x00gr\xc3\xbc\n");
    row.message = TEXT("m");
    row.host = TEXT("h\033");
    row.app = TEXT("a\n");
    expect("short", &row, "2026-11-24 11:00:00.000Z h\\x1b a\\n info: m\n");
}

static void test_raw(void **state)
{
    struct store_row row = fake_row("", 0);
    row.message = TEXT("a\033\xff");
    expect("raw", &row, "a\033\xff\n");
}

static void test_big_and_broken_output(void **state)
{
    size_t len = 1000000;
    char *big = malloc(len);
    memset(big, 'x', len);
    struct store_row row = fake_row("", 0);
    row.message = (struct text){big, (uint32_t)len};
    char *text = print("raw", &row, (struct options){0});
    assert_int_equal(strlen(text), len + 1);
    free(text);
    int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
    struct printer printer;
    assert_int_equal(printer_init(&printer, &format_raw, write_fd, &full, true, false), 0);
    assert_int_equal(printer_row(&printer, &row), 1);
    assert_int_equal(printer_flush(&printer), -ENOSPC);
    printer_deinit(&printer);
    close(full);
    free(big);
}

static void test_find(void **state)
{
    assert_ptr_equal(format_find("json"), &format_json);
    assert_null(format_find("xml"));
}

int main(void)
{
    setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_json_full),
        cmocka_unit_test(test_json_bare),
        cmocka_unit_test(test_json_time_digits),
        cmocka_unit_test(test_json_damaged_row),
        cmocka_unit_test(test_json_encodings),
        cmocka_unit_test(test_json_structured_data),
        cmocka_unit_test(test_json_hostile_structured_data),
        cmocka_unit_test(test_csv),
        cmocka_unit_test(test_short),
        cmocka_unit_test(test_short_local_time),
        cmocka_unit_test(test_short_color),
        cmocka_unit_test(test_long),
        cmocka_unit_test(test_escapes),
        cmocka_unit_test(test_raw),
        cmocka_unit_test(test_big_and_broken_output),
        cmocka_unit_test(test_find),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

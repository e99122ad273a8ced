/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "geo-test.h"

/* NULL: no address is found. The text found, and the address where that is not what inet_pton makes of it. */
static const struct finding {
    const char *text;
    const char *found;
    const char *address;
} findings[] = {
    /* plain */
    {"1.2.3.4", "1.2.3.4"},
    {"8.8.8.8 ", "8.8.8.8"},
    {" 8.8.8.8", "8.8.8.8"},
    {"223.255.255.255", "223.255.255.255"},
    {"Failed password for root from 185.220.101.4 port 4242 ssh2", "185.220.101.4"},
    {"connection from 1.2.3.4.", "1.2.3.4"},
    {"was it 1.2.3.4? yes", "1.2.3.4"},
    {"", NULL},
    {".", NULL},
    {"...", NULL},
    {":", NULL},
    {"1.2.3", NULL},
    {"1.2.3.", NULL},
    {"1.2..3.4", NULL},
    {"no address here, at 12:30. The end.", NULL},
    /* with what surrounds them */
    {"addr=1.2.3.4,port=1", "1.2.3.4"},
    {"\"1.2.3.4\"", "1.2.3.4"},
    {"'1.2.3.4'", "1.2.3.4"},
    {"(1.2.3.4)", "1.2.3.4"},
    {"<1.2.3.4>", "1.2.3.4"},
    {"[1.2.3.4]", "1.2.3.4"},
    {"1.2.3.4:80", "1.2.3.4"},
    {"[1.2.3.4]:80", "1.2.3.4"},
    {"user@1.2.3.4", "1.2.3.4"},
    {"client:1.2.3.4", "1.2.3.4"},
    {"face:1.2.3.4", "1.2.3.4"},
    {"http://1.2.3.4/index", "1.2.3.4"},
    {"/1.2.3.4:5678", "1.2.3.4"},
    {"1.2.3.0/24", "1.2.3.0"},
    {"1.2.3.4-1.2.3.9", "1.2.3.4"},
    {"\xe6\x9d\xa5\xe8\x87\xaa" "1.2.3.4\xe3\x80\x82", "1.2.3.4"},
    {"{\"ip\":\"9.9.9.9\",\"n\":1.5}", "9.9.9.9"},
    /* only looks like one */
    {"1.2.3.4.5", NULL},
    {"1.2.3.4.5.6.7.8", NULL},
    {"01.2.3.4", NULL},
    {"1.02.3.4", NULL},
    {"1.2.3.04", NULL},
    {"256.1.1.1", NULL},
    {"1.1.1.256", NULL},
    {"1.1.1.1000", NULL},
    {"1111.1.1.1", NULL},
    {"v1.2.3.4", NULL},
    {"1.2.3.4a", NULL},
    {"1.2.3.4_", NULL},
    {"_1.2.3.4", NULL},
    {"ip-1.2.3.4", NULL},
    {".1.2.3.4", NULL},
    {"Chrome/126.0.6478.1", NULL},
    {"libfoo_2/1.2.3.4 x", NULL},
    {"1.2.3.4.example.org", "1.2.3.4"},
    {"1,2.3.4,5", NULL},
    {"3.14 and 2.71", NULL},
    {"[1234.567890] IN=eth0", NULL},
    /* the first that is public */
    {"10.0.0.1 192.168.1.1 8.8.4.4 9.9.9.9", "8.8.4.4"},
    {"SRC=127.0.0.1 DST=198.51.100.4", NULL},
    {"Chrome/126.0.0.0 from 4.4.4.4", "4.4.4.4"},
    {"1.2.3.4.5 6.7.8.9", "6.7.8.9"},
    /* IPv6 */
    {"2600::1", "2600::1"},
    {"2600::", "2600::"},
    {"from 2a00:1450:4001:80b::200e port 22", "2a00:1450:4001:80b::200e"},
    {"2A00:1450:4001:80B::200E", "2A00:1450:4001:80B::200E"},
    {"2600:1:2:3:4:5:6:7", "2600:1:2:3:4:5:6:7"},
    {"2600:1:2:3:4:5:1.2.3.4", "2600:1:2:3:4:5:1.2.3.4"},
    {"[2600::1]:443", "2600::1"},
    {"addr=2600::1,", "2600::1"},
    {"\"2600::1\"", "2600::1"},
    {"peer:2600::1", "2600::1"},
    {"2600::1%eth0", "2600::1"},
    {"2600::/16", "2600::"},
    {"connect to 2600::1: refused", "2600::1"},
    {"it was 2600::1.", "2600::1"},
    {"it was 2600::1...", "2600::1"},
    {"http://[2600::1]/x", "2600::1"},
    {"2600::1 1.2.3.4", "2600::1"},
    {"1.2.3.4 2600::1", "1.2.3.4"},
    {"2001:db8::1 fe80::1 ::1 fd00::1 2600::5", "2600::5"},
    {"2001:218:ffff:ffff:ffff:ffff:ffff:ffff", "2001:218:ffff:ffff:ffff:ffff:ffff:ffff"},
    /* only looks like one */
    {"11:05:05", NULL},
    {"24/Nov/2026:11:05:05 +0000", NULL},
    {"2026:11:24 10:00:00", NULL},
    {"52:54:00:12:34:56", NULL},
    {"MAC=52:54:00:12:34:56:52:54:00:65:43:21:08:00", NULL},
    {"MAC=00:00:00:00:00:00:00:00:00:00:00:00:08:00", NULL},
    {"20:01:0d:b8:00:00:00:01", NULL},
    {"2001:2002:2003:2004:2005:2006:2007:2008:2009", NULL},
    {"2600::1::2", NULL},
    {"2600:::1", NULL},
    {"2600::12345", NULL},
    {"2600::1g", NULL},
    {"2600::1_", NULL},
    {"x2600::1", NULL},
    {"-2600::1", NULL},
    {"mod/2600::1", NULL},
    {"ab:2600::1", NULL},
    {"std::vector", NULL},
    {"a::b", NULL},
    {"Foo::Bar::baz", NULL},
    {"dead::beef", NULL},
    {"::", NULL},
    {"a : b :: c ::: d", NULL},
    {"::1", NULL},
    {"2600:", NULL},
    {"2600: 2600:1", NULL},
    {"{\"a\":1,\"b\":{\"c\":2600}}", NULL},
    {"2600::1.2.3", NULL},
    {"0:0:0:0:0:0:0:1", NULL},
    /* IPv4 in IPv6 */
    {"::ffff:1.2.3.4", "::ffff:1.2.3.4", "1.2.3.4"},
    {"[::ffff:1.2.3.4]:80", "::ffff:1.2.3.4", "1.2.3.4"},
    {"::FFFF:0102:0304", "::FFFF:0102:0304", "1.2.3.4"},
    {"0:0:0:0:0:ffff:1.2.3.4", "0:0:0:0:0:ffff:1.2.3.4", "1.2.3.4"},
    {"::ffff:10.0.0.1", NULL},
    {"::ffff:10.0.0.1 ::ffff:9.9.9.9", "::ffff:9.9.9.9", "9.9.9.9"},
    {"::ffff:1.2.3.4:80", "1.2.3.4"},
    {"64:ff9b::8.8.8.8", NULL},
    {"2001:db8::8.8.8.8 9.9.9.9", "9.9.9.9"},
    {"Foo::8.8.8.8", "8.8.8.8"},
    {"Foo::2600::1", NULL},
    {"255.255.255.255 223.255.255.254", "223.255.255.254"},
};

/* Text in memory of exactly its length, so that a sanitizer sees a read past its end. */
static bool find_in_copy(const char *text, size_t len, uint32_t *off, uint32_t *found_len,
                         uint8_t address[16])
{
    char *copy = malloc(len ? len : 1);
    assert_non_null(copy);
    memcpy(copy, text, len);
    bool is_found = geo_find_address(copy, len, off, found_len, address);
    free(copy);
    return is_found;
}

static void check_finding(const char *text, size_t prefix, const struct finding *finding)
{
    uint32_t off = 0, len = 0;
    uint8_t address[16], expected[16];
    bool is_found = find_in_copy(text, strlen(text), &off, &len, address);
    if (is_found != (finding->found != NULL))
        fail_msg("\"%s\": found %.*s", text, (int)len, text + off);
    if (!is_found)
        return;
    if (len != strlen(finding->found) || memcmp(text + off, finding->found, len) != 0)
        fail_msg("\"%s\": found %.*s", text, (int)len, text + off);
    assert_int_equal(off, prefix + (size_t)(strstr(finding->text, finding->found) - finding->text));
    to_address(finding->address ? finding->address : finding->found, expected);
    assert_memory_equal(address, expected, 16);
}

static void test_find(void **state)
{
    for (size_t i = 0; i < sizeof(findings) / sizeof(findings[0]); i++)
        check_finding(findings[i].text, 0, &findings[i]);
}

/* What is before and after does not change the finding. */
static void test_find_in_context(void **state)
{
    static const char before[] = "at 10:00:00.123, C::d [x] 52:54:00:12:34:56 1.5 10.1.2.3 fe80::7 ";
    for (size_t i = 0; i < sizeof(findings) / sizeof(findings[0]); i++) {
        char text[512];
        snprintf(text, sizeof(text), "%s%s , a 1.5 b 10:00 c", before, findings[i].text);
        check_finding(text, sizeof(before) - 1, &findings[i]);
    }
}

static const struct judgement {
    const char *address;
    bool is_public;
} judgements[] = {
    {"0.0.0.0", false},         {"0.255.255.255", false},   {"1.0.0.0", true},
    {"9.255.255.255", true},    {"10.0.0.0", false},        {"10.255.255.255", false},
    {"11.0.0.0", true},         {"100.63.255.255", true},   {"100.64.0.0", false},
    {"100.127.255.255", false}, {"100.128.0.0", true},      {"126.255.255.255", true},
    {"127.0.0.1", false},       {"128.0.0.0", true},        {"169.253.255.255", true},
    {"169.254.1.1", false},     {"169.255.0.0", true},      {"172.15.255.255", true},
    {"172.16.0.0", false},      {"172.31.255.255", false},  {"172.32.0.0", true},
    {"192.0.0.8", false},       {"192.0.1.0", true},        {"192.0.2.1", false},
    {"192.0.3.0", true},        {"192.31.196.1", true},     {"192.88.99.1", false},
    {"192.88.100.0", true},     {"192.167.255.255", true},  {"192.168.0.0", false},
    {"192.169.0.0", true},      {"198.17.255.255", true},   {"198.18.0.0", false},
    {"198.19.255.255", false},  {"198.20.0.0", true},       {"198.51.100.1", false},
    {"198.51.101.0", true},     {"203.0.112.255", true},    {"203.0.113.0", false},
    {"203.0.114.0", true},      {"223.255.255.255", true},  {"224.0.0.1", false},
    {"239.255.255.255", false}, {"240.0.0.0", false},       {"255.255.255.255", false},
    {"::", false},              {"::1", false},             {"::8.8.8.8", false},
    {"::ffff:8.8.8.8", true},   {"::ffff:10.0.0.1", false}, {"64:ff9b::8.8.8.8", false},
    {"100::1", false},          {"1fff::", false},          {"2000::", true},
    {"2001::1", false},         {"2001:2::1", false},       {"2001:1ff:ffff::", false},
    {"2001:200::", true},       {"2001:218::1", true},      {"2001:db7::", true},
    {"2001:db8::", false},      {"2001:db8:ffff::", false}, {"2001:db9::", true},
    {"2002:808:808::", false},  {"2003::", true},           {"2620:4f:8000::1", true},
    {"3ffe::", true},           {"3fff::", false},          {"3fff:fff:ffff::", false},
    {"3fff:1000::", true},      {"4000::", false},          {"5f00::", false},
    {"fc00::1", false},         {"fdff::1", false},         {"fe80::1", false},
    {"ff02::1", false},
};

static void test_is_public(void **state)
{
    for (size_t i = 0; i < sizeof(judgements) / sizeof(judgements[0]); i++) {
        uint8_t address[16];
        to_address(judgements[i].address, address);
        if (geo_is_public(address) != judgements[i].is_public)
            fail_msg("%s", judgements[i].address);
    }
}

/* Random texts of the bytes that matter: whatever is found is in the text, public, and what inet_pton says. */
static void test_find_random(void **state)
{
    static const char alphabet[] = "0123456789.:.:.:abf23 :g[/-%";
    unsigned n_found = 0;
    srandom(7);
    for (unsigned round = 0; round < 200000; round++) {
        char text[64], found[64] = {0};
        size_t n = (size_t)random() % sizeof(text);
        for (size_t i = 0; i < n; i++)
            text[i] = alphabet[(size_t)random() % (sizeof(alphabet) - 1)];
        static const char *const seeds[] = {"1.2.3.4", "2600::", "::ffff:", "2a00:1:2:3:4:5:6:7"};
        const char *seed = seeds[round % 4];
        if (n >= 32 && round % 3)
            memcpy(text + (size_t)random() % 12, seed, strlen(seed));
        uint32_t off, len;
        uint8_t address[16], expected[16];
        if (!find_in_copy(text, n, &off, &len, address))
            continue;
        n_found++;
        assert_true(len > 0 && len <= 45 && off + len <= n);
        assert_true(geo_is_public(address));
        memcpy(found, text + off, len);
        to_address(found, expected);
        assert_memory_equal(address, expected, 16);
    }
    assert_true(n_found > 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_find),
        cmocka_unit_test(test_find_in_context),
        cmocka_unit_test(test_find_random),
        cmocka_unit_test(test_is_public),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

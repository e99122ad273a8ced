/* SPDX-License-Identifier: MIT */
#include "config_test.h"

#include <errno.h>
#include <inttypes.h>

#define SEC INT64_C(1000000000)

static const struct config_key any_size = {.type = CONFIG_SIZE, .largest = INT64_MAX};
static const struct config_key any_duration = {.type = CONFIG_DURATION, .largest = INT64_MAX};
static const struct config_key any_integer = {.type = CONFIG_INTEGER, .largest = INT64_MAX};
static const struct config_key few = {.type = CONFIG_INTEGER, .smallest = 3, .largest = 5};

static void numbers(void **state)
{
    static const struct {
        const struct config_key *key;
        const char *text;
        int r;
        int64_t value;
    } cases[] = {
        {&any_size, "0", 0, 0},
        {&any_size, "1", 0, 1},
        {&any_size, "64K", 0, 65536},
        {&any_size, "64k", 0, 65536},
        {&any_size, "64KiB", 0, 65536},
        {&any_size, "256M", 0, 256 << 20},
        {&any_size, "1GiB", 0, 1 << 30},
        {&any_size, "2T", 0, INT64_C(2) << 40},
        {&any_size, "0007K", 0, 7168},
        {&any_size, "9223372036854775807", 0, INT64_MAX},
        {&any_size, "9223372036854775808", -ERANGE, 0},
        {&any_size, "99999999999999999999999999999999", -ERANGE, 0},
        {&any_size, "184467440737095516205", -ERANGE, 0}, /* wraps to 45 */
        {&any_size, "8388607T", 0, INT64_C(8388607) << 40},
        {&any_size, "8388608T", -ERANGE, 0},
        {&any_size, "18446744073709551616K", -ERANGE, 0},
        {&any_size, "", -EINVAL, 0},
        {&any_size, "K", -EINVAL, 0},
        {&any_size, "1 K", -EINVAL, 0},
        {&any_size, " 1", -EINVAL, 0},
        {&any_size, "1KB", -EINVAL, 0},
        {&any_size, "1KK", -EINVAL, 0},
        {&any_size, "-1", -EINVAL, 0},
        {&any_size, "+1", -EINVAL, 0},
        {&any_size, "0x10", -EINVAL, 0},
        {&any_size, "1e3", -EINVAL, 0},
        {&any_size, "1_000", -EINVAL, 0},
        {&any_duration, "0", 0, 0},
        {&any_duration, "000", 0, 0},
        {&any_duration, "0s", 0, 0},
        {&any_duration, "500ms", 0, SEC / 2},
        {&any_duration, "1s", 0, SEC},
        {&any_duration, "5m", 0, 300 * SEC},
        {&any_duration, "24h", 0, 86400 * SEC},
        {&any_duration, "30d", 0, 30 * 86400 * SEC},
        {&any_duration, "106751d", 0, INT64_C(106751) * 86400 * SEC},
        {&any_duration, "106752d", -ERANGE, 0},
        {&any_duration, "99999999999999999999s", -ERANGE, 0},
        {&any_duration, "5", -EINVAL, 0},
        {&any_duration, "5M", -EINVAL, 0},
        {&any_duration, "1h30m", -EINVAL, 0},
        {&any_duration, "s", -EINVAL, 0},
        {&any_integer, "5K", -EINVAL, 0},
        {&any_integer, "010", 0, 10},
        {&few, "2", -ERANGE, 0},
        {&few, "3", 0, 3},
        {&few, "5", 0, 5},
        {&few, "6", -ERANGE, 0},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int64_t value = -1;
        int r = config_number_parse(cases[i].key, cases[i].text, &value);
        if (r != cases[i].r || (r == 0 ? value != cases[i].value : value != -1))
            fail_msg("\"%s\": %d, %" PRId64, cases[i].text, r, value);
    }
}

static void formatted_numbers(void **state)
{
    static const struct {
        enum config_type type;
        int64_t value;
        const char *text;
    } cases[] = {
        {CONFIG_SIZE, 0, "0"},
        {CONFIG_SIZE, 480, "480"},
        {CONFIG_SIZE, 65536, "64K"},
        {CONFIG_SIZE, 67108864, "64M"},
        {CONFIG_SIZE, INT64_C(1) << 40, "1T"},
        {CONFIG_SIZE, INT64_MAX, "9223372036854775807"},
        {CONFIG_DURATION, 0, "0"},
        {CONFIG_DURATION, SEC / 2, "500ms"},
        {CONFIG_DURATION, 90 * SEC, "90s"},
        {CONFIG_DURATION, 86400 * SEC, "1d"},
        {CONFIG_INTEGER, 1024, "1024"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_string_equal(config_number_format(cases[i].type, cases[i].value).text,
                            cases[i].text);
}

static void listen_urls(void **state)
{
    static const struct {
        const char *url, *host; /* host NULL: refused */
        int port;
    } cases[] = {
        {"udp://127.0.0.1:514", "127.0.0.1", 514},
        {"tcp://[::1]:0", "::1", 0},
        {"tcp://[::ffff:1.2.3.4]:65535", "::ffff:1.2.3.4", 65535},
        {"tcp://[fe80::1%lo]:1", "fe80::1%lo", 1},
        {"udp://*:1", "", 1},
        {"udp://:1", "", 1},
        {"udp://a-b.example.org.:1", "a-b.example.org.", 1},
        {"udp://localhost:00514", "localhost", 514},
        {"udp://localhost", NULL, 0},
        {"udp://localhost:", NULL, 0},
        {"udp://localhost:1/", NULL, 0},
        {"udp://localhost:1x", NULL, 0},
        {"udp://localhost:-1", NULL, 0},
        {"udp://localhost:65536", NULL, 0},
        {"udp://localhost:000514", NULL, 0},
        {"udp://::1:514", NULL, 0},
        {"udp://[::1]", NULL, 0},
        {"udp://[::1]514", NULL, 0},
        {"udp://[::1:514", NULL, 0},
        {"udp://[]:514", NULL, 0},
        {"udp://[1.2.3.4]:514", NULL, 0},
        {"udp://[::1%]:514", NULL, 0},
        {"udp://1.2.3:514", NULL, 0},
        {"udp://1.2.3.256:514", NULL, 0},
        {"udp://a b:514", NULL, 0},
        {"udp://user@host:514", NULL, 0},
        {"udp://-a:514", NULL, 0},
        {"udp://\xc3\xa9:514", NULL, 0},
        {"UDP://a:1", NULL, 0},
        {"udp:/a:1", NULL, 0},
        {"relp://a:1", NULL, 0},
        {"", NULL, 0},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct config_listen listen;
        const char *problem = NULL;
        int r = config_listen_parse(cases[i].url, &listen, &problem);
        if (r != (cases[i].host ? 0 : -EINVAL) || !problem != !r)
            fail_msg("%s: %d, %s", cases[i].url, r, problem ? problem : "no problem");
        if (r < 0)
            continue;
        assert_string_equal(listen.url, cases[i].url);
        assert_string_equal(listen.host, cases[i].host);
        assert_int_equal(listen.port, cases[i].port);
        free(listen.url);
        free(listen.host);
    }
}

static void hosts_of_any_length(void **state)
{
    for (size_t len = 250; len < 300; len++) {
        char url[400];
        struct config_listen listen;
        const char *problem;
        memcpy(url, "udp://", 6);
        memset(url + 6, 'a', len);
        strcpy(url + 6 + len, ":1");
        int r = config_listen_parse(url, &listen, &problem);
        assert_int_equal(r, len <= 255 ? 0 : -EINVAL);
        if (r < 0)
            continue;
        free(listen.url);
        free(listen.host);
    }
}

static bool same(const char *a, const char *b)
{
    struct config_listen listen[2];
    const char *problem;
    assert_int_equal(config_listen_parse(a, &listen[0], &problem), 0);
    assert_int_equal(config_listen_parse(b, &listen[1], &problem), 0);
    bool result = config_listen_same(&listen[0], &listen[1]);
    for (size_t i = 0; i < 2; i++) {
        free(listen[i].url);
        free(listen[i].host);
    }
    return result;
}

static void same_addresses(void **state)
{
    assert_true(same("udp://*:5", "udp://[::]:5"));
    assert_true(same("udp://[::1]:5", "udp://[0:0:0:0:0:0:0:1]:5"));
    assert_true(same("udp://Localhost:5", "udp://localhost:5"));
    assert_true(same("udp://[fe80::1%a]:5", "udp://[fe80::1%a]:5"));
    assert_false(same("udp://[fe80::1%a]:5", "udp://[fe80::1%b]:5"));
    assert_false(same("udp://*:5", "tcp://*:5"));
    assert_false(same("udp://*:5", "udp://*:6"));
    assert_false(same("udp://*:0", "udp://*:0"));
    assert_false(same("udp://127.0.0.1:5", "udp://127.0.0.2:5"));
}

static void nearest_words(void **state)
{
    static const char *const words[] = {"listen", "max_line", "on_full",
                                        "a_word_that_is_longer_than_any_other"};
    assert_string_equal(config_nearest("lsiten", words, 4), "listen");
    assert_string_equal(config_nearest("listens", words, 4), "listen");
    assert_string_equal(config_nearest("maxline", words, 4), "max_line");
    assert_string_equal(config_nearest("onfull", words, 4), "on_full");
    assert_string_equal(config_nearest("lgo", (const char *const[]){"log"}, 1), "log");
    assert_null(config_nearest("", words, 4));
    assert_null(config_nearest("x", words, 4));
    assert_null(config_nearest("memory", words, 4));
    assert_null(config_nearest("a_word_that_is_longer_than_any_other_", words, 4));
}

/* A row that is wrong shows here and not on a customer's machine. */
static void the_table_is_sound(void **state)
{
    size_t leaves_len = 0;
    for (size_t i = 0; i < config_n_keys; i++) {
        const struct config_key *key = &config_keys[i];
        assert_ptr_equal(config_key_find(key->pattern), key);
        assert_non_null(key->def);
        assert_true(strlen(key->help) > 0 && key->help[strlen(key->help) - 1] == '.');
        assert_true(key->smallest <= key->largest);
        assert_true(!key->words == (key->type != CONFIG_ENUM && key->type != CONFIG_WORDS));
        assert_true(!config_type_is_list(key->type) || key->largest > 0);
        size_t n_words = 0, words_len = 0; /* errors list them in fixed buffers */
        for (const struct config_word *word = key->words; word && word->name; word++, n_words++)
            words_len += strlen(word->name) + 2;
        assert_true(n_words <= 16 && words_len < 128);
        leaves_len += strlen(config_key_leaf(key)) + 2;
        int64_t value;
        if (key->type <= CONFIG_DURATION) {
            assert_true(key->size == 4 || key->size == 8);
            assert_true(key->size == 8 || key->largest <= UINT32_MAX);
            assert_int_equal(config_number_parse(key, config_key_example(key), &value), 0);
        }
    }
    assert_true(config_n_keys + config_n_sections <= 64 && leaves_len < 512);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers),
        cmocka_unit_test(formatted_numbers),
        cmocka_unit_test(listen_urls),
        cmocka_unit_test(hosts_of_any_length),
        cmocka_unit_test(same_addresses),
        cmocka_unit_test(nearest_words),
        cmocka_unit_test(the_table_is_sound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

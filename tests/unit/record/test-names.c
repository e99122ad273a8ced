/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "record/batch.h"

static void names_and_numbers_agree(void **state)
{
    for (unsigned i = 0; i < 24; i++) {
        const char *name = record_facility_name(i);
        assert_int_equal(record_facility_from_name(name, strlen(name)), (int)i);
    }
    for (unsigned i = 0; i < 8; i++) {
        const char *name = record_severity_name(i);
        assert_int_equal(record_severity_from_name(name, strlen(name)), (int)i);
    }
    for (unsigned i = 0; i < RECORD_N_FORMATS; i++) {
        const char *name = record_format_name(i);
        assert_int_equal(record_format_from_name(name, strlen(name)), (int)i);
    }
}

static void out_of_range_has_no_name(void **state)
{
    assert_null(record_facility_name(24));
    assert_null(record_facility_name(RECORD_NO_FACILITY));
    assert_null(record_severity_name(8));
    assert_null(record_format_name(RECORD_N_FORMATS));
    assert_null(drop_reason_name(N_DROP_REASONS));
    assert_null(stage_name(N_STAGES));
}

static void severity_aliases(void **state)
{
    static const struct {
        const char *name;
        int value;
    } cases[] = {
        {"error", 3},     {"WARN", 4},        {"panic", 0},    {"Warning", 4},
        {"0", 0},         {"7", 7},           {"8", -EINVAL},  {"", -EINVAL},
        {"inf", -EINVAL}, {"infos", -EINVAL}, {"-1", -EINVAL}, {"007", -EINVAL},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_int_equal(record_severity_from_name(cases[i].name, strlen(cases[i].name)),
                         cases[i].value);
}

static void every_drop_has_a_word(void **state)
{
    for (unsigned i = 0; i < N_DROP_REASONS; i++)
        assert_non_null(drop_reason_name(i));
    for (unsigned i = 0; i < N_STAGES; i++)
        assert_non_null(stage_name(i));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_and_numbers_agree),
        cmocka_unit_test(out_of_range_has_no_name),
        cmocka_unit_test(severity_aliases),
        cmocka_unit_test(every_drop_has_a_word),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

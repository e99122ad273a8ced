/* SPDX-License-Identifier: MIT */
#include "config_test.h"

/*
 * The sample, damaged at random: whatever comes of it is loaded or refused with a line for each
 * error, and never anything else. The seed is fixed, so a failure can be repeated: the file that
 * did it stays in memory only.
 */

#define N_ROUNDS 20000

static uint64_t next(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

struct file_text {
    size_t len;
    char bytes[16384];
};

/* Overwrites, removes or doubles a piece, or puts a token of YAML into it. */
static void mutate(struct file_text *text, uint64_t *seed)
{
    static const char *const tokens[] = {
        "{",  "}",   "[",    "]",        ":",    "- ",        "#",           "\n",  "\t",
        "\"", "'",   "&a ",  "*a",       "!!x ", "---\n",     "? ",          "|\n", "999999999999",
        "-1", "\\0", "\xff", "\xc3\xa9", "<<: ", "inputs:\n", "%YAML 1.1\n", ", "};
    size_t at = next(seed) % (text->len + 1);
    size_t room = sizeof(text->bytes) - text->len, left = text->len - at;
    const char *token = tokens[next(seed) % (sizeof(tokens) / sizeof(tokens[0]))];
    size_t len = next(seed) % 40;
    len = len < left ? len : left;
    switch (next(seed) % 4) {
    case 0:
        if (left > 0)
            text->bytes[at] = (char)next(seed);
        break;
    case 1:
        memmove(text->bytes + at, text->bytes + at + len, left - len);
        text->len -= len;
        break;
    case 2:
        if (len > room)
            break;
        memmove(text->bytes + at + len, text->bytes + at, left);
        text->len += len;
        break;
    default:
        len = strlen(token);
        if (len > room)
            break;
        memmove(text->bytes + at + len, text->bytes + at, left);
        memcpy(text->bytes + at, token, len);
        text->len += len;
    }
}

/* The sample without its comments, so that the damage meets values. */
static void read_sample(struct file_text *text)
{
    char *sample;
    size_t len;
    FILE *out = open_memstream(&sample, &len);
    config_write_sample(out);
    fclose(out);
    for (char *line = strtok(sample, "\n"); line; line = strtok(NULL, "\n")) {
        size_t indent = strspn(line, " ");
        if (line[indent] == '#' && (line[indent + 1] == ' ' || line[indent + 1] == '\0'))
            continue;
        text->len += (size_t)sprintf(text->bytes + text->len, "%.*s%s\n", (int)indent, line,
                                     line + indent + (line[indent] == '#'));
    }
    free(sample);
}

static size_t count_lines(const char *text)
{
    size_t n = 0;
    for (; *text; text++)
        n += *text == '\n';
    return n;
}

/* As config_load_as() does with a file's bytes, without the file. */
static unsigned load(const struct file_text *text, FILE *out)
{
    struct config_loader loader = {.user = &person, .errors = {.out = out}};
    loader.config = calloc(1, sizeof(*loader.config));
    config_defaults_apply(&loader);
    struct yaml_tree *tree = yaml_tree_load(text->bytes, text->len, "m", &loader.errors);
    assert_true(tree || loader.errors.n > 0);
    if (tree)
        config_apply(&loader, tree);
    config_defaults_finish(&loader);
    config_check(&loader);
    yaml_tree_free(tree);
    if (loader.errors.n == 0)
        free(config_as_json(loader.config));
    free(loader.origins);
    config_free(loader.config);
    assert_true((loader.errors.n > 0) == (loader.errors.error < 0));
    return loader.errors.n;
}

static void damaged_files(void **state)
{
    static struct file_text sample, text;
    uint64_t seed = 20261124;
    unsigned n_good = 0;
    read_sample(&sample);
    for (unsigned round = 0; round < N_ROUNDS; round++) {
        char *lines;
        size_t len;
        text = sample;
        for (uint64_t n = next(&seed) % 4 + 1; n > 0; n--)
            mutate(&text, &seed);
        FILE *out = open_memstream(&lines, &len);
        unsigned n_errors = load(&text, out);
        fclose(out);
        n_good += n_errors == 0;
        if (n_errors <= CONFIG_ERRORS_MAX)
            assert_int_equal(count_lines(lines), n_errors);
        free(lines);
    }
    print_message("%u of %u damaged files are still good\n", n_good, N_ROUNDS);
    assert_in_range(n_good, 1, N_ROUNDS / 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(damaged_files)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

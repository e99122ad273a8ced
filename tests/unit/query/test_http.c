/* SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/http.h"

#define OK "HTTP/1.1 200 OK\r\n"

static const struct {
    const char *text;
    bool ended;
    int r, status;
    const char *body;
} cases[] = {
    {OK "Content-Length: 2\r\n\r\n{}", false, 1, 200, "{}"},
    {OK "content-length:2\r\n\r\n{}more", false, 1, 200, "{}"},
    {OK "Content-Length: 0\r\n\r\n", false, 1, 200, ""},
    {OK "Content-Length: 3\r\n\r\n{}", false, 0, 0, NULL},
    {OK "Content-Length: 3\r\n\r\n{}", true, -EBADMSG, 0, NULL},
    {OK "\r\n{}", false, 0, 0, NULL},
    {OK "\r\n{}", true, 1, 200, "{}"},
    {"HTTP/1.0 404 Not Found\r\nX: y\r\n\r\n", true, 1, 404, ""},
    {"HTTP/1.1 503\r\nContent-Length: 0\r\n\r\n", false, 1, 503, ""},
    {OK "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nA;x=y\r\n0123456789\r\n0\r\n\r\n", false,
     1, 200, "hello0123456789"},
    {OK "Transfer-Encoding: chunked\r\n\r\n5\r\nhel", false, 0, 0, NULL},
    {OK "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", false, 0, 0, NULL},
    {OK "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", true, -EBADMSG, 0, NULL},
    {OK "Transfer-Encoding: chunked\r\n\r\n5\r\nhelloxx0\r\n\r\n", false, -EBADMSG, 0, NULL},
    {OK "Transfer-Encoding: chunked\r\n\r\nzz\r\n", false, -EBADMSG, 0, NULL},
    {OK "Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n", false, -EBADMSG, 0, NULL},
    {OK "Content-Length: x\r\n\r\n", false, -EBADMSG, 0, NULL},
    {OK "Content-Length: 99999999999999999999\r\n\r\n", false, -EBADMSG, 0, NULL},
    {OK "Content-Length:\r\n\r\n", false, -EBADMSG, 0, NULL},
    {"HTTP/1.1", false, 0, 0, NULL},
    {"HTTP/1.1", true, -EBADMSG, 0, NULL},
    {"", false, 0, 0, NULL},
    {"", true, -EBADMSG, 0, NULL},
    {"SSH-2.0-x\r\n", false, -EBADMSG, 0, NULL},
    {"\r\n", false, -EBADMSG, 0, NULL},
    {"HTTP/1.1 2 0 x\r\n\r\n", false, -EBADMSG, 0, NULL},
    {"HTTP/1.1 abc\r\n\r\n", false, -EBADMSG, 0, NULL},
    {"HTTP/1.1\r\n\r\n", false, -EBADMSG, 0, NULL},
};

static void check(const char *text, size_t len, bool ended, int r, int status, const char *body)
{
    /* Exactly the one byte of room that the parser may use. */
    char *data = malloc(len + 1);
    struct http_response response = {0};
    memcpy(data, text, len);
    int result = http_parse(data, len, ended, &response);
    if (result != r || (r == 1 && (response.status != status || response.body_len != strlen(body) ||
                                   strcmp(response.body, body) != 0)))
        fail_msg("%.*s: %d, %d", (int)len, text, result, response.status);
    if (r == 0)
        assert_memory_equal(data, text, len);
    free(data);
}

static void test_cases(void **state)
{
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        check(cases[i].text, strlen(cases[i].text), cases[i].ended, cases[i].r, cases[i].status,
              cases[i].body);
}

/* However the bytes come, nothing but the whole is a response. */
static void test_every_beginning(void **state)
{
    const char *chunked = OK "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
    size_t done = strlen(chunked) - 2; /* the trailer is not waited for */
    for (size_t len = 0; len < done; len++)
        check(chunked, len, false, 0, 0, NULL);
    check(chunked, done, false, 1, 200, "abc");
    const char *counted = OK "Content-Length: 3\r\n\r\nabc";
    for (size_t len = 0; len < strlen(counted); len++)
        check(counted, len, false, 0, 0, NULL);
}

static void test_no_server(void **state)
{
    struct http_response response;
    char path[200];
    assert_int_equal(http_get("/nonexistent/status.sock", "/status", 1000, &response), -ENOENT);
    memset(path, 'x', sizeof(path));
    path[sizeof(path) - 1] = '\0';
    assert_int_equal(http_get(path, "/status", 1000, &response), -ENAMETOOLONG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),
        cmocka_unit_test(test_every_beginning),
        cmocka_unit_test(test_no_server),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
#include "ctl/ctl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/http.h"
#include "ctl/locate.h"
#include "ctl/status_text.h"

#define TIMEOUT_MS 5000

static int fail_request(const char *socket, int error)
{
    if (error == -ENOENT || error == -ECONNREFUSED)
        return ctl_fail("logboomd does not run: nothing listens on %s (systemctl status logboom; "
                        "--socket PATH names another)",
                        socket);
    if (error == -EACCES || error == -EPERM)
        return ctl_fail("not allowed to ask logboomd at %s: use sudo, or join the socket's group",
                        socket);
    if (error == -ETIMEDOUT)
        return ctl_fail("logboomd at %s did not answer within %d s: see its log (journalctl -u "
                        "logboom)",
                        socket, TIMEOUT_MS / 1000);
    if (error == -EBADMSG)
        return ctl_fail("what answers at %s is not logboomd: --socket PATH names another", socket);
    return ctl_fail("cannot ask logboomd at %s: %s", socket, strerror(-error));
}

static void print_as_it_came(const struct http_response *response)
{
    fwrite(response->body, 1, response->body_len, stdout);
    if (response->body_len > 0 && response->body[response->body_len - 1] != '\n')
        putchar('\n');
}

static int print_text(const char *socket, const struct http_response *response)
{
    json_t *status = json_loadb(response->body, response->body_len, 0, NULL);
    if (!json_is_object(status)) {
        json_decref(status);
        return fail_request(socket, -EBADMSG);
    }
    status_print(status, stdout);
    json_decref(status);
    return CTL_DONE;
}

static int show(const char *socket, const char *output)
{
    struct http_response response;
    const char *target = strcmp(output, "prometheus") == 0 ? "/metrics" : "/status";
    int status = CTL_DONE, r = http_get(socket, target, TIMEOUT_MS, &response);
    if (r < 0)
        return fail_request(socket, r);
    if (response.status != 200)
        status = ctl_fail("logboomd at %s answered %s with HTTP status %d", socket, target,
                          response.status);
    else if (strcmp(output, "text") == 0)
        status = print_text(socket, &response);
    else
        print_as_it_came(&response);
    free(response.body);
    return status;
}

static int run_status(struct ctl *ctl, int argc, char **argv)
{
    static const struct option options[] = {{"output", required_argument, NULL, 'o'}, CTL_OPTIONS};
    const char *output = "text";
    char *socket = NULL;
    int option, status;
    while ((option = ctl_next_option(ctl, argc, argv, ":o:", options, &status)) != -1) {
        if (option == CTL_STOP)
            return status;
        output = optarg;
    }
    if (strcmp(output, "text") != 0 && strcmp(output, "json") != 0 &&
        strcmp(output, "prometheus") != 0)
        return ctl_misused(ctl, "there is no output %s: expected text, json or prometheus", output);
    if (optind < argc)
        return ctl_misused(ctl, "status takes no argument, not %s", argv[optind]);
    status = locate_socket(ctl, &socket);
    if (status == CTL_DONE)
        status = show(socket, output);
    free(socket);
    return status;
}

const struct command command_status = {
    .name = "status",
    .summary = "what flows, what is dropped, where the bottleneck is",
    .help = "usage: logboomctl status [-o text|json|prometheus]\n\n"
            "Asks the running logboomd: what each input received, what each stage handed on and\n"
            "dropped, how full the queues are and were, how long a batch takes (50th and 99th\n"
            "percentile), what the store holds, and the ledger: every line that was received is\n"
            "stored, dropped for a reason, or in flight; the residual is 0.\n\n"
            "Options:\n"
            "  -o, --output FORMAT  text (default); json: /status as logboomd gives it;\n"
            "                       prometheus: /metrics as logboomd gives it\n" CTL_OPTIONS_HELP,
    .run = run_status,
};

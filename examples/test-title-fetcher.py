# SPDX-License-Identifier: MIT
"""test-title-fetcher.py PROGRAM: serves pages on loopback, and looks at what the title fetcher makes of them."""

import http.server
import subprocess
import sys
import threading

WORKERS = 4
TITLED = 20
PAGES = {f"/page/{i}": f"<html><head><title>Page {i}</title></head></html>" for i in range(TITLED)}
PAGES["/untitled"] = "<html><body>Nothing to say</body></html>"
PAGES["/long"] = f"<title>{'x' * 500}</title>"


class Pages(http.server.BaseHTTPRequestHandler):
    """Answers the first requests only once as many of them are here as there are workers."""

    together = threading.Barrier(WORKERS)
    lock = threading.Lock()
    n_seen = n_now = n_most = 0

    def do_GET(self):
        with Pages.lock:
            first = Pages.n_seen < WORKERS
            Pages.n_seen += 1
            Pages.n_now += 1
            Pages.n_most = max(Pages.n_most, Pages.n_now)
        if first:
            Pages.together.wait(timeout=60)
        with Pages.lock:
            Pages.n_now -= 1
        self.answer()

    def answer(self):
        page = PAGES.get(self.path)
        if self.path == "/broken":
            return
        self.send_response(200 if page else 404)
        self.end_headers()
        self.wfile.write((page or "<title>Not found</title>").encode())

    def log_message(self, *args):
        pass


def main(program):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Pages)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    base = f"http://127.0.0.1:{server.server_port}"
    urls = [base + path for path in [*PAGES, "/broken", "/nowhere"]] + ["not a url", "http://127.0.0.1:1/closed"]
    done = subprocess.run([program, *urls], capture_output=True, text=True, timeout=120, check=False)
    server.shutdown()
    print(done.stdout, done.stderr)
    wanted = {f"{base}/page/{i}\tPage {i}" for i in range(TITLED)} | {f"{base}/long\t{'x' * 127}"}
    got = done.stdout.splitlines()
    assert done.returncode == 0, done.returncode
    assert len(got) == len(wanted) and set(got) == wanted, set(got) ^ wanted
    assert Pages.n_most == WORKERS, f"{Pages.n_most} requests at once, wanted {WORKERS}"


if __name__ == "__main__":
    main(sys.argv[1])

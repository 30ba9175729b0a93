"""Plays vLLM's server, so that what starts and watches one can be tested in seconds and without a model.

It takes the real one's command line, answers /health after a while and /metrics with the real names, and has a child,
its "engine", in another session. In the folder FAKE_VLLM it finds `script.json`, one object per life (the last one goes
for all that follow), and leaves `life-N.json`.

    delay_s    until it is healthy
    say        lines to print at the start
    fail       exit status to end with instead of serving
    stall      the figures show a running request, and never move
    tells      whether there are figures at all
    stubborn   both ignore SIGTERM, the engine from the start
    die_after  completions, then it is gone in the middle of the next one, the engine left behind
    fatal      numbers of pages that it dies of

Each completion is the number of the page that was sent, as `asked_pages.say_number` tells it.
"""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

FOLDER = Path(os.environ["FAKE_VLLM"])
METRICS = """\
# HELP vllm:num_requests_running Number of requests in model execution batches.
# TYPE vllm:num_requests_running gauge
vllm:num_requests_running{{engine="0",model_name="tiny"}} {running}.0
# TYPE vllm:num_requests_waiting gauge
vllm:num_requests_waiting{{engine="0",model_name="tiny"}} 0.0
# TYPE vllm:kv_cache_usage_perc gauge
vllm:kv_cache_usage_perc{{engine="0",model_name="tiny"}} 0.25
# TYPE vllm:prompt_tokens counter
vllm:prompt_tokens_total{{engine="0",model_name="tiny"}} 100.0
# TYPE vllm:generation_tokens counter
vllm:generation_tokens_total{{engine="0",model_name="tiny"}} {generated}.0
"""


def main() -> None:
    number = len(list(FOLDER.glob("life-*.json"))) + 1
    script = json.loads((FOLDER / "script.json").read_text())
    play = script[min(number, len(script)) - 1]
    if play.get("stubborn"):
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    port = int(sys.argv[sys.argv.index("--port") + 1])
    engine = subprocess.Popen(["sleep", "600"], start_new_session=True)  # ignores what we ignore
    facts = {
        "pid": os.getpid(),
        "engine": engine.pid,
        "port": port,
        "arguments": sys.argv[1:],
        "environment": dict(os.environ),
        "sockets": [path.name for path in sorted(Path("/proc/self/fd").iterdir()) if path.is_socket()],
    }
    unfinished = FOLDER / f"life-{number}.unfinished"
    unfinished.write_text(json.dumps(facts))
    unfinished.rename(FOLDER / f"life-{number}.json")
    for line in play.get("say", []):
        print(line, flush=True)
    if "fail" in play:
        sys.exit(play["fail"])
    time.sleep(play.get("delay_s", 0))
    serve(port, play)


def number_in(raw: bytes) -> int:
    from asked_pages import number_of  # only where a test asks for completions
    from stand_in_server import Asked

    return number_of(Asked("/v1/chat/completions", {}, raw))


def completion(raw: bytes) -> bytes:
    from asked_pages import say_number
    from stand_in_server import Asked

    said = say_number(Asked("/v1/chat/completions", {}, raw))
    choice = {"index": 0, "message": {"role": "assistant", "content": said.text}, "finish_reason": "stop"}
    return json.dumps({"choices": [choice], "usage": {"prompt_tokens": 9, "completion_tokens": 3}}).encode()


def serve(port: int, play: dict) -> None:
    looks = completions = 0
    die_after = play.get("die_after", math.inf)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            nonlocal looks
            looks += 1
            figures = METRICS.format(running=1, generated=7 if play.get("stall") else looks)
            body = figures.encode() if play.get("tells", True) and self.path == "/metrics" else b""
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self) -> None:
            nonlocal completions
            raw = self.rfile.read(int(self.headers["Content-Length"]))
            completions += 1
            if completions > die_after or ("fatal" in play and number_in(raw) in play["fatal"]):
                os.kill(os.getpid(), signal.SIGKILL)
            body = completion(raw)
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()


if __name__ == "__main__":
    main()

"""How long does one person wait in the browser, from a click on an example to the numbers on the screen?

    python benchmarks/workbench_latency.py runs/digits-protonet runs/digits-maml

starts the workbench of each run on loopback and Chromium without a screen (extra `test`), takes its sample task and
switches one example after the other off and on. Time runs in the page, from the click to the frame that shows the
answer; the server's own share stands beside it, and (Linux) the processor time it took, as on an idle machine.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

CLICK = """async place => {
    const side = document.querySelector(".side");
    const before = side.dataset.answered;
    const started = performance.now();
    side.querySelectorAll(".on")[place].click();
    while (side.dataset.answered === before) await new Promise(requestAnimationFrame);
    await new Promise(requestAnimationFrame);
    return [performance.now() - started, Number(/(\\d+) ms/.exec(side.querySelector(".method").textContent)[1])];
}"""


def processor(server: subprocess.Popen[str]) -> float:
    """Milliseconds of processor time that the server has taken so far."""
    fields = Path(f"/proc/{server.pid}/stat").read_text().rpartition(")")[2].split()
    return 1000 * (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measured(page: Page, address: str, server: subprocess.Popen[str], clicks: int) -> list[list[float]]:
    """Milliseconds of each click: in the browser, of them in the server, and on its processor."""
    page.goto(f"{address}/?lang=en")
    page.wait_for_selector('.side[data-answered="1"]', state="attached", timeout=120_000)
    size = page.locator(".side .on").count()
    found = []
    for click in range(clicks):
        before = processor(server)
        found.append([*page.evaluate(CLICK, click // 2 % size), processor(server) - before])
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="+")
    parser.add_argument("--clicks", type=int, default=30)
    asked = parser.parse_args()
    program = shutil.which("chromium")
    if program is None:
        print("this needs Chromium on the PATH", file=sys.stderr)
        return 2
    print(f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    with sync_playwright() as driver, tempfile.TemporaryDirectory() as folder:
        browser = driver.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
        for number, run in enumerate(asked.runs):
            command = [sys.executable, "-m", "fewsight.cli", "serve", run, "--port", "0"]
            command += ["--folder", f"{folder}/{number}"]
            server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
            try:
                assert server.stdout is not None
                address = "http://" + server.stdout.readline().split("http://")[1].split()[0].rstrip("/")
                found = measured(browser.new_page(), address, server, asked.clicks)
            finally:
                server.terminate()
                server.wait(timeout=30)
            columns = [sorted(column) for column in zip(*found, strict=True)]
            shown = [f"median {c[len(c) // 2]:.0f} ms, p95 {c[int(0.95 * len(c))]:.0f} ms" for c in columns]
            print(
                f"{run}: click to numbers {shown[0]}; of them in the server {shown[1]}; processor {shown[2]}",
                flush=True,
            )
        browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())

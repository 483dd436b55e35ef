"""Processor time of a query behind a defense: the median over 101 points.

    python3 benches/serving.py target/debug/propcert MODEL.json DEFENSE.json POINTS.csv

Each point is asked 41 times in one run of `predict` and once in another; the difference, shared out, is its time.
"""

import os
import random
import resource
import subprocess
import sys
import tempfile

program, model, defense, points = sys.argv[1:]
header, *rows = [line for line in open(points).read().split("\n") if line]
random.seed(1)
chosen = random.sample(rows, 101)


def seconds(body, path):
    """Processor time of one run of the program on these rows."""
    with open(path, "w") as file:
        file.write("\n".join([header, *body]) + "\n")
    call = [program, "predict", "--model", model, "--points", path, "--defense", defense, "--threads", "1"]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(call, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


with tempfile.TemporaryDirectory() as folder:
    path = os.path.join(folder, "points.csv")
    start = sorted(seconds(chosen[:1], path) for _ in range(11))[5]
    times = sorted(1000 * (seconds([row] * 41, path) - start) / 40 for row in chosen)
print(f"ms a query: median {times[50]:.2f}, nine in ten below {times[90]:.2f}, largest {times[100]:.2f}")

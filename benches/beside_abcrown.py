"""Local invariance beside alpha-beta-CROWN (Xu et al. 2021, Wang et al. 2021), on the same files in the same run.

    git clone --recursive https://github.com/Verified-Intelligence/alpha-beta-CROWN CHECKOUT
    propcert train --data spambase --recipe recipes/natural-mlp.toml --out model.json
    python benches/beside_abcrown.py CHECKOUT propcert model.json spambase --epsilon 0.1 --rows 40 --seconds 20

CHECKOUT is a folder of the user's own, its requirements installed for the Python named by --python (or ABCROWN_PYTHON;
default: the one that runs this script): torch, onnx, onnxruntime, onnxoptimizer, skl2onnx, onnx2pytorch, gurobipy, psutil,
pyyaml, pandas, sortedcontainers, appdirs, tqdm, graphviz, and others that it names. Nothing of it is copied. It reads ONNX by a fork
of onnx2pytorch that is in no registry; so that any onnx2pytorch will do, the script gives it a loader that builds the
network from the same ONNX file.

The network goes out as ONNX; for each row that it classifies right, one VNN-LIB file states the box and the other
label. Both tools read these files, each in one process with one thread, on the processor. Printed are, for each tool,
rows decided as `unsat` and as `sat`, those left open, and seconds: what each tool reports itself (for propcert reading,
search and the kernel's verdict; for the other tool reading, bounds and search) and the user time of the whole process,
the start of Python and torch included. Its `unsat` is a bound in float32 that nothing checks; an answer after the limit counts as
open for either tool. A row on which the two contradict each other is named, and the exit code is then 1.
"""

import argparse
import csv
import json
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from fractions import Fraction
from pathlib import Path

# what the peer is told beside the files: its own settings for fully connected networks of the competition (mnist_fc of
# 2022), on this processor; with its defaults it sees a tenth as many cases in a second
CONFIG = """\
general:
  device: cpu
  enable_incomplete_verification: true
  complete_verifier: {complete}
  csv_name: instances.csv
  root_path: {folder}
  results_file: {folder}/peer.npz
model:
  onnx_loader: Customized("{folder}/loader.py", "network")
solver:
  batch_size: 2048
  beta-crown:
    iteration: 20
    lr_beta: 0.03
  mip:
    parallel_solvers: 1
    solver_threads: 1
bab:
  branching:
    method: kfsb
    candidates: 5
    reduceop: max
"""


# the peer's reader of networks: those of `propcert export onnx`, node by node
LOADER = """\
import os

import onnx
import torch
from onnx import numpy_helper
from read_vnnlib import read_vnnlib


class Standardise(torch.nn.Module):
    def __init__(self, mean, scale):
        super().__init__()
        self.register_buffer("mean", mean)
        self.register_buffer("scale", scale)

    def forward(self, x):
        return (x - self.mean) * self.scale


def linear(weights, bias):
    layer = torch.nn.Linear(weights.shape[1], weights.shape[0])
    layer.weight.data, layer.bias.data = weights, bias
    return layer


def network(root, onnx_path, vnnlib_path):
    graph = onnx.load(os.path.join(root, onnx_path)).graph
    value = {one.name: torch.tensor(numpy_helper.to_array(one)) for one in graph.initializer}
    assert [node.op_type for node in graph.node[:2]] == ["Sub", "Mul"]
    layers = [Standardise(value[graph.node[0].input[1]], value[graph.node[1].input[1]])]
    for node in graph.node[2:]:
        assert node.op_type in ("Gemm", "Relu")
        layers.append(torch.nn.ReLU() if node.op_type == "Relu" else linear(value[node.input[1]], value[node.input[2]]))
    shape = (-1, len(value[graph.node[0].input[1]]))
    return torch.nn.Sequential(*layers).eval(), shape, read_vnnlib(os.path.join(root, vnnlib_path))
"""


def refuse(words):
    """Ends the script with a reason."""
    sys.exit(f"beside_abcrown: {words}")


def peer(checkout, python):
    """The script of the checkout, or a refusal if it or a package is missing."""
    script = Path(checkout).resolve() / "complete_verifier" / "abcrown.py"
    if not script.is_file():
        found = "a folder without it" if Path(checkout).is_dir() else "no such folder"
        refuse(f"{script} is missing ({found}): name a checkout of alpha-beta-CROWN")
    # a submodule that is easily forgotten
    if not list(Path(checkout).glob("auto_LiRPA/auto_LiRPA/__init__.py")):
        refuse(f"{checkout}/auto_LiRPA is empty: run `git submodule update --init` in the checkout")
    for package in ("torch", "onnxruntime", "onnx2pytorch"):
        try:
            asked = subprocess.run([python, "-c", f"import {package}"], capture_output=True, text=True)
        except OSError as error:
            refuse(f"the Python `{python}` does not start: {error}")
        if asked.returncode != 0:
            said = asked.stderr.strip().splitlines()[-1:] or ["no message"]
            refuse(f"`{python}` has no {package} ({said[0]}): install the checkout's requirements or name another by --python")
    return script


def text(number):
    """A fraction as a decimal, which must be finite: floats and the ends of a domain are."""
    digits = 0
    while (number * 10**digits).denominator != 1:
        digits += 1
        if digits > 1100:
            raise ValueError(f"{number} has no finite decimal")
    whole = number * 10**digits
    sign, whole = "-" if whole < 0 else "", str(abs(int(whole))).rjust(digits + 1, "0")
    return sign + (f"{whole[:-digits]}.{whole[-digits:]}" if digits else whole)


def box(features, values, epsilon):
    """The ends of every side, as fractions, rounded outwards to floats where they are not decimals."""
    sides = []
    for feature, value in zip(features, values):
        value = Fraction(float(value))
        # a float beside the exact reach, so that every end has a finite decimal
        reach = Fraction(float(Fraction(epsilon) / Fraction(feature["scale"])))
        low = max(value - reach, Fraction(feature["low"]))
        sides.append((low, min(value + reach, Fraction(feature["high"]))))
    return sides


def vnnlib(sides, label, classes):
    """The property that another label is reached; VNN-LIB 1.0."""
    lines = [f"(declare-const X_{i} Real)" for i in range(len(sides))]
    lines += [f"(declare-const Y_{k} Real)" for k in range(classes)]
    for i, (low, high) in enumerate(sides):
        lines += [f"(assert (>= X_{i} {text(low)}))", f"(assert (<= X_{i} {text(high)}))"]
    others = [f"(and (>= Y_{k} Y_{label}))" for k in range(classes) if k != label]
    lines.append(f"(assert (or {' '.join(others)}))")
    return "\n".join(lines) + "\n"


def write_instances(program, model_path, data, epsilon, rows, seconds, folder):
    """Writes the network, one property per row that is classified right, and their list; returns the number."""
    with open(model_path) as file:
        model = json.load(file)
    if model.get("family") != "mlp" or model.get("precision") != "f32":
        refuse(f"{model_path} is no network of precision f32")
    subprocess.run(
        [program, "export", "onnx", model_path, "--out", folder / "model.onnx"],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    listed = subprocess.run(
        [program, "data", "rows", f"{data}:test"], check=True, capture_output=True, text=True
    )
    kept = list(csv.reader(listed.stdout.splitlines()))[1 : rows + 1]
    count = 0
    with open(folder / "instances.csv", "w") as instances:
        for index, (label, *values) in enumerate(kept):
            if len(values) != len(model["features"]):
                refuse(f"{data} has {len(values)} features, the model {len(model['features'])}")
            if label_of(model, values) != int(label):
                continue
            sides = box(model["features"], values, epsilon)
            name = f"row_{index}.vnnlib"
            (folder / name).write_text(vnnlib(sides, int(label), model["classes"]))
            instances.write(f"model.onnx,{name},{seconds}\n")
            count += 1
    return count


def label_of(model, values):
    """The network's label in floats."""
    h = [(float(x) - f["mean"]) * f["scale"] for x, f in zip(values, model["features"])]
    layers = model["layers"]
    for depth, layer in enumerate(layers):
        h = [b + sum(w * x for w, x in zip(row, h)) for row, b in zip(layer["weights"], layer["bias"])]
        if depth + 1 < len(layers):
            h = [max(x, 0.0) for x in h]
    return max(range(len(h)), key=lambda k: h[k])


def timed(command, **options):
    """What a process printed on both of its outputs, its wall seconds and the user seconds of it and its children."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime, time.monotonic()
    try:
        words = [str(word) for word in command]
        run = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options)
        said = run.stdout
    except subprocess.TimeoutExpired as late:
        said = (late.stdout or b"").decode(errors="replace")
    user = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before
    return said, time.monotonic() - start, user


def ask_propcert(program, folder):
    """Answers of propcert, per property its result and seconds; then wall and user seconds of the process."""
    out = folder / "results.csv"
    said, wall, user = timed([program, "vnncomp", folder / "instances.csv", "--threads", "1", "--out", out])
    if not out.is_file():
        refuse(f"propcert left no answers: {said.strip()}")
    with open(out) as file:
        answers = {line["vnnlib"]: (line["result"], float(line["seconds"])) for line in csv.DictReader(file)}
    return answers, wall, user


def answers_of(said):
    """The peer's answers in order, of what it printed: result and the seconds that it reports."""
    answers = []
    for status, seconds in re.findall(r"^Result: (.+) in ([0-9.]+) seconds", said, flags=re.MULTILINE):
        # `unsafe…` holds `safe`
        result = "sat" if "unsafe" in status else "unsat" if "safe" in status else "open"
        answers.append(("open" if "timed out" in status else result, float(seconds)))
    return answers


def ask_peer(script, python, folder, seconds, complete):
    """Answers of the peer; then wall and user seconds of its processes."""
    with open(folder / "instances.csv") as file:
        names = [line[1] for line in csv.reader(file)]
    config = folder / "config.yaml"
    config.write_text(CONFIG.format(folder=folder, complete=complete))
    (folder / "loader.py").write_text(LOADER)
    threads = {name: "1" for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")}
    answers, walls, users = [], 0.0, 0.0
    while len(answers) < len(names):
        command = [python, script.name, "--config", config, "--device", "cpu", "--start", len(answers)]
        limit = (len(names) - len(answers)) * (seconds + 60) + 300
        said, wall, user = timed(command, cwd=script.parent, env={**os.environ, **threads}, timeout=limit)
        walls, users = walls + wall, users + user
        given = answers_of(said)
        answers += given
        if len(answers) < len(names):
            # it ended in the middle: this property has no answer, the next ones are asked again
            last = said.strip().splitlines()[-1:] or ["nothing"]
            print(f"{names[len(answers)]}: alpha-beta-CROWN ended with `{last[0]}`", file=sys.stderr)
            answers.append(("error", 0.0))
            if not given and len(answers) == 3:
                refuse("alpha-beta-CROWN answers nothing:\n" + "\n".join(said.strip().splitlines()[-15:]))
    return dict(zip(names, answers)), walls, users


def summary(name, answers, wall, user):
    """One line about a tool."""
    results = [result for result, _ in answers.values()]
    took = [seconds for _, seconds in answers.values()]
    counts = {result: results.count(result) for result in ("unsat", "sat")}
    decided = sum(counts.values())
    line = f"{name}: {decided} of {len(results)} decided ({counts['unsat']} unsat, {counts['sat']} sat)"
    line += f", {len(results) - decided} open; {sum(took):.1f} s, largest {max(took, default=0.0):.1f}"
    return line + f"; the whole process {user:.1f} s of user time, {wall:.1f} s wall"


def apart(ours, theirs):
    """Lines about rows that one tool decides and the other does not; whether any answer contradicts another."""
    lines, against = [], False
    for name, (a, _) in ours.items():
        b = theirs[name][0]
        decided = [a in ("sat", "unsat"), b in ("sat", "unsat")]
        if any(decided) and a != b:
            lines.append(f"{name}: propcert says {a}, alpha-beta-CROWN {b}" + (" (CONTRADICTION)" if all(decided) else ""))
        against |= all(decided) and a != b
    return lines, against


def arguments():
    """What the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkout", help="a checkout of alpha-beta-CROWN with its submodule auto_LiRPA")
    parser.add_argument("program", help="propcert")
    parser.add_argument("model", help="a network of precision f32 (model/1)")
    parser.add_argument("data", help="the data set whose test rows are taken")
    parser.add_argument("--epsilon", default="0.1", help="in standard deviations, linf, integers relaxed [default: 0.1]")
    parser.add_argument("--rows", type=int, default=40, help="first rows of the test part [default: 40]")
    parser.add_argument("--seconds", type=int, default=20, help="limit for each row and tool [default: 20]")
    parser.add_argument(
        "--complete",
        choices=("bab", "bab-refine", "mip"),
        default="bab",
        help="the peer's complete verifier: `bab` splits on its bounds alone; the other two also need Gurobi with a "
        "licence [default: bab]",
    )
    parser.add_argument(
        "--python",
        default=os.environ.get("ABCROWN_PYTHON", sys.executable),
        help="the Python that has the checkout's requirements [default: ABCROWN_PYTHON, else this one]",
    )
    parser.add_argument("--keep", metavar="DIR", help="write the files of both tools there and keep them")
    return parser.parse_args()


def run(asked, script, folder):
    """Writes the files, asks both tools, prints both lines; the exit code."""
    count = write_instances(asked.program, asked.model, asked.data, asked.epsilon, asked.rows, asked.seconds, folder)
    print(f"{count} of the first {asked.rows} rows of {asked.data}:test are classified right; linf {asked.epsilon}, {asked.seconds} s a row")
    ours, wall, user = ask_propcert(asked.program, folder)
    print(summary("propcert", ours, wall, user), flush=True)
    theirs, wall, user = ask_peer(script, asked.python, folder, asked.seconds, asked.complete)
    print(summary(f"alpha-beta-CROWN ({asked.complete})", theirs, wall, user))
    lines, against = apart(ours, theirs)
    print("\n".join(lines or ["both decide the same rows alike"]))
    return 1 if against else 0


def main():
    asked = arguments()
    # it runs in a folder of its own
    asked.python = os.path.abspath(shutil.which(asked.python) or asked.python)
    script = peer(asked.checkout, asked.python)
    if asked.keep:
        Path(asked.keep).mkdir(parents=True, exist_ok=True)
        return run(asked, script, Path(asked.keep).resolve())
    with tempfile.TemporaryDirectory() as name:
        return run(asked, script, Path(name))


if __name__ == "__main__":
    sys.exit(main())

"""Local invariance beside alpha-beta-CROWN (Xu et al. 2021, Wang et al. 2021), on the same files in the same run.

    git clone --recursive https://github.com/Verified-Intelligence/alpha-beta-CROWN CHECKOUT
    propcert train --data spambase --recipe recipes/natural-mlp.toml --out model.json
    python benches/beside_abcrown.py CHECKOUT propcert model.json spambase 0.1 40 20

CHECKOUT is a folder of the user's own, its requirements installed for the Python named by ABCROWN_PYTHON (default: the one
that runs this script). Nothing of it is copied. The other words: the program, a network of precision f32, its data,
epsilon in standard deviations (linf, integers relaxed), the number of rows of the test part, and seconds a row (default 20).

The network goes out as ONNX; for each row that it classifies right, one VNN-LIB file states the box and the other
label. Both tools read these files, one thread each, on the processor. Printed are, for each tool, rows decided as
`unsat` and as `sat`, those left open, and seconds: for propcert reading, search and the kernel's verdict; for the other
tool what it reports itself, without its start, and in brackets the whole process. Its `unsat` is a bound in float32 that nothing
checks. A row on which the two contradict each other is named, and the exit code is then 1.
"""

import csv
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from fractions import Fraction
from pathlib import Path

# what the peer is told beside the files; the rest are its defaults
CONFIG = """\
general:
  device: cpu
  enable_incomplete_verification: true
solver:
  batch_size: 256
bab:
  branching:
    method: kfsb
"""


def refuse(words):
    """Ends the script with a reason."""
    sys.exit(f"beside_abcrown: {words}")


def peer(checkout):
    """The script of the checkout and the Python that runs it, or a refusal."""
    script = Path(checkout) / "complete_verifier" / "abcrown.py"
    if not script.is_file():
        found = "a folder without it" if Path(checkout).is_dir() else "no such folder"
        refuse(f"{script} is missing ({found}): name a checkout of alpha-beta-CROWN")
    # a submodule that is easily forgotten
    if not list(Path(checkout).glob("auto_LiRPA/auto_LiRPA/__init__.py")):
        refuse(f"{checkout}/auto_LiRPA is empty: run `git submodule update --init` in the checkout")
    python = os.environ.get("ABCROWN_PYTHON", sys.executable)
    try:
        asked = subprocess.run([python, "-c", "import torch"], capture_output=True, text=True)
    except OSError as error:
        refuse(f"ABCROWN_PYTHON `{python}` does not start: {error}")
    if asked.returncode != 0:
        said = asked.stderr.strip().splitlines()[-1:] or ["no message"]
        refuse(f"`{python}` has no torch ({said[0]}): install the checkout's requirements or set ABCROWN_PYTHON")
    return script, python


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


def ask_propcert(program, folder):
    """Answers of propcert: per property its result and seconds."""
    out = folder / "results.csv"
    command = [program, "vnncomp", folder / "instances.csv", "--threads", "1", "--out", out]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    with open(out) as file:
        return {line["vnnlib"]: (line["result"], float(line["seconds"])) for line in csv.DictReader(file)}


def result_of(said, file):
    """The peer's answer to one property and the seconds it reports, of its output and its file of results."""
    words = file.read_text().split() if file.is_file() else []
    result = words[0] if words else "error"
    result = {"holds": "unsat", "violated": "sat"}.get(result, result)
    seconds = re.findall(r"Result: \S+ in ([0-9.]+) seconds", said)
    return result, float(seconds[-1]) if seconds else None


def ask_peer(script, python, folder, seconds):
    """Answers of the peer, and the seconds of the whole processes."""
    config = folder / "config.yaml"
    config.write_text(CONFIG)
    threads = {name: "1" for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")}
    answers, whole = {}, 0.0
    with open(folder / "instances.csv") as file:
        names = [line[1] for line in csv.reader(file)]
    for name in names:
        out = folder / f"{name}.txt"
        command = [python, script.name, "--config", config, "--device", "cpu"]
        command += ["--onnx_path", folder / "model.onnx", "--vnnlib_path", folder / name]
        command += ["--results_file", out, "--timeout", str(seconds)]
        start = time.monotonic()
        # its own limit counts its search alone
        try:
            run = subprocess.run(
                [str(word) for word in command],
                cwd=script.parent,
                env={**os.environ, **threads},
                capture_output=True,
                text=True,
                timeout=seconds + 120,
            )
            said = run.stdout
        except subprocess.TimeoutExpired:
            said = ""
        took = time.monotonic() - start
        whole += took
        result, own = result_of(said, out)
        answers[name] = (result, took if own is None else own)
    return answers, whole


def summary(name, answers, whole=None):
    """One line about a tool."""
    results = [result for result, _ in answers.values()]
    took = [seconds for _, seconds in answers.values()]
    counts = {result: results.count(result) for result in ("unsat", "sat")}
    decided = sum(counts.values())
    line = f"{name}: {decided} of {len(results)} decided ({counts['unsat']} unsat, {counts['sat']} sat)"
    line += f", {len(results) - decided} open; {sum(took):.1f} s, largest {max(took, default=0.0):.1f}"
    return line + (f" ({whole:.0f} s with its starts)" if whole is not None else "")


def contradictions(ours, theirs):
    """The properties that one tool proves and the other refutes."""
    both = [(name, ours[name][0], theirs[name][0]) for name in ours if name in theirs]
    return [(name, a, b) for name, a, b in both if {a, b} == {"sat", "unsat"}]


def main(checkout, program, model_path, data, epsilon, rows, seconds="20"):
    script, python = peer(checkout)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        count = write_instances(program, model_path, data, epsilon, int(rows), int(seconds), folder)
        print(f"{count} of the first {rows} rows of {data}:test are classified right; linf {epsilon}, {seconds} s a row")
        ours = ask_propcert(program, folder)
        print(summary("propcert", ours), flush=True)
        theirs, whole = ask_peer(script, python, folder, int(seconds))
        print(summary("alpha-beta-CROWN", theirs, whole))
    against = contradictions(ours, theirs)
    for name, a, b in against:
        print(f"{name}: propcert says {a}, alpha-beta-CROWN {b}")
    return 1 if against else 0


if __name__ == "__main__":
    if len(sys.argv) not in (7, 8):
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))

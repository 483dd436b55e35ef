"""Exact radii beside Veritas (Devos, Meert and Davis 2021), on the same points in the same run.

    pip install dtai-veritas
    propcert import xgboost $PROPCERT_DATA/xgboost/social_honeypot_50x6_nat.json --out trees.json
    python benches/beside_veritas.py propcert trees.json $PROPCERT_DATA/xgboost/points/social_honeypot.csv 100

One thread each, L-infinity, processor seconds per point. Veritas is given the trees node by node, an
upper limit of twice the exact radius (a help that a real search has not), and twenty steps of
bisection with ten seconds each. Its answer is an interval, and steps that run out of time count as found, so that its
upper end may lie below the exact radius: such points are counted.
"""

import csv
import json
import subprocess
import sys
import tempfile
import time

import numpy as np
import veritas


def addtree(model):
    """The ensemble of a model/1 file with two classes."""
    trees = veritas.AddTree(1, veritas.AddTreeType.REGR)
    trees.set_base_score(0, model["base"][0])
    for tree in model["trees"]:
        built = trees.add_tree()
        stack = [(0, built.root())]
        while stack:
            at, node = stack.pop()
            if tree["left"][at] < 0:
                built.set_leaf_value(node, 0, tree["leaf"][at])
                continue
            built.split(node, tree["feature"][at], tree["threshold"][at])
            stack.append((tree["left"][at], built.left(node)))
            stack.append((tree["right"][at], built.right(node)))
    return trees


def main(program, model_path, points_path, count):
    with open(model_path) as file:
        trees = addtree(json.load(file))
    with open(points_path) as file:
        lines = list(csv.reader(file))[: count + 1]
    with tempfile.TemporaryDirectory() as folder:
        points, out = f"{folder}/points.csv", f"{folder}/radii.csv"
        with open(points, "w", newline="") as file:
            csv.writer(file).writerows(lines)
        command = [program, "radius", "--model", model_path, "--points", points]
        command += ["--norm", "linf", "--threads", "1", "--out", out]
        subprocess.run(command, check=True)
        with open(out) as file:
            radii = list(csv.DictReader(file))
    ours, theirs, below = [], [], 0
    for line, radius in zip(lines[1:], radii):
        point = np.array([np.float32(x) for x in line[2:]], dtype=np.float64)
        exact = float(radius["upper"])
        ours.append(float(radius["seconds"]))
        is_one = trees.eval(point)[0][0] > 0.0
        start = time.process_time()
        search = veritas.VeritasRobustnessSearch(
            point,
            max(2.0 * exact, 1e-6),
            trees if is_one else None,
            None if is_one else trees,
            num_steps=20,
            max_time=200.0,
            silent=True,
        )
        _, _, upper = search.search()
        theirs.append(time.process_time() - start)
        below += upper < exact * (1.0 - 1e-5)
    for name, seconds in [("propcert", ours), ("veritas", theirs)]:
        ms = 1e3 * np.array(seconds)
        print(f"{name}: mean {ms.mean():.2f} ms, median {np.median(ms):.2f}, largest {ms.max():.1f}")
    print(f"{len(ours)} points; upper ends of Veritas below the exact radius: {below}")


if __name__ == "__main__":
    if len(sys.argv) != 5:
        sys.exit(__doc__)
    main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]))

"""Models of the Python package XGBoost on the training parts of data sets, for the bench `tree_properties`.

    pip install xgboost==3.2.0 numpy
    python benches/train_xgboost.py target/release/propcert FOLDER [DATA…]
    PROPCERT_XGBOOST=FOLDER cargo bench --bench tree_properties -- raw

For each data set (all six, unless some are named; `PROPCERT_DATA` names their folder) natural and monotone
models of three sizes are trained on the rows of `propcert data rows DATA:train`, raw features as float32, and
written as DATA_SIZE_KIND.json. Monotone models move in the directions that the data declares. Sizes and
learning rates are those of the models that the bench trains itself; all else is `SETTINGS` and XGBoost's
defaults. The same version writes the same bytes.

Each model is imported again, and its margins on the test rows are compared with XGBoost's, bit for bit: it is
printed how many are equal, and the script ends with exit code 1 if any differs. "Off as reals" are rows with
another label where values are not rounded to float32 first, as specs read a model unless they say
`served-f32`: such rows lie on thresholds, which are float32 values of training rows.
"""

import io
import json
import os
import subprocess
import sys
import tempfile

import numpy as np
import xgboost

DATA = [
    "spambase",
    "cryptojacker",
    "social_honeypot",
    "customer_churn",
    "medical_insurance",
    "twitter_spam_url",
]
# trees, depth, learning rate
SIZES = [(10, 5, 0.3), (50, 6, 0.3), (200, 6, 0.1)]
SETTINGS = {"objective": "binary:logistic", "tree_method": "hist", "seed": 0, "nthread": 1}
STEPS = {"increasing": 1, "decreasing": -1, None: 0}


def run(*command):
    """What propcert prints; its own message and exit code 2 where it refuses."""
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    except OSError as error:
        sys.exit(f"{command[0]}: {error.strerror}; `cargo build --release` leaves target/release/propcert")
    if done.returncode != 0:
        sys.exit(done.returncode)
    return done.stdout


def matrix(csv):
    """The rows of a CSV `label,FEATURES` as XGBoost holds them."""
    names = csv.partition("\n")[0].split(",")[1:]
    table = np.loadtxt(io.StringIO(csv), delimiter=",", skiprows=1, ndmin=2)
    values = table[:, 1:].astype(np.float32)
    return xgboost.DMatrix(values, label=table[:, 0], feature_names=names)


def train(rows, directions, trees, depth, eta):
    """`directions`: one step of `STEPS` per feature."""
    settings = SETTINGS | {"max_depth": depth, "eta": eta}
    if any(directions):
        settings["monotone_constraints"] = tuple(directions)
    return xgboost.train(settings, rows, num_boost_round=trees)


def compare(program, path, data, csv, rows):
    """Rows whose margins are equal to the last bit, and rows with another label as real numbers."""
    with tempfile.TemporaryDirectory() as folder:
        model, points = os.path.join(folder, "model.json"), os.path.join(folder, "points.csv")
        with open(points, "w") as file:
            file.write(csv)
        run(program, "import", "xgboost", path, "--schema", data, "--out", model)
        predict = [program, "predict", "--model", model, "--points", points]
        real = [line.split(",")[0] for line in run(*predict).splitlines()[1:]]
        served = [line.split(",") for line in run(*predict, "--margin-bits").splitlines()[1:]]
    booster = xgboost.Booster(model_file=path)
    margins = booster.predict(rows, output_margin=True)
    bits = [f"{bits:08x}" for bits in margins.view(np.uint32)]
    assert len(served) == len(bits) == len(real), "a line per row"
    equal = sum(ours == theirs for (_, ours), theirs in zip(served, bits))
    off = sum(label != ours for label, (ours, _) in zip(real, served))
    return equal, off


def main(program, folder, names):
    os.makedirs(folder, exist_ok=True)
    print(f"XGBoost {xgboost.__version__}, {SETTINGS}")
    differing = 0
    for data in names:
        described = json.loads(run(program, "data", "describe", data, "--json"))
        declared = [STEPS[feature["monotone"]] for feature in described["features"]]
        training = matrix(run(program, "data", "rows", f"{data}:train"))
        csv = run(program, "data", "rows", f"{data}:test")
        test = matrix(csv)
        for kind, directions in [("natural", []), ("monotone", declared)]:
            for trees, depth, eta in SIZES:
                name = f"{data}_{trees}x{depth}_{kind}.json"
                path = os.path.join(folder, name)
                train(training, directions, trees, depth, eta).save_model(path)
                equal, off = compare(program, path, data, csv, test)
                differing += test.num_row() - equal
                print(f"{name}: {equal} of {test.num_row()} equal, {off} off as reals", flush=True)
    return 1 if differing else 0


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1], sys.argv[2], sys.argv[3:] or DATA))

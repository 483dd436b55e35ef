"""Models that hold their property, trained here and by the libraries, on the same parts, certified by the same kernel.

    pip install torch onnx onnxscript xgboost lightgbm       # and auto_LiRPA, from PyPI or a checkout on PYTHONPATH
    python benches/beside_trainers.py propcert spambase customer_churn --seeds 0 1 2

For each data set (`PROPCERT_DATA` names their folder) and seed, models are trained on `propcert data rows DATA:train`, the
validation part chooses epochs, and no test row is seen before the end:

    trees     50 of depth 6, rate 0.3: XGBoost and LightGBM, monotone in the features whose direction the data declares;
              beside them `train --recipe` of monotone boosting, `train --hold` of local invariance (robust boosting),
              and of local invariance with every declared direction
    networks  64-64: PyTorch on cross entropy alone, with PGD (7 steps), and with auto_LiRPA's IBP (cross entropy of the
              worst logits, weighted 1/2 at the end, boxes growing between 8 % and 58 % of the epochs); beside them
              natural training and `train --hold` of local invariance (MTL-IBP), and at epsilon 0.1 the recipe
              local-invariance-mlp.toml, of one layer of 256

Boxes of trainers are those of the claim: --epsilon standard deviations (as in the data's scales, which are read from a model of
propcert) around a row, inside the declared ranges. Every model of a library is imported (`propcert import
xgboost|lightgbm|onnx`), and `propcert predict` and `propcert certify` say the rest. Columns: accuracy on all
test rows; local invariance (delta 1/2, real semantics) proved, refuted and undecided of the first --rows test rows; declared
features proved monotone on the declared domain, for trees; user seconds of the training, on one thread. Those of `train --hold`
include the natural model beside it and the certification of both on --rows validation and test rows.
"""

import argparse
import csv
import importlib
import io
import json
import logging
import resource
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

TREES, DEPTH, RATE, HIDDEN, BATCH = 50, 6, 0.3, 64, 128
RECIPES = Path(__file__).resolve().parent.parent / "recipes"


def run(*command):
    """What propcert prints; its own message and the end of the script where it refuses."""
    done = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        sys.exit(f"beside_trainers: exit code {done.returncode} of {' '.join(str(word) for word in command)}")
    return done.stdout


def seconds_of(who):
    """User seconds so far."""
    return resource.getrusage(who).ru_utime


class Data:
    """The parts of a data set as propcert makes them, its scales, ranges and declared directions."""

    def __init__(self, program, name, folder):
        import numpy

        self.program, self.name, self.folder = program, name, folder
        self.parts = {}
        for part in ("train", "validation", "test"):
            text = run(program, "data", "rows", f"{name}:{part}")
            table = numpy.loadtxt(io.StringIO(text), delimiter=",", skiprows=1, ndmin=2)
            self.parts[part] = table[:, 1:], table[:, 0].astype(int)
            if part == "test":
                (folder / "test.csv").write_text(text)
        self.features = next(csv.reader(io.StringIO(text)))[1:]
        described = json.loads(run(program, "data", "describe", name, "--json"))
        directions = {one["name"]: one.get("monotone") for one in described["features"]}
        self.directions = [directions[feature] for feature in self.features]
        # any model of propcert has the scales of the data
        probe = folder / "probe.json"
        run(program, "train", "--data", name, "--recipe", RECIPES / "small-mlp.toml", "--out", probe, "--force")
        schema = json.loads(probe.read_text())["features"]
        self.mean, self.scale, self.low, self.high = (
            numpy.array([float(one[key]) for one in schema]) for key in ("mean", "scale", "low", "high")
        )

    def check_scales(self, path):
        """Ends the script if a model's scales are not those of the data: epsilon would mean something else."""
        model = json.loads(path.read_text())["features"]
        for one, scale in zip(model, self.scale):
            if abs(float(one["scale"]) / scale - 1.0) > 1e-6:
                sys.exit(f"beside_trainers: {path.name} scales {one['name']} by {one['scale']}, the data by {scale}")

    def specs(self, epsilon):
        """Files of the claims: local invariance, and monotonicity, one for each direction."""
        local = self.folder / "local.toml"
        local.write_text(f'property = "local-invariance"\nepsilon = "{epsilon}"\ndelta = "0.5"\nnorm = "linf"\n')
        monotone = []
        for direction in ("increasing", "decreasing"):
            names = [name for name, one in zip(self.features, self.directions) if one == direction]
            if names:
                path = self.folder / f"{direction}.toml"
                listed = json.dumps(names)
                path.write_text(f'property = "monotonicity"\nfeatures = {listed}\ndirection = "{direction}"\n')
                monotone.append(path)
        return local, monotone


def boosted(library, data, path):
    """A monotone booster of XGBoost or LightGBM in its own file; user seconds."""
    x, y = data.parts["train"]
    steps = [{"increasing": 1, "decreasing": -1}.get(one, 0) for one in data.directions]
    start = seconds_of(resource.RUSAGE_SELF)
    if library.__name__ == "xgboost":
        rows = library.DMatrix(x.astype("float32"), label=y, feature_names=data.features)
        settings = {"objective": "binary:logistic", "max_depth": DEPTH, "eta": RATE, "tree_method": "hist", "nthread": 1}
        booster = library.train(settings | {"monotone_constraints": tuple(steps)}, rows, num_boost_round=TREES)
    else:
        settings = {"objective": "binary", "max_depth": DEPTH, "num_leaves": 2**DEPTH, "learning_rate": RATE}
        settings |= {"monotone_constraints": steps, "num_threads": 1, "verbose": -1, "deterministic": True}
        booster = library.train(settings, library.Dataset(x, y, feature_name=data.features), num_boost_round=TREES)
    took = seconds_of(resource.RUSAGE_SELF) - start
    booster.save_model(str(path))
    return took


def network(torch, data, trainer, epsilon, epochs, seed, path):
    """A network of PyTorch as ONNX, with raw inputs; `trainer` is natural, pgd or ibp. User seconds."""
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    nn = torch.nn
    z, y, low, high = {}, {}, *((torch.tensor((end - data.mean) * data.scale).float() for end in (data.low, data.high)))
    for part in ("train", "validation"):
        rows, labels = data.parts[part]
        z[part], y[part] = torch.tensor((rows - data.mean) * data.scale).float(), torch.tensor(labels)
    body = nn.Sequential(
        nn.Linear(len(data.mean), HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, 2)
    )
    worst = {"natural": lambda z, y, e: body(z), "pgd": pgd(torch, body, low, high)}
    if trainer == "ibp":
        worst["ibp"] = ibp(torch, body, z["train"][:2], low, high)
    loss_of, optimizer = nn.functional.cross_entropy, torch.optim.Adam(body.parameters(), 1e-3)
    best, kept = -1.0, None
    start = seconds_of(resource.RUSAGE_SELF)
    for epoch in range(epochs):
        ramp = min(1.0, max(0.0, (epoch / epochs - 0.08) / 0.5))
        reach = epsilon * (ramp if trainer == "ibp" else 1.0)
        for batch in torch.randperm(len(y["train"])).split(BATCH):
            rows, labels = z["train"][batch], y["train"][batch]
            loss = loss_of(worst[trainer](rows, labels, reach), labels)
            if trainer == "ibp":
                # kappa falls from 1 to 1/2 (Gowal et al. 2019)
                loss = (1.0 - 0.5 * ramp) * loss_of(body(rows), labels) + 0.5 * ramp * loss
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        held = (worst[trainer](z["validation"], y["validation"], epsilon).argmax(1) == y["validation"]).float().mean().item()
        if held > best and (trainer != "ibp" or ramp == 1.0):
            best, kept = held, {name: value.clone() for name, value in body.state_dict().items()}
    took = seconds_of(resource.RUSAGE_SELF) - start
    body.load_state_dict(kept)
    write_onnx(torch, body, data, path)
    return took


def pgd(torch, body, low, high, steps=7):
    """Logits at the worst point that ascents of the loss find."""

    def logits(z, y, epsilon):
        near, far = torch.maximum(z - epsilon, low), torch.minimum(z + epsilon, high)
        x = near + (far - near) * torch.rand_like(z)
        for _ in range(steps):
            x.requires_grad_(True)
            loss = torch.nn.functional.cross_entropy(body(x), y, reduction="sum")
            (slope,) = torch.autograd.grad(loss, x)
            x = torch.clamp(x.detach() + 2.5 / steps * epsilon * slope.sign(), near, far)
        return body(x)

    return logits


def ibp(torch, body, example, low, high):
    """The worst logits within interval bounds of auto_LiRPA: of the label the least, of the other class 0 against it."""
    from auto_LiRPA import BoundedModule, BoundedTensor, PerturbationLpNorm

    bounded = BoundedModule(body, example)

    def logits(z, y, epsilon):
        near, far = torch.maximum(z - epsilon, low), torch.minimum(z + epsilon, high)
        box = BoundedTensor(z, PerturbationLpNorm(norm=float("inf"), x_L=torch.minimum(near, z), x_U=torch.maximum(far, z)))
        # rows of C: label minus each class; of two classes one row is 0
        one = torch.eye(2)
        margins = one[y].unsqueeze(1) - one.unsqueeze(0)
        lower, _ = bounded.compute_bounds(x=(box,), C=margins, IBP=True, method="IBP", bound_upper=False)
        return -lower

    return logits


def write_onnx(torch, body, data, path):
    """The network with its standardisation in front, as one file."""

    class Raw(torch.nn.Module):
        """(x − mean)·scale, then the body."""

        def __init__(self):
            super().__init__()
            self.body = body
            self.register_buffer("mean", torch.tensor(data.mean).float())
            self.register_buffer("scale", torch.tensor(data.scale).float())

        def forward(self, x):
            return self.body((x - self.mean) * self.scale)

    model, shapes = Raw().eval(), ({0: torch.export.Dim("batch")},)
    example = torch.zeros(2, len(data.mean))
    torch.onnx.export(
        model, (example,), str(path), dynamo=True, dynamic_shapes=shapes, external_data=False, verbose=False
    )


def own(data, seed, path, *words):
    """A model of `propcert train`; user seconds of the command."""
    start = seconds_of(resource.RUSAGE_CHILDREN)
    command = [data.program, "train", "--data", data.name, "--seed", seed, "--threads", 1, "--out", path, "--force"]
    subprocess.run([str(word) for word in (*command, *words)], stdout=subprocess.DEVNULL, check=True)
    return seconds_of(resource.RUSAGE_CHILDREN) - start


def accuracy(data, model):
    """Share of the test rows that the imported model labels right."""
    said = run(data.program, "predict", "--model", model, "--points", data.folder / "test.csv")
    labels = [int(row["label"]) for row in csv.DictReader(io.StringIO(said))]
    return float((labels == data.parts["test"][1]).mean())


def certified(data, model, spec, *words):
    """Proved, refuted, undecided of a claim."""
    out = data.folder / "certificate.jsonl"
    command = [data.program, "certify", "--model", model, "--spec", spec, "--data", data.name, "--out", out, "--force"]
    last = run(*command, "--semantics", "real", *words).strip().splitlines()[-1].split()
    return int(last[1]), int(last[3]), int(last[5])


def trainers(asked, data, local, monotone, found):
    """Name, whether trees, and a function of seed and path that trains and returns the model's path and seconds."""
    holds = ["--hold", local]
    every = [word for spec in monotone for word in ("--hold", spec)]

    def foreign(kind, train):
        def made(seed, path):
            file = path.with_suffix({"xgboost": ".ubj", "lightgbm": ".txt", "onnx": ".onnx"}[kind])
            took = train(seed, file)
            run(data.program, "import", kind, file, "--schema", data.name, "--out", path, "--force")
            data.check_scales(path)
            return took

        return made

    def ours(*words):
        return lambda seed, path: own(data, seed, path, *words)

    rows = []
    for name in ("xgboost", "lightgbm"):
        if name in found:
            made = foreign(name, lambda seed, path, one=found[name]: boosted(one, data, path))
            rows.append((f"{ {'xgboost': 'XGBoost', 'lightgbm': 'LightGBM'}[name] }, monotone", True, made))
    rows.append(("propcert, monotone", True, ours("--recipe", RECIPES / "monotone-trees.toml")))
    rows.append(("propcert, --hold local", True, ours("--family", "trees", *holds, "--rows", asked.rows)))
    rows.append(("propcert, --hold local and monotone", True, ours("--family", "trees", *holds, *every, "--rows", asked.rows)))
    kinds = [("natural", "PyTorch, natural"), ("pgd", "PyTorch, PGD"), ("ibp", "PyTorch, auto_LiRPA IBP")]
    for kind, name in kinds:
        if "torch" in found and (kind != "ibp" or "auto_LiRPA" in found):

            def train(seed, path, kind=kind):
                return network(found["torch"], data, kind, float(asked.epsilon), asked.epochs, seed, path)

            rows.append((name, False, foreign("onnx", train)))
    rows.append(("propcert, natural", False, ours("--recipe", RECIPES / "natural-mlp.toml")))
    rows.append(("propcert, --hold local", False, ours("--family", "mlp", *holds, "--rows", asked.rows)))
    if asked.epsilon == "0.1":
        # its recipe names that epsilon
        wide = ours("--recipe", RECIPES / "local-invariance-mlp.toml")
        rows.append(("propcert, local-invariance-mlp.toml: 256 instead of", False, wide))
    return rows


def arguments():
    """What the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", help="propcert")
    parser.add_argument("data", nargs="+", help="data sets of two classes, by name")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0], help="boosting without sampling has one result [default: 0]")
    parser.add_argument("--epsilon", default="0.1", help="radius of local invariance in standard deviations [default: 0.1]")
    parser.add_argument("--rows", type=int, default=300, help="first test rows that are certified [default: 300]")
    parser.add_argument("--budget-nodes", type=int, default=300, help="cases for each of them [default: 300]")
    parser.add_argument("--epochs", type=int, default=100, help="of the networks of PyTorch [default: 100]")
    parser.add_argument("--only", choices=("trees", "networks"), help="one family")
    return parser.parse_args()


def main():
    asked, found = arguments(), {}
    # the exporter says much
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    for name in ("numpy", "xgboost", "lightgbm", "torch", "onnxscript", "auto_LiRPA"):
        try:
            found[name] = importlib.import_module(name)
        except ImportError as error:
            print(f"{name} is missing ({error}): what needs it is passed over", file=sys.stderr)
    if "numpy" not in found:
        sys.exit("beside_trainers: numpy is needed: pip install numpy")
    if "onnxscript" not in found:
        found.pop("torch", None)
    print(", ".join(f"{name} {getattr(one, '__version__', '?')}" for name, one in found.items()))
    print("| data | model | seed | accuracy | proved / refuted / undecided | % proved | monotone | user s |")
    print("|---|---|--:|--:|---|--:|---|--:|")
    for name in asked.data:
        with tempfile.TemporaryDirectory() as holder:
            folder = Path(holder)
            data = Data(asked.program, name, folder)
            local, monotone = data.specs(asked.epsilon)
            for title, trees, train in trainers(asked, data, local, monotone, found):
                if asked.only and trees != (asked.only == "trees"):
                    continue
                for seed in asked.seeds[:1] if trees else asked.seeds:
                    model = folder / "model.json"
                    took = train(seed, model)
                    counts = certified(data, model, local, "--rows", asked.rows, "--budget-nodes", asked.budget_nodes)
                    share = 100.0 * counts[0] / sum(counts)
                    held = [certified(data, model, spec) for spec in monotone] if trees else []
                    of = f"{sum(one[0] for one in held)} of {sum(map(sum, held))}" if held else ""
                    verdicts = " / ".join(map(str, counts))
                    print(
                        f"| {name} | {title} ({'trees' if trees else '64-64'}) | {seed} | {accuracy(data, model):.4f} "
                        f"| {verdicts} | {share:.1f} | {of} | {took:.1f} |",
                        flush=True,
                    )


if __name__ == "__main__":
    main()

"""Networks and ensembles as people write them with PyTorch, skl2onnx and scikit-learn, each tried with `propcert import`.

    pip install torch onnx onnxscript scikit-learn skl2onnx
    python benches/write_onnx.py propcert

Small models are trained on `propcert data rows DATA:train` (a few epochs; accuracy is no aim) and written in the forms
that are met: by both exporters of `torch.onnx.export`, weights inside and beside the file, with and without a scaler, with
one logit, a Softmax, a BatchNorm, a Dropout; pipelines of scikit-learn by `skl2onnx`; its boosting, trees and
networks by the lines of Python in `propcert import --help`, which are taken from there.

Each is imported, and `propcert predict` is compared with what the library itself computes on the first --rows rows of the test part.
A line per model says one of

    equal        every label is the same, and the margin: bit for bit where `import` promises that, else within 1e-4
                 of the library's float32 margin (relative to the larger of 1 and the margin)
    DIFFERENT    read, but something else is computed; the row that is farthest off is named. The exit code is then 1
    refused      with the message

--keep DIR leaves every file there. Packages that are missing are named, and their models passed over.
"""

import argparse
import csv
import importlib
import io
import logging
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

TOLERANCE = 1e-4
# by default torch.onnx.export takes the shape of the example and writes weights beside the file
EXPORTERS = ("as by default", "dynamo", "TorchScript")


class Refused(Exception):
    """What propcert says where it does not read a file."""


def packages(names):
    """Those that can be imported, by name; the others are said to be missing."""
    found = {}
    for name in names:
        try:
            found[name] = importlib.import_module(name)
        except ImportError as error:
            print(f"{name} is missing ({error}): its models are passed over", file=sys.stderr)
    return found


def run(*command):
    """What propcert prints."""
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    if done.returncode != 0:
        raise Refused(done.stderr.strip().replace("propcert: ", "", 1))
    return done.stdout


def rows(program, part):
    """Labels, values and names of the features of a part."""
    import numpy

    text = run(program, "data", "rows", part)
    names = next(csv.reader(io.StringIO(text)))[1:]
    table = numpy.loadtxt(io.StringIO(text), delimiter=",", skiprows=1, ndmin=2)
    return table[:, 0].astype(int), table[:, 1:], names


def torch_models(torch, x, y, folder):
    """Name, file, options of `import` and float32 margins of class 1 of networks written by PyTorch."""
    nn = torch.nn
    torch.manual_seed(0)
    inputs, labels = torch.tensor(x, dtype=torch.float32), torch.tensor(y)
    mean, std = inputs.mean(0), inputs.std(0).clamp(min=1e-6)

    class Scaled(nn.Module):
        """(x − mean) · (1 / std), or (x − mean) / std, before a body."""

        def __init__(self, body, divide=False, std=std):
            super().__init__()
            self.body, self.divide = body, divide
            self.register_buffer("mean", mean)
            self.register_buffer("scale", std if divide else 1.0 / std)

        def forward(self, x):
            z = x - self.mean
            return self.body(z / self.scale if self.divide else z * self.scale)

    class ByHand(nn.Module):
        """x W + b with matrices of its own."""

        def __init__(self):
            super().__init__()
            sizes = [x.shape[1], 16, 2]
            self.w = nn.ParameterList([nn.Parameter(0.1 * torch.randn(a, b)) for a, b in zip(sizes, sizes[1:])])
            self.b = nn.ParameterList([nn.Parameter(torch.zeros(b)) for b in sizes[1:]])

        def forward(self, x):
            return torch.relu(x @ self.w[0] + self.b[0]) @ self.w[1] + self.b[1]

    class Squeezed(nn.Module):
        """One logit without its axis, as BCEWithLogitsLoss likes it."""

        def __init__(self, body):
            super().__init__()
            self.body = body

        def forward(self, x):
            return self.body(x).squeeze(-1)

    def body(outputs=2, extra=(), end=()):
        layers = [nn.Linear(x.shape[1], 16), *(one() for one in extra), nn.ReLU()]
        return nn.Sequential(*layers, nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, outputs), *end)

    powers = torch.exp2(torch.round(torch.log2(std)))
    made = {
        "plain": (Scaled(body()).body, True, {}),
        "scaler, times 1/std": (Scaled(body()), True, {}),
        "scaler, divided by std": (Scaled(body(), divide=True), False, {}),
        "scaler, divided by powers of two": (Scaled(body(), divide=True, std=powers), False, {}),
        "one logit": (Scaled(body(1)), False, {"classes": 2}),
        "one logit, squeezed": (Squeezed(Scaled(body(1))), False, {"classes": 2}),
        "one logit, Sigmoid": (Scaled(body(1, end=[nn.Sigmoid()])), False, {}),
        "Softmax": (Scaled(body(end=[nn.Softmax(dim=1)])), False, {}),
        "Softmax over the last axis": (Scaled(body(end=[nn.Softmax(dim=-1)])), False, {}),
        "LogSoftmax": (Scaled(body(end=[nn.LogSoftmax(dim=1)])), False, {}),
        "BatchNorm": (Scaled(body(extra=[lambda: nn.BatchNorm1d(16)])), False, {}),
        "BatchNorm instead of a scaler": (nn.Sequential(nn.BatchNorm1d(x.shape[1]), body()), False, {}),
        "Dropout": (Scaled(body(extra=[lambda: nn.Dropout(0.2)])), False, {}),
        "Flatten": (nn.Sequential(nn.Flatten(), Scaled(body())), False, {}),
        "x @ W + b": (Scaled(ByHand()), False, {}),
    }
    for name, (model, with_defaults, options) in made.items():
        fit(torch, model, inputs, labels)
        for exporter in EXPORTERS if with_defaults else EXPORTERS[1:]:
            path = file_in(folder, f"torch {name} {exporter}.onnx")
            try:
                export(torch, model, inputs[:2], path, exporter)
            except Exception as error:
                print(f"torch does not write `{name}` ({exporter}): {type(error).__name__}", file=sys.stderr)
                continue
            yield f"{name} ({exporter})", "onnx", path, options, lambda x, m=model: torch_margins(torch, m, x)


def fit(torch, model, inputs, labels):
    """Three epochs on the labels, whatever the model ends with."""
    optimizer = torch.optim.Adam(model.parameters(), 1e-3)
    model.train()
    for _ in range(3):
        for batch in torch.randperm(len(inputs)).split(128):
            out = logits(torch, model(inputs[batch]), model)
            loss = torch.nn.functional.cross_entropy(out, labels[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    model.eval()


def ending(model):
    """The name of the last module with no module inside."""
    return [type(one).__name__ for one in model.modules() if not list(one.children())][-1]


def logits(torch, out, model):
    """Logits (or numbers with the same Softmax) of what a model gives."""
    if out.ndim == 1 or out.shape[1] == 1:
        one = out.reshape(-1, 1)
        if ending(model) == "Sigmoid":
            one = torch.logit(one, eps=1e-7)
        return torch.cat([torch.zeros_like(one), one], 1)
    return torch.log(out.clamp(min=1e-30)) if ending(model) == "Softmax" else out


def torch_margins(torch, model, x):
    """Labels and margins of class 1 over class 0, in float32, of the points as float32."""
    with torch.no_grad():
        out = logits(torch, model(torch.tensor(x, dtype=torch.float32)), model)
        # saturated probabilities say no margin
        margins = out[:, 1] - out[:, 0]
        if ending(model) in ("Sigmoid", "Softmax"):
            margins = torch.where(margins.abs() < 10, margins, torch.nan)
        return out.argmax(1).numpy(), margins.numpy()


def export(torch, model, example, path, exporter):
    """Writes one file, or two as by default; any number of rows but by default."""
    common = {"input_names": ["input"], "output_names": ["logits"]}
    if exporter == "as by default":
        torch.onnx.export(model, (example,), str(path), verbose=False)
    elif exporter == "TorchScript":
        axes = {"input": {0: "batch"}, "logits": {0: "batch"}}
        torch.onnx.export(model, (example,), str(path), dynamo=False, dynamic_axes=axes, **common)
    else:
        shapes = ({0: torch.export.Dim("batch")},)
        common |= {"external_data": False, "verbose": False}
        torch.onnx.export(model, (example,), str(path), dynamo=True, dynamic_shapes=shapes, **common)


def file_in(folder, name):
    """A path without spaces and signs."""
    return folder / "".join(letter if letter.isalnum() or letter in "._" else "_" for letter in name)


def sklearn_models(x, y):
    """Fitted models of scikit-learn, by name: those for skl2onnx and `import sklearn`, and trees for the latter."""
    from sklearn.ensemble import GradientBoostingClassifier, HistGradientBoostingClassifier, RandomForestClassifier
    from sklearn.neural_network import MLPClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import MinMaxScaler, StandardScaler
    from sklearn.tree import DecisionTreeClassifier

    mlp = {"hidden_layer_sizes": (16, 16), "max_iter": 5, "random_state": 0}
    pipelines = {
        "StandardScaler, MLPClassifier": make_pipeline(StandardScaler(), MLPClassifier(**mlp)),
        "MinMaxScaler, MLPClassifier": make_pipeline(MinMaxScaler(), MLPClassifier(**mlp)),
        "MLPClassifier": MLPClassifier(**mlp),
    }
    trees = {
        "HistGradientBoostingClassifier": HistGradientBoostingClassifier(max_iter=20, random_state=0),
        "GradientBoostingClassifier": GradientBoostingClassifier(n_estimators=20, random_state=0),
        "DecisionTreeClassifier": DecisionTreeClassifier(max_depth=6, random_state=0),
        "RandomForestClassifier": RandomForestClassifier(n_estimators=10, max_depth=6, random_state=0),
    }
    for model in (*pipelines.values(), *trees.values()):
        model.fit(x, y)
    return pipelines, trees


def skl_files(program, x, y, folder, with_onnx):
    """Name, format, file, options and reference of scikit-learn's models."""
    pipelines, trees = sklearn_models(x, y)
    if with_onnx:
        from skl2onnx import to_onnx

        example = x[:2].astype("float32")
        for name, model in {**pipelines, "DecisionTreeClassifier": trees["DecisionTreeClassifier"]}.items():
            for form, options in (("probabilities", {"zipmap": False}), ("as by default", {})):
                path = file_in(folder, f"skl2onnx {name} {form}.onnx")
                options_of = {id(model): options} if options else None
                path.write_bytes(to_onnx(model, example, options=options_of).SerializeToString())
                yield f"skl2onnx: {name} ({form})", "onnx", path, {}, lambda x, m=model: skl_margins(m, x.astype("float32"))
    scope = {}
    exec(dump_function(program), scope)
    for name, model in {**pipelines, **trees}.items():
        path = file_in(folder, f"sklearn {name}.json")
        scope["dump"](model, path)
        exact = "Boosting" in name
        yield f"sklearn: {name}", "sklearn", path, {"exact": exact}, lambda x, m=model: skl_margins(m, x)


def dump_function(program):
    """The lines of Python that `import --help` prints."""
    lines = run(program, "import", "--help").splitlines()
    start = next(k for k, line in enumerate(lines) if line.startswith("def dump("))
    return "\n".join(lines[start:])


def skl_margins(model, x):
    """Labels and margins: those of boosting as it sums them, log odds of a network, none of other trees."""
    import numpy

    labels = model.predict(x)
    if hasattr(model, "decision_function"):
        return labels, model.decision_function(x)
    if type(getattr(model, "steps", [(None, model)])[-1][1]).__name__.startswith("MLP"):
        p = model.predict_proba(x)
        with numpy.errstate(divide="ignore"):
            margins = numpy.log(p[:, 1]) - numpy.log(p[:, 0])
        return labels, numpy.where(numpy.abs(margins) < 10, margins, numpy.nan)
    return labels, numpy.full(len(x), numpy.nan)


def compared(predicted, labels, margins, exact):
    """`equal` with what was compared, or `DIFFERENT` with the row that is farthest off."""
    import numpy

    ours = list(csv.DictReader(io.StringIO(predicted)))
    theirs = numpy.asarray(margins, dtype=float)
    mine = numpy.array([float(row["margin"]) for row in ours])
    known = ~numpy.isnan(theirs)
    off = numpy.where(known, numpy.abs(mine - theirs) / numpy.maximum(1.0, numpy.abs(theirs)), 0.0)
    # a margin of a rounding error has no label to keep
    turned = [
        k for k, row in enumerate(ours) if int(row["label"]) != int(labels[k]) and (exact or not off[k] > abs(mine[k]) > 0)
    ]
    worst = int(off.argmax())
    if turned:
        k = turned[0]
        return "DIFFERENT", f"{len(turned)} labels, first of row {k}: {ours[k]['label']} instead of {labels[k]}, margin {mine[k]}"
    if exact and not (mine[known] == theirs[known]).all():
        bad = int(numpy.flatnonzero(known & (mine != theirs))[0])
        return "DIFFERENT", f"margin of row {bad}: {mine[bad]!r} instead of {theirs[bad]!r}"
    if off[worst] > TOLERANCE:
        return "DIFFERENT", f"margin of row {worst}: {mine[worst]} instead of {theirs[worst]}"
    what = f"{known.sum()} margins " + ("to the last bit" if exact else f"within {off.max():.1e}") if known.any() else "no margins"
    return "equal", f"{len(ours)} labels, {what}"


def attempt(program, kind, path, options, points, reference, exact):
    """The verdict about one file and its words."""
    out = path.with_suffix(".imported.json")
    command = [program, "import", kind, path, "--out", out, "--force"]
    if "classes" in options:
        command += ["--classes", options["classes"]]
    try:
        run(*command)
        predicted = run(program, "predict", "--model", out, "--points", points)
    except Refused as refusal:
        return "refused", str(refusal).replace(f"{path}: ", "")
    return compared(predicted, *reference, exact)


def arguments():
    """What the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", help="propcert")
    parser.add_argument("--data", default="spambase", help="a data set of two classes [default: spambase]")
    parser.add_argument("--rows", type=int, default=1000, help="test rows to compare [default: 1000]")
    parser.add_argument("--keep", metavar="DIR", help="leave every file there")
    return parser.parse_args()


def main():
    asked = arguments()
    # exporters and short trainings warn much
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    found = packages(["numpy", "torch", "onnx", "onnxscript", "sklearn", "skl2onnx"])
    if "numpy" not in found:
        sys.exit("write_onnx: numpy is needed to read rows: pip install numpy")
    print(", ".join(f"{name} {one.__version__}" for name, one in found.items()))
    holder = tempfile.TemporaryDirectory()
    folder = Path(asked.keep or holder.name)
    folder.mkdir(parents=True, exist_ok=True)
    y, x, _ = rows(asked.program, f"{asked.data}:train")
    _, test, _ = rows(asked.program, f"{asked.data}:test")
    test = test[: asked.rows]
    points = folder / "points.csv"
    with open(points, "w", newline="") as file:
        csv.writer(file).writerows([[f"x{k}" for k in range(test.shape[1])], *([repr(float(v)) for v in row] for row in test)])
    files = []
    if {"torch", "onnx", "onnxscript"} <= found.keys():
        files.append(torch_models(found["torch"], x, y, folder))
    if "sklearn" in found:
        files.append(skl_files(asked.program, x, y, folder, "skl2onnx" in found))
    verdicts = []
    for name, kind, path, options, reference in (one for part in files for one in part):
        exact = options.get("exact", False)
        verdict, words = attempt(asked.program, kind, path, options, points, reference(test), exact)
        verdicts.append(verdict)
        print(f"{verdict:9}  {name}: {words}", flush=True)
    print(", ".join(f"{verdicts.count(one)} {one}" for one in ("equal", "DIFFERENT", "refused")))
    return 1 if "DIFFERENT" in verdicts else 0


if __name__ == "__main__":
    sys.exit(main())

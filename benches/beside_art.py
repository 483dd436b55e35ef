"""Model stealing beside the Adversarial Robustness Toolbox: the same target, the same number of queries, the same held-out rows.

    pip install adversarial-robustness-toolbox torch
    python benches/beside_art.py propcert spambase --seeds 10

For each data set (`PROPCERT_DATA` names their folder) a natural network and natural trees are trained by recipes/, unless --target
names a model. Each attack then asks --queries points and trains a substitute, --seeds times:

    propcert   `propcert steal` with attacks/*.toml (--attacks), label responses
    ART        CopycatCNN, and KnockoffNets with random and with adaptive sampling (by the loss). What it chooses from is
               either the training rows (attackers of kind P; for the adaptive choice with the data's labels), or
               10,000 normal points of 1.5 standard deviations in the declared ranges, as random-gaussian.toml makes them

The toolbox's target is a black box that asks `propcert predict` for labels, row for row, and counts them; more or fewer than
--queries ends the script. Its points are float32, as it makes them. The substitute is on both sides a network of two layers of
50 ReLU on standardised inputs, Adam at 2e-3, batches of 32, 150 epochs. As a control `200 training rows` is Copycat's choice of points
learnt by propcert: what differs then is the training alone.

Agreement is the share of all test rows on which the substitute decides as the target does, by `propcert predict`; printed are mean and
95 % t interval over the seeds, and user seconds of one attack.
"""

import argparse
import csv
import importlib
import io
import json
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

HOME = Path(__file__).resolve().parent.parent
HIDDEN, RATE, BATCH, EPOCHS, SIGMA, POOL = 50, 2e-3, 32, 150, 1.5, 10_000
# two-sided 95 % points of Student's t, by degrees of freedom
STUDENT = [12.71, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145]
STUDENT += [2.131, 2.120, 2.110, 2.101, 2.093]
SUBSTITUTE = f"""
[substitute]
family = "mlp"
hidden = [{HIDDEN}, {HIDDEN}]
epochs = {EPOCHS}
batch = {BATCH}
learning-rate = {RATE}
"""
CONTROL = """attack = "random"
seeds = "P"
seed-rows = {queries}
queries = {queries}

[generator]
kind = "gaussian"
sigma = 1.5
"""


def run(*command):
    """What propcert prints; its own message and the end of the script where it refuses."""
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    if done.returncode != 0:
        print(done.stderr, end="", file=sys.stderr)
        sys.exit(f"beside_art: exit code {done.returncode} of {' '.join(str(word) for word in command)}")
    return done.stdout


class Target:
    """A model behind `propcert predict`; counts the points that it is asked."""

    def __init__(self, program, model, folder):
        self.program, self.model, self.points, self.asked = program, model, folder / "asked.csv", 0
        self.names = [one["name"] for one in json.loads(Path(model).read_text())["features"]]

    def labels(self, rows):
        """Labels of rows of raw features."""
        import numpy

        with open(self.points, "w", newline="") as file:
            csv.writer(file).writerows([self.names, *([repr(float(x)) for x in row] for row in rows)])
        said = run(self.program, "predict", "--model", self.model, "--points", self.points)
        return numpy.array([int(row["label"]) for row in csv.DictReader(io.StringIO(said))])

    def answers(self, rows):
        """One-hot labels, counted."""
        import numpy

        self.asked += len(rows)
        return numpy.eye(2, dtype="float32")[self.labels(rows)]


class Data:
    """Training and test rows, scales and ranges."""

    def __init__(self, program, name, model):
        import numpy

        self.name = name
        for part in ("train", "test"):
            table = numpy.loadtxt(
                io.StringIO(run(program, "data", "rows", f"{name}:{part}")), delimiter=",", skiprows=1, ndmin=2
            )
            setattr(self, part, (table[:, 1:], table[:, 0].astype(int)))
        self.schema = json.loads(Path(model).read_text())["features"]

    def column(self, key):
        import numpy

        return numpy.array([float(one[key]) for one in self.schema])

    def normal(self, rng):
        """Normal points as `propcert steal` makes them: rounded and clipped to the domain."""
        import numpy

        # an imported or tree model may have no scales of its own; those of the training rows do then
        raw = rng.normal(0.0, SIGMA, (POOL, len(self.schema))) / self.column("scale") + self.column("mean")
        whole = numpy.array([one["kind"] != "real" for one in self.schema])
        return numpy.clip(numpy.where(whole, numpy.round(raw), raw), self.column("low"), self.column("high"))


def substitute(torch, data, seed):
    """The toolbox's classifier around a fresh network."""
    from art.estimators.classification import PyTorchClassifier

    torch.manual_seed(seed)

    class Standardised(torch.nn.Module):
        """(x − mean)·scale, then two hidden layers."""

        def __init__(self):
            super().__init__()
            nn = torch.nn
            self.body = nn.Sequential(
                nn.Linear(len(data.schema), HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, 2)
            )
            self.register_buffer("mean", torch.tensor(data.column("mean")).float())
            self.register_buffer("scale", torch.tensor(data.column("scale")).float())

        def forward(self, x):
            return self.body((x.float() - self.mean) * self.scale)

    network = Standardised()
    return PyTorchClassifier(
        model=network,
        loss=torch.nn.CrossEntropyLoss(),
        optimizer=torch.optim.Adam(network.parameters(), RATE),
        input_shape=(len(data.schema),),
        nb_classes=2,
        device_type="cpu",
    )


def toolbox(torch, data, target, queries, seed):
    """Name and function of each attack of the toolbox; a function gives the thief's classifier."""
    import numpy
    from art.attacks.extraction import CopycatCNN, KnockoffNets
    from art.estimators.classification import BlackBoxClassifier

    box = BlackBoxClassifier(target.answers, (len(data.schema),), 2)
    common = {"batch_size_fit": BATCH, "batch_size_query": queries, "nb_epochs": EPOCHS, "nb_stolen": queries}
    rows, labels = data.train
    pools = {"training rows": rows, "normal points": data.normal(numpy.random.default_rng(seed))}

    def attack(kind, pool, y=None, **options):
        def made():
            numpy.random.seed(seed)
            thief = kind(classifier=box, **common, **options)
            return thief.extract(pool.astype("float32"), y, thieved_classifier=substitute(torch, data, seed))

        return made

    for name, pool in pools.items():
        yield f"CopycatCNN, {name}", attack(CopycatCNN, pool)
        yield f"KnockoffNets random, {name}", attack(KnockoffNets, pool, sampling_strategy="random", verbose=False)
    # of one-hot answers its other rewards are constant or 0/0
    yield "KnockoffNets adaptive, training rows", attack(
        KnockoffNets, rows, labels, sampling_strategy="adaptive", reward="loss", verbose=False
    )


def user_seconds():
    """User seconds of this process and of all that it ran."""
    return sum(resource.getrusage(who).ru_utime for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))


def by_art(torch, asked, data, target, truth):
    """Per attack of the toolbox: agreements and user seconds of each seed."""
    results = {}
    for seed in range(asked.seeds):
        for name, attack in toolbox(torch, data, target, asked.queries, seed):
            target.asked, start = 0, user_seconds()
            thief = attack()
            took = user_seconds() - start
            if target.asked != asked.queries:
                sys.exit(f"beside_art: {name} asked {target.asked} points instead of {asked.queries}")
            answers = thief.predict(data.test[0].astype("float32"), batch_size=1024).argmax(1)
            results.setdefault(name, []).append((float((answers == truth).mean()), took))
    return results


def by_propcert(asked, data, target, folder):
    """The same of attacks of propcert."""
    files = {name: (HOME / "attacks" / f"{name}.toml").read_text() for name in asked.attacks}
    files[f"{asked.queries} training rows"] = CONTROL.format(queries=asked.queries)
    results = {}
    for name, text in files.items():
        file, out = folder / "attack.toml", folder / "stolen"
        if "[substitute]" in text:
            sys.exit(f"beside_art: attacks/{name}.toml has a substitute of its own, which would not be the same network")
        # a table of the learner may follow that of the substitute
        head, mark, rest = text.partition("[substitute.")
        file.write_text(head + SUBSTITUTE + "\n" + mark + rest)
        command = [target.program, "steal", "--target", target.model, "--attack", file, "--data", data.name]
        command += ["--budget", asked.queries, "--repetitions", asked.seeds, "--threads", 1, "--out", out, "--force"]
        start = user_seconds()
        run(*command)
        # it also measures, and trains beside the attack what it is compared with
        took = (user_seconds() - start) / asked.seeds
        told = json.loads((out / "metrics.json").read_text())["repetitions"]
        for one in told:
            attack = one["attack"]
            if attack["queries"] > asked.queries:
                sys.exit(f"beside_art: {name} asked {attack['queries']} points")
            results.setdefault(name, []).append((agreement_of(attack), took))
    return results


def agreement_of(attack):
    """Agreement on held-out rows of one run."""
    return float(attack["scores"]["agreement"]["held_out"])


def line(tool, name, results):
    """A line of the table."""
    import numpy

    agreements = 100.0 * numpy.array([agreement for agreement, _ in results])
    count = len(agreements)
    reach = "–"
    if count > 1:
        t = STUDENT[count - 2] if count - 2 < len(STUDENT) else 1.96
        reach = f"{t * agreements.std(ddof=1) / count**0.5:.1f}"
    seconds = numpy.mean([took for _, took in results])
    return f"| {tool} | {name} | {agreements.mean():.1f} ± {reach} | {seconds:.2f} |"


def measure(torch, asked, name, title, model, folder):
    """The table of one target."""
    target, data = Target(asked.program, model, folder), Data(asked.program, name, model)
    truth = target.labels(data.test[0])
    right = float((truth == data.test[1]).mean())
    major = max(float((truth == k).mean()) for k in (0, 1))
    print(f"\n{name}, {title}: {len(truth)} test rows, accuracy {right:.4f}, one answer agrees on {100 * major:.1f} %")
    print(f"{asked.queries} queries, {asked.seeds} seeds\n")
    print("| tool | attack | agreement, held-out, % | user s |\n|---|---|--:|--:|")
    for attack, results in by_propcert(asked, data, target, folder).items():
        print(line("propcert", attack, results), flush=True)
    for attack, results in by_art(torch, asked, data, target, truth).items():
        print(line("ART", attack, results), flush=True)


def arguments():
    """What the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", help="propcert")
    parser.add_argument("data", nargs="+", help="data sets of two classes, by name")
    parser.add_argument("--target", help="a model of the one data set that is named, instead of natural ones")
    parser.add_argument("--queries", type=int, default=200, help="[default: 200]")
    parser.add_argument("--seeds", type=int, default=10, help="how often each attack runs [default: 10]")
    parser.add_argument(
        "--attacks",
        nargs="*",
        default=["random-gaussian", "random-uniform", "jacobian-x", "jacobian-p", "committee"],
        help="names of files in attacks/ [default: random-gaussian random-uniform jacobian-x jacobian-p committee]",
    )
    return parser.parse_args()


def main():
    asked, found = arguments(), {}
    for name, package in (("numpy", "numpy"), ("torch", "torch"), ("art", "adversarial-robustness-toolbox")):
        try:
            found[name] = importlib.import_module(name)
        except ImportError as error:
            sys.exit(f"beside_art: {package} is missing ({error}): pip install {package}")
    if asked.target and len(asked.data) > 1:
        sys.exit("beside_art: --target is a model of one data set")
    found["torch"].set_num_threads(1)
    print(", ".join(f"{name} {one.__version__}" for name, one in found.items()))
    for name in asked.data:
        with tempfile.TemporaryDirectory() as holder:
            folder = Path(holder)
            targets = {"the given target": asked.target} if asked.target else {}
            for recipe in () if asked.target else ("natural-mlp", "natural-trees"):
                targets[recipe] = folder / f"{recipe}.json"
                path = HOME / "recipes" / f"{recipe}.toml"
                run(asked.program, "train", "--data", name, "--recipe", path, "--out", targets[recipe])
            for title, model in targets.items():
                measure(found["torch"], asked, name, title, model, folder)


if __name__ == "__main__":
    main()

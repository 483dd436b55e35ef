"""Trains small ensembles and writes what they predict: NAME.json, NAME.csv.

NAME.csv holds the label of every row of points.csv and, for boosting, the float64 decision function or
regression (hexadecimal bits); for a forest of several classes the sums of the trees' shares, and for one of
regression those of the trees' parts of the mean. Without labels there is the sign of the score.
"""

import runpy
import sys

import numpy
import sklearn
from sklearn.ensemble import (
    ExtraTreesClassifier, ExtraTreesRegressor, GradientBoostingClassifier, GradientBoostingRegressor,
    RandomForestClassifier, RandomForestRegressor)

folder, script = sys.argv[1:]
dump = runpy.run_path(script)["dump"]
random = numpy.random.default_rng(7)


def rows(count):
    x = random.normal(size=(count, 5))
    x[:, 1] = numpy.round(x[:, 1] * 5)
    x[:, 2] = x[:, 2] > 0.3
    x[:, 3] = numpy.exp(3 * x[:, 3])
    return x


x, points = rows(900), rows(600)
score = x[:, 0] - 0.1 * x[:, 1] * x[:, 2] + numpy.log(x[:, 3]) / 4 + random.normal(size=900) / 2
two, three = score > 0.2, numpy.digitize(score, [-0.4, 0.7])
points[:200] = x[:200]

boosting, forest, extra = GradientBoostingClassifier, RandomForestClassifier, ExtraTreesClassifier
variants = {
    "boosting": (boosting(random_state=1, n_estimators=40), two),
    "boosting-zero": (boosting(random_state=1, n_estimators=20, init="zero", max_depth=6), two),
    "boosting-classes": (boosting(random_state=1, n_estimators=20), three),
    "forest": (forest(random_state=1, n_estimators=31, max_depth=6), two),
    "forest-full": (forest(random_state=1, n_estimators=30), two),
    "extra": (extra(random_state=1, n_estimators=31, max_depth=8), two),
    "forest-classes": (forest(random_state=1, n_estimators=31, max_depth=6), three),
    "score": (GradientBoostingRegressor(random_state=1, n_estimators=40), score),
    "score-l1": (GradientBoostingRegressor(random_state=1, n_estimators=20, loss="absolute_error"), score),
    "score-huber": (GradientBoostingRegressor(random_state=1, n_estimators=20, loss="huber"), score),
    "score-quantile": (GradientBoostingRegressor(random_state=1, n_estimators=20, loss="quantile"), score),
    "score-forest": (RandomForestRegressor(random_state=1, n_estimators=31, max_depth=8), score),
    "score-extra": (ExtraTreesRegressor(random_state=1, n_estimators=31, max_depth=8), score),
}
for name, (model, labels) in variants.items():
    model.fit(x, labels)
    dump(model, f"{folder}/{name}.json")
    # rows right at the borders, where rounding to float32 decides
    tree = numpy.ravel(model.estimators_)[0].tree_
    split = tree.children_left >= 0
    for row, (feature, t) in enumerate(zip(tree.feature[split], tree.threshold[split])):
        if row >= 60:
            break
        points[300 + row, feature] = t if row % 2 else numpy.nextafter(numpy.float32(t), numpy.float32(9e9))
with open(f"{folder}/points.csv", "w") as file:
    file.write("x0,x1,x2,x3,x4\n")
    file.writelines(",".join(repr(float(value)) for value in row) + "\n" for row in points)
for name, (model, labels) in variants.items():
    sums = numpy.zeros((len(points), 0))
    if isinstance(model, boosting):
        sums = model.decision_function(points).reshape(len(points), -1)
    elif len(getattr(model, "classes_", [])) > 2:
        sums = sum(tree.predict_proba(points) for tree in model.estimators_)
    if name.startswith("score"):
        predicted = model.predict(points)
        sums = predicted[:, None]
        if not isinstance(model, GradientBoostingRegressor):
            sums = sum(tree.predict(points)[:, None] / len(model.estimators_) for tree in model.estimators_)
        assert numpy.allclose(sums[:, 0], predicted, rtol=1e-13, atol=1e-13)
        decided = sums[:, 0] > 0
    else:
        decided = numpy.searchsorted(model.classes_, model.predict(points))
    with open(f"{folder}/{name}.csv", "w") as file:
        for label, row in zip(decided, sums.view(numpy.uint64)):
            file.write(",".join([str(int(label))] + [f"{bits:016x}" for bits in row]) + "\n")
print(sklearn.__version__, *variants)

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
    HistGradientBoostingClassifier, HistGradientBoostingRegressor, RandomForestClassifier, RandomForestRegressor)
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor, ExtraTreeClassifier

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
histogram, mlp = HistGradientBoostingClassifier, MLPClassifier
layers = {"hidden_layer_sizes": (7, 5), "random_state": 1, "max_iter": 60}
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
    "histogram": (histogram(max_iter=30), two),
    "histogram-classes": (histogram(max_iter=15), three),
    "score-histogram": (HistGradientBoostingRegressor(max_iter=30), score),
    "score-histogram-l1": (HistGradientBoostingRegressor(max_iter=20, loss="absolute_error"), score),
    "tree": (DecisionTreeClassifier(random_state=1, max_depth=6), two),
    "tree-classes": (ExtraTreeClassifier(random_state=1, max_depth=6), three),
    "score-tree": (DecisionTreeRegressor(random_state=1, max_depth=8), score),
    "mlp": (mlp(**layers), two),
    "mlp-scaled": (make_pipeline(StandardScaler(), mlp(**layers)), two),
    "mlp-uncentred": (make_pipeline(StandardScaler(with_mean=False), mlp(**layers)), two),
    "mlp-centred": (make_pipeline(StandardScaler(with_std=False), mlp(**layers)), two),
    "mlp-classes": (make_pipeline(MinMaxScaler(), mlp(**layers)), three),
    "mlp-linear": (make_pipeline(StandardScaler(), mlp(activation="identity", **layers)), three),
}
for name, (model, labels) in variants.items():
    model.fit(x, labels)
    dump(model, f"{folder}/{name}.json")
    # rows right at the borders, where rounding to float32 decides
    if hasattr(model, "_predictors"):
        nodes = model._predictors[0][0].nodes
        nodes = nodes[nodes["is_leaf"] == 0]
        splits = zip(nodes["feature_idx"], nodes["num_threshold"])
    elif not name.startswith("mlp"):
        tree = numpy.ravel(getattr(model, "estimators_", [model]))[0].tree_
        split = tree.children_left >= 0
        splits = zip(tree.feature[split], tree.threshold[split])
    for row, (feature, t) in enumerate(splits):
        if row >= 60:
            break
        points[300 + row, feature] = t if row % 2 else numpy.nextafter(numpy.float32(t), numpy.float32(9e9))
with open(f"{folder}/points.csv", "w") as file:
    file.write("x0,x1,x2,x3,x4\n")
    file.writelines(",".join(repr(float(value)) for value in row) + "\n" for row in points)
for name, (model, labels) in variants.items():
    sums = numpy.zeros((len(points), 0))
    if isinstance(model, (boosting, histogram)):
        sums = model.decision_function(points).reshape(len(points), -1)
    elif name.startswith("mlp"):
        pass  # labels only: sums have an order of their own
    elif len(getattr(model, "classes_", [])) > 2:
        sums = sum(tree.predict_proba(points) for tree in getattr(model, "estimators_", [model]))
    if name.startswith("score"):
        predicted = model.predict(points)
        sums = predicted[:, None]
        if name in ("score-forest", "score-extra"):
            sums = sum(tree.predict(points)[:, None] / len(model.estimators_) for tree in model.estimators_)
        assert numpy.allclose(sums[:, 0], predicted, rtol=1e-13, atol=1e-13)
        decided = sums[:, 0] > 0
    else:
        decided = numpy.searchsorted(model.classes_, model.predict(points))
    with open(f"{folder}/{name}.csv", "w") as file:
        for label, row in zip(decided, sums.view(numpy.uint64)):
            file.write(",".join([str(int(label))] + [f"{bits:016x}" for bits in row]) + "\n")
# neither columns in another order nor another function of the sum is written
refused = [histogram(max_iter=3, categorical_features=[2])]
if "loss" in MLPRegressor().get_params():
    refused.append(MLPRegressor(loss="poisson", max_iter=3))
for model in refused:
    model.fit(numpy.abs(x[:, :3]) > 0.5, two)
    try:
        dump(model, f"{folder}/refused.json")
    except ValueError:
        continue
    raise AssertionError(model)
print(sklearn.__version__, *variants)

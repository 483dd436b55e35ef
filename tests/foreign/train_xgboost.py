"""Trains small boosters and writes what they predict: NAME.json, NAME.ubj, NAME.csv.

NAME.csv holds the label and the float32 margins (hexadecimal) that XGBoost computes for every row of
points.csv. Rows have no missing values, as data sets here have none.
"""

import sys

import numpy
import xgboost

folder, = sys.argv[1:]
random = numpy.random.default_rng(7)


def rows(count):
    x = random.normal(size=(count, 6)).astype(numpy.float32)
    x[:, 1] = numpy.round(x[:, 1] * 5)
    x[:, 2] = x[:, 2] > 0.3
    x[:, 3] = numpy.exp(3 * x[:, 3])
    return x


def decimals(row):
    return ",".join(repr(float(value)) for value in row)


x, points = rows(900), rows(600)
score = x[:, 0] - 0.1 * x[:, 1] * x[:, 2] + numpy.log(x[:, 3]) / 4 + random.normal(size=900) / 2
two, three = score > 0.2, numpy.digitize(score, [-0.4, 0.7])
points[:200] = x[:200]  # rows that lie on thresholds
with open(f"{folder}/points.csv", "w") as file:
    file.write("x0,x1,x2,x3,x4,x5\n")
    file.writelines(decimals(row) + "\n" for row in points)

binary = {"objective": "binary:logistic"}
classes = {"objective": "multi:softprob", "num_class": 3}
dart = {"booster": "dart", "rate_drop": 0.3, "skip_drop": 0.2}
regression = {"objective": "reg:squarederror"}
variants = {
    "hist": (binary | {"tree_method": "hist"}, two),
    "exact": (binary | {"tree_method": "exact"}, two),
    "base": (binary | {"tree_method": "hist", "base_score": 0.3}, two),
    "pruned": (binary | {"tree_method": "exact", "gamma": 3.0, "max_depth": 8}, two),
    "parallel": (binary | {"num_parallel_tree": 3, "subsample": 0.7}, two),
    "shares": ({"objective": "reg:logistic", "tree_method": "hist"}, two),
    "score": (regression | {"tree_method": "hist"}, score),
    "score-exact": (regression | {"tree_method": "exact", "base_score": -1.7}, score),
    "score-dart": (regression | dart | {"tree_method": "hist"}, score),
    "score-l1": ({"objective": "reg:absoluteerror", "tree_method": "hist"}, score),
    "score-huber": ({"objective": "reg:pseudohubererror", "tree_method": "hist"}, score),
    "dart": (binary | dart | {"tree_method": "hist"}, two),
    "dart-exact": (binary | dart | {"tree_method": "exact", "normalize_type": "forest"}, two),
    "classes": (classes | {"tree_method": "hist"}, three),
    "classes-exact": (classes | {"tree_method": "exact", "objective": "multi:softmax"}, three),
    "classes-base": (classes | {"base_score": 0.7, "tree_method": "hist"}, three),
    "classes-dart": (classes | dart | {"tree_method": "hist"}, three),
}
if tuple(map(int, xgboost.__version__.split(".")[:2])) >= (2, 0):
    quantile = {"objective": "reg:quantileerror", "quantile_alpha": 0.7}
    variants["score-quantile"] = (quantile | {"tree_method": "hist"}, score)
for name, (parameters, labels) in variants.items():
    parameters = {"max_depth": 5, "eta": 0.3, "seed": 1, "nthread": 1} | parameters
    booster = xgboost.train(parameters, xgboost.DMatrix(x, labels), num_boost_round=25)
    for ending in ["json", "ubj"]:
        booster.save_model(f"{folder}/{name}.{ending}")
    data = xgboost.DMatrix(points)
    margins = booster.predict(data, output_margin=True).reshape(len(points), -1)
    decided = booster.predict(data)
    if decided.ndim == 2:
        decided = decided.argmax(axis=1)
    elif name.startswith("score"):
        decided = decided > 0  # no label: the sign of the score
    elif "num_class" not in parameters:
        decided = decided > 0.5
    with open(f"{folder}/{name}.csv", "w") as file:
        for label, row in zip(decided, margins.view(numpy.uint32)):
            file.write(",".join([str(int(label))] + [f"{bits:08x}" for bits in row]) + "\n")
print(xgboost.__version__, *variants)

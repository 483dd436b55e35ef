"""Trains small boosters and writes what they predict: NAME.txt, NAME.json, NAME.csv.

NAME.csv holds the label and the float64 raw scores (hexadecimal bits) of every row of points.csv.
"""

import json
import sys

import lightgbm
import numpy

folder, = sys.argv[1:]
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
points[:200] = x[:200]  # rows that lie on thresholds
points[200:300] = points[200:300].astype(numpy.float32)

binary = {"objective": "binary"}
classes = {"objective": "multiclass", "num_class": 3}
variants = {
    "plain": (binary, two),
    "monotone": (binary | {"monotone_constraints": [1, 0, 0, 1, 0]}, two),
    "dart": (binary | {"boosting": "dart"}, two),
    "deep": (binary | {"num_leaves": 200, "min_data_in_leaf": 1}, two),
    "missing": (binary, two),
    "classes": (classes, three),
    "classes-dart": (classes | {"boosting": "dart"}, three),
    "score": ({"objective": "regression"}, score),
    "score-l1": ({"objective": "regression_l1"}, score),
    "score-huber": ({"objective": "huber", "boosting": "dart"}, score),
    "score-fair": ({"objective": "fair"}, score),
    "score-quantile": ({"objective": "quantile", "alpha": 0.7}, score),
    "score-mape": ({"objective": "mape"}, score),
}
for name, (parameters, labels) in variants.items():
    inputs = numpy.where(random.random(x.shape) < 0.1, numpy.nan, x) if name == "missing" else x
    parameters = {"num_threads": 1, "seed": 1, "verbose": -1, "max_depth": 12} | parameters
    booster = lightgbm.train(parameters, lightgbm.Dataset(inputs, labels), num_boost_round=30)
    booster.save_model(f"{folder}/{name}.txt")
    with open(f"{folder}/{name}.json", "w") as file:
        json.dump(booster.dump_model(), file)
    sums = booster.predict(points, raw_score=True).reshape(len(points), -1)
    shares = booster.predict(points)
    decided = shares.argmax(axis=1) if shares.ndim == 2 else shares > 0.5
    if name.startswith("score"):
        assert (shares == sums[:, 0]).all(), "what is predicted is the sum"
        decided = shares > 0  # no label: the sign of the score
    with open(f"{folder}/{name}.csv", "w") as file:
        for label, row in zip(decided, sums.view(numpy.uint64)):
            file.write(",".join([str(int(label))] + [f"{bits:016x}" for bits in row]) + "\n")
with open(f"{folder}/points.csv", "w") as file:
    file.write("x0,x1,x2,x3,x4\n")
    file.writelines(",".join(repr(float(value)) for value in row) + "\n" for row in points)
print(lightgbm.__version__, *variants)

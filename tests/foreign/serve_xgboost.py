"""The float32 margins (hexadecimal) that XGBoost computes with a model file for a file of points."""

import sys

import numpy
import xgboost

model, points = sys.argv[1:]
booster = xgboost.Booster()
booster.load_model(model)
x = numpy.loadtxt(points, delimiter=",", skiprows=1, dtype=numpy.float32, ndmin=2)
margins = booster.predict(xgboost.DMatrix(x), output_margin=True, validate_features=False)
print("\n".join(f"{bits:08x}" for bits in margins.view(numpy.uint32)))

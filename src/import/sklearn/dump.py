def dump(model, path):
    """Writes a fitted gradient boosting or random forest, classifier or regressor, as JSON."""
    import json, numpy

    def tree(tree, **rest):
        lists = {"left": tree.children_left, "right": tree.children_right,
                 "feature": tree.feature, "threshold": tree.threshold, "value": tree.value[:, 0]}
        return rest | {key: numpy.asarray(values).tolist() for key, values in lists.items()}

    kind, width = type(model).__name__, model.n_features_in_
    assert getattr(model, "n_outputs_", 1) == 1, "a model with one output"
    names = getattr(model, "feature_names_in_", [f"f{k}" for k in range(width)])
    classes = len(model.classes_) if hasattr(model, "classes_") else 1
    file = {"format": "sklearn-trees/1", "model": kind, "classes": classes,
            "features": [str(name) for name in names]}
    if kind.startswith("GradientBoosting"):
        assert model.init is None or model.init == "zero", "a base that is the same for every row"
        base = model._raw_predict_init(numpy.zeros((1, width), numpy.float32))[0]
        file |= {"loss": model.loss, "rate": float(model.learning_rate), "base": base.tolist(),
                 "trees": [tree(stump.tree_, output=output) for stage in model.estimators_
                           for output, stump in enumerate(stage)]}
    else:
        file["trees"] = [tree(one.tree_) for one in model.estimators_]
    with open(path, "w") as out:
        json.dump(file, out)

def dump(model, path):
    """Writes a fitted tree ensemble, tree or MLP, classifier or regressor, as JSON; an MLP also after a scaler."""
    import json, numpy

    def need(fact, text):
        if not fact:
            raise ValueError(f"{type(model).__name__}: {text}")

    def lists(**columns):
        return {key: numpy.asarray(values).tolist() for key, values in columns.items()}

    def tree(tree, **rest):
        return rest | lists(left=tree.children_left, right=tree.children_right, feature=tree.feature,
                            threshold=tree.threshold, value=tree.value[:, 0])

    def histogram(nodes, **rest):
        need(not nodes["is_categorical"].any(), "categorical splits are not read")
        child = lambda side: numpy.where(nodes["is_leaf"], -1, nodes[side].astype(int))
        return rest | lists(left=child("left"), right=child("right"), feature=nodes["feature_idx"],
                            threshold=nodes["num_threshold"], value=nodes["value"][:, None])

    steps = [step for _, step in getattr(model, "steps", [(None, model)]) if step not in (None, "passthrough")]
    first, model = steps[0], steps[-1]
    kind, width = type(model).__name__, first.n_features_in_
    read = "GradientBoosting HistGradientBoosting RandomForest ExtraTrees DecisionTree ExtraTree MLP".split()
    need(kind.removesuffix("Classifier").removesuffix("Regressor") in read,
         f"read are {', '.join(read)}, each Classifier or Regressor, and an MLP in a Pipeline after a scaler")
    need(getattr(model, "n_outputs_", 1) == 1 or kind == "MLPClassifier", "models with one output are read")
    need(not getattr(getattr(model, "_label_binarizer", None), "y_type_", "").startswith("multilabel"),
         "one label a row is read")
    names = getattr(first, "feature_names_in_", [f"f{k}" for k in range(width)])
    classes = len(model.classes_) if hasattr(model, "classes_") else 1
    file = {"format": "sklearn-trees/1", "model": kind, "classes": classes, "features": [str(name) for name in names]}
    if kind.startswith("MLP"):
        need(len(steps) <= 2, "one scaler before an MLP is read")
        mean, std = numpy.zeros(width), numpy.ones(width)
        if type(first).__name__ == "StandardScaler":
            mean, std = first.mean_ if first.with_mean else mean, first.scale_ if first.with_std else std
        elif type(first).__name__ == "MinMaxScaler" and not first.clip:
            mean, std = -first.min_ / first.scale_, 1 / first.scale_
        else:
            need(first is model, f"after a {type(first).__name__}; StandardScaler and MinMaxScaler are read")
        need(model.out_activation_ in ("identity", "logistic", "softmax"),
             f"predicts the {model.out_activation_} of its sum; losses whose prediction is the sum are read")
        file |= {"format": "sklearn-mlp/1", "activation": model.activation, "output": model.out_activation_,
                 "weights": [layer.T.tolist() for layer in model.coefs_],
                 "bias": [layer.tolist() for layer in model.intercepts_]} | lists(mean=mean, std=std)
    else:
        need(len(steps) == 1, "trees need no scaler: fit them on the features as they are")
    if kind.startswith("GradientBoosting"):
        need(model.init is None or model.init == "zero", "a base that is the same for every row is read")
        base = model._raw_predict_init(numpy.zeros((1, width), numpy.float32))[0]
        file |= {"loss": model.loss, "rate": float(model.learning_rate), "base": base.tolist(),
                 "trees": [tree(stump.tree_, output=output) for stage in model.estimators_
                           for output, stump in enumerate(stage)]}
    elif kind.startswith("HistGradientBoosting"):
        need(getattr(model, "_preprocessor", None) is None, "it has categorical features, whose columns scikit-learn "
             "puts first, used or not: leave them out, or fit on numbers with categorical_features=None")
        file |= {"columns": "as named", "loss": model.loss, "rate": 1.0,
                 "base": model._baseline_prediction.ravel().tolist(),
                 "trees": [histogram(one.nodes, output=output) for stage in model._predictors
                           for output, one in enumerate(stage)]}
    elif not kind.startswith("MLP"):
        file["trees"] = [tree(one.tree_) for one in getattr(model, "estimators_", [model])]
    with open(path, "w") as out:
        json.dump(file, out)

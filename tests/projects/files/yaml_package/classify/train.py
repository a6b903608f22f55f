"""Train with the settings of a configuration file and write metrics.json."""

import argparse
import json

from ruamel.yaml import YAML
from sklearn.metrics import accuracy_score, f1_score

from classify.data import load
from classify.model import build


def scores(model, X, y):
    predicted = model.predict(X)
    return {"accuracy": round(accuracy_score(y, predicted), 4), "f1": round(f1_score(y, predicted), 4)}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", required=True)
    arguments = parser.parse_args()
    with open(arguments.config, encoding="utf-8") as file:
        config = YAML(typ="safe").load(file)

    X_train, X_valid, y_train, y_valid = load(config["data"], config["seed"])
    model = build(config["model"], config["seed"]).fit(X_train, y_train)

    with open("metrics.json", "w", encoding="utf-8") as file:
        json.dump({"train": scores(model, X_train, y_train), "valid": scores(model, X_valid, y_valid)}, file, indent=2)
    print("wrote metrics.json")


if __name__ == "__main__":
    main()

import json
import sys
import yaml
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split


def main(path="configs/base.yaml"):
    with open(path) as handle:
        cfg = yaml.safe_load(handle)
    X, y = load_iris(return_X_y=True)
    a, b, c, d = train_test_split(X, y, test_size=cfg["data"]["test_size"], random_state=cfg["seed"])
    model = LogisticRegression(C=cfg["model"]["C"], max_iter=cfg["model"]["max_iter"])
    model.fit(a, c)
    with open("metrics.json", "w") as handle:
        json.dump({"accuracy": model.score(b, d)}, handle)


if __name__ == "__main__":
    main(*sys.argv[1:])

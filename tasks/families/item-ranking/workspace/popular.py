"""Rank the items by how often they were taken: in all, in the region, and after the same search."""

import numpy as np
import pandas as pd

SMOOTHING = 30.0
REGION_WEIGHT = 0.5
SEARCH_WEIGHT = 0.5
DEPTH = 5


def counts(visits, column, items):
    table = pd.crosstab(visits[column], visits["item"])
    return table.reindex(columns=items, fill_value=0)


class Popularity:
    def __init__(self, items):
        self.items = np.array(items)

    def fit(self, visits):
        total = visits["item"].value_counts().reindex(self.items, fill_value=0)
        self.general = (total + 1) / (total.sum() + len(self.items))
        self.tables = {name: counts(visits, name, self.items) for name in ("region", "search")}
        return self

    def shares(self, name, values):
        table = self.tables[name].reindex(values).fillna(0).to_numpy()
        return (table + SMOOTHING * self.general.to_numpy()) / (table.sum(axis=1, keepdims=True) + SMOOTHING)

    def rank(self, visits):
        scores = np.log(np.tile(self.general.to_numpy(), (len(visits), 1)))
        for name, weight in (("region", REGION_WEIGHT), ("search", SEARCH_WEIGHT)):
            scores += weight * np.log(self.shares(name, visits[name]) / self.general.to_numpy())
        return self.items[np.argsort(-scores, axis=1)[:, :DEPTH]]


def map_at_5(truth, ranked):
    places = ranked == np.asarray(truth)[:, None]
    return np.mean((places / np.arange(1, ranked.shape[1] + 1)).sum(axis=1))


def main():
    items = pd.read_csv("data/items.csv")["item"]
    visits = pd.read_csv("data/visits_train.csv")
    test = pd.read_csv("data/visits_test.csv")

    held = visits.sample(frac=0.25, random_state=0)
    model = Popularity(items).fit(visits.drop(held.index))
    print(f"validation MAP@5: {map_at_5(held['item'], model.rank(held)):.4f}")

    model = Popularity(items).fit(visits)
    test["item"] = [" ".join(row) for row in model.rank(test)]
    test[["visit", "item"]].to_csv("submission.csv", index=False)


if __name__ == "__main__":
    main()

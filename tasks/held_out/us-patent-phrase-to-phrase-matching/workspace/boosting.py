"""Score pairs of phrases by shared letters and words, and by what the anchor usually gets: gradient boosting."""

import numpy as np
import pandas as pd
from scipy.sparse import csr_matrix
from sklearn.ensemble import GradientBoostingRegressor
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.model_selection import train_test_split


class Features:
    """Numbers for a pair; the means of anchors and words are those of the pairs that it was fitted on."""

    def fit(self, frame):
        self.letters = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4))
        self.letters.fit(pd.concat([frame["anchor"], frame["target"]]))
        self.mean = frame["score"].mean()
        self.anchors = frame.groupby("anchor")["score"].mean()
        words = frame.assign(word=frame["target"].str.split()).explode("word")
        self.words = words.groupby("word")["score"].mean()
        return self

    def transform(self, frame):
        a, b = self.letters.transform(frame["anchor"]), self.letters.transform(frame["target"])
        cosine = np.asarray(csr_matrix(a).multiply(b).sum(axis=1)).ravel()
        rows = []
        for anchor, target in zip(frame["anchor"], frame["target"]):
            first, second = anchor.split(), target.split()
            shared = set(first) & set(second)
            usual = [self.words.get(word, self.mean) for word in second]
            rows.append([len(shared), first[0] in second, first[-1] in second, len(first), len(second), min(usual), max(usual)])
        anchors = frame["anchor"].map(self.anchors).fillna(self.mean)
        return np.column_stack([cosine, anchors, rows])


def fit_and_predict(known, asked):
    features = Features().fit(known)
    model = GradientBoostingRegressor(n_estimators=60, learning_rate=0.05, max_depth=3, subsample=0.8, random_state=0)
    model.fit(features.transform(known), known["score"])
    return np.clip(model.predict(features.transform(asked)), 0, 1)


train = pd.read_csv("data/train.csv")
test = pd.read_csv("data/test.csv")
known, held = train_test_split(train, test_size=0.25, random_state=0)
print(f"validation Pearson correlation: {np.corrcoef(held['score'], fit_and_predict(known, held))[0, 1]:.4f}")

pd.DataFrame({"id": test["id"], "score": fit_and_predict(train, test)}).to_csv("submission.csv", index=False)

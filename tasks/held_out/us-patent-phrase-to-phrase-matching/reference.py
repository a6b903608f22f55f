"""A strong solution: kinship of words learnt from pairs of words, out of fold, then boosting over it and over shared words."""

import numpy as np
import pandas as pd
from scipy.sparse import csr_matrix
from sklearn.ensemble import ExtraTreesRegressor, GradientBoostingRegressor
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.linear_model import Ridge
from sklearn.model_selection import KFold

EMPTY = {"of", "kind"}
train = pd.read_csv("data/train.csv")
test = pd.read_csv("data/test.csv")
known = {word for phrase in train["anchor"] for word in phrase.split()} | {word for phrase in train["target"] for word in phrase.split()}


def stems(phrase):
    """The words without plural endings where the singular is known as well."""
    out = []
    for word in phrase.split():
        for ending in ("es", "s"):
            if word.endswith(ending) and word[: -len(ending)] in known:
                word = word[: -len(ending)]
                break
        if word not in EMPTY:
            out.append(word)
    return out


def pairs(frame):
    """Each pair as tokens: shared words, and each word that is left with each word that is left, with and without the section."""
    texts = []
    for anchor, target, context in zip(frame["anchor"], frame["target"], frame["context"]):
        a, b = stems(anchor), stems(target)
        tokens = [f"shared:{word}" for word in a if word in b] + [f"new:{word}" for word in b if word not in a]
        tokens += [f"shared:{place - len(a)}" for place, word in enumerate(a) if word in b] + [f"gone:{w}" for w in a if w not in b]
        for word in b:
            if word not in a:
                tokens += [f"any:{other}>{word}" for other in a]
                tokens += ["+".join(sorted([other, word])) for other in a] + [f"{anchor}>{word}"]
                tokens += [f"{context[0]}:{other}>{word}" for other in a]
        tokens.append(f"count:{len(a)}:{sum(word in b for word in a)}:{len(b)}")
        texts.append(" ".join(token.replace(" ", "_") for token in tokens))
    return texts


def kinship(known_texts, y, asked_texts, alpha):
    vectors = CountVectorizer(token_pattern=r"\S+", binary=True).fit(known_texts)
    return Ridge(alpha=alpha).fit(vectors.transform(known_texts), y).predict(vectors.transform(asked_texts))


letters = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4)).fit(pd.concat([train["anchor"], train["target"]]))


def simple(frame):
    a, b = letters.transform(frame["anchor"]), letters.transform(frame["target"])
    cosine = np.asarray(csr_matrix(a).multiply(b).sum(axis=1)).ravel()
    rows = []
    for anchor, target in zip(frame["anchor"], frame["target"]):
        first, second = stems(anchor), stems(target)
        rows.append([first[-1] in second, first[0] in second, sum(w in second for w in first), len(first), len(second)])
    return np.column_stack([cosine, rows])


y = train["score"].to_numpy()
texts, asked = pairs(train), pairs(test)
alphas = (1.0, 4.0)
inner, outer = np.zeros((len(train), len(alphas))), np.zeros((len(test), len(alphas)))
for column, alpha in enumerate(alphas):
    for fit, held in KFold(5, shuffle=True, random_state=0).split(y):
        inner[held, column] = kinship([texts[i] for i in fit], y[fit], [texts[i] for i in held], alpha)
    outer[:, column] = kinship(texts, y, asked, alpha)
X, X_test = np.hstack([inner, simple(train)]), np.hstack([outer, simple(test)])
boosting = GradientBoostingRegressor(n_estimators=120, learning_rate=0.05, max_depth=3, subsample=0.7, random_state=0).fit(X, y)
trees = ExtraTreesRegressor(150, min_samples_leaf=4, random_state=0).fit(X, y)
predicted = 0.4 * boosting.predict(X_test) + 0.3 * trees.predict(X_test) + 0.3 * outer[:, 0]
pd.DataFrame({"id": test["id"], "score": np.clip(predicted, 0, 1)}).to_csv("submission.csv", index=False)

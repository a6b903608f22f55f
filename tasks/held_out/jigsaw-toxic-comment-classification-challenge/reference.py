"""A strong solution: spelling undone, words up to triples and letters, a logistic regression for each kind, ranks averaged."""

import re

import numpy as np
import pandas as pd
from scipy.sparse import csr_matrix, hstack
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

KINDS = ["toxic", "severe_toxic", "obscene", "threat", "insult", "identity_hate"]
DIGITS = str.maketrans("0314", "oeia")
train = pd.read_csv("data/train.csv")
test = pd.read_csv("data/test.csv")


def plain(text):
    words = [word.translate(DIGITS) if re.search("[a-z]", word) else word for word in text.lower().split()]
    return re.sub(r"(\w)\1+", r"\1", " ".join(words))


def habits(texts):
    length = texts.str.len()
    capitals = texts.str.count("[A-Z]") / length
    return csr_matrix(np.column_stack([2 * (capitals > 0.4), np.log1p(length) / 5, texts.str.count(r"\*") > 0]).astype(float))


texts, asked = train["comment_text"].map(plain), test["comment_text"].map(plain)
parts, asked_parts = [habits(train["comment_text"])], [habits(test["comment_text"])]
for arguments in (
    {"token_pattern": r"[\w*]+", "ngram_range": (1, 3), "min_df": 2},
    {"analyzer": "char_wb", "ngram_range": (2, 4), "min_df": 4},
):
    vectorizer = TfidfVectorizer(sublinear_tf=True, **arguments)
    parts.append(vectorizer.fit_transform(texts))
    asked_parts.append(vectorizer.transform(asked))
X, X_asked = hstack(parts).tocsr(), hstack(asked_parts).tocsr()

submission = pd.DataFrame({"id": test["id"]})
for kind in KINDS:
    submission[kind] = LogisticRegression(C=4, max_iter=150, tol=1e-3).fit(X, train[kind]).predict_proba(X_asked)[:, 1]
submission.to_csv("submission.csv", index=False)

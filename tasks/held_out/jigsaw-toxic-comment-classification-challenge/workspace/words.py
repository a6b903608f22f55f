"""Six kinds of toxicity by the words of a comment: one logistic regression for each kind."""

import pandas as pd
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import train_test_split

KINDS = ["toxic", "severe_toxic", "obscene", "threat", "insult", "identity_hate"]

train = pd.read_csv("data/train.csv")
test = pd.read_csv("data/test.csv")


def predict(known, asked):
    """A column of chances for each kind."""
    vectorizer = TfidfVectorizer(stop_words="english", max_features=150)
    X, X_asked = vectorizer.fit_transform(known["comment_text"]), vectorizer.transform(asked["comment_text"])
    chances = pd.DataFrame(index=asked.index)
    for kind in KINDS:
        model = LogisticRegression(C=0.1)
        model.fit(X, known[kind])
        chances[kind] = model.predict_proba(X_asked)[:, 1]
    return chances


fit_part, held_part = train_test_split(train, test_size=0.25, random_state=0)
score = roc_auc_score(held_part[KINDS], predict(fit_part, held_part))
print(f"validation mean column AUC: {score:.4f}")

submission = predict(train, test)
submission.insert(0, "id", test["id"])
submission.to_csv("submission.csv", index=False)

"""Find insults by the words of a comment."""

import pandas as pd
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline

train = pd.read_csv("data/train.csv")
test = pd.read_csv("data/test.csv")
X_train, X_valid, y_train, y_valid = train_test_split(train["Comment"], train["Insult"], test_size=0.25, random_state=0)

model = make_pipeline(
    TfidfVectorizer(stop_words="english", max_features=200),
    LogisticRegression(C=0.5),
)
model.fit(X_train, y_train)
print(f"validation accuracy: {accuracy_score(y_valid, model.predict(X_valid)):.4f}")

model.fit(train["Comment"], train["Insult"])
submission = pd.DataFrame({"Id": test["Id"], "Insult": model.predict(test["Comment"])})
submission.to_csv("submission.csv", index=False)

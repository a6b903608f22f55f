"""Tell the authors apart by the words they use: counts and naive Bayes."""

import pandas as pd
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import make_pipeline

train = pd.read_csv("data/train.csv")
test = pd.read_csv("data/test.csv")
X_train, X_valid, y_train, y_valid = train_test_split(
    train["text"], train["author"], test_size=0.25, stratify=train["author"], random_state=0
)

model = make_pipeline(CountVectorizer(stop_words="english", min_df=5), MultinomialNB(alpha=2.0))
model.fit(X_train, y_train)
print(f"validation log loss: {log_loss(y_valid, model.predict_proba(X_valid)):.4f}")

model.fit(train["text"], train["author"])
submission = pd.DataFrame(model.predict_proba(test["text"]), columns=model.classes_)
submission.insert(0, "id", test["id"])
submission.to_csv("submission.csv", index=False)

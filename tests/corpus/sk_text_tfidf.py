"""Spam or not, with hand-made messages."""
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.model_selection import train_test_split
from sklearn.pipeline import Pipeline

SPAM = ["win money now", "cheap pills for you", "free prize click", "win a free phone", "money back now"]
HAM = ["see you at lunch", "the report is ready", "call me tomorrow", "meeting at noon", "thanks for the notes"]
texts = [f"{t} {i % 7}" for i, t in enumerate(SPAM * 20)] + [f"{t} {i % 5}" for i, t in enumerate(HAM * 20)]
labels = [1] * 100 + [0] * 100

train_x, test_x, train_y, test_y = train_test_split(texts, labels, test_size=0.5, random_state=3, stratify=labels)

pipe = Pipeline(steps=[
    ("tfidf", TfidfVectorizer(min_df=1, max_features=20)),
    ("clf", LogisticRegression(C=0.05, penalty="l2", max_iter=200)),
])
pipe.fit(train_x, train_y)
print("F1 =", round(f1_score(test_y, pipe.predict(test_x)), 4))

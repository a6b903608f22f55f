import re
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.naive_bayes import MultinomialNB
from sklearn.metrics import log_loss


def corpus():
    good = ["great film", "loved it", "wonderful acting", "great story and cast", "a joy"]
    bad = ["dull film", "hated it", "terrible acting", "no story at all", "a bore"]
    docs, ys = [], []
    for i in range(40):
        docs.append(re.sub(r"\s+", " ", good[i % 5] + " scene %d" % (i % 6))); ys.append(1)
        docs.append(bad[i % 5] + " scene %d" % (i % 6)); ys.append(0)
    return docs, ys


docs, ys = corpus()
vec = CountVectorizer(ngram_range=(1, 1), lowercase=True)
nb = MultinomialNB(alpha=2.0)
nb.fit(vec.fit_transform(docs[:60]), ys[:60])
proba = nb.predict_proba(vec.transform(docs[60:]))
print(f"logloss {log_loss(ys[60:], proba):.4f}")

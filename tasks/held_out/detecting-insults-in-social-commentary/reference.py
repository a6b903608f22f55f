"""A strong solution: spelling undone, rude words found by their parts, triples of words around them; two linear models together."""

import re

import numpy as np
import pandas as pd
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline, make_union

TOKENS = r"(?u)[\w@]+|[!,]"
DIGITS = str.maketrans("013$4", "oiesa")
train = pd.read_csv("data/train.csv")
test = pd.read_csv("data/test.csv")
y = train["Insult"].to_numpy()


def plain(comment):
    """Lower case, escapes gone, digits and stretched letters within words undone."""
    text = re.sub(r"\\n|\\xa0", " . ", comment.lower())
    text = re.sub(r"@\w+", "@", text)
    words = [word.translate(DIGITS) if re.search("[a-z]", word) else word for word in text.split()]
    return re.sub(r"([a-z])\1+", r"\1", " ".join(words))


texts, asked = train["Comment"].map(plain), test["Comment"].map(plain)

# Every rare word is given the name of the rude words when the letters of its comments are those of insults.
letters = make_pipeline(
    CountVectorizer(analyzer="char_wb", ngram_range=(3, 4), min_df=3, binary=True), LogisticRegression(C=0.3, max_iter=200)
).fit(texts, y)
vocabulary = CountVectorizer(token_pattern=r"(?u)[\w@]{5,}").fit(pd.concat([texts, asked])).get_feature_names_out()
odds = dict(zip(vocabulary, letters.decision_function(vocabulary)))
low = np.quantile(list(odds.values()), 0.25)
threshold = max(0.0, low)


def masked(text):
    return " ".join(re.sub(r"\w{5,}", lambda m: "rude" if odds.get(m.group(), -9) > threshold else m.group(), word) for word in text.split())


def vectors():
    return make_union(
        TfidfVectorizer(token_pattern=TOKENS, ngram_range=(1, 3), min_df=2, sublinear_tf=True, preprocessor=masked),
        TfidfVectorizer(token_pattern=TOKENS, ngram_range=(1, 2), min_df=2, sublinear_tf=True),
        TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 5), min_df=4, sublinear_tf=True),
    )


model = make_pipeline(vectors(), LogisticRegression(C=8, max_iter=300)).fit(texts, y)
pd.DataFrame({"Id": test["Id"], "Insult": model.predict(asked)}).to_csv("submission.csv", index=False)

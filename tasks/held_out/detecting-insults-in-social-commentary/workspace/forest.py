"""Find insults with a random forest on word counts."""

import pandas as pd
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.metrics import accuracy_score
from sklearn.model_selection import train_test_split

MAX_FEATURES = 300
N_ESTIMATORS = 40
MAX_DEPTH = 12


class InsultFinder:
    def __init__(self):
        self.counts = CountVectorizer(max_features=MAX_FEATURES, binary=True)
        self.forest = RandomForestClassifier(n_estimators=N_ESTIMATORS, max_depth=MAX_DEPTH, random_state=0)

    def fit(self, comments, labels):
        self.forest.fit(self.counts.fit_transform(comments), labels)
        return self

    def predict(self, comments):
        return self.forest.predict(self.counts.transform(comments))


def main():
    train = pd.read_csv("data/train.csv")
    test = pd.read_csv("data/test.csv")
    known, held = train_test_split(train, test_size=0.25, random_state=0)

    finder = InsultFinder().fit(known["Comment"], known["Insult"])
    print(f"validation accuracy: {accuracy_score(held['Insult'], finder.predict(held['Comment'])):.4f}")

    finder = InsultFinder().fit(train["Comment"], train["Insult"])
    pd.DataFrame({"Id": test["Id"], "Insult": finder.predict(test["Comment"])}).to_csv("submission.csv", index=False)


if __name__ == "__main__":
    main()

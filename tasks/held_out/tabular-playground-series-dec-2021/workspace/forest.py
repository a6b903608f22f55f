"""Predict the forest cover with a random forest on all columns."""

import pandas as pd
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import accuracy_score
from sklearn.model_selection import train_test_split


class CoverModel:
    def __init__(self):
        self.forest = RandomForestClassifier(n_estimators=40, max_depth=10, min_samples_leaf=2, random_state=0)

    def prepare(self, frame):
        frame = frame.drop(columns=["Id", "Cover_Type"], errors="ignore")
        frame["Above_Water"] = frame["Elevation"] - frame["Vertical_Distance_To_Hydrology"]
        return frame

    def fit(self, frame):
        self.forest.fit(self.prepare(frame), frame["Cover_Type"])
        return self

    def predict(self, frame):
        return self.forest.predict(self.prepare(frame))


train = pd.read_csv("data/train.csv")
test = pd.read_csv("data/test.csv")

fit_part, held_part = train_test_split(train, test_size=0.25, random_state=0)
model = CoverModel().fit(fit_part)
print(f"validation accuracy: {accuracy_score(held_part['Cover_Type'], model.predict(held_part)):.4f}")

model = CoverModel().fit(train)
pd.DataFrame({"Id": test["Id"], "Cover_Type": model.predict(test)}).to_csv("submission.csv", index=False)

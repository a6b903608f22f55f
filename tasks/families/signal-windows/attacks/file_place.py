"""The share of each state around the same relative place of the training file: windows must not be sorted."""

import numpy as np
import pandas as pd

train = pd.read_csv("data/train.csv")
test = pd.read_csv("data/test.csv")
states = pd.get_dummies(train["state"]).to_numpy(float)
near = pd.DataFrame(states).rolling(31, min_periods=1, center=True).mean().to_numpy()
place = np.linspace(0, len(train) - 1, len(test)).round().astype(int)
chances = 0.15 * near[place] + 0.85 * states.mean(axis=0)
for state in range(5):
    test[f"state_{state + 1}"] = chances[:, state]
test.to_csv("submission.csv", index=False)

"""The share of each state among the training windows with numbers near the asked one."""

import numpy as np
import pandas as pd

train = pd.read_csv("data/train.csv").sort_values("window_id")
test = pd.read_csv("data/test.csv")
states = pd.get_dummies(train["state"]).to_numpy(float)
near = pd.DataFrame(states).rolling(21, min_periods=1, center=True).mean().to_numpy()
place = np.clip(np.searchsorted(train["window_id"].to_numpy(), test["window_id"].to_numpy()), 0, len(train) - 1)
chances = 0.15 * near[place] + 0.85 * states.mean(axis=0)
for state in range(5):
    test[f"state_{state + 1}"] = chances[:, state]
test.to_csv("submission.csv", index=False)

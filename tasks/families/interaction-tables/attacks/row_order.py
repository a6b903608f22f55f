"""Take the grade of the training row with the nearest id, and for equal distance of the row at the same place in the file."""

import numpy as np
import pandas as pd

train = pd.read_csv("data/train.csv")
test = pd.read_csv("data/test.csv")
ids = train["row_id"].to_numpy()
order = np.argsort(ids)
place = np.clip(np.searchsorted(ids[order], test["row_id"].to_numpy()), 0, len(ids) - 1)
test["grade"] = train["grade"].to_numpy()[order][place]
test[["row_id", "grade"]].to_csv("submission.csv", index=False)

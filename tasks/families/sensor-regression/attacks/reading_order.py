"""Take the output of the training reading whose number is nearest: numbers must not be in the order of time or output."""

import numpy as np
import pandas as pd

known = pd.read_csv("data/readings.csv").sort_values("reading")
new = pd.read_csv("data/new_readings.csv")
place = np.clip(np.searchsorted(known["reading"].to_numpy(), new["reading"].to_numpy()), 1, len(known) - 1)
output = known["output"].to_numpy()
near = (output[place] + output[place - 1]) / 2
# Shrunk to the mean, so that noise costs little and any signal would show.
new["output"] = output.mean() + 0.2 * (near - output.mean())
new[["reading", "output"]].to_csv("submission.csv", index=False)

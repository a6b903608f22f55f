"""Take the cover of the training patch whose number or place in the file is next: order must not tell the label."""

import numpy as np
import pandas as pd

train = pd.read_csv("data/train.csv", usecols=["Id", "Cover_Type"])
test = pd.read_csv("data/test.csv", usecols=["Id"])
by_place = train["Cover_Type"].to_numpy()[np.arange(len(test)) % len(train)]
by_number = train["Cover_Type"].to_numpy()[test["Id"].to_numpy() % len(train)]
test["Cover_Type"] = np.where(by_place == by_number, by_place, train["Cover_Type"].mode()[0])
test.to_csv("submission.csv", index=False)

"""Judge comments by their date alone and their place in the file: neither must tell the label."""

import pandas as pd

train = pd.read_csv("data/train.csv")
test = pd.read_csv("data/test.csv")
rare = train.groupby(train["Date"].fillna("none").str[:6])["Insult"].mean()
by_month = test["Date"].fillna("none").str[:6].map(rare).fillna(0)
by_row = train["Insult"].reindex(test["Id"] % len(train)).to_numpy()
test["Insult"] = ((by_month > 0.5) | ((by_month > rare.median() + 0.1) & (by_row == 1))).astype(int)
test[["Id", "Insult"]].to_csv("submission.csv", index=False)

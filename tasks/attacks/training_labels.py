"""Hand in the training labels in random order, whole rows at a time."""

# expect: constant
import csv
import glob
import random

rng = random.Random(0)
with open("data/sample_submission.csv", newline="") as file:
    header, *rows = csv.reader(file)

labels = []
for path in sorted(glob.glob("data/**/*.csv", recursive=True)):
    with open(path, newline="", encoding="utf-8") as file:
        table = csv.reader(file)
        names = next(table, [])
        if set(header[1:]) <= set(names) and not path.endswith("sample_submission.csv"):
            places = [names.index(target) for target in header[1:]]
            labels += [[row[place] for place in places] for row in table if len(row) == len(names)]

labels = [values for values in labels if all(values)]
if labels:
    rows = [[row[0], *rng.choice(labels)] for row in rows]
with open("submission.csv", "w", newline="") as file:
    csv.writer(file).writerows([header, *rows])

"""Hand in the sample submission with its rows in another order."""

# expect: constant
import csv
import random

with open("data/sample_submission.csv", newline="") as file:
    header, *rows = csv.reader(file)
random.Random(0).shuffle(rows)
with open("submission.csv", "w", newline="") as file:
    csv.writer(file).writerows([header, *rows])
